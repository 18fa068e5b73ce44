"""One tree of the log: whether it is the tree of the rows, and the tree that was signed.

What lives here: the walk over the entries of a tree, which makes every tile again, and the
comparison with checkpoints on the way.  A leaf that is not its row is named; so is the smallest
tile that is not what lies below it, and the narrowest range between two checkpoints of which only
the first fits.  Source: RFC 9162 §2.1.1; C2SP tlog-tiles, tlog-checkpoint.
Not here: the chains of rows (`verify_rows.py`).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import groupby
from operator import attrgetter
from typing import Any, Final

from sqlalchemy import Connection, select

from keystore.log.checkpoint import verify_checkpoint
from keystore.log.checkpoint_storage import StoredCheckpoint, read_checkpoints
from keystore.log.entries import Tree, find_tree, make_entry
from keystore.log.errors import NoteMalformed, NoteNotTrusted
from keystore.log.findings import FindingKind, Findings
from keystore.log.merkle import HASH_BYTES, Frontier, hash_leaf
from keystore.log.note_keys import NoteVerifier
from keystore.log.record import log_chain, log_event
from keystore.log.tiles import TILE_BYTES, TILE_WIDTH, root_of_tile
from keystore.log.tree_storage import TreeState, find_tile
from keystore.log.tree_tables import log_entry
from keystore.log.verify_standing import UNREADABLE

_Row = Any
"""position, seq, writer, at_ms, leaf, row_hash, type; what a missing row has is None."""
_OWN: Final = "checkpoint "
_BATCH: Final = 8 * TILE_WIDTH
_MOST_MISSING: Final = 1 << 20
"""A size that somebody wrote is no reason to walk for ever over entries that never were."""
_ENTRIES = (
    select(
        log_entry.c.position,
        log_entry.c.seq,
        log_chain.c.writer,
        log_event.c.at_ms,
        log_event.c.leaf,
        log_event.c.row_hash,
        log_event.c.type,
    )
    .select_from(
        log_entry.outerjoin(log_chain, log_chain.c.chain_id == log_entry.c.chain_id).outerjoin(
            log_event,
            (log_event.c.writer == log_chain.c.writer) & (log_event.c.seq == log_entry.c.seq),
        )
    )
    .order_by(log_entry.c.position)
    .limit(_BATCH)
)


@dataclass(frozen=True, slots=True)
class Anchor:
    """What somebody keeps or signed: the first `size` entries had this root."""

    tree: Tree
    size: int
    root: bytes
    source: str


@dataclass(slots=True)
class TreeCount:
    """What was read; `signed` and `witnessed` are the largest sizes of good checkpoints."""

    size: int = 0
    signed: int = 0
    witnessed: int = 0
    checkpoints: int = 0


def verify_tree(
    connection: Connection,
    tree: Tree,
    *,
    state: TreeState | None,
    log_keys: Sequence[NoteVerifier],
    witness_keys: Sequence[NoteVerifier],
    quorum: int,
    anchors: Sequence[Anchor],
    findings: Findings,
    progress: Callable[[int], None],
) -> TreeCount:
    """Walk one tree.

    1. Places are 0, 1, 2, … up to the size of the tree, each with its row.
    2. The leaf in the tile is that of the row; every tile above is that of the tiles below.
    3. The root is that of the tree.
    4. Each checkpoint is signed, says what is stored beside it, and has the root of the tree at
       its size; so has each anchor.  None is larger than the tree.
    """
    count = TreeCount()
    stored = _read_anchors(
        connection,
        tree,
        log_keys=log_keys,
        witness_keys=witness_keys,
        quorum=quorum,
        findings=findings,
        count=count,
    )
    walk = _Walk(connection, tree, findings=findings, anchors=[*stored, *anchors])
    size = 0 if state is None else state.size
    while True:
        after = log_entry.c.position >= walk.frontier.size
        rows = connection.execute(
            _ENTRIES.where(log_entry.c.tree == tree.value, after, log_entry.c.position < size)
        ).all()
        end = size if len(rows) < _BATCH else rows[-1].position + 1
        if end - walk.frontier.size > _MOST_MISSING:
            findings.add(FindingKind.REMOVED, f"{tree}:{walk.frontier.size}-{end - 1}")
            break
        walk.add(rows, end=end)
        progress(len(rows))
        if len(rows) < _BATCH:
            break
    count.size = walk.frontier.size
    if state is not None:
        if walk.frontier.root != state.root:  # 3
            findings.add(FindingKind.CHANGED, f"{tree}:root")
        walk.finish_tiles()
    walk.finish_anchors()
    return count


class _Walk:
    """Entries in their order, and what is made of them on the way."""

    def __init__(
        self,
        connection: Connection,
        tree: Tree,
        *,
        findings: Findings,
        anchors: Sequence[Anchor],
    ) -> None:
        self.frontier = Frontier()
        self._connection = connection
        self._tree = tree
        self._findings = findings
        self._anchors = sorted(anchors, key=attrgetter("size"), reverse=True)
        self._last_good = 0
        self._is_rewritten = False
        self._rows_of_tiles: list[list[bytes]] = []
        self._check_anchors()

    def add(self, rows: Sequence[_Row], *, end: int) -> None:
        """Take entries up to place `end`, where every place should have one."""
        by_tile = groupby(
            _fill(rows, start=self.frontier.size, end=end), key=lambda one: one[0] // TILE_WIDTH
        )
        for tile, entries in by_tile:
            hashes = find_tile(self._connection, self._tree, level=0, tile=tile) or b""
            for position, row in entries:
                self._take(position, row, hashes)

    def finish_tiles(self) -> None:
        """Compare the tiles that are not full."""
        for level, hashes in enumerate(self._rows_of_tiles):
            if hashes:
                self._check_tile(level, b"".join(hashes))

    def finish_anchors(self) -> None:
        """What is left speaks of more entries than there are."""
        for anchor in reversed(self._anchors):
            where = f"{self._tree}:{self.frontier.size}-{anchor.size - 1}"
            self._findings.add(FindingKind.ROLLED_BACK, where, detail=anchor.source)

    def _take(self, position: int, row: _Row | None, hashes: bytes) -> None:
        start = position % TILE_WIDTH * HASH_BYTES
        leaf = hashes[start : start + HASH_BYTES]
        name = f"{self._tree}:{position}"
        if row is None:  # 1
            self._findings.add(FindingKind.REMOVED, name)
        elif row.row_hash is None:
            self._findings.add(FindingKind.REMOVED, name, detail=f"{row.writer}/{row.seq}")
        else:
            made = _hash_of(row)
            if made != leaf or find_tree(row.type) is not self._tree:  # 2
                self._findings.add(FindingKind.CHANGED, name, detail=f"{row.writer}/{row.seq}")
            leaf = leaf or made or b""
        leaf = leaf if len(leaf) == HASH_BYTES else bytes(HASH_BYTES)
        self.frontier.append(leaf)
        self._put(0, leaf)
        self._check_anchors()

    def _put(self, level: int, node: bytes) -> None:
        if level == len(self._rows_of_tiles):
            self._rows_of_tiles.append([])
        row = self._rows_of_tiles[level]
        row.append(node)
        if len(row) == TILE_WIDTH:
            hashes = b"".join(row)
            self._check_tile(level, hashes)
            row.clear()
            self._put(level + 1, root_of_tile(hashes))

    def _check_tile(self, level: int, hashes: bytes) -> None:
        done = self.frontier.size - (1 if len(hashes) == TILE_BYTES else 0)
        tile = done >> 8 * (level + 1)
        stored = find_tile(self._connection, self._tree, level=level, tile=tile) or b""
        if stored[: len(hashes)] != hashes:
            first, width = tile << 8 * (level + 1), TILE_WIDTH ** (level + 1)
            where = f"{self._tree}:{first}-{min(first + width, self.frontier.size) - 1}"
            self._findings.add(FindingKind.CHANGED, where, detail=f"tile {level}/{tile}")

    def _check_anchors(self) -> None:
        while self._anchors and self._anchors[-1].size == self.frontier.size:  # 4
            anchor = self._anchors.pop()
            if anchor.root == self.frontier.root:
                self._last_good = anchor.size
            elif not self._is_rewritten or not anchor.source.startswith(_OWN):
                # after the first of our own every later one differs as well
                where = f"{self._tree}:{self._last_good}-{anchor.size - 1}"
                self._findings.add(FindingKind.REWRITTEN, where, detail=anchor.source)
                self._is_rewritten = True


def _hash_of(row: _Row) -> bytes | None:
    """The leaf that a row makes; None of one that no process of ours wrote."""
    try:
        return hash_leaf(make_entry(at_ms=row.at_ms, leaf=row.leaf, row_hash=row.row_hash))
    except UNREADABLE:
        return None


def _fill(rows: Sequence[_Row], *, start: int, end: int) -> list[tuple[int, _Row | None]]:
    """Every place from `start` to before `end`, with its entry or None."""
    by_place = {row.position: row for row in rows}
    return [(position, by_place.get(position)) for position in range(start, end)]


def _read_anchors(
    connection: Connection,
    tree: Tree,
    *,
    log_keys: Sequence[NoteVerifier],
    witness_keys: Sequence[NoteVerifier],
    quorum: int,
    findings: Findings,
    count: TreeCount,
) -> list[Anchor]:
    """The checkpoints that are kept, as far as they are good."""
    anchors = []
    for stored in read_checkpoints(connection, tree):
        count.checkpoints += 1
        problem = _problem_of(stored, log_keys=log_keys, witness_keys=witness_keys, quorum=quorum)
        if problem is not None:
            where = f"{tree}:0-{max(stored.size - 1, 0)}"
            findings.add(FindingKind.CHECKPOINT, where, detail=f"{_OWN}{stored.size}: {problem}")
            continue
        count.signed = stored.size
        if stored.witnessed_at is not None:
            count.witnessed = stored.size
        anchors.append(Anchor(tree, stored.size, stored.root, f"{_OWN}{stored.size}"))
    return anchors


def _problem_of(
    stored: StoredCheckpoint,
    *,
    log_keys: Sequence[NoteVerifier],
    witness_keys: Sequence[NoteVerifier],
    quorum: int,
) -> str | None:
    """What is wrong with a stored checkpoint, in one word."""
    try:
        checkpoint = verify_checkpoint(
            stored.whole_note.encode(),
            expected_origin=stored.note.partition("\n")[0],
            log_keys=log_keys,
            witness_keys=witness_keys,
            quorum=quorum if stored.witnessed_at is not None else 0,
        )
    except (NoteMalformed, NoteNotTrusted) as problem:
        return problem.reason
    if (checkpoint.size, checkpoint.root) != (stored.size, stored.root):
        return "differs"
    return None
