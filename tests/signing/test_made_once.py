"""A request that is sent twice is made once, whoever is first."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path

import pytest
from sqlalchemy import func, select

from idp.storage.database import Database
from signing.errors import IdempotencyKeyReused
from signing.made_once import Idempotency
from signing.requests import SigningRequests
from signing.storage.request_tables import signing_request
from tests.support.racing import race
from tests.support.signing_people import PORTAL, FewPeople, a_request


def _files(tmp_path: Path) -> list[Path]:
    return [one for one in (tmp_path / "documents").rglob("*") if one.is_file()]


def test_a_request_that_is_sent_twice_is_made_once(
    requests: SigningRequests, now: datetime, tmp_path: Path
) -> None:
    """draft-ietf-httpapi-idempotency-key-header §2.6: the first answer is given again."""
    key = Idempotency("key-1", bytes(32))
    first = requests.create(a_request(), client_id=PORTAL, idempotency=key, now=now)
    again = requests.create(
        a_request(), client_id=PORTAL, idempotency=key, now=now + timedelta(hours=23)
    )
    assert again.is_replay
    assert again.request == first.request
    assert len(_files(tmp_path)) == 1


def test_a_key_with_another_body_is_refused(requests: SigningRequests, now: datetime) -> None:
    """draft-ietf-httpapi-idempotency-key-header §2.7: reuse with another payload is an error."""
    key = Idempotency("key-1", bytes(32))
    requests.create(a_request(), client_id=PORTAL, idempotency=key, now=now)
    with pytest.raises(IdempotencyKeyReused):
        requests.create(
            a_request(),
            client_id=PORTAL,
            idempotency=replace(key, body_sha256=b"\1" * 32),
            now=now,
        )


def test_a_key_is_a_portals_own_and_lasts_a_day(
    requests: SigningRequests, people: FewPeople, now: datetime
) -> None:
    people.add("portal.other", "sub-1", "acc_1")
    key = Idempotency("key-1", bytes(32))
    first = requests.create(a_request(), client_id=PORTAL, idempotency=key, now=now)
    other = requests.create(a_request(), client_id="portal.other", idempotency=key, now=now)
    next_day = requests.create(
        a_request(), client_id=PORTAL, idempotency=key, now=now + timedelta(hours=24)
    )
    ids = {one.request.request_id for one in (first, other, next_day)}
    assert len(ids) == 3


def test_of_many_that_are_sent_at_once_one_is_made(
    requests: SigningRequests, database: Database, now: datetime, tmp_path: Path
) -> None:
    key = Idempotency("key-1", bytes(32))
    create = partial(requests.create, a_request(), client_id=PORTAL, idempotency=key, now=now)
    made = race([create] * 8)
    assert len({one.request.request_id for one in made}) == 1
    assert [one.is_replay for one in made].count(False) == 1
    assert len(_files(tmp_path)) == 1
    with database.read() as connection:
        assert connection.execute(select(func.count()).select_from(signing_request)).scalar() == 1
