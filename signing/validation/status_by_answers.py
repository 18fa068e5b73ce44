"""The state of a certificate by answers of responders.

What lives here: the acceptance of an answer, step by step.
Source: RFC 6960 §3.2 (what has to hold), §4.2.2 (who, when), §4.4.4 (archive cutoff), §4.4.8
(revoked because never issued); Common PKI, part 4.
"""

from __future__ import annotations

import hashlib
import hmac

from signing.validation.certificates import Certificate, find_certificate, key_digest
from signing.validation.der_values import UNREADABLE
from signing.validation.model import RevocationState
from signing.validation.paths import CertificatePath
from signing.validation.status import CertificateStatus
from signing.validation.status_answers import Answer, Single
from signing.validation.status_by_lists import revoked
from signing.validation.status_evidence import Inquiry
from signing.validation.status_signers import Issuer, Signer, find_responder, issuer_of
from signing.validation.verdict import Reason, because


def find_by_answers(path: CertificatePath, *, position: int, inquiry: Inquiry) -> CertificateStatus:
    """The state by the newest answer that counts; one that says revoked outweighs it.

    1. It is about this certificate: number, and name and key of its issuer.
    2. It is of its time.
    3. Nothing critical in it is unknown, and a digest of the certificate is this one's.
    4. Its signer may give it.
    5. It says good or revoked; good from after the certificate's end counts only when the responder
       remembers so long.

    Returns UNKNOWN when none counts, with why.  Never raises.
    """
    certificate = find_certificate(path.certificates[position])
    issuer = issuer_of(path, position=position)
    if certificate is None or issuer is None:
        return CertificateStatus(RevocationState.UNKNOWN)
    findings: list[Reason] = []
    usable: list[CertificateStatus] = []
    for answer, single in inquiry.evidence.answers_about(certificate.serial):
        # 1
        if not _is_about(single, certificate=certificate, issuer=issuer):
            continue
        fault = _find_fault(answer, single, certificate=certificate, inquiry=inquiry)
        if fault is not None:
            findings.append(fault)
            continue
        # 4
        signer = find_responder(answer, path=path, position=position, inquiry=inquiry)
        if isinstance(signer, Reason):
            findings.append(signer)
            continue
        found = _conclude(answer, single, signer=signer, inquiry=inquiry)
        if found.state is RevocationState.REVOKED:
            return found
        usable.append(found)
    if usable:
        return usable[0]
    return CertificateStatus(RevocationState.UNKNOWN, findings=tuple(dict.fromkeys(findings)))


def _is_about(single: Single, *, certificate: Certificate, issuer: Issuer) -> bool:
    if not single.hash_name:
        return False
    try:
        key = key_digest(issuer.key_bits, hash_name=single.hash_name)
        names = [hashlib.new(single.hash_name, one).digest() for one in issuer.names]
    except UNREADABLE:
        return False
    is_named = single.issuer_name in names
    return is_named and single.issuer_key == key and single.serial == certificate.serial


def _find_fault(
    answer: Answer, single: Single, *, certificate: Certificate, inquiry: Inquiry
) -> Reason | None:
    # 2
    fault = inquiry.find_time_fault(single.this_update, single.next_update)
    if fault:
        return because(fault, kind="ocsp", this_update=single.this_update.isoformat())
    if answer.produced_at > inquiry.now + inquiry.settings.skew:
        return because("evidence_not_yet", kind="ocsp")
    # 3
    if not answer.is_understood or not single.is_understood:
        return because("ocsp_extension_unknown")
    if not _is_digest_of(single, certificate=certificate):
        return because("ocsp_about_other_certificate")
    # 5
    if single.status == "unknown":
        return because("ocsp_unknown")
    is_late = single.this_update > certificate.not_after
    remembers = single.archive_cutoff is not None and single.archive_cutoff <= certificate.not_after
    if single.status == "good" and is_late and not remembers:
        return because("ocsp_after_expiry")
    return None


def _is_digest_of(single: Single, *, certificate: Certificate) -> bool:
    if single.certificate_digest is None:
        return True
    name, digest = single.certificate_digest
    if not name:
        return False
    try:
        return hmac.compare_digest(hashlib.new(name, certificate.der).digest(), digest)
    except ValueError:
        return False


def _conclude(
    answer: Answer, single: Single, *, signer: Signer, inquiry: Inquiry
) -> CertificateStatus:
    status = CertificateStatus(
        RevocationState.GOOD,
        kind="ocsp",
        evidence=(answer.der,),
        produced_at=answer.produced_at,
        this_update=single.this_update,
        next_update=single.next_update,
        is_current=inquiry.is_current(single.this_update, single.next_update),
        signers=() if signer.path is None else (signer.path,),
        findings=signer.warnings,
    )
    if single.entry is None:
        return status
    return revoked(single.entry, status=status, inquiry=inquiry)
