"""An invented handwritten signature and an invented seal, drawn by code.

What lives here: two PNG images with a clear background, the same in every run: pen strokes in blue,
and a round red seal whose words say that it is a specimen.
Not here: anybody's real signature or seal.
"""

from __future__ import annotations

import io
import math
import struct
import zlib
from collections.abc import Iterator
from functools import cache
from importlib.resources import files
from itertools import pairwise
from typing import Final

from PIL import Image, ImageDraw, ImageFont

BLUE: Final = (24, 52, 160)
RED: Final = (214, 20, 32)
_FINER: Final = 4
"""Drawn this much larger, then made smaller: smooth edges."""

Point = tuple[float, float]

_STROKES: Final[tuple[tuple[Point, ...], ...]] = (
    # in hundredths: a tall loop, a run of waves, and a long line back below all of it
    ((5, 70), (10, 10), (22, -25), (16, 55), (10, 115), (2, 80), (20, 55)),
    ((20, 55), (30, 5), (25, 105), (34, 60), (41, 10), (37, 115), (46, 58)),
    ((46, 58), (55, 0), (49, 115), (60, 55), (69, -5), (63, 120), (74, 50)),
    ((74, 50), (82, -10), (90, -20), (84, 60), (80, 110), (92, 80), (99, 30)),
    ((12, 98), (40, 84), (70, 88), (95, 74)),
    ((58, 16), (62, 8), (66, 12), (68, 4)),
)  # fmt: skip


@cache
def signature_png(*, width: int = 900, height: int = 420, colour: tuple[int, ...] = BLUE) -> bytes:
    """A handwritten signature that nobody has, with a clear margin around it."""
    size = (width * _FINER, height * _FINER)
    alpha = Image.new("L", size, 0)
    drawing = ImageDraw.Draw(alpha)
    for stroke in _STROKES:
        for across, down, thickness in _pen(stroke):
            x = (0.06 + 0.0088 * across) * size[0]
            y = (0.12 + 0.0076 * down) * size[1]
            radius = thickness * size[1]
            drawing.ellipse((x - radius, y - radius, x + radius, y + radius), fill=255)
    return _coloured(alpha.resize((width, height), Image.Resampling.LANCZOS), colour)


@cache
def seal_png(
    *, pixels: int = 900, margin: int = 40, colour: tuple[int, ...] = RED, name: str = "CƠ QUAN MẪU"
) -> bytes:
    """A round seal with a star, its outer ring `pixels` wide and `margin` clear around it."""
    side = (pixels + 2 * margin) * 2
    middle, radius = side / 2, float(pixels)
    alpha = Image.new("L", (side, side), 0)
    drawing = ImageDraw.Draw(alpha)
    for share, thickness in ((1.0, 0.030), (0.93, 0.010), (0.56, 0.010)):
        _ring(drawing, middle, radius * share, radius * thickness)
    drawing.polygon(list(_star(middle, radius * 0.42)), fill=255)
    _around(alpha, name, middle, radius * 0.745, is_above=True)
    _around(alpha, "VẬT MẪU • KHÔNG CÓ GIÁ TRỊ", middle, radius * 0.745, is_above=False)
    return _coloured(
        alpha.resize((side // 2, side // 2), Image.Resampling.LANCZOS), colour, most=225
    )


def png_header(width: int, height: int, *, more: bytes = b"") -> bytes:
    """The beginning of a PNG that says it is this large, with nothing behind it but `more`."""
    header = struct.pack(">IIBBBBB", width, height, 8, 6, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + png_chunk(b"IHDR", header) + more


def png_chunk(name: bytes, data: bytes) -> bytes:
    """One chunk with its length and sum."""
    check = zlib.crc32(name + data)
    return struct.pack(">I", len(data)) + name + data + struct.pack(">I", check)


def _pen(stroke: tuple[Point, ...]) -> Iterator[tuple[float, float, float]]:
    """Points of a stroke with the half width of the pen there: thicker when it goes down."""
    steps = 900
    last: Point | None = None
    for step in range(steps + 1):
        here = _curve(stroke, step / steps)
        slope = 0.0 if last is None else here[1] - last[1]
        ends = min(step, steps - step) / steps
        yield *here, 0.006 + min(0.010, max(0.0, slope) * 0.032) + 0.004 * min(1.0, ends * 6)
        last = here


def _curve(points: tuple[Point, ...], at: float) -> Point:
    """A Bézier curve of any degree (de Casteljau)."""
    left = list(points)
    while len(left) > 1:
        left = [(a[0] + (b[0] - a[0]) * at, a[1] + (b[1] - a[1]) * at) for a, b in pairwise(left)]
    return left[0]


def _ring(drawing: ImageDraw.ImageDraw, middle: float, radius: float, thickness: float) -> None:
    box = (middle - radius, middle - radius, middle + radius - 1, middle + radius - 1)
    drawing.ellipse(box, outline=255, width=max(1, round(thickness)))


def _star(middle: float, radius: float) -> Iterator[Point]:
    for corner in range(10):
        reach = radius if corner % 2 == 0 else radius * 0.382
        angle = math.pi * corner / 5
        yield middle + reach * math.sin(angle), middle - reach * math.cos(angle)


def _around(alpha: Image.Image, text: str, middle: float, radius: float, *, is_above: bool) -> None:
    """Letters along a circle, upright seen from the middle above and from outside below."""
    place = files("font_source_serif_pro") / "files" / "SourceSerifPro-Bold.ttf"
    size = int(radius * (0.24 if is_above else 0.155))
    font = ImageFont.truetype(io.BytesIO(place.read_bytes()), size)
    widths = [font.getlength(letter) + size * 0.12 for letter in text]
    angle = -sum(widths) / radius / 2
    for letter, width in zip(text, widths, strict=True):
        turn = angle + width / radius / 2
        angle += width / radius
        tile = Image.new("L", (size * 3, size * 3), 0)
        ImageDraw.Draw(tile).text(
            (size * 1.5, size * 1.5), letter, font=font, fill=255, anchor="mm"
        )
        tile = tile.rotate(
            math.degrees(-turn if is_above else turn), resample=Image.Resampling.BICUBIC
        )
        reach = -radius if is_above else radius
        x, y = middle + radius * math.sin(turn), middle + reach * math.cos(turn)
        corner = (round(x - size * 1.5), round(y - size * 1.5))
        alpha.paste(255, (*corner, corner[0] + tile.width, corner[1] + tile.height), tile)


def _coloured(alpha: Image.Image, colour: tuple[int, ...], *, most: int = 255) -> bytes:
    """One colour, as clear as `alpha` says and `most` at the most."""
    image = Image.new("RGBA", alpha.size, (*colour, 0))
    image.putalpha(alpha.point([value * most // 255 for value in range(256)]))
    out = io.BytesIO()
    image.save(out, "PNG", optimize=False)
    return out.getvalue()
