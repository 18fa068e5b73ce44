"""The transaction that an act and its log row share.

What lives here: the types that cross package borders when several storage files must commit
together, and the lock that makes "create if there is none" happen once.  The engine belongs to the
caller (`idp.storage.database`); this package only reads and writes through the connections that it
is handed.  Not here: SQL of any table.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, suppress
from dataclasses import dataclass, field
from typing import Protocol

from sqlalchemy import Connection, MetaData, text
from sqlalchemy.exc import SQLAlchemyError

from keystore.statement import command

metadata = MetaData()
"""Tables of the keystore; `idp.storage.migrations` creates them together with all others."""


@dataclass(slots=True)
class Transaction:
    """One write transaction that is open on one connection.

    `connection` is for storage files only.  Callbacks given to `on_commit` run in order after the
    database has answered COMMIT, those given to `on_rollback` after a rollback; neither may raise.
    `is_in_doubt`: COMMIT was said and its answer was lost; it may have taken place all the same.
    """

    connection: Connection
    is_in_doubt: bool = False
    _after_commit: list[Callable[[], None]] = field(default_factory=list)
    _after_rollback: list[Callable[[], None]] = field(default_factory=list)

    @contextmanager
    def savepoint(self) -> Iterator[None]:
        """What fails in it is undone alone, and the transaction goes on."""
        command(self.connection, "SAVEPOINT antin")
        try:
            yield
        except BaseException:
            with suppress(SQLAlchemyError):  # the first failure is the one to hear of
                command(self.connection, "ROLLBACK TO SAVEPOINT antin")
                command(self.connection, "RELEASE SAVEPOINT antin")
            raise
        command(self.connection, "RELEASE SAVEPOINT antin")

    def on_commit(self, callback: Callable[[], None]) -> None:
        """Run `callback` once the transaction is durable."""
        self._after_commit.append(callback)

    def on_rollback(self, callback: Callable[[], None]) -> None:
        """Run `callback` if the transaction did not take place, or nobody knows."""
        self._after_rollback.append(callback)

    def on_undone(self, callback: Callable[[], None]) -> None:
        """Run `callback` if the transaction surely did not take place: for what destroys."""
        self._after_rollback.append(lambda: None if self.is_in_doubt else callback())

    def committed(self) -> None:
        """Run what waited for the commit; called by the owner of the engine only."""
        for callback in self._after_commit:
            callback()

    def rolled_back(self) -> None:
        """Run what waited for a rollback; called by the owner of the engine only."""
        for callback in self._after_rollback:
            callback()


class DatabaseLike(Protocol):
    """What this package needs of a database: the two ways to a connection."""

    def read(self) -> AbstractContextManager[Connection]:
        """A connection for reading, without a transaction around its statements."""

    def transaction(self) -> AbstractContextManager[Transaction]:
        """A write transaction: all of it or nothing."""


class StatementDatabase(DatabaseLike, Protocol):
    """One that also takes a writing statement without a transaction around it."""

    def statement(self) -> AbstractContextManager[Connection]:
        """A connection for one writing statement, which is a transaction by itself."""


_LOCK = text("SELECT pg_advisory_xact_lock(:number)")
_SHARE = text("SELECT pg_advisory_xact_lock_shared(:number)")


def lock_number(name: str) -> int:
    """The number under which PostgreSQL knows the lock of a name: 64 bits, signed."""
    return int.from_bytes(hashlib.sha256(name.encode()).digest()[:8], "big", signed=True)


def lock_until_commit(transaction: Transaction, *, name: str) -> None:
    """Let one transaction at a time pass this point, among all processes, for one `name`.

    SQLite needs no statement: its write transactions are already one after the other.  What the
    transaction reads after this call is what the one before it committed (READ COMMITTED).
    """
    if transaction.connection.dialect.name == "postgresql":
        transaction.connection.execute(_LOCK, {"number": lock_number(name)})


def share_until_commit(transaction: Transaction, *, name: str) -> None:
    """Pass any number at a time, but never while somebody holds `lock_until_commit` of the name."""
    if transaction.connection.dialect.name == "postgresql":
        transaction.connection.execute(_SHARE, {"number": lock_number(name)})
