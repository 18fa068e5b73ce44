"""Connections that stay open between uses.

What lives here: which connections a process holds, how many, who waits, and what becomes of one
that is returned.  Taking and returning one costs two microseconds; SQLAlchemy's own pool and the
objects that it makes for each use took as long as a statement.  SQLAlchemy's `Connection` is made
once for each connection of the driver and stays, in a transaction that for SQLAlchemy never ends
and of which the driver knows nothing: BEGIN, COMMIT and ROLLBACK are said past it.

1. A connection comes back as it went: no transaction open, nothing half read.  Any other is closed.
2. When one is found broken, so are those that were opened before: none of them is used again.
3. A process that was forked has none of its parent's connections.

Not here: what a read and a transaction are (`database.py`).
"""

from __future__ import annotations

import os
import threading
import time
from collections import deque
from contextlib import suppress
from typing import Any, Final

import psycopg
from psycopg import pq
from sqlalchemy import Connection, Engine

from idp.errors import StorageUnavailable
from keystore.postgresql_wire import say

_IDLE: Final = int(pq.TransactionStatus.IDLE)
_CONNECTED: Final = int(pq.ConnStatus.OK)


class OpenConnection:
    """One connection in the hands of one thread."""

    __slots__ = ("_driver", "_pgconn", "connection", "generation")

    def __init__(self, connection: Connection, *, generation: int) -> None:
        self.connection = connection
        self.generation = generation
        self._driver: Any = connection.connection.driver_connection
        self._pgconn: Any = getattr(self._driver, "pgconn", None)

    def begin(self) -> None:
        """Begin a write transaction.

        Raises  the driver's errors, as the others do.
        """
        if self._pgconn is None:
            # a deferred one that reads and then writes is refused at once, whatever the timeout
            self._driver.execute("BEGIN IMMEDIATE")
        else:
            say(self._pgconn, b"BEGIN")

    def commit(self) -> None:
        """Make it durable.

        Raises  InFailedSqlTransaction: a statement had failed and nobody rolled back; nothing was
                committed.
        """
        if self._pgconn is None:
            self._driver.execute("COMMIT")
        elif (done := say(self._pgconn, b"COMMIT")) != b"COMMIT":
            raise psycopg.errors.InFailedSqlTransaction(f"answered {done.decode()}")

    def roll_back(self) -> None:
        """Undo what is open; where that fails the connection is closed when it comes back."""
        with suppress(Exception):
            if self._pgconn is None:
                if self._driver.in_transaction:
                    self._driver.execute("ROLLBACK")
            elif self._pgconn.transaction_status != _IDLE:
                say(self._pgconn, b"ROLLBACK")

    def is_broken(self) -> bool:
        """Whether the database has gone away, or somebody said that it has."""
        if self._pgconn is not None and self._pgconn.status != _CONNECTED:
            return True
        return self.connection.closed or self.connection.invalidated

    def is_as_it_was(self) -> bool:
        """Whether whoever comes next finds nothing of whoever was here."""
        if self._pgconn is None:
            return not self._driver.in_transaction
        return bool(self._pgconn.transaction_status == _IDLE)

    def close(self) -> None:
        """Close it; what is open in it is rolled back."""
        with suppress(Exception):
            if not self.is_broken():
                self.roll_back()
            self.connection.invalidate()
        with suppress(Exception):
            self.connection.close()


class OpenConnections:
    """The connections of one process; safe for any number of threads.

    Takes   engine: makes connections, and keeps none (`NullPool`); size: how many are kept;
            limit: how many there may be; patience_s: how long a thread waits for one.
    """

    def __init__(self, engine: Engine, *, size: int, limit: int, patience_s: float) -> None:
        self._engine = engine
        self._size = size
        self._limit = limit
        self._patience_s = patience_s
        self._changed = threading.Condition()
        self._idle: deque[OpenConnection] = deque()
        self._waiting = 0
        self._open = 0
        self._generation = 0
        self._process = os.getpid()
        self._of_the_parent: list[OpenConnection] = []

    def take(self) -> OpenConnection:
        """The connection that was used last, or a new one.

        Raises  StorageUnavailable: all are in use, for as long as anybody waits; what connecting
                raises.
        """
        if self._process != os.getpid():
            self._begin_anew()
        try:
            return self._idle.pop()
        except IndexError:
            return self._take_or_wait()

    def give_back(self, held: OpenConnection) -> None:
        """It is not used any more."""
        # 2
        if held.is_broken():
            with self._changed:
                if held.generation == self._generation:
                    self._generation += 1
            self._close_idle()
        # 1
        elif (
            held.generation == self._generation
            and held.is_as_it_was()
            and len(self._idle) < self._size
        ):
            self._idle.append(held)
            if self._waiting:
                with self._changed:
                    self._changed.notify()
            return
        held.close()
        self._forget_one()

    def close(self) -> None:
        """Close those that nobody uses, and the others when they come back."""
        with self._changed:
            self._generation += 1
        self._close_idle()

    def _take_or_wait(self) -> OpenConnection:
        deadline = time.monotonic() + self._patience_s
        with self._changed:
            while self._open >= self._limit:
                # before the look: whoever returns one from now on tells us
                self._waiting += 1
                try:
                    if self._idle:
                        return self._idle.pop()
                    if not self._changed.wait(deadline - time.monotonic()):
                        raise StorageUnavailable
                finally:
                    self._waiting -= 1
            self._open += 1
            generation = self._generation
        try:
            connection = self._engine.connect()
            try:
                connection.begin()
                return OpenConnection(connection, generation=generation)
            except BaseException:
                connection.close()
                raise
        except BaseException:
            self._forget_one()
            raise

    def _forget_one(self) -> None:
        with self._changed:
            self._open -= 1
            self._changed.notify()

    def _close_idle(self) -> None:
        while self._idle:
            with suppress(IndexError):
                self._idle.pop().close()
                self._forget_one()

    def _begin_anew(self) -> None:
        # 3: kept and never touched, because closing them would end the parent's
        self._of_the_parent += self._idle
        self._idle.clear()
        self._changed = threading.Condition()
        self._open = self._waiting = 0
        self._generation += 1
        self._process = os.getpid()
