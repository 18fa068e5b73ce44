"""How sure this sign-in is: `acr`, `amr` and `auth_time` from the times of the factors.

What lives here: the arithmetic of levels, and nothing about accounts (how an account was proofed is
`account_level`, another number).  An `acr` never says more than what happened.
Sources: architecture, "Levels"; NĐ 69/2024 Art. 20; OpenID Connect Core §2; RFC 8176.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from types import MappingProxyType
from typing import Any, Final

from idp.model import AuthLevel, Factor, ProvenFactor

ACR_VALUES: Final[Mapping[str, int]] = MappingProxyType(
    {
        "urn:vn:auth:1": 1,
        "urn:vn:auth:2": 2,
        "urn:vn:auth:3": 3,
        "urn:vn:auth:4": 4,
    }
)
"""3 and 4 need a proven biometric, which only an upstream can give."""
LOA1_ALIAS: Final = "LoA1"
ACR_SUPPORTED: Final = ("urn:vn:auth:1", "urn:vn:auth:2")
HIGHEST: Final = AuthLevel.TWO
_WAYS_TO_TWO: Final = (
    (Factor.PASSWORD, Factor.OTP),
    (Factor.PASSWORD, Factor.PASSKEY),
    (Factor.VERIFIED_PASSKEY,),
    (Factor.PASSWORD, Factor.SMS_CODE),
    (Factor.PASSWORD, Factor.EMAIL_CODE),
)
"""What amounts to two factors; a password beside a passkey that verified its user adds nothing,
and a recovery code is in none of them."""
CLOCK_SKEW: Final = timedelta(seconds=5)
"""How far the clocks of two hosts of the provider may be apart."""


@dataclass(frozen=True, slots=True)
class Assurance:
    """What the factors that still count amount to; `level` None: not even one counts."""

    level: AuthLevel | None
    auth_time: datetime | None
    amr: tuple[str, ...]
    has_password: bool
    has_otp: bool


@dataclass(frozen=True, slots=True)
class DemandedLevel:
    """`must`: below it the answer is an error; `wish`: tried, and the truth is told."""

    must: int
    wish: int


def assess(
    factors: Sequence[ProvenFactor],
    *,
    now: datetime,
    max_age: timedelta | None,
    started_at: datetime,
    only_since_start: bool,
) -> Assurance:
    """Judge the factors of a session for one request.

    Takes   max_age: older factors do not count, unless they were proven in this very interaction,
            which began at `started_at`: who was just asked is not asked again while reading the
            consent page; only_since_start: nothing from before counts (prompt=login).
    Returns the level, and as `auth_time` the oldest factor used for it.
    """
    counted = {
        proven.factor: proven
        for proven in factors
        if proven.at >= started_at
        or (not only_since_start and (max_age is None or now - proven.at <= max_age))
    }
    password, otp = counted.get(Factor.PASSWORD), counted.get(Factor.OTP)
    has = {"has_password": password is not None, "has_otp": otp is not None}
    pairs = [
        used
        for ways in _WAYS_TO_TWO
        if len(used := [counted[factor] for factor in ways if factor in counted]) == len(ways)
    ]
    if pairs:
        # that whose older half is the youngest: what is told is no older than it has to be
        used = max(pairs, key=lambda pair: min(proven.at for proven in pair))
        at = min(proven.at for proven in used)
        return Assurance(AuthLevel.TWO, at, (*_methods(used), "mfa"), **has)
    if password is not None:
        return Assurance(AuthLevel.ONE, password.at, ("pwd",), **has)
    return Assurance(None, None, (), **has)


def _methods(used: Sequence[ProvenFactor]) -> tuple[str, ...]:
    """What was done, in the words of RFC 8176 §2.

    A passkey proves that its key is there (`pop`) and its user as well (`user`).  One that may be
    on more than one device is no key that hardware holds (`swk`).  `hwk` is never said: no maker
    has attested it.
    """
    said: list[str] = []
    for proven in used:
        if proven.factor in {Factor.PASSKEY, Factor.VERIFIED_PASSKEY}:
            said += ["pop", *(["swk"] if proven.is_synced else []), "user"]
        elif proven.factor is Factor.EMAIL_CODE:
            said.append("otp")  # there is no word of its own for codes by e-mail
        else:
            said.append(proven.factor.value)
    return tuple(said)


def proven_at(now: datetime, *, started_at: datetime) -> datetime:
    """When a factor that is given now, in an interaction that began at `started_at`, was proven.

    Not before that beginning, though the host that wrote it down may be ahead of this one.  The
    tolerance stands here and not in `assess`, where it would let a factor from just before pass
    for one that was given in the interaction, whatever max_age and prompt=login say.
    """
    return started_at if now < started_at <= now + CLOCK_SKEW else now


def level_of(acr: str) -> int | None:
    """The level that an `acr` value stands for; None for a value that we do not know."""
    return 1 if acr == LOA1_ALIAS else ACR_VALUES.get(acr)


def demanded_level(
    *,
    acr_values: Sequence[str],
    acr_claim: Mapping[str, Any] | None,
    client_level: int,
    own_level: int,
) -> DemandedLevel:
    """What a request, the client's policy and the person's own setting demand together.

    Takes   acr_values: in order of preference; acr_claim: the `acr` member of `claims.id_token`;
            client_level: `required_level` of the client; own_level: what the account holder set.
    An essential `acr` of which we know no value demands a level that cannot be reached.
    Source  OpenID Connect Core §3.1.2.1 `acr_values`, §5.5.1.1.
    """
    must = max(client_level, own_level)
    wish = must
    known = [level for value in acr_values if (level := level_of(value)) is not None]
    if known:
        wish = max(wish, min(known[0], HIGHEST))
    if acr_claim is not None:
        values = _values(acr_claim)
        levels = [level for value in values if (level := level_of(value)) is not None]
        if acr_claim.get("essential") is True and values:
            must = max(must, min(levels, default=HIGHEST + 1))
        elif levels:
            wish = max(wish, min(levels[0], HIGHEST))
    return DemandedLevel(must=must, wish=max(must, wish))


def acr_for(
    level: AuthLevel, *, acr_values: Sequence[str], acr_claim: Mapping[str, Any] | None,
    may_alias: bool,
) -> str:  # fmt: skip
    """The `acr` to send: our URN, or `LoA1` for a client that asked for that and may have it."""
    asked = [*acr_values, *(_values(acr_claim) if acr_claim else ())]
    urn = f"urn:vn:auth:{level.value}"
    if may_alias and LOA1_ALIAS in asked and urn not in asked:
        return LOA1_ALIAS
    return urn


def _values(acr_claim: Mapping[str, Any]) -> tuple[str, ...]:
    values = acr_claim.get("values")
    if isinstance(values, list):
        return tuple(value for value in values if isinstance(value, str))
    value = acr_claim.get("value")
    return (value,) if isinstance(value, str) else ()
