"""Photographs of signatures on paper, as telephones make them: drawn here, of nobody's hand.

What lives here: `photograph`.
"""

from __future__ import annotations

import io
import math

from PIL import Image, ImageDraw, ImageFilter

_PAPER = (235, 230, 220)
_QUARTER_TURN = 6
_ORIENTATION = 0x0112


def photograph(
    *,
    size: tuple[int, int] = (900, 600),
    ink: tuple[int, int, int] = (25, 25, 30),
    pen: int = 5,
    is_shaded: bool = True,
    is_page_of_text: bool = False,
    is_turned: bool = False,
    kind: str = "JPEG",
) -> bytes:
    """A wavy line across the middle half of a sheet.

    Takes   pen: its width in pixels, 0 for nothing; is_shaded: one side lies in the shadow;
            is_turned: held upright, as the file says.
    """
    width, height = size
    made = Image.new("RGB", size, _PAPER)
    draw = ImageDraw.Draw(made)
    wave = [
        (width * (0.25 + at / 400), height / 2 + math.sin(at / 9) * height / 10)
        for at in range(200)
    ]
    if pen:
        draw.line(wave, fill=ink, width=pen, joint="curve")
    if is_page_of_text:
        for top in range(20, height, 18):
            for left in range(10, width, 13):
                draw.rectangle((left, top, left + 9, top + 11), fill=ink)
    if is_shaded:
        light = (
            Image.linear_gradient("L").resize(size).point([110 + one // 2 for one in range(256)])
        )
        made = Image.composite(made, Image.new("RGB", size, (60, 60, 60)), light)
    made = made.filter(ImageFilter.GaussianBlur(0.8))
    out = io.BytesIO()
    if is_turned:
        exif = Image.Exif()
        exif[_ORIENTATION] = _QUARTER_TURN
        made.rotate(90, expand=True).save(out, kind, exif=exif)
    else:
        made.save(out, kind)
    return out.getvalue()
