"""Signatures of a PDF, into what the procedure of the standard reads.

What lives here: `read_pdf`.  Whoever reads PDF behind the walls says where signatures stand; the
octets are cut and hashed here, and what does not fit them is said.
Source: ISO 32000-2 §12.8; ETSI EN 319 142-1, EN 319 142-2 (the older sub-filters).
Not here: what later revisions changed (`pdf_changes`), the CMS inside (`cms`), any verdict.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta, timezone
from functools import partial
from typing import Final

from keystore.pki.der import OCTET_STRING
from signing.errors import DocumentRefused, ParsingFailed
from signing.formats.der import DerMalformed, read_one
from signing.formats.material import ValidationMaterial
from signing.isolation.blob import Blob
from signing.isolation.task import Isolation
from signing.messages.pdf_validation import (
    READ_PDF,
    PdfAsked,
    PdfRead,
    SignatureRead,
)
from signing.validation.cms import encapsulated_content, read_signer
from signing.validation.found import (
    Form,
    FoundDocument,
    FoundSignature,
    FoundTimestamp,
    ObjectKind,
    Packaging,
    SignatureAlgorithm,
    SignedObject,
    SignedValue,
    TimestampKind,
    object_identity,
)
from signing.validation.pdf_ranges import Ranges, SignedOctets, check_overlaps, check_ranges
from signing.validation.verdict import Reason, because

_CADES: Final = "ETSI.CAdES.detached"
_SHA1: Final = "adbe.pkcs7.sha1"
_RAW: Final = "adbe.x509.rsa_sha1"
_TIMESTAMP: Final = "ETSI.RFC3161"
_KNOWN: Final = frozenset({_CADES, "adbe.pkcs7.detached", _SHA1, _RAW})
_MOST_RAW_BYTES: Final = 256 << 20
_DATE: Final = re.compile(
    r"(?:D:)?(\d{4})(\d{2})?(\d{2})?(\d{2})?(\d{2})?(\d{2})?(?:([Zz+-])(?:(\d{2})'?(\d{2})?'?)?)?"
)


@dataclass(frozen=True, slots=True)
class PdfPlace:
    """Where a signature or document timestamp stands, and what it says may follow it."""

    identity: str
    is_timestamp: bool
    read: SignatureRead
    ranges: Ranges


@dataclass(frozen=True, slots=True)
class FoundPdf(FoundDocument):
    """A PDF, with where its signatures stand, in the order of their revisions."""

    places: tuple[PdfPlace, ...] = ()


def read_pdf(document: Blob, *, isolation: Isolation) -> FoundPdf:
    """Everything that a PDF has of signatures.

    Takes   document: stays the caller's, open as long as digests are asked for.
    Raises  nothing that the file could cause: what is wrong with it is `malformed`.
    """
    try:
        read, written = isolation.run(READ_PDF, PdfAsked(), inputs=(document,))
        written.close()
    except DocumentRefused as refusal:
        return FoundPdf("pdf", malformed=(because(refusal.reason),))
    except ParsingFailed as failure:
        return FoundPdf("pdf", malformed=(because(failure.reason),))
    places = _places(document, read)
    signed = {one: _signatures(document, one, read=read) for one in places if not one.is_timestamp}
    timestamps = _timestamps(document, read, places, signed)
    signatures = [
        found
        for place, several in signed.items()
        for found in _with_stamps(place, several, timestamps=timestamps)
    ]
    about_none = [
        stamp
        for place, stamp in timestamps.items()
        if not any(stamp in one.timestamps for one in signatures)
    ]
    return FoundPdf(
        "pdf",
        tuple(signatures),
        tuple(about_none),
        findings=_findings(read),
        places=tuple(places),
    )


def _places(document: Blob, read: PdfRead) -> list[PdfPlace]:
    """All of them in the order of what they are over, each with what is wrong about its place."""
    with document.view() as view:
        found = [(one, check_ranges(view, one)) for one in read.signatures]
    listed = {one.byte_range for one, _ in found if one.is_listed}
    # what replaced its dictionary is said there, and the first one is no second signature
    found = [each for each in found if each[0].is_listed or each[0].byte_range not in listed]
    found.sort(key=lambda each: (each[1].end, each[1].hole_start))
    overlaps = check_overlaps([ranges for _, ranges in found])
    places = []
    numbers = {True: 0, False: 0}
    for at, (one, ranges) in enumerate(found):
        is_timestamp = one.sub_filter == _TIMESTAMP or one.kind == "DocTimeStamp"
        numbers[is_timestamp] += 1
        identity = f"{'T' if is_timestamp else 'S'}-{numbers[is_timestamp]}"
        if at in overlaps:
            ranges = replace(ranges, malformed=(*ranges.malformed, overlaps[at]))  # noqa: PLW2901  the same with what others say
        places.append(PdfPlace(identity, is_timestamp, one, ranges))
    return places


def _signatures(document: Blob, place: PdfPlace, *, read: PdfRead) -> list[FoundSignature]:
    """What stands in one hole: a signature, perhaps with those that countersign it."""
    one, ranges = place.read, place.ranges
    material = ValidationMaterial(
        tuple(entry.content for entry in read.certificates),
        tuple(entry.content for entry in read.ocsp_responses),
        tuple(entry.content for entry in read.crls),
    )
    doubts = list(ranges.doubts)
    if one.sub_filter not in _KNOWN:
        doubts.append(because("sub_filter_unknown"))
    if not one.is_listed:
        doubts.append(because("signature_not_listed"))
    is_raw = one.sub_filter == _RAW
    first, *others = (_raw(document, place),) if is_raw else _in_cms(document, place)
    first = replace(
        first,
        material=first.material.with_others(material),
        claimed_time=first.claimed_time or pdf_time(one.signed_at),
        stated_reason=one.reason or first.stated_reason,
        production_place=one.place or first.production_place,
        malformed=(*ranges.malformed, *first.malformed),
        doubts=(*first.doubts, *doubts),
    )
    return [first, *others]


def _in_cms(document: Blob, place: PdfPlace) -> Sequence[FoundSignature]:
    """A CMS with nothing inside, but for the one that has the digest there (§12.8.3.3.1)."""
    one, ranges = place.read, place.ranges
    octets = SignedOctets(document, ranges)
    # of the one it is the digest inside that was signed
    content = None if one.sub_filter == _SHA1 else octets
    found = read_signer(
        ranges.octets,
        identity=place.identity,
        place=one.field,
        content=content,
        form=Form.PADES if one.sub_filter == _CADES else Form.PKCS7,
        packaging=Packaging.ENVELOPED,
        name=one.field,
    )
    inside = encapsulated_content(ranges.octets)
    if one.sub_filter != _SHA1:
        if inside is None:
            return found
        wrong = because("content_encapsulated")
        return (replace(found[0], malformed=(*found[0].malformed, wrong)), *found[1:])
    actual = octets.digest("sha1")
    document_digest = SignedObject(one.field, ObjectKind.DOCUMENT, "sha1", inside or b"", actual)
    return (replace(found[0], objects=(document_digest, *found[0].objects)), *found[1:])


def _raw(document: Blob, place: PdfPlace) -> FoundSignature:
    """A bare RSA value over the octets, its certificate beside it (ISO 32000-1 §12.8.3.2)."""
    one, ranges = place.read, place.ranges
    malformed: tuple[Reason, ...] = ()
    value: SignedValue | None = None
    try:
        element = read_one(ranges.octets)
        if element.tag != OCTET_STRING or not ranges.is_usable or ranges.end > _MOST_RAW_BYTES:
            raise DerMalformed
        algorithm = SignatureAlgorithm("rsa", "pkcs1", "sha1", _RAW)
        octets = b"".join(ranges.chunks(document))
        value = SignedValue(octets, bytes(element.content), algorithm)
    except DerMalformed:
        malformed = (because("signature_value_malformed"),)
    return FoundSignature(
        place.identity,
        Form.PKCS7,
        Packaging.ENVELOPED,
        one.field,
        (),
        value,
        one.certificates[0] if one.certificates else None,
        certificates=one.certificates,
        malformed=malformed,
    )


def _timestamps(
    document: Blob,
    read: PdfRead,
    places: Sequence[PdfPlace],
    signed: Mapping[PdfPlace, Sequence[FoundSignature]],
) -> Mapping[PdfPlace, FoundTimestamp]:
    """The document timestamps, each with what stood before it in the file."""
    store = (*read.certificates, *read.ocsp_responses, *read.crls)
    certificates = tuple(entry.content for entry in read.certificates)
    stamps = [one for one in places if one.is_timestamp]
    found: dict[PdfPlace, FoundTimestamp] = {}
    for one in stamps:
        end = one.ranges.end if one.ranges.is_usable else 0
        covers = {object_identity(each.content) for each in store if 0 <= each.within <= end}
        covers |= {
            object_identity(each.ranges.octets)
            for each in stamps
            if each is not one and _stands_within(each, end)
        }
        for place, several in signed.items():
            if _stands_within(place, end):
                covers |= {each for signature in several for each in _identities(signature)}
        found[one] = FoundTimestamp(
            one.identity,
            TimestampKind.DOCUMENT,
            one.ranges.octets,
            partial(one.ranges.digest, document),
            covers=frozenset(covers),
            certificates=certificates,
            findings=(*one.ranges.malformed, *one.ranges.doubts),
        )
    return found


def _stands_within(place: PdfPlace, end: int) -> bool:
    """Whether the value stands in so many octets, and not only says so."""
    return place.ranges.is_placed and 0 < place.ranges.hole_end <= end


def _identities(signature: FoundSignature) -> set[str]:
    """What came with a signature when its document was stamped."""
    octets = [*signature.certificates, *(one.token for one in signature.timestamps)]
    if signature.value is not None:
        octets.append(signature.value.value)
    return {object_identity(one) for one in octets}


def _with_stamps(
    place: PdfPlace,
    several: Sequence[FoundSignature],
    *,
    timestamps: Mapping[PdfPlace, FoundTimestamp],
) -> Sequence[FoundSignature]:
    """Document timestamps behind those of the signature itself, in the order of the file."""
    end = place.ranges.end
    behind = [one for where, one in timestamps.items() if where.ranges.end >= end > 0]
    first, *others = several
    return (replace(first, timestamps=(*first.timestamps, *behind)), *others)


def _findings(read: PdfRead) -> tuple[Reason, ...]:
    found = [because(code) for code in read.findings]
    if any(not one.is_listed for one in read.signatures):
        found.append(because("signature_not_listed"))
    return tuple(found)


def pdf_time(said: str) -> datetime | None:
    """A date as PDF writes it (ISO 32000-2 §7.9.4); None for anything else.

    Without an offset it is taken as UTC: the standard leaves it unknown.
    """
    hit = _DATE.match(said)
    if hit is None:
        return None
    year, *rest = (int(one) if one else None for one in hit.groups()[:6])
    month, day, hour, minute, second = rest
    zone: timezone = UTC
    try:
        if hit[7] in {"+", "-"}:
            offset = timedelta(hours=int(hit[8] or 0), minutes=int(hit[9] or 0))
            zone = timezone(offset if hit[7] == "+" else -offset)
        return datetime(
            year or 0, month or 1, day or 1, hour or 0, minute or 0, second or 0, tzinfo=zone
        )
    except ValueError:
        return None
