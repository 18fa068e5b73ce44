"""What the signer remembers by itself: what was spent, which keys rest or are dead, how late it is.

What lives here: a small SQLite file on the signer's own disk.  The tables of the database say the
same, for all signers of a deployment; but whoever owns the database can delete a row there, clear a
suspension, put a destroyed key back from a backup, or all of it, and must gain nothing by it.  Each
host has a memory of its own: what is resumed is resumed at each of them.  What was spent is kept
for a day beyond its expiry; a clock that is set back by more than a few minutes stops the signer,
so that what was forgotten cannot come alive again.
Source: architecture, decision 11.  Not here: the tables of the database (`storage`).
"""

from __future__ import annotations

import os
import sqlite3
import stat
import threading
from contextlib import closing
from datetime import datetime, timedelta
from pathlib import Path
from typing import Final

from keystore.clock import to_ms
from keystore.signer.errors import ClockSetBack
from keystore.signer.storage import KEEP_SPENT

_TOLERANCE: Final = timedelta(minutes=5)
"""How far a clock may be corrected backwards; far less than what was spent is remembered."""
_BUSY_S: Final = 10
_PURGE_EVERY_MS: Final = 60_000
_HOUR_MS: Final = 3_600_000
_OTHERS: Final = stat.S_IRWXG | stat.S_IRWXO

_SCHEMA: Final = """
CREATE TABLE IF NOT EXISTS spent
    (mark BLOB PRIMARY KEY, forget_ms INTEGER NOT NULL) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS spent_by_time ON spent (forget_ms);
CREATE TABLE IF NOT EXISTS destroyed (key_id TEXT PRIMARY KEY) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS suspended (key_id TEXT PRIMARY KEY) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS destruction (at_ms INTEGER NOT NULL);
CREATE INDEX IF NOT EXISTS destruction_by_time ON destruction (at_ms);
CREATE TABLE IF NOT EXISTS clock
    (one INTEGER PRIMARY KEY CHECK (one = 1), latest_ms INTEGER NOT NULL,
     purged_ms INTEGER NOT NULL);
INSERT OR IGNORE INTO clock VALUES (1, 0, 0);
"""


class SpentLedger:
    """The signer's own memory; safe for the threads and the processes of one host.

    Takes   file: made if it is not there, for its owner alone.
    Raises  PermissionError when others may read or write the file.
    """

    def __init__(self, file: Path) -> None:
        os.close(os.open(file, os.O_CREAT | os.O_RDWR, 0o600))
        if stat.S_IMODE(file.stat().st_mode) & _OTHERS:
            raise PermissionError("readable_by_others")
        self._lock = threading.Lock()
        self._connection = sqlite3.connect(
            file, timeout=_BUSY_S, isolation_level=None, check_same_thread=False
        )
        for pragma in ("journal_mode=WAL", "synchronous=FULL"):
            self._connection.execute(f"PRAGMA {pragma}")
        self._connection.executescript(_SCHEMA)

    def spend(self, mark: bytes, *, expires_at: datetime, now: datetime) -> bool:
        """Spend `mark` once, durably; False when it was spent before.

        Raises  ClockSetBack when `now` is well before what this ledger has seen.
        """
        now_ms = to_ms(now)
        with self._lock, self._connection as connection:
            connection.execute("BEGIN IMMEDIATE")
            latest_ms, purged_ms = connection.execute(
                "SELECT latest_ms, purged_ms FROM clock"
            ).fetchone()
            if now_ms < latest_ms - _TOLERANCE // timedelta(milliseconds=1):
                raise ClockSetBack
            if now_ms > latest_ms:
                connection.execute("UPDATE clock SET latest_ms = ?", (now_ms,))
            if now_ms - purged_ms >= _PURGE_EVERY_MS:
                connection.execute("DELETE FROM spent WHERE forget_ms < ?", (now_ms,))
                connection.execute("UPDATE clock SET purged_ms = ?", (now_ms,))
            added = connection.execute(
                "INSERT OR IGNORE INTO spent VALUES (?, ?)", (mark, to_ms(expires_at + KEEP_SPENT))
            )
            return added.rowcount == 1

    def is_spent(self, mark: bytes) -> bool:
        """Whether `mark` was spent here; what decides is `spend`."""
        return self._is_there("SELECT 1 FROM spent WHERE mark = ?", mark)

    def trust_clock(self, now: datetime) -> None:
        """An operator says that the clock is right although it showed a later time before."""
        with self._lock:
            self._connection.execute("UPDATE clock SET latest_ms = ?, purged_ms = 0", (to_ms(now),))

    def bury(self, key_id: str, *, per_hour: int, now: datetime) -> bool:
        """Remember for ever that a key was destroyed; one that was is free, and True again.

        Takes   per_hour: how many keys may be destroyed within an hour, by all processes.
        Returns False when that many were: nothing is remembered, and the key lives.
        """
        now_ms = to_ms(now)
        with self._lock, self._connection as connection:
            connection.execute("BEGIN IMMEDIATE")
            connection.execute("DELETE FROM destruction WHERE at_ms <= ?", (now_ms - _HOUR_MS,))
            (count,) = connection.execute("SELECT COUNT(*) FROM destruction").fetchone()
            buried = connection.execute("SELECT 1 FROM destroyed WHERE key_id = ?", (key_id,))
            if buried.fetchone() is not None:
                return True
            if count >= per_hour:
                return False
            connection.execute("INSERT INTO destroyed VALUES (?)", (key_id,))
            connection.execute("INSERT INTO destruction VALUES (?)", (now_ms,))
            return True

    def is_buried(self, key_id: str) -> bool:
        """Whether a key was destroyed here, whatever the database says."""
        return self._is_there("SELECT 1 FROM destroyed WHERE key_id = ?", key_id)

    def suspend(self, key_id: str) -> None:
        """Remember that a key rests; again is no error."""
        with self._lock:
            self._connection.execute("INSERT OR IGNORE INTO suspended VALUES (?)", (key_id,))

    def resume(self, key_id: str) -> None:
        """It rests no longer; no error when it did not."""
        with self._lock:
            self._connection.execute("DELETE FROM suspended WHERE key_id = ?", (key_id,))

    def is_suspended(self, key_id: str) -> bool:
        """Whether a key was suspended here, whatever the database says."""
        return self._is_there("SELECT 1 FROM suspended WHERE key_id = ?", key_id)

    def close(self) -> None:
        """Close the file."""
        with self._lock:
            self._connection.close()

    def _is_there(self, query: str, value: bytes | str) -> bool:
        with self._lock, closing(self._connection.execute(query, (value,))) as found:
            return found.fetchone() is not None
