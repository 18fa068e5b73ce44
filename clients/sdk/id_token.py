"""The thirteen steps that turn an ID token into a sign-in that may be believed.

What lives here: OIDC Core 1.0 §3.1.3.7 in full, and `at_hash` of §3.1.3.8.  Not here: fetching
the token (`login.py`, `refresh.py`) and choosing the key (`keys.py`).
"""

from __future__ import annotations

import hmac
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from clients.sdk.errors import IdTokenInvalid, JwtMalformed, KeyUnknown
from clients.sdk.jose import (
    KEY_TYPE_OF,
    UnverifiedJwt,
    audiences,
    half_hash,
    parse_jwt,
    read_numeric_date,
    verify_signature,
)
from clients.sdk.keys import ProviderKeys
from clients.sdk.levels import is_level_reached
from clients.sdk.model import VerifiedClaims

_ISSUED_AT_MOST_AGO_S = 600.0
_ID_TOKEN_TYPES = frozenset({None, "JWT", "jwt"})


@dataclass(frozen=True, slots=True, kw_only=True)
class ExpectedIdToken:
    """What this sign-in asked for, and what the token must therefore say.

    `nonce` None: none was sent (a refresh).  `reauthenticated_after`: the sign-in was asked for
    with `prompt=login`, at that instant.
    """

    issuer: str
    client_id: str
    algorithm: str
    nonce: str | None = field(default=None, repr=False)
    access_token: str | None = field(default=None, repr=False)
    acr_values: tuple[str, ...] = ()
    max_age: timedelta | None = None
    reauthenticated_after: datetime | None = None


def verify_id_token(
    raw: str, *, keys: ProviderKeys, expected: ExpectedIdToken, leeway: timedelta, now: datetime
) -> VerifiedClaims:
    """Verify an ID token that came from the token endpoint.

     1. Not encrypted, as no encryption was registered.
     2. `iss` is the provider that was discovered, to the letter.
     3. `aud` is this portal and nobody else: no other audience is trusted.
     4. No extension that brings `azp` is in use; one that is there is judged by step 5.
     5. `azp`, if there, is this portal.
     6. The signature holds under a key that the provider publishes.  TLS alone is not enough here.
     7. `alg` is the one that was registered.
     8. `alg` is no MAC: a portal's secret never signs a token.
     9. Now is before `exp`.
    10. `iat` is neither in the future nor more than ten minutes ago.
    11. `nonce` is the one that was sent.
    12. `acr` reaches the level that was asked for.
    13. `auth_time` is as fresh as `max_age` or `prompt=login` asked for.
    14. `at_hash`, if there, is that of the access token beside it (§3.1.3.8).

    Steps 7 and 8 are taken before 6, and 6 before every claim: nothing a stranger wrote decides.

    Takes   raw: compact JWS, at most 16 KiB.
    Raises  IdTokenInvalid (carries the step); ProviderUnavailable when keys cannot be fetched.
    Source  OIDC Core 1.0 §2, §3.1.3.7, §3.1.3.8.
    """
    # 1
    try:
        jwt = parse_jwt(raw)
    except JwtMalformed as error:
        step = 1 if error.reason == "encrypted" else 0
        raise IdTokenInvalid(step, error.reason) from error
    # 7, 8
    if jwt.algorithm != expected.algorithm:
        raise IdTokenInvalid(8 if _is_mac(jwt.algorithm) else 7, "algorithm")
    # A logout token or an access token of the same provider is no ID token (RFC 8725 §3.11).
    if jwt.header.get("typ") not in _ID_TOKEN_TYPES:
        raise IdTokenInvalid(0, "typ")
    # 6
    claims = _verify_signature(jwt, keys=keys, expected=expected, now=now)
    _require_shape(claims)
    # 2
    if claims["iss"] != expected.issuer:
        raise IdTokenInvalid(2, "issuer")
    # 3
    if audiences(claims) != (expected.client_id,):
        raise IdTokenInvalid(3, "audience")
    # 4, 5
    if "azp" in claims and claims["azp"] != expected.client_id:
        raise IdTokenInvalid(5, "authorized_party")
    # 9, 10
    _require_times(claims, leeway=leeway, now=now)
    # 11
    if expected.nonce is not None:
        nonce = claims.get("nonce")
        if not isinstance(nonce, str) or not _is_same(nonce, expected.nonce):
            raise IdTokenInvalid(11, "nonce")
    # 12
    if expected.acr_values and not is_level_reached(claims.get("acr"), wanted=expected.acr_values):
        raise IdTokenInvalid(12, "acr")
    # 13
    _require_fresh(claims, expected=expected, leeway=leeway, now=now)
    # 14
    at_hash = claims.get("at_hash")
    if at_hash is not None and expected.access_token is not None:
        wanted = half_hash(expected.access_token, algorithm=expected.algorithm)
        if not isinstance(at_hash, str) or not _is_same(at_hash, wanted):
            raise IdTokenInvalid(14, "at_hash")
    return claims


def _verify_signature(
    jwt: UnverifiedJwt, *, keys: ProviderKeys, expected: ExpectedIdToken, now: datetime
) -> VerifiedClaims:
    try:
        key = keys.get_key(kid=jwt.kid, algorithm=expected.algorithm, now=now)
        return verify_signature(jwt, key=key, algorithm=expected.algorithm)
    except KeyUnknown as error:
        raise IdTokenInvalid(6, "key_unknown") from error
    except JwtMalformed as error:
        raise IdTokenInvalid(6, error.reason) from error


def _require_shape(claims: Mapping[str, object]) -> None:
    """OIDC Core §2: five claims are REQUIRED, and `sub` has at most 255 ASCII characters."""
    for name in ("iss", "sub", "aud", "exp", "iat"):
        if claims.get(name) is None:
            raise IdTokenInvalid(0, f"{name}_missing")
    sub = claims["sub"]
    if not isinstance(sub, str) or not 0 < len(sub) <= 255 or not sub.isascii():
        raise IdTokenInvalid(0, "sub")


def _require_times(claims: Mapping[str, object], *, leeway: timedelta, now: datetime) -> None:
    now_s, leeway_s = now.timestamp(), leeway.total_seconds()
    expires_s = _date(claims, "exp", step=9)
    if expires_s is None or now_s >= expires_s + leeway_s:
        raise IdTokenInvalid(9, "expired")
    starts_s = _date(claims, "nbf", step=9)
    if starts_s is not None and now_s < starts_s - leeway_s:
        raise IdTokenInvalid(9, "not_yet")
    issued_s = _date(claims, "iat", step=10)
    if issued_s is None or issued_s > now_s + leeway_s:
        raise IdTokenInvalid(10, "issued_in_the_future")
    if issued_s < now_s - _ISSUED_AT_MOST_AGO_S - leeway_s:
        raise IdTokenInvalid(10, "issued_too_long_ago")


def _require_fresh(
    claims: Mapping[str, object], *, expected: ExpectedIdToken, leeway: timedelta, now: datetime
) -> None:
    leeway_s = leeway.total_seconds()
    auth_time_s = _date(claims, "auth_time", step=13)
    if expected.max_age is not None:
        # §2: with max_age in the request auth_time is REQUIRED.
        if auth_time_s is None:
            raise IdTokenInvalid(13, "auth_time_missing")
        if now.timestamp() - auth_time_s > expected.max_age.total_seconds() + leeway_s:
            raise IdTokenInvalid(13, "auth_time_too_old")
    # Whoever holds the browser could take `prompt=login` out of the URL; this provider always says
    # when, so that a token which does not is no proof either.
    if expected.reauthenticated_after is not None:
        if auth_time_s is None:
            raise IdTokenInvalid(13, "auth_time_missing")
        if auth_time_s < expected.reauthenticated_after.timestamp() - leeway_s:
            raise IdTokenInvalid(13, "not_authenticated_again")


def _date(claims: Mapping[str, object], name: str, *, step: int) -> float | None:
    try:
        return read_numeric_date(claims, name)
    except JwtMalformed as error:
        raise IdTokenInvalid(step, error.reason) from error


def _is_mac(algorithm: str | None) -> bool:
    return algorithm is not None and algorithm.startswith("HS") and algorithm not in KEY_TYPE_OF


def _is_same(left: str, right: str) -> bool:
    # JSON can smuggle in lone surrogates, which plain UTF-8 refuses to write.
    return hmac.compare_digest(left.encode(errors="surrogatepass"), right.encode())
