"""Published lists, the newest of each authority and partition."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest
from sqlalchemy.exc import NoResultFound

from idp.storage.database import Database
from keystore.pki.storage.crls import (
    CrlHead,
    delete_crls,
    find_head,
    get_der,
    insert_crl,
    read_heads,
)

DAY = timedelta(days=1)


def head(number: int, *, now: datetime, ca_id: str = "one", shard: int | None = None) -> CrlHead:
    at = now.replace(microsecond=0)
    return CrlHead(ca_id, shard, number, at, at + DAY, 3, b"c" * 32, b"d" * 32)


@pytest.fixture
def lists(database: Database, now: datetime) -> list[CrlHead]:
    """Two authorities, one with partitions, each list published twice."""
    made = [
        head(number, now=now + number * DAY, ca_id=ca_id, shard=shard)
        for ca_id, shards in (("one", (None,)), ("two", (None, 0, 1)))
        for shard in shards
        for number in (1, 2)
    ]
    with database.transaction() as tx:
        for one in made:
            insert_crl(tx.connection, one, der=f"{one.ca_id} {one.shard} {one.number}".encode())
    return made


def test_the_newest_of_each_is_found(database: Database, lists: list[CrlHead]) -> None:
    newest = [one for one in lists if one.number == 2]
    with database.read() as connection:
        assert set(read_heads(connection)) == set(newest)
        for one in newest:
            assert find_head(connection, ca_id=one.ca_id, shard=one.shard) == one
            der = get_der(connection, one)
            assert der == f"{one.ca_id} {one.shard} 2".encode()
        assert find_head(connection, ca_id="one", shard=0) is None
        assert find_head(connection, ca_id="nobody", shard=None) is None


def test_old_lists_are_forgotten_and_the_newest_stays(
    database: Database, lists: list[CrlHead], now: datetime
) -> None:
    for ended_before, left in ((now + DAY, 8), (now + 2.5 * DAY, 4), (now + 99 * DAY, 4)):
        with database.transaction() as tx:
            delete_crls(tx.connection, ended_before=ended_before)
        with database.read() as connection:
            assert len(read_heads(connection)) == 4
            found = [one for one in lists if _is_there(database, one)]
        assert len(found) == left


def _is_there(database: Database, one: CrlHead) -> bool:
    with database.read() as connection:
        try:
            get_der(connection, one)
        except NoResultFound:
            return False
    return True
