"""What is asked of the process that draws pages.

What lives here: the task `DRAW_PAGE` with its argument and answer.
Not here: the drawing (`signing/parsing/page_images.py`), the service's side
(`signing/page_images.py`).
"""

from __future__ import annotations

from enum import StrEnum
from typing import Final

import msgspec

from signing.isolation.task import Task


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


DRAW_PAGE: Final = Task("signing.parsing.page_images:draw_page", PageAsked, PageDrawn)
"""Input: the PDF.  Refused: damaged, encrypted, no_such_page."""
