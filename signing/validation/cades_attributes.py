"""What a CAdES signature says beside its value: signed properties, and evidence for later.

What lives here: what the attributes say, and the certificates, lists and answers that they and the
SignedData bring along.  An attribute that makes no sense is passed over, and named.
Source: RFC 5652 §11, §10.2.1; RFC 5940 §2; RFC 6960 §4.2.1; RFC 5126 (OIDs and forms);
ETSI EN 319 122-1 §5.2 and annex A; PDF 32000-1 §12.8.3.3.2 (adbe-revocationInfoArchival).
Not here: references to the signing certificate (`cades_references.py`), timestamps.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final

from keystore.pki.der import SEQUENCE, wrap
from signing.formats.der import (
    OBJECT_IDENTIFIER,
    OCTET_STRING,
    DerMalformed,
    Element,
    oid,
    read_oid,
    read_one,
)
from signing.formats.material import ValidationMaterial
from signing.formats.signed_data import SIGNING_TIME
from signing.validation.asn1_times import read_time
from signing.validation.signed_parts import SignedParts, Signer, sequence
from signing.validation.verdict import Reason, because

_P9: Final = "1.2.840.113549.1.9.16.2."
SIGNATURE_POLICY: Final = f"{_P9}15"
COMMITMENT: Final = f"{_P9}16"
LOCATION: Final = f"{_P9}17"
SIGNER_ATTRIBUTES: Final = f"{_P9}18"
SIGNER_ATTRIBUTES_V2: Final = "0.4.0.19122.1.1"
CERTIFICATE_VALUES: Final = f"{_P9}23"
REVOCATION_VALUES: Final = f"{_P9}24"
MIME_TYPE: Final = "0.4.0.1733.2.1"
ADOBE_REVOCATION: Final = "1.2.840.113583.1.1.8"
_OCSP_RESPONSE: Final = "1.3.6.1.5.5.7.16.2"
_OCSP_BASIC: Final = "1.3.6.1.5.5.7.48.1.1"
_ENUMERATED: Final = 0x0A
_IMPLIED: Final = "implied"
_STRINGS: Final = {0x0C: "utf-8", 0x13: "ascii", 0x14: "latin-1", 0x16: "ascii", 0x1E: "utf-16-be"}
_LONGEST_TEXT: Final = 1_000
_MOST: Final = 1_024


@dataclass(slots=True)
class Said:
    """What the signed attributes say, and what was wrong with them."""

    claimed_time: datetime | None = None
    policy_identifier: str = ""
    commitments: tuple[str, ...] = ()
    claimed_roles: tuple[str, ...] = ()
    production_place: str = field(default="", repr=False)
    content_type: str = ""
    doubts: list[Reason] = field(default_factory=list)


def read_said(signer: Signer) -> Said:
    """What the signed attributes of a signature say about it."""
    said = Said()

    def each(kind: str, name: str) -> Iterator[Element]:
        for value in signer.signed_values(kind):
            try:
                yield read_one(value)
            except DerMalformed:
                said.doubts.append(because("attribute_unreadable", attribute=name))

    def first(kind: str, name: str, read: Callable[[Element], str]) -> str:
        for one in each(kind, name):
            try:
                return read(one)
            except (DerMalformed, ValueError):
                said.doubts.append(because("attribute_unreadable", attribute=name))
        return ""

    for one in each(SIGNING_TIME, "signing-time"):
        try:
            said.claimed_time = read_time(one)
        except DerMalformed:
            said.doubts.append(because("attribute_unreadable", attribute="signing-time"))
    said.policy_identifier = first(SIGNATURE_POLICY, "signature-policy-identifier", _policy)
    commitment = first(COMMITMENT, "commitment-type-indication", _commitment)
    said.commitments = (commitment,) if commitment else ()
    said.content_type = first(MIME_TYPE, "mime-type", _text)
    said.production_place = first(LOCATION, "signer-location", _location)
    roles = [
        *(text for one in each(SIGNER_ATTRIBUTES, "signer-attributes") for text in _texts(one)),
        *(text for one in each(SIGNER_ATTRIBUTES_V2, "signer-attributes") for text in _texts(one)),
    ]
    said.claimed_roles = tuple(dict.fromkeys(roles))[:16]
    return said


def read_material(parts: SignedParts, signer: Signer | None) -> ValidationMaterial:
    """Certificates, lists and answers that came with a signature, wherever they stand."""
    gathered = _Gathered()
    gathered.certificates += certificates_of(parts)
    for one in parts.crls:
        gathered.revocation_choice(one)
    if signer is not None:
        for value in signer.unsigned_values(CERTIFICATE_VALUES):
            gathered.certificate_values(value)
        # NOTE: some sign this attribute, which the standard has unsigned
        for kind in (REVOCATION_VALUES, ADOBE_REVOCATION):
            for value in (*signer.unsigned_values(kind), *signer.signed_values(kind)):
                gathered.revocation_values(value)
    return gathered.material()


def certificates_of(parts: SignedParts) -> tuple[bytes, ...]:
    """The certificates of a SignedData; attribute certificates and older kinds left out."""
    return tuple(one for one in parts.certificates if one[0] == SEQUENCE)


def choice_material(choice: bytes) -> ValidationMaterial:
    """What one element of `SignedData.crls` is."""
    gathered = _Gathered()
    gathered.revocation_choice(choice)
    return gathered.material()


def attribute_material(kind: str, value: bytes) -> ValidationMaterial:
    """What one value of an unsigned attribute brings along, if it is one that does."""
    gathered = _Gathered()
    if kind == CERTIFICATE_VALUES:
        gathered.certificate_values(value)
    elif kind == REVOCATION_VALUES:
        gathered.revocation_values(value)
    return gathered.material()


def whole_response(basic: bytes) -> bytes:
    """An OCSPResponse around a BasicOCSPResponse (RFC 6960 §4.2.1), DER."""
    inner = wrap(SEQUENCE, oid(_OCSP_BASIC), wrap(OCTET_STRING, basic))
    return wrap(SEQUENCE, b"\x0a\x01\x00", wrap(0xA0, inner))


class _Gathered:
    def __init__(self) -> None:
        self.certificates: list[bytes] = []
        self.responses: list[bytes] = []
        self.crls: list[bytes] = []

    def material(self) -> ValidationMaterial:
        found = ValidationMaterial(
            tuple(self.certificates), tuple(self.responses), tuple(self.crls)
        )
        return found.with_others(ValidationMaterial())

    def revocation_choice(self, choice: bytes) -> None:
        """RevocationInfoChoice: a list, or something else by its name (RFC 5940)."""
        try:
            element = read_one(choice)
            if element.tag == SEQUENCE:
                self.crls.append(choice)
                return
            named, value = element.children(most=2)
            kind = read_oid(named)
        except (DerMalformed, ValueError):
            return
        if kind == _OCSP_RESPONSE:
            self.responses.append(bytes(value.whole))
        elif kind == _OCSP_BASIC:
            self.responses.append(whole_response(bytes(value.whole)))

    def certificate_values(self, value: bytes) -> None:
        try:
            found = sequence(read_one(value)).children(most=_MOST)
        except DerMalformed:
            return
        self.certificates += (bytes(one.whole) for one in found if one.tag == SEQUENCE)

    def revocation_values(self, value: bytes) -> None:
        """RevocationValues, and Adobe's: both have lists under [0] and answers under [1]."""
        try:
            for one in sequence(read_one(value)).children(most=3):
                if one.tag == 0xA0:
                    self.crls += (bytes(each.whole) for each in _members(one))
                elif one.tag == 0xA1:
                    self.responses += (_response(each) for each in _members(one))
        except DerMalformed:
            return


def _members(element: Element) -> tuple[Element, ...]:
    """The members of a SEQUENCE OF under an explicit tag."""
    return sequence(read_one(element.content)).children(most=_MOST)


def _response(element: Element) -> bytes:
    """An OCSPResponse: CAdES has the answer alone, Adobe all of it, status first."""
    first = next(iter(sequence(element).children(most=8)), None)
    whole = bytes(element.whole)
    return whole if first is not None and first.tag == _ENUMERATED else whole_response(whole)


def _policy(element: Element) -> str:
    if element.tag != SEQUENCE:
        return _IMPLIED
    return read_oid(_first(element, OBJECT_IDENTIFIER))


def _commitment(element: Element) -> str:
    return read_oid(_first(sequence(element), OBJECT_IDENTIFIER))


def _location(element: Element) -> str:
    return ", ".join(_texts(element))


def _text(element: Element) -> str:
    encoding = _STRINGS.get(element.tag)
    if encoding is None or len(element.content) > _LONGEST_TEXT:
        raise DerMalformed
    return bytes(element.content).decode(encoding, "replace")


def _texts(element: Element, *, deepest: int = 8) -> Iterable[str]:
    """Every text inside, in order."""
    if element.tag in _STRINGS:
        if len(element.content) <= _LONGEST_TEXT:
            yield _text(element)
        return
    if element.tag & 0x20 and deepest:
        try:
            inner = element.children(most=_MOST)
        except DerMalformed:
            return
        for one in inner:
            yield from _texts(one, deepest=deepest - 1)


def _first(element: Element, tag: int) -> Element:
    found = next(iter(element.children(most=8)), None)
    if found is None or found.tag != tag:
        raise DerMalformed
    return found
