"""Small grey pictures of pages, for a comparison of two revisions.

What lives here: the function of `DRAW_GREY`.  The same library draws as for the person who signs,
so that two revisions which look alike to her give the same octets.
Not here: the comparison (`signing/unchanged_pages.py`).
"""

from __future__ import annotations

import ctypes
from collections.abc import Sequence
from typing import Any, BinaryIO, Final

import pypdfium2
import pypdfium2.raw

from signing.errors import DocumentRefused
from signing.messages.page_images import GreyAsked, GreyDrawn
from signing.parsing.pdfium_document import open_document

_POINTS_PER_INCH: Final = 72

_Box = tuple[int, int, int, int]


def draw_grey(asked: GreyAsked, inputs: Sequence[memoryview], output: BinaryIO) -> GreyDrawn:
    """Draw the pages to the output.

    Raises  DocumentRefused: encrypted, damaged, no_such_page.
    """
    sizes: list[tuple[int, int]] = []
    box: _Box | None = None
    with open_document(inputs) as document:
        number = len(document)
        document.init_forms()  # without it, what was filled in is not drawn
        for at in asked.pages:
            if not 0 <= at < number:
                raise DocumentRefused("no_such_page")
            try:
                page = document[at]
                bitmap = page.render(
                    scale=scale_of(page.get_size(), asked), grayscale=True, draw_annots=True
                )
            except pypdfium2.PdfiumError as failure:
                raise DocumentRefused("damaged") from failure
            sizes.append((bitmap.width, bitmap.height))
            rows = memoryview(bitmap.buffer).cast("B")
            for row in range(bitmap.height):
                start = row * bitmap.stride
                output.write(rows[start : start + bitmap.width])
            if asked.place is not None and asked.place[0] % number == at:
                box = box_in_pixels(page, asked.place[1:], size=sizes[-1])
    return GreyDrawn(tuple(sizes), number, box)


def scale_of(size: tuple[float, float], asked: GreyAsked) -> float:
    """How large a page is drawn: as asked for, smaller where it would have too many pixels.

    Raises  DocumentRefused: damaged, for a page without an extent.
    """
    width, height = size
    if not (width > 0 and height > 0):
        raise DocumentRefused("damaged")
    return float(
        min(
            asked.dots_per_inch / _POINTS_PER_INCH,
            (asked.most_pixels / (width * height)) ** 0.5,
        )
    )


def box_in_pixels(
    page: Any, place: tuple[float, float, float, float], *, size: tuple[int, int]
) -> _Box:
    """Left, top, right, bottom in pixels of a place in default user space."""
    corners = []
    for x, y in (place[:2], place[2:]):
        found = ctypes.c_int(), ctypes.c_int()
        pypdfium2.raw.FPDF_PageToDevice(
            page.raw, 0, 0, *size, 0, x, y, ctypes.byref(found[0]), ctypes.byref(found[1])
        )
        corners.append((found[0].value, found[1].value))
    across, down = zip(*corners, strict=True)
    return min(across), min(down), max(across), max(down)
