"""A PDF as it was at the end of one of its revisions, and what refers to what in it.

What lives here: `Snapshot`, read from the octets up to there and nothing behind them, so that no
later table has a say in what the signed revision is; and the graph of references, taken from the
octets at large: an edge too many costs time, an edge too few would hide a change.
Source: ISO 32000-2 §7.3.10 (references), §7.5.4, §7.5.7 (object streams), §7.7.3 (pages).
Not here: comparing (`pdf_sameness`, `pdf_differences`).
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections import defaultdict
from collections.abc import Iterable, Iterator
from typing import Any, Final

from pyhanko.pdf_utils import generic

from signing.parsing.pdf_damage import DAMAGE
from signing.parsing.pdf_fields import Field, walk_fields
from signing.parsing.pdf_lax import (
    LaxReader,
    Location,
    elements,
    entry,
    generations,
    locations,
    number_of,
    open_lax,
    value_of,
)
from signing.parsing.pdf_tokens import Malformed, dictionary_at

_REFERENCE: Final = re.compile(rb"(\d{1,10})[\x00\t\n\f\r ]+\d+[\x00\t\n\f\r ]+R")
_END_OF_ONE: Final = re.compile(rb"[\x00\t\n\f\r ][-+.\d]*+R(?![^\x00\t\n\f\r ()<>\[\]{}/%])")
_PLAIN_ONE: Final = re.compile(
    rb"(?<![-+.\d])\d{1,7}[\x00\t\n\f\r ]++\d++[\x00\t\n\f\r ]++R(?![^\x00\t\n\f\r ()<>\[\]{}/%])"
)
_STREAM: Final = re.compile(rb">>[\x00\t\n\f\r ]*stream\r?\n")
_CLOSING: Final = re.compile(rb"(?<=[\x00\t\n\f\r >\])])endobj")
_DIGITS: Final = re.compile(rb"<[0-9A-Fa-f\x00\t\n\f\r ]{64,}>")
_LONG: Final = 2_000
MOST_FIELDS: Final = 10_000
MOST_PAGES: Final = 10_000
"""Of a document with more, those behind are not looked at."""
_DEEPEST: Final = 64
_Noted = tuple[bool, frozenset[int]]
"""Whether it cannot be told to what an object refers, and to what it does."""


class Snapshot:
    """A document of so many octets.

    Takes   noted: what objects refer to, for several revisions of one document: what begins and
            ends at the same places is the same octets.
    Raises  DocumentRefused: encrypted; whatever is in `DAMAGE`.
    """

    def __init__(
        self,
        data: bytes,
        *,
        reader: type[LaxReader] = LaxReader,
        noted: dict[tuple[int, int], _Noted] | None = None,
    ) -> None:
        self.data = data
        self._noted = {} if noted is None else noted
        self.reader = open_lax(data, reader=reader)
        self.places: dict[int, Location] = locations(self.reader)
        self._generations = generations(self.reader)
        self.root: generic.DictionaryObject = self.reader.root
        self.root_number = number_of(self.reader.trailer.raw_get("/Root")) or 0
        self.has_all_pages = True
        self._pages: list[int] | None = None
        self._fields: list[Field] | None = None
        self._widgets: frozenset[int] | None = None
        self._referring: dict[int, set[int]] | None = None
        self._opaque: set[int] = set()

    def fetch(self, number: int) -> Any:
        """The value of an object; None for one that is freed or was never there."""
        if self.places.get(number) is None:
            return None
        reference = generic.Reference(number, self._generations.get(number, 0), self.reader)
        return value_of(self.reader.get_object(reference))

    def resolve(self, value: Any) -> Any:
        """What a value of this document stands for, freed objects being nothing."""
        number = number_of(value)
        if number is not None and self.places.get(number) is None:
            return None
        return value_of(value)

    @property
    def pages(self) -> list[int]:
        """The numbers of all pages in order; 0 for one that is no object by itself.

        `has_all_pages` says afterwards whether everybody comes to these and to no others.
        """
        if self._pages is None:
            self._pages = list(self._walk())
            self.has_all_pages = self.has_all_pages and 0 < len(self._pages) < MOST_PAGES
        return self._pages

    @property
    def widgets(self) -> frozenset[int]:
        """The numbers of where the fields of the form are seen."""
        if self._widgets is None:
            several = (number for one in self.fields for number, _ in one.widgets)
            self._widgets = frozenset(several)
        return self._widgets

    @property
    def fields(self) -> list[Field]:
        """The fields of the form."""
        if self._fields is None:
            self._fields = list(walk_fields(entry(self.root, "/AcroForm"), most=MOST_FIELDS))
        return self._fields

    def nodes(self) -> set[int]:
        """The numbers of what stands above pages in their tree."""
        found: set[int] = set()
        waiting = [self.root.raw_get("/Pages")] if "/Pages" in self.root else []
        while waiting and len(found) < MOST_PAGES:
            reference = waiting.pop()
            number = number_of(reference) or 0
            node = value_of(reference)
            kids = elements(entry(node, "/Kids"))
            if number in found or not kids:
                continue
            found.add(number)
            if entry(node, "/Count") != len(kids) or not _is_page(kids[0]):
                waiting += kids
        return found - {0}

    def _walk(self) -> Iterator[int]:
        """NOTE: of a node with as many kids as pages the first is read alone: they are pages."""
        waiting = [(self.root.raw_get("/Pages"), 0)] if "/Pages" in self.root else []
        seen: set[int] = set()
        count = 0
        while waiting and count < MOST_PAGES:
            reference, depth = waiting.pop()
            number = number_of(reference) or 0
            node = value_of(reference)
            if not isinstance(node, generic.DictionaryObject) or depth > _DEEPEST or number in seen:
                self.has_all_pages = False  # others may come further, or twice to the same
                continue
            if "/Kids" not in node:
                count += 1
                yield number
            else:
                seen |= {number} - {0}
                kids = elements(entry(node, "/Kids"))[:MOST_PAGES]
                if kids and entry(node, "/Count") == len(kids) and _is_page(kids[0]):
                    count += len(kids)
                    yield from (number_of(one) or 0 for one in kids)
                else:
                    waiting += [(one, depth + 1) for one in reversed(kids)]

    def reaching(
        self,
        numbers: Iterable[int],
        *,
        stops: frozenset[int] = frozenset(),
        nodes: frozenset[int] = frozenset(),
    ) -> set[int]:
        """These objects and all that refer to them, whatever the way; not beyond `stops`.

        Takes   nodes: of the page tree, from which the way does not lead to pages below them, which
                all refer to what is above them.
        """
        below = frozenset(self.pages) if nodes else frozenset()
        referring = self._references()
        found = set(numbers) | self._opaque
        waiting = list(found)
        while waiting:
            number = waiting.pop()
            if number in stops:
                continue
            for one in referring.get(number, ()):
                if one not in found and not (number in nodes and one in below):
                    found.add(one)
                    waiting.append(one)
        return found

    def refers_to(self, number: int) -> bool:
        """Whether an object is referred to, be it there or not."""
        return number in self._references()

    def _references(self) -> dict[int, set[int]]:
        """Who refers to each object."""
        if self._referring is None:
            referring: defaultdict[int, set[int]] = defaultdict(set)
            offsets = sorted({place for place in self.places.values() if isinstance(place, int)})
            packed: dict[int, list[int]] = defaultdict(list)
            for number, place in self.places.items():
                if isinstance(place, int):
                    next_one = bisect_right(offsets, place)
                    if next_one < len(offsets):
                        self._note_between(number, place, offsets[next_one], referring)
                    else:
                        self._note(number, self._extent(place, len(self.data))[0], referring)
                elif place is not None:
                    packed[place[0]].append(number)
            for container, numbers in packed.items():
                referring[container].update(numbers)  # what says how it is read says what they are
                self._note_packed(container, numbers, referring)
            self._referring = referring
        return self._referring

    def _note_between(
        self, number: int, start: int, end: int, referring: dict[int, set[int]]
    ) -> None:
        """The same, of an object with another one behind it: other revisions may have both."""
        known = self._noted.get((start, end))
        if known is None:
            octets, is_all_there_is = self._extent(start, end)
            known = _targets(octets)
            if is_all_there_is:
                self._noted[start, end] = known
        self._add(number, known, referring)

    def _note(self, number: int, octets: bytes, referring: dict[int, set[int]]) -> None:
        self._add(number, _targets(octets), referring)

    def _add(self, number: int, noted: _Noted, referring: dict[int, set[int]]) -> None:
        is_opaque, targets = noted
        if is_opaque:
            self._opaque.add(number)
        for target in targets:
            referring[target].add(number)

    def _extent(self, start: int, end: int) -> tuple[bytes, bool]:
        """An object's octets without those of its stream, and without what is dead behind it.

        Returns also whether they were found without looking beyond the place.

        NOTE: keywords may stand in a string, in a comment or where they do not belong: where that
        may be, the object is read token by token; what cannot be read so is taken as a whole.
        """
        opening = _STREAM.search(self.data, start, end)
        stop = end if opening is None else opening.end()
        closing = _CLOSING.search(self.data, start, stop)
        octets = self.data[start : stop if closing is None else closing.end()]
        is_whole = octets.count(b"<<") == octets.count(b">>")
        if is_whole and b"(" not in octets and b"%" not in octets:
            return octets, True
        try:
            stop = dictionary_at(self.data, start)[2]
        except Malformed:
            return self.data[start:end], False
        return self.data[start:stop], stop <= end

    def _note_packed(
        self, container: int, numbers: list[int], referring: dict[int, set[int]]
    ) -> None:
        """Objects in an object stream; together where it cannot be told where each one begins."""
        try:
            stream = self.fetch(container)
            content, first, count = stream.data, int(stream["/First"]), int(stream["/N"])
            header = [int(one) for one in content[:first].split()[: 2 * count]]
            starts = sorted(
                (first + at, number) for number, at in zip(header[::2], header[1::2], strict=True)
            )
        except DAMAGE:
            self._opaque.update(numbers)
            return
        wanted = set(numbers)
        for index, (start, number) in enumerate(starts):
            end = starts[index + 1][0] if index + 1 < len(starts) else len(content)
            if number in wanted:
                wanted.discard(number)
                self._note(number, content[start:end], referring)
        self._opaque.update(wanted)


def _targets(octets: bytes) -> _Noted:
    # a long one is a signature, most of the time
    plain = _DIGITS.sub(b" ", octets) if len(octets) > _LONG else octets
    # a comment may stand within a reference, and some readers take `7.0 0 R` and `7 0R` for one
    is_odd = len(_END_OF_ONE.findall(plain)) > len(_PLAIN_ONE.findall(plain))
    return is_odd or b"%" in octets, frozenset(map(int, _REFERENCE.findall(plain)))


def _is_page(reference: Any) -> bool:
    return "/Kids" not in (value_of(reference) or {})
