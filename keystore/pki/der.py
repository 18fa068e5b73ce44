"""The few pieces of DER that the compiled builder does not make.

What lives here: a header before finished contents, the extension that requests, responses and CRLs
share, and the algorithm identifiers of the signatures that we make.
Source: X.690 §8.1, §10.1; RFC 5280 §4.1; RFC 5758 §3.2; RFC 4055 §3.1 and §5; RFC 8410 §3;
RFC 9881.
Not here: reading of anything; what comes from outside goes through compiled types alone.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Annotated, Final

from cryptography.hazmat import asn1
from cryptography.x509 import ObjectIdentifier

SEQUENCE: Final = 0x30
OCTET_STRING: Final = 0x04
ENUMERATED: Final = 0x0A
_EXPLICIT: Final = 0xA0


def wrap(tag: int, *contents: bytes) -> bytes:
    """One element: a tag of one octet, the shortest length, the contents in order."""
    size = sum(map(len, contents))
    if size < 128:
        return b"".join((bytes((tag, size)), *contents))
    length = size.to_bytes((size.bit_length() + 7) // 8, "big")
    return b"".join((bytes((tag, 0x80 | len(length))), length, *contents))


def element(encoded: bytes) -> asn1.TLV:
    """Finished DER as a part of something compiled."""
    return asn1.decode_der(asn1.TLV, encoded)


@asn1.sequence
class Extension:
    """Extension of RFC 5280 §4.1; `value` is the DER inside the OCTET STRING."""

    oid: ObjectIdentifier
    critical: Annotated[bool, asn1.Default(value=False)]
    value: bytes


@asn1.sequence
class _Algorithm:
    oid: ObjectIdentifier
    parameters: asn1.Null | None


def algorithm_identifier(oid: str, *, with_null: bool = False) -> bytes:
    """AlgorithmIdentifier without parameters, or with the NULL that some still ask for."""
    parameters = asn1.Null() if with_null else None
    return asn1.encode_der(_Algorithm(oid=ObjectIdentifier(oid), parameters=parameters))


def _pss(hash_oid: str, *, salt_bytes: int) -> bytes:
    """RSASSA-PSS with its parameters written out: one hash throughout, a salt as long as it is."""
    hashed = algorithm_identifier(hash_oid, with_null=True)
    mgf1 = wrap(SEQUENCE, _oid("1.2.840.113549.1.1.8"), hashed)
    salt = asn1.encode_der(salt_bytes)
    parameters = wrap(
        SEQUENCE, wrap(_EXPLICIT, hashed), wrap(_EXPLICIT + 1, mgf1), wrap(_EXPLICIT + 2, salt)
    )
    return wrap(SEQUENCE, _oid("1.2.840.113549.1.1.10"), parameters)


def _oid(dotted: str) -> bytes:
    return asn1.encode_der(ObjectIdentifier(dotted))


_PSS_SHA256: Final = _pss("2.16.840.1.101.3.4.2.1", salt_bytes=32)
_RSA_SHA256: Final = algorithm_identifier("1.2.840.113549.1.1.11", with_null=True)

SIGNATURE_ALGORITHMS: Final[Mapping[str, bytes]] = MappingProxyType(
    {
        "ES256": algorithm_identifier("1.2.840.10045.4.3.2"),
        "ES384": algorithm_identifier("1.2.840.10045.4.3.3"),
        "RS256": _RSA_SHA256,
        "RS256-3072": _RSA_SHA256,
        "RS256-4096": _RSA_SHA256,
        "PS256": _PSS_SHA256,
        "PS256-3072": _PSS_SHA256,
        "PS256-4096": _PSS_SHA256,
        "Ed25519": algorithm_identifier("1.3.101.112"),
        "ML-DSA-44": algorithm_identifier("2.16.840.1.101.3.4.3.17"),
        "ML-DSA-65": algorithm_identifier("2.16.840.1.101.3.4.3.18"),
    }
)
"""DER of the AlgorithmIdentifier of a signature, by the algorithm of the key that makes it."""
