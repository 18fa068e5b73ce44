"""Preparations: a window that opens, and one confirmation that goes on."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from functools import partial

import pytest
from sqlalchemy import insert

from idp.storage.database import Database
from keystore.sealing import Sealer
from signing.model import BlobId
from signing.storage.preparations import (
    Preparation,
    PreparationState,
    PreparationTaken,
    Stuck,
    delete_preparation,
    find_preparation,
    keep_signatures,
    read_stuck,
    replace_preparation,
    take_preparation,
)
from signing.storage.request_tables import signing_request
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


def _take(database: Database, *, now: datetime, challenge: bytes = bytes(32)) -> bool:
    with database.transaction() as tx:
        return take_preparation(tx, _ID, 0, challenge=challenge, now=now)


def test_a_preparation_comes_back_as_it_was_kept(
    database: Database, sealer: Sealer, kept: Preparation
) -> None:
    with database.read() as connection:
        assert find_preparation(connection, _ID, 0, sealer=sealer) == kept


def test_of_many_confirmations_one_goes_on(
    database: Database, kept: Preparation, now: datetime
) -> None:
    taken = race([partial(_take, database, now=now)] * 12)
    assert sum(taken) == 1


def test_nothing_is_confirmed_when_the_window_is_closed(
    database: Database, kept: Preparation
) -> None:
    assert not _take(database, now=kept.expires_at)


def test_nothing_is_confirmed_that_is_not_what_was_prepared(
    database: Database, kept: Preparation, now: datetime
) -> None:
    assert not _take(database, now=now, challenge=b"\1" * 32)


def test_a_new_preparation_takes_the_place_of_an_open_one_and_of_no_other(
    database: Database, sealer: Sealer, kept: Preparation, now: datetime
) -> None:
    newer = replace(kept, challenge=b"\2" * 32, prepared_id=BlobId("doc_2"))
    with database.transaction() as tx:
        assert replace_preparation(tx, newer, sealer=sealer) == "doc_1"
    assert not _take(database, now=now)
    assert _take(database, now=now, challenge=b"\2" * 32)
    with pytest.raises(PreparationTaken), database.transaction() as tx:
        replace_preparation(tx, kept, sealer=sealer)


def test_signatures_are_kept_for_what_was_taken_and_only_once(
    database: Database, sealer: Sealer, kept: Preparation, now: datetime
) -> None:
    def keep() -> bool:
        with database.transaction() as tx:
            return keep_signatures(
                tx, kept, signatures=b"signatures", until=kept.expires_at, sealer=sealer
            )

    assert not keep()
    _take(database, now=now)
    assert keep()
    assert not keep()
    with database.read() as connection:
        found = find_preparation(connection, _ID, 0, sealer=sealer)
    assert found is not None
    assert (found.state, found.signatures) == (PreparationState.SIGNED, b"signatures")


def test_a_confirmation_that_came_to_nothing_is_found(
    database: Database, kept: Preparation, now: datetime
) -> None:
    _take(database, now=now)
    minute = timedelta(minutes=1)
    with database.read() as connection:
        assert read_stuck(connection, now=now, after=minute) == ()
        assert read_stuck(connection, now=now + minute, after=minute) == (Stuck(_ID, 0, bytes(32)),)
    with database.transaction() as tx:
        assert delete_preparation(tx, _ID, 0) == "doc_1"
        assert delete_preparation(tx, _ID, 0) is None
