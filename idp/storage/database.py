"""The SQL engine: SQLite (WAL) out of the box, PostgreSQL in production.

What lives here: how a connection is opened, what a read and a write transaction are, and the
translation of "the database does not answer" into `StorageUnavailable`.  Not here: any table.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Final

from sqlalchemy import Connection, Engine, MetaData, create_engine, event, text
from sqlalchemy.exc import DBAPIError, InterfaceError, OperationalError
from sqlalchemy.pool import NullPool

from idp.errors import StorageUnavailable
from idp.storage.open_connections import OpenConnections
from keystore.storage import Transaction

__all__ = ["WATCHFUL", "Database", "Transaction", "metadata"]

metadata = MetaData()
"""Tables of the provider.  The registry's and the keystore's have a MetaData of their own."""

WATCHFUL: Final = {
    "keepalives_idle": 10,
    "keepalives_interval": 5,
    "keepalives_count": 3,
    "tcp_user_timeout": 10_000,
}
"""For libpq: a PostgreSQL whose host vanishes without a word is noticed after ten seconds where we
sent something, after twenty-five where we wait; the system's own patience is a quarter of an hour
and two hours, in which every thread would come to hang on it."""

_STATEMENT_TIMEOUT_MS: Final = 20_000
"""No statement of a request takes a second; one that takes twenty waits for a lock that somebody
forgot.  Migrations and recounts lift it for their own transaction."""

_BUSY_TIMEOUT_S: Final = 10
"""Fifty milliseconds gave errors under sixteen writers; ten seconds gave none (measured)."""


class Database:
    """One database, shared by all threads of a process.

    Takes   url: an SQLAlchemy URL, `sqlite:///path` or `postgresql+psycopg://…`;
            pool_size: connections kept open (threads of the worker that may write at once).
    Raises  StorageUnavailable from `read` and `transaction` when the database does not answer or
            cannot store (disk full); the caller refuses with 503 and may simply try again later.
    """

    def __init__(self, url: str, *, pool_size: int = 8) -> None:
        self.is_sqlite = url.startswith("sqlite")
        options: dict[str, Any] = {"hide_parameters": True, "poolclass": NullPool}
        limit, patience_s = pool_size + 10, 30
        if self.is_sqlite:
            options["connect_args"] = {"timeout": _BUSY_TIMEOUT_S, "check_same_thread": False}
        else:
            options["connect_args"] = {
                "client_encoding": "utf8",
                "connect_timeout": 3,
                **WATCHFUL,
                "options": f"-c statement_timeout={_STATEMENT_TIMEOUT_MS}",
            }
            limit, patience_s = 2 * pool_size, 5
        # we say BEGIN ourselves, see `OpenConnection` and `_begin`
        self.engine: Engine = create_engine(url, isolation_level="AUTOCOMMIT", **options)
        if self.is_sqlite:
            event.listen(self.engine, "connect", _prepare_sqlite)
        event.listen(self.engine, "begin", _begin)
        self._without_begin = self.engine.execution_options(is_held=True)
        self._connections = OpenConnections(
            self._without_begin,
            size=pool_size,
            limit=limit,
            patience_s=patience_s,
        )
        driver: Any = self.engine.dialect.loaded_dbapi
        self._no_answer = (
            *(OperationalError, InterfaceError),
            # of what goes to the driver without SQLAlchemy around it
            *(driver.OperationalError, driver.InterfaceError),
        )

    @contextmanager
    def read(self) -> Iterator[Connection]:
        """A connection for reading, without a transaction around its statements."""
        try:
            held = self._connections.take()
            try:
                yield held.connection
            finally:
                self._connections.give_back(held)
        except self._no_answer as failure:
            raise StorageUnavailable from failure

    @contextmanager
    def statement(self) -> Iterator[Connection]:
        """A connection for one writing statement, which is a transaction by itself.

        What one conditional UPDATE decides needs no BEGIN and COMMIT around it: one round trip
        instead of three.
        """
        with self.read() as connection:
            yield connection

    @contextmanager
    def session(self) -> Iterator[Connection]:
        """A connection that nobody had before and that is closed afterwards.

        What is set on it, and a lock of its session, end with it.
        """
        try:
            with self._without_begin.connect() as connection:
                yield connection
        except self._no_answer as failure:
            raise StorageUnavailable from failure

    @contextmanager
    def transaction(self) -> Iterator[Transaction]:
        """A write transaction: all of it or nothing; on SQLite it waits for the writer before it.

        SQLite refuses a read that turns into a write in a deferred transaction at once, whatever
        the timeout, hence BEGIN IMMEDIATE.  On PostgreSQL lock rows with `with_for_update()`.
        """
        transaction: Transaction | None = None
        try:
            held = self._connections.take()
            try:
                held.begin()
                transaction = Transaction(held.connection)
                yield transaction
                transaction.is_in_doubt = True
                held.commit()
            except BaseException as failure:
                if transaction is not None and isinstance(failure, Exception):
                    # an answer is certain; a connection that broke gave none
                    transaction.is_in_doubt &= held.is_broken()
                held.roll_back()
                raise
            finally:
                self._connections.give_back(held)
        except self._no_answer as failure:
            if transaction is not None:
                transaction.rolled_back()
            raise StorageUnavailable from failure
        except BaseException:
            if transaction is not None:
                transaction.rolled_back()
            raise
        transaction.committed()

    def is_up(self) -> bool:
        """Whether the database answers a statement now."""
        try:
            with self.read() as connection:
                connection.exec_driver_sql("SELECT 1")
        except (StorageUnavailable, DBAPIError):
            return False
        return True

    def may_read(self, table: str) -> bool:
        """Whether the role of this process may read a table; asked before it is tried.

        Raises  StorageUnavailable.
        """
        if self.is_sqlite:
            return True
        asked = text("SELECT has_table_privilege(:table, 'SELECT')")
        with self.read() as connection:
            return bool(connection.execute(asked, {"table": table}).scalar_one())

    def close(self) -> None:
        """Close every pooled connection."""
        self._connections.close()
        self.engine.dispose()


def _prepare_sqlite(connection: sqlite3.Connection, _record: object) -> None:
    connection.isolation_level = None  # we say BEGIN ourselves, see `_begin`
    for pragma in (
        "journal_mode=WAL",
        "synchronous=FULL",  # an acknowledged act survives a power cut
        "foreign_keys=ON",
        "temp_store=MEMORY",
        "cache_size=-8192",
    ):
        connection.execute(f"PRAGMA {pragma}")


def _begin(connection: Connection) -> None:
    if connection.get_execution_options().get("is_held"):
        return  # for SQLAlchemy it begins when it is made and never ends
    is_sqlite = connection.dialect.name == "sqlite"
    connection.exec_driver_sql("BEGIN IMMEDIATE" if is_sqlite else "BEGIN")
