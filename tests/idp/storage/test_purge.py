"""Purging deletes what has outlived its purpose, all of it, and nothing else."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import BigInteger, Column, ForeignKey, MetaData, String, Table, func, insert, select

from idp.storage.database import Database
from idp.storage.purge import PurgeRule, find_rules, purge_all, purge_batch, purged_by
from keystore.clock import to_ms

_metadata = MetaData()
_parent = Table(
    "purge_parent",
    _metadata,
    Column("id", String, primary_key=True),
    Column("expires_ms", BigInteger),
    info=purged_by("expires_ms", keep=timedelta(hours=1)),
)
_child = Table(
    "purge_child",
    _metadata,
    Column("parent", String, ForeignKey("purge_parent.id"), primary_key=True),
    Column("number", BigInteger, primary_key=True),
    Column("expires_ms", BigInteger),
    info=purged_by("expires_ms"),
)
_kept = Table("purge_kept", _metadata, Column("id", String, primary_key=True))


@pytest.fixture(params=["sqlite", "postgresql"])
def own_tables(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Database]:
    url = f"sqlite:///{tmp_path / 'purge.db'}"
    if request.param == "postgresql":
        url = request.getfixturevalue("postgresql_url")
    database = Database(url)
    _metadata.create_all(database.engine)
    yield database
    _metadata.drop_all(database.engine)
    database.close()


def _fill(database: Database, *, expires: datetime, parents: int, children: int) -> None:
    with database.transaction() as tx:
        for p in range(parents):
            name = f"{expires.isoformat()}-{p}"
            tx.connection.execute(insert(_parent), {"id": name, "expires_ms": to_ms(expires)})
            for c in range(children):
                row = {"parent": name, "number": c, "expires_ms": to_ms(expires)}
                tx.connection.execute(insert(_child), row)


def _count(database: Database, table: Table) -> int:
    with database.read() as connection:
        return connection.execute(select(func.count()).select_from(table)).scalar_one()


def test_rules_are_what_the_tables_declare_and_children_come_first() -> None:
    assert find_rules(_metadata) == (
        PurgeRule(_child, "expires_ms", timedelta(0)),
        PurgeRule(_parent, "expires_ms", timedelta(hours=1)),
    )


def test_a_batch_deletes_no_more_than_its_limit(own_tables: Database, now: datetime) -> None:
    _fill(own_tables, expires=now, parents=5, children=2)
    rules = find_rules(_metadata)
    assert purge_batch(own_tables, rules=rules, now=now, limit=4) == {"purge_child": 4}
    assert _count(own_tables, _child) == 6


def test_everything_old_goes_in_batches_and_nothing_else(
    own_tables: Database, now: datetime
) -> None:
    hour = timedelta(hours=1)
    _fill(own_tables, expires=now - hour, parents=7, children=3)
    _fill(own_tables, expires=now + timedelta(seconds=1), parents=2, children=3)
    deleted = purge_all(own_tables, rules=find_rules(_metadata), now=now, limit=5)
    assert deleted == {"purge_child": 21, "purge_parent": 7}
    assert (_count(own_tables, _child), _count(own_tables, _parent)) == (6, 2)


def test_a_row_is_kept_as_long_as_its_rule_says(own_tables: Database, now: datetime) -> None:
    _fill(own_tables, expires=now, parents=1, children=0)
    rules = find_rules(_metadata)
    just_before = now + timedelta(hours=1) - timedelta(milliseconds=1)
    assert purge_all(own_tables, rules=rules, now=just_before) == {}
    assert purge_all(own_tables, rules=rules, now=now + timedelta(hours=1)) == {"purge_parent": 1}


def test_a_row_without_an_instant_stays(own_tables: Database, now: datetime) -> None:
    with own_tables.transaction() as tx:
        tx.connection.execute(insert(_parent), {"id": "open", "expires_ms": None})
    assert purge_all(own_tables, rules=find_rules(_metadata), now=now + timedelta(days=9999)) == {}
