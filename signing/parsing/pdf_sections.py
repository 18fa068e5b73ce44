"""The last section of cross-references of a PDF, read to the letter.

What lives here: `last_section` and `plain_entries`.  Readers that mend files differ in what they
make of an odd one; of what is read here there is one reading, and everything else is `Odd`.
Source: ISO 32000-2 §7.5.4 (tables), §7.5.5 (trailers), §7.5.8 (streams), §7.3.7 (dictionaries).
Not here: what is done where it is odd (`pdf_reach`), reading what others wrote (`pdf_lax`).
"""

from __future__ import annotations

import re
import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from signing.parsing.pdf_tokens import Malformed, dictionary_at

_END: Final = re.compile(rb"startxref[\r\n ]+(\d{1,10})[\r\n ]+%%EOF[\r\n ]*\Z")
_END_BYTES: Final = 1_100
_PART: Final = re.compile(rb"(\d{1,10}) (\d{1,7}) ?(?:\r\n|\r|\n)")
_ROW: Final = re.compile(rb"(\d{10}) (\d{5}) ([nf])")
_ROWS: Final = re.compile(rb"(?:\d{10} \d{5} [nf](?: \n| \r|\r\n))*+")
_ROW_BYTES: Final = 20
_SPACE: Final = re.compile(rb"[\r\n ]+")
_TRAILER_BYTES: Final = 1 << 16
_PLAIN: Final = re.compile(rb"[\t\n\r\x20-\x7e]*")
_NUMBER: Final = re.compile(rb"\d{1,10}")
_REFERENCE: Final = re.compile(rb"(\d{1,10})[\r\n ]+0[\r\n ]+R")
_STREAM: Final = re.compile(rb"[\r\n ]*stream\r?\n")
_STREAM_END: Final = re.compile(rb"[\r\n ]*endstream[\r\n ]+endobj[\r\n ]+startxref")
_WIDTHS: Final = re.compile(rb"\[ *1 +8 +2 *\]")
_LIST: Final = re.compile(rb"\[ *((?:\d{1,10} *)*)\]")
_PACKED: Final = re.compile(rb"(?:\[ *)?/FlateDecode(?: *\])?")
_IN_STREAM: Final = frozenset({"/Type", "/W", "/Index", "/Filter", "/Length"})
_LINE_BYTES: Final = 11
_MOST_ROWS: Final = 100_000
_MOST_ROWS_OF_A_TABLE: Final = 1_000_000
_NONE_OF_IT: Final = frozenset({"/XRefStm", "/Encrypt"})
Octets = bytes | memoryview
Row = tuple[int, int, int, int]
"""A number, 1 where an object is and 0 where none is any more, an offset and a generation."""


class Odd(Exception):
    """It could be read in more than one way."""


@dataclass(frozen=True, slots=True)
class Section:
    """Where the last section starts, its trailer's entries as they stand, and its kind."""

    start: int
    trailer: Mapping[str, bytes]
    is_stream: bool
    _data: bytes
    _rest: int

    @property
    def size(self) -> int:
        """One more than the highest number.  Raises Odd."""
        return number_in(self.trailer, "/Size")

    @property
    def root(self) -> int:
        """The number of the catalogue.  Raises Odd."""
        return reference_in(self.trailer, "/Root")

    def places(self) -> Mapping[int, int]:
        """The objects that it names, each with its offset: as our writer writes them.

        Raises  Odd: one named twice, one freed, one of another generation, one in a stream.
        """
        rows = self._rows_of_stream() if self.is_stream else _rows_of_table(self._data, self.start)
        found: dict[int, int] = {}
        for number, kind, place, generation in rows:
            if (number == 0) != (kind == 0) or kind > 1 or number in found:
                raise Odd
            if number:
                if generation:
                    raise Odd
                found[number] = place
        return found

    def _rows_of_stream(self) -> list[Row]:
        allowed = _IN_STREAM | {"/Size", "/Root", "/Prev", "/ID", "/Info"}
        said = self.trailer
        listed = _LIST.fullmatch(said.get("/Index", b""))
        if said.keys() - allowed or listed is None or not _WIDTHS.fullmatch(said.get("/W", b"")):
            raise Odd
        opening = _STREAM.match(self._data, self._rest)
        if opening is None:
            raise Odd
        end = opening.end() + number_in(said, "/Length")
        octets = self._data[opening.end() : end]
        if not _STREAM_END.match(self._data, end):
            raise Odd
        if "/Filter" in said:
            if not _PACKED.fullmatch(said["/Filter"]):
                raise Odd
            try:
                octets = zlib.decompressobj().decompress(octets, _MOST_ROWS * _LINE_BYTES)
            except zlib.error as failure:
                raise Odd from failure
        index = [int(one) for one in listed[1].split()]
        numbers = [
            number
            for first, count in zip(index[::2], index[1::2], strict=False)
            for number in range(first, first + min(count, _MOST_ROWS))
        ]
        if len(index) % 2 or len(numbers) * _LINE_BYTES != len(octets):
            raise Odd
        lines = (octets[at : at + _LINE_BYTES] for at in range(0, len(octets), _LINE_BYTES))
        return [
            (number, line[0], int.from_bytes(line[1:9], "big"), int.from_bytes(line[9:], "big"))
            for number, line in zip(numbers, lines, strict=True)
        ]


def last_section(data: bytes) -> Section:
    """The section that the end of the document names, and nothing else can be taken for.

    Raises  Odd.
    """
    end = _END.search(data, max(0, len(data) - _END_BYTES))
    if end is None:
        raise Odd
    start = int(end[1])
    if not 0 < start < end.start():
        raise Odd
    if not data.startswith(b"xref", start):
        trailer, rest = _trailer(data[start : start + _TRAILER_BYTES])
        if trailer.get("/Type") != b"/XRef":
            raise Odd
        return Section(start, trailer, is_stream=True, _data=data, _rest=start + rest)
    at = _after_rows(data, start)
    if not data.startswith(b"trailer", at):
        raise Odd
    # as an object, which is what can be read
    trailer, _ = _trailer(b"0 0 obj" + data[at + 7 : min(end.start(), at + _TRAILER_BYTES)])
    return Section(start, trailer, is_stream=False, _data=data, _rest=0)


def plain_entries(octets: bytes) -> tuple[int, Mapping[str, bytes], int]:
    """The number of an object, the entries of its dictionary as they stand, and where it ends.

    Raises  Odd: it is none, has a key twice, or letters that readers take for different things.
    """
    try:
        number, entries, end = dictionary_at(octets, 0)
    except Malformed as failure:
        raise Odd from failure
    text = octets[:end]
    found = {one.key: text[one.start : one.end] for one in entries}
    if len(found) != len(entries) or not _PLAIN.fullmatch(text) or b"#" in text:
        raise Odd
    return number, found, end


def table_rows(data: Octets, at: int) -> tuple[list[Row], int]:
    """Every row of the parts of a table, the first of which begins at an offset; and their end.

    Raises  Odd: a row that is not one, too many of them.
    """
    found: list[Row] = []
    while part := _PART.match(data, at):
        first, count = int(part[1]), int(part[2])
        at = part.end() + count * _ROW_BYTES
        octets = bytes(data[part.end() : at])
        if len(octets) < count * _ROW_BYTES or not _ROWS.fullmatch(octets):
            raise Odd
        found += [
            (number, int(kind == b"n"), int(place), int(generation))
            for number, (place, generation, kind) in enumerate(_ROW.findall(octets), first)
        ]
        if len(found) > _MOST_ROWS_OF_A_TABLE:
            raise Odd
    return found, at


def number_in(entries: Mapping[str, bytes], key: str) -> int:
    """A number that stands there.  Raises Odd."""
    text = entries.get(key, b"")
    if not _NUMBER.fullmatch(text):
        raise Odd
    return int(text)


def reference_in(entries: Mapping[str, bytes], key: str) -> int:
    """The number of the object that is referred to there.  Raises Odd."""
    hit = _REFERENCE.fullmatch(entries.get(key, b""))
    if hit is None:
        raise Odd
    return int(hit[1])


def _trailer(octets: bytes) -> tuple[Mapping[str, bytes], int]:
    _, trailer, end = plain_entries(octets)
    if trailer.keys() & _NONE_OF_IT:
        raise Odd
    return trailer, end


def _parts(data: bytes, start: int) -> list[tuple[int, int, int]]:
    """First number, count and offset of the rows of each part of a table."""
    begin = _SPACE.match(data, start + 4)
    at = start if begin is None else begin.end()
    found = []
    while part := _PART.match(data, at):
        first, count = int(part[1]), int(part[2])
        found.append((first, count, part.end()))
        at = part.end() + count * _ROW_BYTES
    return found


def _after_rows(data: bytes, start: int) -> int:
    parts = _parts(data, start)
    if not parts:
        raise Odd
    _, count, at = parts[-1]
    return at + count * _ROW_BYTES


def _rows_of_table(data: bytes, start: int) -> list[Row]:
    begin = _SPACE.match(data, start + 4)
    return table_rows(data, start if begin is None else begin.end())[0]
