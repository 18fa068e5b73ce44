"""Finishing: documents, evidence and state together, whenever and by whomever it succeeds."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path

import pytest
from cryptography import x509

from signing import authorize
from signing.errors import StatusUnavailable
from signing.formats.material import Level, StatusSource, Timestamps, ValidationMaterial
from signing.halves import CLAIMED_FOR
from signing.isolation.blob import Blob
from signing.model import RequestState, SignatureFormat, SigningRequest, SlotState
from signing.new_request import NewDocument
from signing.outcomes import Finished
from signing.sign import FINISH_SIGNING, LOST_AFTER
from signing.storage.evidence import read_evidence
from signing.telling import SEND_WEBHOOK
from tests.support.cms_opinions import openssl_verifies
from tests.support.handmade_pdf import plain_document
from tests.support.pdf_opinions import opinions
from tests.support.racing import race
from tests.support.signer import events
from tests.support.signing_house import SigningHouse, Somebody, pdf


@pytest.fixture
def anh(house: SigningHouse) -> Somebody:
    """A person with a passkey."""
    return house.with_passkey()


def _text(name: str = "a.txt", **more: object) -> NewDocument:
    content = Blob.of(f"content of {name}".encode())
    return NewDocument(name=name, media_type="text/plain", content=content, **more)


def _work_left(house: SigningHouse) -> list[str]:
    return [kind for kind, _ in house.later.left]


@pytest.mark.parametrize("level", list(Level))
def test_a_pdf_is_signed_at_every_level(house: SigningHouse, anh: Somebody, level: Level) -> None:
    request = house.ask(pdf(plain_document().classic()), level=level)
    assert house.confirm(request, anh) == Finished(RequestState.SIGNED)
    found = opinions(house.result(request), roots=[house.pki.root.der], at=house.now)
    assert all(one.is_intact and one.is_trusted for one in found)
    assert len(found) == (2 if level is Level.LTA else 1)


def test_a_container_holds_all_documents_of_a_request(house: SigningHouse, anh: Somebody) -> None:
    documents = [_text(f"{at}.txt", format=SignatureFormat.ASIC_E_CADES) for at in range(3)]
    request = house.ask(*documents, level=Level.T)
    house.confirm(request, anh)
    assert len(house.door.seen[0].digests) == 1
    assert len({house.result(request, at) for at in range(3)}) == 1
    assert house.result(request).startswith(b"PK")


@pytest.mark.parametrize("wanted", [one for one in SignatureFormat if one.value[0] in "cx"])
def test_every_format_comes_out_at_its_highest_level(
    house: SigningHouse, anh: Somebody, wanted: SignatureFormat
) -> None:
    document = NewDocument(
        name="a.xml", media_type="application/xml", content=Blob.of(b"<a>\n</a>"), format=wanted
    )
    request = house.ask(document, level=Level.LT)
    assert house.confirm(request, anh) == Finished(RequestState.SIGNED)
    assert house.result(request)


def test_while_the_timestamp_authority_is_away_the_request_is_confirmed_and_finished_later(
    house: SigningHouse, anh: Somebody, no_timestamps: Timestamps, tmp_path: Path
) -> None:
    request = house.ask(_text(), level=Level.T)
    house.build(timestamps=no_timestamps, status=house.pki.status())
    assert house.confirm(request, anh) == Finished(RequestState.CONFIRMED, "timestamp_unavailable")
    assert house.requests.get(request.request_id).state is RequestState.CONFIRMED
    assert _work_left(house) == [FINISH_SIGNING]
    assert list((tmp_path / "documents").rglob("doc_*")), "the document still waits"
    house.build(timestamps=house.pki.timestamps(now=house.now), status=house.pki.status())
    done = house.signing.finish(request.request_id, 0, now=house.now + timedelta(minutes=1))
    assert done == Finished(RequestState.SIGNED)
    opinion = openssl_verifies(
        house.result(request), root=house.pki.root_pem, folder=tmp_path, content=b"content of a.txt"
    )
    assert opinion.is_valid, opinion.said
    assert len(house.door.seen) == 1, "the person confirmed once, the key signed once"


def test_what_is_finished_at_once_leaves_no_work(house: SigningHouse, anh: Somebody) -> None:
    house.confirm(house.ask(_text(), level=Level.B), anh)
    assert _work_left(house) == []


class _Killed(BaseException):
    """What ends a worker."""


@pytest.mark.parametrize("kept_in_row", [authorize.KEPT_IN_ROW_BYTES, 0])
def test_signatures_of_a_worker_that_died_are_finished_by_deferred_work(
    house: SigningHouse, anh: Somebody, monkeypatch: pytest.MonkeyPatch, kept_in_row: int
) -> None:
    """Once its claim has run out; the key signed once, and nobody confirms again."""
    monkeypatch.setattr(authorize, "KEPT_IN_ROW_BYTES", kept_in_row)
    request = house.ask(_text(), level=Level.B)

    class Dies:
        """Ends the worker as soon as the signatures are kept."""

        def material(self, chain: Sequence[bytes], *, now: datetime) -> ValidationMaterial:
            """See `StatusSource`."""
            raise _Killed

    house.build(timestamps=None, status=Dies())
    with pytest.raises(_Killed):
        house.confirm(request, anh)
    house.build(timestamps=None, status=house.pki.status())
    late = house.now + CLAIMED_FOR
    assert house.confirming.recover(late - timedelta(milliseconds=1)) == 0
    assert _work_left(house) == []
    assert house.confirming.recover(late) == 1
    assert house.confirming.recover(late) == 0, "it is left to deferred work once"
    assert _work_left(house) == [FINISH_SIGNING]
    done = house.signing.finish(request.request_id, 0, now=late)
    assert done == Finished(RequestState.SIGNED)
    assert house.confirming.recover(late + CLAIMED_FOR) == 0
    assert len(house.door.seen) == 1


def test_what_waits_is_left_to_deferred_work_once(
    house: SigningHouse, anh: Somebody, no_timestamps: Timestamps
) -> None:
    request = house.ask(_text(), level=Level.T)
    house.build(timestamps=no_timestamps, status=house.pki.status())
    house.confirm(request, anh)
    house.signing.finish(request.request_id, 0, now=house.now)
    assert house.confirming.recover(house.now + timedelta(hours=1)) == 0
    assert _work_left(house) == [FINISH_SIGNING]


def test_what_deferred_work_has_lost_is_left_to_it_again(
    house: SigningHouse, anh: Somebody, no_timestamps: Timestamps
) -> None:
    """A worker of the version before gave it up, and could not tell anybody."""
    request = house.ask(_text(), level=Level.T)
    house.build(timestamps=no_timestamps, status=house.pki.status())
    house.confirm(request, anh)
    house.later.left.clear()
    lost = house.now + LOST_AFTER
    assert house.confirming.recover(lost - timedelta(milliseconds=1)) == 0
    assert house.confirming.recover(lost) == 1
    assert house.confirming.recover(lost) == 0
    assert _work_left(house) == [FINISH_SIGNING]
    house.build(timestamps=house.pki.timestamps(now=house.now), status=house.pki.status())
    assert house.signing.finish(request.request_id, 0, now=lost) == Finished(RequestState.SIGNED)


def test_without_a_status_nothing_is_called_signed(
    house: SigningHouse, anh: Somebody, no_status: StatusSource
) -> None:
    """Circular 15/2025/TT-BKHCN Art. 5: the status is checked before signing is over."""
    request = house.ask(_text(), level=Level.B)
    house.build(timestamps=house.pki.timestamps(now=house.now), status=no_status)
    assert house.confirm(request, anh) == Finished(RequestState.CONFIRMED, StatusUnavailable.code)


def test_a_certificate_that_was_revoked_meanwhile_ends_the_request(
    house: SigningHouse, anh: Somebody
) -> None:
    certificate = x509.load_der_x509_certificate(anh.credential.signatory.certificate)
    request = house.ask(_text(), level=Level.B)
    revoked = house.pki.status(revoked=[certificate.serial_number])
    house.build(timestamps=house.pki.timestamps(now=house.now), status=revoked)
    assert house.confirm(request, anh) == Finished(RequestState.FAILED, "revoked")
    found = house.requests.get(request.request_id)
    assert (found.state, found.reason) == (RequestState.FAILED, "revoked")
    assert found.documents[0].result is None
    assert events(house.database, "sign:request:failed")
    with house.database.read() as connection:
        assert read_evidence(connection, request.request_id, sealer=house.sealer) == ()


def test_a_document_that_is_gone_ends_the_request(
    house: SigningHouse, anh: Somebody, no_status: StatusSource
) -> None:
    request = house.ask(_text(), level=Level.B)
    house.build(timestamps=None, status=no_status)
    house.confirm(request, anh)
    original = request.documents[0].original_id
    assert original is not None
    with house.database.transaction() as tx:
        house.documents.drop(tx, [original])
    house.build(timestamps=None, status=house.pki.status())
    done = house.signing.finish(request.request_id, 0, now=house.now)
    assert done == Finished(RequestState.FAILED, "document_gone")


def test_of_many_who_finish_one_does(
    house: SigningHouse, anh: Somebody, no_status: StatusSource, tmp_path: Path
) -> None:
    request = house.ask(_text(), level=Level.B)
    house.build(timestamps=None, status=no_status)
    house.confirm(request, anh)
    house.build(timestamps=None, status=house.pki.status())
    finish = partial(house.signing.finish, request.request_id, 0, now=house.now)
    said = set(race([finish] * 6))
    assert Finished(RequestState.SIGNED) in said
    others = said - {Finished(RequestState.SIGNED)}
    assert others <= {Finished(RequestState.CONFIRMED, StatusUnavailable.code)}
    assert len(events(house.database, "sign:request:signed")) == 1
    with house.database.read() as connection:
        assert len(read_evidence(connection, request.request_id, sealer=house.sealer)) == 1
    files = [one for one in (tmp_path / "documents").rglob("doc_*") if one.is_file()]
    assert len(files) == 1, "the signature; the document has served its purpose"


def test_finishing_what_is_finished_does_nothing(house: SigningHouse, anh: Somebody) -> None:
    request = house.ask(_text(), level=Level.B)
    house.confirm(request, anh)
    result = house.result(request)
    assert house.signing.finish(request.request_id, 0, now=house.now) == Finished(
        RequestState.SIGNED
    )
    assert house.result(request) == result


def test_what_cannot_be_finished_in_time_has_failed(
    house: SigningHouse, anh: Somebody, no_status: StatusSource
) -> None:
    request = house.ask(_text(), level=Level.B, webhook_uri="https://portal.example/hook")
    house.build(timestamps=None, status=no_status)
    house.confirm(request, anh)
    house.signing.give_up(request.request_id, 0, reason="status_unavailable", now=house.now)
    found = house.requests.get(request.request_id)
    assert (found.state, found.reason) == (RequestState.FAILED, "status_unavailable")
    assert found.slots[0].state is SlotState.ENDED
    assert SEND_WEBHOOK in _work_left(house)


@pytest.fixture
def signed(house: SigningHouse, anh: Somebody) -> SigningRequest:
    """A request that is signed."""
    request = house.ask(_text(), level=Level.B)
    house.confirm(request, anh)
    return house.requests.get(request.request_id)


def test_what_is_signed_can_be_fetched_for_thirty_days_and_then_is_gone(
    house: SigningHouse, signed: SigningRequest, tmp_path: Path
) -> None:
    house.documents.purge(house.now + timedelta(days=29))
    assert house.result(signed)
    house.documents.purge(house.now + timedelta(days=38))
    assert [one for one in (tmp_path / "documents").rglob("doc_*") if one.is_file()] == []
