"""Whether a certificate was revoked, by the evidence that there is.

What lives here: the state of one certificate of a path at a time of interest, out of a heap of
revocation lists and answers, each of which counts only when whoever signed it may.
Source: RFC 5280 §6.3 (lists: `status_by_lists`), RFC 6960 (answers: `status_by_answers`);
EN 319 102-1 §5.2.5, §5.2.6.
Nothing here raises, nothing asks the network.
"""

from __future__ import annotations

from datetime import datetime

from signing.validation.certificates import find_certificate
from signing.validation.model import RevocationState
from signing.validation.paths import CertificatePath
from signing.validation.status import CURRENT, CertificateStatus, StatusSettings
from signing.validation.status_by_answers import find_by_answers
from signing.validation.status_by_lists import find_by_lists
from signing.validation.status_evidence import Evidence, Inquiry

__all__ = [
    "CURRENT",
    "CertificateStatus",
    "Evidence",
    "StatusSettings",
    "find_path_status",
    "find_status",
]


def find_status(
    path: CertificatePath,
    *,
    position: int = 0,
    evidence: Evidence,
    at: datetime,
    settings: StatusSettings = CURRENT,
) -> CertificateStatus:
    """The state of one certificate of a path at a time.

    Takes   path: **validated** before; position: which certificate, 0 the one of interest;
            evidence: the heap, which also holds certificates of those who sign lists for others;
            at: the time of interest, aware.
    Returns the state, by the evidence with the latest `this_update` of those that suffice; one
            that says "revoked" outweighs a later one that does not, unless that lifts a hold.
            Never raises.
    Source  RFC 5280 §6.3.3; RFC 6960 §3.2.
    """
    inquiry = Inquiry(evidence, at, settings, _ask, frozenset(path.certificates[position:][:1]))
    return _ask(path, position, inquiry)


def find_path_status(
    path: CertificatePath,
    *,
    evidence: Evidence,
    at: datetime,
    settings: StatusSettings = CURRENT,
) -> tuple[CertificateStatus, ...]:
    """The state of each certificate of a path, the one of interest first."""
    return tuple(
        find_status(path, position=one, evidence=evidence, at=at, settings=settings)
        for one in range(len(path.certificates))
    )


def _ask(path: CertificatePath, position: int, inquiry: Inquiry) -> CertificateStatus:
    certificate = find_certificate(path.certificates[position])
    if certificate is None:
        return CertificateStatus(RevocationState.UNKNOWN)
    if path.is_anchor or certificate.extensions.needs_no_status:
        return CertificateStatus(RevocationState.NOT_NEEDED)
    found = (
        find_by_answers(path, position=position, inquiry=inquiry),
        find_by_lists(path, position=position, inquiry=inquiry),
    )
    return _outweighing(found)


def _outweighing(found: tuple[CertificateStatus, ...]) -> CertificateStatus:
    """The one that counts; when none does, why each does not."""
    usable = sorted(
        (one for one in found if one.evidence and one.this_update is not None),
        key=lambda one: (one.this_update, one.kind),
        reverse=True,
    )
    if not usable:
        findings = tuple(dict.fromkeys(reason for one in found for reason in one.findings))
        return CertificateStatus(RevocationState.UNKNOWN, findings=findings)
    for one in usable:
        if one.state is RevocationState.REVOKED:
            return one
    # of a hold, and of what was revoked after the time of interest, the newest says most
    return usable[0]
