"""What the registered claims of a JWT must be.

What lives here: the checks of RFC 7519 §4.1 over a payload that was read strictly; `keystore/jose`
calls them after the signature and is the only caller.  Not here: signatures, and any claim that
one kind of token alone has.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from keystore.errors import ClaimInvalid, TokenExpired, TokenNotYetValid

_LAST_SECOND: Final = 253_402_300_799  # 9999-12-31, the last day that `datetime` can name
_STRINGS: Final = ("iss", "sub", "jti")


@dataclass(frozen=True, slots=True)
class Expected:
    """What the caller of `verify_jwt` demands; None demands nothing."""

    issuer: str | None
    audience: str | frozenset[str] | None
    now: datetime
    leeway_s: int
    required: frozenset[str]
    allow_expired: bool


def check_claims(claims: Mapping[str, Any], *, expected: Expected) -> None:
    """Refuse a payload whose registered claims are not as expected.

    1. Every required claim is there.
    2. `iss`, `sub`, `jti` are strings, `aud` a string or a list of strings, not empty.
    3. `exp`, `nbf`, `iat` are numbers of seconds that a calendar can hold.
    4. `iss` is the expected one, character by character.
    5. One of the expected audiences is in `aud`.
    6. now < `exp`, `nbf` ≤ now, `iat` ≤ now, each with the leeway.

    Raises  ClaimInvalid, TokenExpired, TokenNotYetValid.
    Source  RFC 7519 §4.1; RFC 8725 §3.8 and §3.9.
    """
    # 1
    for name in expected.required:
        if name not in claims:
            raise ClaimInvalid(name, reason="missing")
    # 2
    for name in _STRINGS:
        if name in claims and type(claims[name]) is not str:
            raise ClaimInvalid(name, reason="wrong_type")
    audiences = _audiences(claims)
    # 3
    exp = _seconds(claims, "exp")
    nbf = _seconds(claims, "nbf")
    iat = _seconds(claims, "iat")
    # 4
    if expected.issuer is not None and claims.get("iss") != expected.issuer:
        raise ClaimInvalid("iss", reason="unexpected" if "iss" in claims else "missing")
    # 5
    _check_audience(audiences, expected=expected.audience)
    # 6
    now_s = expected.now.timestamp()
    if exp is not None and now_s >= exp + expected.leeway_s and not expected.allow_expired:
        raise TokenExpired
    if nbf is not None and nbf > now_s + expected.leeway_s:
        raise TokenNotYetValid("nbf")
    if iat is not None and iat > now_s + expected.leeway_s:
        raise TokenNotYetValid("iat")


def _audiences(claims: Mapping[str, Any]) -> tuple[str, ...] | None:
    if "aud" not in claims:
        return None
    aud = claims["aud"]
    if type(aud) is str:
        return (aud,)
    if type(aud) is not list or not aud or not all(type(one) is str for one in aud):
        raise ClaimInvalid("aud", reason="wrong_type")
    return tuple(aud)


def _check_audience(
    audiences: tuple[str, ...] | None, *, expected: str | frozenset[str] | None
) -> None:
    if expected is None:
        return
    if audiences is None:
        raise ClaimInvalid("aud", reason="missing")
    accepted = (expected,) if isinstance(expected, str) else expected
    if not any(audience in accepted for audience in audiences):
        raise ClaimInvalid("aud", reason="unexpected")


def _seconds(claims: Mapping[str, Any], name: str) -> int | float | None:
    if name not in claims:
        return None
    value = claims[name]
    if type(value) is not int and type(value) is not float:  # a bool is an int to isinstance
        raise ClaimInvalid(name, reason="wrong_type")
    # NOTE: joserfc up to 1.7.4 took NaN, which is neither before nor after now.  JSON cannot write
    # it; said this way round the comparison refuses it all the same
    if not 0 <= value <= _LAST_SECOND:
        raise ClaimInvalid(name, reason="out_of_range")
    return value
