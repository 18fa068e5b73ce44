"""A signature cut out of a photograph of paper.

What lives here: the strokes are found as what is darker than the paper around them, wherever the
light comes from, and come out in one ink on nothing.  The paper's light is what the brightest spots
of each neighbourhood tell; how dark ink is, the darkest strokes.  Whoever photographed a page of
text, a face or a table is told so.
Where a camera says how it was held, the picture is turned upright.  A JPEG is unpacked no larger
than it is needed; what a file says of its size is looked at before.
Source: ISO/IEC 10918-1 (JPEG), W3C PNG (Third Edition).
Not here: whether the result may go onto a page (`images`).
"""

from __future__ import annotations

import io
import struct
from collections.abc import Sequence
from typing import BinaryIO, Final

from PIL import Image, ImageChops, ImageFilter, ImageOps
from PIL.JpegImagePlugin import JpegImageFile
from PIL.PngImagePlugin import PngImageFile

from signing.errors import DocumentRefused
from signing.messages.signature_photo import CutOut, CutSignature, PhotoRefusal

MOST_BYTES: Final = 12 << 20
MOST_PIXELS: Final = 60_000_000
"""Of a JPEG, which is unpacked smaller; telephones make 12 to 50 million."""
MOST_PNG_PIXELS: Final = 16_000_000
_SCAN: Final = b"\xff\xda"
_MOST_SCANS: Final = 100
"""Of a JPEG, each of which is gone through for the whole picture; cameras write one, others ten."""
_LEAST_SIDE: Final = 60
_WORKED_ON: Final = 1_600
"""The longer side: 55 mm at 700 dots an inch, when the signature fills the picture."""
_NEIGHBOURHOOD: Final = 32
_FAINTEST: Final = 40
"""Of 255, between paper and the darkest strokes: pencil in the shade has as much."""
_DARK_SHARE: Final = 0.002
"""Of all pixels, the darkest, which tell how dark the ink is; what is fewer is dust."""
_LEAST_SHARE: Final = 0.0008
_MOST_SHARE: Final = 0.2
_MOST_FRAME_SHARE: Final = 0.2
_ERRORS: Final = (OSError, ValueError, SyntaxError, EOFError, struct.error)


def cut_signature(asked: CutSignature, inputs: Sequence[memoryview], output: BinaryIO) -> CutOut:
    """The strokes alone.

    1. A JPEG or PNG that is not too large, as grey, upright.
    2. How much darker than its paper each spot is.
    3. The ink's own darkness; what is far from it is paper, and in between is the stroke's edge.
    4. Specks are left out, and the clear edges cut off.

    Raises  DocumentRefused(photo_…).
    """
    # 1
    grey = _grey(inputs[0])
    # 2
    darkness = _darkness(grey)
    # 3
    ink = _ink(darkness)
    # 4
    alpha, box = _strokes(ink)
    made = Image.new("RGBA", alpha.size, (asked.red, asked.green, asked.blue, 255))
    made.putalpha(alpha)
    made = made.crop(box)
    made.save(output, "PNG", optimize=True)
    return CutOut(made.width, made.height)


def _grey(raw: memoryview) -> Image.Image:
    if len(raw) > MOST_BYTES:
        raise DocumentRefused(PhotoRefusal.TOO_LARGE)
    head = bytes(raw[:8])
    try:
        if head.startswith(b"\xff\xd8\xff"):
            if bytes(raw).count(_SCAN) > _MOST_SCANS:
                raise DocumentRefused(PhotoRefusal.DAMAGED)
            opened: Image.Image = JpegImageFile(io.BytesIO(raw))
            most = MOST_PIXELS
        elif head == b"\x89PNG\r\n\x1a\n":
            opened = PngImageFile(io.BytesIO(raw))
            most = MOST_PNG_PIXELS
        else:
            raise DocumentRefused(PhotoRefusal.NOT_A_PHOTO)
        with opened:
            if opened.width * opened.height > most:
                raise DocumentRefused(PhotoRefusal.TOO_LARGE)
            if min(opened.size) < _LEAST_SIDE:
                raise DocumentRefused(PhotoRefusal.TOO_SMALL)
            opened.draft("L", (_WORKED_ON, _WORKED_ON))
            upright = ImageOps.exif_transpose(opened)
            if "A" in upright.getbands() or "transparency" in upright.info:
                paper = Image.new("RGBA", upright.size, (255, 255, 255, 255))
                upright = Image.alpha_composite(paper, upright.convert("RGBA"))
            grey = upright.convert("L")
    except _ERRORS as error:
        raise DocumentRefused(PhotoRefusal.DAMAGED) from error
    grey.thumbnail((_WORKED_ON, _WORKED_ON), Image.Resampling.BOX)
    if min(grey.size) < _LEAST_SIDE:
        raise DocumentRefused(PhotoRefusal.TOO_SMALL)
    return grey


def _darkness(grey: Image.Image) -> Image.Image:
    """How far below the light of its neighbourhood each spot is."""
    small = (max(1, grey.width // _NEIGHBOURHOOD), max(1, grey.height // _NEIGHBOURHOOD))
    # bright spots of each neighbourhood, and of those around it: a thick stroke is no paper
    light = grey.filter(ImageFilter.MaxFilter(5)).resize(small, Image.Resampling.BOX)
    light = light.filter(ImageFilter.MaxFilter(3)).filter(ImageFilter.GaussianBlur(1))
    paper = light.resize(grey.size, Image.Resampling.BICUBIC)
    return ImageChops.subtract(paper, grey)


def _ink(darkness: Image.Image) -> Image.Image:
    histogram = darkness.histogram()
    wanted = _DARK_SHARE * sum(histogram)
    darkest, seen = 255, 0.0
    while darkest and (seen := seen + histogram[darkest]) < wanted:
        darkest -= 1
    if darkest < _FAINTEST:
        raise DocumentRefused(PhotoRefusal.NOTHING_ON_IT)
    low, high = darkest * 0.3, darkest * 0.65
    ramp = [round(255 * min(1.0, max(0.0, (value - low) / (high - low)))) for value in range(256)]
    return darkness.point(ramp)


def _strokes(ink: Image.Image) -> tuple[Image.Image, tuple[int, int, int, int]]:
    # a stroke is wider than a speck: what remains when thinned tells where strokes are
    core = ink.filter(ImageFilter.MedianFilter(3)).point([0] * 128 + [255] * 128)
    total = core.width * core.height
    share = core.histogram()[255] / total
    if share < _LEAST_SHARE:
        raise DocumentRefused(PhotoRefusal.NOTHING_ON_IT)
    if share > _MOST_SHARE or _frame_share(core) > _MOST_FRAME_SHARE:
        raise DocumentRefused(PhotoRefusal.TOO_MUCH_ON_IT)
    near = core.filter(ImageFilter.MaxFilter(7))
    alpha = ImageChops.multiply(ink, near)
    box = alpha.getbbox()
    if box is None:
        raise DocumentRefused(PhotoRefusal.NOTHING_ON_IT)
    return alpha, box


def _frame_share(core: Image.Image) -> float:
    """How much of the picture's own edge is dark: the table beside the paper, a page cut off."""
    width, height = core.size
    edges = (
        core.crop((0, 0, width, 1)),
        core.crop((0, height - 1, width, height)),
        core.crop((0, 0, 1, height)),
        core.crop((width - 1, 0, width, height)),
    )
    return sum(one.histogram()[255] for one in edges) / (2 * (width + height))
