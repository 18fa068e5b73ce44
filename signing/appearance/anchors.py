"""The room for a person's signature, found by the words around it.

What lives here: the one place on a page where a title stands above a name, and what is free between
them.  Where there are two, nobody guesses: the caller has to say which.
Source: NĐ 30/2020/NĐ-CP Annex I II.7 (boxes 7a to 7c).
Not here: how words are found (`signing/parsing/text_positions.py`).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from signing.appearance.geometry import Page, Rectangle, points
from signing.appearance.person import room_between
from signing.appearance.surroundings import Surroundings, look_around
from signing.errors import DocumentRefused
from signing.isolation.blob import Blob
from signing.isolation.task import Isolation
from signing.messages.appearance import AppearanceRefusal

_FARTHEST_MM: Final = 90.0
"""Between a title and its name; more is another signature's."""


@dataclass(frozen=True, slots=True)
class Anchor:
    """A place for a person's signature.

    Takes   title, name: where they stand; room: what is free between them; all in the view.
    """

    title: Rectangle
    name: Rectangle
    room: Rectangle


def find_anchor(
    isolation: Isolation, document: Sequence[Blob], *, title: str, name: str, page: Page
) -> Anchor:
    """Where `title` stands above `name` on a page.

    Takes   document: a PDF in as many parts as there are; title, name: whole lines of it.
    Raises  DocumentRefused(appearance_anchor_missing, appearance_anchor_ambiguous,
            appearance_no_room; what the document itself is refused for); ParsingFailed.
    """
    seen = look_around(isolation, document, page=page, wanted=(title, name))
    return choose_anchor(seen, page=page)


def choose_anchor(seen: Surroundings, *, page: Page) -> Anchor:
    """The one title above the one name, of which all places were looked for in that order.

    Raises  DocumentRefused(appearance_anchor_missing, appearance_anchor_ambiguous,
            appearance_no_room).
    """
    titles, names = seen.found
    pairs = list(_pairs(titles, names))
    if not pairs:
        raise DocumentRefused(AppearanceRefusal.ANCHOR_MISSING)
    if len(pairs) > 1:
        raise DocumentRefused(AppearanceRefusal.ANCHOR_AMBIGUOUS)
    above, below = pairs[0]
    # a line such as "(ký, ghi rõ họ tên)" stays readable: the room begins below it
    for line in seen.lines:
        is_between = below.top <= line.bottom and line.top <= above.bottom
        if is_between and _is_in_column(line, below.around(above)):
            above = Rectangle(above.left, line.bottom, above.right, above.top)
    return Anchor(pairs[0][0], below, room_between(above, below, page=page))


def _pairs(
    titles: Sequence[Rectangle], names: Sequence[Rectangle]
) -> Iterator[tuple[Rectangle, Rectangle]]:
    """Each name with the titles above it, as far as nothing that is looked for stands between."""
    for name in names:
        for title in titles:
            gap = title.bottom - name.top
            if not (0 <= gap <= points(_FARTHEST_MM) and _is_in_column(title, name)):
                continue
            between = Rectangle(
                min(title.left, name.left), name.top, max(title.right, name.right), title.bottom
            )
            if not any(between.covers(other) for other in (*titles, *names)):
                yield title, name


def _is_in_column(one: Rectangle, other: Rectangle) -> bool:
    """Whether one stands above or below the middle of the other."""
    return one.left <= other.centre[0] <= one.right or other.left <= one.centre[0] <= other.right
