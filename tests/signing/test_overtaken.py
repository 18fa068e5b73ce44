"""Two who act on one request at the same moment: neither undoes the other, and nothing hangs."""

from __future__ import annotations

import threading
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Connection, update

from idp.storage.database import Database
from keystore.errors import SealBroken
from keystore.signer.activation import SignatureActivation
from keystore.signer.errors import SignerUnavailable
from keystore.signer.evidence import Evidence
from signing import authorize, confirm
from signing.errors import ConfirmationRefused, RequestNotWaiting, SignerAway, SigningError
from signing.formats.material import Level, StatusSource
from signing.isolation.blob import Blob
from signing.model import RequestState, SigningRequest, SlotState
from signing.new_request import NewDocument, NewSigner
from signing.storage import preparations
from signing.storage.preparations import PreparationState, find_preparation
from signing.storage.request_tables import signing_request, signing_slot
from signing.storage.requests import move_request, move_slot
from signing.telling import SEND_WEBHOOK
from tests.support.signing_house import SigningHouse, Somebody


class _Killed(BaseException):
    """What ends a worker."""


def _file(content: bytes = b"one of few documents") -> NewDocument:
    return NewDocument(name="a.txt", media_type="text/plain", content=Blob.of(content))


@pytest.fixture
def anh(house: SigningHouse) -> Somebody:
    """A person with a passkey."""
    return house.with_passkey()


@pytest.fixture
def request_of_anh(house: SigningHouse, anh: Somebody) -> SigningRequest:
    """A file that she is asked to sign, by a portal that wants to be told."""
    return house.ask(_file(), level=Level.B, webhook_uri="https://portal.example/hook")


def _standing(
    house: SigningHouse, request: SigningRequest
) -> tuple[RequestState, SlotState, PreparationState | None]:
    found = house.requests.get(request.request_id)
    with house.database.read() as connection:
        kept = find_preparation(connection, request.request_id, 0, sealer=house.sealer)
    return found.state, found.slots[0].state, None if kept is None else kept.state


@pytest.fixture(params=["row", "file"])
def kept_in(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """Where what was prepared lies."""
    if request.param == "file":
        monkeypatch.setattr(authorize, "KEPT_IN_ROW_BYTES", 0)
    return str(request.param)


def _beside(act: Callable[[], object]) -> tuple[threading.Thread, list[object]]:
    said: list[object] = []

    def attempt() -> None:
        try:
            said.append(act())
        except SigningError as refusal:
            said.append(refusal)

    thread = threading.Thread(target=attempt)
    return thread, [thread, said]


def _while_replacing(
    house: SigningHouse, monkeypatch: pytest.MonkeyPatch, act: Callable[[], object]
) -> list[object]:
    """Have `act` happen as soon as one window has made sure that it may take another's place."""
    replaced, opened = preparations.replace_preparation, preparations.open_window
    thread, said = _beside(act)
    once = threading.Lock()

    def late(*arguments: Any, **more: Any) -> Any:
        if once.acquire(blocking=False):
            thread.start()
            thread.join(0.3)  # what waits for the lock goes on when this has committed
        return replaced(*arguments, **more)

    def slow(connection: Connection, *arguments: Any, **more: Any) -> bool:
        if not once.acquire(blocking=False):
            return opened(connection, *arguments, **more)
        with house.database.transaction() as tx:
            is_open = opened(tx.connection, *arguments, **more)
            thread.start()
            thread.join(0.3)
            return is_open

    monkeypatch.setattr(authorize, "replace_preparation", late)
    monkeypatch.setattr(authorize, "open_window", slow)
    return said


def _joined(said: list[object]) -> object:
    thread, heard = said
    assert isinstance(thread, threading.Thread)
    assert isinstance(heard, list)
    thread.join(60)
    (answer,) = heard
    return answer


def test_a_window_never_takes_the_place_of_a_confirmation(
    house: SigningHouse,
    anh: Somebody,
    request_of_anh: SigningRequest,
    monkeypatch: pytest.MonkeyPatch,
    kept_in: str,
) -> None:
    """Two tabs: one opens again while the other confirms."""
    window = house.open(request_of_anh, anh)
    before = house.requests.get(request_of_anh.request_id)

    def confirms() -> object:
        assert anh.passkey is not None
        return house.confirming.confirm(
            before,
            signer=anh.signer,
            confirmation=anh.passkey.confirm(window.challenge),
            challenge=window.challenge,
            now=house.now,
        )

    said = _while_replacing(house, monkeypatch, confirms)
    house.open(request_of_anh, anh)
    answer = _joined(said)
    assert isinstance(answer, ConfirmationRefused)
    assert answer.reason == "window_closed"
    assert _standing(house, request_of_anh) == (
        RequestState.WAITING,
        SlotState.WAITING,
        PreparationState.OPEN,
    )
    assert house.door.seen == []


def test_no_window_opens_over_a_confirmation_that_is_being_taken(
    house: SigningHouse,
    anh: Somebody,
    request_of_anh: SigningRequest,
    monkeypatch: pytest.MonkeyPatch,
    kept_in: str,
) -> None:
    """The other way round: whoever opens waits for what becomes of the confirmation."""
    assert anh.passkey is not None
    window = house.open(request_of_anh, anh)
    before = house.requests.get(request_of_anh.request_id)
    passkey = anh.passkey.credential_id
    thread, said = _beside(
        lambda: house.windows.open(
            before, signer=anh.signer, credential=anh.credential, passkey=passkey, now=house.now
        )
    )

    def late(*arguments: Any, **more: Any) -> bool:
        thread.start()
        thread.join(0.3)
        return move_slot(*arguments, **more)

    monkeypatch.setattr(confirm, "move_slot", late)
    house.door.failure = _Killed()
    with pytest.raises(_Killed):
        house.confirming.confirm(
            before,
            signer=anh.signer,
            confirmation=anh.passkey.confirm(window.challenge),
            challenge=window.challenge,
            now=house.now,
        )
    answer = _joined(said)
    assert isinstance(answer, RequestNotWaiting)
    assert answer.state == RequestState.CONFIRMED
    assert _standing(house, request_of_anh) == (
        RequestState.CONFIRMED,
        SlotState.CONFIRMED,
        PreparationState.TAKEN,
    )


def test_no_window_opens_over_a_request_that_is_being_refused(
    house: SigningHouse, anh: Somebody, request_of_anh: SigningRequest, kept_in: str
) -> None:
    """There is nothing yet whose place it would take: it waits for the request itself."""
    thread, said = _beside(lambda: house.open(request_of_anh, anh))
    with house.database.transaction() as tx:
        assert move_request(
            tx,
            request_of_anh.request_id,
            expected=[RequestState.WAITING],
            to=RequestState.REFUSED,
            now=house.now,
        )
        thread.start()
        thread.join(0.3)
    answer = _joined(said)
    assert isinstance(answer, RequestNotWaiting)
    assert answer.state == RequestState.REFUSED
    assert _standing(house, request_of_anh)[2] is None


def test_of_two_windows_that_open_at_once_the_later_is_the_one(
    house: SigningHouse,
    anh: Somebody,
    request_of_anh: SigningRequest,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    said = _while_replacing(house, monkeypatch, lambda: house.open(request_of_anh, anh))
    house.open(request_of_anh, anh)
    later = _joined(said)
    assert isinstance(later, authorize.Window)
    found = house.windows.find(request_of_anh, signer=anh.signer, now=house.now)
    assert found is not None
    assert found.challenge == later.challenge


def test_no_window_opens_over_a_request_that_was_refused_meanwhile(
    house: SigningHouse, anh: Somebody, request_of_anh: SigningRequest, tmp_path: Path
) -> None:
    house.requests.refuse(request_of_anh, signer=anh.signer, now=house.now)
    with pytest.raises(RequestNotWaiting) as refusal:
        house.windows.open(
            request_of_anh,
            signer=anh.signer,
            credential=anh.credential,
            passkey=anh.passkey.credential_id if anh.passkey is not None else b"",
            now=house.now,
        )
    assert refusal.value.state == RequestState.REFUSED
    assert [one for one in (tmp_path / "documents").rglob("doc_*") if one.is_file()] == []


def test_a_confirmation_of_which_nothing_is_left_waits_again(
    house: SigningHouse, anh: Somebody, request_of_anh: SigningRequest
) -> None:
    with house.database.transaction() as tx:
        tx.connection.execute(update(signing_request).values(state=RequestState.CONFIRMED))
        tx.connection.execute(update(signing_slot).values(state=SlotState.CONFIRMED))
    assert house.confirming.recover(house.now) == 1
    assert house.requests.get(request_of_anh.request_id).reason == "interrupted"
    assert house.confirm(request_of_anh, anh).state is RequestState.SIGNED


class _Late:
    """A way to the signer that answers with an error, long after the request waited again."""

    def __init__(self, meanwhile: Callable[[], object]) -> None:
        self._meanwhile = meanwhile

    def activate(self, activation: SignatureActivation, evidence: Evidence) -> tuple[bytes, ...]:
        """See `SignerDoor`."""
        self._meanwhile()
        raise SignerUnavailable("read")


def test_an_error_that_comes_late_undoes_no_later_confirmation(
    house: SigningHouse, anh: Somebody, request_of_anh: SigningRequest
) -> None:
    assert anh.passkey is not None
    window = house.open(request_of_anh, anh)
    first = house.requests.get(request_of_anh.request_id)

    def meanwhile() -> None:
        house.confirming.recover(house.now + timedelta(minutes=3))
        later = house.open(request_of_anh, anh)
        second = house.requests.get(request_of_anh.request_id)
        house.confirming._take(
            second,
            second.slots[0],
            signer=anh.signer,
            challenge=later.challenge,
            now=house.now,
        )

    house.confirming._door = _Late(meanwhile)
    with pytest.raises(SignerAway):
        house.confirming.confirm(
            first,
            signer=anh.signer,
            confirmation=anh.passkey.confirm(window.challenge),
            challenge=window.challenge,
            now=house.now,
        )
    assert _standing(house, request_of_anh) == (
        RequestState.CONFIRMED,
        SlotState.CONFIRMED,
        PreparationState.TAKEN,
    )


def test_signatures_that_are_kept_are_never_taken_back(
    house: SigningHouse, anh: Somebody, request_of_anh: SigningRequest, no_status: StatusSource
) -> None:
    house.build(timestamps=None, status=no_status)
    window = house.open(request_of_anh, anh)
    assert anh.passkey is not None
    house.confirming.confirm(
        house.requests.get(request_of_anh.request_id),
        signer=anh.signer,
        confirmation=anh.passkey.confirm(window.challenge),
        challenge=window.challenge,
        now=house.now,
    )
    found = house.requests.get(request_of_anh.request_id)
    assert not house.outcomes.wait_again(
        found, found.slots[0], challenge=window.challenge, reason="interrupted", now=house.now
    )
    assert house.confirming.recover(house.now + timedelta(days=1)) == 0
    assert _standing(house, request_of_anh) == (
        RequestState.CONFIRMED,
        SlotState.CONFIRMED,
        PreparationState.SIGNED,
    )


def test_whoever_is_late_with_a_turn_does_not_end_the_next_ones(
    house: SigningHouse, anh: Somebody
) -> None:
    """Another worker has finished the first turn, and the second signer confirms by now."""
    binh = house.with_passkey("acc_2")
    signers = [NewSigner(sub="sub-acc_1"), NewSigner(sub="sub-acc_2")]
    xml = NewDocument(name="a.xml", media_type="application/xml", content=Blob.of(b"<a/>"))
    request = house.ask(xml, signers=signers, level=Level.B)
    assert house.confirm(request, anh).state is RequestState.WAITING
    house.door.failure = _Killed()
    with pytest.raises(_Killed):
        house.confirm(request, binh)
    house.signing.give_up(request.request_id, 0, reason="document_gone", now=house.now)
    found = house.requests.get(request.request_id)
    assert found.state is RequestState.CONFIRMED
    assert [one.state for one in found.slots] == [SlotState.SIGNED, SlotState.CONFIRMED]


def test_the_portal_is_told_that_a_request_waits_again(
    house: SigningHouse, anh: Somebody, request_of_anh: SigningRequest
) -> None:
    house.door.failure = SignerUnavailable("connect")
    with pytest.raises(SignerAway):
        house.confirm(request_of_anh, anh)
    assert [kind for kind, _ in house.later.left] == [SEND_WEBHOOK]


def test_a_request_that_cannot_be_read_keeps_no_other_from_its_end(
    house: SigningHouse, database: Database
) -> None:
    requests = []
    house.door.failure = _Killed()
    for account_id in ("acc_1", "acc_2"):
        somebody = house.with_passkey(account_id)
        signers = [NewSigner(sub=f"sub-{account_id}")]
        requests.append(house.ask(_file(), signers=signers, level=Level.B))
        with pytest.raises(_Killed):
            house.confirm(requests[-1], somebody)
        house.now += timedelta(seconds=1)
    with database.transaction() as tx:
        tx.connection.execute(
            update(signing_request)
            .where(signing_request.c.request_id == requests[0].request_id)
            .values(text_sealed=b"x" * 40)
        )
    with pytest.raises(SealBroken):
        house.confirming.recover(house.now + timedelta(minutes=10))
    assert house.requests.get(requests[1].request_id).state is RequestState.WAITING
    with database.transaction() as tx:
        tx.connection.execute(update(signing_request).values(state=RequestState.WAITING))
    with pytest.raises(SealBroken):
        house.requests.expire(house.now + timedelta(days=8))
    found = house.requests.get(requests[1].request_id)
    assert (found.state, found.slots[0].state) == (RequestState.EXPIRED, SlotState.ENDED)


def _files(tmp_path: Path) -> list[Path]:
    return [one for one in (tmp_path / "documents").rglob("doc_*") if one.is_file()]


@pytest.mark.parametrize("end", ["refused", "withdrawn", "expired", "failed", "signed"])
def test_documents_are_gone_with_their_purpose(
    house: SigningHouse,
    anh: Somebody,
    request_of_anh: SigningRequest,
    no_status: StatusSource,
    tmp_path: Path,
    end: str,
) -> None:
    """Law 91/2025/QH15: what is no longer needed is not kept."""
    if end == "failed":
        house.build(timestamps=None, status=no_status)
        house.confirm(request_of_anh, anh)
        house.signing.give_up(request_of_anh.request_id, 0, reason="expired", now=house.now)
    elif end == "signed":
        house.confirm(request_of_anh, anh)
    else:
        house.open(request_of_anh, anh)
    found = house.requests.get(request_of_anh.request_id)
    if end == "refused":
        house.requests.refuse(found, signer=anh.signer, now=house.now)
    elif end == "withdrawn":
        house.requests.withdraw(found, now=house.now)
    elif end == "expired":
        house.requests.expire(found.expires_at)
    assert len(_files(tmp_path)) == (1 if end == "signed" else 0)
    slot = house.requests.get(request_of_anh.request_id).slots[0].state
    assert slot == {"refused": "refused", "signed": "signed"}.get(end, "ended")
    if end == "signed":
        assert house.result(request_of_anh)


def test_who_loses_a_race_is_told_how_it_stands(
    house: SigningHouse, anh: Somebody, request_of_anh: SigningRequest
) -> None:
    house.requests.refuse(request_of_anh, signer=anh.signer, now=house.now)
    with pytest.raises(RequestNotWaiting) as refusal:
        house.requests.withdraw(request_of_anh, now=house.now)
    assert refusal.value.state == RequestState.REFUSED
