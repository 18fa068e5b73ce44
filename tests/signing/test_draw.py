"""What is seen of a signature: from the portal's wish to the drawing on the page."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import pytest

from idp.sandbox.specimens import SEAL_WIDTH_MM, seal_specimen, signature_specimen
from signing.appearance.visible import Visible
from signing.draw import DrawnSignatures
from signing.errors import DocumentRefused, RequestRefused
from signing.formats.material import Level, Signatory
from signing.intake import Intake
from signing.isolation.blob import Blob
from signing.isolation.task import Isolation
from signing.model import (
    Document,
    DocumentKind,
    RequestId,
    RequestState,
    RequestText,
    Role,
    SignatureFormat,
    SigningRequest,
    Slot,
)
from signing.new_request import NewDocument, NewRequest, NewSigner, check_bounds, choose_formats
from signing.ports import ShownImage, SigningCredential
from tests.support.handmade_pdf import plain_document

_GENERAL = {"kind": "general"}
_PERSON = {"kind": "person", "box": [300, 100, 460, 180]}


@dataclass
class Album:
    """Images by account."""

    images: dict[str, ShownImage] = field(default_factory=dict)

    def find_image(self, owner_id: str) -> ShownImage | None:
        return self.images.get(owner_id)


@pytest.fixture
def album() -> Album:
    return Album(
        {
            "acc_1": ShownImage(signature_specimen()),
            "acc_org": ShownImage(seal_specimen(), SEAL_WIDTH_MM),
        }
    )


@pytest.fixture
def draws(isolation: Isolation, album: Album) -> DrawnSignatures:
    return DrawnSignatures(
        isolation,
        intake=Intake(isolation),
        images=album,
        name_of={"acc_org": "Công ty Mây Suối"}.__getitem__,
        verify_url="https://sign.example/verify",
    )


@pytest.fixture
def content() -> Iterator[Blob]:
    with Blob.of(plain_document().classic()) as blob:
        yield blob


def _draw(
    draws: DrawnSignatures,
    content: Blob,
    appearance: Any,
    *,
    now: datetime,
    position: int = 0,
    **changes: Any,
) -> Visible | None:
    document = Document(
        position=0,
        kind=DocumentKind.PDF,
        format=changes.get("format", SignatureFormat.PADES),
        size_bytes=content.size,
        hash_name="sha256",
        digest=content.digest("sha256"),
    )
    slots = (
        Slot(
            position=0,
            account_id="acc_1",
            role=Role.PERSON,
            organisation_id=changes.get("office"),
        ),
        Slot(position=1, account_id="acc_1", role=Role.SEAL, organisation_id="acc_org"),
    )
    request = SigningRequest(
        request_id=RequestId("req_1"),
        client_id="portal",
        state=RequestState.WAITING,
        level=Level.B,
        created_at=now,
        expires_at=now,
        text=RequestText(title="Đơn", documents=(), appearance=json.dumps(appearance).encode()),
        documents=(document,),
        slots=slots,
    )
    credential = SigningCredential(
        key_id="pkey_1",
        owner_id="acc_1",
        scal=1,
        signatory=Signatory(b"", (), "ES256"),
        holder="Nguyễn Thị Lấp Lánh Ánh",
        issuer="CA",
        not_after=now,
    )
    return draws(
        request, slots[position], document, content=content, credential=credential, now=now
    )


def test_a_portal_may_want_a_card_with_name_and_time(
    draws: DrawnSignatures, content: Blob, now: datetime
) -> None:
    seen = _draw(draws, content, _GENERAL, now=now)
    assert seen is not None
    with seen.drawing as drawing:
        assert drawing.read().startswith(b"%PDF-")


@pytest.mark.parametrize(("position", "office"), [(0, None), (1, None), (0, "acc_org")])
def test_a_card_names_the_person_and_for_whom_she_signs(
    draws: DrawnSignatures, content: Blob, now: datetime, position: int, office: str | None
) -> None:
    """A seal's own certificate is the organisation's: nothing has to be said beside it."""
    seen = _draw(draws, content, _GENERAL, now=now, position=position, office=office)
    assert seen is not None
    with seen.drawing as drawing:
        shown = subprocess.run(
            ("pdftotext", "-", "-"), input=drawing.read(), capture_output=True, check=True
        ).stdout.decode()
    assert "Nguyễn Thị Lấp Lánh Ánh" in shown
    assert ("Thay mặt: Công ty Mây Suối" in shown) is (office is not None)


def test_the_persons_own_image_is_drawn(
    draws: DrawnSignatures, content: Blob, now: datetime
) -> None:
    seen = _draw(draws, content, [_PERSON, None], now=now)
    assert seen is not None
    with seen.drawing:
        assert 300 <= seen.place.rectangle[0] < seen.place.rectangle[2] <= 460
    assert _draw(draws, content, [_PERSON, None], position=1, now=now) is None


def test_without_an_image_there_is_none(
    draws: DrawnSignatures, album: Album, content: Blob, now: datetime
) -> None:
    """Bad input: an image that is not there ends in a sentence, not in a signature without it."""
    album.images.clear()
    with pytest.raises(DocumentRefused, match="image_missing"):
        _draw(draws, content, _PERSON, now=now)


def test_a_seal_is_no_persons_image_and_the_other_way_round(
    draws: DrawnSignatures, content: Blob, now: datetime
) -> None:
    with pytest.raises(DocumentRefused, match="image_missing"):
        _draw(draws, content, [None, _PERSON], position=1, now=now)
    with pytest.raises(DocumentRefused, match="image_missing"):
        _draw(draws, content, [{"kind": "seal"}, None], now=now)


def test_a_box_off_the_page_is_refused(
    draws: DrawnSignatures, content: Blob, now: datetime
) -> None:
    with pytest.raises(DocumentRefused, match="appearance_off_page"):
        _draw(draws, content, {"kind": "person", "box": [5000, 0, 5200, 80]}, now=now)


def test_what_is_no_pdf_shows_nothing(draws: DrawnSignatures, content: Blob, now: datetime) -> None:
    assert _draw(draws, content, _GENERAL, now=now, format=SignatureFormat.XADES_ENVELOPED) is None


def _asked(appearance: bytes, **changes: Any) -> NewRequest:
    document = NewDocument(name="a", media_type="", digest=bytes(32))
    return NewRequest(
        title="t", documents=(document,), signers=(NewSigner(sub="s"),), appearance=appearance
    )


@pytest.mark.parametrize(
    "appearance",
    [b"{", b"null", b'{"kind":"stamp"}', b'{"kind":"person"}', b'[{"kind":"general"},null]'],
)
def test_a_wish_that_nobody_can_read_is_refused_when_it_is_made(appearance: bytes) -> None:
    with pytest.raises(RequestRefused, match="appearance"):
        check_bounds(_asked(appearance), largest_bytes=1)


def test_a_wish_that_no_document_can_fulfil_is_refused_too() -> None:
    with pytest.raises(RequestRefused, match="appearance"):
        choose_formats(_asked(b'{"kind":"general"}'), [DocumentKind.DIGEST])
