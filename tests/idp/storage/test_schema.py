"""All tables of the house, and one migration path to them."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import MetaData

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


def test_a_database_is_stamped_once_for_good(empty: Database) -> None:
    """Architecture, "Sandbox": invented people never meet real ones."""
    upgrade(empty)
    assert find_stamp(empty) is None
    assert stamp(empty, is_sandbox=True)
    assert stamp(empty, is_sandbox=False), "it stays what it is"
    assert find_stamp(empty) is True
