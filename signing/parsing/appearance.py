"""Draws what a visible signature looks like: a PDF of one page that is exactly as large as it.

What lives here: an image with the clear parts of its own, a note of plain text, a card with a QR
code.  Source: ISO 32000-1 §8.9.6 (masked images), §11.6.5.3 (soft masks), §9.4 (text).
Not here: what is written and where it goes (`signing/appearance`), how it gets into a document
(`pdf_signature`).
"""

from __future__ import annotations

from collections.abc import Sequence
from math import ceil
from typing import BinaryIO, Final

import segno
from PIL import Image

from signing.errors import DocumentRefused
from signing.messages.appearance import (
    AppearanceRefusal,
    DrawCard,
    DrawImage,
    Drawn,
    DrawNote,
    Typeface,
)
from signing.parsing.font_objects import PageFont
from signing.parsing.fonts import FACES
from signing.parsing.images import open_ink
from signing.parsing.one_page import COLOUR_SPACE, OnePage, grey, number
from signing.parsing.text_block import Block, set_block

_MOST_DPI: Final = 720
_HALF: Final = 128
_WHITE: Final = (255, 255, 255, 0)
_QUIET: Final = 4
"""Clear modules around a QR code (ISO/IEC 18004 §9.1)."""
_PADDING: Final = 4.0
_SCALES: Final = (1.0, 0.9, 0.8, 0.7)
_LINE_GREY: Final = 0.55


def draw_image(asked: DrawImage, inputs: Sequence[memoryview], output: BinaryIO) -> Drawn:
    """An image, as large as it can be within the two lengths.

    Raises  DocumentRefused(image_…).
    """
    image = open_ink(inputs[0], rule=asked.ink)
    scale = min(asked.width / image.width, asked.height / image.height)
    width, height = image.width * scale, image.height * scale
    image = _no_finer(image, width=width)
    clear = Image.new("RGBA", image.size, _WHITE)
    # what cannot be seen has no colour of its own: smaller, and white where masks are ignored
    colours = Image.composite(image, clear, image.getchannel("A").point([0] + [255] * 255))
    page = OnePage()
    mask = _mask(page, image.getchannel("A"), is_soft=asked.has_transparency)
    picture = page.add_stream(
        colours.convert("RGB").tobytes(),
        f"/Type /XObject /Subtype /Image /Width {image.width} /Height {image.height}"
        f" /ColorSpace {COLOUR_SPACE} /BitsPerComponent 8 {mask}",
    )
    whole = (asked.width, asked.height) if asked.fills else (width, height)
    left, bottom = (whole[0] - width) / 2, (whole[1] - height) / 2
    content = (
        f"q {number(width)} 0 0 {number(height)} {number(left)} {number(bottom)} cm /Image Do Q"
    )
    resources = f"/XObject << /Image {picture} >>"
    return _write(output, page, content, size=whole, resources=resources)


def draw_note(asked: DrawNote, _inputs: Sequence[memoryview], output: BinaryIO) -> Drawn:
    """Lines of text, flush right.

    Raises  DocumentRefused(appearance_text_too_long, appearance_letter_unknown).
    """
    block = set_block(asked.paragraphs, width=asked.width)
    if block.height > asked.height:
        raise DocumentRefused(AppearanceRefusal.TEXT_TOO_LONG)
    page, writing = OnePage(), _Writing()
    whole = (asked.width, asked.height) if asked.fills else (block.width, block.height)
    content = writing.block(block, right=whole[0], top=whole[1])
    return _write(output, page, content, size=whole, resources=writing.resources(page))


def draw_card(asked: DrawCard, _inputs: Sequence[memoryview], output: BinaryIO) -> Drawn:
    """A QR code with text on its right, in a thin frame.

    Raises  DocumentRefused(appearance_text_too_long, appearance_letter_unknown).
    """
    left = asked.code_size + 2 * _PADDING
    room = asked.width - left - 2 * _PADDING
    for scale in _SCALES:
        block = set_block(asked.paragraphs, width=room, scale=scale)
        height = max(block.height, asked.code_size) + 2 * _PADDING
        if height <= asked.height:
            break
    else:
        raise DocumentRefused(AppearanceRefusal.TEXT_TOO_LONG)
    page, writing = OnePage(), _Writing()
    height = asked.height if asked.fills else height
    content = "\n".join(
        (
            _frame(asked.width, height, at=left),
            _code(asked.code, size=asked.code_size, down=(height - asked.code_size) / 2),
            writing.block(block, left=left + _PADDING, top=(height + block.height) / 2),
        )
    )
    size = (asked.width, height)
    return _write(output, page, content, size=size, resources=writing.resources(page))


class _Writing:
    """The fonts of one page, by the names that its operators use."""

    def __init__(self) -> None:
        self._fonts: dict[Typeface, PageFont] = {}

    def block(
        self, block: Block, *, top: float, left: float = 0, right: float | None = None
    ) -> str:
        """A block of text whose lines begin at `left`, or end at `right` when it is given."""
        rows = []
        for placed in block.lines:
            font = self._fonts.setdefault(placed.face, PageFont(FACES[placed.face]))
            across = left if right is None else right - placed.width
            rows.append(
                f"BT {grey(placed.grey)} /{placed.face} {number(placed.size)} Tf"
                f" {number(across)} {number(top - placed.down)} Td"
                f" {font.shown(placed.line, size=placed.size)} ET"
            )
        return "\n".join(rows)

    def resources(self, page: OnePage) -> str:
        """The entry of the fonts, whose objects are written now."""
        fonts = " ".join(f"/{face} {font.write(page)}" for face, font in self._fonts.items())
        return f"/Font << {fonts} >>"


def _write(
    output: BinaryIO, page: OnePage, content: str, *, size: tuple[float, float], resources: str
) -> Drawn:
    width, height = size
    output.write(page.written(content, width=width, height=height, resources=resources))
    return Drawn(width, height)


def _no_finer(image: Image.Image, *, width: float) -> Image.Image:
    """No more pixels than a printer can show; whole steps make no new shades of one colour."""
    finer = image.width / (width / 72 * _MOST_DPI)
    return image if finer <= 1 else image.reduce(ceil(finer))


def _mask(page: OnePage, alpha: Image.Image, *, is_soft: bool) -> str:
    """The entry that says where the image is clear."""
    head = f"/Type /XObject /Subtype /Image /Width {alpha.width} /Height {alpha.height}"
    if is_soft:
        grey = f"{head} /ColorSpace /DeviceGray /BitsPerComponent 8"
        return f"/SMask {page.add_stream(alpha.tobytes(), grey)}"
    # in a stencil 1 is what is left out (§8.9.6.3)
    stencil = alpha.point([255] * _HALF + [0] * (256 - _HALF)).convert(
        "1", dither=Image.Dither.NONE
    )
    return f"/Mask {page.add_stream(stencil.tobytes(), f'{head} /ImageMask true')}"


def _frame(width: float, height: float, *, at: float) -> str:
    """A thin line around, and one between code and text."""
    inset = 0.3
    box = f"{inset} {inset} {number(width - 2 * inset)} {number(height - 2 * inset)} re S"
    between = f"{number(at)} {number(_PADDING)} m {number(at)} {number(height - _PADDING)} l S"
    return f"q {grey(_LINE_GREY, is_line=True)} 0.6 w {box} 0.4 w {between} Q"


def _code(text: str, *, size: float, down: float) -> str:
    """A QR code as rectangles on white, one per run of dark modules."""
    rows = [list(row) for row in segno.make(text, error="m", micro=False).matrix]
    module = size / (len(rows) + 2 * _QUIET)
    runs = []
    for index, row in enumerate(rows):
        start = None
        for at, is_dark in enumerate([*row, 0]):
            if is_dark and start is None:
                start = at
            elif not is_dark and start is not None:
                runs.append(f"{start} {len(rows) - 1 - index} {at - start} 1 re")
                start = None
    place = f"{number(_PADDING)} {number(down)}"
    return (
        f"q {grey(1)} {place} {number(size)} {number(size)} re f"
        f" 1 0 0 1 {place} cm {module:.6f} 0 0 {module:.6f} 0 0 cm"
        f" 1 0 0 1 {_QUIET} {_QUIET} cm {grey(0)} {' '.join(runs)} f Q"
    )
