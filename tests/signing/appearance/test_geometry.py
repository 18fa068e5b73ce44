"""The way between what a file writes and what somebody sees."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from signing.appearance.geometry import Page, Rectangle

_edges = st.floats(-500, 500)
_lengths = st.floats(1, 900)


@st.composite
def _rectangles(draw: st.DrawFn) -> Rectangle:
    left, bottom = draw(_edges), draw(_edges)
    return Rectangle(left, bottom, left + draw(_lengths), bottom + draw(_lengths))


@st.composite
def _pages(draw: st.DrawFn) -> Page:
    rotation = draw(st.sampled_from([0, 90, 180, 270, 360, 450, -90]))
    unit = draw(st.sampled_from([0.5, 1.0, 2.0, 10.0]))
    return Page(0, draw(_rectangles()), draw(_rectangles()), rotation, unit)


@given(_pages(), _rectangles())
def test_there_and_back_is_the_same_place(page: Page, place: Rectangle) -> None:
    back = page.to_view(page.to_user(place))
    for edge in ("left", "bottom", "right", "top"):
        assert getattr(back, edge) == pytest.approx(getattr(place, edge), abs=1e-6)


@given(_pages(), _rectangles())
def test_what_is_seen_is_in_the_visible_box_and_the_other_way_round(
    page: Page, place: Rectangle
) -> None:
    assert not page.view.is_empty
    assert page.view.left == pytest.approx(0, abs=1e-6)
    assert page.view.bottom == pytest.approx(0, abs=1e-6)
    grown = Rectangle(place.left - 1, place.bottom - 1, place.right + 1, place.top + 1)
    if page.view.holds(grown):
        assert page.visible.holds(page.to_user(place))


@pytest.mark.parametrize(
    ("rotation", "corner"),
    [
        (0, (0, 0)),
        (90, (0, 200)),  # the lower left corner is at the upper left when turned clockwise
        (180, (100, 200)),
        (270, (100, 0)),
    ],
)
def test_a_page_is_turned_clockwise(rotation: int, corner: tuple[float, float]) -> None:
    """ISO 32000-1 §7.7.3.3: Rotate."""
    across, up = (200.0, 100.0) if rotation in {90, 270} else (100.0, 200.0)
    box = Rectangle(0, 0, across, up)
    seen = Page(0, box, box, rotation).to_view(Rectangle(0, 0, 1, 1))
    assert corner[0] in {seen.left, seen.right}
    assert corner[1] in {seen.bottom, seen.top}


def test_only_the_crop_box_is_seen_as_far_as_there_is_a_page() -> None:
    """ISO 32000-1 §14.11.2."""
    media = Rectangle(0, 0, 100, 100)
    assert Page(0, media, Rectangle(50, 50, 200, 200)).visible == Rectangle(50, 50, 100, 100)
    assert Page(0, media, Rectangle(200, 200, 300, 300)).visible == media


def test_edges_may_touch_without_covering() -> None:
    one = Rectangle(0, 0, 10, 10)
    assert not one.covers(Rectangle(10, 0, 20, 10))
    assert not one.covers(Rectangle(0, 10, 10, 20))
    assert one.covers(Rectangle(9, 9, 20, 20))
    assert one.covers(Rectangle(2, 2, 3, 3))
    assert Rectangle(0, 0, 1, float("nan")).is_empty
