"""Databases and ephemeral stores for tests, each as it comes out of the box and in production.

What lives here: fixtures that run a test once per implementation: `database` on SQLite and
PostgreSQL with every table, `ephemeral` on SQL and Redis, `store_urls` for tests that start
processes.  Every test sees empty tables.  Not here: the servers (`tests/support/servers.py`).
"""

from __future__ import annotations

import importlib
import pkgutil
import shutil
import time
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, Final

import psycopg
import pytest
from sqlalchemy import MetaData

from idp.storage.database import Database
from tests.support.pii_alarm import PiiAlarm
from tests.support.servers import PostgresqlServer, RedisServer

_PACKAGES_WITH_TABLES: Final = ("idp.storage", "keystore", "clients.registry", "signing.storage")
_METADATA_MODULES: Final = (
    "keystore.storage",
    "clients.registry.storage",
    "idp.storage.database",
    "signing.storage",
)


@cache
def all_metadata() -> tuple[MetaData, ...]:
    """The tables of every package, once every module that may declare one is imported."""
    for package in _PACKAGES_WITH_TABLES:
        home = importlib.import_module(package)
        for module in pkgutil.walk_packages(home.__path__, prefix=f"{package}."):
            if ".migrations" not in module.name:  # Alembic's files only run under Alembic
                importlib.import_module(module.name)
    return tuple(importlib.import_module(name).metadata for name in _METADATA_MODULES)


def create_all_tables(url: str) -> None:
    """Create every table of the four packages in the database at `url`."""
    database = Database(url, pool_size=1)
    try:
        for metadata in all_metadata():
            metadata.create_all(database.engine)
    finally:
        database.close()


@dataclass(frozen=True, slots=True)
class StoreUrls:
    """Where a process under test keeps its state: fresh, with all tables, for one test."""

    kind: str
    """`sqlite+sql` (out of the box) or `postgresql+redis` (production)."""
    database: str
    ephemeral: str


@pytest.fixture(scope="session")
def sqlite_template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A SQLite file with every table and no row, to be copied."""
    file = tmp_path_factory.mktemp("template") / "antin.db"
    create_all_tables(f"sqlite:///{file}")
    return file


@pytest.fixture(scope="session")
def postgresql_template(postgresql_server: PostgresqlServer) -> str:
    """Name of a PostgreSQL database with every table and no row, to be copied."""
    name = postgresql_server.make_database()
    create_all_tables(postgresql_server.url(name))
    return name


@pytest.fixture
def sqlite_url(sqlite_template: Path, tmp_path: Path) -> str:
    """A SQLite database with every table, for one test."""
    file = tmp_path / "antin.db"
    shutil.copyfile(sqlite_template, file)
    return f"sqlite:///{file}"


class _Databases:
    """Databases of one cluster with every table, each emptied and used again.

    A copy of the template takes 100 ms, emptying what a test left behind 5 ms.
    """

    def __init__(self, server: PostgresqlServer, template: str) -> None:
        self._server = server
        self._template = template
        self._clean: list[str] = []
        tables = [table for metadata in all_metadata() for table in metadata.tables.values()]
        self._empty = "".join(f"{table.delete()};" for table in tables)

    def take(self) -> str:
        return self._clean.pop() if self._clean else self._server.make_database(self._template)

    def give_back(self, name: str) -> None:
        if self._is_left(name) and self._emptied(name):
            self._clean.append(name)
        else:
            self._server.drop_database(name)

    def _is_left(self, name: str) -> bool:
        """Whether nobody is connected; a connection that was just closed lingers for a moment."""
        for _ in range(20):
            if self._server.connections_to(name) == 0:
                return True
            time.sleep(0.005)
        return False

    def _emptied(self, name: str) -> bool:
        statements = (
            f"SET session_replication_role = replica; SET lock_timeout = '2s'; {self._empty}"
        )
        try:
            self._server.execute(statements, database=name)
        except psycopg.Error:  # the test changed the tables themselves
            return False
        return True


@pytest.fixture(scope="session")
def _postgresql_databases(
    postgresql_server: PostgresqlServer, postgresql_template: str
) -> _Databases:
    return _Databases(postgresql_server, postgresql_template)


@pytest.fixture
def fresh_postgresql_url(
    postgresql_server: PostgresqlServer, _postgresql_databases: _Databases
) -> Iterator[str]:
    """A PostgreSQL database with every table and no row, for one test."""
    name = _postgresql_databases.take()
    yield postgresql_server.url(name)
    _postgresql_databases.give_back(name)


@pytest.fixture(params=["sqlite", "postgresql"])
def database(request: pytest.FixtureRequest, pii_alarm: PiiAlarm) -> Iterator[Database]:
    """A database with every table, once on SQLite and once on PostgreSQL.

    On SQLite the file is searched afterwards: what belongs to a person is sealed at rest.
    """
    name = "sqlite_url" if request.param == "sqlite" else "fresh_postgresql_url"
    opened = Database(request.getfixturevalue(name), pool_size=4)
    yield opened
    if opened.is_sqlite:
        for file in Path(str(opened.engine.url.database)).parent.glob("antin.db*"):
            pii_alarm.watch_bytes(file.read_bytes(), where="the database at rest")
    opened.close()


@pytest.fixture(params=["sql", "redis"])
def ephemeral(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Any]:
    """An empty ephemeral store, once in a SQLite file of its own and once in Redis."""
    if request.param == "sql":
        sql = importlib.import_module("idp.storage.ephemeral_sql")
        store = sql.SqlEphemeralStore(f"sqlite:///{tmp_path / 'ephemeral.db'}")
    else:
        server: RedisServer = request.getfixturevalue("redis_server")
        server.flush()
        in_redis = importlib.import_module("idp.storage.ephemeral_redis")
        store = in_redis.RedisEphemeralStore(server.url)
    yield store
    store.close()


@pytest.fixture(params=["sqlite+sql", "postgresql+redis"])
def store_urls(request: pytest.FixtureRequest, tmp_path: Path) -> StoreUrls:
    """Both deployments, for tests that start the application or whole processes."""
    if request.param == "sqlite+sql":
        return StoreUrls(
            kind=request.param,
            database=request.getfixturevalue("sqlite_url"),
            ephemeral=f"sqlite:///{tmp_path / 'ephemeral.db'}",
        )
    server: RedisServer = request.getfixturevalue("redis_server")
    server.flush()
    return StoreUrls(
        kind=request.param,
        database=request.getfixturevalue("fresh_postgresql_url"),
        ephemeral=server.url,
    )
