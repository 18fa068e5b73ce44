"""The octets of a PDF dictionary, key by key, with the place of each value.

What lives here: `dictionary_at`, and `TokenReader` for any value.  A library says what a dictionary
means, but not where its values stand, and of a key that stands twice it keeps one; both matter
where a signature leaves a hole, and where two readers may see two documents.
Source: ISO 32000-2 §7.2 (lexical conventions), §7.3 (objects).
Not here: what a value means.
"""

from __future__ import annotations

import re
from typing import Final, NamedTuple

_GAP: Final = rb"(?:[\x00\t\n\f\r ]++|%[^\r\n]*+)*+"
_SPACE: Final = re.compile(_GAP)
_HEADER: Final = re.compile(
    rb"(?:[\x00\t\n\f\r ]++|%[^\r\n]*+)*+(\d{1,10})[\x00\t\n\f\r ]+(\d{1,5})[\x00\t\n\f\r ]+obj"
)
_KEY: Final = re.compile(rb"(/[^\x00\t\n\f\r ()<>\[\]{}/%]*+)" + _GAP)
_SINGLE: Final = re.compile(
    rb"(/[^\x00\t\n\f\r ()<>\[\]{}/%]*+"
    rb"|\d+[\x00\t\n\f\r ]+\d+[\x00\t\n\f\r ]+R(?![^\x00\t\n\f\r ()<>\[\]{}/%])"
    rb"|[^\x00\t\n\f\r ()<>\[\]{}/%]++|<(?!<)[^>]*+>|\([^()\\]*+\))" + _GAP
)
"""A value without others in it, and the gap behind it; of strings those that are plain."""
_IN_STRING: Final = re.compile(rb"\\.|[()]", re.DOTALL)
_ESCAPE: Final = re.compile(rb"#([0-9A-Fa-f]{2})")
_DEEPEST: Final = 32
_MOST_VALUES: Final = 20_000


class Placed(NamedTuple):
    """A key, and where its value stands."""

    key: str
    start: int
    end: int


class Malformed(Exception):
    """The octets are no dictionary, or not to its end: `entries` are those before."""

    entries: tuple[Placed, ...] = ()


class TokenReader:
    """Reads values, token by token.

    `has_doublets` is True as soon as a dictionary, at whatever depth, had a key twice.
    """

    def __init__(self, data: bytes, *, most: int = _MOST_VALUES) -> None:
        self.data = data
        self.left = most
        self.has_doublets = False

    def space(self, at: int) -> int:
        """Where the next token begins."""
        hit = _SPACE.match(self.data, at)
        return at if hit is None else hit.end()

    def dictionary(self, at: int, depth: int, found: list[Placed]) -> int:
        """Where one ends that begins here with `<<`; its entries are added to what was found."""
        at = self.space(at + 2)
        while (key := _KEY.match(self.data, at)) is not None:
            start = key.end()
            end, at = self._next(start, depth + 1)
            found.append(Placed(name_of(key[1]), start, end))
        if not self.data.startswith(b">>", at):
            raise Malformed
        # a type that is said twice is what some writers of timestamps do, and nobody goes by it
        keys = [one.key for one in found if one.key != "/Type"]
        self.has_doublets |= len(set(keys)) < len(keys)
        return at + 2

    def value(self, at: int, depth: int = 0) -> int:
        """Where a value ends.

        Raises  Malformed.
        """
        return self._next(at, depth)[0]

    def _next(self, at: int, depth: int) -> tuple[int, int]:
        """Where a value ends, and where the token behind it begins."""
        self.left -= 1
        if depth > _DEEPEST or self.left < 0:
            raise Malformed
        hit = _SINGLE.match(self.data, at)
        if hit is not None:
            return hit.end(1), hit.end()
        if self.data.startswith(b"<<", at):
            end = self.dictionary(at, depth, [])
        elif self.data.startswith(b"[", at):
            end = self.array(at, depth)
        elif self.data.startswith(b"(", at):
            end = self.string(at)
        else:
            raise Malformed
        return end, self.space(end)

    def array(self, at: int, depth: int) -> int:
        """Where one ends that begins here with `[`."""
        at = self.space(at + 1)
        while not self.data.startswith(b"]", at):
            _, at = self._next(at, depth + 1)
        return at + 1

    def string(self, at: int) -> int:
        """Where one ends that begins here with `(`."""
        open_ones = 0
        for hit in _IN_STRING.finditer(self.data, at):
            if hit[0] == b"(":
                open_ones += 1
            elif hit[0] == b")":
                open_ones -= 1
                if open_ones == 0:
                    return hit.end()
        raise Malformed


def dictionary_at(data: bytes, start: int) -> tuple[int, list[Placed], int]:
    """The object that stands at an offset, when it is a dictionary.

    Returns its number, its entries in their order, and where it ends.
    Raises  Malformed.
    """
    header = _HEADER.match(data, start) if 0 <= start < len(data) else None
    if header is None:
        raise Malformed
    reader = TokenReader(data)
    at = reader.space(header.end())
    if not data.startswith(b"<<", at):
        raise Malformed
    found: list[Placed] = []
    try:
        end = reader.dictionary(at, 0, found)
    except Malformed as malformed:
        malformed.entries = tuple(found)
        raise
    return int(header[1]), found, end


def name_of(raw: bytes) -> str:
    """A name with its stroke, escapes resolved (§7.3.5)."""
    plain = _ESCAPE.sub(lambda hit: bytes((int(hit[1], 16),)), raw) if b"#" in raw else raw
    return plain.decode("latin-1")
