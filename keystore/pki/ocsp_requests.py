"""Reading an OCSP request: from bytes of anybody to a few checked values.

What lives here: the syntax of RFC 6960 §4.1 as compiled types, what of it we act on, the limits.
Whatever the bytes are, the outcome is a request or `RequestMalformed`.  The types have a fixed
depth: nothing that is nested deeper is ever entered.
Source: RFC 6960 §4.1, §4.4; RFC 9654 §2.1 (length of a nonce); RFC 9919 §3.1.
Not here: whether the certificate is one of ours, and its status (`ocsp.py`).  A signature on the
request is not verified: whoever asks gets the same answer.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Annotated, Final

from cryptography.hazmat import asn1
from cryptography.x509 import ObjectIdentifier

from keystore.pki.der import Extension, element
from keystore.pki.errors import RequestMalformed

MAX_BYTES: Final = 16_384
"""Of a whole request; a signed one carries certificates."""
MAX_CERTIFICATES: Final = 16
SHORTEST_NONCE: Final = 16
_LONGEST_NONCE: Final = 128
_SERIAL_BITS: Final = 159
"""A positive serial number of at most 20 octets (RFC 5280 §4.1.2.2)."""

_NONCE: Final = ObjectIdentifier("1.3.6.1.5.5.7.48.1.2")
_KNOWN: Final = frozenset(
    {
        _NONCE,
        ObjectIdentifier("1.3.6.1.5.5.7.48.1.4"),  # acceptable responses: ours is the basic one
        ObjectIdentifier("1.3.6.1.5.5.7.48.1.7"),  # service locator: we forward to nobody
        ObjectIdentifier("1.3.6.1.5.5.7.48.1.8"),  # preferred signature algorithms
    }
)
"""Extensions that may be critical: they change nothing in what we answer, except the nonce."""

_OIDS: Final = {
    "sha1": ObjectIdentifier("1.3.14.3.2.26"),
    "sha256": ObjectIdentifier("2.16.840.1.101.3.4.2.1"),
}
_NULL: Final = element(b"\x05\x00")
_HASHES: Final = {oid: name for name, oid in _OIDS.items()}
"""Hashes under which an authority can be named; nobody uses another."""


@asn1.sequence
class _CertId:
    algorithm: list[asn1.TLV]
    name_hash: bytes
    key_hash: bytes
    serial: int


@asn1.sequence
class _Request:
    cert_id: asn1.TLV
    extensions: Annotated[list[Extension] | None, asn1.Explicit(0)]


@asn1.sequence
class _Unread:
    """EXPLICIT tagging of something that we do not look into."""

    inner: asn1.TLV


@asn1.sequence
class _Tbs:
    version: Annotated[int, asn1.Explicit(0), asn1.Default(0)]
    requestor: Annotated[_Unread | None, asn1.Implicit(1)]
    requests: list[_Request]
    extensions: Annotated[list[Extension] | None, asn1.Explicit(2)]


@asn1.sequence
class _OcspRequest:
    tbs: _Tbs
    signature: Annotated[_Unread | None, asn1.Implicit(0)]


@dataclass(frozen=True, slots=True)
class CertId:
    """Which certificate is asked about, in the words of whoever asks.

    Takes   hash_name: as hashlib names it, or empty for a hash that we do not know;
            issuer_name_hash, issuer_key_hash: of any length; encoded: DER, to be echoed as it is.
    """

    hash_name: str
    issuer_name_hash: bytes
    issuer_key_hash: bytes
    serial: int
    encoded: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class OcspRequest:
    """A well-formed request; `nonce` is 16 to 128 octets, or None when none need be echoed."""

    cert_ids: tuple[CertId, ...]
    nonce: bytes | None


def parse_request(raw: bytes) -> OcspRequest:
    """Read one request.

    Takes   raw: DER of OCSPRequest, whatever came in.
    Returns 1 to 16 certificates in the order asked, and the nonce.  One shorter than 16 octets is
            ignored, as if there were none.
    Raises  RequestMalformed, with a reason.
    Source  RFC 6960 §4.1.1; RFC 9654 §2.1.
    """
    if len(raw) > MAX_BYTES:
        raise RequestMalformed("too_long")
    try:
        request = asn1.decode_der(_OcspRequest, raw)
        cert_ids = [_read_cert_id(one) for one in request.tbs.requests[: MAX_CERTIFICATES + 1]]
    except (ValueError, OverflowError) as error:
        raise RequestMalformed("syntax") from error
    tbs = request.tbs
    if tbs.version != 0:
        raise RequestMalformed("version")
    if not 1 <= len(cert_ids) <= MAX_CERTIFICATES:
        raise RequestMalformed("number_of_certificates")
    for one in tbs.requests:
        _check_extensions(one.extensions)
    _check_extensions(tbs.extensions)
    return OcspRequest(tuple(cert_ids), _read_nonce(tbs.extensions))


def encode_cert_id(hash_name: str, *, name_hash: bytes, key_hash: bytes, serial: int) -> bytes:
    """CertID as nearly everybody writes it: with the NULL that SHA-1 once had as parameters.

    Takes   hash_name: sha1 or sha256.
    Source  RFC 6960 §4.1.1; RFC 9919 §3.1.1.
    """
    cert_id = _CertId(
        algorithm=[element(asn1.encode_der(_OIDS[hash_name])), _NULL],
        name_hash=name_hash,
        key_hash=key_hash,
        serial=serial,
    )
    return asn1.encode_der(cert_id)


def _read_cert_id(request: _Request) -> CertId:
    cert_id = request.cert_id.parse(_CertId)
    if not cert_id.algorithm:
        raise RequestMalformed("hash_algorithm")
    # a serial number that no certificate of ours can have is refused before anything looks it up
    if cert_id.serial < 1 or cert_id.serial.bit_length() > _SERIAL_BITS:
        raise RequestMalformed("serial_number")
    oid = cert_id.algorithm[0].parse(ObjectIdentifier)
    return CertId(
        hash_name=_HASHES.get(oid, ""),
        issuer_name_hash=cert_id.name_hash,
        issuer_key_hash=cert_id.key_hash,
        serial=cert_id.serial,
        encoded=asn1.encode_der(request.cert_id),
    )


def _check_extensions(extensions: list[Extension] | None) -> None:
    """A critical extension that we do not know, or one that comes twice, refuses the request.

    Source  RFC 6960 §4.4; RFC 5280 §4.2.
    """
    seen: set[ObjectIdentifier] = set()
    for extension in extensions or ():
        if extension.oid in seen:
            raise RequestMalformed("extension_twice")
        if extension.critical and extension.oid not in _KNOWN:
            raise RequestMalformed("critical_extension")
        seen.add(extension.oid)


def _read_nonce(extensions: list[Extension] | None) -> bytes | None:
    for extension in extensions or ():
        if extension.oid == _NONCE:
            try:
                nonce = asn1.decode_der(bytes, extension.value)
            except ValueError as error:
                raise RequestMalformed("nonce") from error
            # RFC 9654 §2.1: neither empty nor longer than 128 octets
            if not 1 <= len(nonce) <= _LONGEST_NONCE:
                raise RequestMalformed("nonce")
            return nonce if len(nonce) >= SHORTEST_NONCE else None
    return None
