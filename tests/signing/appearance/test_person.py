"""A person's signature stands centred between title and name, on every kind of page."""

from __future__ import annotations

import io
from datetime import datetime

import pytest
from PIL import Image

from signing.appearance.anchors import find_anchor
from signing.appearance.geometry import Rectangle, points
from signing.appearance.person import draw_person, room_between
from signing.appearance.rules import PERSON
from signing.errors import DocumentRefused
from signing.isolation.blob import Blob
from signing.isolation.task import Isolation
from tests.support.appearance_pages import (
    LAYOUTS,
    MIDDLE,
    NAME,
    NAME_LINE,
    TITLE,
    TITLE_LINE,
    Layout,
    black,
    blue,
    decision,
    picture,
    show,
)
from tests.support.seals import RED, signature_png
from tests.support.signatory import Hand

_PLAIN = LAYOUTS[0]
_CLOSE = points(0.3)


def test_the_image_is_centred_between_title_and_name(
    each_layout: Layout,
    signature_image: Blob,
    isolation: Isolation,
    hand: Hand,
    now: datetime,
) -> None:
    """NĐ 30/2020/NĐ-CP Annex I II.7d, measured on the signed page at 200 dpi."""
    document, page = decision(each_layout), each_layout.page
    before = picture(document)
    title = black(before, within=Rectangle(MIDDLE - 100, TITLE_LINE - 5, MIDDLE + 100, 320))
    name = black(before, within=Rectangle(MIDDLE - 150, NAME_LINE - 5, MIDDLE + 150, 236))
    with Blob.of(document) as blob:
        anchor = find_anchor(isolation, [blob], title=TITLE, name=NAME, page=page)
    visible = draw_person(isolation, signature_image, room=anchor.room, page=page)
    signed = picture(show(document, visible, isolation=isolation, hand=hand, now=now))
    ink = blue(signed)
    assert ink.centre[0] == pytest.approx(MIDDLE, abs=_CLOSE)
    assert ink.centre[0] == pytest.approx((title.centre[0] + name.centre[0]) / 2, abs=_CLOSE)
    assert ink.centre[1] == pytest.approx((title.bottom + name.top) / 2, abs=_CLOSE)
    assert ink.bottom > name.top
    assert ink.top < title.bottom
    # what is seen is where it was said to be
    assert ink.left == pytest.approx(visible.seen.left, abs=_CLOSE)
    assert ink.top == pytest.approx(visible.seen.top, abs=_CLOSE)


def test_the_image_keeps_its_proportions_and_is_never_huge(
    signature_image: Blob, isolation: Isolation
) -> None:
    page = _PLAIN.page
    visible = draw_person(isolation, signature_image, room=page.view, page=page)
    assert visible.seen.width == pytest.approx(points(PERSON.most_width_mm), abs=0.01)
    with Image.open(io.BytesIO(signature_png())) as image:
        left, upper, right, lower = image.getchannel("A").getbbox() or (0, 0, 0, 0)
    proportion = (right - left) / (lower - upper)
    assert visible.seen.width / visible.seen.height == pytest.approx(proportion, rel=0.02)


def test_a_field_that_was_there_before_is_filled_without_distortion(
    signature_image: Blob, isolation: Isolation
) -> None:
    field = Rectangle(100, 100, 180, 300)
    visible = draw_person(isolation, signature_image, room=field, page=_PLAIN.page, fills=True)
    assert visible.seen == field
    assert b"/MediaBox [0 0 80 200]" in visible.drawing.read()


@pytest.mark.parametrize(
    "room",
    [
        Rectangle(-10, 100, 100, 200),
        Rectangle(500, 100, 600, 200),
        Rectangle(100, 800, 200, 900),
        Rectangle(100, -1, 200, 50),
        Rectangle(200, 100, 100, 200),
        Rectangle(float("nan"), 100, 200, 200),
        Rectangle(100, 100, float("inf"), 200),
    ],
)
def test_a_box_off_the_page_is_refused(
    room: Rectangle, signature_image: Blob, isolation: Isolation
) -> None:
    for layout in LAYOUTS:
        with pytest.raises(DocumentRefused, match="appearance_off_page"):
            draw_person(isolation, signature_image, room=room, page=layout.page)


def test_a_signature_on_top_of_another_is_refused(
    signature_image: Blob, isolation: Isolation
) -> None:
    room, page = Rectangle(300, 200, 450, 260), _PLAIN.page
    first = draw_person(isolation, signature_image, room=room, page=page)
    with pytest.raises(DocumentRefused, match="appearance_covers_another"):
        draw_person(isolation, signature_image, room=room, page=page, taken=[first.seen])
    beside = Rectangle(100, 200, 250, 260)
    second = draw_person(isolation, signature_image, room=beside, page=page, taken=[first.seen])
    assert not second.seen.covers(first.seen)


def test_a_signature_in_red_is_refused_unless_that_is_wanted(isolation: Isolation) -> None:
    """NĐ 30/2020/NĐ-CP Annex I II.7d: blue."""
    room, page = Rectangle(300, 200, 450, 260), _PLAIN.page
    with Blob.of(signature_png(colour=RED)) as image:
        with pytest.raises(DocumentRefused, match="image_colour_wrong"):
            draw_person(isolation, image, room=room, page=page)
        draw_person(isolation, image, room=room, page=page, is_colour_checked=False)


def test_title_and_name_without_room_between_are_refused() -> None:
    title, name = Rectangle(300, 240, 400, 250), Rectangle(300, 225, 400, 235)
    with pytest.raises(DocumentRefused, match="appearance_no_room"):
        room_between(title, name, page=_PLAIN.page)
