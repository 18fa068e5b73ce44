"""Grey pictures of pages as a revision shows them, and where spots of them are.

What lives here: the function of `DRAW_PAGES`.  A revision is the first so many octets of the
document, so that one input serves all of them and nothing of a later one is seen.
Source: fpdfview.h.
Not here: the comparison (`signing/validation/pdf_pictures.py`).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import BinaryIO

import pypdfium2

from signing.errors import DocumentRefused
from signing.messages.page_images import GreyAsked
from signing.messages.pdf_changes import DrawAnswered, DrawAsked
from signing.parsing.grey_pages import box_in_pixels, scale_of
from signing.parsing.pdfium_document import open_document

_NOWHERE = (0, 0, 0, 0)


def draw_pages(asked: DrawAsked, inputs: Sequence[memoryview], output: BinaryIO) -> DrawAnswered:
    """Draw the pages to the output.

    Raises  DocumentRefused: encrypted, damaged, no_such_page.
    """
    sizes: list[tuple[int, int]] = []
    boxes = dict.fromkeys(range(len(asked.spots)), _NOWHERE)
    bounds = GreyAsked((), asked.dots_per_inch, asked.most_pixels)
    with open_document([inputs[0][: asked.end]]) as document:
        document.init_forms()  # without it, what was filled in is not drawn
        for at in asked.pages:
            if not 0 <= at < len(document):
                raise DocumentRefused("no_such_page")
            try:
                page = document[at]
                scale = scale_of(page.get_size(), bounds)
                bitmap = page.render(scale=scale, grayscale=True, draw_annots=True)
            except pypdfium2.PdfiumError as failure:
                raise DocumentRefused("damaged") from failure
            sizes.append((bitmap.width, bitmap.height))
            rows = memoryview(bitmap.buffer).cast("B")
            for row in range(bitmap.height):
                start = row * bitmap.stride
                output.write(rows[start : start + bitmap.width])
            for number, spot in enumerate(asked.spots):
                if spot[0] == at:
                    boxes[number] = box_in_pixels(page, spot[1:], size=sizes[-1])
        pages = len(document)
    return DrawAnswered(tuple(sizes), pages, tuple(boxes.values()))
