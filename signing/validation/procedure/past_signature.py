"""Past signature validation: a signature that is not good any more, but was.

Source: ETSI EN 319 102-1 §5.6.2.4.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from signing.validation.certificate_path import CertificatePath, PathFault, validate_path
from signing.validation.context import Context
from signing.validation.procedure.acceptance import accept_algorithms
from signing.validation.procedure.basic import Basic
from signing.validation.procedure.past_certificate import validate_past_certificate
from signing.validation.procedure.x509_validation import Purpose
from signing.validation.proof_of_existence import ProofsOfExistence
from signing.validation.revocation import CertificateStatus
from signing.validation.verdict import (
    Conclusion,
    SubIndication,
    because,
    failed,
    indeterminate,
)


@dataclass(frozen=True, slots=True)
class PastSignature:
    """What a signature was.

    Takes   statuses: of its certificates, in the order of the path, as they are proved to have been
            when it was made; empty where the past had nothing to say.
    """

    conclusion: Conclusion
    statuses: tuple[CertificateStatus, ...] = ()


def validate_past_signature(
    basic: Basic,
    *,
    current: Conclusion,
    best_time: datetime,
    proofs: ProofsOfExistence,
    context: Context,
    purpose: Purpose = Purpose.SIGNING,
) -> PastSignature:
    """What a signature was, by what is proved to have existed.

    1. What no time can overcome stays as it is, and so does what is not proved to be older than
       this validation.
    2. Past certificate validation; if it does not pass, its indication where that says more than
       the current one, else the current one.
    3. The signature is proved to have existed before the control time, else the current indication.
    4. It was made while the certificate was valid: before, it is FAILED, NOT_YET_VALID; later, it
       stays OUT_OF_BOUNDS_NO_POE.
    5. Its own algorithms were good enough when it is proved to have existed, else it stays
       CRYPTO_CONSTRAINTS_FAILURE_NO_POE.

    Takes   current: what it is as things stand; best_time: since when it is proved to exist, aware.
    """
    # 1
    if current.is_passed or not basic.is_overcome_by_time or basic.certificate is None:
        return PastSignature(current)
    if best_time >= context.now:
        return PastSignature(current)
    # 2
    past = validate_past_certificate(
        basic.certificate, proofs=proofs, context=context, purpose=purpose
    )
    if not past.conclusion.is_passed or past.path is None:
        return PastSignature(_with(current, past.conclusion))
    # 3
    if best_time > past.control_time:
        reason = because("not_proved_in_time", control_time=past.control_time.isoformat())
        return PastSignature(_with(current, indeterminate(SubIndication.NO_POE, reason)))
    # 4
    wrong = _check_time(past.path, best_time=best_time)
    if wrong is not None:
        return PastSignature(wrong)
    # 5
    is_same_path = basic.chain is not None and past.path == basic.chain.path
    accepted = accept_algorithms(basic.uses, at=best_time)
    return PastSignature(accepted, past.statuses if is_same_path else ())


def _check_time(path: CertificatePath, *, best_time: datetime) -> Conclusion | None:
    if path.is_anchor:
        return None
    for one in validate_path(path, at=best_time).findings:
        if one.fault is PathFault.NOT_YET_VALID and one.position == 0:
            return failed(SubIndication.NOT_YET_VALID, one.reason)
        if one.fault is PathFault.ANCHOR_TIME:
            return indeterminate(SubIndication.NO_CERTIFICATE_CHAIN_FOUND_NO_POE, one.reason)
        return indeterminate(SubIndication.OUT_OF_BOUNDS_NO_POE, one.reason)
    return None


def _with(current: Conclusion, past: Conclusion) -> Conclusion:
    """The current indication, with what the past adds to its reasons."""
    return Conclusion(
        current.indication,
        current.sub_indication,
        tuple(dict.fromkeys((*current.reasons, *past.reasons))),
        tuple(dict.fromkeys((*current.warnings, *past.warnings))),
    )
