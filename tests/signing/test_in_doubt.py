"""The answer to a COMMIT is lost: what was committed all the same is still whole."""

from __future__ import annotations

from contextlib import ExitStack
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from idp.errors import StorageUnavailable
from idp.storage.database import Database
from signing.formats.material import Level
from signing.isolation.blob import Blob
from signing.made_once import Idempotency
from signing.model import RequestState
from signing.new_request import NewDocument
from signing.storage.evidence import insert_evidence
from tests.support.lost_answers import lose_answers
from tests.support.signing_house import SigningHouse
from tests.support.signing_people import PORTAL, a_request


def _files(tmp_path: Path) -> list[Path]:
    return [one for one in (tmp_path / "documents").rglob("doc_*") if one.is_file()]


def test_a_signed_document_whose_commit_was_not_heard_of_can_be_fetched(
    house: SigningHouse, monkeypatch: pytest.MonkeyPatch
) -> None:
    """There is no other: what it was made of went with the same commit."""
    anh = house.with_passkey()
    content = Blob.of(b"the only one")
    request = house.ask(
        NewDocument(name="a.txt", media_type="text/plain", content=content), level=Level.B
    )
    with ExitStack() as lost:

        def last(*arguments: Any, **more: Any) -> None:
            insert_evidence(*arguments, **more)
            lost.enter_context(lose_answers())

        monkeypatch.setattr("signing.sign.insert_evidence", last)
        with pytest.raises(StorageUnavailable):
            house.confirm(request, anh)
    assert house.requests.get(request.request_id).state is RequestState.SIGNED
    assert house.result(request)


def test_a_request_whose_commit_was_not_heard_of_has_its_documents(house: SigningHouse) -> None:
    """The portal sends it again, and is answered with what was made."""
    house.people.add(PORTAL, "sub-1", "acc_1")
    key = Idempotency("key-1", bytes(32))
    with lose_answers(), pytest.raises(StorageUnavailable):
        house.requests.create(a_request(), client_id=PORTAL, idempotency=key, now=house.now)
    made = house.requests.create(a_request(), client_id=PORTAL, idempotency=key, now=house.now)
    assert made.is_replay
    (document,) = made.request.documents
    assert document.original_id is not None
    house.documents.open(document.original_id).close()


def test_what_was_not_committed_is_swept_away(
    house: SigningHouse, database: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def is_away(*_: Any) -> None:
        raise StorageUnavailable

    house.people.add(PORTAL, "sub-1", "acc_1")
    with monkeypatch.context() as patch:
        patch.setattr(database, "transaction", is_away)
        with pytest.raises(StorageUnavailable):
            house.requests.create(a_request(), client_id=PORTAL, now=house.now)
    assert len(_files(tmp_path)) == 1
    assert house.documents.sweep(house.now + timedelta(days=36_500)) == 1
    assert _files(tmp_path) == []
