"""Bringing a PostgreSQL database up to date while people sign in.

What lives here: one revision after the other, each in a transaction of its own, and before it the
indexes that it adds to tables with rows, built beside those who write.  What breaks off is gone on
with by the next run.  Not here: which revisions there are (`idp/storage/migrations`), and databases
that nobody uses yet (`idp/storage/schema.py`).
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Final

from alembic.migration import MigrationContext
from alembic.operations import Operations
from alembic.runtime.migration import MigrationStep
from alembic.script import Script, ScriptDirectory
from sqlalchemy import Connection, text
from sqlalchemy.exc import OperationalError

from idp.errors import StorageUnavailable, TablesBusy, UpgradeRunning
from idp.storage.database import Database
from idp.storage.migrations.indexes import AddedIndex, build_beside
from keystore.storage import lock_number

LOCK: Final = "schema"
"""The lock of whoever changes tables."""

_LOCK_TIMEOUT_MS: Final = 500
"""Whoever waits to alter a table keeps everybody behind it waiting; a sign-in can bear half a
second now and then."""

PAUSES_S: Final = (1.0, 2.0, 5.0, 10.0, *(15.0,) * 40)
"""Between two tries; ten minutes in all."""

_LOST_WAITS: Final = frozenset({"55P03", "40P01"})
"""lock_not_available, deadlock_detected: PostgreSQL, Appendix A."""

_TRY_LOCK: Final = text("SELECT pg_try_advisory_lock(:number)")
_HOLDER: Final = text(
    "SELECT pid FROM pg_locks WHERE locktype = 'advisory' AND granted AND objsubid = 1"
    " AND database = (SELECT oid FROM pg_database WHERE datname = current_database())"
    " AND classid = :high AND objid = :low"
)
_LONG_ONES: Final = text(
    "SELECT pid FROM pg_stat_activity WHERE datname = current_database()"
    " AND xact_start IS NOT NULL AND pid <> pg_backend_pid() ORDER BY xact_start LIMIT 3"
)
_SESSION: Final = (
    "SET statement_timeout = 0; SET lock_timeout = 0;"
    # the server notices within seconds that this process was killed, instead of building on for an
    # hour; before PostgreSQL 14 there is no such setting
    " SELECT set_config(name, '10s', false) FROM pg_settings"
    " WHERE name = 'client_connection_check_interval'"
)
_MASK: Final = 0xFFFF_FFFF


@dataclass(frozen=True, slots=True, kw_only=True)
class Stage:
    """Where an upgrade is: at a revision, at one of its indexes, or waiting for a table."""

    revision: str
    title: str
    index: str | None = None
    is_waiting: bool = False


def say_nothing(_stage: Stage) -> None:
    """For callers that show no progress."""


def upgrade_in_use(
    database: Database,
    *,
    scripts: ScriptDirectory,
    tell: Callable[[Stage], None] = say_nothing,
    pause: Callable[[float], None] = time.sleep,
    pauses_s: Sequence[float] = PAUSES_S,
) -> None:
    """Go through every revision that the database has not been through.

    Takes   database: PostgreSQL, of some revision; scripts: all revisions.
    Raises  UpgradeRunning (carries the backend of the other); TablesBusy (the revision before stays
            whole, run it again); StorageUnavailable.
    """
    if not _pending(database, scripts):
        return
    with _alone(database) as connection:
        for script in _pending(database, scripts):
            stage = Stage(revision=script.revision, title=script.doc)
            tell(stage)
            for index in _indexes(script):
                tell(Stage(revision=stage.revision, title=stage.title, index=index.name))
                _build(connection, index, pause=pause, pauses_s=pauses_s)
            for wait_s in (*pauses_s, None):
                if _has_gone_through(database, scripts, script):
                    break
                if wait_s is None:
                    raise TablesBusy(script.revision, backends=_long_ones(connection))
                tell(Stage(revision=stage.revision, title=stage.title, is_waiting=True))
                pause(wait_s)


def _pending(database: Database, scripts: ScriptDirectory) -> list[Script]:
    with database.read() as connection:
        current = MigrationContext.configure(connection).get_current_revision()
    return list(scripts.iterate_revisions("head", current or "base"))[::-1]


def _indexes(script: Script) -> Sequence[AddedIndex]:
    found: Sequence[AddedIndex] = getattr(script.module, "INDEXES", ())
    return found


@contextmanager
def _alone(database: Database) -> Iterator[Connection]:
    """A connection that holds the lock for as long as it is open, and has no time limit.

    What was set on it ends with it, and so does the lock.
    """
    number = lock_number(LOCK)
    with database.session() as connection:
        connection.exec_driver_sql(_SESSION)
        if not connection.execute(_TRY_LOCK, {"number": number}).scalar_one():
            halves = {"high": number >> 32 & _MASK, "low": number & _MASK}
            holder = connection.execute(_HOLDER, halves).scalar_one_or_none()
            raise UpgradeRunning(backend=holder)
        yield connection


def _build(
    connection: Connection,
    index: AddedIndex,
    *,
    pause: Callable[[float], None],
    pauses_s: Sequence[float],
) -> None:
    for wait_s in (*pauses_s, None):
        try:
            build_beside(connection, index)
        except OperationalError as failure:
            if wait_s is None or not _is_lost_wait(failure):
                raise
            pause(wait_s)
        else:
            return


def _has_gone_through(database: Database, scripts: ScriptDirectory, script: Script) -> bool:
    """The revision and its number in one transaction; False where a table was not to be had."""
    step = MigrationStep.upgrade_from_script(scripts.revision_map, script)
    try:
        with database.transaction() as tx:
            tx.connection.exec_driver_sql(
                f"SET LOCAL statement_timeout = 0; SET LOCAL lock_timeout = {_LOCK_TIMEOUT_MS}"
            )
            context = MigrationContext.configure(
                tx.connection, opts={"fn": lambda _heads, _context: [step]}
            )
            with Operations.context(context):
                context.run_migrations()
    except StorageUnavailable as failure:
        if _is_lost_wait(failure.__cause__):
            return False
        raise
    return True


def _is_lost_wait(failure: BaseException | None) -> bool:
    return getattr(getattr(failure, "orig", failure), "sqlstate", None) in _LOST_WAITS


def _long_ones(connection: Connection) -> tuple[int, ...]:
    return tuple(connection.execute(_LONG_ONES).scalars())
