"""Places on a page: as the file counts them, and as somebody sees them.

What lives here: `Rectangle`; `Page`, the facts about one page; the way between *user space* (what
rectangles in a PDF are written in) and the *view* (origin at the lower left corner of what is seen,
upright, in points of 1/72 inch).  Everything is placed in the view, so that rotated, cropped and
scaled pages need no thought elsewhere.
Source: ISO 32000-1 §7.7.3.3 (CropBox, Rotate, UserUnit), §8.3.2.3, §14.11.2.
Not here: how the facts are read from a file (`signing/parsing`).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Self

from signing.messages.pdf_intake import PageShape

POINTS_PER_MM: Final = 72 / 25.4
TOLERANCE_PT: Final = 0.01
"""What arithmetic may lose; a tenth of what a printer can show."""


@dataclass(frozen=True, slots=True)
class Rectangle:
    """Left, bottom, right and top in points, the larger ones last."""

    left: float
    bottom: float
    right: float
    top: float

    @property
    def width(self) -> float:
        """From left to right."""
        return self.right - self.left

    @property
    def height(self) -> float:
        """From bottom to top."""
        return self.top - self.bottom

    @property
    def centre(self) -> tuple[float, float]:
        """Its middle, across and up."""
        return (self.left + self.right) / 2, (self.bottom + self.top) / 2

    @property
    def is_empty(self) -> bool:
        """Whether nothing fits into it (true for anything that is no number, too)."""
        return not (self.left < self.right and self.bottom < self.top)

    def holds(self, other: Rectangle) -> bool:
        """Whether `other` lies in it completely."""
        return (
            other.left >= self.left - TOLERANCE_PT
            and other.bottom >= self.bottom - TOLERANCE_PT
            and other.right <= self.right + TOLERANCE_PT
            and other.top <= self.top + TOLERANCE_PT
        )

    def covers(self, other: Rectangle) -> bool:
        """Whether the two have more in common than an edge."""
        return (
            self.left < other.right - TOLERANCE_PT
            and other.left < self.right - TOLERANCE_PT
            and self.bottom < other.top - TOLERANCE_PT
            and other.bottom < self.top - TOLERANCE_PT
        )

    def common(self, other: Rectangle) -> Rectangle:
        """What belongs to both; empty when nothing does."""
        return Rectangle(
            max(self.left, other.left),
            max(self.bottom, other.bottom),
            min(self.right, other.right),
            min(self.top, other.top),
        )

    def around(self, other: Rectangle) -> Rectangle:
        """The smallest that holds both."""
        return Rectangle(
            min(self.left, other.left),
            min(self.bottom, other.bottom),
            max(self.right, other.right),
            max(self.top, other.top),
        )


@dataclass(frozen=True, slots=True)
class Page:
    """What has to be known of a page before something is put on it.

    Takes   number: from 0; media, crop: its boxes in user space; rotation: 0, 90, 180 or 270
            degrees clockwise; user_unit: points per unit of user space.
    """

    number: int
    media: Rectangle
    crop: Rectangle
    rotation: int = 0
    user_unit: float = 1.0

    @classmethod
    def of_shape(cls, shape: PageShape, *, number: int) -> Self:
        """A page as intake found it; what is not seen of it does not matter."""
        seen = Rectangle(shape.left, shape.bottom, shape.right, shape.top)
        return cls(number, seen, seen, shape.rotation, shape.unit)

    @property
    def visible(self) -> Rectangle:
        """What is seen of it, in user space: the crop box as far as there is a page."""
        common = self.crop.common(self.media)
        return self.media if common.is_empty else common

    @property
    def view(self) -> Rectangle:
        """All that is seen, as it is seen."""
        return self.to_view(self.visible)

    def to_view(self, place: Rectangle) -> Rectangle:
        """A rectangle of user space, as it is seen."""
        seen = self.visible
        match self.rotation % 360:
            case 90:
                turned = (
                    place.bottom - seen.bottom,
                    seen.right - place.right,
                    place.top - seen.bottom,
                    seen.right - place.left,
                )
            case 180:
                turned = (
                    seen.right - place.right,
                    seen.top - place.top,
                    seen.right - place.left,
                    seen.top - place.bottom,
                )
            case 270:
                turned = (
                    seen.top - place.top,
                    place.left - seen.left,
                    seen.top - place.bottom,
                    place.right - seen.left,
                )
            case _:
                turned = (
                    place.left - seen.left,
                    place.bottom - seen.bottom,
                    place.right - seen.left,
                    place.top - seen.bottom,
                )
        return Rectangle(*(number * self.user_unit for number in turned))

    def to_user(self, place: Rectangle) -> Rectangle:
        """A rectangle of the view, as the file writes it."""
        seen, unit = self.visible, self.user_unit
        left, bottom, right, top = (
            place.left / unit,
            place.bottom / unit,
            place.right / unit,
            place.top / unit,
        )
        match self.rotation % 360:
            case 90:
                return Rectangle(
                    seen.right - top, seen.bottom + left, seen.right - bottom, seen.bottom + right
                )
            case 180:
                return Rectangle(
                    seen.right - right, seen.top - top, seen.right - left, seen.top - bottom
                )
            case 270:
                return Rectangle(
                    seen.left + bottom, seen.top - right, seen.left + top, seen.top - left
                )
            case _:
                return Rectangle(
                    seen.left + left, seen.bottom + bottom, seen.left + right, seen.bottom + top
                )


def points(millimetres: float) -> float:
    """Millimetres as points of the view."""
    return millimetres * POINTS_PER_MM
