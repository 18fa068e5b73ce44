"""A PDF with what is written behind it, and whether that is what it says to be.

What lives here: the document as it came and the increments behind it, hashed here and handed to
whoever reads documents; the checks of an increment with a hole; and the hole, filled.  The document
itself is never taken from anybody who read it: it is the untouched beginning of what comes out.
Source: ISO 32000-2 §7.5.6, §12.8.1.
**Not here: whether an increment shows what it should**; nothing here reads PDF.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Final

from signing.errors import ParsingFailed
from signing.isolation.blob import Blob
from signing.messages.pdf_layout import before_hole
from signing.messages.pdf_signature import HoleAnswered

_MOST_AROUND: Final = 1 << 20
"""Of an increment, beside what was handed in for it and what the document has."""
_END: Final = b"%%EOF\n"


class Revisions:
    """A document and the increments behind it; hashed from its beginning once.

    Takes   document: stays the caller's, who closes it.
    """

    def __init__(self, document: Blob, *increments: bytes) -> None:
        self._document = document
        self._increments: list[bytes] = []
        self._hashes: dict[str, hashlib._Hash] = {}
        self.size = document.size
        for increment in increments:
            self.append(increment)

    @property
    def increments(self) -> tuple[bytes, ...]:
        """What stands behind the document, in order."""
        return tuple(self._increments)

    def append(self, increment: bytes) -> None:
        """One more increment."""
        self._increments.append(increment)
        self.size += len(increment)
        for known in self._hashes.values():
            known.update(increment)

    def hashed(self, hash_name: str) -> hashlib._Hash:
        """The hash of everything so far, to go on with."""
        if hash_name not in self._hashes:
            started = self._document.hashed(hash_name)
            for increment in self._increments:
                started.update(increment)
            self._hashes[hash_name] = started
        return self._hashes[hash_name].copy()

    @contextmanager
    def blobs(self) -> Iterator[tuple[Blob, ...]]:
        """All of it as inputs, one after the other."""
        if not self._increments:
            yield (self._document,)
            return
        with Blob.of(*self._increments) as behind:
            yield (self._document, behind)

    def digest_around(self, hole: HoleAnswered, *, increment: bytes, hash_name: str) -> bytes:
        """The digest of everything with this increment behind it, but for its hole."""
        hashed = self.hashed(hash_name)
        with memoryview(increment) as view:
            hashed.update(view[: hole.start])
            hashed.update(view[hole.end :])
        return hashed.digest()

    def hold(self, wanted: Sequence[bytes]) -> bool:
        """Whether each of these stands somewhere in it, octet for octet."""
        left = [one for one in wanted if not any(one in known for known in self._increments)]
        longest = max(map(len, left), default=0)
        before = b""
        for chunk in self._document.chunks():
            if not left:
                break
            piece = before + chunk
            left = [one for one in left if one not in piece]
            before = piece[-longest:]
        return not left

    def take(self, written: Blob, *, beside: int) -> bytes:
        """An increment that came back, if it can be one.

        Takes   beside: how much it may be larger for what was handed in.
        Raises  ParsingFailed: too_large, contradiction.
        """
        size = written.size
        # the form's fields or a page's annotations are written anew, however many they are
        if size > min(self.size, 64 * _MOST_AROUND) + _MOST_AROUND + beside:
            raise ParsingFailed("too_large")
        increment = written.read()
        if not increment.endswith(_END):
            raise ParsingFailed("contradiction")
        return increment

    def check_hole(self, hole: HoleAnswered, *, increment: bytes, hole_bytes: int) -> None:
        """Whether the hole is where it is said to be, and /ByteRange is everything but it.

        1. The hole is in the increment, as large as was asked for, and has zeroes in it.
        2. The numbers directly before it are those of this document with this increment.

        Raises  ParsingFailed: contradiction.
        Source  ISO 32000-2 §12.8.1.
        """
        start, end = hole.start, hole.end
        # 1
        if not 0 <= start < end <= len(increment) or end - start != 2 * hole_bytes + 2:
            raise ParsingFailed("contradiction")
        if increment[start:end] != b"<%b>" % (b"0" * (2 * hole_bytes)):
            raise ParsingFailed("contradiction")
        # 2
        expected = before_hole(self.size + start, self.size + end, len(increment) - end)
        if not increment.endswith(expected, 0, start):
            raise ParsingFailed("contradiction")


def fill_hole(increment: bytes, *, start: int, end: int, content: bytes) -> bytes:
    """The increment with DER in its hole, zeroes behind it.

    Raises  ValueError when it does not fit.
    """
    room = end - start - 2
    digits = content.hex().encode("ascii")
    if len(digits) > room:
        raise ValueError("hole_too_small")
    parts = (increment[: start + 1], digits, b"0" * (room - len(digits)), increment[end - 1 :])
    return b"".join(parts)
