"""Signature acceptance validation, and until when algorithms were good enough.

Source: ETSI EN 319 102-1 §5.2.8 and §5.1.4.2 (cryptographic constraints); TS 119 312.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from signing.validation.algorithm_acceptance import NEVER, AlgorithmTable
from signing.validation.found import Form, FoundSignature
from signing.validation.policy import ValidationPolicy
from signing.validation.verdict import (
    Conclusion,
    Indication,
    Reason,
    SubIndication,
    because,
    indeterminate,
    weightiest,
)
from signing.validation.verify_value import key_family_and_bits

HASHING_THEMSELVES: Final = frozenset({"ed25519", "ed448"})
"""Families of signatures that need no hash beside them."""


@dataclass(frozen=True, slots=True)
class AlgorithmUse:
    """An algorithm where it is used: `end` is when it stops being good enough, None for never."""

    what: str
    algorithm: str
    end: datetime | None

    def reason(self) -> Reason:
        """That it was not good enough any more."""
        if self.end == NEVER:
            return because("algorithm_not_accepted", what=self.what, algorithm=self.algorithm)
        end = "" if self.end is None else self.end.date().isoformat()
        return because("algorithm_ended", what=self.what, algorithm=self.algorithm, end=end)


def accept_signature(
    found: FoundSignature, *, key: bytes | None, at: datetime, policy: ValidationPolicy
) -> tuple[Conclusion, tuple[AlgorithmUse, ...]]:
    """Whether the signature itself meets the constraints at a time.

    1. The algorithms of value and digests are good enough; if not, INDETERMINATE,
       CRYPTO_CONSTRAINTS_FAILURE_NO_POE.
    2. The claimed time is not in the future; if it is, INDETERMINATE, SIG_CONSTRAINTS_FAILURE.
    3. It refers to its certificate where the policy wants that, and its reader noticed nothing that
       the policy refuses; else the same.
    4. That a reference to the certificate stands on a hash that is not good enough is warned about;
       not in timestamps, where most authorities still have it so (RFC 3161 §2.4.2).

    Returns the algorithms too, for whoever asks about another time.
    """
    # 1
    uses = tuple(_uses(found, key=key, table=policy.algorithms))
    conclusion = accept_algorithms(uses, at=at)
    # 2
    if found.claimed_time is not None and found.claimed_time > at + policy.skew:
        reason = because("claimed_time_in_future", time=found.claimed_time.isoformat())
        doubt = indeterminate(SubIndication.SIG_CONSTRAINTS_FAILURE, reason)
        conclusion = weightiest((doubt, conclusion))
    # 3
    refused = [one for one in found.doubts if one.code in policy.refused_doubts]
    if policy.needs_certificate_reference and found.references is None:
        refused.append(because("no_certificate_reference"))
    if refused:
        doubt = indeterminate(SubIndication.SIG_CONSTRAINTS_FAILURE, *refused)
        conclusion = weightiest((doubt, conclusion))
    # 4
    weak = tuple(_weak_references(found, at=at, table=policy.algorithms))
    return weightiest((conclusion, Conclusion(Indication.PASSED, warnings=weak))), uses


def accept_algorithms(uses: Iterable[AlgorithmUse], *, at: datetime) -> Conclusion:
    """Whether all of them are good enough at a time."""
    ended = [one for one in uses if one.end is not None and one.end <= at]
    if not ended:
        return Conclusion(Indication.PASSED)
    return Conclusion(
        Indication.INDETERMINATE,
        SubIndication.CRYPTO_CONSTRAINTS_FAILURE_NO_POE,
        tuple(dict.fromkeys(one.reason() for one in ended)),
    )


def use_of_hash(what: str, name: str, *, table: AlgorithmTable) -> AlgorithmUse:
    """A hash that is used for something."""
    return AlgorithmUse(what, name, table.hash_end(name))


def use_of_key(what: str, key: bytes, *, table: AlgorithmTable) -> AlgorithmUse:
    """A key that signed something; DER SubjectPublicKeyInfo."""
    family, bits = key_family_and_bits(key)
    name = f"{family}-{bits}" if family else ""
    return AlgorithmUse(what, name, table.key_end(family, bits=bits))


def _weak_references(
    found: FoundSignature, *, at: datetime, table: AlgorithmTable
) -> Iterator[Reason]:
    if found.form is Form.TIMESTAMP:
        return
    for name in dict.fromkeys(one.hash_name for one in found.references or () if one.hash_name):
        use = use_of_hash("certificate_reference", name, table=table)
        if use.end is not None and use.end <= at:
            yield use.reason()


def _uses(
    found: FoundSignature, *, key: bytes | None, table: AlgorithmTable
) -> Iterator[AlgorithmUse]:
    value = found.value
    if value is not None and value.algorithm.family not in HASHING_THEMSELVES:
        yield use_of_hash("signature", value.algorithm.hash_name, table=table)
    if key is not None:
        yield use_of_key("signature", key, table=table)
    for name in dict.fromkeys(one.hash_name for one in found.objects):
        yield use_of_hash("signed_data", name, table=table)
