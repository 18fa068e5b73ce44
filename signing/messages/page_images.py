"""What is asked of the process that draws pages.

What lives here: the tasks `DRAW_PAGE` and `DRAW_GREY` with their arguments and answers.
Not here: the drawing (`signing/parsing/page_images.py`, `grey_pages.py`), the service's side
(`signing/page_images.py`, `signing/unchanged_pages.py`).
"""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated, Final

import msgspec

from signing.isolation.task import Task

MOST_COMPARED: Final = 16
"""Pages that are compared at once."""


class ImageFormat(StrEnum):
    """How the picture is written; the value is its media type."""

    PNG = "image/png"
    WEBP = "image/webp"


class PageAsked(msgspec.Struct, frozen=True):
    """One page.

    Takes   page: from 0; width: in pixels; most_pixels: a picture has no more, but is narrower.
    """

    page: int
    width: int
    image_format: ImageFormat
    most_pixels: int


class PageDrawn(msgspec.Struct, frozen=True):
    """The picture is in the output; width and height in pixels, pages of the whole document."""

    width: int
    height: int
    pages: int


class GreyAsked(msgspec.Struct, frozen=True):
    """Some pages, small and in grey, without what was prepared and with it.

    Takes   pages: their numbers, from 0; dots_per_inch, most_pixels: of each page;
            place: page (-1 the last) and left, bottom, right, top in default user space of what
            may differ, None where nothing may; looks: draw those that can differ in their stead,
            if it can be told which these are, and if there are not more of them;
            increment: what was prepared, where it is small; else it is an input.
    """

    pages: Annotated[tuple[int, ...], msgspec.Meta(max_length=MOST_COMPARED)]
    dots_per_inch: int
    most_pixels: int
    place: tuple[int, float, float, float, float] | None = None
    looks: bool = False
    increment: bytes = b""


class GreyDrawn(msgspec.Struct, frozen=True):
    """The pages are in the output, a byte for each pixel, one row after the other.

    First all of them as they were, then all as they will be.
    Takes   drawn: which; sizes_before, sizes_after: width and height of each; pages_before,
            pages_after: of the whole document; box: left, top, right, bottom of `place`, in
            pixels; None where it was none, or its page was not drawn; is_told: no other page can
            differ; is_unseen: none can, and so none was drawn.
    """

    drawn: Annotated[tuple[int, ...], msgspec.Meta(max_length=MOST_COMPARED)]
    sizes_before: Annotated[tuple[tuple[int, int], ...], msgspec.Meta(max_length=MOST_COMPARED)]
    sizes_after: Annotated[tuple[tuple[int, int], ...], msgspec.Meta(max_length=MOST_COMPARED)]
    pages_before: int
    pages_after: int
    box: tuple[int, int, int, int] | None = None
    is_told: bool = False
    is_unseen: bool = False


DRAW_GREY: Final = Task("signing.parsing.grey_pages:draw_grey", GreyAsked, GreyDrawn)
"""Inputs: the PDF, and what was prepared behind it where that is not small.

Refused: damaged, encrypted, no_such_page.
"""

DRAW_PAGE: Final = Task("signing.parsing.page_images:draw_page", PageAsked, PageDrawn)
"""Input: the PDF.  Refused: damaged, encrypted, no_such_page."""
