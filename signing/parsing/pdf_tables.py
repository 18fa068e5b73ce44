"""The cross-references of a PDF with all its updates, read to the letter.

What lives here: `read_tables`, from the end of the file back to its first section: tables, streams,
and both in one file.  It fills what pyHanko fills, or says that it is `Ambiguous`: a row twice, an
offset beside its table, an object of a second generation, a length that is not one, a circle.
Source: ISO 32000-2 §7.5.4 (tables), §7.5.5 (trailers), §7.5.6 (updates), §7.5.8 (streams, hybrid).
Not here: the objects themselves (`pdf_objects`).
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, Final

from pyhanko.pdf_utils import generic
from pyhanko.pdf_utils.decode_limits import DecodePurpose
from pyhanko.pdf_utils.rw_common import PdfHandler
from pyhanko.pdf_utils.xref import (
    ObjStreamRef,
    TrailerDictionary,
    XRefSection,
    XRefSectionData,
    XRefSectionMetaInfo,
    XRefSectionType,
)

from signing.parsing.pdf_damage import DAMAGE
from signing.parsing.pdf_objects import GAP, HEADER, Ambiguous, Octets, read_stream, read_value
from signing.parsing.pdf_sections import Odd, table_rows

_LAST: Final = re.compile(
    rb"[\r\n]startxref(?:\r\n|\n|\r)(\d{1,10})(?:\r\n|\n|\r)%%EOF(?:\r\n|\n|\r)?\Z"
)
_LAST_BYTES: Final = 40
_TABLE: Final = re.compile(rb"xref(?:\r\n| ?\n|\r)")
_TRAILER: Final = re.compile(rb"[\n\r]*trailer[\n\r ]*(?=<<)")
_AFTER_TRAILER: Final = re.compile(GAP + rb"startxref[\n\r ]")
_HEAD_OF_OTHERS: Final = (1, 0, 0, 65_535)
_HIGHEST_GENERATION: Final = 0xFFFF
_FARTHEST: Final = 1 << 48
_WIDEST: Final = 8
_MOST_SECTIONS: Final = 1_000
_FREE, _PLAIN, _PACKED = range(3)


@dataclass(frozen=True, slots=True)
class Tables:
    """All sections, the first one first, and the trailers, as pyHanko keeps them."""

    sections: list[XRefSection]
    trailer: TrailerDictionary
    last_startxref: int
    has_xref_stream: bool


def read_tables(data: Octets, handler: PdfHandler) -> Tables:
    """What the end of the file names, and all that came before.

    Raises  Ambiguous.
    """
    start = max(0, len(data) - _LAST_BYTES)
    last = _LAST.search(bytes(data[start:]))
    if last is None:
        raise Ambiguous
    trailer = TrailerDictionary()
    trailer.container_ref = generic.TrailerReference(handler)
    tables = Tables([], trailer, int(last[1]), has_xref_stream=False)
    place: int | None = tables.last_startxref
    seen: set[int] = set()
    has_stream = False
    while place is not None:
        if place in seen or len(seen) > _MOST_SECTIONS:
            raise Ambiguous
        seen.add(place)
        if (table := _TABLE.match(data, place)) is not None:
            section, content = _table(data, place, table.end(), handler=handler)
        else:
            section, content = _stream(data, place, handler, XRefSectionType.STREAM)
            has_stream = True
        tables.sections.append(section)
        trailer.add_trailer_revision(content)
        place = _number(content, "/Prev") if "/Prev" in content else None
    tables.sections.reverse()
    return Tables(tables.sections, trailer, tables.last_startxref, has_stream)


def _table(
    data: Octets, place: int, at: int, *, handler: PdfHandler
) -> tuple[XRefSection, generic.DictionaryObject]:
    """A section that is a table, with its trailer and perhaps a stream beside it."""
    known = XRefSectionData()
    try:
        rows, end = table_rows(data, at)
    except Odd as failure:
        raise Ambiguous from failure
    if len({row[0] for row in rows}) < len(rows):
        raise Ambiguous
    if rows and rows[0] == _HEAD_OF_OTHERS:  # some take it for a table that begins at 0
        raise Ambiguous
    for row in rows:
        _note_row(known, *row)
    opening = _TRAILER.match(data, end)
    if opening is None or end == at:
        raise Ambiguous
    content, end = read_value(data, opening.end(), within=generic.TrailerReference(handler))
    if _AFTER_TRAILER.match(data, end) is None:
        raise Ambiguous
    content.container_ref = None  # a trailer is a part of nothing
    kind, size = XRefSectionType.STANDARD, _number(content, "/Size")
    if "/XRefStm" in content:
        kind, hybrid = XRefSectionType.HYBRID_MAIN, _number(content, "/XRefStm")
        known.hybrid = _stream(data, hybrid, handler, XRefSectionType.HYBRID_STREAM)[0]
    info = XRefSectionMetaInfo(
        xref_section_type=kind,
        size=size,
        declared_startxref=place,
        start_location=place + len("xref\n"),
        end_location=opening.end(),
        stream_ref=None if known.hybrid is None else known.hybrid.meta_info.stream_ref,
    )
    return XRefSection(info, known), content


def _note_row(known: XRefSectionData, number: int, kind: int, place: int, generation: int) -> None:
    if number == 0:
        if kind == _PLAIN:
            raise Ambiguous
    elif kind == _PLAIN:
        if generation:
            raise Ambiguous
        known.standard_xrefs[number] = (0, place)
        known.explicit_refs_in_revision.add((number, 0))
    elif generation > _HIGHEST_GENERATION:
        raise Ambiguous
    else:
        known.freed[number] = generation
        known.explicit_refs_in_revision.add((number, generation - 1))


def _stream(
    data: Octets, place: int, handler: PdfHandler, kind: XRefSectionType
) -> tuple[XRefSection, generic.StreamObject]:
    """A section that is a stream."""
    header = HEADER.match(data, place)
    if header is None or int(header[2]):
        raise Ambiguous
    reference = generic.Reference(int(header[1]), 0, handler)
    content, end = read_value(data, header.end(), within=reference)
    stream, end = read_stream(
        data, end, content=content, within=reference, length_of=_no_length_elsewhere
    )
    if dict.get(stream, "/Type") != "/XRef":
        raise Ambiguous
    known = XRefSectionData()
    _note_lines(known, stream)
    info = XRefSectionMetaInfo(
        xref_section_type=kind,
        size=_number(stream, "/Size"),
        declared_startxref=place,
        start_location=place,
        end_location=end,
        stream_ref=reference,
    )
    return XRefSection(info, known), stream


def _note_lines(known: XRefSectionData, stream: generic.StreamObject) -> None:
    widths = _numbers(dict.get(stream, "/W"))
    index = _numbers(dict.get(stream, "/Index", [0, _number(stream, "/Size")]))
    if len(widths) != 3 or max(widths) > _WIDEST or len(index) % 2:
        raise Ambiguous
    parts = list(zip(index[::2], index[1::2], strict=True))
    if any(first + count > later for (first, count), (later, _) in pairwise(parts)):
        raise Ambiguous
    width, wanted = sum(widths), sum(index[1::2])
    try:
        octets = stream.read_data(DecodePurpose.XREF_STREAM, expected_size=wanted * (width + 1))
    except DAMAGE as failure:
        raise Ambiguous from failure
    if len(octets) != wanted * width or not width:
        raise Ambiguous
    second, third = widths[0], widths[0] + widths[1]
    at, read = 0, int.from_bytes
    for first, count in parts:
        for number in range(first, first + count):
            line = octets[at : at + width]
            at += width
            kind = read(line[:second], "big") if second else _PLAIN
            _note_line(
                known, number, kind, read(line[second:third], "big"), read(line[third:], "big")
            )


def _note_line(known: XRefSectionData, number: int, kind: int, where: int, index: int) -> None:
    if where >= _FARTHEST or kind > _PACKED or (number == 0 and kind != _FREE):
        raise Ambiguous
    if number == 0:
        return
    if kind == _PLAIN:
        if index:
            raise Ambiguous
        known.standard_xrefs[number] = (0, where)
        known.explicit_refs_in_revision.add((number, 0))
    elif kind == _PACKED:
        known.xrefs_in_objstm[number] = ObjStreamRef(where, index)
        known.obj_streams_used.add(where)
        known.explicit_refs_in_revision.add((number, 0))
    elif index > _HIGHEST_GENERATION:
        raise Ambiguous
    else:
        known.freed[number] = index
        known.explicit_refs_in_revision.add((number, index - 1))


def _number(content: Any, key: str) -> int:
    """A number that is not negative and stands in a dictionary itself."""
    if not isinstance(content, generic.DictionaryObject):
        raise Ambiguous
    found: Any = dict.get(content, key)
    if type(found) is not generic.NumberObject or found < 0:
        raise Ambiguous
    return int(found)


def _numbers(found: Any) -> list[int]:
    if not isinstance(found, list):
        raise Ambiguous
    numbers = list(list.__iter__(found))
    if any(not isinstance(one, int) or one < 0 for one in numbers):
        raise Ambiguous
    return [int(one) for one in numbers]


def _no_length_elsewhere(_reference: generic.Reference) -> int:
    """What a section's length is, before anybody knows where objects stand."""
    raise Ambiguous
