"""A person's handwritten signature on the page, in blue.

What lives here: the room for it, between the title above and the full name below or wherever the
caller says, and the image in the middle of that room.
Source: NĐ 30/2020/NĐ-CP Annex I II.7d.
Not here: how title and name are found (`anchors`).
"""

from __future__ import annotations

from collections.abc import Iterable

from signing.appearance.geometry import Page, Rectangle, points
from signing.appearance.rules import PERSON, PersonRule
from signing.appearance.visible import Visible, check_place, draw, place
from signing.errors import DocumentRefused
from signing.isolation.blob import Blob
from signing.isolation.task import Isolation
from signing.messages.appearance import DRAW_IMAGE, AppearanceRefusal, DrawImage


def room_between(
    title: Rectangle, name: Rectangle, *, page: Page, rule: PersonRule = PERSON
) -> Rectangle:
    """What is free between a title and the name below it, centred on both.

    Takes   title, name: where they stand, in the view.
    Raises  DocumentRefused(appearance_no_room).
    """
    middle = (title.centre[0] + name.centre[0]) / 2
    view = page.view
    half = min(points(rule.most_width_mm) / 2, middle - view.left, view.right - middle)
    gap = points(rule.gap_mm)
    room = Rectangle(middle - half, name.top + gap, middle + half, title.bottom - gap)
    if room.is_empty or room.height < points(rule.least_height_mm):
        raise DocumentRefused(AppearanceRefusal.NO_ROOM)
    return room


def draw_person(
    isolation: Isolation,
    image: Blob,
    *,
    room: Rectangle,
    page: Page,
    taken: Iterable[Rectangle] = (),
    fills: bool = False,
    has_transparency: bool = True,
    is_colour_checked: bool = True,
    rule: PersonRule = PERSON,
) -> Visible:
    """The image of a signature in the middle of its room.

    Takes   image: PNG; room, taken: in the view; fills: the whole room belongs to the signature (a
            field that was there before), not only what the image needs;
            has_transparency: off for a document that is PDF/A-1.
    Raises  DocumentRefused(image_…, appearance_off_page, appearance_covers_another); ParsingFailed.
    """
    check_place(room, page=page)
    width = min(room.width, points(rule.most_width_mm))
    height = min(room.height, points(rule.most_height_mm))
    asked = DrawImage(
        width=room.width if fills else width,
        height=room.height if fills else height,
        ink=rule.ink if is_colour_checked else None,
        has_transparency=has_transparency,
        fills=fills,
    )
    drawing = draw(isolation, DRAW_IMAGE, asked, inputs=[image])
    across, up = room.centre
    seen = Rectangle(
        across - drawing.width / 2,
        up - drawing.height / 2,
        across + drawing.width / 2,
        up + drawing.height / 2,
    )
    return place(drawing, seen=seen, page=page, taken=taken)
