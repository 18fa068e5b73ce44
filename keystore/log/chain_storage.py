"""Chains as the sequencer sees them: which have rows that no tree has, and those rows.

What lives here: SQL over `log_chain` and `log_event`, returning frozen objects.  Only `log_chain`
is written.  Not here: writing rows (`keystore/log/record.py`), what becomes of them
(`keystore/log/sequencer.py`).
"""

from __future__ import annotations

import hmac
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from operator import itemgetter
from typing import Any, Final

from sqlalchemy import Connection, bindparam, func, insert, select, text, update

from keystore.clock import to_ms
from keystore.log.record import CHAIN_LIFETIME, GENESIS, HASHED, log_chain, log_event, row_hash_of
from keystore.log.row_marks import RowMarks
from keystore.storage import Transaction

LOG_LOCK: Final = "log_sequencer"
"""Who integrates, accepts or begins anew is alone."""
_WRITER, _SEQ, _PREV, _LEAF, _AT_MS, _TYPE = (
    HASHED.index(name) for name in ("writer", "seq", "prev_hash", "leaf", "at_ms", "type")
)
_HEAD = (
    select(func.max(log_event.c.seq))
    .where(log_event.c.writer == log_chain.c.writer)
    .scalar_subquery()
)
_OPEN = select(
    log_chain.c.chain_id,
    log_chain.c.writer,
    log_chain.c.integrated,
    log_chain.c.last_hash,
    log_chain.c.begun_ms,
    _HEAD,
).where(log_chain.c.closed_ms.is_(None), log_chain.c.stuck_ms.is_(None))
_ROWS = (
    select(*(log_event.c[name] for name in HASHED), log_event.c.row_hash, log_event.c.mark)
    .where(log_event.c.writer == bindparam("writer"), log_event.c.seq > bindparam("after"))
    .order_by(log_event.c.seq)
    .limit(bindparam("limit"))
)
_ADVANCE = (
    update(log_chain)
    .where(
        log_chain.c.chain_id == bindparam("of_chain"),
        log_chain.c.integrated == bindparam("before"),
    )
    .values(integrated=bindparam("after"), last_hash=bindparam("hash"))
)
# every chain with a row behind what is integrated, one look into the index per chain
_LEFT_BEHIND = text(
    "WITH RECURSIVE found(writer) AS ("
    " SELECT min(writer) FROM log_event UNION ALL"
    " SELECT (SELECT min(writer) FROM log_event WHERE writer > found.writer)"
    " FROM found WHERE found.writer IS NOT NULL"
    ") SELECT found.writer, log_chain.chain_id FROM found"
    " LEFT JOIN log_chain ON log_chain.writer = found.writer"
    " WHERE found.writer IS NOT NULL AND (log_chain.chain_id IS NULL"
    " OR log_chain.stuck_ms IS NOT NULL OR log_chain.closed_ms IS NOT NULL AND EXISTS ("
    " SELECT 1 FROM log_event WHERE log_event.writer = found.writer"
    " AND log_event.seq > log_chain.integrated))"
)
_OLDER: Final = 5_000
_MARK = (
    update(log_event)
    .where(log_event.c.writer == bindparam("of_writer"), log_event.c.seq == bindparam("of_seq"))
    .values(mark=bindparam("made"))
)
_IDLE: Final = 2 * CHAIN_LIFETIME


@dataclass(frozen=True, slots=True)
class OpenChain:
    """A chain that may get rows.  `head` is its last row, `integrated` the last one in a tree."""

    chain_id: int
    writer: str
    integrated: int
    last_hash: bytes
    begun_ms: int
    head: int


@dataclass(frozen=True, slots=True)
class ChainRow:
    """A row that fits its chain."""

    seq: int
    at_ms: int
    type: str
    leaf: bytes
    row_hash: bytes


@dataclass(frozen=True, slots=True)
class NewRows:
    """Rows of one chain, each checked against the one before; `broken` is the first that fails."""

    chain: OpenChain
    rows: tuple[ChainRow, ...]
    broken: int | None


def read_open_chains(connection: Connection) -> tuple[OpenChain, ...]:
    """Chains that are neither closed nor stuck."""
    return tuple(
        OpenChain(row[0], row[1], row[2], row[3], row[4], row[5] or 0)
        for row in connection.execute(_OPEN)
    )


def read_new_rows(
    connection: Connection, chain: OpenChain, *, limit: int, marks: RowMarks | None = None
) -> NewRows:
    """What follows the integrated rows of a chain, as far as it fits together.

    1. Numbers follow one another.
    2. Each row stands on the hash of the row before it.
    3. Each row's hash is that of what is stored.
    4. Each row's mark is one of ours.
    """
    asked = {"writer": chain.writer, "after": chain.integrated, "limit": limit}
    fitting: list[ChainRow] = []
    seq, last_hash = chain.integrated, chain.last_hash
    for row in connection.execute(_ROWS, asked):
        seq += 1
        values, row_hash, mark = row[:-2], row[-2], row[-1]
        if (
            values[_SEQ] != seq  # 1
            or not hmac.compare_digest(values[_PREV], last_hash)  # 2
            or not hmac.compare_digest(row_hash_of(values), row_hash)  # 3
            or (marks is not None and not marks.is_ours(row_hash, mark=mark))  # 4
        ):
            return NewRows(chain, tuple(fitting), broken=seq)
        fitting.append(ChainRow(seq, values[_AT_MS], values[_TYPE], values[_LEAF], row_hash))
        last_hash = row_hash
    if seq < chain.head and len(fitting) < limit:
        return NewRows(chain, tuple(fitting), broken=seq + 1)
    return NewRows(chain, tuple(fitting), broken=None)


def advance_chain(tx: Transaction, found: NewRows) -> bool:
    """Note that rows are in their trees; whether nobody else did so in the meantime."""
    changed = tx.connection.execute(
        _ADVANCE,
        {
            "of_chain": found.chain.chain_id,
            "before": found.chain.integrated,
            "after": found.rows[-1].seq,
            "hash": found.rows[-1].row_hash,
        },
    )
    return changed.rowcount == 1


def mark_stuck(tx: Transaction, chains: Iterable[OpenChain], *, now: datetime) -> None:
    """Leave chains alone whose next row does not fit."""
    for chain in chains:
        tx.connection.execute(
            update(log_chain)
            .where(log_chain.c.chain_id == chain.chain_id)
            .values(stuck_ms=to_ms(now))
        )


def close_idle(tx: Transaction, chains: Sequence[OpenChain], *, now: datetime) -> int:
    """Look no more at chains that get no rows because they are too old; returns how many."""
    oldest_ms = to_ms(now - _IDLE)
    ended = [
        chain.chain_id
        for chain in chains
        if chain.begun_ms < oldest_ms and chain.head == chain.integrated
    ]
    if ended:
        tx.connection.execute(
            update(log_chain).where(log_chain.c.chain_id.in_(ended)).values(closed_ms=to_ms(now))
        )
    return len(ended)


def adopt_left_behind(tx: Transaction, *, now: datetime) -> int:
    """Open every chain that has rows and is closed, stuck or was never announced.

    What an older version wrote is not announced; a stuck chain may have been put right.
    """
    rows = tx.connection.execute(_LEFT_BEHIND).all()
    for writer, chain_id in rows:
        if chain_id is None:
            chain: Mapping[str, Any] = {
                "writer": writer,
                "begun_ms": to_ms(now),
                "integrated": 0,
                "last_hash": GENESIS,
            }
            tx.connection.execute(insert(log_chain), chain)
        else:
            tx.connection.execute(
                update(log_chain)
                .where(log_chain.c.chain_id == chain_id)
                .values(closed_ms=None, stuck_ms=None, begun_ms=to_ms(now))
            )
    return len(rows)


def mark_older(tx: Transaction, marks: RowMarks) -> int:
    """Mark the rows that were written before rows had marks; returns how many.

    Whoever has it done vouches for what is there: it is an operator's act, never a duty's.
    """
    marked = 0
    while True:
        rows = tx.connection.execute(
            select(log_event.c.writer, log_event.c.seq, log_event.c.row_hash)
            .where(log_event.c.mark.is_(None))
            .limit(_OLDER)
        ).all()
        if not rows:
            return marked
        tx.connection.execute(
            _MARK,
            [
                {"of_writer": row.writer, "of_seq": row.seq, "made": marks.make(row.row_hash)}
                for row in rows
            ],
        )
        marked += len(rows)


def find_stuck(connection: Connection) -> tuple[tuple[str, int], ...]:
    """Chains whose next row does not fit: (writer, number of that row)."""
    rows = connection.execute(
        select(log_chain.c.writer, log_chain.c.integrated).where(log_chain.c.stuck_ms.is_not(None))
    )
    return tuple(sorted(((row[0], row[1] + 1) for row in rows), key=itemgetter(0)))
