"""Confirming: exactly what was prepared is signed, once, and every end is told as it is."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import Any

import msgspec
import pytest
from cryptography import x509
from sqlalchemy import select, update

from keystore.purposes import SealPurpose
from keystore.signer.errors import OutcomeUnknown, SignerUnavailable
from signing import authorize
from signing.errors import (
    CertificateRefused,
    ConfirmationRefused,
    ParsingFailed,
    RequestNotWaiting,
    SignerAway,
    SigningError,
)
from signing.formats.material import Level
from signing.isolation.blob import Blob
from signing.isolation.task import Isolation
from signing.model import RequestState, SigningRequest, SlotState
from signing.new_request import NewDocument, NewSigner
from signing.outcomes import Finished
from signing.sign import FINISH_SIGNING
from signing.storage.evidence import read_evidence, signature_evidence
from signing.storage.preparations import signing_preparation
from tests.support.authenticator import Authenticator
from tests.support.cms_opinions import openssl_verifies
from tests.support.handmade_pdf import plain_document
from tests.support.hostile_pdfs import redrawn
from tests.support.racing import race
from tests.support.signer import digests_of, events, store
from tests.support.signing_house import OFFICES, PORTAL, SigningHouse, Somebody

_CONTENT = "Văn bản đề nghị".encode()


def _file(content: bytes = _CONTENT) -> NewDocument:
    return NewDocument(name="Văn bản.txt", media_type="text/plain", content=Blob.of(content))


@pytest.fixture
def anh(house: SigningHouse) -> Somebody:
    """A person with a passkey."""
    return house.with_passkey()


@pytest.fixture
def request_of_anh(house: SigningHouse, anh: Somebody) -> SigningRequest:
    """Two files that she is asked to sign."""
    return house.ask(_file(), _file(b"another one"), level=Level.B)


def _state(house: SigningHouse, request: SigningRequest) -> tuple[RequestState, str]:
    found = house.requests.get(request.request_id)
    return found.state, found.reason


def test_what_was_confirmed_with_a_passkey_is_signed(
    house: SigningHouse, anh: Somebody, request_of_anh: SigningRequest, tmp_path: Path
) -> None:
    assert house.confirm(request_of_anh, anh) == Finished(RequestState.SIGNED)
    found = house.requests.get(request_of_anh.request_id)
    assert found.state is RequestState.SIGNED
    (slot,) = found.slots
    assert (slot.state, slot.key_id) == (SlotState.SIGNED, anh.credential.key_id)
    for at, content in enumerate((_CONTENT, b"another one")):
        opinion = openssl_verifies(
            house.result(request_of_anh, at),
            root=house.pki.root_pem,
            folder=tmp_path,
            content=content,
        )
        assert opinion.is_valid, opinion.said
    (activation,) = house.door.seen
    assert activation.purpose == "document"
    assert len(activation.digests) == 2


def test_what_was_confirmed_with_a_code_is_signed(house: SigningHouse, tmp_path: Path) -> None:
    binh = house.with_code(code="246810")
    request = house.ask(_file(), level=Level.B)
    house.open(request, binh)
    done = house.confirming.confirm_by_code(
        house.requests.get(request.request_id), signer=binh.signer, code="246810", now=house.now
    )
    assert done == Finished(RequestState.SIGNED)
    opinion = openssl_verifies(
        house.result(request), root=house.pki.root_pem, folder=tmp_path, content=_CONTENT
    )
    assert opinion.is_valid, opinion.said


@pytest.mark.parametrize("code", ["000000", "", "246810 "])
def test_a_wrong_code_signs_nothing_and_leaves_the_window_open(
    house: SigningHouse, code: str
) -> None:
    binh = house.with_code(code="246810")
    request = house.ask(_file(), level=Level.B)
    house.open(request, binh)
    with pytest.raises(ConfirmationRefused) as refusal:
        house.confirming.confirm_by_code(request, signer=binh.signer, code=code, now=house.now)
    assert refusal.value.reason == "wrong_code"
    assert house.door.seen == []
    assert _state(house, request) == (RequestState.WAITING, "")
    assert house.windows.find(request, signer=binh.signer, now=house.now) is not None


def test_every_step_is_in_the_log(
    house: SigningHouse, anh: Somebody, request_of_anh: SigningRequest
) -> None:
    house.confirm(request_of_anh, anh)
    for kind in (
        "sign:request:created",
        "sign:request:confirmed",
        "sign:activation:accepted",
        "sign:request:signed",
    ):
        (row,) = events(house.database, kind)
        assert request_of_anh.request_id in row["facts"]


def test_what_is_on_record_names_the_organisation_she_signs_for(house: SigningHouse) -> None:
    """As with a seal: her key is her own, so nothing else says in whose office she used it."""
    clerk = house.with_passkey("acc_2", organisation_id="acc_9", enterprise_code="9900000016")
    request = house.ask(
        NewDocument(name="a", digest=digests_of(1)[0]),
        signers=[NewSigner(sub="sub-acc_2", enterprise_code="9900000016")],
        level=Level.B,
    )
    house.confirm(request, clerk)
    for kind in ("sign:request:confirmed", "sign:request:signed"):
        (row,) = events(house.database, kind)
        assert "acc_9" in row["facts"]
    assert OFFICES["acc_9"].encode() in house.result(request), "and the signature itself says so"


def test_evidence_is_kept_sealed_and_nothing_else_that_was_prepared(
    house: SigningHouse, anh: Somebody, request_of_anh: SigningRequest
) -> None:
    """Circular 15/2025/TT-BKHCN Art. 5: certificate, status and revocation data at signing."""
    house.confirm(request_of_anh, anh)
    with house.database.read() as connection:
        (one,) = read_evidence(connection, request_of_anh.request_id, sealer=house.sealer)
        sealed = connection.execute(select(signature_evidence.c.content_sealed)).scalar_one()
    assert one.content.certificate == anh.credential.signatory.certificate
    assert one.content.ocsp_responses
    assert one.content.crls
    assert one.content.status == "good"
    assert one.content.digests == house.door.seen[0].digests
    assert one.content.certificate[:40] not in sealed
    assert house.windows.find(request_of_anh, signer=anh.signer, now=house.now) is None


def _confirm(
    house: SigningHouse, request: SigningRequest, somebody: Somebody, challenge: bytes
) -> Finished:
    assert somebody.passkey is not None
    return house.confirming.confirm(
        house.requests.get(request.request_id),
        signer=somebody.signer,
        confirmation=somebody.passkey.confirm(challenge),
        challenge=challenge,
        now=house.now,
    )


def test_a_confirmation_that_is_sent_twice_signs_once(
    house: SigningHouse, anh: Somebody, request_of_anh: SigningRequest
) -> None:
    window = house.open(request_of_anh, anh)
    request = house.requests.get(request_of_anh.request_id)
    assert anh.passkey is not None
    confirm = partial(
        house.confirming.confirm,
        request,
        signer=anh.signer,
        confirmation=anh.passkey.confirm(window.challenge),
        challenge=window.challenge,
        now=house.now,
    )

    def attempt() -> Finished | str:
        try:
            return confirm()
        except SigningError as refusal:
            return refusal.code

    outcomes = race([attempt] * 6)
    assert outcomes.count(Finished(RequestState.SIGNED)) == 1
    assert len(house.door.seen) == 1
    assert len(events(house.database, "sign:activation:accepted")) == 1


def test_a_window_that_took_the_place_of_another_is_the_only_one(
    house: SigningHouse, anh: Somebody, request_of_anh: SigningRequest
) -> None:
    older = house.open(request_of_anh, anh)
    newer = house.open(request_of_anh, anh)
    with pytest.raises(ConfirmationRefused) as refusal:
        _confirm(house, request_of_anh, anh, older.challenge)
    assert refusal.value.reason == "window_closed"
    assert _confirm(house, request_of_anh, anh, newer.challenge).state is RequestState.SIGNED


def test_nothing_is_confirmed_when_the_window_is_closed(
    house: SigningHouse, anh: Somebody, request_of_anh: SigningRequest
) -> None:
    window = house.open(request_of_anh, anh)
    house.now = house.door.now = window.expires_at
    with pytest.raises(ConfirmationRefused) as refusal:
        _confirm(house, request_of_anh, anh, window.challenge)
    assert refusal.value.reason == "window_closed"
    assert _state(house, request_of_anh) == (RequestState.WAITING, "")


def test_nothing_is_confirmed_when_the_time_of_the_request_is_up(
    house: SigningHouse, anh: Somebody, request_of_anh: SigningRequest
) -> None:
    house.now = house.door.now = request_of_anh.expires_at - timedelta(seconds=10)
    window = house.open(request_of_anh, anh)
    assert window.expires_at == request_of_anh.expires_at
    house.now = request_of_anh.expires_at
    with pytest.raises(RequestNotWaiting):
        _confirm(house, request_of_anh, anh, window.challenge)


def test_another_passkey_confirms_nothing_and_the_request_waits_again(
    house: SigningHouse, anh: Somebody, request_of_anh: SigningRequest
) -> None:
    window = house.open(request_of_anh, anh)
    with pytest.raises(ConfirmationRefused) as refusal:
        house.confirming.confirm(
            request_of_anh,
            signer=anh.signer,
            confirmation=Authenticator().confirm(window.challenge),
            challenge=window.challenge,
            now=house.now,
        )
    assert refusal.value.reason == "evidence_refused"
    assert _state(house, request_of_anh) == (RequestState.WAITING, "evidence_refused")
    assert house.confirm(request_of_anh, anh).state is RequestState.SIGNED


def test_an_assertion_for_signing_in_confirms_nothing(
    house: SigningHouse, anh: Somebody, request_of_anh: SigningRequest
) -> None:
    """A passkey signs the challenge that it is given: one of a sign-in is another."""
    window = house.open(request_of_anh, anh)
    assert anh.passkey is not None
    with pytest.raises(ConfirmationRefused):
        house.confirming.confirm(
            request_of_anh,
            signer=anh.signer,
            confirmation=anh.passkey.confirm(b"challenge of a sign-in, 32 bytes"),
            challenge=window.challenge,
            now=house.now,
        )


def test_no_other_digest_and_no_other_document_is_signed_with_a_confirmation(
    house: SigningHouse, anh: Somebody, request_of_anh: SigningRequest
) -> None:
    """The window in the database is changed: what the passkey signed is not what it says then."""
    window = house.open(request_of_anh, anh)
    for changed in (
        replace(window.activation, digests=digests_of(2)),
        replace(window.activation, digests=(*window.activation.digests, *digests_of())),
        replace(window.activation, request_id="sig_other"),
    ):
        window = house.open(request_of_anh, anh)
        sealed = house.sealer.seal(
            SealPurpose.DOCUMENT,
            msgspec.msgpack.encode(changed),
            context=f"signing_preparation:{request_of_anh.request_id}:0:activation",
        )
        with house.database.transaction() as tx:
            tx.connection.execute(update(signing_preparation).values(activation_sealed=sealed))
        with pytest.raises(ConfirmationRefused) as refusal:
            _confirm(house, request_of_anh, anh, window.challenge)
        assert refusal.value.reason == "evidence_refused"
    assert events(house.database, "sign:activation:accepted") == []


def test_nobody_signs_for_another(
    house: SigningHouse, anh: Somebody, request_of_anh: SigningRequest
) -> None:
    binh = house.with_passkey("acc_2")
    with pytest.raises(RequestNotWaiting):
        house.open(request_of_anh, binh)
    with pytest.raises(CertificateRefused):
        house.open(request_of_anh, replace(anh, credential=binh.credential, passkey=binh.passkey))


def test_a_passkey_that_is_not_pinned_to_the_key_opens_no_window(
    house: SigningHouse, anh: Somebody, request_of_anh: SigningRequest
) -> None:
    for wrong in (Authenticator(), None):
        with pytest.raises(ConfirmationRefused) as refusal:
            house.open(request_of_anh, replace(anh, passkey=wrong))
        assert refusal.value.reason == "passkey_foreign"


def test_a_mandate_that_ended_a_second_ago_opens_nothing_and_confirms_nothing(
    house: SigningHouse, anh: Somebody, request_of_anh: SigningRequest
) -> None:
    window = house.open(request_of_anh, anh)
    house.people.ended.add("acc_1")
    with pytest.raises(ConfirmationRefused) as refusal:
        _confirm(house, request_of_anh, anh, window.challenge)
    assert refusal.value.reason == "mandate_ended"
    with pytest.raises(ConfirmationRefused):
        house.open(request_of_anh, anh)
    assert house.door.seen == []


def test_a_certificate_that_was_revoked_opens_no_window(
    house: SigningHouse, anh: Somebody, request_of_anh: SigningRequest
) -> None:
    """TT 15/2025/TT-BKHCN Art. 5: the status is looked at before anything is signed."""
    certificate = x509.load_der_x509_certificate(anh.credential.signatory.certificate)
    good = house.pki.status()
    house.build(
        timestamps=house.pki.timestamps(now=house.now),
        status=good,
        at_opening=house.pki.status(revoked=[certificate.serial_number]),
    )
    with pytest.raises(CertificateRefused) as refused:
        house.open(request_of_anh, anh)
    assert refused.value.reason == "revoked"
    assert _state(house, request_of_anh) == (RequestState.WAITING, "")
    assert house.door.seen == []


def test_a_key_that_rests_signs_nothing(
    house: SigningHouse, anh: Somebody, request_of_anh: SigningRequest
) -> None:
    window = house.open(request_of_anh, anh)
    store(house.database, anh.credential.key_id, suspended_ms=1)
    with pytest.raises(CertificateRefused) as refusal:
        _confirm(house, request_of_anh, anh, window.challenge)
    assert refusal.value.reason == "personal_key_suspended"
    assert _state(house, request_of_anh)[0] is RequestState.WAITING


@pytest.mark.parametrize(
    ("failure", "expected"),
    [(SignerUnavailable("connect"), SignerAway), (OutcomeUnknown("read"), ConfirmationRefused)],
)
def test_while_the_signer_is_away_the_request_waits(
    house: SigningHouse,
    anh: Somebody,
    request_of_anh: SigningRequest,
    failure: Exception,
    expected: type[SigningError],
) -> None:
    house.door.failure = failure
    window = house.open(request_of_anh, anh)
    with pytest.raises(expected):
        _confirm(house, request_of_anh, anh, window.challenge)
    assert _state(house, request_of_anh)[0] is RequestState.WAITING
    assert len(events(house.database, "sign:request:interrupted")) == 1
    house.door.failure = None
    assert house.confirm(request_of_anh, anh).state is RequestState.SIGNED


def test_who_dies_with_the_signer_at_work_leaves_a_request_that_waits_again(
    house: SigningHouse, anh: Somebody, request_of_anh: SigningRequest
) -> None:
    class Killed(BaseException):
        pass

    house.door.failure = Killed()
    window = house.open(request_of_anh, anh)
    with pytest.raises(Killed):
        _confirm(house, request_of_anh, anh, window.challenge)
    assert _state(house, request_of_anh) == (RequestState.CONFIRMED, "")
    assert house.confirming.recover(house.now + timedelta(seconds=119)) == 0
    assert house.confirming.recover(house.now + timedelta(seconds=120)) == 1
    assert _state(house, request_of_anh) == (RequestState.WAITING, "interrupted")
    house.door.failure = None
    assert house.confirm(request_of_anh, anh).state is RequestState.SIGNED


def test_signatures_that_come_too_late_are_not_used(
    house: SigningHouse, anh: Somebody, request_of_anh: SigningRequest
) -> None:
    house.door.afterwards = lambda: house.confirming.recover(house.now + timedelta(minutes=3))
    window = house.open(request_of_anh, anh)
    with pytest.raises(ConfirmationRefused) as refusal:
        _confirm(house, request_of_anh, anh, window.challenge)
    assert refusal.value.reason == "interrupted"
    assert _state(house, request_of_anh) == (RequestState.WAITING, "interrupted")
    assert FINISH_SIGNING not in {kind for kind, _ in house.later.left}


def test_a_page_that_would_be_signed_otherwise_than_it_was_seen_opens_no_window(
    house: SigningHouse, anh: Somebody, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What is prepared is drawn by somebody else, before it can be confirmed."""
    content = Blob.of(plain_document().classic())
    request = house.ask(NewDocument(name="Đơn.pdf", content=content), level=Level.B)
    house.open(request, anh)
    drawn_anew = redrawn(plain_document().classic(), "0 g 10 10 50 50 re f")
    monkeypatch.setattr(authorize, "increment_of", lambda _half: drawn_anew)
    with pytest.raises(ParsingFailed, match="contradiction"):
        house.open(request, anh)


@dataclass
class _Noting:
    """The walls, with a note of who was read for."""

    walls: Isolation
    tenant: str = ""
    noted: list[str] = field(default_factory=list)

    def run(self, task: Any, asked: Any, *, inputs: Sequence[Blob] = ()) -> Any:
        self.noted.append(self.tenant)
        return self.walls.run(task, asked, inputs=inputs)

    def for_tenant(self, tenant: str) -> Isolation:
        return replace(self, tenant=tenant)


def test_a_portals_documents_are_read_by_nobody_who_reads_anothers(
    house: SigningHouse, anh: Somebody
) -> None:
    house.isolation = noting = _Noting(house.isolation)
    house.build(timestamps=house.pki.timestamps(now=house.now), status=house.pki.status())
    content = Blob.of(plain_document().classic())
    request = house.ask(NewDocument(name="Đơn.pdf", content=content), level=Level.LT)
    assert house.confirm(request, anh) == Finished(RequestState.SIGNED)
    assert set(noting.noted) == {PORTAL, f"pictures:{PORTAL}"}
