"""What is on a page already: lines of text, and places of signatures.

What lives here: `look_around`, which has a page looked at and turns what comes back into the view.
Not here: what follows from it (`anchors`, `appear`).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from math import isfinite

from signing.appearance.geometry import Page, Rectangle
from signing.errors import ParsingFailed
from signing.isolation.blob import Blob
from signing.isolation.task import Isolation
from signing.messages.text_positions import FIND_TEXT, FindText, TextBox


@dataclass(frozen=True, slots=True)
class Surroundings:
    """A page as it is, in the view.

    Takes   found: for each wanted line all its places; lines: all lines of text; fields: signature
            fields that take room, by name, filled or waiting.
    """

    found: tuple[tuple[Rectangle, ...], ...] = field(repr=False)
    lines: tuple[Rectangle, ...] = field(repr=False)
    fields: Mapping[str, Rectangle]


def look_around(
    isolation: Isolation, document: Sequence[Blob], *, page: Page, wanted: tuple[str, ...] = ()
) -> Surroundings:
    """Have a page looked at.

    Takes   document: a PDF in as many parts as there are; wanted: whole lines to be found.
    Raises  DocumentRefused(no_such_page, damaged, encrypted, too_much_text); ParsingFailed.
    """
    asked = FindText(page.number, wanted)
    answered, nothing = isolation.run(FIND_TEXT, asked, inputs=document)
    nothing.close()
    if len(answered.found) != len(wanted):
        raise ParsingFailed("contradiction")
    return Surroundings(
        tuple(tuple(_seen(box, page) for box in boxes) for boxes in answered.found),
        tuple(_seen(box, page) for box in answered.lines),
        {one.name: _seen(one.box, page) for one in answered.fields},
    )


def _seen(box: TextBox, page: Page) -> Rectangle:
    edges = (box.left, box.bottom, box.right, box.top)
    if not all(map(isfinite, edges)):
        raise ParsingFailed("contradiction")
    return page.to_view(Rectangle(*edges))
