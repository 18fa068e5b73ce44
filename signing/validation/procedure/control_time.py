"""Control time sliding: until when a chain can be relied on, by what is proved to have existed.

Source: ETSI EN 319 102-1 §5.6.2.2.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from signing.formats.material import ValidationMaterial
from signing.validation.certificate_path import CertificatePath
from signing.validation.certificates import find_certificate
from signing.validation.context import Context
from signing.validation.model import RevocationState
from signing.validation.procedure.acceptance import AlgorithmUse, use_of_key
from signing.validation.procedure.chain_algorithms import (
    key_of,
    uses_of_certificate,
    uses_of_evidence,
)
from signing.validation.procedure.freshness import fresh_until, is_fresh
from signing.validation.procedure.x509_validation import issuer_of
from signing.validation.proof_of_existence import ProofsOfExistence
from signing.validation.revocation import CertificateStatus, StatusSettings, find_status
from signing.validation.verdict import (
    PASSED,
    Conclusion,
    SubIndication,
    because,
    indeterminate,
)


@dataclass(frozen=True, slots=True)
class Slid:
    """Until when: `control_time` counts only when the conclusion passed.

    Takes   statuses: of the certificates, in the order of the path, as far as it came.
    """

    conclusion: Conclusion
    control_time: datetime
    statuses: tuple[CertificateStatus, ...] = ()


def slide_control_time(
    path: CertificatePath, *, proofs: ProofsOfExistence, context: Context
) -> Slid:
    """From now backwards, certificate by certificate, beginning below the anchor.

    1. The control time begins as the current time.
    2. For each certificate:
       a. Evidence about it, from before the control time, which like the certificate is proved to
          have existed by then.  Without any, INDETERMINATE, NO_POE.
       b. If it says that the certificate was revoked, the control time becomes that of the
          revocation; else, if it is not fresh at the control time, the last one for which it is.
          (The standard says: when it was issued.  The policy can ask for that; otherwise what was
          enough for the signature with time, §5.5.4, would not be once its certificate is over.)
       c. If an algorithm of the certificate or the evidence was not good enough at the control
          time, that becomes the end of the algorithm.

    A certificate of which nobody tells the status skips a and b.
    """
    # 1
    control = context.now
    statuses: list[CertificateStatus] = []
    if path.is_anchor:
        return Slid(PASSED, control, (CertificateStatus(RevocationState.NOT_NEEDED),))
    # 2
    for position in reversed(range(len(path.certificates))):
        certificate = path.certificates[position]
        status = _status(path, position=position, control=control, proofs=proofs, context=context)
        statuses.insert(0, status)
        facts = {"position": str(position)}
        if proofs.octets_since(certificate) > control:
            missing = because("certificate_not_proved", **facts)
            return Slid(indeterminate(SubIndication.NO_POE, missing), control, tuple(statuses))
        # a
        if status.state in {RevocationState.UNKNOWN, RevocationState.ON_HOLD}:
            missing = because("no_proved_status", **facts)
            no_poe = indeterminate(SubIndication.NO_POE, missing, *status.findings)
            return Slid(no_poe, control, tuple(statuses))
        # b
        control = _moved(status, control=control, context=context)
        # c
        for use in _uses(path, position=position, status=status, context=context):
            if use.end is not None and use.end < control:
                control = use.end
    return Slid(PASSED, control, tuple(statuses))


def _status(
    path: CertificatePath,
    *,
    position: int,
    control: datetime,
    proofs: ProofsOfExistence,
    context: Context,
) -> CertificateStatus:
    pool = context.pool
    proved = ValidationMaterial(
        pool.certificates,
        tuple(one for one in pool.ocsp_responses if proofs.octets_since(one) <= control),
        tuple(one for one in pool.crls if proofs.octets_since(one) <= control),
    )
    proved = proved.with_others(_asked(path, position=position, control=control, context=context))
    settings = StatusSettings(
        now=control,
        is_current_needed=False,
        skew=context.policy.skew,
        exists_since=proofs.find_since,
        responders=context.anchors,
    )
    return find_status(
        path,
        position=position,
        evidence=context.evidence_of(proved),
        at=control,
        settings=settings,
    )


def _asked(
    path: CertificatePath, *, position: int, control: datetime, context: Context
) -> ValidationMaterial:
    """What was said over the network exists now: it counts as long as nothing slid yet."""
    issuer = issuer_of(path, position=position)
    certificate = find_certificate(path.certificates[position])
    if control < context.now or issuer is None or certificate is None:
        return ValidationMaterial()
    if not certificate.is_valid_at(control):
        return ValidationMaterial()
    return context.ask(path.certificates[position], issuer=issuer)


def _moved(status: CertificateStatus, *, control: datetime, context: Context) -> datetime:
    if status.state is RevocationState.REVOKED and status.revoked_at is not None:
        lost = status.invalid_since or status.revoked_at
        return min(control, status.revoked_at, lost)
    if status.state is RevocationState.NOT_NEEDED or status.this_update is None:
        return control
    policy = context.policy
    if is_fresh(status, at=control, policy=policy):
        return control
    until = None if policy.slides_to_issuance else fresh_until(status, policy=policy)
    return min(control, until or status.this_update)


def _uses(
    path: CertificatePath, *, position: int, status: CertificateStatus, context: Context
) -> list[AlgorithmUse]:
    table = context.policy.algorithms
    uses = list(uses_of_certificate(path.certificates[position], table=table))
    is_last = position + 1 == len(path.certificates)
    issuer = path.anchor.key if is_last else key_of(path.certificates[position + 1])
    if issuer is not None:
        uses.append(use_of_key("certificate", issuer, table=table))
    uses.extend(uses_of_evidence(status.evidence, table=table))
    return uses
