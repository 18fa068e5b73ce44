"""The memory: what a process with a secret knows by itself, whatever the database says.

What lives here: a small SQLite file on its own disk, what was spent in it, and how late it is.
Whoever owns the database can delete rows there, or put old ones back from a backup, and must gain
nothing by it.  What was spent is kept for a day beyond its expiry; a clock that is set back by more
than a few minutes stops the process, so that what was forgotten cannot come alive again.
Source: architecture, decision 11.  Not here: what else one of them remembers.
"""

from __future__ import annotations

import os
import sqlite3
import stat
import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager
from datetime import datetime, timedelta
from pathlib import Path
from typing import ClassVar, Final

from keystore.clock import to_ms
from keystore.strongroom.errors import ClockSetBack, MemoryUnusable

KEEP_SPENT: Final = timedelta(days=1)
"""How long after its expiry a spent mark is remembered: longer than a clock is ever off."""

_TOLERANCE: Final = timedelta(minutes=5)
"""How far a clock may be corrected backwards; far less than what was spent is remembered."""
_BUSY_S: Final = 10
_PURGE_EVERY_MS: Final = 60_000
_OTHERS: Final = stat.S_IRWXG | stat.S_IRWXO

_SCHEMA: Final = """
CREATE TABLE IF NOT EXISTS spent
    (mark BLOB PRIMARY KEY, forget_ms INTEGER NOT NULL) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS spent_by_time ON spent (forget_ms);
CREATE TABLE IF NOT EXISTS clock
    (one INTEGER PRIMARY KEY CHECK (one = 1), latest_ms INTEGER NOT NULL,
     purged_ms INTEGER NOT NULL);
INSERT OR IGNORE INTO clock VALUES (1, 0, 0);
"""


class Memory:
    """One such file; safe for the threads and the processes of one host.

    Takes   file: made if it is not there, for its owner alone.
    Raises  MemoryUnusable.
    A subclass adds tables of its own in `schema`, and `purge_old` for what is over.
    """

    schema: ClassVar[str] = ""
    clock_set_back: ClassVar[type[ClockSetBack]] = ClockSetBack

    def __init__(self, file: Path) -> None:
        try:
            os.close(os.open(file, os.O_CREAT | os.O_RDWR, 0o600))
            mode = file.stat().st_mode
        except OSError as failure:
            raise MemoryUnusable(file, reason="unreadable") from failure
        if stat.S_IMODE(mode) & _OTHERS:
            raise MemoryUnusable(file, reason="readable_by_others")
        self._lock = threading.Lock()
        self._connection = sqlite3.connect(
            file, timeout=_BUSY_S, isolation_level=None, check_same_thread=False
        )
        try:
            for pragma in ("journal_mode=WAL", "synchronous=FULL"):
                self._connection.execute(f"PRAGMA {pragma}")
            self._connection.executescript(_SCHEMA + self.schema)
        except sqlite3.Error as failure:
            self._connection.close()
            is_full = isinstance(failure, sqlite3.OperationalError)  # or read only, or held
            reason = "not_writable" if is_full else "damaged"
            raise MemoryUnusable(file, reason=reason) from failure

    def spend(self, mark: bytes, *, expires_at: datetime, now: datetime) -> bool:
        """Spend `mark` once, durably; False when it was spent before.

        Raises  ClockSetBack when `now` is well before what this memory has seen.
        """
        with self.writing(now) as connection:
            return spend_in(connection, mark, expires_at=expires_at)

    def is_spent(self, mark: bytes) -> bool:
        """Whether `mark` was spent here; what decides is `spend`."""
        return self.is_there("SELECT 1 FROM spent WHERE mark = ?", mark)

    def trust_clock(self, now: datetime) -> None:
        """An operator says that the clock is right although it showed a later time before."""
        with self._lock:
            self._connection.execute("UPDATE clock SET latest_ms = ?, purged_ms = 0", (to_ms(now),))

    def close(self) -> None:
        """Close the file."""
        with self._lock:
            self._connection.close()

    @contextmanager
    def alone(self) -> Iterator[sqlite3.Connection]:
        """A transaction that no other thread or process writes in; kept when it ends well."""
        with self._lock, self._connection as connection:
            connection.execute("BEGIN IMMEDIATE")
            yield connection

    @contextmanager
    def writing(self, now: datetime) -> Iterator[sqlite3.Connection]:
        """The same at a time that is not before what was seen; what is over is forgotten.

        Raises  ClockSetBack.
        """
        now_ms = to_ms(now)
        with self.alone() as connection:
            latest_ms, purged_ms = connection.execute(
                "SELECT latest_ms, purged_ms FROM clock"
            ).fetchone()
            if now_ms < latest_ms - _TOLERANCE // timedelta(milliseconds=1):
                raise self.clock_set_back
            if now_ms > latest_ms:
                connection.execute("UPDATE clock SET latest_ms = ?", (now_ms,))
            if now_ms - purged_ms >= _PURGE_EVERY_MS:
                connection.execute("DELETE FROM spent WHERE forget_ms < ?", (now_ms,))
                self.purge_old(connection, now_ms=now_ms)
                connection.execute("UPDATE clock SET purged_ms = ?", (now_ms,))
            yield connection

    def purge_old(self, connection: sqlite3.Connection, *, now_ms: int) -> None:
        """Forget what else is over; once a minute at most."""

    def is_there(self, query: str, value: bytes | str) -> bool:
        """Whether a query with one value finds anything."""
        with self._lock, closing(self._connection.execute(query, (value,))) as found:
            return found.fetchone() is not None


def spend_in(connection: sqlite3.Connection, mark: bytes, *, expires_at: datetime) -> bool:
    """Spend `mark` within a transaction of `Memory.writing`; False when it was spent before."""
    added = connection.execute(
        "INSERT OR IGNORE INTO spent VALUES (?, ?)", (mark, to_ms(expires_at + KEEP_SPENT))
    )
    return added.rowcount == 1
