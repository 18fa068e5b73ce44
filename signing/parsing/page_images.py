"""Pictures of pages, as a person sees them.

What lives here: one page, turned and cropped as it says, with its annotations and the contents of
its form, as PNG or WebP.  Scripts are not run: this PDFium has no interpreter for them.
Source: ISO 32000-2 §14.11.2 (page boundaries).
Not here: whether the page may be shown, and to whom.
"""

from __future__ import annotations

import io
from collections.abc import Sequence
from typing import BinaryIO, Final

import pypdfium2

from signing.errors import DocumentRefused
from signing.messages.page_images import ImageFormat, PageAsked, PageDrawn
from signing.parsing.pdfium_document import open_document

_LONGEST: Final = 16_000
"""WebP has no more than 16,383 pixels on a side."""
_OPTIONS: Final[dict[ImageFormat, dict[str, object]]] = {
    ImageFormat.PNG: {"format": "PNG", "compress_level": 3},
    ImageFormat.WEBP: {"format": "WEBP", "quality": 80, "method": 0},
}


def draw_page(asked: PageAsked, inputs: Sequence[memoryview], output: BinaryIO) -> PageDrawn:
    """Draw one page to the output.

    Raises  DocumentRefused: encrypted, damaged, no_such_page.
    """
    with open_document(inputs[:1]) as document:
        pages = len(document)
        if not 0 <= asked.page < pages:
            raise DocumentRefused("no_such_page")
        document.init_forms()  # without it, what was filled in is not drawn
        try:
            page = document[asked.page]
            bitmap = page.render(
                scale=_scale(page.get_size(), asked), rev_byteorder=True, draw_annots=True
            )
        except pypdfium2.PdfiumError as failure:
            raise DocumentRefused("damaged") from failure
        picture = bitmap.to_pil()
        written = io.BytesIO()
        picture.save(written, **_OPTIONS[asked.image_format])
        output.write(written.getbuffer())
        return PageDrawn(picture.width, picture.height, pages)


def warm_up() -> None:
    """Draw a page once in every format."""
    blank = pypdfium2.PdfDocument.new()
    blank.new_page(100, 100).close()
    saved = io.BytesIO()
    blank.save(saved)
    blank.close()
    whole = memoryview(saved.getvalue())
    for image_format in ImageFormat:
        asked = PageAsked(0, 10, image_format, 100)
        draw_page(asked, [whole], io.BytesIO())
    # its callback needs memory that is run, of which there is none any more later
    with open_document([whole[:9], whole[9:]]):
        pass


def _scale(size: tuple[float, float], asked: PageAsked) -> float:
    """So that it is as wide as asked, and neither side nor all of it is too much.

    Raises  DocumentRefused: damaged, for a page without an area.
    """
    width, height = size
    if not (width > 0 and height > 0):
        raise DocumentRefused("damaged")
    largest = (asked.most_pixels / (width * height)) ** 0.5
    return float(min(asked.width / width, largest, _LONGEST / height))
