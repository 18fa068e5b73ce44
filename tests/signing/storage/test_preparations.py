"""Preparations: a window that opens, and one confirmation that goes on."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from functools import partial

import pytest
from sqlalchemy import Table, insert, select, update

from idp.storage.database import Database
from keystore.clock import to_ms
from keystore.sealing import Sealer
from signing.model import BlobId
from signing.storage.finishing import keep_signatures
from signing.storage.preparations import (
    Preparation,
    PreparationState,
    PreparationTaken,
    Prepared,
    Stuck,
    delete_preparation,
    delete_preparations,
    find_preparation,
    open_window,
    read_stuck,
    replace_preparation,
    signing_preparation,
    take_preparation,
)
from signing.storage.request_tables import signing_request, signing_slot
from tests.support.racing import race

_ID = "sig_0001"


@pytest.fixture
def kept(database: Database, sealer: Sealer, now: datetime) -> Preparation:
    """What a signer may confirm within five minutes."""
    with database.transaction() as tx:
        tx.connection.execute(
            insert(signing_request),
            {
                "request_id": _ID,
                "client_id": "portal",
                "state": "waiting",
                "reason": "",
                "level": "B-B",
                "window_s": 300,
                "return_uri": "",
                "webhook_uri": "",
                "text_sealed": b"",
                "created_ms": 0,
                "expires_ms": 1,
                "purge_ms": 2,
            },
        )
        preparation = Preparation(
            request_id=_ID,
            slot=0,
            challenge=bytes(32),
            activation=b"what is confirmed",
            prepared_id=BlobId("doc_1"),
            created_at=now,
            expires_at=now + timedelta(seconds=300),
        )
        assert replace_preparation(tx, preparation, sealer=sealer) is None
    return preparation


def _take(
    database: Database, sealer: Sealer, *, now: datetime, challenge: bytes = bytes(32)
) -> Prepared | None:
    with database.transaction() as tx:
        return take_preparation(tx, _ID, 0, challenge=challenge, sealer=sealer, now=now)


def test_a_preparation_comes_back_as_it_was_kept(
    database: Database, sealer: Sealer, kept: Preparation
) -> None:
    with database.read() as connection:
        assert find_preparation(connection, _ID, 0, sealer=sealer) == kept


def test_of_many_confirmations_one_goes_on(
    database: Database, sealer: Sealer, kept: Preparation, now: datetime
) -> None:
    taken = race([partial(_take, database, sealer, now=now)] * 12)
    assert [one for one in taken if one is not None] == [Prepared(None, BlobId("doc_1"))]


def test_nothing_is_confirmed_when_the_window_is_closed(
    database: Database, sealer: Sealer, kept: Preparation
) -> None:
    assert not _take(database, sealer, now=kept.expires_at)


def test_nothing_is_confirmed_that_is_not_what_was_prepared(
    database: Database, sealer: Sealer, kept: Preparation, now: datetime
) -> None:
    assert not _take(database, sealer, now=now, challenge=b"\1" * 32)


def test_a_new_preparation_takes_the_place_of_an_open_one_and_of_no_other(
    database: Database, sealer: Sealer, kept: Preparation, now: datetime
) -> None:
    newer = replace(kept, challenge=b"\2" * 32, prepared_id=BlobId("doc_2"))
    with database.transaction() as tx:
        assert replace_preparation(tx, newer, sealer=sealer) == "doc_1"
    assert not _take(database, sealer, now=now)
    assert _take(database, sealer, now=now, challenge=b"\2" * 32)
    with pytest.raises(PreparationTaken), database.transaction() as tx:
        replace_preparation(tx, kept, sealer=sealer)


def test_signatures_are_kept_for_what_was_taken_and_only_once(
    database: Database, sealer: Sealer, kept: Preparation, now: datetime
) -> None:
    def keep() -> bool:
        with database.statement() as connection:
            return keep_signatures(
                connection, kept, signatures=b"signatures", until=kept.expires_at, sealer=sealer
            )

    assert not keep()
    _take(database, sealer, now=now)
    assert keep()
    assert not keep()
    with database.read() as connection:
        found = find_preparation(connection, _ID, 0, sealer=sealer)
    assert found is not None
    assert (found.state, found.signatures) == (PreparationState.SIGNED, b"signatures")


def test_a_confirmation_that_came_to_nothing_is_found(
    database: Database, sealer: Sealer, kept: Preparation, now: datetime
) -> None:
    _take(database, sealer, now=now)
    minute = timedelta(minutes=1)
    with database.read() as connection:
        assert read_stuck(connection, now=now, after=minute) == ()
        assert read_stuck(connection, now=now + minute, after=minute) == (Stuck(_ID, 0, bytes(32)),)
    with database.transaction() as tx:
        assert delete_preparation(tx, _ID, 0) == "doc_1"
        assert delete_preparation(tx, _ID, 0) is None


def test_what_is_small_lies_in_the_row_and_comes_with_the_confirmation(
    database: Database, sealer: Sealer, kept: Preparation, now: datetime
) -> None:
    in_row = replace(kept, prepared_id=None, work=b"what was prepared")
    with database.transaction() as tx:
        assert replace_preparation(tx, in_row, sealer=sealer) == "doc_1"
        assert replace_preparation(tx, in_row, sealer=sealer) is None
    with database.read() as connection:
        assert find_preparation(connection, _ID, 0, sealer=sealer) == in_row
        sealed = connection.execute(select(signing_preparation.c.prepared_sealed)).scalar_one()
    assert b"prepared" not in sealed
    assert _take(database, sealer, now=now) == Prepared(b"what was prepared", None)
    with database.transaction() as tx:
        assert delete_preparations(tx, _ID) == ()


def test_a_worker_of_the_version_before_sees_no_window_without_a_file(
    database: Database, sealer: Sealer, kept: Preparation, now: datetime
) -> None:
    """It would take it, have it signed, and end the request because the file is gone."""
    in_row = replace(kept, prepared_id=None, work=b"what was prepared")
    as_before = select(signing_preparation.c.expires_ms)
    with database.transaction() as tx:
        assert tx.connection.execute(as_before).scalar_one() == to_ms(kept.expires_at)
        replace_preparation(tx, in_row, sealer=sealer)
        assert tx.connection.execute(as_before).scalar_one() < to_ms(now)
    assert _take(database, sealer, now=kept.expires_at) is None
    assert _take(database, sealer, now=now)


def test_a_window_opens_in_one_statement_while_it_is_that_signers_turn(
    database: Database, sealer: Sealer, kept: Preparation, now: datetime
) -> None:
    small = replace(kept, prepared_id=None, work=b"what was prepared")

    def opens(one: Preparation = small, *, at: datetime = now) -> bool:
        with database.statement() as connection:
            return open_window(connection, one, sealer=sealer, now=at)

    def put(table: Table, **columns: object) -> None:
        with database.transaction() as tx:
            tx.connection.execute(update(table).values(**columns))

    with database.transaction() as tx:
        tx.connection.execute(
            insert(signing_slot),
            {
                "request_id": _ID,
                "position": 0,
                "account_id": "acc_1",
                "role": "person",
                "state": "waiting",
            },
        )
    put(signing_request, expires_ms=to_ms(now) + 1)
    assert not opens(), "what the older one has in a file is to be dropped"
    with database.transaction() as tx:
        delete_preparation(tx, _ID, 0)
    assert not opens(replace(small, slot=1))
    assert not opens(at=now + timedelta(milliseconds=1)), "the time of the request is up"
    assert opens()
    newer = replace(small, challenge=b"\2" * 32, work=b"another", created_at=now)
    assert opens(newer)
    with database.read() as connection:
        assert find_preparation(connection, _ID, 0, sealer=sealer) == newer
    for table in (signing_request, signing_slot):
        put(table, state="confirmed")
        assert not opens(small)
        put(table, state="waiting")
    assert _take(database, sealer, now=now, challenge=newer.challenge)
    assert not opens(small)
    with database.read() as connection:
        found = find_preparation(connection, _ID, 0, sealer=sealer)
    assert found is not None
    assert (found.state, found.challenge) == (PreparationState.TAKEN, newer.challenge)
