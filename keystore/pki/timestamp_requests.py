"""What is asked of a timestamp authority, and why it may say no.

What lives here: reading a TimeStampReq in DER, which answers with a request or with the refusal
that the protocol has for what is wrong with it, and never raises; the hash functions that are
taken.  Source: RFC 3161 §2.4.1 and §2.4.2; X.690 (DER); ETSI EN 319 422 §4.1.
Not here: policies and time (`keystore/pki/timestamping.py`), HTTP (`keystore/web/tsa.py`).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import IntEnum
from types import MappingProxyType
from typing import Annotated, Final

from cryptography.hazmat import asn1
from cryptography.x509 import ObjectIdentifier

MAX_REQUEST_BYTES: Final = 8192
"""A request that asks for everything there is takes 200."""
_VERSION: Final = 1
_MAX_NONCE_BITS: Final = 1024

_SHA2: Final = "2.16.840.1.101.3.4.2."
DIGEST_BYTES: Final[Mapping[ObjectIdentifier, int]] = MappingProxyType(
    {
        ObjectIdentifier(f"{_SHA2}1"): 32,  # SHA-256
        ObjectIdentifier(f"{_SHA2}2"): 48,  # SHA-384
        ObjectIdentifier(f"{_SHA2}3"): 64,  # SHA-512
        ObjectIdentifier(f"{_SHA2}8"): 32,  # SHA3-256
        ObjectIdentifier(f"{_SHA2}9"): 48,  # SHA3-384
        ObjectIdentifier(f"{_SHA2}10"): 64,  # SHA3-512
    }
)
"""Hash functions that are taken, with the length of their digests; all others are `BAD_ALG`."""

_QC_STATEMENTS: Final = ObjectIdentifier("1.3.6.1.5.5.7.1.3")
"""Asks for the statement that the timestamp is qualified (ETSI EN 319 422 §9.1)."""


class Failure(IntEnum):
    """Why there is no token; the numbers are those of PKIFailureInfo (RFC 3161 §2.4.2)."""

    BAD_ALG = 0
    BAD_REQUEST = 2
    BAD_DATA_FORMAT = 5
    TIME_NOT_AVAILABLE = 14
    UNACCEPTED_POLICY = 15
    UNACCEPTED_EXTENSION = 16
    ADD_INFO_NOT_AVAILABLE = 17
    SYSTEM_FAILURE = 25


# The classes below are compiled once into encoders and decoders; their fields are ASN.1's.


@asn1.sequence
class HashAlgorithm:
    """AlgorithmIdentifier of a hash function: parameters are absent or NULL (RFC 5754 §2)."""

    algorithm: ObjectIdentifier
    parameters: asn1.Null | None


@asn1.sequence
class MessageImprint:
    """What a timestamp is for; it goes into the token exactly as it came."""

    hash_algorithm: HashAlgorithm
    hashed_message: bytes


@asn1.sequence
class _Extension:
    extn_id: ObjectIdentifier
    critical: Annotated[bool, asn1.Default(value=False)]
    extn_value: bytes


@asn1.sequence
class _TimeStampReq:
    version: int
    message_imprint: MessageImprint
    req_policy: ObjectIdentifier | None
    nonce: int | None
    # NOTE: DEFAULT FALSE, which DER leaves out; clients that write it are understood all the same
    cert_req: bool | None
    extensions: Annotated[list[_Extension] | None, asn1.Implicit(0)]


@asn1.sequence
class _LooseImprint:
    hash_algorithm: asn1.TLV
    hashed_message: bytes


@asn1.sequence
class _LooseReq:
    """The same request with whatever its hash function is said to be."""

    version: int
    message_imprint: _LooseImprint
    req_policy: ObjectIdentifier | None
    nonce: int | None
    cert_req: bool | None
    extensions: Annotated[list[_Extension] | None, asn1.Implicit(0)]


@dataclass(frozen=True, slots=True)
class TimestampRequest:
    """A request that can be granted, as far as can be told without a clock.

    `policy` is what was asked for, or None; `nonce` goes back as it came, it may be negative.
    """

    imprint: MessageImprint
    policy: ObjectIdentifier | None
    nonce: int | None
    wants_certificates: bool


def read_timestamp_request(raw_request: bytes) -> TimestampRequest | Failure:
    """What was asked, or why it is refused.  Never raises, whatever comes in.

    1. DER of a TimeStampReq and nothing behind it; otherwise `BAD_DATA_FORMAT`.
    2. Version 1; otherwise `BAD_REQUEST`.
    3. A hash function that is taken, without parameters; otherwise `BAD_ALG`.
    4. A digest as long as that function makes it; otherwise `BAD_DATA_FORMAT`.
    5. No extension: none is known that we could fulfil.  Qualified statements are understood but
       not to be had, `ADD_INFO_NOT_AVAILABLE`; every other is `UNACCEPTED_EXTENSION`.

    Takes   raw_request: DER, at most `MAX_REQUEST_BYTES`.
    Source  RFC 3161 §2.4.1; the order is the one of the fields.
    """
    # 1
    if len(raw_request) > MAX_REQUEST_BYTES:
        return Failure.BAD_DATA_FORMAT
    try:
        asked = asn1.decode_der(_TimeStampReq, raw_request)
    except ValueError:
        return _why_unreadable(raw_request)
    if asked.nonce is not None and asked.nonce.bit_length() > _MAX_NONCE_BITS:
        return Failure.BAD_DATA_FORMAT
    # 2
    if asked.version != _VERSION:
        return Failure.BAD_REQUEST
    # 3
    imprint = asked.message_imprint
    length = DIGEST_BYTES.get(imprint.hash_algorithm.algorithm)
    if length is None:
        return Failure.BAD_ALG
    # 4
    if len(imprint.hashed_message) != length:
        return Failure.BAD_DATA_FORMAT
    # 5
    if asked.extensions is not None:
        return _why_extended(asked.extensions)
    return TimestampRequest(
        imprint,
        policy=asked.req_policy,
        nonce=asked.nonce,
        wants_certificates=asked.cert_req is True,
    )


def _why_unreadable(raw_request: bytes) -> Failure:
    """A hash function with parameters is a wrong algorithm, not a wrong encoding."""
    try:
        asn1.decode_der(_LooseReq, raw_request)
    except ValueError:
        return Failure.BAD_DATA_FORMAT
    return Failure.BAD_ALG


def _why_extended(extensions: list[_Extension]) -> Failure:
    if not extensions:  # SIZE (1..MAX), RFC 5280 §4.1
        return Failure.BAD_DATA_FORMAT
    if all(extension.extn_id == _QC_STATEMENTS for extension in extensions):
        return Failure.ADD_INFO_NOT_AVAILABLE
    return Failure.UNACCEPTED_EXTENSION
