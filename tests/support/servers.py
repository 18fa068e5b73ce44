"""PostgreSQL and Redis of the tests' own: started on free ports, stopped at the end.

What lives here: `PostgresqlServer` and `RedisServer`, two small processes without durability, and
the session fixtures over them.  Nothing depends on a server that happens to run on the machine.
PostgreSQL refuses to run as root, so root starts it inside a user namespace or, where those are
forbidden, as the user `postgres` or `nobody`.  Not here: tables (`tests/support/stores.py`).
"""

from __future__ import annotations

import os
import pwd
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from functools import cache
from pathlib import Path
from typing import Any, Final

import psycopg
import pytest
import redis

from tests.support.ports import free_port

_START_TIMEOUT_S: Final = 60
_ASK: Final = "run `make test` once: it installs what is missing or says how"


def wait_until(condition: Callable[[], bool], *, what: str, timeout_s: float = 30) -> None:
    """Poll `condition` until it is true; fails the test when that takes longer than `timeout_s`."""
    end = time.monotonic() + timeout_s
    while not condition():
        if time.monotonic() > end:
            pytest.fail(f"waited {timeout_s} s for {what}")
        time.sleep(0.01)


@cache
def _postgresql_folder() -> Path:
    """Where `initdb` and `postgres` are: Debian keeps them out of PATH."""
    on_path = shutil.which("initdb")
    candidates = [Path(on_path).resolve().parent] if on_path else []
    candidates += Path("/usr/lib/postgresql").glob("*/bin")
    candidates += Path("/usr").glob("pgsql-*/bin")
    whole = [one for one in candidates if (one / "postgres").exists() and (one / "initdb").exists()]
    if not whole:
        pytest.fail(f"PostgreSQL is not installed: {_ASK}")
    return max(
        whole, key=lambda one: [int(part) for part in one.parent.name.split(".") if part.isdigit()]
    )


@cache
def _may_unshare() -> bool:
    probe = ("unshare", "--user", "--map-user=1000", "--map-group=1000", "true")
    if shutil.which("unshare") is None:
        return False
    return subprocess.run(probe, check=False, capture_output=True).returncode == 0


def _ends_with_parent() -> tuple[str, ...]:
    """A prefix that stops the server even when the test process is killed."""
    return ("setpriv", "--pdeathsig", "TERM") if shutil.which("setpriv") else ()


class PostgresqlServer:
    """One PostgreSQL cluster in a temporary folder; `start` and `stop` may be called again."""

    def __init__(self) -> None:
        # a short path that another user may enter: the socket's name has 107 bytes at most
        self._folder = Path(tempfile.mkdtemp(prefix="antin-pg-", dir="/tmp"))
        self._data = self._folder / "data"
        self.port = free_port()
        self._process: subprocess.Popen[bytes] | None = None
        self._watching: psycopg.Connection[Any] | None = None
        self._made = 0
        self._as_user: dict[str, Any] = {}
        self._prefix: tuple[str, ...] = ()
        if os.geteuid() == 0:
            self._drop_root()
        self._run_once(
            "initdb", "--pgdata", str(self._data), "--username=antin", "--auth=trust",
            "--encoding=UTF8", "--locale=C", "--no-sync",
        )  # fmt: skip

    def _drop_root(self) -> None:
        if _may_unshare():
            self._prefix = ("unshare", "--user", "--map-user=1000", "--map-group=1000")
            return
        names = {entry.pw_name: entry for entry in pwd.getpwall()}
        entry = names.get("postgres") or names["nobody"]
        shutil.chown(self._folder, entry.pw_uid, entry.pw_gid)
        self._as_user = {"user": entry.pw_uid, "group": entry.pw_gid, "extra_groups": []}

    def _run_once(self, program: str, *arguments: str) -> None:
        command = [*self._prefix, str(_postgresql_folder() / program), *arguments]
        done = subprocess.run(
            command, check=False, capture_output=True, cwd=self._folder, **self._as_user
        )
        if done.returncode != 0:
            pytest.fail(f"{program}: {done.stderr.decode(errors='replace')}")

    def start(self) -> None:
        """Start, and return once connections are answered; the port stays the same."""
        settings = {
            "listen_addresses": "127.0.0.1",
            "port": self.port,
            "unix_socket_directories": self._folder,
            "max_connections": 200,
            "fsync": "off",  # nothing in it outlives the test run
            "synchronous_commit": "off",
            "full_page_writes": "off",
            "autovacuum": "off",
        }
        options = [part for name, value in settings.items() for part in ("-c", f"{name}={value}")]
        command: Sequence[str] = [
            *self._prefix,
            *_ends_with_parent(),
            str(_postgresql_folder() / "postgres"),
            "-D",
            str(self._data),
            *options,
        ]
        with (self._folder / "log").open("ab") as log:
            self._process = subprocess.Popen(
                command, stdout=log, stderr=log, cwd=self._folder, **self._as_user
            )
        wait_until(self._answers, what="PostgreSQL", timeout_s=_START_TIMEOUT_S)

    def _answers(self) -> bool:
        if self._process is None or self._process.poll() is not None:
            log = (self._folder / "log").read_text(errors="replace")
            pytest.fail(f"PostgreSQL did not start: {log[-2000:]}")
        try:
            self.execute("SELECT 1")
        except psycopg.OperationalError:
            return False
        return True

    def stop(self) -> None:
        """Stop at once; connections are cut."""
        if self._watching is not None:
            self._watching.close()
            self._watching = None
        if self._process is not None:
            self._process.send_signal(signal.SIGINT)
            try:
                self._process.wait(20)
            except subprocess.TimeoutExpired:
                self._process.kill()
                self._process.wait()
            self._process = None

    def remove(self) -> None:
        """Stop and delete everything."""
        self.stop()
        shutil.rmtree(self._folder, ignore_errors=True)

    def execute(self, statement: str, *, database: str = "postgres") -> None:
        """Statements outside of a transaction of ours, as the cluster's superuser."""
        with closing(psycopg.connect(self._address(database), autocommit=True)) as connection:
            connection.execute(statement.encode())

    def _address(self, database: str) -> str:
        return f"host=127.0.0.1 port={self.port} user=antin dbname={database} connect_timeout=60"

    def url(self, database: str) -> str:
        """The SQLAlchemy URL of a database of this cluster."""
        return f"postgresql+psycopg://antin@127.0.0.1:{self.port}/{database}"

    def connections_to(self, database: str) -> int:
        """How many sessions a database has; asked after each test, over one connection."""
        question = "SELECT count(*) FROM pg_stat_activity WHERE datname = %s"
        if self._watching is None or self._watching.closed:
            self._watching = psycopg.connect(self._address("postgres"), autocommit=True)
        row = self._watching.execute(question, (database,)).fetchone()
        return int(row[0]) if row else 0

    def make_database(self, template: str = "template0") -> str:
        """A new database, a copy of `template`; returns its name."""
        self._made += 1
        name = f"test_{self._made}"
        self.execute(f"CREATE DATABASE {name} TEMPLATE {template}")
        return name

    def drop_database(self, name: str) -> None:
        """Drop a database, cutting the connections that it still has."""
        self.execute(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")


class RedisServer:
    """One Redis without persistence; `start` and `stop` may be called again."""

    def __init__(self) -> None:
        if shutil.which("redis-server") is None:
            pytest.fail(f"redis-server is not installed: {_ASK}")
        self._folder = Path(tempfile.mkdtemp(prefix="antin-redis-", dir="/tmp"))
        self.port = free_port()
        self.url = f"redis://127.0.0.1:{self.port}/0"
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start, and return once it answers; the port stays the same."""
        command = (
            *_ends_with_parent(), "redis-server", "--bind", "127.0.0.1", "--port", str(self.port),
            "--save", "", "--appendonly", "no", "--dir", str(self._folder),
        )  # fmt: skip
        self._process = subprocess.Popen(command, stdout=subprocess.DEVNULL)
        wait_until(self._answers, what="Redis", timeout_s=_START_TIMEOUT_S)

    def _answers(self) -> bool:
        if self._process is None or self._process.poll() is not None:
            pytest.fail("redis-server did not start")
        try:
            with closing(redis.Redis.from_url(self.url)) as connection:
                return bool(connection.ping())
        except redis.ConnectionError:
            return False

    def flush(self) -> None:
        """Forget everything."""
        with closing(redis.Redis.from_url(self.url)) as connection:
            connection.flushall()

    def stop(self) -> None:
        """Stop at once; connections are cut, what it held is gone."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None

    def remove(self) -> None:
        """Stop and delete everything."""
        self.stop()
        shutil.rmtree(self._folder, ignore_errors=True)


@pytest.fixture(scope="session")
def postgresql_server() -> Iterator[PostgresqlServer]:
    """The cluster of this test process; tests must not stop it (`own_postgresql` is for that)."""
    server = PostgresqlServer()
    try:
        server.start()
        yield server
    finally:
        server.remove()


@pytest.fixture(scope="session")
def postgresql_url(postgresql_server: PostgresqlServer) -> str:
    """A database without tables, shared by the tests of this process.

    For tests that bring tables of their own; `database` and `store_urls` give fresh ones.
    """
    return postgresql_server.url(postgresql_server.make_database())


@pytest.fixture(scope="session")
def redis_server() -> Iterator[RedisServer]:
    """The Redis of this test process; tests must not stop it (`own_redis` is for that)."""
    server = RedisServer()
    try:
        server.start()
        yield server
    finally:
        server.remove()


@pytest.fixture(scope="session")
def redis_url(redis_server: RedisServer) -> str:
    """Address of the Redis of this test process, as it was left; `ephemeral` empties it first."""
    return redis_server.url


@pytest.fixture
def own_postgresql() -> Iterator[PostgresqlServer]:
    """A running cluster for one test alone, which may stop and start it."""
    server = PostgresqlServer()
    try:
        server.start()
        yield server
    finally:
        server.remove()


@pytest.fixture
def own_redis() -> Iterator[RedisServer]:
    """A running Redis for one test alone, which may stop and start it."""
    server = RedisServer()
    try:
        server.start()
        yield server
    finally:
        server.remove()
