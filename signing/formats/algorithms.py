"""Hashes and signatures as CMS names them.

What lives here: the identifiers that we write, by the kind of key; and the reverse, which kind of
key and which hash an identifier from outside means, for those that are taken: SHA-2 and SHA-3 with
ECDSA, RSASSA-PSS (salt as long as the hash) and RSASSA-PKCS1-v1_5.  SHA-1 is in no table.
Source: RFC 5754 §2 and §3; RFC 4055 §2.1 and §3.1 (parameters of RSASSA-PSS written out);
RFC 5758 §3.2; TT 15/2025/TT-BKHCN, Annex I (PSS is what RSA signs with here).
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat import asn1
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from keystore.errors import KeystoreError
from keystore.key_types import CURVES, HASHES, KEY_TYPES, get_key_type
from keystore.pki.der import SEQUENCE, SIGNATURE_ALGORITHMS, algorithm_identifier, wrap
from keystore.verifying import verify_digest
from signing.formats.der import oid

_SHA2: Final = "2.16.840.1.101.3.4.2."
HASH_OIDS: Final[Mapping[str, str]] = MappingProxyType(
    {
        "sha256": f"{_SHA2}1",
        "sha384": f"{_SHA2}2",
        "sha512": f"{_SHA2}3",
        "sha3_256": f"{_SHA2}8",
        "sha3_384": f"{_SHA2}9",
        "sha3_512": f"{_SHA2}10",
    }
)
"""Object identifiers of hashes, by the name of `hashlib`."""

DIGEST_ALGORITHMS: Final[Mapping[str, bytes]] = MappingProxyType(
    {name: algorithm_identifier(dotted) for name, dotted in HASH_OIDS.items()}
)
"""DER of the identifier of a hash, without parameters (RFC 5754 §2)."""

_WITH_NULL: Final = {
    name: algorithm_identifier(dotted, with_null=True) for name, dotted in HASH_OIDS.items()
}
_HASH_NAMES: Final = {
    **{der: name for name, der in DIGEST_ALGORITHMS.items()},
    **{der: name for name, der in _WITH_NULL.items()},
}
_CURVES: Final = {curve.name: name for name, curve in CURVES.items()}
_SHA3_SIGNATURES: Final = "2.16.840.1.101.3.4.3."
_PSS: Final = "1.2.840.113549.1.1.10"
_MGF1: Final = "1.2.840.113549.1.1.8"


def hash_name_of(identifier: bytes) -> str | None:
    """The name of a hash by its AlgorithmIdentifier, or None."""
    return _HASH_NAMES.get(identifier)


def signature_algorithm(kind: str) -> bytes:
    """DER of the AlgorithmIdentifier of a signature by a key of that kind.

    Takes   kind: of `keystore.key_types`, one that signs digests.
    """
    found = get_key_type(kind)
    return _PSS_OF[found.hash_name] if found.padding == "pss" else SIGNATURE_ALGORITHMS[kind]


def is_signed_by(
    certificate: x509.Certificate,
    *,
    octets: bytes,
    signature: bytes,
    identifier: bytes,
    hash_name: str | None = None,
) -> bool:
    """Whether the key in a certificate signed `octets`, by an algorithm that is taken.

    Takes   identifier: DER of the AlgorithmIdentifier of the signature;
            hash_name: the hash that SignerInfo names beside it, which has to be the same; None
            where only the identifier names one.
    """
    family, padding, named = _MEANINGS.get(identifier, ("", "", _ANY))
    hash_name = hash_name or named
    if named not in {hash_name, _ANY} or hash_name == _ANY:
        return False
    try:
        key = certificate.public_key()
    except (ValueError, UnsupportedAlgorithm):
        return False
    kind = _kind_of(key, family=family, padding=padding)
    if kind is None:
        return False
    try:
        verify_digest(
            key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo),
            algorithm=kind,
            digest=hashlib.new(hash_name, octets).digest(),
            hash_name=hash_name,
            signature=signature,
        )
    except KeystoreError:
        return False
    return True


def _kind_of(key: object, *, family: str, padding: str) -> str | None:
    for kind in KEY_TYPES.values():
        if kind.family != family or kind.padding != padding:
            continue
        if isinstance(key, rsa.RSAPublicKey) and key.key_size == kind.bits:
            return kind.name
        if isinstance(key, ec.EllipticCurvePublicKey) and kind.curve == _CURVES.get(key.curve.name):
            return kind.name
    return None


def _pss(hash_name: str) -> bytes:
    """RSASSA-PSS with the same hash twice, and a salt as long as it; the trailer is the default."""
    hashed = _WITH_NULL[hash_name]
    parameters = wrap(
        SEQUENCE,
        wrap(0xA0, hashed),
        wrap(0xA1, wrap(SEQUENCE, oid(_MGF1), hashed)),
        wrap(0xA2, asn1.encode_der(HASHES[hash_name].digest_size)),
    )
    return wrap(SEQUENCE, oid(_PSS), parameters)


_PSS_OF: Final = {name: _pss(name) for name in HASH_OIDS}
_ANY: Final = "any"
_PKCS1: Final = {"sha256": "11", "sha384": "12", "sha512": "13"}
_ECDSA: Final = {
    "sha256": "1.2.840.10045.4.3.2",
    "sha384": "1.2.840.10045.4.3.3",
    "sha512": "1.2.840.10045.4.3.4",
    "sha3_256": f"{_SHA3_SIGNATURES}10",
    "sha3_384": f"{_SHA3_SIGNATURES}11",
    "sha3_512": f"{_SHA3_SIGNATURES}12",
}
_RSA: Final = "1.2.840.113549.1.1."
_MEANINGS: Final[Mapping[bytes, tuple[str, str, str]]] = MappingProxyType(
    {
        algorithm_identifier(f"{_RSA}1", with_null=True): ("rsa", "pkcs1", _ANY),
        **{
            algorithm_identifier(f"{_RSA}{number}", with_null=True): ("rsa", "pkcs1", name)
            for name, number in _PKCS1.items()
        },
        **{der: ("rsa", "pss", name) for name, der in _PSS_OF.items()},
        **{algorithm_identifier(dotted): ("ec", "", name) for name, dotted in _ECDSA.items()},
    }
)
"""By the DER of an identifier: family and padding of the key, hash."""
