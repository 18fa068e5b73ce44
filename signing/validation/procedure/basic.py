"""Validation process for basic signatures: what can be said of a signature as it is now.

Source: ETSI EN 319 102-1 §5.3.
Every building block is run whatever the one before came to, so that a report tells everything.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Final

from signing.validation.context import Context
from signing.validation.found import FoundSignature
from signing.validation.model import Check, Step
from signing.validation.procedure.acceptance import AlgorithmUse, accept_signature
from signing.validation.procedure.chain_algorithms import key_of
from signing.validation.procedure.context_start import start_context
from signing.validation.procedure.cryptographic import verify_cryptographically
from signing.validation.procedure.format_check import check_format
from signing.validation.procedure.identification import identify_certificate
from signing.validation.procedure.x509_validation import (
    Purpose,
    ValidatedChain,
    validate_certificate,
)
from signing.validation.verdict import PASSED, Conclusion, SubIndication, weightiest

OVERCOME_BY_TIME: Final = frozenset(
    {
        SubIndication.TRY_LATER,
        SubIndication.REVOKED_NO_POE,
        SubIndication.REVOKED_CA_NO_POE,
        SubIndication.OUT_OF_BOUNDS_NO_POE,
        SubIndication.OUT_OF_BOUNDS_NOT_REVOKED,
        SubIndication.CRYPTO_CONSTRAINTS_FAILURE_NO_POE,
        SubIndication.NO_CERTIFICATE_CHAIN_FOUND_NO_POE,
    }
)
"""What a proof that the signature existed earlier may overcome (§5.5.4, §5.6.2.4)."""


@dataclass(frozen=True, slots=True)
class Basic:
    """What a signature is, as it is now.

    Takes   checks: building blocks in the order of the standard; chain: of the certificate, None
            without one; uses: algorithms of the signature itself.
    """

    checks: tuple[Check, ...]
    certificate: bytes | None = field(repr=False)
    chain: ValidatedChain | None
    uses: tuple[AlgorithmUse, ...]

    @property
    def conclusion(self) -> Conclusion:
        """All blocks in one: failures first; a document that is missing before a missing anchor."""
        by_step = {one.step: one.conclusion for one in self.checks}
        return weightiest(by_step[step] for step in _WEIGHT if step in by_step)

    @property
    def is_overcome_by_time(self) -> bool:
        """Whether all that speaks against it may be overcome by a proof of existence."""
        found = [one.conclusion for one in self.checks if one.step is not Step.PATH]
        found.extend(self.chain.conclusions if self.chain is not None else ())
        return all(one.is_passed or one.sub_indication in OVERCOME_BY_TIME for one in found)

    def with_use(self, use: AlgorithmUse, *, accepted: Conclusion) -> Basic:
        """The same with one algorithm more, and what that comes to."""
        checks = tuple(
            replace(one, conclusion=weightiest((one.conclusion, accepted)))
            if one.step is Step.ACCEPTANCE
            else one
            for one in self.checks
        )
        return replace(self, checks=checks, uses=(*self.uses, use))


_WEIGHT: Final = (
    Step.FORMAT,
    Step.CRYPTOGRAPHY,
    Step.IDENTIFICATION,
    Step.CONTEXT,
    Step.PATH,
    Step.ACCEPTANCE,
)


def validate_basic(
    found: FoundSignature, *, context: Context, purpose: Purpose = Purpose.SIGNING
) -> Basic:
    """All building blocks of a signature.

    1. Format checking (§5.2.2).
    2. Identification of the signing certificate (§5.2.3).
    3. Validation context initialization (§5.2.4).
    4. Cryptographic verification (§5.2.7): before the certificate, as nobody is asked over the
       network about a signature that is broken anyway.
    5. X.509 certificate validation (§5.2.6), with revocation freshness (§5.2.5).
    6. Signature acceptance validation (§5.2.8).
    """
    # 1
    checks = [Check(Step.FORMAT, check_format(found))]
    # 2
    identified = identify_certificate(found)
    checks.append(Check(Step.IDENTIFICATION, identified.conclusion))
    # 3
    checks.append(Check(Step.CONTEXT, start_context(found)))
    # 4
    certificate = identified.certificate
    key = found.key if certificate is None else key_of(certificate)
    is_identified = certificate is None or identified.conclusion.is_passed
    verified = verify_cryptographically(found, key=key, is_identified=is_identified)
    checks.append(Check(Step.CRYPTOGRAPHY, verified))
    # 5
    chain = None
    if certificate is not None:
        may_ask = verified.is_passed and not found.malformed
        chain = validate_certificate(certificate, context=context, purpose=purpose, may_ask=may_ask)
    checks.append(Check(Step.PATH, PASSED if chain is None else chain.conclusion))
    # 6
    accepted, uses = accept_signature(found, key=key, at=context.now, policy=context.policy)
    checks.append(Check(Step.ACCEPTANCE, accepted))
    return Basic(tuple(checks), certificate, chain, uses)
