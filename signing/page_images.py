"""Pictures of the pages that somebody is about to sign.

What lives here: `draw_page`, which asks for one and looks at what came back: a picture in the
format that was asked for, not larger than it may be.  What it shows is the parser's word.
Not here: the drawing (`signing/parsing/page_images.py`), who may see it.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final

from signing.errors import ParsingFailed
from signing.isolation.blob import Blob
from signing.isolation.task import Isolation
from signing.messages.page_images import DRAW_PAGE, ImageFormat, PageAsked

__all__ = ["ImageFormat", "PageImage", "draw_page"]

MOST_WIDTH: Final = 4_000
MOST_PIXELS: Final = 8_000_000
"""A page of A4 at 250 dots per inch has fewer."""

_MOST_BYTES: Final = 32 * 1024 * 1024
_BEGINNINGS: Final = {
    ImageFormat.PNG: (b"\x89PNG\r\n\x1a\n", b""),
    ImageFormat.WEBP: (b"RIFF", b"WEBP"),
}


@dataclass(frozen=True, slots=True)
class PageImage:
    """A picture of a page; width and height in pixels, pages of the whole document."""

    content: bytes = field(repr=False)
    media_type: str
    width: int
    height: int
    pages: int


def draw_page(
    isolation: Isolation,
    *,
    document: Blob,
    page: int,
    width: int = 1_200,
    image_format: ImageFormat = ImageFormat.WEBP,
) -> PageImage:
    """Draw a page of a PDF.

    Takes   page: from 0; width: in pixels, at most `MOST_WIDTH`; a long page is drawn narrower.
    Raises  DocumentRefused: encrypted, damaged, no_such_page; ParsingFailed.
    """
    wanted = max(1, min(width, MOST_WIDTH))
    asked = PageAsked(page, wanted, image_format, MOST_PIXELS)
    drawn, output = isolation.run(DRAW_PAGE, asked, inputs=[document])
    with output:
        if output.size > _MOST_BYTES:
            raise ParsingFailed("contradiction")
        content = output.read()
    first, second = _BEGINNINGS[image_format]
    is_picture = content.startswith(first) and content[8:].startswith(second)
    is_small = 0 < drawn.width <= wanted + 1 and 0 < drawn.height <= MOST_PIXELS
    if not (is_picture and is_small and 0 <= page < drawn.pages):
        raise ParsingFailed("contradiction")
    return PageImage(content, image_format.value, drawn.width, drawn.height, drawn.pages)
