"""Images that go onto a page: PNG, checked before and after they are decoded.

What lives here: the look at the file's own chunks before anything is unpacked (size, animation),
decoding into red, green, blue and alpha, clear edges cut off, the colour of the ink.
All kinds of PNG come out alike: grey, palette, 16 bits, interlaced, with one transparent colour.
Source: W3C PNG (Third Edition) §5, §11; NĐ 30/2020/NĐ-CP Annex I II.7d, II.8a.
Not here: how large it is drawn.
"""

from __future__ import annotations

import io
import struct
from collections.abc import Sequence
from typing import BinaryIO, Final

from PIL import Image, ImageChops, PngImagePlugin

from signing.errors import DocumentRefused
from signing.messages.appearance import AppearanceRefusal, CheckedImage, CheckImage, InkRule

MOST_BYTES: Final = 8 << 20
MOST_PIXELS: Final = 10_000_000
"""A seal of 60 mm at 1,200 dpi has less; unpacked it takes 40 MB, checking it five times that."""
_MOST_SIDE: Final = 10_000
_SIGNATURE: Final = b"\x89PNG\r\n\x1a\n"
_HEADER: Final = struct.Struct(">I4sII")
_LEAST_ALPHA: Final = 26
"""A tenth: less is dust that a scanner left, and no ink."""
_LEAST_INK: Final = 16
"""Pixels: fewer show nothing."""


def check_image(asked: CheckImage, inputs: Sequence[memoryview], _output: BinaryIO) -> CheckedImage:
    """Whether a PNG can be used.

    Raises  DocumentRefused(image_…).
    """
    image = open_ink(inputs[0], rule=asked.ink)
    return CheckedImage(image.width, image.height)


def open_ink(raw_png: memoryview, *, rule: InkRule | None) -> Image.Image:
    """An image without its clear edges: mode RGBA.

    Takes   rule: what colour its ink has to have; None where that does not matter.
    Raises  DocumentRefused(image_…).
    """
    _check_file(raw_png)
    try:
        # not Image.open: it would look for decoders of other kinds
        with PngImagePlugin.PngImageFile(io.BytesIO(raw_png)) as opened:
            if getattr(opened, "is_animated", False):
                raise DocumentRefused(AppearanceRefusal.IMAGE_ANIMATED)
            image = _with_alpha(opened)
    except (OSError, ValueError, SyntaxError, EOFError, struct.error) as error:
        raise DocumentRefused(AppearanceRefusal.IMAGE_DAMAGED) from error
    alpha = image.getchannel("A").point([0] * _LEAST_ALPHA + list(range(_LEAST_ALPHA, 256)))
    box = alpha.getbbox()
    ink_pixels = alpha.width * alpha.height - alpha.histogram()[0]
    if box is None or ink_pixels < _LEAST_INK:
        raise DocumentRefused(AppearanceRefusal.IMAGE_EMPTY)
    image.putalpha(alpha)
    if rule is not None:
        _check_ink(image, rule)
    return image.crop(box)


def _check_file(raw_png: memoryview) -> None:
    """What the file says of itself, before anything of it is unpacked."""
    if len(raw_png) < len(_SIGNATURE) + _HEADER.size or bytes(raw_png[:8]) != _SIGNATURE:
        raise DocumentRefused(AppearanceRefusal.IMAGE_NOT_PNG)
    _, name, width, height = _HEADER.unpack_from(raw_png, len(_SIGNATURE))
    if name != b"IHDR":
        raise DocumentRefused(AppearanceRefusal.IMAGE_DAMAGED)
    if len(raw_png) > MOST_BYTES or width * height > MOST_PIXELS or max(width, height) > _MOST_SIDE:
        raise DocumentRefused(AppearanceRefusal.IMAGE_TOO_LARGE)


def _with_alpha(opened: Image.Image) -> Image.Image:
    """Any kind of PNG with 8 bits per channel."""
    if opened.mode.startswith("I"):
        # a plain conversion would cut 16 bits of grey off at 255, and forget what is clear
        clear = opened.info.get("transparency")
        deep = opened.convert("I")
        grey = deep.point([value // 257 for value in range(1 << 16)], "L")
        image = Image.merge("RGB", (grey, grey, grey)).convert("RGBA")
        image.putalpha(deep.point([255 * (value != clear) for value in range(1 << 16)], "L"))
        return image
    return opened.convert("RGBA")


def _check_ink(image: Image.Image, rule: InkRule) -> None:
    """The background is clear, and enough of the ink has the colour."""
    alpha = image.getchannel("A")
    histogram = alpha.histogram()
    if histogram[0] < rule.least_clear * image.width * image.height:
        raise DocumentRefused(AppearanceRefusal.IMAGE_NOT_TRANSPARENT)
    # the pale edge of a stroke says nothing of its colour; where all is pale, all of it counts
    solid = alpha.point([0] * 128 + [255] * 128)
    if solid.getbbox() is None:
        solid = alpha.point([0] + [255] * 255)
    hue, saturation, brightness = image.convert("RGB").convert("HSV").split()
    right = ImageChops.multiply(
        hue.point([255 * _is_between(value, rule) for value in range(256)]),
        ImageChops.multiply(
            saturation.point(_from(rule.least_saturation)),
            brightness.point(_from(rule.least_brightness)),
        ),
    )
    counted = right.histogram(mask=solid)
    if counted[255] < rule.least_share * sum(counted):
        raise DocumentRefused(AppearanceRefusal.IMAGE_COLOUR_WRONG)


def _is_between(hue: int, rule: InkRule) -> bool:
    degrees = hue * 360 / 256
    if rule.hue_from <= rule.hue_to:
        return rule.hue_from <= degrees <= rule.hue_to
    return degrees >= rule.hue_from or degrees <= rule.hue_to


def _from(least: float) -> list[int]:
    return [255 * (value >= 255 * least) for value in range(256)]
