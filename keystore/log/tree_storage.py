"""Trees as they are stored: their state, their tiles, and which row is at which place.

What lives here: SQL, returning frozen objects.  Not here: the tables (`tree_tables.py`), what may
be integrated (`sequencer.py`), checkpoints (`checkpoint_storage.py`).
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from sqlalchemy import Connection, bindparam, func, insert, select, text, update

from keystore.clock import from_ms, to_ms
from keystore.log.entries import Tree, make_entry
from keystore.log.merkle import EMPTY_ROOT
from keystore.log.record import log_chain, log_event
from keystore.log.tiles import Growth
from keystore.log.tree_tables import log_entry, log_tile, log_tree
from keystore.storage import Transaction

_ROW_COLUMNS: Final = (log_event.c.at_ms, log_event.c.leaf, log_event.c.row_hash)
_ADD_ENTRY = insert(log_entry)
_ADD_TILE = insert(log_tile)
_GROW_TILE = (
    update(log_tile)
    .where(
        log_tile.c.tree == bindparam("of_tree"),
        log_tile.c.level == bindparam("of_level"),
        log_tile.c.tile == bindparam("of_tile"),
    )
    .values(hashes=bindparam("grown"))
)
_SELECT_TILE = select(log_tile.c.hashes).where(
    log_tile.c.tree == bindparam("tree"),
    log_tile.c.level == bindparam("level"),
    log_tile.c.tile == bindparam("tile"),
)
_WITH_ROWS = log_entry.join(log_chain, log_chain.c.chain_id == log_entry.c.chain_id).join(
    log_event,
    (log_event.c.writer == log_chain.c.writer) & (log_event.c.seq == log_entry.c.seq),
)
_ENTRIES = (
    select(*_ROW_COLUMNS)
    .select_from(_WITH_ROWS)
    .where(
        log_entry.c.tree == bindparam("tree"),
        log_entry.c.position >= bindparam("start"),
        log_entry.c.position < bindparam("end"),
    )
    .order_by(log_entry.c.position)
)
_ROW_AT = (
    select(log_chain.c.writer, log_entry.c.seq)
    .join(log_chain, log_chain.c.chain_id == log_entry.c.chain_id)
    .where(log_entry.c.tree == bindparam("tree"), log_entry.c.position == bindparam("position"))
)


@dataclass(frozen=True, slots=True)
class TreeState:
    """A tree as it is stored.  Takes root: 32 bytes, of the first `size` entries."""

    tree: Tree
    origin: str
    size: int
    root: bytes
    updated_at: datetime


@dataclass(frozen=True, slots=True)
class Place:
    """Where a row is in its tree."""

    tree: Tree
    position: int
    writer: str
    seq: int


def open_tree(tx: Transaction, tree: Tree, *, origin: str, now: datetime) -> TreeState:
    """The tree as it is stored, begun if there was none; it keeps the origin it began with."""
    found = find_tree_state(tx.connection, tree)
    if found is not None:
        return found
    row = {
        "tree": tree.value,
        "origin": origin,
        "size": 0,
        "root": EMPTY_ROOT,
        "updated_ms": to_ms(now),
    }
    tx.connection.execute(insert(log_tree), row)
    return TreeState(tree, origin, 0, EMPTY_ROOT, now)


def find_tree_state(connection: Connection, tree: Tree) -> TreeState | None:
    """How far a tree has grown; None before it was begun."""
    row = connection.execute(select(log_tree).where(log_tree.c.tree == tree.value)).first()
    if row is None:
        return None
    return TreeState(tree, row.origin, row.size, row.root, from_ms(row.updated_ms))


def grow_tree(tx: Transaction, before: TreeState, *, size: int, root: bytes, now: datetime) -> bool:
    """Set size and root if nobody else has in the meantime; whether that was so."""
    changed = tx.connection.execute(
        update(log_tree)
        .where(
            log_tree.c.tree == before.tree.value,
            log_tree.c.size == before.size,
            log_tree.c.root == before.root,
        )
        .values(size=size, root=root, updated_ms=to_ms(now))
    )
    return changed.rowcount == 1


def find_tile(connection: Connection, tree: Tree, *, level: int, tile: int) -> bytes | None:
    """The hashes of a tile, as many as there are."""
    key = {"tree": tree.value, "level": level, "tile": tile}
    found: bytes | None = connection.execute(_SELECT_TILE, key).scalar()
    return found


def store_growth(tx: Transaction, tree: Tree, growth: Growth) -> None:
    """Add tiles, and put more hashes into those that were not full."""
    if growth.new:
        tx.connection.execute(
            _ADD_TILE,
            [
                {"tree": tree.value, "level": one.level, "tile": one.tile, "hashes": one.hashes}
                for one in growth.new
            ],
        )
    for one in growth.grown:
        tx.connection.execute(
            _GROW_TILE,
            {
                "of_tree": tree.value,
                "of_level": one.level,
                "of_tile": one.tile,
                "grown": one.hashes,
            },
        )


def add_entries(tx: Transaction, rows: list[dict[str, Any]]) -> None:
    """Write which row is at which place.  Takes rows: tree, position, chain_id, seq."""
    tx.connection.execute(_ADD_ENTRY, rows)


def read_entries(connection: Connection, tree: Tree, *, start: int, end: int) -> list[bytes]:
    """The entries from `start` to before `end`, made anew from the rows of the log.

    Shorter when a row is missing: whoever serves them compares the number.
    """
    rows = connection.execute(_ENTRIES, {"tree": tree.value, "start": start, "end": end})
    return [make_entry(at_ms=row[0], leaf=row[1], row_hash=row[2]) for row in rows]


def find_place(connection: Connection, *, writer: str, seq: int) -> Place | None:
    """Where a row was integrated; None when it was not yet."""
    row = connection.execute(
        select(log_entry.c.tree, log_entry.c.position)
        .join(log_chain, log_chain.c.chain_id == log_entry.c.chain_id)
        .where(log_chain.c.writer == writer, log_entry.c.seq == seq)
    ).first()
    return None if row is None else Place(Tree(row.tree), row.position, writer, seq)


def find_row_of(connection: Connection, tree: Tree, *, position: int) -> Place | None:
    """Which row is at a place."""
    row = connection.execute(_ROW_AT, {"tree": tree.value, "position": position}).first()
    return None if row is None else Place(tree, position, row.writer, row.seq)


def count_entries(connection: Connection) -> int:
    """How many rows the log has, as an estimate for a progress bar."""
    if connection.dialect.name == "postgresql":
        estimated = text("SELECT reltuples::bigint FROM pg_class WHERE oid = 'log_event'::regclass")
        found = int(connection.execute(estimated).scalar() or 0)
        if found > 0:
            return found
    return int(connection.execute(select(func.count()).select_from(log_event)).scalar() or 0)
