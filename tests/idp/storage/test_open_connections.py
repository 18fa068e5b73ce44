"""Connections that stay open between uses: nothing of one user is left for the next."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator
from contextlib import ExitStack, suppress

import pytest
from sqlalchemy import BigInteger, Boolean, bindparam, create_engine, text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.pool import NullPool

from idp.errors import StorageUnavailable
from idp.storage.database import Database
from idp.storage.open_connections import OpenConnections
from keystore.statement import Statement

_WHO = Statement(text("SELECT pg_backend_pid() AS pid").columns(pid=BigInteger))
_END = Statement(
    text("SELECT pg_terminate_backend(CAST(:pid AS int), 5000) AS ended")
    .bindparams(bindparam("pid", type_=BigInteger))
    .columns(ended=Boolean)
)


@pytest.fixture
def on_postgresql(postgresql_url: str) -> Iterator[Database]:
    """Connections whose server can tell them apart."""
    database = Database(postgresql_url, pool_size=2)
    yield database
    database.close()


def _two_at_once(database: Database) -> list[int]:
    with database.read() as one, database.read() as two:
        return [_WHO.scalar_or_none(one), _WHO.scalar_or_none(two)]


def test_a_connection_is_used_again_and_by_nobody_else_at_the_same_time(
    on_postgresql: Database,
) -> None:
    first = _two_at_once(on_postgresql)
    assert first[0] != first[1]
    assert set(_two_at_once(on_postgresql)) == set(first)


def test_what_is_more_than_the_size_is_closed_when_it_comes_back(on_postgresql: Database) -> None:
    with ExitStack() as stack:
        held = [stack.enter_context(on_postgresql.read()) for _ in range(4)]
        pids = {_WHO.scalar_or_none(one) for one in held}
    assert len(pids) == 4
    with ExitStack() as stack:
        held = [stack.enter_context(on_postgresql.read()) for _ in range(4)]
        assert len(pids & {_WHO.scalar_or_none(one) for one in held}) == 2


def test_when_one_is_broken_none_of_those_opened_before_is_used_again(
    on_postgresql: Database, postgresql_url: str
) -> None:
    """The server was restarted: one error is enough to notice it."""
    before = _two_at_once(on_postgresql)
    other = Database(postgresql_url, pool_size=1)
    with other.read() as connection:
        for pid in before:
            _END.all(connection, {"pid": pid})
    other.close()
    with pytest.raises(StorageUnavailable), on_postgresql.read() as connection:
        _WHO.all(connection)
    assert not set(_two_at_once(on_postgresql)) & set(before)


def test_one_that_was_out_while_another_broke_is_not_taken_back(on_postgresql: Database) -> None:
    with on_postgresql.read() as out:
        pid = _WHO.scalar_or_none(out)
        with pytest.raises(StorageUnavailable), on_postgresql.read() as connection:
            _END.all(connection, {"pid": _WHO.scalar_or_none(connection)})
        assert _WHO.scalar_or_none(out) == pid  # it works, and may end what it began
    assert pid not in _two_at_once(on_postgresql)


def test_a_transaction_that_a_read_left_open_is_undone(database: Database) -> None:
    with database.transaction() as tx:
        tx.connection.execute(text("CREATE TABLE left_over (x INTEGER)"))
    with database.read() as connection:
        connection.exec_driver_sql("BEGIN")
        connection.execute(text("INSERT INTO left_over VALUES (1)"))
    with database.transaction() as tx:
        assert tx.connection.execute(text("SELECT count(*) FROM left_over")).scalar_one() == 0
        tx.connection.execute(text("DROP TABLE left_over"))


def test_a_failure_that_nobody_undid_is_not_called_a_commit(on_postgresql: Database) -> None:
    """PostgreSQL answers such a COMMIT with ROLLBACK, and no error."""
    ended: list[str] = []

    def act() -> None:
        with on_postgresql.transaction() as tx:
            tx.on_commit(lambda: ended.append("committed"))
            tx.on_rollback(lambda: ended.append("rolled back"))
            with pytest.raises(DBAPIError):
                tx.connection.execute(text("SELECT nothing FROM nowhere"))

    with pytest.raises(Exception, match="ROLLBACK"):
        act()
    assert ended == ["rolled back"]


def test_what_fails_in_a_savepoint_is_undone_alone(database: Database) -> None:
    with database.transaction() as tx:
        tx.connection.execute(text("CREATE TABLE kept (x INTEGER PRIMARY KEY)"))
        add = Statement(text("INSERT INTO kept VALUES (1) RETURNING x").columns(x=BigInteger))
        for _ in range(3):  # the third time it is one that the server has prepared
            with tx.savepoint():
                add.all(tx.connection)
            with pytest.raises(DBAPIError), tx.savepoint():
                add.all(tx.connection)
            with suppress(ZeroDivisionError), tx.savepoint():
                tx.connection.execute(text("DELETE FROM kept"))
                raise ZeroDivisionError
            assert tx.connection.execute(text("DELETE FROM kept")).rowcount == 1
        tx.connection.execute(text("DROP TABLE kept"))


def test_a_fork_has_none_of_its_parents_connections(
    on_postgresql: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    (parents, _) = _two_at_once(on_postgresql)
    with monkeypatch.context() as patch:
        patch.setattr(os, "getpid", lambda: -1)
        (childs, _) = _two_at_once(on_postgresql)
        on_postgresql.close()
    assert childs != parents
    with on_postgresql.read() as connection:
        alive = text("SELECT count(*) FROM pg_stat_activity WHERE pid = :pid")
        assert connection.execute(alive, {"pid": parents}).scalar_one() == 1


def _connections(*, limit: int, patience_s: float) -> OpenConnections:
    engine = create_engine("sqlite://", isolation_level="AUTOCOMMIT", poolclass=NullPool)
    return OpenConnections(engine, size=1, limit=limit, patience_s=patience_s)


def test_whoever_finds_all_in_use_is_refused_after_a_while() -> None:
    connections = _connections(limit=1, patience_s=0.01)
    held = connections.take()
    with pytest.raises(StorageUnavailable):
        connections.take()
    connections.give_back(held)
    assert connections.take() is held


def test_whoever_waits_gets_the_next_that_comes_back() -> None:
    connections = _connections(limit=2, patience_s=20)
    held = [connections.take(), connections.take()]
    got = []

    def take() -> None:
        got.append(connections.take())

    threads = [threading.Thread(target=take) for _ in range(2)]
    for thread in threads:
        thread.start()
    for one in held:
        connections.give_back(one)
    for thread in threads:
        thread.join()
    assert len(got) == 2
    assert got[0] is not got[1]
    for one in got:
        connections.give_back(one)


def test_a_connection_that_cannot_be_made_takes_nobodys_place() -> None:
    engine = create_engine("sqlite:////nowhere/at/all.db", poolclass=NullPool)
    connections = OpenConnections(engine, size=1, limit=1, patience_s=0.01)
    for _ in range(3):
        with pytest.raises(DBAPIError):
            connections.take()
