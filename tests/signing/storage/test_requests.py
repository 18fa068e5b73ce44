"""Signing requests in SQL: what was kept comes back, and of two who move one, one does."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta

import pytest
from sqlalchemy import select

from idp.storage.database import Database
from idp.storage.purge import find_rules, purge_all
from keystore.sealing import Sealer
from signing.formats.material import Level
from signing.model import (
    BlobId,
    Document,
    DocumentKind,
    DocumentText,
    RequestId,
    RequestState,
    RequestText,
    Result,
    Role,
    SignatureFormat,
    SigningRequest,
    Slot,
    SlotState,
    StoredBlob,
)
from signing.storage import metadata
from signing.storage.blobs import insert_blobs
from signing.storage.new_requests import insert_alone
from signing.storage.preparations import (
    Preparation,
    replace_preparation,
    take_preparation,
)
from signing.storage.request_reading import find_request, find_request_and_window
from signing.storage.request_tables import signing_document, signing_request
from signing.storage.requests import (
    move_request,
    move_slot,
    read_overdue,
    read_waiting_for,
    set_results,
)


@pytest.fixture
def request_of(now: datetime) -> SigningRequest:
    """A request for a person and then the seal of an organisation."""
    return SigningRequest(
        request_id=RequestId("sig_0001"),
        client_id="portal.citizen",
        state=RequestState.WAITING,
        level=Level.LT,
        created_at=now,
        expires_at=now + timedelta(days=7),
        return_uri="https://portal.example/back",
        text=RequestText(
            "Đơn đề nghị",
            (DocumentText("don.pdf", "application/pdf"),),
            appearance=b'{"kind":"general"}',
        ),
        documents=(
            Document(
                position=0,
                kind=DocumentKind.PDF,
                format=SignatureFormat.PADES,
                size_bytes=12,
                hash_name="sha256",
                digest=bytes(32),
                pages=3,
                original_id=BlobId("doc_1"),
            ),
        ),
        slots=(
            Slot(position=0, account_id="acc_1", role=Role.PERSON),
            Slot(position=1, account_id="acc_2", role=Role.SEAL, organisation_id="acc_9"),
        ),
    )


@pytest.fixture
def kept(database: Database, sealer: Sealer, request_of: SigningRequest) -> SigningRequest:
    """The same, stored."""
    with database.transaction() as tx:
        insert_alone(tx, request_of, [], sealer=sealer)
    return request_of


def _find(database: Database, sealer: Sealer) -> SigningRequest:
    with database.read() as connection:
        found = find_request(connection, "sig_0001", sealer=sealer)
    assert found is not None
    return found


def test_a_request_comes_back_as_it_was_kept(
    database: Database, sealer: Sealer, kept: SigningRequest
) -> None:
    assert _find(database, sealer) == kept


def _find_with_window(
    database: Database, sealer: Sealer
) -> tuple[SigningRequest, Preparation | None]:
    with database.read() as connection:
        found = find_request_and_window(connection, "sig_0001", sealer=sealer)
    assert found is not None
    return found


def test_a_request_comes_with_the_window_of_the_one_whose_turn_it_is(
    database: Database, sealer: Sealer, kept: SigningRequest, now: datetime
) -> None:
    assert _find_with_window(database, sealer) == (kept, None)
    window = Preparation(
        request_id=kept.request_id,
        slot=0,
        challenge=b"\1" * 32,
        activation=b"what is confirmed",
        prepared_id=BlobId("doc_2"),
        created_at=now,
        expires_at=now + timedelta(minutes=5),
    )
    of_the_next = replace(window, slot=1, challenge=b"\2" * 32)
    with database.transaction() as tx:
        replace_preparation(tx, of_the_next, sealer=sealer)
    assert _find_with_window(database, sealer) == (kept, None)
    with database.transaction() as tx:
        replace_preparation(tx, window, sealer=sealer)
    assert _find_with_window(database, sealer) == (kept, window)
    with database.transaction() as tx:
        assert take_preparation(
            tx, kept.request_id, 0, challenge=window.challenge, sealer=sealer, now=now
        )
    assert _find_with_window(database, sealer) == (kept, None)


def test_documents_come_with_what_opens_their_newest_revision(
    database: Database, sealer: Sealer, kept: SigningRequest, now: datetime
) -> None:
    blobs = [
        StoredBlob(BlobId(f"doc_{at}"), f"key {at}".encode(), at, now + timedelta(days=at))
        for at in (1, 2)
    ]
    (found,) = _find_with_window(database, sealer)[0].documents
    assert found.stored is None, "there is no row of it"
    with database.transaction() as tx:
        insert_blobs(tx, blobs)
    (found,) = _find_with_window(database, sealer)[0].documents
    assert found.stored == blobs[0]
    assert "key 1" not in repr(found)
    with database.transaction() as tx:
        set_results(tx, kept.request_id, {0: Result(BlobId("doc_2"), 0, 2)})
    (found,) = _find_with_window(database, sealer)[0].documents
    assert found.stored == blobs[1]


def test_a_window_without_its_request_is_none(
    database: Database, sealer: Sealer, now: datetime
) -> None:
    with database.read() as connection:
        assert find_request_and_window(connection, "sig_0001", sealer=sealer) is None


def test_no_title_and_no_file_name_stands_in_the_clear(
    database: Database, kept: SigningRequest
) -> None:
    with database.read() as connection:
        sealed = connection.execute(select(signing_request.c.text_sealed)).scalar_one()
    assert "Đơn đề nghị".encode() not in sealed
    assert b"don.pdf" not in sealed


def test_of_two_who_move_a_request_one_does(
    database: Database, sealer: Sealer, kept: SigningRequest, now: datetime
) -> None:
    waiting = [RequestState.WAITING]
    with database.transaction() as tx:
        assert move_request(tx, "sig_0001", expected=waiting, to=RequestState.CONFIRMED, now=now)
    with database.transaction() as tx:
        assert not move_request(tx, "sig_0001", expected=waiting, to=RequestState.REFUSED, now=now)
    assert _find(database, sealer).state is RequestState.CONFIRMED


def test_an_end_has_a_time_and_a_reason(
    database: Database, sealer: Sealer, kept: SigningRequest, now: datetime
) -> None:
    with database.transaction() as tx:
        move_request(
            tx,
            "sig_0001",
            expected=[RequestState.WAITING],
            to=RequestState.REFUSED,
            now=now,
            reason="not_mine",
        )
    ended = _find(database, sealer)
    assert (ended.state, ended.reason, ended.ended_at) == (RequestState.REFUSED, "not_mine", now)


def test_the_turn_goes_from_the_person_to_the_seal(
    database: Database, sealer: Sealer, kept: SigningRequest, now: datetime
) -> None:
    first = kept.current_slot
    assert first is not None
    with database.transaction() as tx:
        assert move_slot(
            tx,
            "sig_0001",
            0,
            expected=SlotState.WAITING,
            to=SlotState.SIGNED,
            now=now,
            key_id="key_1",
            certificate_sha256=bytes(32),
        )
        set_results(tx, "sig_0001", {0: Result(BlobId("doc_2"), 3, 40)})
    found = _find(database, sealer)
    assert found.slots[0] == replace(
        first, state=SlotState.SIGNED, ended_at=now, key_id="key_1", certificate_sha256=bytes(32)
    )
    second = found.current_slot
    assert second is not None
    assert second.role is Role.SEAL
    assert found.documents[0].result == Result(BlobId("doc_2"), 3, 40)
    assert found.documents[0].current_id == "doc_2"
    assert found.documents[0].original_id == "doc_1"


def test_a_person_finds_what_waits_for_her(
    database: Database, kept: SigningRequest, now: datetime
) -> None:
    with database.read() as connection:
        assert read_waiting_for(connection, "acc_1", now=now) == ("sig_0001",)
        assert read_waiting_for(connection, "acc_7", now=now) == ()
        assert read_waiting_for(connection, "acc_1", now=kept.expires_at) == ()


def test_a_request_whose_time_is_up_counts_as_expired_before_anybody_noted_it(
    database: Database, kept: SigningRequest, now: datetime
) -> None:
    assert kept.state_at(now) is RequestState.WAITING
    assert kept.state_at(kept.expires_at) is RequestState.EXPIRED
    with database.read() as connection:
        assert read_overdue(connection, now=now) == ()
        assert read_overdue(connection, now=kept.expires_at) == ("sig_0001",)


def test_thirty_days_after_its_end_nothing_of_a_request_is_left(
    database: Database, sealer: Sealer, kept: SigningRequest, now: datetime
) -> None:
    with database.transaction() as tx:
        move_request(
            tx, "sig_0001", expected=[RequestState.WAITING], to=RequestState.SIGNED, now=now
        )
    rules = find_rules(metadata)
    purge_all(database, rules=rules, now=now + timedelta(days=29))
    _find(database, sealer)
    purge_all(database, rules=rules, now=now + timedelta(days=30))
    with database.read() as connection:
        assert find_request(connection, "sig_0001", sealer=sealer) is None
        assert connection.execute(select(signing_document)).all() == []
