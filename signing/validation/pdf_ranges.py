"""Which octets of a PDF a signature says that it stands for, and whether that can be.

What lives here: the rules of /ByteRange, checked on the octets by us alone, and the signature cut
out of its hole.
Source: ISO 32000-2 §12.8.1; ETSI EN 319 142-1 §5.5; Mladenov et al., "1 Trillion Dollar Refund"
(2019: signature wrapping, universal forgery), whose names the reasons bear.
Not here: digests, who signed, what a later revision changed.
"""

from __future__ import annotations

import binascii
import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Final

from signing.isolation.blob import Blob
from signing.messages.pdf_validation import SignatureRead
from signing.validation.content import new_hash
from signing.validation.verdict import Reason, because

MOST_SIGNATURE_BYTES: Final = 16 << 20
_CHUNK: Final = 1 << 20
_SPACE: Final = b" \t\r\n\f\0"
_TAIL: Final = 64
_DEEPEST: Final = 64


@dataclass(frozen=True, slots=True)
class Ranges:
    """What a signature is over: everything but its hole, up to `end`; and what stands in the hole.

    Takes   octets: of the hole, decoded, without what fills it up; empty where it could not be cut;
            is_placed: the hole is where the value stands;
            malformed: why it cannot be what it says; doubts: what is odd and no more.
    """

    hole_start: int = 0
    hole_end: int = 0
    end: int = 0
    octets: bytes = field(default=b"", repr=False)
    is_placed: bool = False
    malformed: tuple[Reason, ...] = ()
    doubts: tuple[Reason, ...] = ()

    @property
    def is_usable(self) -> bool:
        """Whether there is something to hash."""
        return 0 < self.hole_start < self.hole_end <= self.end

    def chunks(self, document: Blob) -> Iterator[bytes]:
        """The octets that it is over."""
        for start, end in ((0, self.hole_start), (self.hole_end, self.end)):
            at = start
            while at < end and (piece := os.pread(document.fd, min(_CHUNK, end - at), at)):
                at += len(piece)
                yield piece

    def digest(self, document: Blob, hash_name: str) -> bytes | None:
        """The digest of these; None for a hash that is not known."""
        hashed = new_hash(hash_name)
        if hashed is None or not self.is_usable:
            return None
        for piece in self.chunks(document):
            hashed.update(piece)
        return hashed.digest()


class SignedOctets:
    """What a signature is over, as `Content`; the document stays open as long as this is used."""

    def __init__(self, document: Blob, ranges: Ranges) -> None:
        self._document, self._ranges = document, ranges
        self._digests: dict[str, bytes | None] = {}

    def digest(self, hash_name: str) -> bytes | None:
        """See `Content`; computed once for each hash."""
        if hash_name not in self._digests:
            self._digests[hash_name] = self._ranges.digest(self._document, hash_name)
        return self._digests[hash_name]

    def chunks(self) -> Iterator[bytes] | None:
        """See `Content`."""
        return self._ranges.chunks(self._document) if self._ranges.is_usable else None


def check_ranges(view: memoryview, read: SignatureRead) -> Ranges:
    """What a signature is over, as far as that is true.

    1. There is a value, and four numbers say what it is over.
    2. They begin at the first octet and stay within the file.
    3. The hole is the value, exactly: from its `<` to behind its `>`.
    4. The second part goes to the end of a revision.
    5. The hole holds hexadecimal digits.

    Takes   read: what somebody read, who is not believed.
    """
    # 1
    if len(read.byte_range) != 4:
        why = "byte_range_missing" if not read.byte_range else "byte_range_not_four_numbers"
        return _unusable(view, read, because("universal_signature_forgery", why=why))
    first, start, hole_end, rest = read.byte_range
    end = hole_end + rest
    malformed: list[Reason] = []
    doubts: list[Reason] = []
    # 2
    if min(read.byte_range) < 0 or not 0 < start < hole_end:
        return _unusable(view, read, because("byte_range_overlap", why="parts_overlap"))
    if end > len(view):
        return _unusable(view, read, because("byte_range_invalid", why="beyond_the_end"))
    if first != 0:
        malformed.append(because("byte_range_invalid", why="does_not_begin_at_the_first_octet"))
    # 3
    is_placed = (start, hole_end) == read.contents
    if not is_placed:
        malformed.append(_misplaced(read, end=end))
    # 4
    elif not _ends_revision(view, end):
        doubts.append(because("byte_range_ends_within_a_revision"))
    if read.has_doublets:
        malformed.append(because("signature_dictionary_ambiguous"))
    # 5
    octets = _cut(view, start, hole_end) or _cut(view, *read.contents)
    if not octets.strip(b"\0"):
        malformed.append(because("universal_signature_forgery", why="value_empty"))
    value, filled = _split(octets)
    if filled.strip(b"\0"):
        doubts.append(because("octets_behind_the_signature"))
    return Ranges(start, hole_end, end, value, is_placed, tuple(malformed), tuple(doubts))


def _unusable(view: memoryview, read: SignatureRead, why: Reason) -> Ranges:
    """Nobody can tell what such a one is over; who made it can be read all the same."""
    value, _ = _split(_cut(view, *read.contents))
    return Ranges(octets=value, malformed=(why,))


def check_overlaps(all_ranges: Sequence[Ranges]) -> dict[int, Reason]:
    """By number, those whose hole another one shares, or whose octets end inside of a hole.

    One that is not where its value stands is wrong by itself, and says nothing about others.

    Each hole is wholly within what a later signature is over, or wholly behind it.
    """
    found: dict[int, Reason] = {}
    usable = sorted((one.hole_start, at) for at, one in enumerate(all_ranges) if one.is_placed)
    for position, (start, at) in enumerate(usable):
        mine = all_ranges[at]
        for begins, other in usable[position + 1 :]:
            if begins >= mine.hole_end:
                break
            found[at] = found[other] = because("byte_range_overlap", why="hole_shared")
        for number, one in enumerate(all_ranges):
            if number != at and one.is_usable and start < one.end < mine.hole_end:
                found[number] = because("byte_range_overlap", why="ends_inside_of_a_signature")
    return found


def _misplaced(read: SignatureRead, *, end: int) -> Reason:
    """Why the hole is not the value."""
    if read.contents == (0, 0):
        return because("universal_signature_forgery", why="value_missing")
    if read.contents[0] >= end:
        return because("signature_dictionary_replaced")
    return because("signature_wrapping", why="hole_is_not_the_value")


def _ends_revision(view: memoryview, end: int) -> bool:
    tail = bytes(view[max(0, end - _TAIL) : end]).rstrip(_SPACE)
    return tail.endswith(b"%%EOF")


def _cut(view: memoryview, start: int, end: int) -> bytes:
    """What the digits between the brackets stand for; empty for anything else."""
    if not 0 <= start < end <= len(view) or end - start > 2 * MOST_SIGNATURE_BYTES:
        return b""
    content = bytes(view[start:end])
    if not (content.startswith(b"<") and content.endswith(b">")):
        return b""
    digits = content[1:-1].translate(None, _SPACE)
    try:
        return binascii.unhexlify(digits + b"0" if len(digits) % 2 else digits)
    except binascii.Error:
        return b""


def _split(octets: bytes) -> tuple[bytes, bytes]:
    """The first element of BER and what follows it; everything, where there is no element."""
    end = _element_end(octets, 0, _DEEPEST)
    return (octets, b"") if end is None else (octets[:end], octets[end:])


def _element_end(octets: bytes, at: int, deepest: int) -> int | None:
    """Where an element ends, also one that says no length (X.690 §8.1.3.6)."""
    if at + 2 > len(octets) or deepest < 0:
        return None
    length = octets[at + 1]
    if length < 0x80:
        end = at + 2 + length
    elif length > 0x80:
        size = length & 0x7F
        end = at + 2 + size + int.from_bytes(octets[at + 2 : at + 2 + size], "big")
    else:
        inner: int | None = at + 2
        while inner is not None and octets[inner : inner + 2] != b"\0\0":
            inner = _element_end(octets, inner, deepest - 1)
        if inner is None:
            return None
        end = inner + 2
    return end if end <= len(octets) else None
