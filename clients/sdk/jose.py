"""The JOSE door of the SDK: nothing else in it touches a signature.

What lives here: reading a signed JWT, verifying it with one key and one algorithm, half hashes,
and signing the portal's own client assertion.  joserfc does the cryptography.  Not here: which
key (`keys.py`) and what the claims must say (`id_token.py`, `logout.py`, `userinfo.py`).

Source  RFC 7515, RFC 7519, RFC 8725 (one algorithm, decided by the reader).
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import json
import math
import re
from collections.abc import Mapping
from dataclasses import dataclass, field

from joserfc import jws
from joserfc.errors import JoseError
from joserfc.jwk import ECKey, RSAKey

from clients.sdk.errors import JwtMalformed, SettingsInvalid
from clients.sdk.model import VerifiedClaims

PublicKey = ECKey | RSAKey
PrivateKey = ECKey | RSAKey

KEY_TYPE_OF = {
    "ES256": ("EC", "P-256"),
    "ES384": ("EC", "P-384"),
    "RS256": ("RSA", None),
    "PS256": ("RSA", None),
}
"""Every algorithm that a token may be signed with, and the key that it takes.

MAC algorithms and `none` are not in it: a portal's secret never signs a token.
"""

_HASH_OF = {"ES384": hashlib.sha384}
_LIMIT_BYTES = 16 * 1024
_END_OF_TIME_S = 253_402_300_799
_SEGMENT = re.compile(r"[A-Za-z0-9_-]+\Z")


@dataclass(frozen=True, slots=True, kw_only=True)
class UnverifiedJwt:
    """A JWT that was parsed, **not** verified."""

    raw: str = field(repr=False)
    header: Mapping[str, object]
    unverified_claims: Mapping[str, object] = field(repr=False)

    @property
    def algorithm(self) -> str | None:
        """What the header says; worth nothing until it was compared."""
        value = self.header.get("alg")
        return value if isinstance(value, str) else None

    @property
    def kid(self) -> str | None:
        """Which key the header points at."""
        value = self.header.get("kid")
        return value if isinstance(value, str) else None


def parse_jwt(raw: str) -> UnverifiedJwt:
    """Take a compact JWS apart; **verifies nothing**.

    Raises  JwtMalformed: `too_large`, `encrypted`, `not_compact`, `not_base64url`, `not_json`,
            `crit_not_understood`.
    Source  RFC 7515 §5.2, §4.1.11; RFC 7519 §4 (member names are unique).
    """
    if len(raw) > _LIMIT_BYTES:
        raise JwtMalformed("too_large")
    segments = raw.split(".")
    if len(segments) == 5:
        raise JwtMalformed("encrypted")
    if len(segments) != 3:
        raise JwtMalformed("not_compact")
    header = _read_object(segments[0])
    if "crit" in header:
        raise JwtMalformed("crit_not_understood")
    return UnverifiedJwt(raw=raw, header=header, unverified_claims=_read_object(segments[1]))


def verify_signature(jwt: UnverifiedJwt, *, key: PublicKey, algorithm: str) -> VerifiedClaims:
    """Verify the signature and hand out the claims that it covers.

    Takes   algorithm: the only one accepted, whatever the header says.
    Raises  JwtMalformed: `algorithm`, `signature`.
    Does not look at any claim.
    Source  RFC 7515 §5.2; RFC 8725 §3.1.
    """
    if algorithm not in KEY_TYPE_OF or jwt.algorithm != algorithm:
        raise JwtMalformed("algorithm")
    registry = jws.JWSRegistry(algorithms=[algorithm], strict_check_header=False)
    try:
        jws.deserialize_compact(jwt.raw, key, registry=registry)
    except (JoseError, ValueError) as error:
        raise JwtMalformed("signature") from error
    return VerifiedClaims(jwt.unverified_claims)


def sign_jwt(claims: Mapping[str, object], *, key: PrivateKey, algorithm: str) -> str:
    """Sign claims of the portal's own with its own key.

    Returns a compact JWS; `kid` is in the header when the key has one.
    """
    header = {"alg": algorithm, "typ": "JWT"}
    if key.kid is not None:
        header["kid"] = key.kid
    payload = json.dumps(claims, separators=(",", ":"))
    return jws.serialize_compact(header, payload, key, algorithms=[algorithm])


def half_hash(token: str, *, algorithm: str) -> str:
    """Return the left half of the hash of a token, base64url without padding.

    Source  OIDC Core §3.1.3.6 (`at_hash`).
    """
    digest = _HASH_OF.get(algorithm, hashlib.sha256)(token.encode("ascii")).digest()
    return encode_base64url(digest[: len(digest) // 2])


def read_private_key(key: str | bytes | Mapping[str, str], *, algorithm: str) -> PrivateKey:
    """Read the portal's private key.

    Takes   key: PEM (PKCS#8), or a JWK as a mapping, which may name its `kid`.
    Raises  SettingsInvalid when it is no private key for that algorithm.
    """
    kind, curve = KEY_TYPE_OF.get(algorithm, (None, None))
    try:
        imported = _import_private(key, kind=kind)
        fits = imported.is_private and (curve is None or imported.get("crv") == curve)
    except (JoseError, ValueError, KeyError, TypeError) as error:
        raise SettingsInvalid("private_key", reason="cannot be read") from error
    if not fits:
        raise SettingsInvalid("private_key", reason=f"is no private key for {algorithm}")
    return imported


def encode_base64url(data: bytes) -> str:
    """Return base64url without padding."""
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode("ascii")


def read_numeric_date(claims: Mapping[str, object], name: str) -> float | None:
    """Return a NumericDate in epoch seconds, or None when there is none.

    Raises  JwtMalformed when it is no finite number.
    Source  RFC 7519 §2.
    """
    value = claims.get(name)
    if value is None:
        return None
    # `True` is an int to Python, and its calendar ends with the year 9999.
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise JwtMalformed(f"{name}_not_a_date")
    if not 0 <= value <= _END_OF_TIME_S:
        raise JwtMalformed(f"{name}_not_a_date")
    return float(value)


def audiences(claims: Mapping[str, object]) -> tuple[str, ...]:
    """Return `aud`, one or many, as a tuple; empty when it is of neither form."""
    value = claims.get("aud")
    if isinstance(value, str):
        return (value,)
    if isinstance(value, list) and all(isinstance(item, str) for item in value):
        return tuple(value)
    return ()


def _import_private(key: str | bytes | Mapping[str, str], *, kind: str | None) -> PrivateKey:
    value: str | bytes | dict[str, str | list[str]] = (
        dict(key.items()) if isinstance(key, Mapping) else key
    )
    match kind:
        case "EC":
            return ECKey.import_key(value)
        case "RSA":
            return RSAKey.import_key(value)
        case _:
            raise SettingsInvalid(
                "private_key_algorithm", reason="is not one that the SDK signs with"
            )


def _read_object(segment: str) -> Mapping[str, object]:
    if _SEGMENT.match(segment) is None:
        raise JwtMalformed("not_base64url")
    try:
        data = base64.urlsafe_b64decode(segment + "=" * (-len(segment) % 4))
    except (binascii.Error, ValueError) as error:
        raise JwtMalformed("not_base64url") from error
    try:
        value = json.loads(
            data.decode("utf-8"),
            object_pairs_hook=_unique,
            parse_constant=_no_constant,
            parse_float=_finite,
        )
    except (ValueError, RecursionError) as error:
        raise JwtMalformed("not_json") from error
    if not isinstance(value, dict):
        raise JwtMalformed("not_json")
    return value


def _unique(pairs: list[tuple[str, object]]) -> dict[str, object]:
    members = dict(pairs)
    if len(members) != len(pairs):
        raise ValueError("a member is named twice")
    return members


def _no_constant(name: str) -> object:
    raise ValueError(name)


def _finite(text: str) -> float:
    value = float(text)
    if not math.isfinite(value):
        raise ValueError(text)
    return value
