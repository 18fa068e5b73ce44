"""How much one portal may have open: exactly so much, however many come at once."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime
from functools import partial
from pathlib import Path

import pytest
from sqlalchemy import func, select, text

from idp.storage.database import Database
from keystore.log.record import LogWriter
from keystore.sealing import Sealer
from signing.blobs import DocumentStore
from signing.errors import RequestRefused
from signing.isolation.blob import Blob
from signing.model import RequestId, Room, SigningRequest
from signing.new_request import NewSigner
from signing.ports import LooksAt, Seen
from signing.requests import SigningRequests
from signing.storage.new_requests import insert_alone
from signing.storage.request_tables import signing_request
from signing.storage.room import LIGHT_BYTES, hold_room
from tests.support.racing import race
from tests.support.signing_people import (
    PDF,
    PORTAL,
    FewPeople,
    WorkForLater,
    a_pdf,
    a_request,
    look_at_first_bytes,
)

OTHER = "portal.business"

Portals = Callable[..., SigningRequests]


@pytest.fixture
def portals(
    database: Database,
    sealer: Sealer,
    log: LogWriter,
    documents: DocumentStore,
    people: FewPeople,
) -> Portals:
    """Requests of a process that lets every portal have so much."""
    for sub, account_id in (("sub-1", "acc_1"), ("sub-2", "acc_2")):
        people.add(PORTAL, sub, account_id)
        people.add(OTHER, sub, account_id)

    def make(*, look: LooksAt = look_at_first_bytes, **room: int) -> SigningRequests:
        return SigningRequests(
            database,
            sealer=sealer,
            log=log,
            documents=documents,
            signers=people,
            deferred=WorkForLater(),
            look=look,
            largest_bytes=10 << 20,
            room=Room(**room),
        )

    return make


def _open(database: Database) -> int:
    with database.read() as connection:
        number = connection.execute(select(func.count()).select_from(signing_request)).scalar_one()
    return int(number)


def _tried(requests: SigningRequests, *, now: datetime) -> str:
    """The id of a request, or why there is none."""
    try:
        return requests.create(a_request(), client_id=PORTAL, now=now).request.request_id
    except RequestRefused as refused:
        return refused.reason


def _fill(database: Database, like: SigningRequest, *, sealer: Sealer, number: int) -> None:
    with database.transaction() as tx:
        for at in range(number):
            insert_alone(
                tx, replace(like, request_id=RequestId(f"sig_{at:032x}")), [], sealer=sealer
            )


@pytest.mark.parametrize(
    ("room", "reason"),
    [
        ({"most_open": 3}, "too_many_open"),
        ({"most_open_bytes": 3 * len(PDF)}, "too_many_open"),
        ({"most_waiting_each": 3}, "too_many_waiting"),
    ],
)
def test_of_many_at_once_as_many_are_taken_as_there_is_room_for(
    portals: Portals,
    database: Database,
    now: datetime,
    tmp_path: Path,
    room: dict[str, int],
    reason: str,
) -> None:
    processes = [portals(**room) for _ in range(2)]
    found = race([partial(_tried, one, now=now) for one in processes * 4])
    assert found.count(reason) == 5
    assert _open(database) == 3
    files = [one for one in (tmp_path / "documents").rglob("*") if one.is_file()]
    assert len(files) == 3


def test_what_others_under_way_could_take_is_left_to_them(
    portals: Portals, database: Database, sealer: Sealer, now: datetime
) -> None:
    """Near the end of its room a portal's requests are added one at a time, and to its very end."""
    connections = 100
    if not database.is_sqlite:
        with database.read() as connection:
            setting = connection.execute(text("SELECT current_setting('max_connections')"))
            connections = int(setting.scalar_one())
    most = connections + 4
    first = portals().create(a_request(), client_id=PORTAL, now=now).request
    _fill(database, first, sealer=sealer, number=most - 6)
    processes = [portals(most_open=most, most_waiting_each=10_000) for _ in range(2)]
    found = race([partial(_tried, one, now=now) for one in processes * 4])
    assert found.count("too_many_open") == 3
    assert _open(database) == most


def test_those_who_ask_different_people_do_not_wait_for_each_other(
    portals: Portals, database: Database, now: datetime
) -> None:
    requests = portals()
    new = a_request(signers=[NewSigner(sub="sub-2")])
    if database.is_sqlite:
        return  # its write transactions come one after the other
    with database.transaction() as tx:
        assert not hold_room(tx, client_id=PORTAL, account_ids=["acc_1"], is_alone=False)
        requests.create(new, client_id=PORTAL, now=now)
        hold_room(tx, client_id=PORTAL, account_ids=[], is_alone=True)
        requests.create(new, client_id=OTHER, now=now)


def test_a_large_request_is_added_alone(
    portals: Portals, database: Database, now: datetime
) -> None:
    requests = portals()
    with Blob.of(PDF, bytes(LIGHT_BYTES)) as content:
        new = a_request(documents=[a_pdf(content=content)])
        made = requests.create(new, client_id=PORTAL, now=now).request
    assert requests.get(made.request_id) == made
    assert _open(database) == 1


def test_a_portal_that_was_refused_is_asked_before_anything_is_done_for_it(
    portals: Portals, now: datetime
) -> None:
    looked: list[int] = []

    def look(content: Blob, *, media_type: str, tenant: str = "") -> Seen:
        looked.append(content.size)
        return look_at_first_bytes(content, media_type=media_type, tenant=tenant)

    requests = portals(look=look, most_waiting_each=1)
    first = requests.create(a_request(), client_id=PORTAL, now=now).request
    for _ in range(3):
        assert _tried(requests, now=now) == "too_many_waiting"
    assert len(looked) == 2
    requests.withdraw(first, now=now)
    assert _tried(requests, now=now).startswith("sig_")
