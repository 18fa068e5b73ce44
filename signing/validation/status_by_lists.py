"""The state of a certificate by revocation lists, step by step beside the standard.

What lives here: RFC 5280 §6.3.3: for each distribution point, the lists that are about the
certificate, whole, partitioned, indirect, for some reasons, with their deltas.
Source: RFC 5280 §6.3.2 and §6.3.3, §5.2.4 (deltas), §5.2.5 (scope); X.509 §9.5.2.6 (certificates
that ended).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Final

from signing.validation.certificate_extensions import DistributionPoint
from signing.validation.certificates import Certificate, find_certificate
from signing.validation.der_values import DIRECTORY, UNREADABLE, GeneralName
from signing.validation.model import RevocationState
from signing.validation.names import (
    ComparableName,
    comparable,
    comparable_names,
    point_names,
)
from signing.validation.paths import CertificatePath
from signing.validation.revocation_lists import Entry, RevocationList
from signing.validation.status import CertificateStatus
from signing.validation.status_evidence import Inquiry
from signing.validation.status_signers import Signer, find_list_signer
from signing.validation.verdict import Reason, because

_ALL: Final = frozenset(range(1, 9))
"""Bits of ReasonFlags (§4.2.1.13); the first is unused."""
_MOST_POINTS: Final = 32
_REMOVED: Final = "removeFromCRL"
_HOLD: Final = "certificateHold"


@dataclass(frozen=True, slots=True)
class _Point:
    """A distribution point: its names in the form that compares, None without; DER of issuers."""

    names: frozenset[ComparableName | GeneralName] | None
    reasons: frozenset[int]
    issuers: tuple[bytes, ...]


@dataclass(frozen=True, slots=True)
class _Use:
    """A list that counts, with its delta."""

    base: RevocationList
    delta: RevocationList | None
    signer: Signer
    entry: Entry | None
    reasons: frozenset[int]


def find_by_lists(path: CertificatePath, *, position: int, inquiry: Inquiry) -> CertificateStatus:
    """The state by the lists that there are.

    For each distribution point of the certificate, and then for its issuer's own lists, as long as
    some reasons are not covered (§6.3.3, the letters at the steps are the standard's).

    Returns UNKNOWN when the lists that count do not cover every reason, with why others do not
    count.  Never raises.
    """
    certificate = find_certificate(path.certificates[position])
    if certificate is None:
        return CertificateStatus(RevocationState.UNKNOWN)
    covered: frozenset[int] = frozenset()
    uses: list[_Use] = []
    findings: list[Reason] = []
    for point in _points(certificate):
        for found in _lists(point, certificate=certificate, inquiry=inquiry):
            if covered >= _ALL:
                break
            use = _use(found, point, covered, certificate, path, position, inquiry)
            if isinstance(use, Reason):
                findings.append(use)
                continue
            uses.append(use)
            # (l) what is covered now
            covered |= use.reasons
            if use.entry is not None:
                return _conclude(uses, findings, inquiry=inquiry)
    if covered >= _ALL:
        return _conclude(uses, findings, inquiry=inquiry)
    if uses:
        findings.append(because("crl_reasons_incomplete"))
    return CertificateStatus(
        RevocationState.UNKNOWN, "crl" if uses else "", findings=tuple(dict.fromkeys(findings))
    )


def revoked(entry: Entry, *, status: CertificateStatus, inquiry: Inquiry) -> CertificateStatus:
    """A status with what an entry says, at the time of interest."""
    state = RevocationState.GOOD
    if entry.revoked_at <= inquiry.at:
        is_hold = entry.reason == _HOLD
        state = RevocationState.ON_HOLD if is_hold else RevocationState.REVOKED
    return replace(
        status,
        state=state,
        revoked_at=entry.revoked_at,
        reason=entry.reason,
        invalid_since=entry.invalid_since,
    )


def _points(certificate: Certificate) -> Iterator[_Point]:
    """Those of the certificate, and the one that is its issuer's name (§6.3.3, last paragraph)."""
    for one in certificate.extensions.points[:_MOST_POINTS]:
        try:
            yield _point(one, certificate=certificate)
        except UNREADABLE:
            continue
    try:
        own = comparable(certificate.issuer)
    except UNREADABLE:
        return
    yield _Point(frozenset({own}), _ALL, ())


def _point(point: DistributionPoint, *, certificate: Certificate) -> _Point:
    issuers = tuple(one.value for one in point.issuers if one.kind == DIRECTORY)
    names = None
    if point.name is not None:
        # §4.2.1.13: relative to whoever issues the list
        above = issuers[0] if len(issuers) == 1 else certificate.issuer
        names = point_names(point.name, relative_to=above)
    return _Point(names, _ALL if point.reasons is None else point.reasons & _ALL, issuers)


def _lists(
    point: _Point, *, certificate: Certificate, inquiry: Inquiry
) -> Iterator[RevocationList]:
    """Complete lists of whoever issues them for this point."""
    for issuer in dict.fromkeys(point.issuers) or (certificate.issuer,):
        for one in inquiry.evidence.lists_of(issuer):
            if one.base_number is None:
                yield one


def _use(  # noqa: PLR0917  # the state variables of one loop of the standard
    found: RevocationList,
    point: _Point,
    covered: frozenset[int],
    certificate: Certificate,
    path: CertificatePath,
    position: int,
    inquiry: Inquiry,
) -> _Use | Reason:
    """One list for one distribution point, or why it does not count."""
    # (a) its time
    fault = inquiry.find_time_fault(found.this_update, found.next_update)
    if fault:
        return because(fault, kind="crl", this_update=found.this_update.isoformat())
    try:
        # (b) its scope
        fault = _find_scope_fault(found, point, certificate) or _find_form_fault(found)
        if fault:
            return because(fault)
        # (d), (e) the reasons that it is about
        reasons = point.reasons & (_ALL if found.scope.reasons is None else found.scope.reasons)
        if reasons <= covered:
            return because("crl_reasons_known")
        # (f), (g) who signed it
        signer = find_list_signer(found, path=path, position=position, inquiry=inquiry)
        if isinstance(signer, Reason):
            return signer
        # NOTE: entries are walked through once it is clear whose they are, not a stranger's million
        if inquiry.evidence.has_unknown_entries(found):
            return because("crl_entry_extension_unknown")
        # (c), (h) its delta
        delta = _find_delta(found, signer=signer, inquiry=inquiry)
        # (i), (j), (k) the entry
        entry = _entry(found, delta, certificate)
    except UNREADABLE:
        return because("crl_malformed")
    if entry is None and _is_forgotten(delta or found, certificate):
        return because("crl_after_expiry")
    return _Use(found, delta, signer, entry, reasons)


def _find_scope_fault(found: RevocationList, point: _Point, certificate: Certificate) -> str:
    """Step (b): whether the list is from whom it has to be, and about this certificate.

    Raises  DerMalformed.
    """
    scope = found.scope
    # (1) with a cRLIssuer the list is indirect, without one it is the issuer's own
    if point.issuers and not scope.is_indirect:
        return "crl_not_indirect"
    # (2)(i) the names of the point
    if scope.name is not None:
        names = point_names(scope.name, relative_to=found.issuer)
        wanted = point.names
        if wanted is None:
            wanted = comparable_names(tuple(GeneralName(DIRECTORY, one) for one in point.issuers))
        if names.isdisjoint(wanted):
            return "crl_of_other_point"
    # (2)(ii), (iii), (iv) the kind of certificate
    if scope.only_users and certificate.is_authority:
        return "crl_only_users"
    if scope.only_authorities and not certificate.is_authority:
        return "crl_only_authorities"
    return "crl_only_attributes" if scope.only_attributes else ""


def _find_form_fault(found: RevocationList) -> str:
    """§5.2 (critical extensions), §5.1.1.2 (both algorithms the same)."""
    if not found.is_consistent:
        return "algorithm_differs"
    return "crl_extension_unknown" if found.unknown else ""


def _find_delta(base: RevocationList, *, signer: Signer, inquiry: Inquiry) -> RevocationList | None:
    """Steps (c) and (h): the newest delta that goes on from this list (§5.2.4)."""
    if base.number is None:
        return None
    for one in inquiry.evidence.lists_of(base.issuer):
        if one.base_number is None or one.number is None:
            continue
        is_next = one.base_number <= base.number < one.number
        is_alike = (
            one.scope_der == base.scope_der and one.authority_key_der == base.authority_key_der
        )
        if not is_next or not is_alike or _find_form_fault(one):
            continue
        if inquiry.find_time_fault(one.this_update, one.next_update):
            continue
        is_signed = inquiry.budget.spend() and inquiry.evidence.is_signed(one, key=signer.key)
        if is_signed and not inquiry.evidence.has_unknown_entries(one):
            return one
    return None


def _entry(
    base: RevocationList, delta: RevocationList | None, certificate: Certificate
) -> Entry | None:
    """Steps (i), (j) and (k).

    Raises  DerMalformed.
    """
    if delta is not None:
        newer = delta.find(certificate.serial, issuer=certificate.issuer)
        if newer is not None:
            return None if newer.reason == _REMOVED else newer
    found = base.find(certificate.serial, issuer=certificate.issuer)
    return None if found is not None and found.reason == _REMOVED else found


def _is_forgotten(found: RevocationList, certificate: Certificate) -> bool:
    """Whether the list is from after the certificate's end and need not name it any more."""
    if found.this_update <= certificate.not_after:
        return False
    return found.expired_since is None or found.expired_since > certificate.not_after


def _conclude(uses: list[_Use], findings: list[Reason], *, inquiry: Inquiry) -> CertificateStatus:
    last = uses[-1]
    newest = last.delta or last.base
    pieces = [one for use in uses for one in (use.base, use.delta) if one is not None]
    ends = [one.next_update for one in pieces if one.next_update is not None]
    status = CertificateStatus(
        RevocationState.GOOD,
        kind="crl",
        evidence=tuple(one.der for one in pieces),
        this_update=newest.this_update,
        next_update=min(ends, default=None),
        is_current=all(inquiry.is_current(one.this_update, one.next_update) for one in pieces),
        signers=tuple(dict.fromkeys(use.signer.path for use in uses if use.signer.path)),
        findings=tuple(dict.fromkeys(findings)),
    )
    if last.entry is None:
        return status
    return revoked(last.entry, status=status, inquiry=inquiry)
