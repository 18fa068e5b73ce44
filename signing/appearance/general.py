"""The appearance of a signature that no decree describes: who, when, why, and where to check it.

What lives here: its words, its QR code to the verification page, and a free place for it.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final

from signing.appearance.geometry import Page, Rectangle, points
from signing.appearance.note import time_text
from signing.appearance.visible import Visible, draw, place
from signing.errors import DocumentRefused
from signing.isolation.task import Isolation
from signing.messages.appearance import (
    DRAW_CARD,
    AppearanceRefusal,
    DrawCard,
    Paragraph,
    Typeface,
)

_WIDTH_MM: Final = 84.0
_LEAST_WIDTH_MM: Final = 50.0
_CODE_MM: Final = 21.0
_MARGIN_MM: Final = 8.0
_BETWEEN_MM: Final = 2.0
_MOST_HEIGHT_MM: Final = 60.0
_LABEL_GREY: Final = 0.35
_SMALL: Final = 7.0


@dataclass(frozen=True, slots=True)
class Details:
    """What is shown of a signature.

    Takes   name: of the person or organisation; issuer: of the certificate; verify_url: the page
            that checks this document; on_behalf_of: the organisation for which a person signs.
    """

    name: str = field(repr=False)
    signed_at: datetime
    issuer: str
    verify_url: str = field(repr=False)
    reason: str | None = field(default=None, repr=False)
    on_behalf_of: str | None = field(default=None, repr=False)


def draw_general(
    isolation: Isolation,
    details: Details,
    *,
    page: Page,
    taken: Sequence[Rectangle] = (),
    avoided: Sequence[Rectangle] = (),
    box: Rectangle | None = None,
) -> Visible:
    """A card with a QR code, in its box or in a free place near the lower edge of the page.

    Takes   taken: other signatures; avoided: lines of text that are left readable if there is
            another place; box: all of it belongs to the card; all in the view.
    Raises  DocumentRefused(appearance_text_too_long, appearance_letter_unknown, appearance_no_room,
            appearance_off_page, appearance_covers_another); ParsingFailed.
    """
    if box is not None:
        return place(
            draw(isolation, DRAW_CARD, _card(details, box=box)), seen=box, page=page, taken=taken
        )
    room = page.view.width - 2 * points(_MARGIN_MM)
    asked = DrawCard(
        _paragraphs(details),
        code=details.verify_url,
        code_size=points(_CODE_MM),
        width=max(points(_LEAST_WIDTH_MM), min(points(_WIDTH_MM), room)),
        height=points(_MOST_HEIGHT_MM),
    )
    drawing = draw(isolation, DRAW_CARD, asked)
    places = list(_places(page.view, width=drawing.width, height=drawing.height))
    for hindrances in ((*taken, *avoided), taken):
        for seen in places:
            if not any(seen.covers(other) for other in hindrances):
                return place(drawing, seen=seen, page=page)
    drawing.pdf.close()
    raise DocumentRefused(AppearanceRefusal.NO_ROOM)


def _card(details: Details, *, box: Rectangle) -> DrawCard:
    code_size = min(points(_CODE_MM), box.height - 8, box.width / 3)
    if box.is_empty or code_size < points(_CODE_MM) / 2:
        raise DocumentRefused(AppearanceRefusal.NO_ROOM)
    return DrawCard(
        _paragraphs(details),
        code=details.verify_url,
        code_size=code_size,
        width=box.width,
        height=box.height,
        fills=True,
    )


def _paragraphs(details: Details) -> tuple[Paragraph, ...]:
    said = (
        ("Thay mặt", details.on_behalf_of),
        ("Thời gian ký", time_text(details.signed_at)),
        ("Lý do", details.reason),
        ("Tổ chức cấp chứng thư", details.issuer),
    )
    lines = [f"{label}: {value}" for label, value in said if value is not None]
    return (
        Paragraph("Ký điện tử bởi / Signed by", Typeface.SANS, _SMALL, grey=_LABEL_GREY),
        Paragraph(details.name, Typeface.SANS_BOLD, 10, space=1),
        Paragraph(lines[0], Typeface.SANS, _SMALL, space=1.5),
        *(Paragraph(line, Typeface.SANS, _SMALL) for line in lines[1:]),
        Paragraph(
            "Quét mã để kiểm tra / Scan to verify", Typeface.SANS, _SMALL, grey=_LABEL_GREY, space=1
        ),
    )


def _places(view: Rectangle, *, width: float, height: float) -> Iterator[Rectangle]:
    """From the lower left corner to the right, then upwards."""
    margin, between = points(_MARGIN_MM), points(_BETWEEN_MM)
    bottom = view.bottom + margin
    while bottom + height <= view.top - margin:
        left = view.left + margin
        while left + width <= view.right - margin + 1:
            yield Rectangle(left, bottom, left + width, bottom + height)
            left += width + between
        bottom += between
