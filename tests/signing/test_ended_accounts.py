"""An account that ends takes along what waits for it, and nothing that was done."""

from __future__ import annotations

from pathlib import Path

import pytest

from signing.ended_accounts import EndedAccounts
from signing.errors import RequestNotWaiting
from signing.formats.material import Level, StatusSource
from signing.isolation.blob import Blob
from signing.model import RequestState, SigningRequest, SlotState
from signing.new_request import NewDocument, NewSigner
from signing.telling import SEND_WEBHOOK
from tests.support.signer import events
from tests.support.signing_house import SigningHouse, Somebody


@pytest.fixture
def anh(house: SigningHouse) -> Somebody:
    """A person with a passkey."""
    return house.with_passkey()


def _ask(house: SigningHouse, account_id: str = "acc_1") -> SigningRequest:
    document = NewDocument(name="a.txt", media_type="text/plain", content=Blob.of(b"1"))
    return house.ask(
        document,
        document,
        signers=[NewSigner(sub=f"sub-{account_id}")],
        level=Level.B,
        webhook_uri="https://portal.example/hook",
    )


def _end(house: SigningHouse, account_id: str = "acc_1") -> int:
    ended = EndedAccounts(house.sealer, house.log, house.documents, house.later)
    with house.database.transaction() as tx:
        return ended.end(tx, account_id, now=house.now)


def test_what_waits_for_an_account_ends_with_it(
    house: SigningHouse, anh: Somebody, tmp_path: Path
) -> None:
    """Law 91/2025/QH15: nothing about her is kept for a purpose that is gone."""
    request = _ask(house)
    house.open(request, anh)
    assert _end(house) == 1
    found = house.requests.get(request.request_id)
    assert (found.state, found.reason) == (RequestState.FAILED, "account_ended")
    assert found.slots[0].state is SlotState.ENDED
    assert (found.text.title, len(found.text.documents)) == ("—", 2)
    assert [one for one in (tmp_path / "documents").rglob("doc_*") if one.is_file()] == []
    assert [kind for kind, _ in house.later.left] == [SEND_WEBHOOK]
    assert len(events(house.database, "sign:request:failed")) == 1
    with pytest.raises(RequestNotWaiting):
        house.open(request, anh)
    assert _end(house) == 0


def test_what_is_being_finished_ends_too(
    house: SigningHouse, anh: Somebody, no_status: StatusSource
) -> None:
    house.build(timestamps=None, status=no_status)
    request = _ask(house)
    house.confirm(request, anh)
    assert _end(house) == 1
    assert house.signing.finish(request.request_id, 0, now=house.now).state is RequestState.FAILED
    assert house.confirming.recover(house.now) == 0


def test_what_was_signed_and_what_waits_for_others_stays(
    house: SigningHouse, anh: Somebody
) -> None:
    house.with_passkey("acc_2")
    signed, others = _ask(house), _ask(house, "acc_2")
    house.confirm(signed, anh)
    assert _end(house) == 0
    assert house.result(signed)
    assert house.requests.get(others.request_id).text.title == "Đơn đề nghị"


def test_what_waits_for_the_seal_of_an_organisation_ends_with_it(house: SigningHouse) -> None:
    clerk = house.with_seal("acc_2")
    document = NewDocument(name="a.txt", media_type="text/plain", content=Blob.of(b"1"))
    signer = NewSigner(sub="sub-acc_2", role=clerk.signer.role, enterprise_code="9900000016")
    request = house.ask(document, signers=[signer], level=Level.B)
    assert _end(house, "acc_9") == 1
    assert house.requests.get(request.request_id).reason == "account_ended"
