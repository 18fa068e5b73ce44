"""Checkpoints as they are stored, and what each witness last said.

What lives here: SQL, returning frozen objects.  Source: C2SP tlog-checkpoint.
Not here: the tables (`tree_tables.py`), signing and asking for cosignatures.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, delete, insert, select, update

from keystore.clock import from_ms, to_ms
from keystore.log.entries import Tree
from keystore.log.tree_storage import TreeState
from keystore.log.tree_tables import log_checkpoint, log_witness
from keystore.storage import Transaction


@dataclass(frozen=True, slots=True)
class StoredCheckpoint:
    """What was signed about a tree; `note` is without what witnesses added."""

    tree: Tree
    size: int
    root: bytes
    made_at: datetime
    note: str
    cosignatures: str
    witnessed_at: datetime | None

    @property
    def whole_note(self) -> str:
        """The note with the signatures of the log and of witnesses."""
        return self.note + self.cosignatures


@dataclass(frozen=True, slots=True)
class WitnessState:
    """What a witness last said: `state` is cosigned, conflict, refused or unreachable.

    `size` is what it has cosigned, or in a conflict what it says it has seen; `status` is its
    answer in HTTP, 0 when there was none.
    """

    tree: Tree
    witness: str
    size: int
    state: str
    status: int
    at: datetime


def add_checkpoint(tx: Transaction, state: TreeState, *, note: str, now: datetime) -> None:
    """Keep what is about to be published; a size is signed anew at most to be cosigned anew."""
    where = (log_checkpoint.c.tree == state.tree.value, log_checkpoint.c.size == state.size)
    values = {"root": state.root, "made_ms": to_ms(now), "note": note}
    changed = tx.connection.execute(update(log_checkpoint).where(*where).values(**values))
    if changed.rowcount == 0:
        key = {"tree": state.tree.value, "size": state.size, "cosignatures": ""}
        tx.connection.execute(insert(log_checkpoint), {**key, **values})


def add_cosignatures(
    tx: Transaction,
    checkpoint: StoredCheckpoint,
    *,
    cosignatures: str,
    is_enough: bool,
    now: datetime,
) -> None:
    """Put what witnesses signed beside a checkpoint; from then on it counts, if they are enough."""
    tx.connection.execute(
        update(log_checkpoint)
        .where(
            log_checkpoint.c.tree == checkpoint.tree.value,
            log_checkpoint.c.size == checkpoint.size,
            log_checkpoint.c.note == checkpoint.note,
        )
        .values(
            cosignatures=cosignatures,
            witnessed_ms=to_ms(now) if is_enough else log_checkpoint.c.witnessed_ms,
        )
    )


def find_checkpoint(
    connection: Connection, tree: Tree, *, is_witnessed: bool = False, size: int | None = None
) -> StoredCheckpoint | None:
    """The largest checkpoint of a tree: any, one that witnesses cosigned, or one of this size."""
    wanted = select(log_checkpoint).where(log_checkpoint.c.tree == tree.value)
    if is_witnessed:
        wanted = wanted.where(log_checkpoint.c.witnessed_ms.is_not(None))
    if size is not None:
        wanted = wanted.where(log_checkpoint.c.size == size)
    row = connection.execute(wanted.order_by(log_checkpoint.c.size.desc()).limit(1)).first()
    return None if row is None else _checkpoint(row)


def read_checkpoints(
    connection: Connection, tree: Tree, *, batch: int = 500
) -> Iterator[StoredCheckpoint]:
    """Every checkpoint that is kept, the smallest first."""
    after = -1
    while True:
        rows = connection.execute(
            select(log_checkpoint)
            .where(log_checkpoint.c.tree == tree.value, log_checkpoint.c.size > after)
            .order_by(log_checkpoint.c.size)
            .limit(batch)
        ).all()
        for row in rows:
            after = row.size
            yield _checkpoint(row)
        if len(rows) < batch:
            return


def thin_checkpoints(tx: Transaction, *, before: datetime, hour_ms: int, limit: int) -> int:
    """Of checkpoints made before an instant, keep the last of each hour; returns how many went.

    The last one of all is kept whatever its age, and so is every one that stands alone in its hour.
    """
    later = log_checkpoint.alias("later")
    superseded = (
        select(log_checkpoint.c.tree, log_checkpoint.c.size)
        .where(
            log_checkpoint.c.made_ms < to_ms(before),
            select(later.c.size)
            .where(
                later.c.tree == log_checkpoint.c.tree,
                later.c.size > log_checkpoint.c.size,
                later.c.made_ms < to_ms(before),
                later.c.made_ms >= log_checkpoint.c.made_ms - log_checkpoint.c.made_ms % hour_ms,
                later.c.made_ms
                < log_checkpoint.c.made_ms - log_checkpoint.c.made_ms % hour_ms + hour_ms,
                # what nobody cosigned does not stand for what was cosigned
                later.c.witnessed_ms.is_not(None) | log_checkpoint.c.witnessed_ms.is_(None),
            )
            .exists(),
        )
        .limit(limit)
    )
    rows = tx.connection.execute(superseded).all()
    for tree, size in rows:
        tx.connection.execute(
            delete(log_checkpoint).where(
                log_checkpoint.c.tree == tree, log_checkpoint.c.size == size
            )
        )
    return len(rows)


def store_witness_state(tx: Transaction, state: WitnessState) -> None:
    """Remember what a witness said last."""
    where = (log_witness.c.tree == state.tree.value, log_witness.c.witness == state.witness)
    values = {
        "size": state.size,
        "state": state.state,
        "status": state.status,
        "at_ms": to_ms(state.at),
    }
    changed = tx.connection.execute(update(log_witness).where(*where).values(**values))
    if changed.rowcount == 0:
        key = {"tree": state.tree.value, "witness": state.witness}
        tx.connection.execute(insert(log_witness), {**key, **values})


def read_witness_states(connection: Connection, tree: Tree) -> tuple[WitnessState, ...]:
    """What every witness of a tree last said, by name."""
    rows = connection.execute(
        select(log_witness).where(log_witness.c.tree == tree.value).order_by(log_witness.c.witness)
    )
    return tuple(
        WitnessState(tree, row.witness, row.size, row.state, row.status, from_ms(row.at_ms))
        for row in rows
    )


def _checkpoint(row: Row[Any]) -> StoredCheckpoint:
    return StoredCheckpoint(
        Tree(row.tree),
        row.size,
        row.root,
        from_ms(row.made_ms),
        row.note,
        row.cosignatures,
        None if row.witnessed_ms is None else from_ms(row.witnessed_ms),
    )
