"""A signature on paper, cut out of a photograph, as a task behind the walls.

What lives here: what is asked, what is answered, and why a photograph may be refused.
Not here: who keeps the image (its owner), how it is drawn on a page (`appearance`).
"""

from __future__ import annotations

from enum import StrEnum
from typing import Final

import msgspec

from signing.isolation.task import Task


class PhotoRefusal(StrEnum):
    """Reasons of `DocumentRefused` that belong to a photograph."""

    NOT_A_PHOTO = "photo_not_a_photo"
    TOO_LARGE = "photo_too_large"
    TOO_SMALL = "photo_too_small"
    DAMAGED = "photo_damaged"
    NOTHING_ON_IT = "photo_nothing_on_it"
    TOO_MUCH_ON_IT = "photo_too_much_on_it"


class CutSignature(msgspec.Struct, frozen=True):
    """Strokes of a pen on light paper; input: JPEG or PNG.

    Takes   red, green, blue: the ink that it comes out in, 0 to 255.
    """

    red: int
    green: int
    blue: int


class CutOut(msgspec.Struct, frozen=True):
    """How large the signature came out, in pixels; the output is a PNG with a clear background."""

    width_px: int
    height_px: int


CUT_SIGNATURE: Final = Task("signing.parsing.signature_photo:cut_signature", CutSignature, CutOut)
