"""ID tokens and logout tokens, checked by python-jose: the second opinion.

What lives here: signature and claims of what a provider issues, judged without any code of the
product.  Source: OpenID Connect Core §2, §3.1.3.7; Back-Channel Logout 1.0 §2.4.
Not here: access tokens, which are opaque to a relying party.
"""

from __future__ import annotations

import base64
import hashlib
import json
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from jose import jwk, jws

SKEW_S: Final = 300
LOGOUT_EVENT: Final = "http://schemas.openid.net/event/backchannel-logout"
_STRINGS: Final = frozenset(
    {
        *("sub", "name", "given_name", "family_name", "middle_name", "nickname"),
        *("preferred_username", "profile", "picture", "website", "email", "gender"),
        *("birthdate", "zoneinfo", "locale", "phone_number"),
    }
)
_BOOLEANS: Final = frozenset({"email_verified", "phone_number_verified"})
_ADDRESS: Final = frozenset(
    {"formatted", "street_address", "locality", "region", "postal_code", "country"}
)


@dataclass(frozen=True, slots=True)
class Token:
    """A signed token, verified."""

    raw: str
    header: dict[str, Any]
    claims: dict[str, Any]


def decode_part(part: str) -> bytes:
    """Base64url without padding; padding and foreign signs are refused (RFC 7515 §2)."""
    assert "=" not in part, "base64url parts carry no padding"
    return base64.b64decode(part + "=" * (-len(part) % 4), altchars=b"-_", validate=True)


def encode_part(data: bytes) -> str:
    """Base64url without padding."""
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def verify_signature(
    raw: str, *, keys: Sequence[Mapping[str, Any]], algorithm: str | None
) -> Token:
    """Verify a compact JWS with the one published key that its `kid` names.

    Takes   keys: members of the provider's JWK set; algorithm: what was agreed, or None for any of
            RS256 and ES256.
    """
    header_part, _, _ = raw.split(".")
    header = json.loads(decode_part(header_part))
    allowed = {algorithm} if algorithm else {"RS256", "ES256"}
    assert header["alg"] in allowed, f"signed with {header['alg']}, agreed: {sorted(allowed)}"
    fitting = [key for key in keys if key.get("kid") == header.get("kid")]
    assert len(fitting) == 1, f"{len(fitting)} published keys have the kid {header.get('kid')!r}"
    key = dict(fitting[0])
    assert key.get("use", "sig") == "sig"
    assert key.get("alg", header["alg"]) == header["alg"]
    payload = jws.verify(raw, jwk.construct(key, header["alg"]), sorted(allowed))
    return Token(raw=raw, header=header, claims=json.loads(payload))


def check_id_token(
    token: Token,
    *,
    issuer: str,
    client_id: str,
    nonce: str | None,
    is_refreshed: bool = False,
    access_token: str | None = None,
) -> None:
    """The claims that hold for every ID token: OpenID Connect Core §2, §3.1.3.7, §12.2."""
    claims = token.claims
    now = time.time()
    assert claims["iss"] == issuer
    audience = claims["aud"]
    assert client_id in ([audience] if isinstance(audience, str) else audience)
    if isinstance(audience, list) and len(audience) > 1:
        assert claims.get("azp") == client_id
    assert claims.get("azp", client_id) == client_id
    for name in ("exp", "iat"):
        assert isinstance(claims[name], int), f"{name} is no whole number of seconds"
        assert not isinstance(claims[name], bool), f"{name} is no number"
    assert claims["exp"] > now - SKEW_S
    assert claims["iat"] < now + SKEW_S
    assert isinstance(claims["sub"], str)
    assert 0 < len(claims["sub"]) <= 255
    assert claims["sub"].isascii()
    if not is_refreshed or "nonce" in claims:
        assert claims.get("nonce") == nonce
    if "auth_time" in claims:
        assert isinstance(claims["auth_time"], int)
        assert claims["auth_time"] < now + SKEW_S
    if "at_hash" in claims and access_token is not None:
        half = hashlib.sha256(access_token.encode("ascii")).digest()[:16]
        assert claims["at_hash"] == encode_part(half)
    check_standard_claims(claims)


def check_standard_claims(claims: Mapping[str, Any]) -> None:
    """Types of the standard claims: OpenID Connect Core §5.1."""
    for name, value in claims.items():
        if name in _STRINGS:
            assert isinstance(value, str), f"{name} is no string"
            assert value, f"{name} is empty; it should be left out (§5.3.2)"
        elif name in _BOOLEANS:
            assert isinstance(value, bool), f"{name} is neither true nor false"
        elif name == "address":
            assert isinstance(value, dict), "address is no object"
            for member, text in value.items():
                assert member not in _ADDRESS or isinstance(text, str), f"address.{member}"
        elif name == "updated_at":
            assert isinstance(value, int | float), "updated_at is no number"
            assert not isinstance(value, bool), "updated_at is no number"
            assert 0 < value < time.time() + SKEW_S, "updated_at is not in seconds"
    if "birthdate" in claims:
        _check_birthdate(claims["birthdate"])


def _check_birthdate(text: str) -> None:
    """YYYY-MM-DD, 0000-MM-DD or YYYY: OpenID Connect Core §5.1."""
    parts = text.split("-")
    assert len(parts) in {1, 3}, f"birthdate {text!r} is neither YYYY nor YYYY-MM-DD"
    assert [len(part) for part in parts] == [4, 2, 2][: len(parts)]
    assert all(part.isdigit() for part in parts)


def check_logout_token(token: Token, *, issuer: str, client_id: str, id_token: Token) -> None:
    """The claims of a logout token: Back-Channel Logout 1.0 §2.4."""
    claims = token.claims
    assert claims["iss"] == issuer
    audience = claims["aud"]
    assert client_id in ([audience] if isinstance(audience, str) else audience)
    assert isinstance(claims["iat"], int)
    assert abs(claims["iat"] - time.time()) < SKEW_S
    assert isinstance(claims["jti"], str)
    assert claims["jti"]
    assert claims["events"] == {LOGOUT_EVENT: {}}
    assert "nonce" not in claims, "a logout token MUST NOT have a nonce"
    assert "sub" in claims or "sid" in claims, "a logout token names a sub, a sid or both"
    if "sub" in claims:
        assert claims["sub"] == id_token.claims["sub"]
    if "sid" in claims:
        assert claims["sid"] == id_token.claims["sid"]
    if "exp" in claims:
        assert claims["exp"] > time.time() - SKEW_S
