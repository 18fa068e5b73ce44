"""Whether a key made a signature value, for all algorithms that files from anywhere bear.

What lives here: `is_value_of`.  Weak algorithms are computed too: that a value is right and that it
proves anything are two questions, and the second is the policy's.
Source: RFC 8017 §8 (RSA), FIPS 186-5 and FIPS 186-4 (ECDSA, DSA), RFC 8032 (EdDSA);
ETSI EN 319 102-1 §5.2.7.4.
Not here: what we make ourselves (`keystore/verifying.py`, which is strict).
"""

from __future__ import annotations

import hmac
from collections.abc import Mapping
from functools import lru_cache
from types import MappingProxyType
from typing import Final

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import dsa, ec, ed448, ed25519, padding, rsa
from cryptography.hazmat.primitives.asymmetric.types import PublicKeyTypes
from cryptography.hazmat.primitives.serialization import load_der_public_key

from keystore.pki.der import OCTET_STRING, SEQUENCE, algorithm_identifier, wrap
from signing.validation.content import digest_octets
from signing.validation.found import SignatureAlgorithm, SignedValue

_HASHES: Final[Mapping[str, hashes.HashAlgorithm]] = MappingProxyType(
    {
        "md5": hashes.MD5(),  # noqa: S303  # asked whether it fits, not whether it proves
        "sha1": hashes.SHA1(),  # noqa: S303  # the same
        "sha224": hashes.SHA224(),
        "sha256": hashes.SHA256(),
        "sha384": hashes.SHA384(),
        "sha512": hashes.SHA512(),
        "sha512_256": hashes.SHA512_256(),
        "sha3_224": hashes.SHA3_224(),
        "sha3_256": hashes.SHA3_256(),
        "sha3_384": hashes.SHA3_384(),
        "sha3_512": hashes.SHA3_512(),
    }
)
_RIPEMD160: Final = "1.3.36.3.2.1"
_WRONG: Final = (InvalidSignature, UnsupportedAlgorithm, ValueError, TypeError)


def is_value_of(key_der: bytes, *, signed: SignedValue) -> bool:
    """Whether the key made the value over the octets.

    Takes   key_der: SubjectPublicKeyInfo, DER.
    Returns False also for a key or an algorithm that cannot be used, or that do not go together;
            `is_computable` tells the latter beforehand.  Never raises.
    """
    key = load_key(key_der)
    algorithm = signed.algorithm
    try:
        if isinstance(key, rsa.RSAPublicKey) and algorithm.family == "rsa":
            return _is_rsa_value(key, signed=signed)
        if isinstance(key, ec.EllipticCurvePublicKey) and algorithm.family == "ec":
            key.verify(signed.value, signed.octets, ec.ECDSA(_HASHES[algorithm.hash_name]))
            return True
        if isinstance(key, dsa.DSAPublicKey) and algorithm.family == "dsa":
            key.verify(signed.value, signed.octets, _HASHES[algorithm.hash_name])
            return True
        if isinstance(key, ed25519.Ed25519PublicKey) and algorithm.family == "ed25519":
            key.verify(signed.value, signed.octets)
            return True
        if isinstance(key, ed448.Ed448PublicKey) and algorithm.family == "ed448":
            key.verify(signed.value, signed.octets)
            return True
    except (*_WRONG, KeyError):
        return False
    return False


def is_computable(algorithm: SignatureAlgorithm) -> bool:
    """Whether values by this algorithm can be verified here at all."""
    if algorithm.family in {"ed25519", "ed448"}:
        return True
    if algorithm.family == "rsa" and algorithm.padding == "pkcs1":
        return algorithm.hash_name in _HASHES or algorithm.hash_name == "ripemd160"
    if algorithm.family == "rsa":
        return algorithm.padding == "pss" and algorithm.hash_name in _HASHES
    return algorithm.family in {"ec", "dsa"} and algorithm.hash_name in _HASHES


def key_family_and_bits(key_der: bytes) -> tuple[str, int]:
    """Kind and size of a key, as the table of algorithms names them; empty for one unreadable."""
    key = load_key(key_der)
    if isinstance(key, rsa.RSAPublicKey):
        return "rsa", key.key_size
    if isinstance(key, ec.EllipticCurvePublicKey):
        return "ec", key.curve.key_size
    if isinstance(key, dsa.DSAPublicKey):
        return "dsa", key.key_size
    if isinstance(key, ed25519.Ed25519PublicKey):
        return "ed25519", 256
    if isinstance(key, ed448.Ed448PublicKey):
        return "ed448", 456
    return "", 0


@lru_cache(maxsize=256)
def load_key(key_der: bytes) -> PublicKeyTypes | None:
    """A public key; None for one that cannot be read or used.

    Takes   key_der: SubjectPublicKeyInfo, DER.
    """
    try:
        return load_der_public_key(key_der)
    except _WRONG:
        return None


def _is_rsa_value(key: rsa.RSAPublicKey, *, signed: SignedValue) -> bool:
    algorithm = signed.algorithm
    if algorithm.padding == "pss":
        hashed = _HASHES[algorithm.hash_name]
        mask = _HASHES[algorithm.mgf_hash_name or algorithm.hash_name]
        salt = padding.PSS.AUTO if algorithm.salt_bytes is None else algorithm.salt_bytes
        key.verify(signed.value, signed.octets, padding.PSS(padding.MGF1(mask), salt), hashed)
        return True
    if algorithm.padding != "pkcs1":
        return False
    if algorithm.hash_name == "ripemd160":
        return _is_ripemd_value(key, signed=signed)
    key.verify(signed.value, signed.octets, padding.PKCS1v15(), _HASHES[algorithm.hash_name])
    return True


def _is_ripemd_value(key: rsa.RSAPublicKey, *, signed: SignedValue) -> bool:
    """RFC 8017 §8.2.2, by comparing the whole encoded message, for a hash that is asked rarely."""
    digest = digest_octets(signed.octets, "ripemd160")
    if digest is None:
        return False
    expected = wrap(
        SEQUENCE, algorithm_identifier(_RIPEMD160, with_null=True), wrap(OCTET_STRING, digest)
    )
    found = key.recover_data_from_signature(signed.value, padding.PKCS1v15(), None)
    return hmac.compare_digest(found, expected)
