"""How large pages are drawn that are compared."""

from __future__ import annotations

import pytest

from signing.errors import DocumentRefused
from signing.messages.page_images import GreyAsked
from signing.parsing.grey_pages import scale_of

_ASKED = GreyAsked((), 36, 1_000_000)


@pytest.mark.parametrize(("size", "scale"), [((600, 800), 0.5), ((4_000, 4_000), 0.25)])
def test_as_asked_for_and_with_no_more_pixels_than_allowed(
    size: tuple[float, float], scale: float
) -> None:
    assert scale_of(size, _ASKED) == scale


@pytest.mark.parametrize(
    "size", [(0, 1), (1, -1), (float("nan"), 1), (612, 1.8e19), (1e-30, 50_000)]
)
def test_what_nobody_could_see_anything_of_is_not_drawn(size: tuple[float, float]) -> None:
    with pytest.raises(DocumentRefused, match="damaged"):
        scale_of(size, _ASKED)
