"""A database of any older revision, with rows in it, becomes what is declared and keeps them."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import pytest
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import (
    JSON,
    Boolean,
    Column,
    Integer,
    LargeBinary,
    MetaData,
    String,
    insert,
    select,
    text,
)

from idp.storage.database import Database
from idp.storage.schema import alembic_config, all_metadata, is_current, upgrade
from tests.support.servers import PostgresqlServer

_VERSIONS: Final = "alembic_version"
_OLDER: Final = [
    one.revision
    for one in reversed([*ScriptDirectory.from_config(alembic_config()).walk_revisions()])
][:-1]

_VALUES: Final[dict[type[Any], object]] = {
    Boolean: True,
    Integer: 7,
    LargeBinary: bytes(32),
    JSON: {"a": 1},
    String: "x",
}


@pytest.fixture(params=["sqlite", "postgresql"])
def empty(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Database]:
    """A database without any table."""
    if request.param == "sqlite":
        url = f"sqlite:///{tmp_path / 'older.db'}"
    else:
        server: PostgresqlServer = request.getfixturevalue("postgresql_server")
        url = server.url(server.make_database())
    database = Database(url, pool_size=2)
    yield database
    database.close()


@pytest.mark.parametrize("revision", _OLDER)
def test_an_older_database_becomes_what_is_declared_and_keeps_its_rows(
    empty: Database, revision: str
) -> None:
    _make(empty, revision=revision)
    before = _fill(empty)
    assert before["totp"]["account_key"] == before["account"]["account_key"]
    upgrade(empty)
    assert is_current(empty)
    assert _differences(empty) == []
    found = MetaData()
    with empty.read() as connection:
        found.reflect(connection)
        for name, row in before.items():
            kept = connection.execute(select(found.tables[name])).mappings().one()
            assert {column: kept[column] for column in row} == row, name


def test_authenticators_of_before_there_was_a_verifier_are_the_services(empty: Database) -> None:
    """Whatever they were, they go on signing in, and confirm nothing."""
    _make(empty, revision="0003")
    _fill(empty)
    upgrade(empty)
    with empty.read() as connection:
        assert connection.execute(text("SELECT holder FROM totp")).scalars().all() == ["service"]


def test_a_database_that_has_the_column_already_keeps_it(empty: Database) -> None:
    """Between two versions the first revision made it."""
    _make(empty, revision="0005")
    with empty.transaction() as tx:
        tx.connection.execute(text("ALTER TABLE totp ADD COLUMN holder VARCHAR(12)"))
    _fill(empty)
    upgrade(empty)
    assert is_current(empty)


def _make(database: Database, *, revision: str) -> None:
    config = alembic_config()
    with database.transaction() as tx:
        config.attributes["connection"] = tx.connection
        command.upgrade(config, revision)


def _fill(database: Database) -> dict[str, dict[str, Any]]:
    """One row in every table; all of them belong together, because all keys are alike."""
    filled = {}
    found = MetaData()
    with database.transaction() as tx:
        found.reflect(tx.connection)
        for table in found.sorted_tables:
            if table.name != _VERSIONS:
                row = {column.name: _value(column) for column in table.columns}
                tx.connection.execute(insert(table).values(row))
                filled[table.name] = row
    assert len(filled) > 1
    return filled


def _value(column: Column[Any]) -> object:
    if column.name == "approved_by":
        return "y"  # a check: never who asked for it
    return next(value for kind, value in _VALUES.items() if isinstance(column.type, kind))


def _differences(database: Database) -> list[Any]:
    declared = MetaData()
    for metadata in all_metadata():
        for table in metadata.tables.values():
            table.to_metadata(declared)
    with database.read() as connection:
        context = MigrationContext.configure(connection, opts={"compare_server_default": True})
        return compare_metadata(context, declared)
