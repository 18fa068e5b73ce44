"""Past certificate validation: a chain that need not be good any more.

Source: ETSI EN 319 102-1 §5.6.2.1.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from signing.validation.certificate_path import CertificatePath, PathFault, validate_path
from signing.validation.context import Context
from signing.validation.procedure.control_time import Slid, slide_control_time
from signing.validation.procedure.key_purposes import check_purpose
from signing.validation.procedure.x509_validation import Purpose, paths_of
from signing.validation.proof_of_existence import ProofsOfExistence
from signing.validation.revocation import CertificateStatus
from signing.validation.verdict import Conclusion, SubIndication, because, indeterminate


@dataclass(frozen=True, slots=True)
class PastCertificate:
    """A certificate that could be relied on until `control_time`, if the conclusion passed."""

    conclusion: Conclusion
    control_time: datetime
    path: CertificatePath | None = None
    statuses: tuple[CertificateStatus, ...] = ()


def validate_past_certificate(
    certificate: bytes, *, proofs: ProofsOfExistence, context: Context, purpose: Purpose
) -> PastCertificate:
    """Whether and until when a certificate could be relied on.

    1. Find paths to an anchor; without one, INDETERMINATE, NO_CERTIFICATE_CHAIN_FOUND.
    2. Each is validated at a time at which all its certificates were valid; if there is none, or
       something else is wrong, INDETERMINATE, CERTIFICATE_CHAIN_GENERAL_FAILURE.
    3. Slide the control time along it.
    4. Apply the constraints on chains: CHAIN_CONSTRAINTS_FAILURE.
    5. The first path that gets through counts, else the first one.
    """
    # 1
    paths = paths_of(certificate, context=context, purpose=purpose, may_ask=False)
    if not paths:
        missing = indeterminate(
            SubIndication.NO_CERTIFICATE_CHAIN_FOUND, because("no_trust_anchor")
        )
        return PastCertificate(missing, context.now)
    looked: list[PastCertificate] = []
    for path in paths:
        # 2
        wrong = _check_path(path, context=context)
        # 3
        slid = slide_control_time(path, proofs=proofs, context=context)
        # 4
        purposeful = check_purpose(certificate, purpose=purpose.value, policy=context.policy)
        conclusion = next(
            (one for one in (wrong, purposeful) if one is not None and not one.is_passed),
            slid.conclusion,
        )
        looked.append(_result(slid, path=path, conclusion=conclusion))
        # 5
        if conclusion.is_passed:
            return looked[-1]
    return looked[0]


def _check_path(path: CertificatePath, *, context: Context) -> Conclusion | None:
    result = validate_path(path, at=context.now)
    if result.is_valid:
        return None
    since, until = result.valid_from, result.valid_until
    if since is None or until is None or since > until:
        reason = because("never_valid_together")
        return indeterminate(SubIndication.CERTIFICATE_CHAIN_GENERAL_FAILURE, reason)
    # since when and until when an anchor is trusted is compared with the signature's own time
    reasons = tuple(
        one.reason
        for one in validate_path(path, at=until).findings
        if one.fault is not PathFault.ANCHOR_TIME
    )
    if not reasons:
        return None
    return indeterminate(SubIndication.CERTIFICATE_CHAIN_GENERAL_FAILURE, *reasons)


def _result(slid: Slid, *, path: CertificatePath, conclusion: Conclusion) -> PastCertificate:
    return PastCertificate(conclusion, slid.control_time, path, slid.statuses)
