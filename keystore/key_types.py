"""The kinds of key pairs that there are here, and the hashes that they sign.

What lives here: one table.  A kind has one name everywhere (in the column `algorithm`, in commands,
in log events); where JOSE knows it, `jose` is its registered name there.  The kind of a key fixes
how it signs a message; a digest that somebody else computed may be of any hash listed here.
Source: RFC 7518 §3 and RFC 9864 (names); FIPS 186-5, FIPS 204; RFC 8017 §8.1.
Not here: keys (`keystore/public_keys.py`, `keystore/backends`).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final, Literal

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec

from keystore.errors import KeyUnavailable

Family = Literal["ec", "rsa", "ed25519", "ml-dsa"]


@dataclass(frozen=True, slots=True)
class KeyType:
    """One kind of key pair and how it signs.

    Takes   hash_name: of a message that it hashes itself; empty where the scheme takes the message
            whole (Ed25519, ML-DSA); curve: as JWK names it; bits: of an RSA modulus;
            padding: of RSA; jose: the JOSE algorithm, or None; size_bytes: of r and of s.
    """

    name: str
    family: Family
    jose: str | None
    hash_name: str = ""
    curve: str = ""
    bits: int = 0
    padding: Literal["", "pkcs1", "pss"] = ""
    size_bytes: int = 0


HASHES: Final[Mapping[str, hashes.HashAlgorithm]] = MappingProxyType(
    {
        "sha256": hashes.SHA256(),
        "sha384": hashes.SHA384(),
        "sha512": hashes.SHA512(),
        "sha3_256": hashes.SHA3_256(),
        "sha3_384": hashes.SHA3_384(),
        "sha3_512": hashes.SHA3_512(),
    }
)
"""Hashes whose digests may be signed, by the name that `hashlib` gives them."""

CURVES: Final[Mapping[str, ec.EllipticCurve]] = MappingProxyType(
    {"P-256": ec.SECP256R1(), "P-384": ec.SECP384R1()}
)

_ALL: Final = (
    KeyType("ES256", "ec", "ES256", hash_name="sha256", curve="P-256", size_bytes=32),
    KeyType("ES384", "ec", "ES384", hash_name="sha384", curve="P-384", size_bytes=48),
    KeyType("Ed25519", "ed25519", "Ed25519"),
    KeyType("RS256", "rsa", "RS256", hash_name="sha256", bits=2048, padding="pkcs1"),
    KeyType("PS256", "rsa", "PS256", hash_name="sha256", bits=2048, padding="pss"),
    KeyType("RS256-3072", "rsa", "RS256", hash_name="sha256", bits=3072, padding="pkcs1"),
    KeyType("RS256-4096", "rsa", "RS256", hash_name="sha256", bits=4096, padding="pkcs1"),
    KeyType("PS256-3072", "rsa", "PS256", hash_name="sha256", bits=3072, padding="pss"),
    KeyType("PS256-4096", "rsa", "PS256", hash_name="sha256", bits=4096, padding="pss"),
    KeyType("ML-DSA-44", "ml-dsa", None),
    KeyType("ML-DSA-65", "ml-dsa", None),
)

KEY_TYPES: Final[Mapping[str, KeyType]] = MappingProxyType({kind.name: kind for kind in _ALL})


def get_key_type(algorithm: str) -> KeyType:
    """The kind of that name.

    Raises  KeyUnavailable when there is none.
    """
    try:
        return KEY_TYPES[algorithm]
    except KeyError:
        raise KeyUnavailable(algorithm) from None
