"""What is drawn behind the walls for a visible signature, and why it may be refused.

What lives here: the tasks that check an image and draw an image, a note or a card, as a PDF of one
page whose box is exactly the place that it takes; the codes of refusals.
Lengths are points as seen on paper.  All is drawn upright; whoever puts it on a page that is turned
turns it with the page.
Not here: where it goes and what the law says about it (`signing/appearance`).
"""

from __future__ import annotations

from enum import StrEnum
from typing import Final

import msgspec

from signing.isolation.task import Task


class AppearanceRefusal(StrEnum):
    """Reasons of `DocumentRefused` that belong to what a signature looks like."""

    IMAGE_MISSING = "image_missing"
    IMAGE_NOT_PNG = "image_not_png"
    IMAGE_ANIMATED = "image_animated"
    IMAGE_TOO_LARGE = "image_too_large"
    IMAGE_DAMAGED = "image_damaged"
    IMAGE_EMPTY = "image_empty"
    IMAGE_NOT_TRANSPARENT = "image_not_transparent"
    IMAGE_COLOUR_WRONG = "image_colour_wrong"
    SEAL_SIZE_UNLIKELY = "seal_size_unlikely"
    OFF_PAGE = "appearance_off_page"
    COVERS_ANOTHER = "appearance_covers_another"
    NO_ROOM = "appearance_no_room"
    ANCHOR_MISSING = "appearance_anchor_missing"
    ANCHOR_AMBIGUOUS = "appearance_anchor_ambiguous"
    TEXT_TOO_LONG = "appearance_text_too_long"
    LETTER_UNKNOWN = "appearance_letter_unknown"


class Typeface(StrEnum):
    """The faces that can be written with."""

    SERIF = "serif"
    SANS = "sans"
    SANS_BOLD = "sans_bold"


class InkRule(msgspec.Struct, frozen=True):
    """Which colour the ink of an image has to have.

    A pixel is of the colour when its hue lies between `hue_from` and `hue_to` (degrees, going
    round over 360), and its saturation and brightness (0 to 1) reach the least.  `least_share` of
    the ink has to be so; the rest may be grey edges and specks of a scanner.
    `least_clear` is the share of the whole image that must be transparent.
    """

    hue_from: int
    hue_to: int
    least_saturation: float = 0.25
    least_brightness: float = 0.15
    least_share: float = 0.85
    least_clear: float = 0.05


class CheckImage(msgspec.Struct, frozen=True):
    """Whether an image can be used; input: the PNG.  Without `ink` its colour does not matter."""

    ink: InkRule | None = None


class CheckedImage(msgspec.Struct, frozen=True):
    """The size of what is drawn on it, without clear edges, in pixels."""

    width_px: int
    height_px: int


class DrawImage(msgspec.Struct, frozen=True):
    """An image as large as the two lengths allow, its proportions kept; input: the PNG.

    Clear edges are cut off first, so that places and sizes are those of the ink.  With
    `has_transparency` off (PDF/A-1 knows none) each pixel is either ink or nothing.
    `fills`: the page is exactly as large as the two lengths, what is drawn stands in its middle.
    """

    width: float
    height: float
    ink: InkRule | None = None
    has_transparency: bool = True
    fills: bool = False


class Paragraph(msgspec.Struct, frozen=True):
    """Words in one face and size; wrapped where a line is full, never cut.

    `grey` is 0 for black and 1 for white; `space` is left free above unless it comes first.
    """

    text: str
    face: Typeface
    size: float
    grey: float = 0.0
    space: float = 0.0

    def __repr__(self) -> str:
        return f"Paragraph({self.face}, {self.size})"  # its words name people


class DrawNote(msgspec.Struct, frozen=True):
    """Text alone, its lines flush right; as small as it can be within the two lengths.

    `fills`: as above, except that the text stands in the upper right corner.
    """

    paragraphs: tuple[Paragraph, ...]
    width: float
    height: float
    fills: bool = False


class DrawCard(msgspec.Struct, frozen=True):
    """A QR code with text on its right, exactly `width` wide and as high as it needs to be.

    Where it would be higher than `height` its text shrinks, by a third at most.  `fills`: as above.
    """

    paragraphs: tuple[Paragraph, ...]
    code: str
    code_size: float
    width: float
    height: float
    fills: bool = False


class Drawn(msgspec.Struct, frozen=True):
    """How large it came out, as seen on paper; the PDF is the output."""

    width: float
    height: float


CHECK_IMAGE: Final = Task("signing.parsing.images:check_image", CheckImage, CheckedImage)
DRAW_IMAGE: Final = Task("signing.parsing.appearance:draw_image", DrawImage, Drawn)
DRAW_NOTE: Final = Task("signing.parsing.appearance:draw_note", DrawNote, Drawn)
DRAW_CARD: Final = Task("signing.parsing.appearance:draw_card", DrawCard, Drawn)
