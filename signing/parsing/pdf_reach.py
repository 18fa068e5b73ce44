"""Which pages a prepared signature can change the look of.

What lives here: `reached_pages`.  What an increment does not touch, and nothing that it touches is
part of, looks as before, if both revisions are read in the same way; that is what is made sure of
first, by the letter, and where it cannot be told all pages may be others.
Source: ISO 32000-2 §7.5.6 (increments), §7.7.2, §7.7.3 (catalogue, pages); docs/adr/0027.
Not here: looking at the pages (`grey_pages`), changes behind a signature (`pdf_differences`).
"""

from __future__ import annotations

import re
from itertools import chain
from typing import Final

from signing.errors import DocumentRefused
from signing.parsing.pdf_damage import DAMAGE
from signing.parsing.pdf_sections import (
    Odd,
    Section,
    last_section,
    number_in,
    reference_in,
)
from signing.parsing.pdf_signed_form import Both, check_form
from signing.parsing.pdf_snapshot import MOST_PAGES, Snapshot

Octets = bytes | memoryview

_LARGEST: Final = 32 << 20
"""Of a larger document all pages are as likely: the comparison would need it twice in memory."""
_HEAD_BYTES: Final = 2_048
_LAYERS: Final = "/OCProperties"
_SPACE: Final = rb"[\x00\t\n\f\r ]"
_REFERENCES: Final = re.compile(
    rb"\[(?:%b*+\d{1,10}%b++\d++%b++R)++%b*+\]" % (_SPACE, _SPACE, _SPACE, _SPACE)
)
_AS_A_PAGE: Final = re.compile(rb"(?:/(?:P|Pg|Dest|D)|\[)%b*\Z" % _SPACE)
"""What stands before a page that is meant as one: a key, or the beginning of a place in it."""
_WORD_BYTES: Final = 32


def reached_pages(document: Octets, increment: Octets) -> frozenset[int] | None:
    """The pages (from 0) that may look different with the increment; None where it may be any.

    1. The increment goes on where the document ends, and both are read by the letter.
    2. Objects that are new take numbers that nothing can have had: a reader leaves out what is
       beyond the size that the document said, and finds it when the size grows.
    3. The catalogue that is written anew has the same pages, and neither one has layers.
    4. Nothing is drawn from the form: nothing stands on a page that belongs to one, or signatures
       alone do, of which nobody makes a picture, and the form stays but for new fields at its end.
    5. Nothing above the pages was touched.  What refers to a touched or new object, however far
       away, is another one; a page that is neither is the same.  What refers to a page is not a
       part of it, unless it takes the page for something else, such as a list of colours.
    """
    if len(document) > _LARGEST or b"/Linearized" in bytes(document[:_HEAD_BYTES]):
        return None
    try:
        return _reached(bytes(document), bytes(increment))
    except (Odd, DocumentRefused, *DAMAGE):
        return None


def _reached(document: bytes, increment: bytes) -> frozenset[int]:
    # 1
    whole = document + increment
    before, after = last_section(document), last_section(whole)
    places = _places(before, after, start=len(document))
    # 2
    old = Snapshot(document)
    _check_numbers(old, places, before=before.size, after=after.size)
    # 3
    both = Both(old, whole, places, before.size)
    _check_catalogue(both, before.root)
    # 4
    check_form(both, before.root)
    # 5
    _check_parts(old, places.keys() & set(old.pages))
    if places.keys() & old.nodes() or 0 in old.pages or len(old.pages) >= MOST_PAGES:
        raise Odd
    reached = old.reaching(places.keys(), stops=frozenset(old.pages))
    return frozenset(at for at, number in enumerate(old.pages) if number in reached)


def _places(before: Section, after: Section, *, start: int) -> dict[int, int]:
    places = dict(after.places())
    is_next = (
        after.start >= start
        and number_in(after.trailer, "/Prev") == before.start
        and (after.root, after.is_stream) == (before.root, before.is_stream)
        and all(start <= place <= after.start for place in places.values())
    )
    if not is_next:
        raise Odd
    return places


def _check_numbers(old: Snapshot, places: dict[int, int], *, before: int, after: int) -> None:
    new = {number for number in places if number >= before}
    left = set(range(before, after)) - new
    if not new <= set(range(before, after)) or left - {before} or max(old.places) >= before:
        raise Odd
    # the library begins one number later; nobody may have had that one
    if left and re.search(rb"%d[\x00\t\n\f\r ]+\d+[\x00\t\n\f\r ]+obj" % before, old.data):
        raise Odd


def _check_parts(old: Snapshot, pages: set[int]) -> None:
    packed = {place[0] for place in old.places.values() if isinstance(place, tuple)}
    references = [re.compile(rb"%d%b++\d++%b++R" % (one, _SPACE, _SPACE)) for one in pages]
    for octets in (old.data, *(bytes(old.fetch(one).data) for one in packed)):
        others = _REFERENCES.sub(b"[]", octets)
        for hit in chain.from_iterable(one.finditer(others) for one in references):
            before = others[max(0, hit.start() - _WORD_BYTES) : hit.start()]
            more = before[len(before.rstrip(b"0123456789")) :].lstrip(b"0")
            if not more and _AS_A_PAGE.search(before.rstrip(b"0")) is None:
                raise Odd


def _check_catalogue(both: Both, number: int) -> None:
    was, now = both.before(number), both.now(number)
    if reference_in(was, "/Pages") != reference_in(now, "/Pages") or _LAYERS in {*was, *now}:
        raise Odd
