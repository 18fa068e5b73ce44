"""Text without an image in the upper right corner of page 1: attachments and copies.

What lives here: the words that the decree asks for, and where they stand.
Source: NĐ 30/2020/NĐ-CP Annex I II.8b, III.1d (attachment in a file of its own), Part II.I (copy).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Final

from signing.appearance.geometry import Page, Rectangle, points
from signing.appearance.rules import ATTACHMENT, VIETNAM, CopyForm, NoteRule
from signing.appearance.visible import Visible, draw, place
from signing.isolation.task import Isolation
from signing.messages.appearance import DRAW_NOTE, DrawNote, Paragraph

_BETWEEN_PT: Final = 14.0


def time_text(at: datetime) -> str:
    """The time of signing as the decree orders it: day month year; hour minute second; zone.

    The zone is that of Viet Nam as ISO 8601 writes it; the decree prescribes no separators.
    """
    local = at.astimezone(VIETNAM)
    return f"{local:%d/%m/%Y}; {local:%H:%M:%S}; {local.isoformat()[-6:]}"


def attachment_lines(number_and_symbol: str, *, signed_at: datetime) -> tuple[str, ...]:
    """What stands on an attachment: number and symbol of its document, and the time."""
    return (number_and_symbol, time_text(signed_at))


def copy_lines(form: CopyForm, *, agency: str, signed_at: datetime) -> tuple[str, ...]:
    """What stands on a copy: its form, the agency that made it, and the time."""
    return (form.words, agency, time_text(signed_at))


def draw_note(
    isolation: Isolation,
    lines: Sequence[str],
    *,
    page: Page,
    taken: Sequence[Rectangle] = (),
    avoided: Sequence[Rectangle] = (),
    field: Rectangle | None = None,
    rule: NoteRule = ATTACHMENT,
) -> Visible:
    """Lines in the upper right corner, below or beside a note that stands there already.

    Takes   taken: other signatures; avoided: lines of text that are left readable if there is
            another place; field: a field that was there before, whose whole place belongs to the
            note; all in the view.
    Raises  DocumentRefused(appearance_letter_unknown, appearance_text_too_long,
            appearance_off_page, appearance_covers_another); ParsingFailed.
    """
    paragraphs = tuple(Paragraph(line, rule.face, rule.size_pt) for line in lines)
    view = page.view
    if field is not None:
        asked = DrawNote(paragraphs, width=field.width, height=field.height, fills=True)
        return place(draw(isolation, DRAW_NOTE, asked), seen=field, page=page, taken=taken)
    right = view.right - points(rule.from_right_mm)
    top = view.top - points(rule.from_top_mm)
    asked = DrawNote(
        paragraphs, width=max(1.0, min(right, points(rule.most_width_mm))), height=max(1.0, top)
    )
    drawing = draw(isolation, DRAW_NOTE, asked)
    places = list(_places(drawing.width, drawing.height, corner=(right, top), taken=taken))
    for hindrances in ((*taken, *avoided), taken):
        for seen in places:
            if view.holds(seen) and not any(seen.covers(other) for other in hindrances):
                return place(drawing, seen=seen, page=page)
    return place(drawing, seen=places[0], page=page, taken=taken)


def _places(
    width: float, height: float, *, corner: tuple[float, float], taken: Sequence[Rectangle]
) -> Iterator[Rectangle]:
    """The corner itself, then as near to it as another note allows: below it or beside it."""
    right, top = corner
    yield Rectangle(right - width, top - height, right, top)
    for other in sorted(taken, key=lambda each: (-each.top, -each.right)):
        below, beside = other.bottom - _BETWEEN_PT, other.left - _BETWEEN_PT
        yield Rectangle(right - width, below - height, right, below)
        yield Rectangle(beside - width, top - height, beside, top)
