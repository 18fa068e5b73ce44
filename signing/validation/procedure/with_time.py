"""Validation process for signatures with time: what was right when it is proved to have existed.

Source: ETSI EN 319 102-1 §5.5.
Not here: where the proof comes from (`timestamps`, `long_term`).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import datetime

from signing.validation.certificate_path import PathFault, validate_path
from signing.validation.context import Context
from signing.validation.model import RevocationState
from signing.validation.procedure.acceptance import AlgorithmUse, accept_algorithms
from signing.validation.procedure.basic import Basic
from signing.validation.procedure.freshness import is_fresh
from signing.validation.procedure.x509_validation import ValidatedChain, gravest_first
from signing.validation.revocation import CertificateStatus
from signing.validation.verdict import (
    Conclusion,
    SubIndication,
    because,
    failed,
    indeterminate,
    weightiest,
)


def compare_times(basic: Basic, *, best_time: datetime, context: Context) -> Conclusion:
    """What is left of the doubts of a basic validation, once a signature is proved to be older.

    1. What no time can overcome stays as it is.
    2. A certificate revoked later than the best signature time was good then: revoked earlier, it
       stays REVOKED_NO_POE or REVOKED_CA_NO_POE.
    3. A certificate valid at that time is one that signed; one not yet valid then is FAILED,
       NOT_YET_VALID; one that was over stays OUT_OF_BOUNDS_NO_POE.
    4. Evidence has to say that it was good then, and be fresh enough for then, else TRY_LATER.
    5. Algorithms that were good enough then do.

    Takes   best_time: the earliest at which it is proved to have existed, aware.
    Source  ETSI EN 319 102-1 §5.5.4, steps 4 and 5.
    """
    # 1
    chain = basic.chain
    if basic.conclusion.is_passed or not basic.is_overcome_by_time or chain is None:
        return basic.conclusion
    # 2, 4
    left = list(_of_statuses(chain, best_time=best_time, context=context))
    # 3
    left.extend(_of_times(chain, best_time=best_time))
    # 5
    uses: Sequence[AlgorithmUse] = (*basic.uses, *chain.uses)
    left.append(accept_algorithms(uses, at=best_time))
    return weightiest(gravest_first(left))


def _of_statuses(
    chain: ValidatedChain, *, best_time: datetime, context: Context
) -> Iterator[Conclusion]:
    for position, status in enumerate(chain.statuses):
        facts = {"position": str(position)}
        if status.state is RevocationState.NOT_NEEDED:
            continue
        # 2
        if status.state is RevocationState.REVOKED:
            if not _was_good(status, best_time=best_time):
                time = "" if status.revoked_at is None else status.revoked_at.isoformat()
                reason = because("certificate_revoked", **facts, time=time, reason=status.reason)
                yield indeterminate(
                    SubIndication.REVOKED_CA_NO_POE if position else SubIndication.REVOKED_NO_POE,
                    reason,
                )
            continue
        # 4
        if status.state is not RevocationState.GOOD:
            yield _later("status_unavailable", status, facts=facts)
        elif not is_fresh(status, at=best_time, policy=context.policy):
            yield _later("status_not_fresh", status, facts=facts)


def statuses_then(
    statuses: Sequence[CertificateStatus], *, best_time: datetime
) -> tuple[CertificateStatus, ...]:
    """Statuses as of the best signature time: what was revoked later was good then."""
    return tuple(
        replace(one, state=RevocationState.GOOD)
        if one.state is RevocationState.REVOKED and _was_good(one, best_time=best_time)
        else one
        for one in statuses
    )


def _was_good(status: CertificateStatus, *, best_time: datetime) -> bool:
    """A key that was lost earlier than it was revoked was not good in between."""
    since = [one for one in (status.revoked_at, status.invalid_since) if one is not None]
    return bool(since) and best_time < min(since)


def _of_times(chain: ValidatedChain, *, best_time: datetime) -> Iterator[Conclusion]:
    # 3
    if chain.path is None or chain.path.is_anchor:
        return
    for one in validate_path(chain.path, at=best_time).findings:
        if one.fault is PathFault.NOT_YET_VALID and one.position == 0:
            yield failed(SubIndication.NOT_YET_VALID, one.reason)
        elif one.fault in {PathFault.EXPIRED, PathFault.NOT_YET_VALID}:
            yield indeterminate(SubIndication.OUT_OF_BOUNDS_NO_POE, one.reason)
        elif one.fault is PathFault.ANCHOR_TIME:
            yield indeterminate(SubIndication.NO_CERTIFICATE_CHAIN_FOUND_NO_POE, one.reason)
        else:
            yield indeterminate(SubIndication.CERTIFICATE_CHAIN_GENERAL_FAILURE, one.reason)


def _later(code: str, status: CertificateStatus, *, facts: dict[str, str]) -> Conclusion:
    reason = because(code, **facts)
    later = indeterminate(SubIndication.TRY_LATER, reason, *status.findings)
    return replace(later, warnings=(reason,))
