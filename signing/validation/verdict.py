"""What can be concluded about a signature, in the words of the standard.

What lives here: indications, sub-indications, and a conclusion with its reasons.
Source: ETSI EN 319 102-1 V1.4.1 §5.1.3 and tables 5 and 6.
Not here: sentences for people; a reason is a code with its facts, said in words at the edge.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from typing import Final


class Indication(StrEnum):
    """The answer for a whole signature, or for one building block of the procedure."""

    TOTAL_PASSED = "TOTAL_PASSED"
    TOTAL_FAILED = "TOTAL_FAILED"
    INDETERMINATE = "INDETERMINATE"
    PASSED = "PASSED"
    FAILED = "FAILED"


class SubIndication(StrEnum):
    """Why a signature failed, or why nothing can be said."""

    FORMAT_FAILURE = "FORMAT_FAILURE"
    HASH_FAILURE = "HASH_FAILURE"
    SIG_CRYPTO_FAILURE = "SIG_CRYPTO_FAILURE"
    REVOKED = "REVOKED"
    EXPIRED = "EXPIRED"
    NOT_YET_VALID = "NOT_YET_VALID"
    SIG_CONSTRAINTS_FAILURE = "SIG_CONSTRAINTS_FAILURE"
    CHAIN_CONSTRAINTS_FAILURE = "CHAIN_CONSTRAINTS_FAILURE"
    CERTIFICATE_CHAIN_GENERAL_FAILURE = "CERTIFICATE_CHAIN_GENERAL_FAILURE"
    CRYPTO_CONSTRAINTS_FAILURE = "CRYPTO_CONSTRAINTS_FAILURE"
    CRYPTO_CONSTRAINTS_FAILURE_NO_POE = "CRYPTO_CONSTRAINTS_FAILURE_NO_POE"
    POLICY_PROCESSING_ERROR = "POLICY_PROCESSING_ERROR"
    SIGNATURE_POLICY_NOT_AVAILABLE = "SIGNATURE_POLICY_NOT_AVAILABLE"
    TIMESTAMP_ORDER_FAILURE = "TIMESTAMP_ORDER_FAILURE"
    NO_SIGNING_CERTIFICATE_FOUND = "NO_SIGNING_CERTIFICATE_FOUND"
    NO_CERTIFICATE_CHAIN_FOUND = "NO_CERTIFICATE_CHAIN_FOUND"
    NO_CERTIFICATE_CHAIN_FOUND_NO_POE = "NO_CERTIFICATE_CHAIN_FOUND_NO_POE"
    REVOKED_NO_POE = "REVOKED_NO_POE"
    REVOKED_CA_NO_POE = "REVOKED_CA_NO_POE"
    OUT_OF_BOUNDS_NO_POE = "OUT_OF_BOUNDS_NO_POE"
    OUT_OF_BOUNDS_NOT_REVOKED = "OUT_OF_BOUNDS_NOT_REVOKED"
    REVOCATION_OUT_OF_BOUNDS_NO_POE = "REVOCATION_OUT_OF_BOUNDS_NO_POE"
    NO_POE = "NO_POE"
    TRY_LATER = "TRY_LATER"
    SIGNED_DATA_NOT_FOUND = "SIGNED_DATA_NOT_FOUND"
    CUSTOM = "CUSTOM"


@dataclass(frozen=True, slots=True)
class Reason:
    """One thing that was found; `because` makes one.

    Takes   code: stable, in small letters (`signed_object_changed`, `certificate_revoked`, …);
            facts: what it is about, such as the name of a file or a time, by name; never what a
            document says inside.
    """

    code: str
    facts: tuple[tuple[str, str], ...] = ()

    def fact(self, name: str) -> str:
        """One of the facts; empty when there is none of that name."""
        return dict(self.facts).get(name, "")


def because(code: str, **facts: str) -> Reason:
    """A reason with its facts."""
    return Reason(code, tuple(facts.items()))


@dataclass(frozen=True, slots=True)
class Conclusion:
    """An indication, why, and every reason that was found on the way: the first is the weightiest.

    `warnings` change nothing about the indication.
    """

    indication: Indication
    sub_indication: SubIndication | None = None
    reasons: tuple[Reason, ...] = ()
    warnings: tuple[Reason, ...] = ()

    @property
    def is_passed(self) -> bool:
        """Whether nothing speaks against it."""
        return self.indication in {Indication.PASSED, Indication.TOTAL_PASSED}

    @property
    def is_failed(self) -> bool:
        """Whether it is certain that the signature does not hold."""
        return self.indication in {Indication.FAILED, Indication.TOTAL_FAILED}

    @property
    def is_indeterminate(self) -> bool:
        """Whether what is there does not suffice to say either."""
        return self.indication is Indication.INDETERMINATE


PASSED: Final = Conclusion(Indication.PASSED)


def failed(why: SubIndication, *reasons: Reason) -> Conclusion:
    """A building block that failed."""
    return Conclusion(Indication.FAILED, why, reasons)


def indeterminate(why: SubIndication, *reasons: Reason) -> Conclusion:
    """A building block that cannot tell."""
    return Conclusion(Indication.INDETERMINATE, why, reasons)


def weightiest(conclusions: Iterable[Conclusion]) -> Conclusion:
    """The worst of them with the reasons and warnings of all: a failure before a doubt.

    Among equals the first one is taken; without any, or when all passed, it is passed.
    """
    found = sorted(
        conclusions,
        key=lambda one: 0 if one.is_failed else 1 if one.is_indeterminate else 2,
    )
    if not found:
        return PASSED
    return Conclusion(
        found[0].indication,
        found[0].sub_indication,
        tuple(dict.fromkeys(reason for one in found for reason in one.reasons)),
        tuple(dict.fromkeys(warning for one in found for warning in one.warnings)),
    )
