"""X.509 certificate validation.

Source: ETSI EN 319 102-1 §5.2.6; RFC 5280 §6.1 and §6.3; RFC 3161 §2.3 (who may stamp);
TT 15/2025/TT-BKHCN, Annex II (a status that cannot be had is a warning).
Not here: paths and revocation themselves (`certificate_path`, `revocation`).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from enum import StrEnum
from itertools import islice
from typing import Final

from signing.formats.material import ValidationMaterial
from signing.validation.certificate_path import (
    CertificatePath,
    PathFault,
    PathResult,
    find_paths,
    validate_path,
)
from signing.validation.context import Context
from signing.validation.model import RevocationState
from signing.validation.path_building import CertificatePool
from signing.validation.paths import AnchorPurpose
from signing.validation.procedure.acceptance import AlgorithmUse, accept_algorithms
from signing.validation.procedure.chain_algorithms import uses_of_chain
from signing.validation.procedure.freshness import is_fresh
from signing.validation.procedure.key_purposes import check_purpose
from signing.validation.revocation import (
    CertificateStatus,
    Evidence,
    StatusSettings,
    find_status,
)
from signing.validation.verdict import (
    PASSED,
    Conclusion,
    Indication,
    Reason,
    SubIndication,
    because,
    indeterminate,
    weightiest,
)

_MOST_PATHS: Final = 8
_MOST_FETCHED: Final = 4
_LONG_AGO: Final = datetime.min.replace(tzinfo=UTC)


class Purpose(StrEnum):
    """What a certificate of interest is for."""

    SIGNING = "signing"
    TIMESTAMPING = "timestamping"


@dataclass(frozen=True, slots=True)
class ValidatedChain:
    """What became of one certificate.

    Takes   conclusions: everything that was found, the first is the one that decides;
            path: None when there is none to an anchor; statuses: of its certificates, in order;
            uses: algorithms that the chain and its evidence stand on.
    """

    certificate: bytes = field(repr=False)
    conclusions: tuple[Conclusion, ...]
    path: CertificatePath | None = None
    result: PathResult = field(default_factory=PathResult)
    statuses: tuple[CertificateStatus, ...] = ()
    uses: tuple[AlgorithmUse, ...] = ()

    @property
    def conclusion(self) -> Conclusion:
        """All conclusions in one."""
        return weightiest(self.conclusions)


def validate_certificate(
    certificate: bytes, *, context: Context, purpose: Purpose, may_ask: bool = True
) -> ValidatedChain:
    """A certificate as it is now.

    1. Find paths to an anchor for this purpose; without one, INDETERMINATE,
       NO_CERTIFICATE_CHAIN_FOUND.
    2. Look at each path until one passes (`_look_at`).
    3. If none does, the first of those that come closest counts.

    Takes   certificate: DER; may_ask: whether somebody may be asked over the network.
    """
    return context.once(
        ("x509", certificate, purpose, may_ask),
        lambda: _validate(certificate, context=context, purpose=purpose, may_ask=may_ask),
    )


def paths_of(
    certificate: bytes, *, context: Context, purpose: Purpose, may_ask: bool
) -> tuple[CertificatePath, ...]:
    """The paths to anchors that there are, a bounded number of them; found once.

    An anchor for timestamps alone ends no path of a signer, one for status alone no path at all.
    """
    found: tuple[CertificatePath, ...] = context.once(
        ("paths", certificate, may_ask),
        lambda: _find(certificate, context=context, may_ask=may_ask),
    )
    fit = {AnchorPurpose.ANYTHING}
    if purpose is Purpose.TIMESTAMPING:
        fit.add(AnchorPurpose.TIMESTAMPS)
    return tuple(one for one in found if one.anchor.purpose in fit)


def _validate(
    certificate: bytes, *, context: Context, purpose: Purpose, may_ask: bool
) -> ValidatedChain:
    # 1
    paths = paths_of(certificate, context=context, purpose=purpose, may_ask=may_ask)
    if not paths:
        missing = indeterminate(
            SubIndication.NO_CERTIFICATE_CHAIN_FOUND, because("no_trust_anchor")
        )
        own = check_purpose(certificate, purpose=purpose.value, policy=context.policy)
        return ValidatedChain(certificate, (missing, own))
    # 2
    looked: list[ValidatedChain] = []
    for path in paths:
        looked.append(_look_at(path, context=context, purpose=purpose, may_ask=may_ask))
        if looked[-1].conclusion.is_passed:
            return looked[-1]
    # 3
    return min(looked, key=lambda one: _distance(one.conclusion))


def _look_at(
    path: CertificatePath, *, context: Context, purpose: Purpose, may_ask: bool
) -> ValidatedChain:
    """One path.

    1. What RFC 5280 §6.1 finds: CERTIFICATE_CHAIN_GENERAL_FAILURE, but for times
       OUT_OF_BOUNDS_NO_POE or, when the certificate was good as long as it was valid,
       OUT_OF_BOUNDS_NOT_REVOKED; an anchor that was given up, NO_CERTIFICATE_CHAIN_FOUND_NO_POE.
    2. What is known of each certificate: REVOKED_NO_POE, REVOKED_CA_NO_POE; TRY_LATER for one that
       is on hold, of which nothing is known, or nothing that is recent enough.
    3. What the certificate is for: CHAIN_CONSTRAINTS_FAILURE.
    4. Algorithms of certificates and evidence: CRYPTO_CONSTRAINTS_FAILURE_NO_POE.
    """
    at = context.now
    # 2
    result = validate_path(path, at=at)
    statuses = _statuses(path, result=result, context=context, may_ask=may_ask)
    # 1
    conclusions = list(_of_path(result, statuses=statuses))
    if not path.is_anchor:
        conclusions.extend(_of_statuses(statuses, result=result, context=context))
    # 3
    conclusions.append(
        check_purpose(path.certificates[0], purpose=purpose.value, policy=context.policy)
    )
    # 4
    uses = uses_of_chain(path, statuses=statuses, table=context.policy.algorithms)
    conclusions.append(accept_algorithms(uses, at=at))
    ordered = gravest_first(conclusions)
    return ValidatedChain(path.certificates[0], ordered, path, result, statuses, uses)


def _find(certificate: bytes, *, context: Context, may_ask: bool) -> tuple[CertificatePath, ...]:
    found = _paths(certificate, among=context.evidence.pool, context=context)
    among = list(context.pool.certificates)
    last = certificate
    for _ in range(_MOST_FETCHED if may_ask else 0):
        if found:
            break
        fetched = context.ask_issuers(last)
        if not fetched:
            break
        among.extend(fetched)
        last = fetched[0]
        found = _paths(certificate, among=among, context=context)
    return found


def _paths(
    certificate: bytes, *, among: Iterable[bytes] | CertificatePool, context: Context
) -> tuple[CertificatePath, ...]:
    found = find_paths(certificate, among=among, anchors=context.anchors, at=context.now)
    return tuple(islice(found, _MOST_PATHS))


def _statuses(
    path: CertificatePath, *, result: PathResult, context: Context, may_ask: bool
) -> tuple[CertificateStatus, ...]:
    """From the file first; over the network when that does not suffice and may help."""
    if path.is_anchor:
        return (CertificateStatus(RevocationState.NOT_NEEDED),)
    settings = StatusSettings(
        now=context.now,
        is_current_needed=False,
        skew=context.policy.skew,
        responders=context.anchors,
    )

    def find(position: int, evidence: Evidence) -> CertificateStatus:
        return find_status(
            path, position=position, evidence=evidence, at=context.now, settings=settings
        )

    statuses: list[CertificateStatus] = []
    for position, certificate in enumerate(path.certificates):
        status = find(position, context.evidence)
        is_over = _is_over(result, position=position)
        if may_ask and not is_over and _is_worth_asking(status, position, context=context):
            issuer = issuer_of(path, position=position)
            asked = context.ask(certificate, issuer=issuer) if issuer else ValidationMaterial()
            if asked != ValidationMaterial():
                status = _newer(status, find(position, context.evidence_of(asked)))
        statuses.append(status)
    return tuple(statuses)


def _is_worth_asking(status: CertificateStatus, position: int, *, context: Context) -> bool:
    """Whether the evidence of the file leaves something open.

    Evidence about a signer that is fresh, but not of these days, can be from before a revocation
    that somebody would rather not show; who brings the file chooses what is in it.
    """
    if not _suffices(status, context=context):
        return True
    this = status.this_update
    is_old = this is not None and context.now - this > context.policy.asks_after
    return position == 0 and status.state is RevocationState.GOOD and is_old


def _newer(one: CertificateStatus, other: CertificateStatus) -> CertificateStatus:
    """The one that says more: `other` was asked for just now."""
    if other.state is RevocationState.UNKNOWN:
        return one if one.evidence else other
    if other.state is RevocationState.GOOD and one.state is RevocationState.GOOD:
        return max(one, other, key=lambda each: each.this_update or _LONG_AGO)
    return other


def _is_over(result: PathResult, *, position: int) -> bool:
    return any(one.fault is PathFault.EXPIRED for one in result.at(position))


def _suffices(status: CertificateStatus, *, context: Context) -> bool:
    if status.state in {RevocationState.NOT_NEEDED, RevocationState.REVOKED}:
        return True
    return status.state is RevocationState.GOOD and is_fresh(
        status, at=context.now, policy=context.policy
    )


def issuer_of(path: CertificatePath, *, position: int) -> bytes | None:
    """The certificate of who issued one of a path, DER; None for an anchor that has none."""
    if position + 1 < len(path.certificates):
        return path.certificates[position + 1]
    return path.anchor.certificate


def _of_path(result: PathResult, *, statuses: Sequence[CertificateStatus]) -> Iterator[Conclusion]:
    for one in result.findings:
        if one.fault is PathFault.ANCHOR_TIME:
            yield indeterminate(SubIndication.NO_CERTIFICATE_CHAIN_FOUND_NO_POE, one.reason)
        elif one.fault in {PathFault.EXPIRED, PathFault.NOT_YET_VALID}:
            status = statuses[one.position] if one.position < len(statuses) else None
            is_good = status is not None and status.state is RevocationState.GOOD
            yield indeterminate(
                SubIndication.OUT_OF_BOUNDS_NOT_REVOKED
                if is_good and one.position == 0
                else SubIndication.OUT_OF_BOUNDS_NO_POE,
                one.reason,
            )
        else:
            yield indeterminate(SubIndication.CERTIFICATE_CHAIN_GENERAL_FAILURE, one.reason)


def _of_statuses(
    statuses: Sequence[CertificateStatus], *, result: PathResult, context: Context
) -> Iterator[Conclusion]:
    for position, status in enumerate(statuses):
        facts = {"position": str(position)}
        if status.state is RevocationState.REVOKED:
            yield indeterminate(
                SubIndication.REVOKED_CA_NO_POE if position else SubIndication.REVOKED_NO_POE,
                _revoked(status, facts=facts),
            )
        elif status.state is RevocationState.ON_HOLD:
            yield indeterminate(SubIndication.TRY_LATER, because("certificate_on_hold", **facts))
        elif status.state is RevocationState.UNKNOWN:
            yield _unknown(because("status_unavailable", **facts), status, context=context)
        # what is over gets no newer evidence; whether it was good once is asked elsewhere
        elif not _suffices(status, context=context) and not _is_over(result, position=position):
            yield _unknown(because("status_not_fresh", **facts), status, context=context)


def _revoked(status: CertificateStatus, *, facts: dict[str, str]) -> Reason:
    time = "" if status.revoked_at is None else status.revoked_at.isoformat()
    return because("certificate_revoked", **facts, time=time, reason=status.reason)


def _unknown(reason: Reason, status: CertificateStatus, *, context: Context) -> Conclusion:
    """TT 15/2025, Annex II: that the status cannot be had is said, whatever it leads to."""
    if not context.policy.needs_status:
        return Conclusion(Indication.PASSED, warnings=(reason,))
    return Conclusion(
        Indication.INDETERMINATE,
        SubIndication.TRY_LATER,
        (reason, *status.findings),
        warnings=(reason,),
    )


_ORDER: Final = (
    SubIndication.TRY_LATER,
    SubIndication.CRYPTO_CONSTRAINTS_FAILURE_NO_POE,
    SubIndication.OUT_OF_BOUNDS_NOT_REVOKED,
    SubIndication.OUT_OF_BOUNDS_NO_POE,
    SubIndication.NO_CERTIFICATE_CHAIN_FOUND_NO_POE,
    SubIndication.REVOKED_CA_NO_POE,
    SubIndication.REVOKED_NO_POE,
    SubIndication.CHAIN_CONSTRAINTS_FAILURE,
    SubIndication.CERTIFICATE_CHAIN_GENERAL_FAILURE,
    SubIndication.NO_CERTIFICATE_CHAIN_FOUND,
)


def gravest_first(conclusions: Iterable[Conclusion]) -> tuple[Conclusion, ...]:
    """In the order in which they decide: what is only a matter of time comes last."""
    return tuple(sorted(conclusions, key=_distance, reverse=True))


def _distance(conclusion: Conclusion) -> int:
    """How far from being good: the further one decides, and the nearer path counts."""
    if conclusion == PASSED or conclusion.is_passed or conclusion.sub_indication is None:
        return 0
    try:
        return 1 + _ORDER.index(conclusion.sub_indication)
    except ValueError:
        return len(_ORDER) + 1
