"""Signing requests: made once, within bounds, for people who may be asked; with an end."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import func, select

from idp.storage.database import Database
from keystore.log.record import LogWriter
from keystore.sealing import Sealer
from signing.blobs import DocumentStore
from signing.errors import (
    DocumentRefused,
    IdempotencyKeyReused,
    RequestNotWaiting,
    RequestRefused,
    RequestUnknown,
    SignerUnknown,
)
from signing.formats.material import Level
from signing.isolation.blob import Blob
from signing.model import (
    DocumentKind,
    RequestState,
    Role,
    SignatureFormat,
    SigningRequest,
    SlotState,
)
from signing.new_request import NewDocument, NewRequest, NewSigner
from signing.ports import Seen
from signing.requests import SEND_WEBHOOK, Idempotency, SigningRequests
from signing.storage.requests import signing_request
from tests.support.racing import race
from tests.support.signer import events
from tests.support.signing_people import FewPeople, WorkForLater, look_at_first_bytes

_PORTAL = "portal.citizen"
_PDF = b"%PDF-1.7 only its beginning"


@pytest.fixture
def people() -> FewPeople:
    """A person, and the same with the seal of her company."""
    people = FewPeople()
    people.add(_PORTAL, "sub-1", "acc_1")
    people.add(
        _PORTAL,
        "sub-1",
        "acc_1",
        role=Role.SEAL,
        enterprise_code="9900000016",
        organisation_id="acc_9",
    )
    return people


@pytest.fixture
def later() -> WorkForLater:
    """What is left for later."""
    return WorkForLater()


@pytest.fixture
def requests(
    database: Database,
    sealer: Sealer,
    log: LogWriter,
    documents: DocumentStore,
    people: FewPeople,
    later: WorkForLater,
) -> SigningRequests:
    """Requests of documents of a megabyte at most."""
    return SigningRequests(
        database,
        sealer=sealer,
        log=log,
        documents=documents,
        signers=people,
        deferred=later,
        look=look_at_first_bytes,
        largest_bytes=1_000_000,
    )


def _pdf(**changes: Any) -> NewDocument:
    return replace(NewDocument(name="Đơn.pdf", content=Blob.of(_PDF)), **changes)


def _new(**changes: Any) -> NewRequest:
    usual = NewRequest(title="Đơn đề nghị", documents=[_pdf()], signers=[NewSigner(sub="sub-1")])
    return replace(usual, **changes)


@pytest.mark.parametrize("limit", [{"most_open": 2}, {"most_open_bytes": 2 * len(_PDF)}])
def test_a_portal_fills_no_more_than_its_share(
    database: Database,
    sealer: Sealer,
    log: LogWriter,
    documents: DocumentStore,
    people: FewPeople,
    later: WorkForLater,
    now: datetime,
    limit: dict[str, int],
) -> None:
    requests = SigningRequests(
        database,
        sealer=sealer,
        log=log,
        documents=documents,
        signers=people,
        deferred=later,
        look=look_at_first_bytes,
        largest_bytes=1_000_000,
        **limit,
    )
    people.add("portal.business", "sub-1", "acc_1")
    first = requests.create(_new(), client_id=_PORTAL, now=now).request
    requests.create(_new(), client_id=_PORTAL, now=now)
    with pytest.raises(RequestRefused) as refusal:
        requests.create(_new(), client_id=_PORTAL, now=now)
    assert refusal.value.reason == "too_many_open"
    assert requests.create(_new(), client_id="portal.business", now=now)
    requests.withdraw(first, now=now)
    assert requests.create(_new(), client_id=_PORTAL, now=now)


def _files(tmp_path: Path) -> list[Path]:
    return [one for one in (tmp_path / "documents").rglob("*") if one.is_file()]


@pytest.fixture
def made(requests: SigningRequests, now: datetime) -> SigningRequest:
    """A request with a webhook."""
    new = _new(webhook_uri="https://portal.example/hook")
    return requests.create(new, client_id=_PORTAL, now=now).request


def test_a_request_waits_for_its_signer(
    requests: SigningRequests, database: Database, documents: DocumentStore, now: datetime
) -> None:
    made = requests.create(_new(), client_id=_PORTAL, now=now)
    assert not made.is_replay
    request = requests.get(made.request.request_id, client_id=_PORTAL)
    assert request == made.request
    assert request.state is RequestState.WAITING
    assert request.current_slot is not None
    assert request.current_slot.account_id == "acc_1"
    (document,) = request.documents
    assert document.format is SignatureFormat.PADES
    assert document.digest == hashlib.sha256(_PDF).digest()
    assert document.current_id is not None
    with documents.open(document.current_id) as content:
        assert content.read() == _PDF
    assert requests.waiting_for("acc_1", now=now) == (request.request_id,)
    (row,) = events(database, "sign:request:created")
    assert request.request_id in row["facts"]


def test_another_portal_learns_nothing_of_it(
    requests: SigningRequests, made: SigningRequest
) -> None:
    with pytest.raises(RequestUnknown):
        requests.get(made.request_id, client_id="portal.other")


def test_only_the_digest_of_a_document_can_be_handed_over(
    requests: SigningRequests, now: datetime
) -> None:
    digests = [
        NewDocument(name=f"{at}", digest=bytes([at]) * 32, hash_name="sha256") for at in range(3)
    ]
    request = requests.create(_new(documents=digests), client_id=_PORTAL, now=now).request
    assert {one.kind for one in request.documents} == {DocumentKind.DIGEST}
    assert [one.digest for one in request.documents] == [bytes([at]) * 32 for at in range(3)]
    assert all(one.current_id is None for one in request.documents)


_XML = {"name": "a.xml", "content": Blob.of(b"<a/>")}


@pytest.mark.parametrize(
    ("changes", "reason", "part"),
    [
        ({"documents": []}, "documents_number", "documents"),
        ({"documents": [_pdf()] * 1_001}, "documents_number", "documents"),
        ({"signers": []}, "signers_number", "signers"),
        ({"title": " "}, "text_length", "title"),
        ({"title": "a" * 201}, "text_length", "title"),
        ({"reason": "a" * 501}, "text_length", "reason"),
        ({"title": "Đơn\u202efdp.exe"}, "text_deceiving", "title"),
        ({"reason": "Đồng ý\n\x00"}, "text_deceiving", "reason"),
        ({"location": "Hà Nội\u2066"}, "text_deceiving", "location"),
        ({"documents": [_pdf(name="hop\u202efdp.exe")]}, "text_deceiving", "documents[0].name"),
        ({"documents": [_pdf(media_type="a" * 256)]}, "text_length", "documents[0].media_type"),
        ({"signers": [NewSigner(sub="s" * 256)]}, "text_length", "signers[0].sub"),
        (
            {"signers": [NewSigner(sub="s", enterprise_code="9" * 256)]},
            "text_length",
            "signers[0].organization",
        ),
        ({"lifetime": timedelta(days=30, seconds=1)}, "lifetime", "expires_in"),
        ({"lifetime": timedelta(seconds=1)}, "lifetime", "expires_in"),
        ({"window": timedelta(seconds=301)}, "window", "confirmation_window"),
        ({"documents": [_pdf(name="")]}, "text_length", "documents[0].name"),
        ({"documents": [_pdf(content=None)]}, "content_or_digest", "documents[0]"),
        ({"documents": [_pdf(digest=bytes(32))]}, "content_or_digest", "documents[0]"),
        ({"documents": [_pdf(content=Blob.of())]}, "document_size", "documents[0]"),
        ({"documents": [_pdf(content=Blob.of(bytes(1_000_001)))]}, "document_size", "documents[0]"),
        (
            {"documents": [_pdf(), _pdf(content=None, digest=bytes(31))]},
            "digest_length",
            "documents[1].digest",
        ),
        ({"documents": [_pdf(hash_name="sha1")]}, "unknown_hash", "documents[0].hash"),
        (
            {"documents": [_pdf(format=SignatureFormat.XADES_ENVELOPED)]},
            "format_unfit",
            "documents[0].format",
        ),
        (
            {"documents": [NewDocument(**_XML, format=SignatureFormat.PADES)]},
            "format_unfit",
            "documents[0].format",
        ),
        (
            {"documents": [_pdf(), _pdf(format=SignatureFormat.ASIC_E_CADES)]},
            "format_mixed",
            "documents",
        ),
        (
            {"documents": [_pdf(format=SignatureFormat.ASIC_S_CADES)] * 2},
            "documents_number",
            "documents",
        ),
        ({"documents": [NewDocument(**_XML)], "level": Level.LTA}, "level_unfit", "level"),
        (
            {
                "documents": [_pdf(format=SignatureFormat.CADES_DETACHED)],
                "signers": [NewSigner(sub="sub-1")] * 2,
            },
            "format_one_signer",
            "signers",
        ),
        (
            {
                "signers": [
                    NewSigner(sub="sub-1", role=Role.SEAL, enterprise_code="9900000016"),
                    NewSigner(sub="sub-1"),
                ]
            },
            "seal_before_person",
            "signers[0]",
        ),
    ],
)
def test_what_is_out_of_bounds_is_named(
    requests: SigningRequests,
    now: datetime,
    tmp_path: Path,
    changes: dict[str, Any],
    reason: str,
    part: str,
) -> None:
    with pytest.raises(RequestRefused) as refusal:
        requests.create(_new(**changes), client_id=_PORTAL, now=now)
    assert (refusal.value.reason, refusal.value.part) == (reason, part)
    assert _files(tmp_path) == []


def _container(*names: str, media_type: str = "text/plain") -> list[NewDocument]:
    content = Blob.of(b"one")
    return [
        NewDocument(
            name=name, media_type=media_type, content=content, format=SignatureFormat.ASIC_E_CADES
        )
        for name in names
    ]


@pytest.mark.parametrize(
    ("documents", "reason", "part"),
    [
        (_container("a.txt", "A.TXT"), "name_twice", "documents"),
        (_container("a.txt", "../x"), "name_escapes", "documents[1].name"),
        (_container("META-INF/a"), "name_reserved", "documents[0].name"),
        (_container("a.txt", media_type="text/pl ain"), "mime_type", "documents[0].media_type"),
        (
            [NewDocument(name="a", digest=bytes(64), hash_name="sha512")],
            "hash_not_of_key",
            "documents[0].hash",
        ),
        (
            [NewDocument(name="a", digest=bytes(48), hash_name="sha384")],
            "hash_not_of_key",
            "documents[0].hash",
        ),
        (
            [
                NewDocument(
                    name="/a", content=Blob.of(b"one"), format=SignatureFormat.XADES_DETACHED
                )
            ],
            "name_unusable",
            "documents[0].name",
        ),
        (
            [
                NewDocument(
                    name="a",
                    content=Blob.of(bytes(7_000_001)),
                    format=SignatureFormat.XADES_ENVELOPING,
                )
            ],
            "too_large",
            "documents[0]",
        ),
    ],
)
def test_what_a_format_would_refuse_later_is_refused_at_once(
    requests: SigningRequests,
    now: datetime,
    tmp_path: Path,
    documents: list[NewDocument],
    reason: str,
    part: str,
) -> None:
    requests._largest_bytes = 10_000_000
    with pytest.raises(RequestRefused) as refusal:
        requests.create(_new(documents=documents), client_id=_PORTAL, now=now)
    assert (refusal.value.reason, refusal.value.part) == (reason, part)
    assert _files(tmp_path) == []


def test_parameters_of_a_media_type_are_not_signed(
    requests: SigningRequests, now: datetime
) -> None:
    """RFC 6838 §4.3: what HTTP clients send beside the type says nothing about the file."""
    documents = _container("a.txt", media_type="Text/Plain; charset=utf-8")
    made = requests.create(_new(documents=documents), client_id=_PORTAL, now=now).request
    assert made.text.documents[0].media_type == "text/plain"


def test_xml_that_no_signature_fits_into_is_refused_when_it_is_one_that_is_asked_for(
    requests: SigningRequests, now: datetime
) -> None:
    def look(content: Blob, *, media_type: str, tenant: str = "") -> Seen:
        assert tenant == _PORTAL
        return Seen(kind=DocumentKind.XML, no_enveloped="signature_is_root", nodes=60_000)

    requests._look = look
    document = NewDocument(**_XML)
    with pytest.raises(RequestRefused, match="signature_is_root"):
        requests.create(_new(documents=[document]), client_id=_PORTAL, now=now)
    beside = replace(document, format=SignatureFormat.CADES_DETACHED)
    assert not requests.create(_new(documents=[beside]), client_id=_PORTAL, now=now).is_replay


def test_a_document_that_is_not_signed_is_named(
    database: Database, requests: SigningRequests, now: datetime, tmp_path: Path
) -> None:
    def look(content: Blob, *, media_type: str, tenant: str = "") -> Seen:
        raise DocumentRefused("encrypted")

    requests._look = look
    with pytest.raises(RequestRefused) as refusal:
        requests.create(_new(), client_id=_PORTAL, now=now)
    assert (refusal.value.reason, refusal.value.part) == ("encrypted", "documents[0]")
    assert _files(tmp_path) == []


@pytest.mark.parametrize(
    "signer",
    [
        NewSigner(sub="sub-of-nobody"),
        NewSigner(sub="sub-1", role=Role.SEAL, enterprise_code="9900000023"),
        NewSigner(sub="sub-1", role=Role.SEAL),
    ],
)
def test_nobody_is_asked_whom_the_portal_may_not_ask(
    requests: SigningRequests, now: datetime, signer: NewSigner
) -> None:
    with pytest.raises(SignerUnknown) as unknown:
        requests.create(_new(signers=[NewSigner(sub="sub-1"), signer]), client_id=_PORTAL, now=now)
    assert unknown.value.part == "signers[1]"


def test_a_request_that_is_sent_twice_is_made_once(
    requests: SigningRequests, now: datetime, tmp_path: Path
) -> None:
    """draft-ietf-httpapi-idempotency-key-header §2.6: the first answer is given again."""
    key = Idempotency("key-1", bytes(32))
    first = requests.create(_new(), client_id=_PORTAL, idempotency=key, now=now)
    again = requests.create(
        _new(), client_id=_PORTAL, idempotency=key, now=now + timedelta(hours=23)
    )
    assert again.is_replay
    assert again.request == first.request
    assert len(_files(tmp_path)) == 1


def test_a_key_with_another_body_is_refused(requests: SigningRequests, now: datetime) -> None:
    """draft-ietf-httpapi-idempotency-key-header §2.7: reuse with another payload is an error."""
    key = Idempotency("key-1", bytes(32))
    requests.create(_new(), client_id=_PORTAL, idempotency=key, now=now)
    with pytest.raises(IdempotencyKeyReused):
        requests.create(
            _new(), client_id=_PORTAL, idempotency=replace(key, body_sha256=b"\1" * 32), now=now
        )


def test_a_key_is_a_portals_own_and_lasts_a_day(
    requests: SigningRequests, people: FewPeople, now: datetime
) -> None:
    people.add("portal.other", "sub-1", "acc_1")
    key = Idempotency("key-1", bytes(32))
    first = requests.create(_new(), client_id=_PORTAL, idempotency=key, now=now)
    other = requests.create(_new(), client_id="portal.other", idempotency=key, now=now)
    next_day = requests.create(
        _new(), client_id=_PORTAL, idempotency=key, now=now + timedelta(hours=24)
    )
    ids = {one.request.request_id for one in (first, other, next_day)}
    assert len(ids) == 3


def test_of_many_that_are_sent_at_once_one_is_made(
    requests: SigningRequests, database: Database, now: datetime, tmp_path: Path
) -> None:
    key = Idempotency("key-1", bytes(32))
    create = partial(requests.create, _new(), client_id=_PORTAL, idempotency=key, now=now)
    made = race([create] * 8)
    assert len({one.request.request_id for one in made}) == 1
    assert [one.is_replay for one in made].count(False) == 1
    assert len(_files(tmp_path)) == 1
    with database.read() as connection:
        assert connection.execute(select(func.count()).select_from(signing_request)).scalar() == 1


def test_who_is_asked_may_refuse_once(
    requests: SigningRequests,
    database: Database,
    people: FewPeople,
    later: WorkForLater,
    made: SigningRequest,
    now: datetime,
) -> None:
    signer = people.get_signer("acc_1", role=Role.PERSON, organisation_id=None)
    requests.refuse(made, signer=signer, reason="not_mine", now=now)
    refused = requests.get(made.request_id)
    assert (refused.state, refused.reason) == (RequestState.REFUSED, "not_mine")
    assert refused.slots[0].state is SlotState.REFUSED
    assert later.left == [(SEND_WEBHOOK, {"request_id": made.request_id})]
    assert events(database, "sign:request:refused")
    with pytest.raises(RequestNotWaiting):
        requests.refuse(made, signer=signer, now=now)


def test_nobody_refuses_for_another(
    requests: SigningRequests, people: FewPeople, made: SigningRequest, now: datetime
) -> None:
    stranger = people.add(_PORTAL, "sub-2", "acc_2")
    with pytest.raises(RequestNotWaiting):
        requests.refuse(made, signer=stranger, now=now)
    assert requests.get(made.request_id).state is RequestState.WAITING


def test_a_portal_may_withdraw_while_nobody_has_confirmed(
    requests: SigningRequests, made: SigningRequest, now: datetime
) -> None:
    requests.withdraw(made, now=now)
    ended = requests.get(made.request_id)
    assert (ended.state, ended.reason) == (RequestState.FAILED, "withdrawn")
    with pytest.raises(RequestNotWaiting):
        requests.withdraw(ended, now=now)


def test_when_time_is_up_nothing_can_be_done_and_it_is_noted(
    requests: SigningRequests,
    database: Database,
    people: FewPeople,
    later: WorkForLater,
    made: SigningRequest,
) -> None:
    signer = people.get_signer("acc_1", role=Role.PERSON, organisation_id=None)
    with pytest.raises(RequestNotWaiting):
        requests.refuse(made, signer=signer, now=made.expires_at)
    assert requests.expire(made.expires_at - timedelta(seconds=1)) == 0
    assert requests.expire(made.expires_at) == 1
    assert requests.expire(made.expires_at) == 0
    assert requests.get(made.request_id).state is RequestState.EXPIRED
    assert len(events(database, "sign:request:expired")) == 1
    assert len(later.left) == 1
