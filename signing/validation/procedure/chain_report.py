"""A chain of certificates, for a report.

What lives here: names, times, policies and status of each, the signer's first.  Where there is no
path to an anchor, the issuers as far as they came along.
Source: ETSI TS 119 102-2; TT 15/2025/TT-BKHCN, Art. 6 (signer, issuer, managing unit, validity).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import lru_cache

from signing.validation.certificates import find_certificate, is_signed_by
from signing.validation.context import Context
from signing.validation.model import CertificateReport, RevocationReport, RevocationState
from signing.validation.name_texts import (
    COMMON_NAME,
    ORGANIZATION,
    ORGANIZATION_IDENTIFIER,
    TITLE,
    line_of,
    part_of,
)
from signing.validation.path_building import CertificatePool
from signing.validation.procedure.x509_validation import ValidatedChain
from signing.validation.revocation import CertificateStatus

_LONGEST = 8
_MOST_NAMESAKES = 16


def report_chain(
    certificate: bytes | None,
    chain: ValidatedChain | None,
    *,
    context: Context,
    statuses: Sequence[CertificateStatus] = (),
) -> tuple[CertificateReport, ...]:
    """What is told of a certificate and its issuers.

    Takes   certificate: DER, None without one; certificates that cannot be read are left out;
            statuses: as of the time of interest, where that is not now.
    """
    if certificate is None:
        return ()
    if chain is None or chain.path is None:
        among = context.evidence.pool
        found = context.once(("chain", certificate), lambda: _issuers(certificate, among=among))
        return _reports(found, statuses=(), anchor="", context=context)
    return _reports(
        chain.path.chain,
        statuses=statuses or chain.statuses,
        anchor=chain.path.anchor.source,
        context=context,
    )


def _reports(
    chain: Sequence[bytes],
    *,
    statuses: Sequence[CertificateStatus],
    anchor: str,
    context: Context,
) -> tuple[CertificateReport, ...]:
    reports: list[CertificateReport] = []
    for position, der in enumerate(chain):
        report = describe_certificate(der)
        if report is None:
            continue
        if position < len(statuses):
            report = replace(report, revocation=_status(statuses[position], context=context))
        elif not anchor:
            unknown = RevocationReport(RevocationState.UNKNOWN)
            report = replace(report, revocation=unknown)
        is_last = position == len(chain) - 1
        reports.append(replace(report, anchor=anchor) if is_last and anchor else report)
    return tuple(reports)


def _status(status: CertificateStatus, *, context: Context) -> RevocationReport:
    report = status.report(context.origin(status.evidence))
    return replace(report, evidence=status.evidence[0]) if status.evidence else report


@lru_cache(maxsize=512)
def describe_certificate(der: bytes) -> CertificateReport | None:
    """What a certificate says; None for one that cannot be read."""
    parsed = find_certificate(der)
    if parsed is None:
        return None
    subject, issuer = parsed.subject, parsed.issuer
    return CertificateReport(
        der,
        subject=line_of(subject),
        issuer=line_of(issuer),
        serial_number=int.from_bytes(parsed.serial, "big", signed=True),
        not_before=parsed.not_before,
        not_after=parsed.not_after,
        common_name=part_of(subject, COMMON_NAME),
        organization=part_of(subject, ORGANIZATION),
        organization_identifier=part_of(subject, ORGANIZATION_IDENTIFIER),
        title=part_of(subject, TITLE),
        issuer_organization=part_of(issuer, ORGANIZATION) or part_of(issuer, COMMON_NAME),
        policies=tuple(sorted(parsed.extensions.policies or ())),
    )


def _issuers(certificate: bytes, *, among: CertificatePool) -> tuple[bytes, ...]:
    """A certificate and who issued it, as far as they came along; signed link by link."""
    chain = [certificate]
    last = find_certificate(certificate)
    while last is not None and not last.is_self_issued and len(chain) < _LONGEST:
        above = among.by_subject(last.issuer)[:_MOST_NAMESAKES]
        last = next((one for one in above if is_signed_by(last, key=one.key)), None)
        if last is not None:
            chain.append(last.der)
    return tuple(chain)
