"""A chain of certificates, for a report.

What lives here: names, times, policies and status of each, the signer's first.  Where there is no
path to an anchor, the issuers as far as they came along.
Source: ETSI TS 119 102-2; TT 15/2025/TT-BKHCN, Art. 6 (signer, issuer, managing unit, validity).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import lru_cache
from typing import Final

from cryptography import x509
from cryptography.x509.oid import NameOID

from signing.formats.chains import order_chain
from signing.validation.certificates import Certificate, find_certificate
from signing.validation.context import Context
from signing.validation.model import CertificateReport, RevocationReport, RevocationState
from signing.validation.procedure.x509_validation import ValidatedChain
from signing.validation.revocation import CertificateStatus

_ORGANIZATION_IDENTIFIER: Final = NameOID.ORGANIZATION_IDENTIFIER


def report_chain(
    certificate: bytes | None, chain: ValidatedChain | None, *, context: Context
) -> tuple[CertificateReport, ...]:
    """What is told of a certificate and its issuers.

    Takes   certificate: DER, None without one; certificates that cannot be read are left out.
    """
    if certificate is None:
        return ()
    if chain is None or chain.path is None:
        among = context.pool.certificates
        found = context.once(("chain", certificate), lambda: order_chain(certificate, among=among))
        return _reports(found, statuses=(), anchor="", context=context)
    return _reports(
        chain.path.chain, statuses=chain.statuses, anchor=chain.path.anchor.source, context=context
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
    subject, issuer = _name(parsed.subject), _name(parsed.issuer)
    return CertificateReport(
        der,
        subject="" if subject is None else subject.rfc4514_string(),
        issuer="" if issuer is None else issuer.rfc4514_string(),
        serial_number=int.from_bytes(parsed.serial, "big", signed=True),
        not_before=parsed.not_before,
        not_after=parsed.not_after,
        common_name=_one(subject, NameOID.COMMON_NAME),
        organization=_one(subject, NameOID.ORGANIZATION_NAME),
        organization_identifier=_one(subject, _ORGANIZATION_IDENTIFIER),
        title=_one(subject, NameOID.TITLE),
        issuer_organization=_one(issuer, NameOID.ORGANIZATION_NAME)
        or _one(issuer, NameOID.COMMON_NAME),
        policies=_policies(parsed),
    )


def _policies(parsed: Certificate) -> tuple[str, ...]:
    return tuple(sorted(parsed.extensions.policies or ()))


@lru_cache(maxsize=512)
def _name(der: bytes) -> x509.Name | None:
    try:
        return x509.Name.from_bytes(der)
    except ValueError:
        return None


def _one(name: x509.Name | None, kind: x509.ObjectIdentifier) -> str:
    found = [] if name is None else name.get_attributes_for_oid(kind)
    value = found[0].value if found else ""
    return value if isinstance(value, str) else ""
