"""What the signer remembers by itself: what was spent, which keys rest or are dead, how late it is.

What lives here: keys in the signer's own memory.  The tables of the database say the same, for all
signers of a deployment; but whoever owns the database can clear a suspension, put a destroyed key
back from a backup, or both, and must gain nothing by it.  Each host has a memory of its own: what
is resumed is resumed at each of them.  Source: architecture, decision 11.
Not here: spending and the clock (`keystore/strongroom/memory.py`), the database (`storage`).
"""

from __future__ import annotations

from datetime import datetime
from typing import ClassVar, Final

from keystore.clock import to_ms
from keystore.signer.errors import ClockSetBack
from keystore.strongroom.memory import Memory

_HOUR_MS: Final = 3_600_000


class SpentLedger(Memory):
    """The signer's own memory; safe for the threads and the processes of one host."""

    schema: ClassVar[str] = """
    CREATE TABLE IF NOT EXISTS destroyed (key_id TEXT PRIMARY KEY) WITHOUT ROWID;
    CREATE TABLE IF NOT EXISTS suspended (key_id TEXT PRIMARY KEY) WITHOUT ROWID;
    CREATE TABLE IF NOT EXISTS destruction (at_ms INTEGER NOT NULL);
    CREATE INDEX IF NOT EXISTS destruction_by_time ON destruction (at_ms);
    """
    clock_set_back: ClassVar[type[ClockSetBack]] = ClockSetBack

    def bury(self, key_id: str, *, per_hour: int, now: datetime) -> bool:
        """Remember for ever that a key was destroyed; one that was is free, and True again.

        Takes   per_hour: how many keys may be destroyed within an hour, by all processes.
        Returns False when that many were: nothing is remembered, and the key lives.
        """
        now_ms = to_ms(now)
        with self.alone() as connection:
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
        return self.is_there("SELECT 1 FROM destroyed WHERE key_id = ?", key_id)

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
        return self.is_there("SELECT 1 FROM suspended WHERE key_id = ?", key_id)
