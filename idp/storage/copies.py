"""Copies of a whole database: out to a file, and back in, beside what is there.

What lives here: the Protocol, which kind a database is, and what tells two copies of the log apart.
Bringing a copy in has two steps: `stage` puts it where it can be opened and looked at, `accept`
puts it in the place of the database, which is kept under another name, or `give_up` leaves
everything as it was.  Not here: what is looked at (`idp/cli/restore.py`).
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Protocol

from sqlalchemy import Connection, select
from sqlalchemy import func as sql

from idp.errors import AntinError
from keystore.log.record import log_event


class CopyFailed(AntinError):
    """A copy could not be made or brought in; `reason` is for operators."""

    code = "copy_failed"

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


@dataclass(frozen=True, slots=True)
class LogState:
    """How far the log of a copy goes: its rows, and a digest over the head of every chain."""

    rows: int
    heads_sha256: str


class Copies(Protocol):
    """How one kind of database is copied out and in."""

    kind: str

    def copy_out(self, target: Path) -> LogState:
        """A consistent copy, while others write; with the state of its log.

        Raises  CopyFailed.
        """

    def find_users(self) -> tuple[str, ...]:
        """Who has the database open beside us, as far as it tells."""

    def stage(self, source: Path) -> str:
        """Put a copy where it can be opened; returns its URL.

        What an interrupted restore has left is cleared first.
        Raises  CopyFailed.
        """

    def accept(self, *, now: datetime) -> str | None:
        """Put the staged copy in place of the database; returns where that is kept now.

        Returns None when there was none.
        """

    def give_up(self) -> None:
        """Remove the staged copy; the database is what it was."""


def read_log_state(connection: Connection) -> LogState:
    """The state of the log; one row per chain is read."""
    last = select(
        log_event.c.writer.label("writer"), sql.max(log_event.c.seq).label("seq")
    ).group_by(log_event.c.writer)
    found = last.subquery()
    heads = select(log_event.c.writer, log_event.c.seq, log_event.c.row_hash).join(
        found,
        (log_event.c.writer == found.c.writer) & (log_event.c.seq == found.c.seq),
    )
    hashed, rows = hashlib.sha256(b"antin log heads 1\x00"), 0
    # sorted here: databases sort letters by rules of their own
    for writer, seq, row_hash in sorted(tuple(row) for row in connection.execute(heads)):
        rows += seq
        hashed.update(f"{writer} {seq} {row_hash.hex()}\n".encode())
    return LogState(rows, hashed.hexdigest())


def stamp_of(now: datetime) -> str:
    """An instant as part of a name, to the microsecond: two restores may follow each other."""
    return f"{now:%Y%m%dT%H%M%S%fZ}"
