"""All tables of the house, and one migration path to them."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import MetaData

from idp.errors import StorageUnavailable
from idp.storage.database import Database
from idp.storage.deployment import find_stamp, stamp
from idp.storage.schema import all_metadata, is_current, upgrade
from tests.support.servers import PostgresqlServer


@pytest.fixture(params=["sqlite", "postgresql"])
def empty(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Database]:
    """A database without any table."""
    if request.param == "sqlite":
        url = f"sqlite:///{tmp_path / 'empty.db'}"
    else:
        server: PostgresqlServer = request.getfixturevalue("postgresql_server")
        url = server.url(server.make_database())
    database = Database(url, pool_size=2)
    yield database
    database.close()


def test_the_three_packages_declare_their_tables() -> None:
    names = {table for metadata in all_metadata() for table in metadata.tables}
    assert {"oauth_grant", "browser_session", "consent", "subject", "outbox"} <= names
    assert {"client", "signing_key", "log_event", "account"} <= names


def test_the_migrations_make_exactly_the_tables_that_are_declared(empty: Database) -> None:
    assert not is_current(empty)
    upgrade(empty)
    assert is_current(empty)
    together = MetaData()
    for metadata in all_metadata():
        for table in metadata.tables.values():
            table.to_metadata(together)
    with empty.read() as connection:
        context = MigrationContext.configure(connection)
        found = compare_metadata(context, together)
    assert found == []


def test_a_second_upgrade_changes_nothing(empty: Database) -> None:
    for _ in range(2):
        upgrade(empty)
    assert is_current(empty)


def test_hosts_that_upgrade_together_all_find_it_done(empty: Database) -> None:
    """A deployment starts the same command on every host."""

    def bring_up(_host: int) -> bool:
        upgrade(empty)
        return stamp(empty, is_sandbox=True)

    with ThreadPoolExecutor(max_workers=4) as hosts:
        assert list(hosts.map(bring_up, range(4))) == [True] * 4
    assert is_current(empty)


def test_a_database_that_does_not_answer_is_told_as_such(tmp_path: Path) -> None:
    for url in (
        "postgresql+psycopg://nobody@127.0.0.1:1/nothing",
        f"sqlite:///{tmp_path / 'no' / 'such' / 'folder.db'}",
    ):
        database = Database(url)
        with pytest.raises(StorageUnavailable):
            upgrade(database)
        database.close()


def test_a_database_is_stamped_once_for_good(empty: Database) -> None:
    """Architecture, "Sandbox": invented people never meet real ones."""
    upgrade(empty)
    assert find_stamp(empty) is None
    assert stamp(empty, is_sandbox=True)
    assert stamp(empty, is_sandbox=False), "it stays what it is"
    assert find_stamp(empty) is True
