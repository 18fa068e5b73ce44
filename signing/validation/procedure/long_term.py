"""Validation process for signatures with time, with long-term material and with archives.

Source: ETSI EN 319 102-1 §5.5.4 and §5.6.3.
The two processes of the standard are one here: a signature without archives is one for which the
steps about the past find nothing.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

from signing.validation.certificates import find_certificate
from signing.validation.context import Context
from signing.validation.found import FoundSignature, FoundTimestamp, TimestampKind, object_identity
from signing.validation.model import RevocationState
from signing.validation.procedure.basic import Basic
from signing.validation.procedure.past_signature import validate_past_signature
from signing.validation.procedure.timestamps import OVER_SIGNATURE, Stamp, validate_timestamp
from signing.validation.procedure.with_time import compare_times, statuses_then
from signing.validation.procedure.x509_validation import Purpose
from signing.validation.proof_of_existence import ProofsOfExistence
from signing.validation.revocation import CertificateStatus
from signing.validation.verdict import (
    Conclusion,
    Reason,
    SubIndication,
    because,
    failed,
    indeterminate,
    weightiest,
)

_LAST: Final = datetime.max.replace(tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class JudgedStamp:
    """A timestamp with what it came to in the end."""

    stamp: Stamp
    conclusion: Conclusion


@dataclass(frozen=True, slots=True)
class InTime:
    """What a signature comes to over time.

    Takes   best_time: the earliest at which it is proved to have existed, now without any proof;
            past: what time overcame or did not, None when there was nothing to overcome;
            statuses: of the certificates of its path, as of then.
    """

    conclusion: Conclusion
    best_time: datetime
    stamps: tuple[JudgedStamp, ...]
    past: Conclusion | None = None
    statuses: tuple[CertificateStatus, ...] = ()


def validate_in_time(found: FoundSignature, *, basic: Basic, context: Context) -> InTime:
    """A signature with everything that proves something about its past.

    1. Everything that is there exists now.
    2. Timestamps, the latest first (`judge_stamps`): each that passes proves what it covers.
    3. The best signature time is that of the earliest one over the signature that passes.
    4. What a basic validation left open is compared with that time (§5.5.4).
    5. What is left then, with what is proved about the past (§5.6.2.4).
    6. A content timestamp from after the end of the certificate is FAILED, EXPIRED or REVOKED
       (§5.3.4); one from after the best signature time, INDETERMINATE, TIMESTAMP_ORDER_FAILURE.
    7. A claimed time longer ago than the policy allows is INDETERMINATE, SIG_CONSTRAINTS_FAILURE.
    8. A signature that is proved to be older than its certificate is FAILED, NOT_YET_VALID, whether
       or not anything was left to be overcome (§5.5.4).
    9. A certificate that nothing among what is signed names may have been made by whoever got hold
       of its issuer's key: without a proof that it is older than that, INDETERMINATE,
       REVOKED_CA_NO_POE (§5.6.2.1).
    """
    # 1, 2
    proofs = ProofsOfExistence(context.now)
    stamps = judge_stamps(found.timestamps, proofs=proofs, context=context)
    # 3
    best_time = _best_time(found, stamps, context=context)
    # 4
    compared = compare_times(basic, best_time=best_time, context=context)
    # 5
    past = validate_past_signature(
        basic, current=compared, best_time=best_time, proofs=proofs, context=context
    )
    # 6, 7, 8, 9
    constraints = (
        *_check_content_times(basic, stamps, best_time=best_time),
        *_check_delay(found, best_time=best_time, context=context),
        *_check_begin(basic, best_time=best_time, context=context),
        *_check_issuers(found, basic=basic, proofs=proofs),
    )
    conclusion = weightiest((past.conclusion, *constraints))
    needed_time = not basic.conclusion.is_passed and basic.is_overcome_by_time
    statuses = past.statuses or (() if basic.chain is None else basic.chain.statuses)
    return InTime(
        conclusion,
        best_time,
        stamps,
        conclusion if needed_time else None,
        statuses_then(statuses, best_time=best_time),
    )


def judge_stamps(
    found: Sequence[FoundTimestamp], *, proofs: ProofsOfExistence, context: Context
) -> tuple[JudgedStamp, ...]:
    """All timestamps, in the order in which they were given.

    From the latest to the earliest, as long as there is time for it:
    1. What it is now (§5.4).
    2. What it was when it is proved to have existed, which later ones prove (§5.6.3, step 5).
    3. If it passes, what it covers existed when it was made (§5.6.2.3).
    """
    stamps = [validate_timestamp(one, context=context) for one in found]
    judged: dict[int, JudgedStamp] = {}
    order = sorted(
        range(len(stamps)), key=lambda one: (stamps[one].generated_at or _LAST, one), reverse=True
    )
    for place in order:
        # 1
        stamp = stamps[place]
        # 2
        over_time = (
            indeterminate(SubIndication.TRY_LATER, because("takes_too_long"))
            if context.is_late
            else _over_time(stamp, proofs=proofs, context=context)
        )
        conclusion = weightiest((stamp.imprint, over_time))
        judged[place] = JudgedStamp(stamp, conclusion)
        # 3
        if conclusion.is_passed and stamp.generated_at is not None:
            proofs.prove(stamp.found.covers, at=stamp.generated_at)
    return tuple(judged[place] for place in range(len(stamps)))


def _over_time(stamp: Stamp, *, proofs: ProofsOfExistence, context: Context) -> Conclusion:
    made_at = stamp.generated_at
    if made_at is not None and made_at > context.now + context.policy.skew:
        reason = because("timestamp_in_future", time=made_at.isoformat())
        return indeterminate(SubIndication.TIMESTAMP_ORDER_FAILURE, reason)
    certificate = (
        None if stamp.basic.certificate is None else find_certificate(stamp.basic.certificate)
    )
    if made_at and certificate is not None and not certificate.is_valid_at(made_at):
        reason = because("timestamp_outside_validity", time=made_at.isoformat())
        outside = indeterminate(SubIndication.SIG_CONSTRAINTS_FAILURE, reason)
        return weightiest((stamp.basic.conclusion, outside))
    if stamp.basic.conclusion.is_passed:
        return stamp.basic.conclusion
    best_time = proofs.octets_since(stamp.found.token)
    compared = compare_times(stamp.basic, best_time=best_time, context=context)
    return validate_past_signature(
        stamp.basic,
        current=compared,
        best_time=best_time,
        proofs=proofs,
        context=context,
        purpose=Purpose.TIMESTAMPING,
    ).conclusion


def _best_time(
    found: FoundSignature, stamps: Sequence[JudgedStamp], *, context: Context
) -> datetime:
    value = b"" if found.value is None else found.value.value
    identity = object_identity(value)
    times = [
        one.stamp.generated_at
        for one in stamps
        if one.conclusion.is_passed
        and one.stamp.generated_at is not None
        and (one.stamp.found.kind in OVER_SIGNATURE or identity in one.stamp.found.covers)
    ]
    return min((*times, context.now))


def _check_content_times(
    basic: Basic, stamps: Sequence[JudgedStamp], *, best_time: datetime
) -> Iterator[Conclusion]:
    # 6
    made = [
        one.stamp.generated_at
        for one in stamps
        if one.conclusion.is_passed
        and one.stamp.found.kind is TimestampKind.CONTENT
        and one.stamp.generated_at is not None
    ]
    if not made or basic.chain is None:
        return
    latest = max(made)
    if latest > best_time:
        yield indeterminate(
            SubIndication.TIMESTAMP_ORDER_FAILURE, because("content_timestamp_later")
        )
    status = basic.chain.statuses[0] if basic.chain.statuses else None
    is_revoked = status is not None and status.state is RevocationState.REVOKED
    if is_revoked and status is not None and status.revoked_at and latest > status.revoked_at:
        reason = because("signed_after_revocation", time=status.revoked_at.isoformat())
        yield failed(SubIndication.REVOKED, reason)
    certificate = find_certificate(basic.chain.certificate)
    is_trusted = basic.chain.path is not None
    if is_trusted and certificate is not None and latest > certificate.not_after:
        reason = because("signed_after_expiry", time=certificate.not_after.isoformat())
        yield failed(SubIndication.EXPIRED, reason)


def _check_delay(
    found: FoundSignature, *, best_time: datetime, context: Context
) -> Iterator[Conclusion]:
    # 7
    longest = context.policy.longest_timestamp_delay
    if longest is None or found.claimed_time is None:
        return
    if best_time - found.claimed_time > longest:
        reason = because("timestamp_too_late", time=best_time.isoformat())
        yield indeterminate(SubIndication.SIG_CONSTRAINTS_FAILURE, reason)


def _check_begin(basic: Basic, *, best_time: datetime, context: Context) -> Iterator[Conclusion]:
    # 8
    certificate = None if basic.certificate is None else find_certificate(basic.certificate)
    is_trusted = basic.chain is not None and basic.chain.path is not None
    if not is_trusted or certificate is None:
        return
    if best_time < certificate.not_before - context.policy.skew:
        since = certificate.not_before.isoformat()
        yield failed(SubIndication.NOT_YET_VALID, because("certificate_not_yet_valid", since=since))


def _check_issuers(
    found: FoundSignature, *, basic: Basic, proofs: ProofsOfExistence
) -> Iterator[Conclusion]:
    # 9
    if found.references is not None or basic.chain is None or basic.certificate is None:
        return
    since = proofs.octets_since(basic.certificate)
    for position, status in enumerate(basic.chain.statuses):
        if not position or status.state is not RevocationState.REVOKED:
            continue
        lost = [one for one in (status.revoked_at, status.invalid_since) if one is not None]
        if not lost or since >= min(lost):
            reason = because("certificate_not_proved", position="0")
            yield indeterminate(SubIndication.REVOKED_CA_NO_POE, reason)


def warn_of_times(found: FoundSignature, *, basic: Basic, in_time: InTime) -> Iterator[Reason]:
    """What is odd about times and timestamps and changes no indication."""
    for one in in_time.stamps:
        if not one.conclusion.is_passed:
            code = "timestamp_broken" if one.conclusion.is_failed else "timestamp_not_usable"
            yield because(code, timestamp=one.stamp.found.identity)
    claimed = found.claimed_time
    if claimed is None:
        return
    if in_time.best_time < claimed:
        yield because("claimed_time_after_proof", time=in_time.best_time.isoformat())
    certificate = None if basic.certificate is None else find_certificate(basic.certificate)
    if certificate is not None and not certificate.is_valid_at(claimed):
        yield because("claimed_time_outside_validity", time=claimed.isoformat())
