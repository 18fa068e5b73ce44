"""Reading a CMS SignedData: its parts as slices, **not verified**.

What lives here: the outer shape of signatures and timestamp tokens, so that something can be added
to them without touching what was signed.  Certificates and lists are not looked into.
Source: RFC 5652 §5.1 to §5.3 and §10.2; X.690 (DER, but sets in any order: others write them so).
Not here: BER with indefinite lengths, which is refused; whether any of it is true.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final

from cryptography import x509
from cryptography.hazmat import asn1

from keystore.pki.der import SEQUENCE, wrap
from signing.formats.chains import find_extension, parse_certificate
from signing.formats.der import (
    INTEGER,
    OBJECT_IDENTIFIER,
    OCTET_STRING,
    SET,
    DerMalformed,
    Element,
    read_all,
    read_oid,
    read_one,
)

SIGNED_DATA: Final = "1.2.840.113549.1.7.2"
DATA: Final = "1.2.840.113549.1.7.1"
TST_INFO: Final = "1.2.840.113549.1.9.16.1.4"
CONTENT_TYPE: Final = "1.2.840.113549.1.9.3"
MESSAGE_DIGEST: Final = "1.2.840.113549.1.9.4"
SIGNING_TIME: Final = "1.2.840.113549.1.9.5"
SIGNING_CERTIFICATE_V2: Final = "1.2.840.113549.1.9.16.2.47"
SIGNATURE_TIMESTAMP: Final = "1.2.840.113549.1.9.16.2.14"

MOST_SIGNERS: Final = 16
_MOST_ELEMENTS: Final = 256
_MOST_BYTES: Final = 64 * 1024
"""Of one SignerInfo: what is read element by element."""


@dataclass(frozen=True, slots=True)
class SignerInfo:
    """One signature; each part DER.

    `signed_attributes` carries the tag of a SET OF, as it was signed; empty when there are none.
    """

    version: bytes
    sid: bytes
    digest_algorithm: bytes
    signed_attributes: bytes = field(repr=False)
    signature_algorithm: bytes
    signature: bytes = field(repr=False)
    unsigned_attributes: tuple[bytes, ...] = field(repr=False)

    def signed_values(self, kind: str) -> tuple[bytes, ...]:
        """The values of the signed attributes of a kind, of all of them."""
        if not self.signed_attributes:
            return ()
        return _values(read_one(self.signed_attributes).children(), kind=kind)

    def unsigned_values(self, kind: str) -> tuple[bytes, ...]:
        """The values of the unsigned attributes of a kind, of all of them."""
        return _values([read_one(one) for one in self.unsigned_attributes], kind=kind)

    def find_certificate(self, among: Sequence[bytes]) -> bytes | None:
        """The certificate that `sid` names."""
        for one in among:
            if is_named(self.sid, certificate=one):
                return one
        return None


@dataclass(frozen=True, slots=True)
class SignedData:
    """The parts of a SignedData; `content` is None when it is detached.

    `certificates` and `crls` are single elements, DER, in the order found.
    """

    digest_algorithms: tuple[bytes, ...]
    content_type: str
    content: memoryview | None = field(repr=False)
    certificates: tuple[bytes, ...] = field(repr=False)
    crls: tuple[bytes, ...] = field(repr=False)
    signers: tuple[SignerInfo, ...]


def read_signed_data(raw: bytes | memoryview) -> SignedData:
    """The parts of a ContentInfo that holds a SignedData; slices of `raw`, **not verified**.

    Raises  DerMalformed.
    """
    kind, content = _take(read_one(raw), 2)
    if kind.tag != OBJECT_IDENTIFIER or read_oid(kind) != SIGNED_DATA or content.tag != 0xA0:
        raise DerMalformed
    parts = list(_sequence(read_one(content.content)).children(most=8))
    if len(parts) < 4:
        raise DerMalformed
    version, algorithms, encapsulated = parts[:3]
    if version.tag != INTEGER or algorithms.tag != SET:
        raise DerMalformed
    rest = parts[3:]
    certificates = _optional(rest, 0xA0)
    crls = _optional(rest, 0xA1)
    if len(rest) != 1 or rest[0].tag != SET:
        raise DerMalformed
    content_type, octets = _encapsulated(encapsulated)
    return SignedData(
        digest_algorithms=tuple(bytes(one.whole) for one in algorithms.children()),
        content_type=content_type,
        content=octets,
        certificates=certificates,
        crls=crls,
        signers=tuple(_signer(one) for one in rest[0].children(most=MOST_SIGNERS)),
    )


def is_named(sid: bytes, *, certificate: bytes) -> bool:
    """Whether a SignerIdentifier means this certificate, by issuer and number or by key."""
    try:
        parsed = parse_certificate(certificate)
        if sid[:1] == b"\x80":
            own = find_extension(parsed, x509.SubjectKeyIdentifier)
            return own is not None and bytes(read_one(sid).content) == own.value.digest
        return sid == issuer_and_serial(parsed)
    except ValueError:
        return False


def issuer_and_serial(certificate: x509.Certificate) -> bytes:
    """IssuerAndSerialNumber (RFC 5652 §10.2.4), DER."""
    return wrap(
        SEQUENCE, certificate.issuer.public_bytes(), asn1.encode_der(certificate.serial_number)
    )


def _signer(element: Element) -> SignerInfo:
    if len(element.whole) > _MOST_BYTES:
        raise DerMalformed
    parts = list(_sequence(element).children(most=7))
    if len(parts) < 5:
        raise DerMalformed
    version, sid, digest_algorithm = (bytes(one.whole) for one in parts[:3])
    rest = parts[3:]
    signed = b""
    if rest[0].tag == 0xA0:
        signed = bytes((SET,)) + bytes(rest.pop(0).whole[1:])
    if len(rest) < 2 or rest[1].tag != OCTET_STRING:
        raise DerMalformed
    algorithm, signature = bytes(rest[0].whole), bytes(rest[1].content)
    del rest[:2]
    unsigned = _optional(rest, 0xA1)
    if rest:
        raise DerMalformed
    return SignerInfo(version, sid, digest_algorithm, signed, algorithm, signature, unsigned)


def _encapsulated(element: Element) -> tuple[str, memoryview | None]:
    parts = _sequence(element).children(most=2)
    if not parts or parts[0].tag != OBJECT_IDENTIFIER:
        raise DerMalformed
    if len(parts) == 1:
        return read_oid(parts[0]), None
    octets = read_one(parts[1].content)
    if parts[1].tag != 0xA0 or octets.tag != OCTET_STRING:
        raise DerMalformed
    return read_oid(parts[0]), octets.content


def _optional(rest: list[Element], tag: int) -> tuple[bytes, ...]:
    """The elements of the first part, if it has that tag; it is then taken off."""
    if not rest or rest[0].tag != tag:
        return ()
    found = read_all(rest.pop(0).content, most=_MOST_ELEMENTS)
    return tuple(bytes(one.whole) for one in found)


def _values(attributes: Sequence[Element], *, kind: str) -> tuple[bytes, ...]:
    found: list[bytes] = []
    for one in attributes:
        name, values = _take(one, 2)
        if values.tag != SET:
            raise DerMalformed
        if read_oid(name) == kind:
            found.extend(bytes(value.whole) for value in values.children())
    return tuple(found)


def _take(element: Element, number: int) -> tuple[Element, ...]:
    parts = _sequence(element).children(most=number)
    if len(parts) != number:
        raise DerMalformed
    return parts


def _sequence(element: Element) -> Element:
    if element.tag != SEQUENCE:
        raise DerMalformed
    return element
