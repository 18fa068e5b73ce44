"""PostgreSQL and Redis of the run's own, as durable as in production.

What lives here: the two servers of the tests, PostgreSQL with its own defaults in place of the
tests' shortcuts, so that every acknowledged write has reached the disk.  Not here: tables.
"""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass

import psycopg
import redis

from tests.support.servers import (
    PostgresqlServer,
    RedisServer,
    _ends_with_parent,
    _postgresql_folder,
    wait_until,
)


@dataclass(frozen=True, slots=True)
class Stores:
    """Where the providers of a run keep their state."""

    postgresql: PostgresqlServer
    redis: RedisServer

    def make_database(self) -> str:
        """A new empty database; its SQLAlchemy URL."""
        return self.postgresql.url(self.postgresql.make_database())

    def ephemeral_url(self, number: int) -> str:
        """One of the sixteen separate rooms of the Redis server."""
        return f"{self.redis.url.removesuffix('/0')}/{number}"

    def versions(self) -> tuple[str, str]:
        """Versions of PostgreSQL and Redis."""
        address = self.postgresql.url("postgres").replace("+psycopg", "")
        with closing(psycopg.connect(address)) as connection:
            row = connection.execute("SHOW server_version").fetchone()
        with closing(redis.Redis.from_url(self.redis.url)) as server:
            facts = server.info("server")
        return str(row[0]).split()[0] if row else "?", str(facts["redis_version"])


class _DurablePostgresql(PostgresqlServer):
    """The tests' cluster without their shortcuts: PostgreSQL's own defaults, and durable."""

    def start(self) -> None:
        """Start, and return once connections are answered."""
        settings = {
            "listen_addresses": "127.0.0.1",
            "port": self.port,
            "unix_socket_directories": self._folder,
            "shared_buffers": "256MB",
        }
        options = [part for name, value in settings.items() for part in ("-c", f"{name}={value}")]
        program = str(_postgresql_folder() / "postgres")
        command = [*self._prefix, *_ends_with_parent(), program, "-D", str(self._data), *options]
        with (self._folder / "log").open("ab") as log:
            self._process = subprocess.Popen(
                command, stdout=log, stderr=log, cwd=self._folder, **self._as_user
            )
        wait_until(self._answers, what="PostgreSQL")


@contextmanager
def open_stores() -> Iterator[Stores]:
    """Both servers, started on free ports and removed at the end."""
    postgresql, ephemeral = _DurablePostgresql(), RedisServer()
    try:
        postgresql.start()
        ephemeral.start()
        yield Stores(postgresql, ephemeral)
    finally:
        ephemeral.remove()
        postgresql.remove()
