"""Signing requests: made once, within bounds, for people who may be asked; with an end."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from idp.storage.database import Database
from keystore.log.record import LogWriter
from keystore.sealing import Sealer
from signing.blobs import DocumentStore
from signing.errors import (
    DocumentRefused,
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
    Room,
    SignatureFormat,
    SigningRequest,
    SlotState,
)
from signing.new_request import NewDocument, NewSigner
from signing.ports import Seen
from signing.requests import SigningRequests
from signing.telling import SEND_WEBHOOK
from tests.support.signer import events
from tests.support.signing_people import (
    PDF,
    PORTAL,
    FewPeople,
    WorkForLater,
    a_pdf,
    a_request,
    look_at_first_bytes,
)


@pytest.mark.parametrize(
    ("limit", "reason"),
    [
        ({"most_open": 2}, "too_many_open"),
        ({"most_open_bytes": 2 * len(PDF)}, "too_many_open"),
        ({"most_waiting_each": 2}, "too_many_waiting"),
    ],
)
def test_a_portal_fills_no_more_than_its_share(
    database: Database,
    sealer: Sealer,
    log: LogWriter,
    documents: DocumentStore,
    people: FewPeople,
    later: WorkForLater,
    now: datetime,
    limit: dict[str, int],
    reason: str,
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
        room=Room(**limit),
    )
    people.add("portal.business", "sub-1", "acc_1")
    first = requests.create(a_request(), client_id=PORTAL, now=now).request
    requests.create(a_request(), client_id=PORTAL, now=now)
    with pytest.raises(RequestRefused) as refusal:
        requests.create(a_request(), client_id=PORTAL, now=now)
    assert refusal.value.reason == reason
    requests.create(a_request(), client_id="portal.business", now=now)
    if reason == "too_many_waiting":  # it is about one person
        assert refusal.value.part == "signers[0]"
        people.add(PORTAL, "sub-2", "acc_2")
        requests.create(a_request(signers=[NewSigner(sub="sub-2")]), client_id=PORTAL, now=now)
    requests.withdraw(first, now=now)
    requests.create(a_request(), client_id=PORTAL, now=now)


def _files(tmp_path: Path) -> list[Path]:
    return [one for one in (tmp_path / "documents").rglob("*") if one.is_file()]


@pytest.fixture
def made(requests: SigningRequests, now: datetime) -> SigningRequest:
    """A request with a webhook."""
    new = a_request(webhook_uri="https://portal.example/hook")
    return requests.create(new, client_id=PORTAL, now=now).request


def test_a_request_waits_for_its_signer(
    requests: SigningRequests, database: Database, documents: DocumentStore, now: datetime
) -> None:
    made = requests.create(a_request(), client_id=PORTAL, now=now)
    assert not made.is_replay
    request = requests.get(made.request.request_id, client_id=PORTAL)
    assert request == made.request
    assert request.state is RequestState.WAITING
    assert request.current_slot is not None
    assert request.current_slot.account_id == "acc_1"
    (document,) = request.documents
    assert document.format is SignatureFormat.PADES
    assert document.digest == hashlib.sha256(PDF).digest()
    assert document.current_id is not None
    with documents.open(document.current_id) as content:
        assert content.read() == PDF
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
    request = requests.create(a_request(documents=digests), client_id=PORTAL, now=now).request
    assert {one.kind for one in request.documents} == {DocumentKind.DIGEST}
    assert [one.digest for one in request.documents] == [bytes([at]) * 32 for at in range(3)]
    assert all(one.current_id is None for one in request.documents)


_XML = {"name": "a.xml", "content": Blob.of(b"<a/>")}


@pytest.mark.parametrize(
    ("changes", "reason", "part"),
    [
        ({"documents": []}, "documents_number", "documents"),
        ({"documents": [a_pdf()] * 1_001}, "documents_number", "documents"),
        ({"signers": []}, "signers_number", "signers"),
        ({"title": " "}, "text_length", "title"),
        ({"title": "a" * 201}, "text_length", "title"),
        ({"reason": "a" * 501}, "text_length", "reason"),
        ({"title": "Đơn\u202efdp.exe"}, "text_deceiving", "title"),
        ({"reason": "Đồng ý\n\x00"}, "text_deceiving", "reason"),
        ({"location": "Hà Nội\u2066"}, "text_deceiving", "location"),
        (
            {"documents": [a_pdf(name="hop\u202efdp.exe")]},
            "text_deceiving",
            "documents[0].name",
        ),
        (
            {"documents": [a_pdf(media_type="a" * 256)]},
            "text_length",
            "documents[0].media_type",
        ),
        ({"signers": [NewSigner(sub="s" * 256)]}, "text_length", "signers[0].sub"),
        (
            {"signers": [NewSigner(sub="s", enterprise_code="9" * 256)]},
            "text_length",
            "signers[0].organization",
        ),
        ({"lifetime": timedelta(days=30, seconds=1)}, "lifetime", "expires_in"),
        ({"lifetime": timedelta(seconds=1)}, "lifetime", "expires_in"),
        ({"window": timedelta(seconds=301)}, "window", "confirmation_window"),
        ({"documents": [a_pdf(name="")]}, "text_length", "documents[0].name"),
        ({"documents": [a_pdf(content=None)]}, "content_or_digest", "documents[0]"),
        ({"documents": [a_pdf(digest=bytes(32))]}, "content_or_digest", "documents[0]"),
        ({"documents": [a_pdf(content=Blob.of())]}, "document_size", "documents[0]"),
        (
            {"documents": [a_pdf(content=Blob.of(bytes(1_000_001)))]},
            "document_size",
            "documents[0]",
        ),
        (
            {"documents": [a_pdf(), a_pdf(content=None, digest=bytes(31))]},
            "digest_length",
            "documents[1].digest",
        ),
        ({"documents": [a_pdf(hash_name="sha1")]}, "unknown_hash", "documents[0].hash"),
        (
            {"documents": [a_pdf(format=SignatureFormat.XADES_ENVELOPED)]},
            "format_unfit",
            "documents[0].format",
        ),
        (
            {"documents": [NewDocument(**_XML, format=SignatureFormat.PADES)]},
            "format_unfit",
            "documents[0].format",
        ),
        (
            {"documents": [a_pdf(), a_pdf(format=SignatureFormat.ASIC_E_CADES)]},
            "format_mixed",
            "documents",
        ),
        (
            {"documents": [a_pdf(format=SignatureFormat.ASIC_S_CADES)] * 2},
            "documents_number",
            "documents",
        ),
        ({"documents": [NewDocument(**_XML)], "level": Level.LTA}, "level_unfit", "level"),
        (
            {
                "documents": [a_pdf(format=SignatureFormat.CADES_DETACHED)],
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
        requests.create(a_request(**changes), client_id=PORTAL, now=now)
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
    requests._maker._largest_bytes = 10_000_000
    with pytest.raises(RequestRefused) as refusal:
        requests.create(a_request(documents=documents), client_id=PORTAL, now=now)
    assert (refusal.value.reason, refusal.value.part) == (reason, part)
    assert _files(tmp_path) == []


def test_parameters_of_a_media_type_are_not_signed(
    requests: SigningRequests, now: datetime
) -> None:
    """RFC 6838 §4.3: what HTTP clients send beside the type says nothing about the file."""
    documents = _container("a.txt", media_type="Text/Plain; charset=utf-8")
    made = requests.create(a_request(documents=documents), client_id=PORTAL, now=now).request
    assert made.text.documents[0].media_type == "text/plain"


def test_xml_that_no_signature_fits_into_is_refused_when_it_is_one_that_is_asked_for(
    requests: SigningRequests, now: datetime
) -> None:
    def look(content: Blob, *, media_type: str, tenant: str = "") -> Seen:
        assert tenant == PORTAL
        return Seen(kind=DocumentKind.XML, no_enveloped="signature_is_root", nodes=60_000)

    requests._maker._look = look
    document = NewDocument(**_XML)
    with pytest.raises(RequestRefused, match="signature_is_root"):
        requests.create(a_request(documents=[document]), client_id=PORTAL, now=now)
    beside = replace(document, format=SignatureFormat.CADES_DETACHED)
    assert not requests.create(a_request(documents=[beside]), client_id=PORTAL, now=now).is_replay


def test_a_document_that_is_not_signed_is_named(
    database: Database, requests: SigningRequests, now: datetime, tmp_path: Path
) -> None:
    def look(content: Blob, *, media_type: str, tenant: str = "") -> Seen:
        raise DocumentRefused("encrypted")

    requests._maker._look = look
    with pytest.raises(RequestRefused) as refusal:
        requests.create(a_request(), client_id=PORTAL, now=now)
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
        requests.create(
            a_request(signers=[NewSigner(sub="sub-1"), signer]), client_id=PORTAL, now=now
        )
    assert unknown.value.part == "signers[1]"


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
    stranger = people.add(PORTAL, "sub-2", "acc_2")
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
