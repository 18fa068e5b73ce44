"""Private keys in software: PKCS #8 sealed under the signing-key purpose, open in memory only.

What lives here: making, opening and using keys for ES256, ES384, RS256 and PS256.  Source:
RFC 7518 §3.3 to §3.5; FIPS 186-5.  Not here: which key signs when (`keystore/keyring.py`).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_der_private_key,
)

from keystore.backends import NewKey, Sign
from keystore.base64url import to_base64url
from keystore.errors import KeyUnavailable, SealBroken
from keystore.purposes import SealPurpose
from keystore.sealing import Sealer
from keystore.token_hashes import s256

_RSA_BITS: Final = 2048
_PUBLIC_EXPONENT: Final = 65537
_CURVES: Final[Mapping[str, tuple[str, ec.EllipticCurve, hashes.HashAlgorithm]]] = {
    "ES256": ("P-256", ec.SECP256R1(), hashes.SHA256()),
    "ES384": ("P-384", ec.SECP384R1(), hashes.SHA384()),
}
_PADDINGS: Final[Mapping[str, padding.AsymmetricPadding]] = {
    "RS256": padding.PKCS1v15(),
    "PS256": padding.PSS(mgf=padding.MGF1(hashes.SHA256()), salt_length=32),
}
_KID_CHARS: Final = 22


class SoftwareBackend:
    """The backend out of the box."""

    def __init__(self, sealer: Sealer) -> None:
        self._sealer = sealer

    def make_key(self, *, algorithm: str) -> NewKey:
        """A new key; its `kid` is the first 128 bits of the thumbprint (RFC 7638)."""
        key: ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey
        if algorithm in _CURVES:
            key = ec.generate_private_key(_CURVES[algorithm][1])
            jwk = _ec_jwk(key, curve=_CURVES[algorithm][0])
        elif algorithm in _PADDINGS:
            key = rsa.generate_private_key(_PUBLIC_EXPONENT, _RSA_BITS)
            jwk = _rsa_jwk(key)
        else:
            raise KeyUnavailable(algorithm)
        thumbprint = s256("{" + ",".join(f'"{name}":"{jwk[name]}"' for name in sorted(jwk)) + "}")
        kid = thumbprint[:_KID_CHARS]
        der = key.private_bytes(Encoding.DER, PrivateFormat.PKCS8, NoEncryption())
        return NewKey(
            kid=kid,
            public_jwk={**jwk, "kid": kid, "alg": algorithm, "use": "sig"},
            stored=self._sealer.seal(
                SealPurpose.SIGNING_KEY, der, context=_context(kid, algorithm)
            ),
        )

    def open_key(self, *, kid: str, algorithm: str, stored: bytes) -> Sign:
        """What signs with the key, for one algorithm."""
        der = self._sealer.unseal(SealPurpose.SIGNING_KEY, stored, context=_context(kid, algorithm))
        key = load_der_private_key(der, password=None)
        if algorithm in _CURVES and isinstance(key, ec.EllipticCurvePrivateKey):
            return _ecdsa(key, digest=_CURVES[algorithm][2])
        if algorithm in _PADDINGS and isinstance(key, rsa.RSAPrivateKey):
            return _rsa(key, scheme=_PADDINGS[algorithm])
        raise SealBroken


def _ecdsa(key: ec.EllipticCurvePrivateKey, *, digest: hashes.HashAlgorithm) -> Sign:
    sign, scheme, size = key.sign, ec.ECDSA(digest), (key.key_size + 7) // 8

    def sign_message(message: bytes) -> bytes:
        r, s = decode_dss_signature(sign(message, scheme))
        return r.to_bytes(size, "big") + s.to_bytes(size, "big")

    return sign_message


def _rsa(key: rsa.RSAPrivateKey, *, scheme: padding.AsymmetricPadding) -> Sign:
    sign, digest = key.sign, hashes.SHA256()

    def sign_message(message: bytes) -> bytes:
        return sign(message, scheme, digest)

    return sign_message


def _ec_jwk(key: ec.EllipticCurvePrivateKey, *, curve: str) -> dict[str, str]:
    numbers, size = key.public_key().public_numbers(), (key.key_size + 7) // 8
    return {
        "kty": "EC",
        "crv": curve,
        "x": to_base64url(numbers.x.to_bytes(size, "big")).decode(),
        "y": to_base64url(numbers.y.to_bytes(size, "big")).decode(),
    }


def _rsa_jwk(key: rsa.RSAPrivateKey) -> dict[str, str]:
    numbers = key.public_key().public_numbers()
    return {
        "kty": "RSA",
        "n": to_base64url(numbers.n.to_bytes(_RSA_BITS // 8, "big")).decode(),
        "e": to_base64url(numbers.e.to_bytes(3, "big")).decode(),
    }


def _context(kid: str, algorithm: str) -> str:
    return f"signing_key:{kid}:{algorithm}"
