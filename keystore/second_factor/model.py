"""What crosses between the service and the second-factor verifier, as frozen values.

What lives here: authenticators as the service keeps them, what is said of a code, and what the
verifier knows about an authenticator.  Not here: the messages (`wire`).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

Outcome = Literal["right", "wrong", "too_many"]


@dataclass(frozen=True, slots=True)
class HeldTotp:
    """An authenticator of which the service keeps `kept` and nothing that is in it.

    Takes   kept: the secret, sealed under the verifier's root key for this id and its account.
    """

    totp_id: str
    kept: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class MadeTotp:
    """A new authenticator: `secret` (20 bytes) is for the person's app and for nothing else."""

    secret: bytes = field(repr=False)
    kept: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class CodeOutcome:
    """What is said of a code; `retry_ms` (epoch) with `too_many`, `totp_id` with `right`."""

    outcome: Outcome
    retry_ms: int = 0
    totp_id: str = field(default="", compare=False)


@dataclass(frozen=True, slots=True)
class TotpFacts:
    """What the verifier remembers of an authenticator.

    Takes   made_ms: when it was made; is_bound_at_proofing: its first code was given together with
            an activation code that a keeper had announced; confirms_from_ms: from when on its codes
            confirm, None while its first code is due, and for one that never will.
    """

    made_ms: int
    is_bound_at_proofing: bool
    confirms_from_ms: int | None
