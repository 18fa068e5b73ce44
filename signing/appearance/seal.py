"""An organisation's seal on the page: red, and as large as the real one.

What lives here: the seal over a third of the person's signature, on its left.
Source: NĐ 30/2020/NĐ-CP Annex I II.8a.
Not here: who may use a seal.
"""

from __future__ import annotations

from collections.abc import Iterable

from signing.appearance.geometry import Page, Rectangle, points
from signing.appearance.rules import SEAL, SealRule
from signing.appearance.visible import Visible, draw, place
from signing.errors import DocumentRefused
from signing.isolation.blob import Blob
from signing.isolation.task import Isolation
from signing.messages.appearance import DRAW_IMAGE, AppearanceRefusal, DrawImage


def draw_seal(
    isolation: Isolation,
    image: Blob,
    *,
    width_mm: float,
    person: Rectangle,
    page: Page,
    taken: Iterable[Rectangle] = (),
    has_transparency: bool = True,
    is_colour_checked: bool = True,
    rule: SealRule = SEAL,
) -> Visible:
    """The image of a seal, `width_mm` wide, over a part of the person's signature.

    Takes   image: PNG; width_mm: of the real seal, ink to ink; person: where the image of the
            person's signature is, taken: other signatures, both in the view (the person's own may
            be among them); has_transparency: off for a document that is PDF/A-1.
    Raises  DocumentRefused(seal_size_unlikely, image_…, appearance_off_page,
            appearance_covers_another); ParsingFailed.
    """
    if not rule.least_mm <= width_mm <= rule.most_mm:
        raise DocumentRefused(AppearanceRefusal.SEAL_SIZE_UNLIKELY)
    width = points(width_mm)
    asked = DrawImage(
        width=width,
        height=points(rule.most_mm),
        ink=rule.ink if is_colour_checked else None,
        has_transparency=has_transparency,
    )
    drawing = draw(isolation, DRAW_IMAGE, asked, inputs=[image])
    if drawing.width < width - 0.1:
        # it became narrower only because it would have been higher than any seal is
        drawing.pdf.close()
        raise DocumentRefused(AppearanceRefusal.SEAL_SIZE_UNLIKELY)
    right = person.left + person.width * rule.share
    middle = person.centre[1]
    seen = Rectangle(
        right - drawing.width, middle - drawing.height / 2, right, middle + drawing.height / 2
    )
    others = [each for each in taken if not each.covers(person)]
    return place(drawing, seen=seen, page=page, taken=others)
