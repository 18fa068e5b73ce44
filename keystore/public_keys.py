"""Public halves of our own keys: as JWK, as SubjectPublicKeyInfo, and what they are called.

What lives here: the way from one form to the other, for keys that this package made.  The name of
a key (`kid`) is the first 128 bits of its thumbprint, so it says which key it is: whoever swaps a
key under a name is found out.  Source: RFC 7517, RFC 7638, RFC 8037, draft-ietf-cose-dilithium
(kty AKP); RFC 5280 §4.1.2.7, RFC 9881 (SubjectPublicKeyInfo).
Not here: JWK Sets of others (`keystore/jose.py`), verification (`keystore/verifying.py`).
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from typing import Final

import msgspec
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, mldsa, rsa
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    PublicFormat,
    load_der_public_key,
)

from keystore.base64url import from_base64url, to_base64url
from keystore.errors import KeyUnavailable
from keystore.key_types import CURVES, KeyType, get_key_type
from keystore.signature_schemes import ML_DSA
from keystore.token_hashes import s256

OwnPublicKey = (
    ec.EllipticCurvePublicKey
    | rsa.RSAPublicKey
    | ed25519.Ed25519PublicKey
    | mldsa.MLDSA44PublicKey
    | mldsa.MLDSA65PublicKey
)

_KID_CHARS: Final = 22
_REMEMBERED: Final = 256
"""Public keys that are kept decoded; they never change."""
_THUMBPRINT_MEMBERS: Final = {
    "EC": ("crv", "kty", "x", "y"),
    "RSA": ("e", "kty", "n"),
    "OKP": ("crv", "kty", "x"),
    "AKP": ("alg", "kty", "pub"),
}
_encode_sorted: Final = msgspec.json.Encoder(order="sorted").encode


def public_jwk(key: OwnPublicKey, *, algorithm: str) -> dict[str, str]:
    """The public JWK with `kid`, `alg` and `use`.

    Takes   algorithm: a name of `KEY_TYPES`; `alg` becomes its JOSE name where it has one.
    """
    kind = get_key_type(algorithm)
    if not fits(key, kind=kind):
        raise KeyUnavailable(algorithm)
    members = _members(key, kind=kind)
    kid = thumbprint(members)[:_KID_CHARS]
    return {**members, "kid": kid, "alg": kind.jose or kind.name, "use": "sig"}


def thumbprint(jwk: Mapping[str, str]) -> str:
    """The SHA-256 thumbprint of a public JWK, base64url.  Source: RFC 7638 §3."""
    required = {name: jwk[name] for name in _THUMBPRINT_MEMBERS[jwk["kty"]]}
    return s256(_encode_sorted(required).decode())


def spki_of(jwk: Mapping[str, str]) -> bytes:
    """The DER SubjectPublicKeyInfo of a public JWK that this package made."""
    return encode_spki(_from_members(jwk))


def encode_spki(key: OwnPublicKey) -> bytes:
    """The DER SubjectPublicKeyInfo of a public key."""
    return key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)


@lru_cache(maxsize=_REMEMBERED)
def load_spki(spki: bytes, *, algorithm: str) -> OwnPublicKey:
    """The public key in a DER SubjectPublicKeyInfo.

    Decoding costs as much as verifying; a batch is a hundred signatures by one key.
    Raises  KeyUnavailable when it does not decode, or is not a key of that kind and size.
    """
    kind = get_key_type(algorithm)
    try:
        key = load_der_public_key(spki)
    except (ValueError, UnsupportedAlgorithm) as malformed:
        raise KeyUnavailable(algorithm) from malformed
    if not isinstance(key, OwnPublicKey) or not fits(key, kind=kind):
        raise KeyUnavailable(algorithm)
    return key


def fits(key: object, *, kind: KeyType) -> bool:
    """Whether a public key is of that kind: family, curve, size."""
    if isinstance(key, ec.EllipticCurvePublicKey):
        return kind.family == "ec" and key.curve.name == CURVES[kind.curve].name
    if isinstance(key, rsa.RSAPublicKey):
        return kind.family == "rsa" and key.key_size == kind.bits
    if isinstance(key, ed25519.Ed25519PublicKey):
        return kind.family == "ed25519"
    return kind.name in ML_DSA and isinstance(key, ML_DSA[kind.name].public)


def _members(key: OwnPublicKey, *, kind: KeyType) -> dict[str, str]:
    if isinstance(key, ec.EllipticCurvePublicKey):
        point, size = key.public_numbers(), (key.key_size + 7) // 8
        x, y = _text(point.x.to_bytes(size, "big")), _text(point.y.to_bytes(size, "big"))
        return {"kty": "EC", "crv": kind.curve, "x": x, "y": y}
    if isinstance(key, rsa.RSAPublicKey):
        numbers, size = key.public_numbers(), key.key_size // 8
        exponent = numbers.e.to_bytes((numbers.e.bit_length() + 7) // 8, "big")
        return {"kty": "RSA", "n": _text(numbers.n.to_bytes(size, "big")), "e": _text(exponent)}
    if isinstance(key, ed25519.Ed25519PublicKey):
        return {"kty": "OKP", "crv": "Ed25519", "x": _text(key.public_bytes_raw())}
    return {"kty": "AKP", "alg": kind.name, "pub": _text(key.public_bytes_raw())}


def _from_members(jwk: Mapping[str, str]) -> OwnPublicKey:
    if jwk["kty"] == "EC":
        numbers = ec.EllipticCurvePublicNumbers(
            _number(jwk["x"]), _number(jwk["y"]), CURVES[jwk["crv"]]
        )
        return numbers.public_key()
    if jwk["kty"] == "RSA":
        return rsa.RSAPublicNumbers(_number(jwk["e"]), _number(jwk["n"])).public_key()
    if jwk["kty"] == "OKP":
        return ed25519.Ed25519PublicKey.from_public_bytes(from_base64url(jwk["x"].encode()))
    return ML_DSA[jwk["alg"]].public.from_public_bytes(from_base64url(jwk["pub"].encode()))


def _text(value: bytes) -> str:
    return to_base64url(value).decode()


def _number(value: str) -> int:
    return int.from_bytes(from_base64url(value.encode()), "big")
