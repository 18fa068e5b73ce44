"""Proofs out of the stored trees, for whoever does not want to believe us.

What lives here: which checkpoint counts now, inclusion and consistency against it, and who may have
a proof of a private entry.  A checkpoint counts once so many witnesses as asked for have cosigned
it; an entry behind it is pending.  Proofs of consistency say nothing but hashes and are for all.
Source: RFC 9162 §2.1.3, §2.1.4; architecture, "State".  Not here: their text (`proof_text.py`).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Protocol

from sqlalchemy import Connection

from keystore.log.checkpoint_storage import StoredCheckpoint, find_checkpoint
from keystore.log.entries import Tree
from keystore.log.errors import EntryPending, EntryUnknown, ProofForbidden, TreeDamaged
from keystore.log.merkle import find_root, prove_consistency, prove_inclusion
from keystore.log.tiles import Edge, TileCache, TileNodes
from keystore.log.tree_storage import (
    Place,
    find_place,
    find_row_of,
    find_tile,
    read_entries,
)
from keystore.storage import DatabaseLike

_MOST_DIGITS: Final = 19


class MayProve(Protocol):
    """Decides who sees a proof of a private entry: the person concerned, and auditors."""

    def may_prove(self, connection: Connection, place: Place) -> bool:
        """Whether whoever asks may have the proof of this entry."""


class Everyone:
    """For the operator at the command line, who can read the rows themselves."""

    def may_prove(self, connection: Connection, place: Place) -> bool:  # noqa: ARG002 - the Protocol's
        """Yes."""
        return True


class PublicOnly:
    """For whoever is not known."""

    def may_prove(self, connection: Connection, place: Place) -> bool:  # noqa: ARG002 - the Protocol's
        """For entries of the public tree."""
        return place.tree is Tree.PUBLIC


@dataclass(frozen=True, slots=True)
class InclusionProof:
    """That `entry` is at `position` of the tree that `checkpoint` speaks of.

    Takes   hashes: the audit path, from the sibling of the leaf on.
    """

    tree: Tree
    position: int
    entry: bytes
    hashes: tuple[bytes, ...]
    checkpoint: StoredCheckpoint


class Proofs:
    """Makes proofs; share one between all threads of a process.

    Takes   quorum: how many witnesses a checkpoint needs to count; 0 where there are none, then
            what the log signed is all there is.
    """

    def __init__(self, database: DatabaseLike, *, quorum: int) -> None:
        self._database = database
        self._quorum = quorum
        self._caches = {tree: TileCache() for tree in Tree}
        self._edges: dict[Tree, tuple[bytes, Edge]] = {}

    def checkpoint(self, tree: Tree) -> StoredCheckpoint | None:
        """The newest checkpoint that counts; None before the first."""
        with self._database.read() as connection:
            return self._counts(connection, tree)

    def include(self, tree: Tree, position: int, *, asking: MayProve) -> InclusionProof:
        """Prove an entry against the newest checkpoint that counts.

        Raises  EntryUnknown; EntryPending; ProofForbidden; TreeDamaged when what is stored does
                not lead to what was signed.
        """
        with self._database.read() as connection:
            place = find_row_of(connection, tree, position=position)
            if place is None:
                raise EntryUnknown(f"{tree}:{position}")
            return self._include(connection, place, asking=asking)

    def include_row(self, writer: str, *, seq: int, asking: MayProve) -> InclusionProof:
        """The same for a row, by its chain and number.

        Raises  EntryUnknown, also for a row that was not integrated yet; as `include`.
        """
        with self._database.read() as connection:
            place = find_place(connection, writer=writer, seq=seq)
            if place is None:
                raise EntryUnknown(f"{writer}/{seq}")
            return self._include(connection, place, asking=asking)

    def consistent(self, tree: Tree, *, old: int, new: int) -> tuple[bytes, ...]:
        """That the tree of `new` entries begins with that of `old` entries.

        Raises  EntryUnknown when the newest checkpoint that counts is smaller than `new`.
        """
        with self._database.read() as connection:
            checkpoint = self._counts(connection, tree)
            if checkpoint is None or not 0 <= old <= new <= checkpoint.size:
                raise EntryUnknown(f"{tree} {old} to {new}")
            return prove_consistency(old, new=new, nodes=self._nodes(connection, checkpoint))

    def tile(self, *, level: int, tile: int, width: int) -> bytes | None:
        """The hashes of a tile of the public tree; None when no checkpoint that counts needs it."""
        with self._database.read() as connection:
            checkpoint = self._counts(connection, Tree.PUBLIC)
            # a tile that reaches behind what is signed is not shown
            if checkpoint is None or (tile * 256 + width) << 8 * level > checkpoint.size:
                return None
            hashes = find_tile(connection, Tree.PUBLIC, level=level, tile=tile)
        wanted = width * 32
        return None if hashes is None or len(hashes) < wanted else hashes[:wanted]

    def entries(self, *, tile: int, width: int) -> Sequence[bytes] | None:
        """The entries below a tile of level 0 of the public tree; None as for `tile`."""
        start = tile * 256
        with self._database.read() as connection:
            checkpoint = self._counts(connection, Tree.PUBLIC)
            if checkpoint is None or start + width > checkpoint.size:
                return None
            found = read_entries(connection, Tree.PUBLIC, start=start, end=start + width)
        if len(found) != width:
            raise TreeDamaged(f"entries {start}")
        return found

    def _counts(self, connection: Connection, tree: Tree) -> StoredCheckpoint | None:
        return find_checkpoint(connection, tree, is_witnessed=self._quorum > 0)

    def _include(self, connection: Connection, place: Place, *, asking: MayProve) -> InclusionProof:
        if not asking.may_prove(connection, place):
            raise ProofForbidden
        tree, position = place.tree, place.position
        checkpoint = self._counts(connection, tree)
        if checkpoint is None or position >= checkpoint.size:
            raise EntryPending
        entries = read_entries(connection, tree, start=position, end=position + 1)
        nodes = self._nodes(connection, checkpoint)
        hashes = prove_inclusion(position, size=checkpoint.size, nodes=nodes)
        if len(entries) != 1 or find_root(checkpoint.size, nodes=nodes) != checkpoint.root:
            self._edges.pop(tree, None)  # it may be put right
            raise TreeDamaged(f"{tree}:{position}")
        return InclusionProof(tree, position, entries[0], hashes, checkpoint)

    def _nodes(self, connection: Connection, checkpoint: StoredCheckpoint) -> TileNodes:
        tree = checkpoint.tree
        root, edge = self._edges.get(tree, (b"", {}))
        if root != checkpoint.root:
            edge = {}
            self._edges[tree] = (checkpoint.root, edge)
        return TileNodes(
            lambda level, tile: find_tile(connection, tree, level=level, tile=tile),
            cache=self._caches[tree],
            edge=edge,
        )


def parse_entry_name(name: str) -> tuple[Tree, int] | tuple[str, int]:
    """What somebody calls an entry: `public:12` (tree and place) or `web-1.0f…/7` (row of a chain).

    Raises  EntryUnknown.
    """
    tree, colon, position = name.partition(":")
    writer, slash, seq = name.rpartition("/")
    if colon and tree in set(Tree) and _is_number(position):
        return Tree(tree), int(position)
    if slash and writer and _is_number(seq):
        return writer, int(seq)
    raise EntryUnknown(name)


def _is_number(text: str) -> bool:
    return text.isascii() and text.isdecimal() and len(text) < _MOST_DIGITS
