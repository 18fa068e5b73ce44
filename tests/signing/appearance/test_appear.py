"""From what a portal asks for to signatures that are seen: person, then seal, and all others."""

from __future__ import annotations

import io
from dataclasses import replace
from datetime import datetime

import pytest
from pyhanko.pdf_utils.incremental_writer import IncrementalPdfFileWriter
from pyhanko.sign.fields import SigFieldSpec, append_signature_field

from signing.appearance.appear import Showing, appear
from signing.appearance.general import Details
from signing.appearance.geometry import POINTS_PER_MM, Rectangle
from signing.appearance.rules import CopyForm
from signing.appearance.surroundings import look_around
from signing.appearance.visible import Visible
from signing.appearance.wanted import (
    AttachmentWanted,
    CopyWanted,
    GeneralWanted,
    PersonWanted,
    SealWanted,
    Wanted,
)
from signing.errors import DocumentRefused
from signing.isolation.blob import Blob
from signing.isolation.task import Isolation
from tests.support.appearance_pages import (
    LAYOUTS,
    NAME,
    TITLE,
    Layout,
    blue,
    decision,
    picture,
    red,
    show,
)
from tests.support.signatory import Hand, SigningPki

_PLAIN = LAYOUTS[0]
_BETWEEN = PersonWanted(title=TITLE, name=NAME)


@pytest.fixture
def showing(now: datetime, signature_image: Blob) -> Showing:
    """A person who signs."""
    details = Details(
        name=NAME, signed_at=now, issuer="Ấn Tín", verify_url="https://kiem-tra.example/v/1"
    )
    return Showing(details=details, image=signature_image)


@pytest.fixture
def sealing(showing: Showing, seal_image: Blob) -> Showing:
    """An organisation's clerk."""
    return replace(showing, image=seal_image, seal_width_mm=36)


def _appear(
    isolation: Isolation,
    document: bytes,
    wanted: Wanted,
    showing: Showing,
    *,
    layout: Layout = _PLAIN,
) -> Visible:
    with Blob.of(document) as blob:
        return appear(isolation, [blob], wanted=wanted, pages=[layout.shape], showing=showing)


def test_person_and_seal_as_the_decree_wants_them(
    each_layout: Layout,
    showing: Showing,
    sealing: Showing,
    isolation: Isolation,
    signing_pki: SigningPki,
    now: datetime,
) -> None:
    """NĐ 30/2020/NĐ-CP Annex I II.7d, II.8a: each bound to the revision before it."""
    document = decision(each_layout)
    person = _appear(isolation, document, _BETWEEN, showing, layout=each_layout)
    document = show(document, person, isolation=isolation, hand=signing_pki.citizen, now=now)
    written = blue(picture(document))
    seal = _appear(isolation, document, SealWanted(), sealing, layout=each_layout)
    document = show(document, seal, isolation=isolation, hand=signing_pki.seal, now=now)
    ink = red(picture(document))
    assert ink.width / POINTS_PER_MM == pytest.approx(36, abs=0.5)
    share = (ink.right - written.left) / written.width
    assert share == pytest.approx(1 / 3, rel=0.05)
    card = _appear(isolation, document, GeneralWanted(), showing, layout=each_layout)
    assert not any(card.seen.covers(other) for other in (person.seen, seal.seen))


@pytest.mark.parametrize(
    "wanted", [AttachmentWanted("30/QĐ"), CopyWanted(CopyForm.DUPLICATE, "Sở Mẫu")]
)
def test_notes_stand_on_page_one_and_beside_each_other(
    wanted: Wanted, showing: Showing, isolation: Isolation, hand: Hand, now: datetime
) -> None:
    document = decision(_PLAIN)
    first = _appear(isolation, document, AttachmentWanted("30/2026/QĐ-UBND"), showing)
    document = show(document, first, isolation=isolation, hand=hand, now=now)
    second = _appear(isolation, document, wanted, showing)
    assert second.place.page == 0
    assert not second.seen.covers(first.seen)
    with Blob.of(document) as blob:
        around = look_around(isolation, [blob], page=_PLAIN.page)
    assert not any(second.seen.covers(line) for line in around.lines)


def test_a_waiting_field_is_filled_and_others_are_left_free(
    showing: Showing, isolation: Isolation, hand: Hand, now: datetime
) -> None:
    document = _with_fields({"Ký tên": (330, 100, 500, 190), "Người khác": (60, 100, 230, 190)})
    visible = _appear(isolation, document, PersonWanted(field="Ký tên"), showing)
    assert visible.field_name == "Ký tên"
    assert visible.seen == Rectangle(330, 100, 500, 190)
    signed = show(document, visible, isolation=isolation, hand=hand, now=now)
    ink = blue(picture(signed))
    assert ink.centre[0] == pytest.approx(415, abs=1)
    assert ink.centre[1] == pytest.approx(145, abs=1)
    with pytest.raises(DocumentRefused, match="appearance_covers_another"):
        _appear(isolation, document, PersonWanted(box=(100, 120, 200, 160)), showing)
    card = _appear(isolation, document, GeneralWanted(field="Người khác"), showing)
    assert card.field_name == "Người khác"


def test_a_seal_goes_over_the_field_that_is_named(sealing: Showing, isolation: Isolation) -> None:
    document = _with_fields({"A": (330, 100, 500, 160), "B": (130, 400, 300, 460)})
    with pytest.raises(DocumentRefused, match="appearance_anchor_ambiguous"):
        _appear(isolation, document, SealWanted(), sealing)
    seal = _appear(isolation, document, SealWanted(over="A"), sealing)
    assert seal.seen.right == pytest.approx(330 + 170 / 3, abs=0.1)


@pytest.mark.parametrize(
    ("wanted", "reason"),
    [
        (SealWanted(), "appearance_anchor_missing"),
        (SealWanted(over="nobody"), "appearance_anchor_missing"),
        (PersonWanted(field="nobody"), "appearance_anchor_missing"),
        (GeneralWanted(field="nobody"), "appearance_anchor_missing"),
        (PersonWanted(title=TITLE, name="Nobody"), "appearance_anchor_missing"),
        (PersonWanted(box=(500, 100, 700, 200)), "appearance_off_page"),
        (PersonWanted(page=2, box=(100, 100, 200, 200)), "no_such_page"),
        (GeneralWanted(page=-2), "no_such_page"),
    ],
)
def test_what_cannot_be_shown_is_refused(
    wanted: Wanted, reason: str, sealing: Showing, isolation: Isolation
) -> None:
    with pytest.raises(DocumentRefused) as caught:
        _appear(isolation, decision(_PLAIN), wanted, sealing)
    assert caught.value.reason == reason


@pytest.mark.parametrize("wanted", [_BETWEEN, SealWanted()])
def test_without_an_image_there_is_no_signature_of_that_kind(
    wanted: Wanted, showing: Showing, isolation: Isolation
) -> None:
    with pytest.raises(DocumentRefused, match="image_missing"):
        _appear(isolation, decision(_PLAIN), wanted, replace(showing, image=None))


def test_a_seal_without_its_size_is_refused(sealing: Showing, isolation: Isolation) -> None:
    with pytest.raises(DocumentRefused, match="seal_size_unlikely"):
        _appear(isolation, decision(_PLAIN), SealWanted(), replace(sealing, seal_width_mm=None))


@pytest.mark.parametrize(("archive", "is_clear"), [("", True), ("2B", True), ("1A", False)])
def test_the_first_archive_format_gets_no_transparency(
    archive: str, showing: Showing, isolation: Isolation, *, is_clear: bool
) -> None:
    """ISO 19005-1 §6.4."""
    visible = _appear(isolation, decision(_PLAIN), _BETWEEN, replace(showing, archive=archive))
    assert (b"/SMask" in visible.drawing.read()) == is_clear


def _with_fields(fields: dict[str, tuple[int, int, int, int]]) -> bytes:
    writer = IncrementalPdfFileWriter(io.BytesIO(decision(_PLAIN)))
    for name, box in fields.items():
        append_signature_field(writer, SigFieldSpec(name, on_page=0, box=box))
    out = io.BytesIO()
    writer.write(out)
    return out.getvalue()
