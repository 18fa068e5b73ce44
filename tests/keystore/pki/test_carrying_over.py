"""After an older database took the place of a newer one: lists go on from what was published."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from idp.storage.database import Database
from keystore.log.record import LogWriter
from keystore.pki.addresses import PkiAddresses
from keystore.pki.carrying_over import PublishedLists, carry_over_lists, read_lists
from keystore.pki.crl_publishing import CrlPublisher
from keystore.pki.offline_lists import crl_number
from keystore.pki.storage import crls
from keystore.pki.storage.authorities import replace_offline_crl
from tests.support.pki import BASE_URL, ISSUING_ID, SmallPki
from tests.support.real_pki import RealPki
from tests.support.status import OneIssuingKey

_DAY = timedelta(days=1)


@pytest.fixture
def publisher(database: Database, log: LogWriter, now: datetime) -> CrlPublisher:
    pki = SmallPki(now, shards=2)
    pki.store(database)
    return CrlPublisher(
        database, keys=OneIssuingKey.of(pki), log=log, addresses=PkiAddresses(BASE_URL)
    )


def _numbers(database: Database) -> dict[int | None, int]:
    with database.read() as connection:
        return {head.shard: head.number for head in crls.read_heads(connection)}


def _forget(database: Database) -> None:
    with database.transaction() as tx:
        tx.connection.execute(crls.crl.delete())


def test_a_number_that_was_published_never_comes_again_though_the_clock_was_ahead_then(
    database: Database, publisher: CrlPublisher, now: datetime
) -> None:
    """RFC 5280 §5.2.3."""
    publisher.publish_all(now)
    with database.read() as connection:
        backup = read_lists(connection)
    publisher.publish_all(now + _DAY)  # by a clock that is a day ahead
    with database.read() as connection:
        before = read_lists(connection)
    published = _numbers(database)
    _forget(database)
    assert carry_over_lists(database, backup) == 3
    assert carry_over_lists(database, before) == 3
    assert carry_over_lists(database, backup) == carry_over_lists(database, before) == 0
    publisher.publish_all(now + timedelta(hours=1))
    assert _numbers(database) == {shard: number + 1 for shard, number in published.items()}


def test_lists_of_an_authority_that_is_not_known_are_left(
    database: Database, publisher: CrlPublisher, now: datetime
) -> None:
    publisher.publish_all(now)
    with database.read() as connection:
        before = read_lists(connection)
    ((head, der), *_) = before.online
    foreign = PublishedLists(((replace(head, ca_id="other"), der),), {"other": der})
    assert carry_over_lists(database, foreign) == 0
    with database.read() as connection:
        assert crls.find_head(connection, ca_id="other", shard=head.shard) is None
        assert crls.find_head(connection, ca_id=ISSUING_ID, shard=None) is not None


def test_the_list_of_a_root_goes_on_too(real: RealPki, now: datetime) -> None:
    first = real.authorities.get("root-1").offline_crl
    assert first is not None
    second = real.ceremony.renew_crl("root-1", root_key=real.root_key, now=now + _DAY)
    with real.database.transaction() as tx:
        before = read_lists(tx.connection)
        replace_offline_crl(tx.connection, "root-1", crl=first)
    assert carry_over_lists(real.database, before) == 1
    assert real.authorities.get("root-1").offline_crl == second
    third = real.ceremony.renew_crl("root-1", root_key=real.root_key, now=now)
    assert crl_number(third) == crl_number(second) + 1
