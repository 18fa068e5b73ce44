"""An organisation's seal has its true size and covers a third of the person's signature."""

from __future__ import annotations

from datetime import datetime

import pytest

from signing.appearance.geometry import POINTS_PER_MM, Rectangle
from signing.appearance.person import draw_person
from signing.appearance.seal import draw_seal
from signing.errors import DocumentRefused
from signing.isolation.blob import Blob
from signing.isolation.task import Isolation
from tests.support.appearance_pages import LAYOUTS, Layout, blue, decision, picture, red, show
from tests.support.seals import BLUE, seal_png
from tests.support.signatory import Hand, SigningPki

_PLAIN = LAYOUTS[0]
_ROOM = Rectangle(345, 236, 495, 298)


def test_the_seal_has_its_size_and_covers_a_third(
    each_layout: Layout,
    signature_image: Blob,
    seal_image: Blob,
    isolation: Isolation,
    signing_pki: SigningPki,
    now: datetime,
) -> None:
    """NĐ 30/2020/NĐ-CP Annex I II.8a, measured on the twice signed page at 200 dpi."""
    page, width_mm = each_layout.page, 36.0 if each_layout.rotation else 42.0
    person = draw_person(isolation, signature_image, room=_ROOM, page=page)
    signed = show(
        decision(each_layout), person, isolation=isolation, hand=signing_pki.citizen, now=now
    )
    written = blue(picture(signed))
    seal = draw_seal(
        isolation,
        seal_image,
        width_mm=width_mm,
        person=person.seen,
        page=page,
        taken=[person.seen],
    )
    sealed = picture(show(signed, seal, isolation=isolation, hand=signing_pki.seal, now=now))
    ink = red(sealed)
    assert ink.width / POINTS_PER_MM == pytest.approx(width_mm, abs=0.5)
    assert ink.height / POINTS_PER_MM == pytest.approx(width_mm, abs=0.5)
    share = (ink.right - written.left) / written.width
    assert share == pytest.approx(1 / 3, rel=0.05)
    assert ink.left < written.left
    assert ink.centre[1] == pytest.approx(written.centre[1], abs=1)


def test_the_signature_shines_through_the_seal(
    signature_image: Blob, seal_image: Blob, isolation: Isolation, hand: Hand, now: datetime
) -> None:
    """Annex I II.8a: the background is transparent."""
    page = _PLAIN.page
    person = draw_person(isolation, signature_image, room=_ROOM, page=page)
    seal = draw_seal(isolation, seal_image, width_mm=36, person=person.seen, page=page)
    both = show(decision(_PLAIN), person, isolation=isolation, hand=hand, now=now)
    both = show(both, seal, isolation=isolation, hand=hand, now=now)
    covered = person.seen.common(seal.seen)
    seen = blue(picture(both))
    assert seen.left < covered.right - covered.width / 2


def test_an_archive_file_gets_an_image_without_shades(
    seal_image: Blob, isolation: Isolation, hand: Hand, now: datetime
) -> None:
    """ISO 19005-1 §6.4: no soft masks."""
    seal = draw_seal(
        isolation,
        seal_image,
        width_mm=36,
        person=_ROOM,
        page=_PLAIN.page,
        has_transparency=False,
    )
    drawn = seal.drawing.read()
    assert b"/SMask" not in drawn
    assert b"/ImageMask true" in drawn
    ink = red(picture(show(decision(_PLAIN), seal, isolation=isolation, hand=hand, now=now)))
    assert ink.width / POINTS_PER_MM == pytest.approx(36, abs=0.5)


@pytest.mark.parametrize("width_mm", [0, -36, 14.9, 60.1, float("nan"), float("inf")])
def test_a_seal_that_is_no_seals_size_is_refused(
    width_mm: float, seal_image: Blob, isolation: Isolation
) -> None:
    with pytest.raises(DocumentRefused, match="seal_size_unlikely"):
        draw_seal(isolation, seal_image, width_mm=width_mm, person=_ROOM, page=_PLAIN.page)


def test_a_seal_off_the_page_is_refused(seal_image: Blob, isolation: Isolation) -> None:
    person = Rectangle(20, 200, 120, 260)
    with pytest.raises(DocumentRefused, match="appearance_off_page"):
        draw_seal(isolation, seal_image, width_mm=36, person=person, page=_PLAIN.page)


def test_a_seal_covers_nobody_elses_signature(seal_image: Blob, isolation: Isolation) -> None:
    other = Rectangle(250, 240, 300, 270)
    with pytest.raises(DocumentRefused, match="appearance_covers_another"):
        draw_seal(
            isolation,
            seal_image,
            width_mm=36,
            person=_ROOM,
            page=_PLAIN.page,
            taken=[_ROOM, other],
        )


def test_a_blue_seal_is_refused(isolation: Isolation) -> None:
    """NĐ 30/2020/NĐ-CP Annex I II.8a: red."""
    with (
        Blob.of(seal_png(colour=BLUE)) as image,
        pytest.raises(DocumentRefused, match="image_colour_wrong"),
    ):
        draw_seal(isolation, image, width_mm=36, person=_ROOM, page=_PLAIN.page)
