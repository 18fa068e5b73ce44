"""Whether what stands on pages for a form looks the same with an increment, for everybody.

What lives here: `check_form`, for documents in which all fields are signatures, as those are that
somebody else has signed before; and `Both`, the two revisions as they stand.  A field of another
kind is drawn by whoever reads it, from its value and from what the form says: then it is `Odd`.
Source: ISO 32000-2 §12.7.3 (form), §12.7.5.5 (signature fields), §12.5.6.19 (widgets).
Not here: which pages were touched (`pdf_reach`).
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final

from signing.parsing.pdf_sections import Odd, plain_entries, reference_in
from signing.parsing.pdf_snapshot import Snapshot

_OBJECT_BYTES: Final = 1 << 16
_REFERENCES: Final = re.compile(rb"\[[\t\n\r ]*((?:\d{1,10}[\t\n\r ]+0[\t\n\r ]+R[\t\n\r ]*)*)\]")
_WORDS: Final = re.compile(rb"[\t\n\r ]+")
_ESCAPE: Final = re.compile(rb"\\(?:([0-3][0-7]{2})|.)", re.DOTALL)
_SPACE: Final = 0x20
_DELETE: Final = 0x7F
_ARRAY: Final = re.compile(rb"\d{1,10} 0 obj[\t\n\r ]*(\[[^\]]*\])[\t\n\r ]*endobj")
_MAY_CHANGE: Final = frozenset({"/Fields", "/SigFlags"})
_NOT_THERE: Final = frozenset({"/NeedAppearances", "/XFA"})
_OF_A_TREE: Final = frozenset({"/Kids", "/Parent"})


def _named(name: str) -> re.Pattern[bytes]:
    """A name however it is written (§7.3.5)."""
    letters = "".join(f"(?:{one}|#{ord(one):02x}|#{ord(one):02X})" for one in name)
    return re.compile(f"/{letters}".encode())


_WIDGET: Final = _named("Widget")
_PACKED: Final = _named("ObjStm")


@dataclass(frozen=True, slots=True)
class Both:
    """A document and what it becomes.

    Takes   whole: with the increment; places: of the objects in it; size: numbers from there on
            are new.
    """

    old: Snapshot
    whole: bytes
    places: Mapping[int, int]
    size: int

    def before(self, number: int) -> Mapping[str, bytes]:
        """An object's entries as they stand in the document.  Raises Odd."""
        return _entries(_octets(self.old, number), number)

    def now(self, number: int) -> Mapping[str, bytes]:
        """With the increment.  Raises Odd."""
        return _entries(self.octets_now(number), number)

    def octets_now(self, number: int) -> bytes:
        """The same from its header on.  Raises Odd."""
        if number not in self.places:
            return _octets(self.old, number)
        at = self.places[number]
        return self.whole[at : at + _OBJECT_BYTES]

    def octets_before(self, number: int) -> bytes:
        """In the document.  Raises Odd."""
        return _octets(self.old, number)


def check_form(both: Both, catalogue: int) -> None:
    """Nothing of a form is drawn in another way than before.

    1. Nothing that stands on a page belongs to a form; or
    2. all that does is a signature, of which nobody makes a picture, and
    3. there was a form, and it is the same but for new signatures at its end.

    Takes   catalogue: its number.
    Raises  Odd.
    """
    # 1
    packed = {place[0] for place in both.old.places.values() if isinstance(place, tuple)}
    if len(_PACKED.findall(both.old.data)) != len(packed):
        raise Odd  # of an older revision, or some that another reader may find
    if any(_WIDGET.search(both.old.fetch(one).data) for one in packed):
        raise Odd
    found = [hit.start() for hit in _WIDGET.finditer(both.old.data)]
    if not found:
        return
    # 2
    _check_signatures(both, found)
    # 3
    number = reference_in(both.before(catalogue), "/AcroForm")
    if reference_in(both.now(catalogue), "/AcroForm") != number:
        raise Odd
    before, after = both.before(number), both.now(number)
    if (before.keys() ^ after.keys()) - _MAY_CHANGE or before.keys() & _NOT_THERE:
        raise Odd
    if any(_plain(before[key]) != _plain(after[key]) for key in before.keys() - _MAY_CHANGE):
        raise Odd
    known = _fields(before, both.octets_before)
    fields = _fields(after, both.octets_now)
    new = fields[len(known) :]
    if fields[: len(known)] != known or any(one < both.size for one in new):
        raise Odd
    for one in new:
        _check_signature(both.now(one))


def _check_signatures(both: Both, found: list[int]) -> None:
    """Each place with the name is in an object of its own, which is a signature's."""
    starts = sorted(
        (place, number) for number, place in both.old.places.items() if isinstance(place, int)
    )
    seen: set[int] = set()
    for at in found:
        index = bisect_right(starts, (at, 0)) - 1
        number = starts[index][1] if index >= 0 else 0
        if number in seen:
            raise Odd
        seen.add(number)
        _check_signature(both.before(number))


def _check_signature(entries: Mapping[str, bytes]) -> None:
    is_signature = (entries.get("/FT"), entries.get("/Subtype")) == (b"/Sig", b"/Widget")
    if not is_signature or entries.keys() & _OF_A_TREE:
        raise Odd


def _fields(form: Mapping[str, bytes], octets: Callable[[int], bytes]) -> list[int]:
    said = form.get("/Fields", b"")
    if not said.startswith(b"["):
        number = reference_in(form, "/Fields")
        array = _ARRAY.match(octets(number))
        if array is None or int(array[0].split()[0]) != number:
            raise Odd
        said = array[1]
    listed = _REFERENCES.fullmatch(said)
    if listed is None:
        raise Odd
    return [int(one) for one in listed[1].split()[::3]]


def _plain(value: bytes) -> bytes:
    """The same for the same value as it stands, and as a library writes it."""
    said = _ESCAPE.sub(_unescaped, value)
    return said if b"(" in said else b" ".join(_WORDS.split(said))


def _unescaped(hit: re.Match[bytes]) -> bytes:
    octet = int(hit[1], 8) if hit[1] else 0
    return bytes((octet,)) if _SPACE < octet < _DELETE and octet not in b"()\\" else hit[0]


def _entries(octets: bytes, number: int) -> Mapping[str, bytes]:
    found, entries, _ = plain_entries(octets)
    if found != number:
        raise Odd
    return entries


def _octets(snapshot: Snapshot, number: int) -> bytes:
    """An object as it stands, from its header on."""
    place = snapshot.places.get(number)
    if isinstance(place, int):
        return snapshot.data[place : place + _OBJECT_BYTES]
    if place is None:
        raise Odd
    stream = snapshot.fetch(place[0])
    content, first, count = stream.data, int(stream["/First"]), int(stream["/N"])
    header = [int(one) for one in content[:first].split()[: 2 * count]]
    if header[::2].count(number) != 1:
        raise Odd
    start = first + header[2 * header[::2].index(number) + 1]
    return b"%d 0 obj " % number + bytes(content[start : start + _OBJECT_BYTES])
