"""Whether everybody reads what stands behind a signed revision in the same way.

What lives here: `read_tail`, which goes through the updates octet by octet, as a writer wrote them:
objects that a table names, tables, ends.  Readers of PDF mend what is odd, each in its own way: of
a key that stands twice some take the first and some the last.  What they take differently could
show one document to us and another one to whoever reads it.
Source: ISO 32000-2 §7.3.8 (streams), §7.3.10, §7.5.4 to §7.5.8 (tables, updates, hybrid files).
Not here: what the updates change (`pdf_differences`), the signed revision itself.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from pyhanko.pdf_utils import generic
from pyhanko.pdf_utils.xref import XRefSectionData

from signing.parsing.pdf_damage import DAMAGE
from signing.parsing.pdf_lax import LaxReader
from signing.parsing.pdf_tokens import Malformed, Placed, TokenReader

_OBJECT: Final = re.compile(rb"(\d{1,10})[\x00\t\n\f\r ]+(\d{1,5})[\x00\t\n\f\r ]+obj")
_STREAM: Final = re.compile(rb"stream(?:\r\n|\n|\r)")
_AFTER_STREAM: Final = re.compile(rb"[\x00\t\n\f\r ]*endstream[\x00\t\n\f\r ]*endobj")
_END_OF_OBJECT: Final = re.compile(rb"endobj")
_TABLE: Final = re.compile(rb"xref[\x00\t\n\f\r ]+")
_SECTION: Final = re.compile(rb"(\d{1,10}) (\d{1,10})[\t\r\n ]+")
_ROWS: Final = re.compile(rb"(?:\d{10} \d{5} [nf](?: \r| \n|\r\n))*")
_ROW_BYTES: Final = 20
_LONGEST_GAP: Final = 8
_MOST_VALUES: Final = 500_000
"""Of all objects together: some seconds."""
_TRAILER: Final = re.compile(rb"[\x00\t\n\f\r ]*trailer[\x00\t\n\f\r ]*")
_START: Final = re.compile(rb"startxref[\x00\t\n\f\r ]+(\d{1,15})")
_NUMBER: Final = re.compile(rb"\d{1,15}\Z")
_REFERENCE: Final = re.compile(rb"(\d{1,10})[\x00\t\n\f\r ]+\d{1,5}[\x00\t\n\f\r ]+R\Z")


@dataclass(slots=True)
class Tail:
    """What is behind a place, in three kinds, each by where the last one stands, -1 for none.

    Takes   start: the place; unnamed: an object or a table that nothing names; ambiguous: what one
            reader takes so and another one otherwise; unread: where reading came to its end.
    """

    start: int
    unnamed: int = -1
    ambiguous: int = -1
    unread: int = -1

    def is_plain(self, start: int) -> bool:
        """Whether everything behind a place is as a writer wrote it."""
        return max(self.unnamed, self.ambiguous, self.unread) < start


def read_tail(data: bytes, start: int, *, reader: LaxReader) -> Tail:
    """Everything from the end of a revision to the end of the file.

    Takes   reader: of the whole file.
    """
    walk = _Walk(data, start, reader)
    try:
        walk.check_tables()
        walk.read()
    except (Malformed, *DAMAGE):
        walk.tail.unread = walk.at
    return walk.tail


class _Walk:
    def __init__(self, data: bytes, start: int, reader: LaxReader) -> None:
        self.data, self.start, self.reader = data, start, reader
        self.tail = Tail(start)
        self.named: dict[int, set[int]] = {}
        self.packed: dict[int, dict[int, int]] = {}
        self.tables: set[int] = set()
        self.left = _MOST_VALUES
        self.at = len(data)

    def check_tables(self) -> None:
        """Where objects and tables are said to stand, and that no table takes objects away."""
        highest, before, now = 0, 0, 0
        for revision in range(self.reader.total_revisions):
            section = self.reader.xrefs.get_xref_data(revision)
            info = self.reader.xrefs.get_xref_container_info(revision)
            self.tables |= {info.declared_startxref, info.start_location}
            hidden = section.hybrid.xref_data if section.hybrid is not None else None
            is_later = info.declared_startxref >= self.start
            for one in (section, hidden):
                if one is not None:
                    self._note(one, is_later=is_later)
                    highest = max(highest, *one.standard_xrefs, *one.xrefs_in_objstm, 0)
            if is_later and hidden is not None and _have_both(section, hidden):
                self.tail.ambiguous = max(self.tail.ambiguous, info.declared_startxref)
            before, now = (before, info.size) if is_later else (info.size, info.size)
        if now < before and now <= highest:  # some take objects from there on for nothing
            self.tail.ambiguous = len(self.data)

    def read(self) -> None:
        """From one thing to the next.

        Raises  Malformed.
        """
        tokens = TokenReader(self.data)
        end = self.at = self.start
        while (at := tokens.space(end)) < len(self.data):
            self.at = at
            if (hit := _OBJECT.match(self.data, at)) is not None:
                end = self._object(at, hit, behind=end)
            elif (hit := _TABLE.match(self.data, at)) is not None:
                end = self._table(at, hit.end())
            elif (hit := _START.match(self.data, at)) is not None:
                end = hit.end()
            else:
                raise Malformed

    def _note(self, section: XRefSectionData, *, is_later: bool) -> None:
        for number, (_, place) in section.standard_xrefs.items():
            self.named.setdefault(place, set()).add(number)
        for number, place in section.xrefs_in_objstm.items() if is_later else ():
            self.packed.setdefault(place.obj_stream_id, {})[place.ix_in_stream] = number

    def _object(self, start: int, header: re.Match[bytes], *, behind: int) -> int:
        """One object, to behind its end; what names it may name the space before it."""
        number, at = int(header[1]), header.end()
        places = range(start, max(behind, start - _LONGEST_GAP) - 1, -1)
        named = next((self.named[one] for one in places if one in self.named), set())
        if not named and self.tables.isdisjoint(places):
            self.tail.unnamed = start
        elif named - {number}:
            self.tail.ambiguous = max(self.tail.ambiguous, start)
        tokens = TokenReader(self.data, most=self.left)
        at = tokens.space(at)
        found: list[Placed] = []
        is_dictionary = self.data.startswith(b"<<", at)
        at = tokens.space(tokens.dictionary(at, 0, found) if is_dictionary else tokens.value(at))
        self.left = tokens.left
        end = _END_OF_OBJECT.match(self.data, at)
        if end is None:
            opening = _STREAM.match(self.data, at)
            if opening is None or not is_dictionary:
                raise Malformed
            end = _AFTER_STREAM.match(self.data, opening.end() + self._length(found))
            if end is None:  # others look for the word, and go on reading where we stopped
                self.tail.ambiguous = max(self.tail.ambiguous, start)
                raise Malformed
        is_odd = tokens.has_doublets or (start in self.tables and not _is_trailer(found))
        if is_odd or (number in self.packed and not self._is_packed_well(number)):
            self.tail.ambiguous = max(self.tail.ambiguous, start)
        return end.end()

    def _length(self, found: list[Placed]) -> int:
        said = next((self.data[one.start : one.end] for one in found if one.key == "/Length"), b"")
        if (hit := _REFERENCE.match(said)) is not None:
            return int(self.reader.get_object(generic.Reference(int(hit[1]), 0, self.reader)))
        if _NUMBER.match(said) is None:
            raise Malformed
        return int(said)

    def _is_packed_well(self, holder: int) -> bool:
        """Whether objects in a stream are found by number and by index, and have no key twice."""
        stream = self.reader.get_object(generic.Reference(holder, 0, self.reader))
        content, first = stream.data, int(stream["/First"])
        header = [int(one) for one in content[:first].split()[: 2 * int(stream["/N"])]]
        numbers, starts = header[::2], header[1::2]
        times = Counter(numbers)
        tokens = TokenReader(content, most=self.left)
        for index, number in self.packed[holder].items():
            if numbers[index] != number or times[number] != 1:
                return False
            tokens.value(tokens.space(first + starts[index]))
        self.left = tokens.left
        return not tokens.has_doublets

    def _table(self, start: int, at: int) -> int:
        """A table and its trailer; an offset a little beside it is mended by everybody."""
        if self.tables.isdisjoint((start, at)):
            self.tail.unnamed = start
        seen: set[int] = set()
        while (hit := _SECTION.match(self.data, at)) is not None:
            first, count = int(hit[1]), int(hit[2])
            at = hit.end() + count * _ROW_BYTES
            if at > len(self.data) or _ROWS.fullmatch(self.data, hit.end(), at) is None:
                raise Malformed
            numbers = range(first, first + count)
            if not seen.isdisjoint(numbers):
                self.tail.ambiguous = max(self.tail.ambiguous, start)
            seen.update(numbers)
        hit = _TRAILER.match(self.data, at)
        if hit is None:
            raise Malformed
        tokens = TokenReader(self.data)
        found: list[Placed] = []
        if not self.data.startswith(b"<<", hit.end()):
            raise Malformed
        end = tokens.dictionary(hit.end(), 0, found)
        if tokens.has_doublets or not _is_trailer(found):
            self.tail.ambiguous = max(self.tail.ambiguous, start)
        return end


def _is_trailer(found: Sequence[Placed]) -> bool:
    """Whether it says which catalogue there is: else some mend the file and look for one."""
    return "/Root" in {one.key for one in found}


def _have_both(table: XRefSectionData, stream: XRefSectionData) -> bool:
    """Whether an object stands in one place for who knows streams, and in another for others."""
    hidden = {number: place for number, (_, place) in stream.standard_xrefs.items()}
    return any(
        number in stream.xrefs_in_objstm or hidden.get(number, place) != place
        for number, (_, place) in table.standard_xrefs.items()
    )
