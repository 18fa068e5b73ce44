"""A visible signature, drawn and placed, as a format takes it.

What lives here: `Visible`; `draw`, which has something drawn and does not believe more of the
answer than it can see; `place`, which refuses places off the page and on top of other signatures.
Not here: which place is right for which kind (the modules beside this file).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from math import isfinite
from typing import Literal, TypeVar, cast

from signing.appearance.geometry import TOLERANCE_PT, Page, Rectangle
from signing.errors import DocumentRefused, ParsingFailed
from signing.isolation.blob import Blob
from signing.isolation.task import Isolation, Task
from signing.messages.appearance import AppearanceRefusal, DrawCard, DrawImage, Drawn, DrawNote
from signing.messages.pdf_signature import Appearance

Asked = TypeVar("Asked", DrawImage, DrawNote, DrawCard)


@dataclass(frozen=True, slots=True)
class Drawing:
    """A PDF of one page, and how large it is on paper, in points; whoever has it closes it."""

    pdf: Blob
    width: float
    height: float


@dataclass(frozen=True, slots=True)
class Visible:
    """What is shown, and where.

    Takes   drawing: a PDF of one page, upright; whoever has this closes it;
            place: as the format writes it; seen: the same place as it is seen on the page;
            field_name: the field that was there before and is filled, None for a new one.
    """

    drawing: Blob
    place: Appearance
    seen: Rectangle
    field_name: str | None = None


def draw(
    isolation: Isolation,
    task: Task[Asked, Drawn],
    asked: Asked,
    *,
    inputs: Sequence[Blob] = (),
) -> Drawing:
    """Have something drawn.

    Raises  DocumentRefused(image_…, appearance_…); ParsingFailed (also when the drawing is larger
            than was allowed).
    """
    drawn, pdf = isolation.run(
        cast("Task[DrawImage | DrawNote | DrawCard, Drawn]", task), asked, inputs=inputs
    )
    lengths = ((drawn.width, asked.width), (drawn.height, asked.height))
    if not all(isfinite(is_) and 0 < is_ <= most + TOLERANCE_PT for is_, most in lengths):
        pdf.close()
        raise ParsingFailed("contradiction")
    return Drawing(pdf, drawn.width, drawn.height)


def place(
    drawing: Drawing, *, seen: Rectangle, page: Page, taken: Iterable[Rectangle] = ()
) -> Visible:
    """Put a drawing somewhere; it is closed when it cannot be there.

    Takes   seen: where, in the view; taken: what it must not cover, in the view.
    Raises  DocumentRefused(appearance_off_page, appearance_covers_another).
    """
    try:
        check_place(seen, page=page, taken=taken)
    except DocumentRefused:
        drawing.pdf.close()
        raise
    user = page.to_user(seen)
    turned = cast("Literal[0, 90, 180, 270]", page.rotation % 360)
    rectangle = (user.left, user.bottom, user.right, user.top)
    return Visible(
        drawing.pdf, Appearance(page=page.number, rectangle=rectangle, turned=turned), seen
    )


def check_place(seen: Rectangle, *, page: Page, taken: Iterable[Rectangle] = ()) -> None:
    """Whether something can be there.

    Raises  DocumentRefused(appearance_off_page, appearance_covers_another).
    """
    if seen.is_empty or not page.view.holds(seen):
        raise DocumentRefused(AppearanceRefusal.OFF_PAGE)
    if any(seen.covers(other) for other in taken):
        raise DocumentRefused(AppearanceRefusal.COVERS_ANOTHER)
