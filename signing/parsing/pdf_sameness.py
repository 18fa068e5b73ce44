"""Whether two revisions of a PDF have the same in a place.

What lives here: `Sameness`, a comparison in depth that goes only where an object was touched since.
Source: ISO 32000-2 §7.3 (objects).
Not here: what a difference means (`pdf_differences`).
"""

from __future__ import annotations

from typing import Any, Final

from pyhanko.pdf_utils import generic

from signing.parsing.pdf_damage import DAMAGE
from signing.parsing.pdf_lax import Location, number_of
from signing.parsing.pdf_snapshot import Snapshot

_MOST_STEPS: Final = 300_000
_DEEPEST: Final = 200
_UPWARDS: Final = frozenset({"/Parent", "/P"})
_BOOKKEEPING: Final = frozenset({"/XRef", "/ObjStm"})


class TooMuch(Exception):  # a document that goes on for ever
    """The comparison found no end."""


class Sameness:
    """Two revisions of one document.

    Takes   old, new: the second goes on where the first ended.
    `changed` are objects of the old one that say something else in the new one; `added` those that
    the new one has more, some of which were referred to before; `switched` whether the new table
    points into the old octets, to where the old one did not.
    """

    def __init__(self, old: Snapshot, new: Snapshot) -> None:
        self.old, self.new = old, new
        self._left = _MOST_STEPS
        self._known: dict[tuple[int, int], bool] = {}
        self._dirty: frozenset[int] | None = None
        self.leaves: set[int] = set()
        self.touched = {
            number for number, place in old.places.items() if self._is_moved(number, place)
        }
        self.added = {number for number in new.places if number not in old.places}
        # what was referred to and not there is nothing that was added, but something that changed
        awaited = {number for number in self.added if old.refers_to(number)}
        self.changed = {
            number for number in self.touched | awaited if not self._is_rewritten(number)
        }
        end = len(old.data)
        self.switched = {
            number
            for number in self.changed | self.added
            if (place := self._own_place(number)) is not None and place < end
        }

    @property
    def dirty(self) -> frozenset[int]:
        """Objects of the old revision from which something that changed is reached.

        The way there leads through no leaf: `leaves` have to be known before it is asked for.
        """
        if self._dirty is None:
            reached = self.old.reaching(self.changed, stops=frozenset(self.leaves))
            self._dirty = frozenset(reached) if self.changed else frozenset()
        return self._dirty

    def __call__(self, old: Any, new: Any, depth: int = 0) -> bool:
        """Whether two values are the same, in all that they refer to; `leaves` are not entered.

        Raises  TooMuch.
        """
        self._left -= 1
        if self._left < 0 or depth > _DEEPEST:
            raise TooMuch
        before, after = number_of(old), number_of(new)
        if before is None or after is None:
            return self._have_same(self.old.resolve(old), self.new.resolve(new), depth)
        if old.generation != new.generation:
            return self._have_same(self.old.resolve(old), self.new.resolve(new), depth)
        if before == after and (before in self.leaves or before not in self.dirty):
            return True
        if before != after and (before in self.leaves or after in self.leaves):
            return False
        if (before, after) not in self._known:
            self._known[before, after] = True  # in a circle it is decided elsewhere
            same = self._have_same(self.old.resolve(old), self.new.resolve(new), depth)
            self._known[before, after] = same
        return self._known[before, after]

    def _have_same(self, old: Any, new: Any, depth: int) -> bool:
        if isinstance(old, generic.ArrayObject):
            if not isinstance(new, generic.ArrayObject) or len(old) != len(new):
                return False
            pairs = ((old.raw_get(at), new.raw_get(at)) for at in range(len(old)))
            return all(self(one, other, depth + 1) for one, other in pairs)
        if not isinstance(old, generic.DictionaryObject):
            return _are_alike(old, new)
        if not isinstance(new, generic.DictionaryObject) or old.keys() != new.keys():
            return False
        if not _have_same_stream(old, new):
            return False
        for key in old:
            one, other = old.raw_get(key), new.raw_get(key)
            if key in _UPWARDS and number_of(one) and number_of(one) == number_of(other):
                continue
            if not self(one, other, depth + 1):
                return False
        return True

    def _is_moved(self, number: int, place: Location) -> bool:
        now = self.new.places.get(number)
        return now != place or (
            isinstance(place, tuple)
            and self.new.places.get(place[0]) != self.old.places.get(place[0])
        )

    def _is_rewritten(self, number: int) -> bool:
        """Whether it was only written again, or is of the file's own housekeeping."""
        try:
            old, new = self.old.fetch(number), self.new.fetch(number)
            if old is None and new is None:
                return True
            if isinstance(old, generic.StreamObject) and old.get("/Type") in _BOOKKEEPING:
                return new is None or (
                    isinstance(new, generic.StreamObject) and new.get("/Type") in _BOOKKEEPING
                )
            return _are_alike(old, new)
        except DAMAGE:
            return False

    def _own_place(self, number: int) -> int | None:
        """The offset of an object, or of the stream that has it."""
        place = self.new.places.get(number)
        if isinstance(place, tuple):
            place = self.new.places.get(place[0])
        return place if isinstance(place, int) else None


def _are_alike(old: Any, new: Any) -> bool:
    """Whether two values are the same as they stand; references when they name the same."""
    if isinstance(old, generic.IndirectObject):
        return isinstance(new, generic.IndirectObject) and bool(old.reference == new.reference)
    if isinstance(old, generic.ArrayObject):
        return (
            isinstance(new, generic.ArrayObject)
            and len(old) == len(new)
            and all(_are_alike(old.raw_get(at), new.raw_get(at)) for at in range(len(old)))
        )
    if isinstance(old, generic.DictionaryObject):
        return (
            isinstance(new, generic.DictionaryObject)
            and old.keys() == new.keys()
            and _have_same_stream(old, new)
            and all(_are_alike(old.raw_get(key), new.raw_get(key)) for key in old)
        )
    strings = (generic.TextStringObject, generic.ByteStringObject)
    if isinstance(old, strings):
        return isinstance(new, strings) and bool(old.original_bytes == new.original_bytes)
    if isinstance(old, generic.NullObject) or old is None:
        return new is None or isinstance(new, generic.NullObject)
    return isinstance(old, generic.NameObject) == isinstance(new, generic.NameObject) and bool(
        old == new
    )


def _have_same_stream(old: generic.DictionaryObject, new: generic.DictionaryObject) -> bool:
    if isinstance(old, generic.StreamObject) != isinstance(new, generic.StreamObject):
        return False
    return not isinstance(old, generic.StreamObject) or old.encoded_data == new.encoded_data
