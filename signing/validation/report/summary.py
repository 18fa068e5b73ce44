"""What every form of a report says first: integrity, times, the certificate, what came after.

What lives here: questions to a `SignatureReport` whose answers stand in the page, in JSON, in the
PDF and in the table of the command alike.  They follow from the checks; nothing is judged anew.
Source: TT 15/2025/TT-BKHCN Art. 6 (what has to be shown).
"""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import Final

from signing.validation.found import TimestampKind
from signing.validation.model import (
    CertificateReport,
    Check,
    DocumentReport,
    RevocationState,
    SignatureReport,
    Step,
)
from signing.validation.verdict import Indication, SubIndication

_DAMAGED: Final = frozenset({"structure_damaged", "damaged", "truncated"})
"""Where there may be a signature that nobody sees any more."""
_BROKEN: Final = frozenset({SubIndication.HASH_FAILURE, SubIndication.SIG_CRYPTO_FAILURE})


class Integrity(StrEnum):
    """Whether what was signed is what is there."""

    INTACT = "intact"
    BROKEN = "broken"
    UNKNOWN = "unknown"


class Answer(StrEnum):
    """What a file comes to, in one word."""

    VALID = "valid"
    INVALID = "invalid"
    UNDETERMINED = "undetermined"
    UNSIGNED = "unsigned"
    UNREADABLE = "unreadable"


def answer_of(report: DocumentReport) -> Answer:
    """The answer for a file."""
    if report.signatures or report.timestamps:
        if report.conclusion.is_passed:
            return Answer.VALID
        return Answer.INVALID if report.conclusion.is_failed else Answer.UNDETERMINED
    found = (*report.conclusion.reasons, *report.findings)
    codes = {reason.code for reason in found}
    is_readable = not codes or ("no_signature" in codes and not codes & _DAMAGED)
    return Answer.UNSIGNED if is_readable else Answer.UNREADABLE


def check_of(signature: SignatureReport, step: Step) -> Check | None:
    """One of its checks; None when it did not come to that."""
    return next((one for one in signature.checks if one.step is step), None)


def integrity_of(signature: SignatureReport) -> Integrity:
    """Whether the octets that were signed are there and unchanged."""
    if signature.conclusion.sub_indication in _BROKEN:
        return Integrity.BROKEN
    if any(one.is_found and not one.is_intact for one in signature.objects):
        return Integrity.BROKEN
    check = check_of(signature, Step.CRYPTOGRAPHY)
    if check is None or check.conclusion.is_indeterminate:
        return Integrity.UNKNOWN
    if check.conclusion.is_failed:
        return Integrity.BROKEN
    return (
        Integrity.INTACT if all(one.is_intact for one in signature.objects) else (Integrity.UNKNOWN)
    )


def is_changed(signature: SignatureReport) -> bool:
    """Whether something was done to the file behind it that it does not allow."""
    return any(not change.is_allowed for change in signature.changes)


def signer_of(signature: SignatureReport) -> CertificateReport | None:
    """The signing certificate."""
    return signature.chain[0] if signature.chain else None


def proved_time(signature: SignatureReport) -> datetime | None:
    """The best signature time, where a timestamp proves it; one of the content alone does not."""
    is_proved = any(
        one.conclusion.is_passed
        and one.kind is not TimestampKind.CONTENT
        and one.generated_at == signature.best_signature_time
        for one in signature.timestamps
    )
    return signature.best_signature_time if is_proved else None


def time_of_interest(signature: SignatureReport) -> datetime | None:
    """When it was signed, as far as it is known: proved, else claimed."""
    return proved_time(signature) or signature.claimed_time


def is_in_validity(signature: SignatureReport) -> bool | None:
    """Whether the certificate was within its validity when it signed; None: not known."""
    signer, at = signer_of(signature), time_of_interest(signature)
    if signer is None or at is None:
        return None
    return signer.not_before <= at <= signer.not_after


def status_of(signature: SignatureReport) -> RevocationState:
    """What is known of the certificate's revocation at the time of signing."""
    signer = signer_of(signature)
    return RevocationState.UNKNOWN if signer is None else signer.revocation.state


def exit_status(report: DocumentReport) -> int:
    """0 passed, 1 failed, 2 indeterminate, 3 the file could not be read."""
    if answer_of(report) is Answer.UNREADABLE:
        return 3
    if report.conclusion.indication in {Indication.TOTAL_PASSED, Indication.PASSED}:
        return 0
    return 1 if report.conclusion.is_failed else 2
