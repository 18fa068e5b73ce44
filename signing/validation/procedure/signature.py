"""All building blocks of the procedure, into the report about a signature or a timestamp.

Source: ETSI EN 319 102-1 §5.1.4 (what is returned) and §5.6.3.
Not here: formats, and what later revisions of a file changed (`signing/validation/changes.py`).
"""

from __future__ import annotations

from dataclasses import replace
from typing import Final

from signing.validation.context import Context
from signing.validation.found import FoundSignature, FoundTimestamp, SignatureAlgorithm
from signing.validation.levels import level_of
from signing.validation.model import (
    CertificateReport,
    Check,
    SignatureReport,
    Step,
    TimestampReport,
)
from signing.validation.own_policies import OwnPolicies, read_own_policies
from signing.validation.policy import ValidationPolicy
from signing.validation.procedure.basic import Basic, validate_basic
from signing.validation.procedure.chain_report import report_chain
from signing.validation.procedure.long_term import (
    InTime,
    JudgedStamp,
    judge_stamps,
    validate_in_time,
    warn_of_times,
)
from signing.validation.proof_of_existence import ProofsOfExistence
from signing.validation.verdict import (
    Conclusion,
    Indication,
    Reason,
    because,
    weightiest,
)
from signing.validation.verify_value import key_family_and_bits

_TOTAL: Final = {
    Indication.PASSED: Indication.TOTAL_PASSED,
    Indication.FAILED: Indication.TOTAL_FAILED,
}
_PADDINGS: Final = {"pss": "RSASSA-PSS", "pkcs1": "RSASSA-PKCS1-v1_5"}
_COVERING_LESS: Final = frozenset(
    {"covers_only_part", "document_not_covered", "reference_not_recomputed"}
)
"""What is said of a signature that stands for less than there is, or nobody can tell for what."""
_FAMILIES: Final = {"ec": "ECDSA", "dsa": "DSA", "ed25519": "Ed25519", "ed448": "Ed448"}


def conclude_signature(found: FoundSignature, *, context: Context) -> SignatureReport:
    """Everything that can be said about a signature.

    1. As it is now (§5.3).
    2. With what is proved about its past (§5.5, §5.6).
    3. What it comes to: the worst of all, with all reasons.
    """
    # 1
    basic = validate_basic(found, context=context)
    # 2
    in_time = validate_in_time(found, basic=basic, context=context)
    # 3
    chain = report_chain(basic.certificate, basic.chain, context=context, statuses=in_time.statuses)
    own = _own_policies(basic, chain, policy=context.policy)
    algorithm = found.value.algorithm if found.value is not None else None
    return SignatureReport(
        identity=found.identity,
        form=found.form,
        packaging=found.packaging,
        place=found.place,
        level=level_of(found),
        conclusion=_conclude(found, basic=basic, in_time=in_time, own=own),
        checks=_checks(basic, in_time=in_time),
        chain=chain,
        objects=found.objects,
        timestamps=tuple(_report(one, context=context) for one in in_time.stamps),
        claimed_time=found.claimed_time,
        best_signature_time=in_time.best_time,
        algorithm="" if algorithm is None else _name(algorithm, basic=basic, found=found),
        hash_name="" if algorithm is None else algorithm.hash_name,
        stated_reason=found.stated_reason,
        production_place=found.production_place,
        policy_identifier=found.policy_identifier,
        commitments=found.commitments,
        claimed_roles=found.claimed_roles,
        is_key_confirmed=own.is_key_confirmed,
        covers_whole=not any(one.code in _COVERING_LESS for one in found.doubts),
        is_sandbox=own.is_sandbox,
        parent=found.parent,
    )


def conclude_timestamp(found: FoundTimestamp, *, context: Context) -> TimestampReport:
    """Everything that can be said about a timestamp that belongs to no signature."""
    return conclude_timestamps((found,), context=context)[0]


def conclude_timestamps(
    found: tuple[FoundTimestamp, ...], *, context: Context
) -> tuple[TimestampReport, ...]:
    """The same about several, of which later ones may prove what earlier ones were."""
    proofs = ProofsOfExistence(context.now)
    judged = judge_stamps(found, proofs=proofs, context=context)
    return tuple(_report(one, context=context) for one in judged)


def as_total(conclusion: Conclusion) -> Conclusion:
    """What a block came to, as the answer for all."""
    return replace(conclusion, indication=_TOTAL.get(conclusion.indication, conclusion.indication))


def _conclude(
    found: FoundSignature, *, basic: Basic, in_time: InTime, own: OwnPolicies
) -> Conclusion:
    warnings: list[Reason] = list(in_time.conclusion.warnings)
    for check in basic.checks:
        if check.step is not Step.PATH or check.conclusion.is_passed:
            warnings.extend(check.conclusion.warnings)
    warnings.extend(found.doubts)
    warnings.extend(warn_of_times(found, basic=basic, in_time=in_time))
    if own.is_sandbox:
        warnings.append(because("sandbox_certificate"))
    return replace(as_total(in_time.conclusion), warnings=tuple(dict.fromkeys(warnings)))


def _checks(basic: Basic, *, in_time: InTime) -> tuple[Check, ...]:
    """In the order in which they are shown."""
    checks = {one.step: one for one in basic.checks}
    if in_time.stamps:
        stamps = weightiest(one.conclusion for one in in_time.stamps)
        checks[Step.TIMESTAMPS] = Check(Step.TIMESTAMPS, stamps)
    if in_time.past is not None:
        checks[Step.PAST] = Check(Step.PAST, in_time.past)
    return tuple(checks[step] for step in Step if step in checks)


def _own_policies(
    basic: Basic, chain: tuple[CertificateReport, ...], *, policy: ValidationPolicy
) -> OwnPolicies:
    """What the certificate says by policies of ours, as far as whoever vouches for it may."""
    path = None if basic.chain is None else basic.chain.path
    if path is None or not chain:
        return OwnPolicies()
    own = read_own_policies(chain[0].policies, arcs=policy.own_arcs)
    if policy.own_sources and path.anchor.source not in policy.own_sources:
        return replace(own, is_key_confirmed=None)
    return own


def _report(judged: JudgedStamp, *, context: Context) -> TimestampReport:
    stamp = judged.stamp
    return TimestampReport(
        identity=stamp.found.identity,
        kind=stamp.found.kind,
        conclusion=judged.conclusion,
        generated_at=stamp.generated_at,
        chain=report_chain(stamp.basic.certificate, stamp.basic.chain, context=context),
        hash_name=stamp.token.hash_name,
        policy=stamp.token.policy,
        token=stamp.found.token,
    )


def _name(algorithm: SignatureAlgorithm, *, basic: Basic, found: FoundSignature) -> str:
    """Such as `RSASSA-PSS 3072`; as it stood there where it is not known."""
    name = _PADDINGS.get(algorithm.padding) or _FAMILIES.get(algorithm.family)
    if name is None:
        return algorithm.name
    key = found.key or (basic.chain.result.key if basic.chain is not None else b"")
    _, bits = key_family_and_bits(key) if key else ("", 0)
    return f"{name} {bits}" if bits and algorithm.family in {"rsa", "ec", "dsa"} else name
