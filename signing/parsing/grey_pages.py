"""Small grey pictures of pages, for a comparison of two revisions.

What lives here: the function of `DRAW_GREY`.  The same library draws as for the person who signs,
so that two revisions which look alike to her give the same octets.
Not here: which pages may differ (`pdf_reach`), the comparison (`signing/unchanged_pages.py`).
"""

from __future__ import annotations

import ctypes
from collections.abc import Sequence
from typing import Any, BinaryIO, Final, NamedTuple

import pypdfium2
import pypdfium2.raw

from signing.errors import DocumentRefused
from signing.messages.page_images import GreyAsked, GreyDrawn
from signing.parsing.pdf_reach import reached_pages
from signing.parsing.pdf_unseen import is_unseen
from signing.parsing.pdfium_document import open_document

_POINTS_PER_INCH: Final = 72
_LONGEST: Final = 20_000
"""Pixels of a side: the longest page of ISO 32000-1, Annex C, has 14,400 points."""
_FEW: Final = 2
"""Pages that are drawn sooner than it is told which of them can differ."""
_LARGEST: Final = 32 << 20
"""Of a larger document a copy in memory would cost more."""

_Box = tuple[int, int, int, int]


class _Revision(NamedTuple):
    """What was drawn of one: `annotations` are those on the pages, `is_sound` without mending."""

    octets: bytes
    sizes: tuple[tuple[int, int], ...]
    pages: int
    box: _Box | None
    annotations: int
    is_sound: bool


def draw_grey(asked: GreyAsked, inputs: Sequence[memoryview], output: BinaryIO) -> GreyDrawn:
    """Draw the pages without what is behind the document, and with it.

    1. A signature that is not seen may show by its octets that nothing else is.
    2. Which pages can differ is told from the octets; that whoever draws reads them so too is seen:
       nothing had to be mended, and what was drawn is where the signature has come to.

    Raises  DocumentRefused: encrypted, damaged, no_such_page.
    """
    document = inputs[0]
    increment = inputs[1] if len(inputs) > 1 else memoryview(asked.increment)
    whole = (document, increment)
    # 1
    if asked.looks and asked.place is None and len(document) <= _LARGEST:
        unseen = _look_at_unseen(bytes(document), bytes(increment))
        if unseen is not None:
            return unseen
    # 2
    if asked.looks and len(asked.pages) > _FEW:
        reached = reached_pages(document, increment)
        if reached is not None and len(reached) <= len(asked.pages):
            pages = tuple(sorted(reached))
            before, after = _draw(asked, pages, whole[:1]), _draw(asked, pages, whole)
            is_read_so = before.is_sound and after.is_sound
            if is_read_so and after.annotations == before.annotations + 1:
                return _write(pages, before, after, output, is_told=True)
    before, after = _draw(asked, asked.pages, whole[:1]), _draw(asked, asked.pages, whole)
    return _write(asked.pages, before, after, output)


def _look_at_unseen(document: bytes, increment: bytes) -> GreyDrawn | None:
    """Whether there is nothing to be drawn, and whoever draws comes to the same document twice.

    It mends nothing, and finds as many pages as before and one signature more than none.
    """
    if not is_unseen(document, increment):
        return None
    found = []
    for octets in (document, document + increment):
        with open_document([memoryview(octets)]) as opened:
            is_sound = bool(pypdfium2.raw.FPDF_DocumentHasValidCrossReferenceTable(opened.raw))
            found.append((is_sound, len(opened), pypdfium2.raw.FPDF_GetSignatureCount(opened.raw)))
    pages = found[0][1]
    if found != [(True, pages, 0), (True, pages, 1)]:
        return None
    return GreyDrawn((), (), (), pages, pages, is_told=True, is_unseen=True)


def _write(
    pages: tuple[int, ...],
    before: _Revision,
    after: _Revision,
    output: BinaryIO,
    *,
    is_told: bool = False,
) -> GreyDrawn:
    output.write(before.octets)
    output.write(after.octets)
    return GreyDrawn(
        drawn=pages,
        sizes_before=before.sizes,
        sizes_after=after.sizes,
        pages_before=before.pages,
        pages_after=after.pages,
        box=before.box,
        is_told=is_told,
    )


def _draw(asked: GreyAsked, pages: Sequence[int], parts: Sequence[memoryview]) -> _Revision:
    sizes: list[tuple[int, int]] = []
    octets = bytearray()
    box: _Box | None = None
    annotations = 0
    with open_document(parts) as document:
        number = len(document)
        is_sound = bool(pypdfium2.raw.FPDF_DocumentHasValidCrossReferenceTable(document.raw))
        document.init_forms()  # without it, what was filled in is not drawn
        for at in pages:
            if not 0 <= at < number:
                raise DocumentRefused("no_such_page")
            try:
                page = document[at]
                bitmap = page.render(
                    scale=scale_of(page.get_size(), asked), grayscale=True, draw_annots=True
                )
            except pypdfium2.PdfiumError as failure:
                raise DocumentRefused("damaged") from failure
            annotations += pypdfium2.raw.FPDFPage_GetAnnotCount(page.raw)
            sizes.append((bitmap.width, bitmap.height))
            rows = memoryview(bitmap.buffer).cast("B")
            for row in range(bitmap.height):
                start = row * bitmap.stride
                octets += rows[start : start + bitmap.width]
            if asked.place is not None and asked.place[0] % number == at:
                box = box_in_pixels(page, asked.place[1:], size=sizes[-1])
    return _Revision(bytes(octets), tuple(sizes), number, box, annotations, is_sound)


def scale_of(size: tuple[float, float], asked: GreyAsked) -> float:
    """How large a page is drawn: as asked for, smaller where it would have too many pixels.

    Raises  DocumentRefused: damaged, for a page without an extent, or a stripe of which nothing
            could be seen.
    """
    width, height = size
    if not (width > 0 and height > 0):
        raise DocumentRefused("damaged")
    scale = min(
        asked.dots_per_inch / _POINTS_PER_INCH, (asked.most_pixels / (width * height)) ** 0.5
    )
    if max(width, height) * scale > _LONGEST:
        raise DocumentRefused("damaged")
    return float(scale)


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
