"""Paragraphs as lines with a place: what stands where in a box of text.

What lives here: `Block`, measured from its upper edge downwards; how far lines stand apart.
Not here: how a line is broken (`text_shaping`), how it is written down (`appearance`).
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from signing.errors import DocumentRefused
from signing.messages.appearance import AppearanceRefusal, Paragraph, Typeface
from signing.parsing.fonts import FACES
from signing.parsing.text_shaping import Line, wrap

_PITCH: Final = 1.25
"""From line to line, by size: two marks above and a dot below a letter still find room."""


@dataclass(frozen=True, slots=True)
class PlacedLine:
    """A line with its size and grey; `down` is its baseline below the upper edge of the block."""

    line: Line
    face: Typeface
    size: float
    grey: float
    down: float

    @property
    def width(self) -> float:
        """In points."""
        return self.line.width * self.size / 1000


@dataclass(frozen=True, slots=True)
class Block:
    """Lines from top to bottom, and how much room they take, in points."""

    lines: tuple[PlacedLine, ...]
    width: float
    height: float


def set_block(paragraphs: Iterable[Paragraph], *, width: float, scale: float = 1.0) -> Block:
    """Paragraphs as lines that are `width` points long at most.

    Takes   scale: by how much all sizes are changed.
    Raises  DocumentRefused: there is nothing to write; a letter is unknown, or wider than a line.
    """
    placed: list[PlacedLine] = []
    down = lowest = 0.0
    for paragraph in paragraphs:
        size = paragraph.size * scale
        for index, (line, face) in enumerate(_lines(paragraph, width=width * 1000 / size)):
            if not placed:
                down = FACES[face].ascent * size / 1000
            else:
                down += size * _PITCH + (paragraph.space * scale if index == 0 else 0)
            placed.append(PlacedLine(line, face, size, paragraph.grey, down))
            lowest = down - FACES[face].descent * size / 1000
    if not placed:
        raise DocumentRefused(AppearanceRefusal.LETTER_UNKNOWN)
    return Block(tuple(placed), max(line.width for line in placed), lowest)


def _lines(paragraph: Paragraph, *, width: float) -> list[tuple[Line, Typeface]]:
    """The lines of a paragraph, in the sans face where its own lacks a letter.

    Names of the smaller peoples have letters that few faces know (ƀ, ơ̆).
    """
    try:
        face = paragraph.face
        lines = wrap(paragraph.text, face=FACES[face], width=width)
    except DocumentRefused as refused:
        if refused.reason != AppearanceRefusal.LETTER_UNKNOWN or face is not Typeface.SERIF:
            raise
        face = Typeface.SANS
        lines = wrap(paragraph.text, face=FACES[face], width=width)
    return [(line, face) for line in lines]
