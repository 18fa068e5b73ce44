"""Rows that an operator vouches for, because nobody else can any more.

What lives here: giving the mark of the service to a row whose own mark is of nobody that is known
(as after a signer lost the key of its rows together with the public half), and to the rows that
were written before rows had marks.  Both are acts of a person and never of a duty: whoever may
write to the database could have put such a row there.  Each leaves an event that names the operator
and what the mark was before, and a verification shows it for ever (`keystore/log/verify_rows.py`).
Only the mark is replaced, which no hash covers: what a row says stays what it was.
Source: architecture, "State" (the append-only log).  Not here: asking the operator.
"""

from __future__ import annotations

import hmac
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from sqlalchemy import Connection, func, select, update

from keystore.clock import from_ms
from keystore.log.chain_storage import LOG_LOCK, adopt_left_behind, mark_older
from keystore.log.errors import EntryUnknown, RowNotAcceptable
from keystore.log.events import Event, EventType, Fact
from keystore.log.record import GENESIS, HASHED, LogWriter, log_chain, log_event, row_hash_of
from keystore.log.row_marks import RowMarks
from keystore.storage import DatabaseLike, Transaction, lock_until_commit

_MARK_SHOWN: Final = 64


@dataclass(frozen=True, slots=True)
class UnknownRow:
    """A row that no process of this deployment is known to have recorded."""

    writer: str
    seq: int
    at: datetime
    type: str
    account_id: str | None
    facts: str
    """As they are stored: text of whoever wrote the row."""
    mark: bytes | None

    @property
    def name(self) -> str:
        """How it is called."""
        return f"{self.writer}/{self.seq}"


@dataclass(frozen=True, slots=True)
class UnmarkedRows:
    """Rows of before there were marks: how many, of how many chains, from when until when."""

    rows: int
    chains: int
    first_at: datetime
    last_at: datetime


def find_unknown_row(
    connection: Connection, writer: str, *, seq: int, marks: RowMarks
) -> UnknownRow:
    """A row that can be accepted.

    1. It is there.
    2. It is what its hash says, and stands on the row before it: whoever accepts it vouches for who
       wrote it, and never for a change.
    3. Its mark is of nobody that is known.
    4. Its time is one.

    Raises  EntryUnknown (1), RowNotAcceptable (2, 3, 4).
    """
    row = _find(connection, writer, seq=seq)
    name = f"{writer}/{seq}"
    if row is None:  # 1
        raise EntryUnknown(name)
    if not hmac.compare_digest(row_hash_of(tuple(row[one] for one in HASHED)), row["row_hash"]):
        raise RowNotAcceptable(name, reason="changed")  # 2
    before = None if seq == 1 else _find(connection, writer, seq=seq - 1)
    last_hash = GENESIS if before is None else before["row_hash"]
    if (before is None) != (seq == 1) or not hmac.compare_digest(row["prev_hash"], last_hash):
        raise RowNotAcceptable(name, reason="unlinked")
    if marks.is_ours(row["row_hash"], mark=row["mark"]):  # 3
        raise RowNotAcceptable(name, reason="recorded")
    try:
        at = from_ms(row["at_ms"])  # 4
    except OverflowError as odd:
        raise RowNotAcceptable(name, reason="unreadable") from odd
    return UnknownRow(writer, seq, at, row["type"], row["account_id"], row["facts"], row["mark"])


def accept_row(
    database: DatabaseLike,
    writer: str,
    *,
    seq: int,
    marks: RowMarks,
    log: LogWriter,
    now: datetime,
) -> UnknownRow:
    """Mark a row as ours, on record; its chain goes on with it.

    Takes   log: in the name of the operator who vouches.
    Raises  EntryUnknown, RowNotAcceptable.
    """
    with database.transaction() as tx:
        lock_until_commit(tx, name=LOG_LOCK)
        row = find_unknown_row(tx.connection, writer, seq=seq, marks=marks)
        where = (log_event.c.writer == writer, log_event.c.seq == seq)
        row_hash: bytes = tx.connection.execute(
            select(log_event.c.row_hash).where(*where)
        ).scalar_one()
        tx.connection.execute(update(log_event).where(*where).values(mark=marks.make(row_hash)))
        _unstick(tx, writer)
        # a letter first: digits alone would look like somebody's number, which the log refuses
        shown = "" if row.mark is None else f"x{row.mark[:_MARK_SHOWN].hex()}"
        facts: dict[str, Fact] = {
            "writer": writer,
            "seq": seq,
            "row_hash": row_hash.hex(),
            "mark": shown,
        }
        log.record(tx, Event(EventType.LOG_ROW_ACCEPTED, facts=facts), data_key=None, now=now)
    return row


def find_unmarked(connection: Connection) -> UnmarkedRows | None:
    """The rows that have no mark at all; None when every row has one."""
    found = connection.execute(
        select(
            func.count(),
            func.count(log_event.c.writer.distinct()),
            func.min(log_event.c.at_ms),
            func.max(log_event.c.at_ms),
        ).where(log_event.c.mark.is_(None))
    ).one()
    if not found[0]:
        return None
    return UnmarkedRows(found[0], found[1], from_ms(found[2]), from_ms(found[3]))


def accept_unmarked(
    database: DatabaseLike, *, marks: RowMarks, log: LogWriter, now: datetime
) -> int:
    """Mark every row that has no mark, on record; returns how many.

    Takes   log: in the name of the operator who vouches.
    """
    with database.transaction() as tx:
        lock_until_commit(tx, name=LOG_LOCK)
        marked = mark_older(tx, marks)
        if marked:
            adopt_left_behind(tx, now=now)
            event = Event(EventType.LOG_ROWS_MARKED, facts={"rows": marked})
            log.record(tx, event, data_key=None, now=now)
    return marked


def _find(connection: Connection, writer: str, *, seq: int) -> Any:
    where = (log_event.c.writer == writer, log_event.c.seq == seq)
    return connection.execute(select(log_event).where(*where)).mappings().first()


def _unstick(tx: Transaction, writer: str) -> None:
    tx.connection.execute(
        update(log_chain).where(log_chain.c.writer == writer).values(stuck_ms=None)
    )
