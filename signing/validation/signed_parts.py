"""The parts of a SignedData that anybody made, **not verified**.

What lives here: a reader that takes more than `signing/formats/signed_data.py`: any number of
signers, old versions, content of any type, attributes in any order, BER.  What was signed is kept
octet for octet.
Source: RFC 5652 §5; RFC 2315 §9 (what older files bear).
Not here: what the parts mean.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Final

from keystore.pki.der import SEQUENCE
from signing.formats.der import (
    OBJECT_IDENTIFIER,
    OCTET_STRING,
    SET,
    DerMalformed,
    Element,
    read_all,
    read_oid,
    read_one,
)
from signing.formats.signed_data import SIGNED_DATA
from signing.validation.ber import to_definite, written_parts

MOST_SIGNERS: Final = 64
EVIDENCE_RECORDS: Final = frozenset(f"1.2.840.113549.1.9.16.2.{one}" for one in (49, 50))
"""Attributes that are over a whole CMS, themselves left out (RFC 4998 appendix A)."""
_MOST_COUNTED: Final = 100_000
_MOST_ELEMENTS: Final = 1_024
_MOST_ATTRIBUTES: Final = 512
_MAX_BYTES: Final = 16 << 20
"""Of everything but the content."""


@dataclass(frozen=True, slots=True)
class Attribute:
    """One attribute: its kind dotted, `whole` and `values` DER, `set_of` with its tag."""

    kind: str
    whole: bytes = field(repr=False)
    set_of: bytes = field(repr=False)
    values: tuple[bytes, ...] = field(repr=False)


@dataclass(frozen=True, slots=True)
class Signer:
    """One SignerInfo; each part DER.

    Takes   signed_octets: with the tag of a SET OF, as written; None when nothing is signed beside
            the content; signature: without its header; version … signature_element: with theirs.
    """

    version: bytes
    sid: bytes
    digest_algorithm: bytes
    signed_octets: bytes | None = field(repr=False)
    signed: tuple[Attribute, ...] = field(repr=False)
    signature_algorithm: bytes
    signature_element: bytes = field(repr=False)
    signature: bytes = field(repr=False)
    unsigned: tuple[Attribute, ...] = field(repr=False)

    def signed_values(self, kind: str) -> tuple[bytes, ...]:
        """The values of the signed attributes of a kind, of all of them."""
        return values_of(self.signed, kind)

    def unsigned_values(self, kind: str) -> tuple[bytes, ...]:
        """The values of the unsigned attributes of a kind, of all of them."""
        return values_of(self.unsigned, kind)


@dataclass(frozen=True, slots=True)
class SignedParts:
    """The parts of a SignedData.

    Takes   content: None when it is detached, or stays where it is; content_start, content_size:
            where it is in what was read, None for the size when it is detached;
            encapsulated_head: of EncapsulatedContentInfo, up to the content;
            certificates, crls: single elements; certificates_element, crls_element: both with the
            tag under which they stand; was_ber: it was another encoding; written: what
            that was of EncapsulatedContentInfo, certificates and crls;
            has_more_signers: there were more than `MOST_SIGNERS`; whole: all of it as written,
            where a signature bears what is over all of it, or empty.
    """

    content_type: str
    content_type_element: bytes
    content: bytes | None = field(repr=False)
    content_start: int
    content_size: int | None
    encapsulated_head: bytes = field(repr=False)
    certificates: tuple[bytes, ...] = field(repr=False)
    certificates_element: bytes = field(repr=False)
    crls: tuple[bytes, ...] = field(repr=False)
    crls_element: bytes = field(repr=False)
    signers: tuple[Signer, ...] = field(repr=False)
    was_ber: bool
    written: tuple[bytes, bytes, bytes] | None = field(default=None, repr=False)
    has_more_signers: bool = False
    whole: bytes = field(default=b"", repr=False)


def read_parts(raw: bytes | memoryview, *, leaves_content: bool = False) -> SignedParts:
    """The parts of a ContentInfo that holds a SignedData, in DER or BER; all of them copies.

    Takes   leaves_content: do not copy a content that can be read where it is.
    Raises  DerMalformed.
    """
    found = find_parts(raw, leaves_content=leaves_content)
    if found is None:
        raise DerMalformed
    return found


def find_parts(raw: bytes | memoryview, *, leaves_content: bool = False) -> SignedParts | None:
    """As `read_parts`; None for what cannot be read, and nothing holds on to `raw` then."""
    with memoryview(raw) as view:
        try:
            found = _read(view, was_ber=False, leaves_content=leaves_content)
            return _with_whole(found, view, leaves_content=leaves_content)
        except (DerMalformed, ValueError):
            pass
        try:
            found = _read(memoryview(to_definite(view)), was_ber=True, leaves_content=False)
            # what was stamped long ago may have been the octets as they were written
            found = replace(found, written=_written(view))
            return _with_whole(found, view, leaves_content=leaves_content)
        except (DerMalformed, ValueError):
            return None


def values_of(attributes: Sequence[Attribute], kind: str) -> tuple[bytes, ...]:
    """The values of all attributes of a kind."""
    return tuple(value for one in attributes if one.kind == kind for value in one.values)


def read_signer_info(element: Element) -> Signer:
    """One SignerInfo, of a SignedData or of a countersignature.

    Raises  DerMalformed.
    """
    if len(element.whole) > _MAX_BYTES:
        raise DerMalformed
    parts = list(sequence(element).children(most=7))
    if len(parts) < 5:
        raise DerMalformed
    version, sid, digest_algorithm = (bytes(one.whole) for one in parts[:3])
    rest = parts[3:]
    signed_octets: bytes | None = None
    signed: tuple[Attribute, ...] = ()
    if rest[0].tag == 0xA0:
        own = rest.pop(0)
        signed_octets = bytes((SET,)) + bytes(own.whole[1:])
        signed = _attributes(own)
    if len(rest) < 2 or rest[1].tag != OCTET_STRING:
        raise DerMalformed
    algorithm, value = bytes(rest[0].whole), rest[1]
    rest = rest[2:]
    unsigned = _attributes(rest.pop(0)) if rest and rest[0].tag == 0xA1 else ()
    if rest:
        raise DerMalformed
    return Signer(
        version,
        sid,
        digest_algorithm,
        signed_octets,
        signed,
        algorithm,
        bytes(value.whole),
        bytes(value.content),
        unsigned,
    )


def sequence(element: Element) -> Element:
    """The element, when it is a SEQUENCE.  Raises DerMalformed."""
    if element.tag != SEQUENCE:
        raise DerMalformed
    return element


def _read(view: memoryview, *, was_ber: bool, leaves_content: bool) -> SignedParts:
    outer = read_one(view)
    kind, content = _pair(outer)
    if kind.tag != OBJECT_IDENTIFIER or read_oid(kind) != SIGNED_DATA or content.tag != 0xA0:
        raise DerMalformed
    inner = sequence(read_one(content.content))
    parts = list(inner.children(most=8))
    if len(parts) < 4:
        raise DerMalformed
    # everything before the content is as long as the headers say, so that its place is known
    start = _head(outer) + len(kind.whole) + _head(content) + _head(inner)
    start += sum(len(one.whole) for one in parts[:2])
    encapsulated, rest = sequence(parts[2]), parts[3:]
    certificates = rest.pop(0) if rest[0].tag == 0xA0 else None
    crls = rest.pop(0) if rest and rest[0].tag == 0xA1 else None
    if len(rest) != 1 or rest[0].tag != SET:
        raise DerMalformed
    inside = encapsulated.children(most=2)
    if not inside or inside[0].tag != OBJECT_IDENTIFIER:
        raise DerMalformed
    octets: Element | None = None
    offset = 0
    if len(inside) == 2:
        # NOTE: PKCS#7 allowed any type here; what is digested are its contents in either case
        octets = read_one(inside[1].content)
        offset = _head(encapsulated) + len(inside[0].whole) + _head(inside[1]) + _head(octets)
    signers = rest[0].children(most=_MOST_COUNTED)
    head = encapsulated.whole[: offset or len(encapsulated.whole)]
    return SignedParts(
        content_type=read_oid(inside[0]),
        content_type_element=bytes(inside[0].whole),
        content=None if octets is None or leaves_content else bytes(octets.content),
        content_start=start + offset,
        content_size=None if octets is None else len(octets.content),
        encapsulated_head=bytes(head),
        certificates=_elements(certificates),
        certificates_element=b"" if certificates is None else bytes(certificates.whole),
        crls=_elements(crls),
        crls_element=b"" if crls is None else bytes(crls.whole),
        signers=tuple(read_signer_info(one) for one in signers[:MOST_SIGNERS]),
        was_ber=was_ber,
        has_more_signers=len(signers) > MOST_SIGNERS,
    )


def _with_whole(found: SignedParts, view: memoryview, *, leaves_content: bool) -> SignedParts:
    is_sealed = any(one.kind in EVIDENCE_RECORDS for each in found.signers for one in each.unsigned)
    return replace(found, whole=bytes(view)) if is_sealed and not leaves_content else found


def _written(view: memoryview) -> tuple[bytes, bytes, bytes]:
    parts = written_parts(view, 1, 0, most=5)[2:]
    certificates, crls = (
        next((bytes(one) for one in parts[1:] if one[0] == tag), b"") for tag in (0xA0, 0xA1)
    )
    return bytes(parts[0]), certificates, crls


def _attributes(element: Element) -> tuple[Attribute, ...]:
    return tuple(_attribute(one) for one in read_all(element.content, most=_MOST_ATTRIBUTES))


def _attribute(element: Element) -> Attribute:
    kind, values = _pair(element)
    if values.tag != SET:
        raise DerMalformed
    return Attribute(
        read_oid(kind),
        bytes(element.whole),
        bytes(values.whole),
        tuple(bytes(one.whole) for one in values.children(most=_MOST_ATTRIBUTES)),
    )


def _elements(element: Element | None) -> tuple[bytes, ...]:
    if element is None:
        return ()
    if len(element.whole) > _MAX_BYTES:
        raise DerMalformed
    return tuple(bytes(one.whole) for one in element.children(most=_MOST_ELEMENTS))


def _pair(element: Element) -> tuple[Element, Element]:
    parts = sequence(element).children(most=2)
    if len(parts) != 2:
        raise DerMalformed
    return parts[0], parts[1]


def _head(element: Element) -> int:
    return len(element.whole) - len(element.content)
