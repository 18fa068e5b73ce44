"""What of a row goes into a tree, and into which.

What lives here: the two trees, and the entry, the bytes that a leaf is the hash of.  An entry says
nothing but the hour: the event is behind a hash with a nonce of 32 bytes, the row behind one that
covers its sealed part.  So everyone may have all entries of the public tree, a person can later
open one of them, and whoever holds the database can show that no row is another.

    1 byte    version, 1
    4 bytes   hours since 1970, big-endian
    32 bytes  `leaf` of the row: SHA-256 over nonce and canonical event
    32 bytes  `row_hash`: SHA-256 over every stored column and the row before

Source: architecture, "State" (the append-only log).  Not here: the trees themselves.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from keystore.log.errors import NoteMalformed

ENTRY_BYTES: Final = 69
HOUR_MS: Final = 3_600_000
_VERSION: Final = b"\x01"
_PUBLIC_AREAS: Final = frozenset({"keys", "pki", "sign", "time"})


class Tree(StrEnum):
    """The two trees."""

    PUBLIC = "public"
    """Keys, certificates, signatures, time: every entry may be fetched by anyone."""
    PRIVATE = "private"
    """Sign-in, consent, access and the rest: only its checkpoints are public."""


@dataclass(frozen=True, slots=True)
class Entry:
    """An entry taken apart.  Takes leaf, row_hash: 32 bytes each."""

    hour: int
    leaf: bytes
    row_hash: bytes

    def to_bytes(self) -> bytes:
        """The 69 bytes of the entry."""
        return _VERSION + self.hour.to_bytes(4, "big") + self.leaf + self.row_hash


def find_tree(event_type: str) -> Tree:
    """The tree of an event, by the area in which it happened."""
    is_public = event_type.partition(":")[0] in _PUBLIC_AREAS
    return Tree.PUBLIC if is_public else Tree.PRIVATE


def make_entry(*, at_ms: int, leaf: bytes, row_hash: bytes) -> bytes:
    """The entry of a row; see the head of this file."""
    return _VERSION + (at_ms // HOUR_MS).to_bytes(4, "big") + leaf + row_hash


def parse_entry(raw_entry: bytes) -> Entry:
    """Take an entry apart.

    Raises  NoteMalformed("entry").
    """
    if len(raw_entry) != ENTRY_BYTES or raw_entry[:1] != _VERSION:
        raise NoteMalformed("entry")
    return Entry(int.from_bytes(raw_entry[1:5], "big"), raw_entry[5:37], raw_entry[37:])
