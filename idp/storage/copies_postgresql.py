"""Copies of a PostgreSQL database.

What lives here: pg_dump in its custom format for the way out, over one exported snapshot; a schema
of another name for the way in.  Restoring renames the schema `public` to one that is kept, and
reads the copy into a new `public`, so that giving up is renaming it back.
Source: PostgreSQL, "pg_dump", "pg_restore", §9.28.5 (snapshot synchronization).
Not here: what a backup is.  Passwords go to the programs by the environment, never by arguments.
"""

from __future__ import annotations

import os
import shutil
import subprocess
from datetime import datetime
from pathlib import Path
from typing import Any, Final

from psycopg.conninfo import make_conninfo
from sqlalchemy import URL, Connection, make_url, text

from idp.storage.copies import CopyFailed, LogState, read_log_state, stamp_of
from idp.storage.database import Database

_ASIDE: Final = "before_restore"
_USERS: Final = text(
    "SELECT coalesce(nullif(application_name, ''), backend_type) || ' of ' || usename"
    " FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()"
    " AND backend_type = 'client backend'"
)
_TABLES: Final = text("SELECT 1 FROM pg_tables WHERE schemaname = :aside LIMIT 1")
_SCHEMAS: Final = text("SELECT nspname FROM pg_namespace WHERE nspname IN ('public', :aside)")


class PostgresqlCopies:
    """Copies of the PostgreSQL database at an SQLAlchemy URL."""

    kind = "postgresql"

    def __init__(self, url: str) -> None:
        self._url = url
        self._parts = make_url(url)

    def copy_out(self, target: Path) -> LogState:
        """See `Copies`."""
        database = Database(self._url, pool_size=1)
        try:
            with database.transaction() as tx:
                connection = tx.connection
                connection.execute(
                    text("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")
                )
                connection.execute(text("SET LOCAL statement_timeout = 0"))
                snapshot = connection.execute(text("SELECT pg_export_snapshot()")).scalar_one()
                state = read_log_state(connection)
                self._run(
                    "pg_dump",
                    "--format=custom",
                    "--no-owner",
                    "--no-privileges",
                    "--schema=public",
                    f"--snapshot={snapshot}",
                    f"--file={target}",
                )
        finally:
            database.close()
        target.chmod(0o600)
        return state

    def find_users(self) -> tuple[str, ...]:
        """See `Copies`."""
        database = Database(self._url, pool_size=1)
        try:
            with database.read() as connection:
                return tuple(sorted(set(connection.execute(_USERS).scalars())))
        finally:
            database.close()

    def stage(self, source: Path) -> str:
        """See `Copies`."""
        database = Database(self._url, pool_size=1)
        try:
            with database.transaction() as tx:
                if _ASIDE in _schemas(tx.connection):
                    # a restore was interrupted here: what is in `public` is half of a copy
                    tx.connection.execute(text("DROP SCHEMA IF EXISTS public CASCADE"))
                elif "public" in _schemas(tx.connection):
                    tx.connection.execute(text(f"ALTER SCHEMA public RENAME TO {_ASIDE}"))
                tx.connection.execute(text("CREATE SCHEMA public"))
        finally:
            database.close()
        self._run(
            "pg_restore",
            "--no-owner",
            "--no-privileges",
            "--schema=public",
            "--single-transaction",
            "--exit-on-error",
            f"--dbname={self._address()}",
            str(source),
        )
        return self._url

    def accept(self, *, now: datetime) -> str | None:
        """See `Copies`."""
        kept = f"{_ASIDE}_{stamp_of(now).lower()}"
        database = Database(self._url, pool_size=1)
        try:
            with database.transaction() as tx:
                if _ASIDE not in _schemas(tx.connection):
                    return None
                if tx.connection.execute(_TABLES, {"aside": _ASIDE}).first() is None:
                    tx.connection.execute(text(f"DROP SCHEMA {_ASIDE} CASCADE"))
                    return None
                tx.connection.execute(text(f"ALTER SCHEMA {_ASIDE} RENAME TO {kept}"))
        finally:
            database.close()
        return f"schema {kept}"

    def give_up(self) -> None:
        """See `Copies`."""
        database = Database(self._url, pool_size=1)
        try:
            with database.transaction() as tx:
                if _ASIDE in _schemas(tx.connection):
                    tx.connection.execute(text("DROP SCHEMA IF EXISTS public CASCADE"))
                    tx.connection.execute(text(f"ALTER SCHEMA {_ASIDE} RENAME TO public"))
        finally:
            database.close()

    def _run(self, program: str, *arguments: str) -> None:
        path = shutil.which(program)
        if path is None:
            raise CopyFailed(f"{program} is not installed (a package postgresql-client)")
        environment = {"PATH": os.environ.get("PATH", "/usr/bin:/bin"), "LC_ALL": "C.UTF-8"}
        if self._parts.password is not None:
            environment["PGPASSWORD"] = str(self._parts.password)
        command = [path, *arguments]
        if program == "pg_dump":
            command.append(f"--dbname={self._address()}")
        done = subprocess.run(command, env=environment, capture_output=True, check=False)
        if done.returncode != 0:
            said = done.stderr.decode(errors="replace").strip().splitlines() or ["no reason given"]
            raise CopyFailed(f"{program}: {said[0]}")

    def _address(self) -> str:
        parts: URL = self._parts
        given: dict[str, Any] = {
            "host": parts.host,
            "port": parts.port,
            "user": parts.username,
            "dbname": parts.database,
            **{name: value for name, value in parts.query.items() if isinstance(value, str)},
        }
        return make_conninfo(**{name: value for name, value in given.items() if value is not None})


def _schemas(connection: Connection) -> set[str]:
    return set(connection.execute(_SCHEMAS, {"aside": _ASIDE}).scalars())
