"""A PostgreSQL database is brought up to date while people write into it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from functools import cache
from typing import Any, Final

import psycopg
import pytest
from alembic import command
from alembic.script import ScriptDirectory
from sqlalchemy import text

from idp.errors import StorageUnavailable, TablesBusy, UpgradeRunning
from idp.storage.database import Database
from idp.storage.schema import alembic_config, is_current, upgrade
from idp.storage.upgrading import LOCK, Stage, upgrade_in_use
from keystore.storage import lock_until_commit
from tests.support.servers import PostgresqlServer, wait_until

_ROW: Final = (
    "INSERT INTO log_event (writer, seq, prev_hash, row_hash, leaf, at_ms, type, version, facts,"
    " sealed, account_id) VALUES ('w', %s, '', '', '', 1, 'account:locked', 1, '{}', '', 'a')"
)
_PHASE: Final = "SELECT phase FROM pg_stat_progress_create_index"
_INVALID: Final = (
    "SELECT relname FROM pg_index JOIN pg_class ON oid = indexrelid WHERE NOT indisvalid"
)


class _Older:
    """A database of an older revision, and people who use it."""

    def __init__(self, server: PostgresqlServer, *, template: str) -> None:
        self._server = server
        self.name = server.make_database(template)
        self.database = Database(server.url(self.name), pool_size=3)

    @contextmanager
    def person(self) -> Iterator[psycopg.Connection[Any]]:
        """Somebody whose statements wait for no lock: what is locked fails at once."""
        url = self._server.url(self.name).replace("+psycopg", "")
        with psycopg.connect(url, options="-c lock_timeout=100") as connection:
            yield connection

    def asks(self, question: str) -> list[Any]:
        with self.database.read() as connection:
            return list(connection.execute(text(question)).scalars())


@pytest.fixture
def background() -> Iterator[ThreadPoolExecutor]:
    """Where the upgrade runs while the test writes."""
    with ThreadPoolExecutor(max_workers=1) as threads:
        yield threads


@pytest.fixture(scope="module")
def template_of(postgresql_server: PostgresqlServer) -> Callable[[str], str]:
    """A database of a revision to be copied: made once."""

    @cache
    def make(revision: str) -> str:
        name = postgresql_server.make_database()
        database = Database(postgresql_server.url(name), pool_size=1)
        config = alembic_config()
        with database.transaction() as tx:
            config.attributes["connection"] = tx.connection
            command.upgrade(config, revision)
        database.close()
        wait_until(lambda: postgresql_server.connections_to(name) == 0, what="its last connection")
        return name

    return make


@pytest.fixture
def older(
    request: pytest.FixtureRequest,
    postgresql_server: PostgresqlServer,
    template_of: Callable[[str], str],
) -> Iterator[_Older]:
    """A database of the revision that the test names."""
    made = _Older(postgresql_server, template=template_of(request.param))
    yield made
    made.database.close()
    postgresql_server.drop_database(made.name)


def _is_building(older: _Older, upgrading: Future[None]) -> bool:
    return upgrading.done() or older.asks(_PHASE) == ["waiting for writers before build"]


@pytest.mark.parametrize("older", ["0019"], indirect=True)
def test_rows_are_written_while_an_index_over_them_is_built(
    older: _Older, background: ThreadPoolExecutor
) -> None:
    with older.person() as slow, older.person() as quick:
        slow.execute(_ROW, (1,))  # the build waits for whoever wrote before it began
        upgrading = background.submit(upgrade, older.database)
        wait_until(lambda: _is_building(older, upgrading), what="the build")
        quick.execute(_ROW, (2,))
        quick.commit()
        with pytest.raises(UpgradeRunning) as refused:
            upgrade(older.database)
        assert refused.value.backend in older.asks("SELECT pid FROM pg_stat_progress_create_index")
        assert not upgrading.done()
        assert older.asks("SELECT version_num FROM alembic_version") == ["0019"]
        slow.commit()
        upgrading.result(30)
    assert is_current(older.database)
    assert older.asks(_INVALID) == []
    assert older.asks("SELECT seq FROM log_event ORDER BY seq") == [1, 2]


@pytest.mark.parametrize("older", ["0019"], indirect=True)
def test_a_build_that_was_broken_off_is_begun_again(
    older: _Older, background: ThreadPoolExecutor
) -> None:
    with older.person() as slow:
        slow.execute(_ROW, (1,))
        upgrading = background.submit(upgrade, older.database)
        wait_until(lambda: _is_building(older, upgrading), what="the build")
        older.asks("SELECT pg_terminate_backend(pid) FROM pg_stat_progress_create_index")
        with pytest.raises(StorageUnavailable):
            upgrading.result(30)
        assert older.asks(_INVALID) == ["log_event_seldom"]
        assert not is_current(older.database)
    upgrade(older.database)
    assert is_current(older.database)
    assert older.asks(_INVALID) == []


@pytest.mark.parametrize("older", ["0010"], indirect=True)
def test_a_table_that_is_in_use_is_waited_for_without_a_queue_behind(older: _Older) -> None:
    """Whoever comes while a revision waits is served; what was done before stays done."""
    paused: list[float] = []
    told: list[Stage] = []
    with older.person() as slow, older.person() as quick:
        slow.execute("SELECT count(*) FROM personal_key")  # the second table that 0011 alters

        def pause(wait_s: float) -> None:
            paused.append(wait_s)
            quick.execute("SELECT count(*) FROM certificate")
            quick.execute("SELECT count(*) FROM personal_key")
            quick.commit()
            if len(paused) == 2:
                slow.commit()

        upgrade_in_use(older.database, scripts=_scripts(), tell=told.append, pause=pause)
    assert paused == [1.0, 2.0]
    assert is_current(older.database)
    of_first = [(one.index, one.is_waiting) for one in told if one.revision == "0011"]
    assert of_first == [
        *((None, False), ("log_event_of_use", False)),
        *((None, True), (None, True)),
    ]


@pytest.mark.parametrize("older", ["0010"], indirect=True)
def test_a_table_that_is_never_free_ends_the_upgrade_and_leaves_the_revision_before_whole(
    older: _Older,
) -> None:
    with older.person() as slow:
        slow.execute("SELECT count(*) FROM personal_key")
        with pytest.raises(TablesBusy) as busy:
            upgrade_in_use(older.database, scripts=_scripts(), pauses_s=())
        assert slow.info.backend_pid in busy.value.backends
    assert busy.value.revision == "0011"
    assert older.asks("SELECT version_num FROM alembic_version") == ["0010"]
    upgrade(older.database)
    assert is_current(older.database)


@pytest.mark.parametrize("older", ["0019"], indirect=True)
def test_an_upgrade_of_the_version_before_keeps_this_one_out(older: _Older) -> None:
    """It held the same lock, in its one transaction."""
    with older.database.transaction() as tx:
        lock_until_commit(tx, name=LOCK)
        with pytest.raises(UpgradeRunning):
            upgrade(older.database)
    upgrade(older.database)
    assert is_current(older.database)


@pytest.mark.parametrize("older", ["0019"], indirect=True)
def test_the_lock_and_what_was_set_end_with_the_upgrade(older: _Older) -> None:
    """Connections stay open between uses; that of an upgrade does not."""
    before = older.asks("SHOW statement_timeout")
    upgrade(older.database)
    held = "SELECT pid FROM pg_locks WHERE locktype = 'advisory'"
    wait_until(lambda: older.asks(held) == [], what="its backend to end")
    assert older.asks("SHOW statement_timeout") == before != ["0"]


def _scripts() -> ScriptDirectory:
    return ScriptDirectory.from_config(alembic_config())
