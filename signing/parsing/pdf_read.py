"""The signatures of a PDF, as its dictionaries say, and the evidence that comes with it.

What lives here: `read_pdf`.  Signatures are found in two ways: as the form lists them, and as the
octets have them; somebody may have taken one out of the form, or the form may not be readable.
**Nothing is verified**: whoever asks cuts, hashes and judges.
Source: ISO 32000-2 §12.7.5.5 (signature fields), §12.8.1, §12.8.2, §12.8.4.3.
Not here: what later revisions changed (`pdf_changes`).
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from contextlib import suppress
from typing import Any, BinaryIO, Final

from pyhanko.pdf_utils import generic
from pyhanko.pdf_utils.reader import PdfFileReader

from signing.errors import DocumentRefused
from signing.messages.pdf_validation import (
    MOST_FIELDS,
    MOST_SIGNATURES,
    EvidenceRead,
    LockRead,
    PdfAsked,
    PdfRead,
    SignatureRead,
)
from signing.parsing.pdf_damage import DAMAGE
from signing.parsing.pdf_fields import walk_fields
from signing.parsing.pdf_lax import (
    Location,
    dictionary,
    elements,
    entry,
    locations,
    name,
    number_of,
    offsets_ever,
    open_lax,
    raw,
    text,
    value_of,
)
from signing.parsing.pdf_tokens import Malformed, Placed, TokenReader, dictionary_at

_HEADER_WITHIN: Final = 1_024
_RANGE: Final = re.compile(rb"/ByteRange[\x00\t\n\f\r ]*\[")
_OBJECT: Final = re.compile(rb"\d{1,10}[\x00\t\n\f\r ]+\d{1,5}[\x00\t\n\f\r ]+obj")
_NUMBERS: Final = re.compile(rb"-?\d{1,15}")
_LOOKED_BACK: Final = 1 << 21
"""Octets between the beginning of an object and its /ByteRange: a signature of a megabyte."""
_MOST_WORDS: Final = 200
"""In between that look like the beginning of an object and are none."""
_ONCE: Final = ("/Contents", "/ByteRange", "/SubFilter")
_STORE: Final = {
    "certificates": ("/Certs", "/Cert"),
    "ocsp_responses": ("/OCSPs", "/OCSP"),
    "crls": ("/CRLs", "/CRL"),
}
_MOST_ENTRIES: Final = 4_000
_MOST_BYTES: Final = 24 << 20
_FARTHEST: Final = 1 << 53


def read_pdf(_asked: PdfAsked, inputs: Sequence[memoryview], _output: BinaryIO) -> PdfRead:
    """Everything about its signatures.

    1. It begins as a PDF.
    2. The signatures that the form lists.
    3. The signatures that nothing lists, by their octets.
    4. The security store.

    Raises  DocumentRefused: not_a_pdf, encrypted.
    """
    data = bytes(inputs[0])
    # 1
    if b"%PDF-" not in data[:_HEADER_WITHIN]:
        raise DocumentRefused("not_a_pdf")
    findings: list[str] = []
    found: list[SignatureRead] = []
    evidence: dict[str, tuple[EvidenceRead, ...]] = {}
    known: dict[int, Location] = {}
    try:
        reader = open_lax(data)
        known = locations(reader)
        # 2
        found += _listed(reader, data, known)
        # 4
        evidence = _store(reader, known)
    except DAMAGE:
        findings.append("structure_damaged")
    # 3
    found += _unlisted(
        data, {one.starts_at for one in found}, offsets_ever(reader) if known else None
    )
    if len(found) > MOST_SIGNATURES:
        findings.append("too_many_signatures")
    return PdfRead(signatures=tuple(found[:MOST_SIGNATURES]), findings=tuple(findings), **evidence)


def _listed(
    reader: PdfFileReader, data: bytes, known: dict[int, Location]
) -> Iterator[SignatureRead]:
    for field in walk_fields(entry(reader.root, "/AcroForm"), most=MOST_FIELDS):
        if field.kind != "/Sig":
            continue
        with suppress(*DAMAGE):
            value = dictionary(field.value)
            if value is not None:
                # NOTE: where it is no object by itself it stands in its field
                number = number_of(field.raw_value)
                place = known.get(field.number if number is None else number)
                starts_at = place if isinstance(place, int) else -1
                entries = _entries(data, starts_at)
                if number is None:
                    entries = _entries_within(data, entries, "/V")
                lock = dictionary(entry(field.content, "/Lock"))
                where = starts_at, entries
                yield _signature(value, data, where, field=field.name, lock=lock)


def _unlisted(
    data: bytes, listed: set[int], places: frozenset[int] | None
) -> Iterator[SignatureRead]:
    """Those in an object that a table names, in whatever revision; in any object without tables."""
    seen = set(listed)
    for count, hit in enumerate(_RANGE.finditer(data)):
        if count > 4 * MOST_SIGNATURES:
            return
        starts_at = _object_around(data, hit.start())
        if starts_at < 0 or starts_at in seen or (places is not None and starts_at not in places):
            continue
        seen.add(starts_at)
        entries = _entries(data, starts_at)
        keys = {one.key for one in entries}
        if {"/ByteRange", "/Contents"} <= keys and entries[-1].end > hit.start():
            yield _from_octets(data, entries, starts_at)


def _from_octets(data: bytes, entries: list[Placed], starts_at: int) -> SignatureRead:
    said = {one.key: data[one.start : one.end] for one in entries}
    return SignatureRead(
        kind=said.get("/Type", b"/").decode("latin-1")[1:1_000],
        sub_filter=said.get("/SubFilter", b"/").decode("latin-1")[1:1_000],
        byte_range=tuple(int(one) for one in _NUMBERS.findall(said["/ByteRange"]))[:16],
        starts_at=starts_at,
        contents=_contents(data, entries),
        has_doublets=_has_doublets(entries),
        is_listed=False,
    )


def _signature(
    value: generic.DictionaryObject,
    data: bytes,
    where: tuple[int, list[Placed]],
    *,
    field: str,
    lock: generic.DictionaryObject | None,
) -> SignatureRead:
    starts_at, entries = where
    numbers = [value_of(one) for one in elements(entry(value, "/ByteRange"))]
    permission, locks = _transforms(value)
    if lock is not None:
        locks.append(_lock(lock))
    return SignatureRead(
        field=field[:1_000],
        kind=name(entry(value, "/Type")),
        sub_filter=name(entry(value, "/SubFilter")),
        byte_range=tuple(_place(one) for one in numbers[:16]),
        starts_at=starts_at,
        contents=_contents(data, entries),
        has_doublets=_has_doublets(entries),
        certificates=tuple(_certificates(entry(value, "/Cert"))),
        reason=text(entry(value, "/Reason")),
        place=text(entry(value, "/Location")),
        signer=text(entry(value, "/Name")),
        signed_at=text(entry(value, "/M")),
        permission=permission,
        locks=tuple(locks[:16]),
    )


def _place(value: Any) -> int:
    """A number that may be a place in a file; -1 for any other and for what is none."""
    return int(value) if isinstance(value, int) and abs(value) < _FARTHEST else -1


def _entries(data: bytes, starts_at: int) -> list[Placed]:
    """What a dictionary has, as far as it can be read."""
    try:
        return dictionary_at(data, starts_at)[1]
    except Malformed as malformed:
        return list(malformed.entries)


def _entries_within(data: bytes, entries: Sequence[Placed], key: str) -> list[Placed]:
    """What a dictionary within another one has; nothing where that is not read to its end."""
    found: list[Placed] = []
    for one in entries:
        if one.key == key and data.startswith(b"<<", one.start):
            with suppress(Malformed):
                TokenReader(data).dictionary(one.start, 0, found)
    return found


def _has_doublets(entries: Sequence[Placed]) -> bool:
    keys = [one.key for one in entries]
    return any(keys.count(one) > 1 for one in _ONCE)


def _contents(data: bytes, entries: list[Placed]) -> tuple[int, int]:
    for one in entries:
        if one.key == "/Contents" and data[one.start : one.start + 1] == b"<":
            return one.start, one.end
    return 0, 0


def _certificates(value: Any) -> Iterator[bytes]:
    for one in [value, *(value_of(each) for each in elements(value))][:64]:
        if isinstance(one, generic.ByteStringObject):
            yield bytes(one)
        elif isinstance(one, generic.TextStringObject):
            yield one.original_bytes


def _transforms(value: generic.DictionaryObject) -> tuple[int, list[LockRead]]:
    """What DocMDP allows (0 without it; 2 where it does not say), and what FieldMDP locks."""
    permission, locks = 0, []
    for each in elements(entry(value, "/Reference"))[:16]:
        reference = value_of(each)
        method, said = (
            name(entry(reference, "/TransformMethod")),
            entry(reference, "/TransformParams"),
        )
        if method == "DocMDP":
            permission = _permission(said) or 2
        elif method == "FieldMDP" and (parameters := dictionary(said)) is not None:
            locks.append(_lock(parameters))
    return permission, locks


def _lock(said: generic.DictionaryObject) -> LockRead:
    fields = tuple(text(value_of(one), most=1_000) for one in elements(entry(said, "/Fields")))
    return LockRead(name(entry(said, "/Action"))[:64], fields[:MOST_FIELDS], _permission(said))


def _permission(said: Any) -> int:
    value = entry(said, "/P")
    is_number = isinstance(value, generic.NumberObject | generic.FloatObject)
    return int(value) if is_number and 1 <= value < 4 else 0


def _store(reader: PdfFileReader, known: dict[int, Location]) -> dict[str, Any]:
    store = entry(reader.root, "/DSS")
    about_one = dictionary(entry(store, "/VRI"))
    single = [value_of(one) for one in about_one.values()] if about_one is not None else []
    found: dict[str, Any] = {}
    left = _MOST_BYTES
    for kind, (key, key_of_one) in _STORE.items():
        references = elements(entry(store, key))
        for one in single[:MOST_SIGNATURES]:
            references += elements(entry(one, key_of_one))
        entries: dict[bytes, EvidenceRead] = {}
        for reference in references[:_MOST_ENTRIES]:
            with suppress(*DAMAGE):
                stream = value_of(reference)
                content = stream.data if isinstance(stream, generic.StreamObject) else b""
                left -= len(content)
                if not content or left < 0:
                    continue
                place = _place_of_stream(stream, known.get(number_of(reference) or -1), known)
                entries.setdefault(bytes(content), EvidenceRead(bytes(content), place))
        found[kind] = tuple(entries.values())
    return found


def _place_of_stream(
    stream: generic.StreamObject, place: Location, known: dict[int, Location]
) -> int:
    """Behind how many octets it was there; -1 where that is not in the file by itself.

    What says how a stream is read may have been written later than the stream.
    """
    places = [place]
    for key in ("/Length", "/Filter", "/DecodeParms"):
        number = number_of(raw(stream, key))
        places += [] if number is None else [known.get(number)]
    known_places = [one for one in places if isinstance(one, int)]
    if len(known_places) < len(places):
        return -1
    return 1 + max(known_places[0] + len(stream.encoded_data), *known_places)


def _object_around(data: bytes, at: int) -> int:
    """Where the object begins that has this place in it: the last header before it."""
    start = max(0, at - _LOOKED_BACK)
    near = data.rfind(b"obj", start, at)
    left = _MOST_WORDS
    while near >= 0 and left > 0:
        left -= 1
        line = data[max(0, near - 24) : near + 3]
        hits = list(_OBJECT.finditer(line))
        if hits and hits[-1].end() == len(line):
            return max(0, near - 24) + hits[-1].start()
        near = data.rfind(b"obj", start, near)
    return -1
