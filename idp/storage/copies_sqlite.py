"""Copies of a SQLite database.

What lives here: VACUUM INTO for the way out, a renamed file for the way in.  VACUUM INTO reads one
snapshot while others write, and leaves freed pages behind: what was erased from the database is not
in the copy either, which the online backup would copy page by page.
Source: sqlite.org, "VACUUM" and "Write-Ahead Logging".  Not here: what a backup is.
"""

from __future__ import annotations

import os
import sqlite3
from contextlib import closing
from datetime import datetime
from pathlib import Path
from typing import Final

from sqlalchemy import make_url

from idp.storage.copies import CopyFailed, LogState, read_log_state, stamp_of
from idp.storage.database import Database

_PROBE_S: Final = 0.5
_BESIDE: Final = ("-wal", "-shm", "-journal")


class SqliteCopies:
    """Copies of the SQLite database at an SQLAlchemy URL."""

    kind = "sqlite"

    def __init__(self, url: str) -> None:
        name = make_url(url).database
        if not name or name == ":memory:":
            raise CopyFailed("a database in memory cannot be copied")
        self._file = Path(name)
        self._staged = self._file.with_name(f"{self._file.name}.restoring")

    def copy_out(self, target: Path) -> LogState:
        """See `Copies`."""
        if not self._file.exists():
            raise CopyFailed(f"there is no database {self._file}")
        try:
            with closing(_connect(self._file)) as connection:
                connection.execute("VACUUM INTO ?", (str(target),))
            target.chmod(0o600)
            copied = Database(f"sqlite:///{target}", pool_size=1)
            try:
                with copied.read() as reading:
                    state = read_log_state(reading)
            finally:
                copied.close()
            _fold(target)
        except (sqlite3.Error, OSError) as failure:
            raise CopyFailed(f"{type(failure).__name__}: {failure}") from failure
        return state

    def find_users(self) -> tuple[str, ...]:
        """See `Copies`; SQLite says only that there are some."""
        if not self._file.exists():
            return ()
        with closing(_connect(self._file, timeout=_PROBE_S)) as probe:
            try:
                # whoever has a database in WAL mode open keeps a lock on the file
                probe.execute("PRAGMA locking_mode=EXCLUSIVE")
                probe.execute("BEGIN EXCLUSIVE")
                probe.execute("COMMIT")
            except sqlite3.OperationalError:
                return ("a process that has the file open",)
        return ()

    def stage(self, source: Path) -> str:
        """See `Copies`."""
        self.give_up()
        try:
            self._staged.parent.mkdir(parents=True, exist_ok=True)
            handle = os.open(self._staged, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
            with source.open("rb") as reading, os.fdopen(handle, "wb") as writing:
                while portion := reading.read(1 << 20):
                    writing.write(portion)
        except OSError as failure:
            raise CopyFailed(f"{type(failure).__name__}: {failure.strerror}") from failure
        return f"sqlite:///{self._staged}"

    def accept(self, *, now: datetime) -> str | None:
        """See `Copies`."""
        _fold(self._staged)
        kept = None
        if self._file.exists():
            _fold(self._file)  # no write-ahead log of the old file may stay beside the new one
            if _has_tables(self._file):
                kept = self._file.with_name(f"{self._file.name}.before-restore-{stamp_of(now)}")
                os.link(self._file, kept)
        self._staged.replace(self._file)
        folder = os.open(self._file.parent, os.O_RDONLY | os.O_DIRECTORY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)
        return None if kept is None else str(kept)

    def give_up(self) -> None:
        """See `Copies`."""
        for beside in ("", *_BESIDE):
            self._staged.with_name(self._staged.name + beside).unlink(missing_ok=True)


def _connect(file: Path, *, timeout: float = 10) -> sqlite3.Connection:
    return sqlite3.connect(file, isolation_level=None, timeout=timeout)


def _has_tables(file: Path) -> bool:
    with closing(_connect(file)) as connection:
        return connection.execute("SELECT 1 FROM sqlite_master LIMIT 1").fetchone() is not None


def _fold(file: Path) -> None:
    """Bring everything into the one file, and that onto the disk."""
    try:
        with closing(_connect(file, timeout=_PROBE_S)) as connection:
            mode = connection.execute("PRAGMA journal_mode=DELETE").fetchone()[0]
    except sqlite3.OperationalError as locked:
        raise CopyFailed(f"{file} is open elsewhere") from locked
    if mode != "delete":
        raise CopyFailed(f"{file} is open elsewhere")
    with file.open("rb") as written:
        os.fsync(written.fileno())
