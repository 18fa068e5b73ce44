"""Whoever draws is not believed more than can be seen, and nothing is left open."""

from __future__ import annotations

import pytest

from signing.appearance.geometry import Rectangle
from signing.appearance.visible import Drawing, draw, place
from signing.errors import DocumentRefused, ParsingFailed
from signing.isolation.blob import Blob
from signing.messages.appearance import DRAW_IMAGE, DrawImage, Drawn
from tests.support.appearance_pages import LAYOUTS


class _Liar:
    """Says that a drawing has this size, whatever was allowed."""

    def __init__(self, width: float, height: float) -> None:
        self.drawn = Drawn(width, height)
        self.blob = Blob.of(b"%PDF-1.4")

    def run(self, _task, _asked, *, inputs=()):
        return self.drawn, self.blob


@pytest.mark.parametrize(
    ("width", "height"),
    [(101, 50), (100, 51), (0, 50), (-1, 50), (float("nan"), 50), (float("inf"), 50)],
)
def test_a_drawing_larger_than_allowed_is_a_contradiction(width: float, height: float) -> None:
    liar = _Liar(width, height)
    with pytest.raises(ParsingFailed, match="contradiction"):
        draw(liar, DRAW_IMAGE, DrawImage(100, 50))
    assert "closed" in repr(liar.blob)


def test_a_drawing_that_cannot_be_placed_is_closed() -> None:
    drawing = Drawing(Blob.of(b"%PDF-1.4"), 100, 50)
    with pytest.raises(DocumentRefused, match="appearance_off_page"):
        place(drawing, seen=Rectangle(-1, 0, 99, 50), page=LAYOUTS[0].page)
    assert "closed" in repr(drawing.pdf)
