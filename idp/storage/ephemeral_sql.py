"""The ephemeral store on a SQL table: its own SQLite file, or a table in PostgreSQL.

What lives here: one table and the statements that SQLite and PostgreSQL both take.  Each operation
is a single statement in autocommit, sent to the driver through the engine's pool without
SQLAlchemy's statement layer, because these are the hottest statements of the service; both
drivers keep them prepared.  The file is a SQLite file of its own so that its many small writes do
not wait behind the acts of the main database.

A power cut may lose the last moments (`synchronous=NORMAL`, `synchronous_commit=off`): that is what
"ephemeral" allows.  What decides about money or trust for longer leaves a record in SQL.
Source: the contract in `idp.storage.ephemeral`.
"""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any, Final

import psycopg
from sqlalchemy import (
    BigInteger,
    Column,
    Engine,
    Index,
    LargeBinary,
    MetaData,
    String,
    Table,
    create_engine,
    event,
    text,
)
from sqlalchemy.exc import SQLAlchemyError

from idp.errors import StorageUnavailable
from idp.storage.database import WATCHFUL
from idp.storage.declared import NONE, SECRET, holds
from keystore.clock import to_ms

metadata = MetaData()
"""The one table; made by the store itself and never migrated, since nothing in it lives long."""

_BUSY_TIMEOUT_S: Final = 10
_ADVISORY_LOCK: Final = 0x616E_7469_6E45
"""Any number that nobody else locks: PostgreSQL's CREATE TABLE IF NOT EXISTS races with itself."""

ephemeral = Table(
    "ephemeral",
    metadata,
    Column("key", String, primary_key=True, info=NONE),
    Column("value", LargeBinary, nullable=False, info=SECRET),
    Column("total", BigInteger, nullable=False, info=NONE),
    Column("expires_ms", BigInteger, nullable=False, info=NONE),
    Index("ephemeral_expires", "expires_ms"),
    info=holds(
        "person",
        purpose="codes, interactions, attempts, replay marks and limits while they last",
        retention="until expires_ms, then purged by the store itself",
        legal="Law 91/2025/QH15",
        legal_from="2026-01-01",
    ),
)

_PUT: Final = (
    "INSERT INTO ephemeral (key, value, total, expires_ms) VALUES (?, ?, 0, ?)"
    " ON CONFLICT (key) DO UPDATE"
    " SET value = excluded.value, total = 0, expires_ms = excluded.expires_ms"
)
_GET: Final = "SELECT value, expires_ms FROM ephemeral WHERE key = ?"
_CONSUME: Final = "DELETE FROM ephemeral WHERE key = ? RETURNING value, expires_ms"
_FIRST_USE: Final = (
    "INSERT INTO ephemeral (key, value, total, expires_ms) VALUES (?, ?, 0, ?)"
    " ON CONFLICT (key) DO UPDATE"
    " SET value = excluded.value, total = 0, expires_ms = excluded.expires_ms"
    " WHERE ephemeral.expires_ms <= ? RETURNING total"
)
_COUNT: Final = (
    "INSERT INTO ephemeral (key, value, total, expires_ms) VALUES (?, ?, ?, ?)"
    " ON CONFLICT (key) DO UPDATE SET"
    " total = excluded.total"
    " + CASE WHEN ephemeral.expires_ms <= ? THEN 0 ELSE ephemeral.total END,"
    " expires_ms = CASE WHEN ephemeral.expires_ms <= ? THEN excluded.expires_ms"
    " ELSE ephemeral.expires_ms END"
    " RETURNING total"
)
_READ_COUNT: Final = "SELECT total, expires_ms FROM ephemeral WHERE key = ?"
_REPLACE: Final = (
    "UPDATE ephemeral SET value = ?, expires_ms = ?"
    " WHERE key = ? AND value = ? AND expires_ms > ? RETURNING total"
)
_DELETE: Final = "DELETE FROM ephemeral WHERE key = ? RETURNING total"
_PURGE: Final = (
    "DELETE FROM ephemeral WHERE key IN"
    " (SELECT key FROM ephemeral WHERE expires_ms <= ? ORDER BY expires_ms LIMIT ?)"
    " AND expires_ms <= ? RETURNING total"
)

_FOR_PSYCOPG: Final = {
    statement: statement.replace("LIMIT ?", "LIMIT ? FOR UPDATE SKIP LOCKED").replace("?", "%s")
    for statement in (
        (
            _PUT,
            _GET,
            _CONSUME,
            _FIRST_USE,
            _COUNT,
            _READ_COUNT,
            _REPLACE,
            _DELETE,
            _PURGE,
        )
    )
}
_NO_VALUE: Final = b""
_DOWN: Final = (
    sqlite3.OperationalError,
    sqlite3.InterfaceError,
    psycopg.OperationalError,
    psycopg.InterfaceError,
    SQLAlchemyError,  # the pool is exhausted, or a new connection was refused
    OSError,
)


class SqlEphemeralStore:
    """`EphemeralStore` on SQLite or PostgreSQL.

    Takes   url: `sqlite:///path/ephemeral.db` or `postgresql+psycopg://…`;
            pool_size: connections kept open.
    The table is made at the first use, so that a worker may start while the server is away.
    """

    def __init__(self, url: str, *, pool_size: int = 8) -> None:
        self._is_sqlite = url.startswith("sqlite")
        self._engine = _make_engine(url, pool_size=pool_size)
        self._is_made = False
        self._making = threading.Lock()

    def put(self, key: str, value: bytes, *, lifetime: timedelta, now: datetime) -> None:
        """See `EphemeralStore.put`."""
        self._run(_PUT, (key, value, to_ms(now + lifetime)), returns_rows=False)

    def get(self, key: str, *, now: datetime) -> bytes | None:
        """See `EphemeralStore.get`."""
        return _unexpired(self._run(_GET, (key,)), now=now)

    def consume(self, key: str, *, now: datetime) -> bytes | None:
        """See `EphemeralStore.consume`."""
        return _unexpired(self._run(_CONSUME, (key,)), now=now)

    def first_use(self, key: str, *, lifetime: timedelta, now: datetime) -> bool:
        """See `EphemeralStore.first_use`."""
        expires_ms = to_ms(now + lifetime)
        return bool(self._run(_FIRST_USE, (key, _NO_VALUE, expires_ms, to_ms(now))))

    def count(self, key: str, *, window: timedelta, now: datetime, by: int = 1) -> int:
        """See `EphemeralStore.count`."""
        now_ms = to_ms(now)
        if by == 0:
            rows = self._run(_READ_COUNT, (key,))
            return int(rows[0][0]) if rows and rows[0][1] > now_ms else 0
        expires_ms = to_ms(now + window)
        rows = self._run(_COUNT, (key, _NO_VALUE, by, expires_ms, now_ms, now_ms))
        return int(rows[0][0])

    def replace(
        self,
        key: str,
        expected: bytes,
        value: bytes,
        *,
        lifetime: timedelta,
        now: datetime,
    ) -> bool:
        """See `EphemeralStore.replace`."""
        expires_ms = to_ms(now + lifetime)
        return bool(self._run(_REPLACE, (value, expires_ms, key, expected, to_ms(now))))

    def delete(self, *keys: str) -> None:
        """See `EphemeralStore.delete`."""
        for key in keys:
            self._run(_DELETE, (key,))

    def purge(self, *, now: datetime, limit: int) -> int:
        """See `EphemeralStore.purge`."""
        now_ms = to_ms(now)
        return len(self._run(_PURGE, (now_ms, limit, now_ms)))

    def is_up(self) -> bool:
        """See `EphemeralStore.is_up`."""
        try:
            self._run(_GET, ("",))
        except StorageUnavailable:
            return False
        return True

    def close(self) -> None:
        """See `EphemeralStore.close`."""
        self._engine.dispose()

    def _run(
        self,
        statement: str,
        parameters: tuple[object, ...],
        *,
        returns_rows: bool = True,
    ) -> Sequence[Any]:
        """One statement in autocommit.

        All rows are always fetched: on SQLite a statement that RETURNS rows commits only when the
        last one has been read, and an unfinished SELECT holds back the checkpoint of the WAL.
        """
        if not self._is_made:
            self._make_table()
        try:
            connection = self._engine.raw_connection()
        except _DOWN as failure:
            raise StorageUnavailable from failure
        try:
            cursor = connection.cursor()
            try:
                cursor.execute(
                    statement if self._is_sqlite else _FOR_PSYCOPG[statement],
                    parameters,
                )
                return cursor.fetchall() if returns_rows else ()
            finally:
                cursor.close()
        except _DOWN as failure:
            connection.invalidate()
            if not self._is_sqlite:
                self._engine.dispose()  # a restarted server has dropped the idle ones as well
            raise StorageUnavailable from failure
        finally:
            connection.close()

    def _make_table(self) -> None:
        with self._making:
            if self._is_made:
                return
            try:
                with self._engine.connect() as connection:
                    connection.execute(
                        text("BEGIN IMMEDIATE" if self._is_sqlite else "BEGIN"),
                    )
                    if not self._is_sqlite:
                        connection.execute(
                            text("SELECT pg_advisory_xact_lock(:lock)"),
                            {"lock": _ADVISORY_LOCK},
                        )
                    metadata.create_all(connection)
                    connection.execute(text("COMMIT"))
            except _DOWN as failure:
                raise StorageUnavailable from failure
            self._is_made = True


def _unexpired(rows: Sequence[Any], *, now: datetime) -> bytes | None:
    if not rows or rows[0][1] <= to_ms(now):
        return None
    return bytes(rows[0][0])


def _make_engine(url: str, *, pool_size: int) -> Engine:
    options: dict[str, Any] = {
        "hide_parameters": True,
        "pool_size": pool_size,
        "max_overflow": pool_size,
        "pool_timeout": 5,
        "isolation_level": "AUTOCOMMIT",
        "pool_reset_on_return": None,  # in autocommit there is nothing to roll back
    }
    if url.startswith("sqlite"):
        options["connect_args"] = {
            "timeout": _BUSY_TIMEOUT_S,
            "check_same_thread": False,
        }
        engine = create_engine(url, **options)
        event.listen(engine, "connect", _prepare_sqlite)
        return engine
    options["connect_args"] = {
        "connect_timeout": 2,
        **WATCHFUL,
        "options": "-c synchronous_commit=off -c statement_timeout=2000",
    }
    return create_engine(url, **options)


def _prepare_sqlite(connection: sqlite3.Connection, _record: object) -> None:
    connection.isolation_level = None  # autocommit, whatever SQLAlchemy set before
    for pragma in ("journal_mode=WAL", "synchronous=NORMAL", "temp_store=MEMORY"):
        connection.execute(f"PRAGMA {pragma}")
