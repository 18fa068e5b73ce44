"""Words as glyphs, and words as lines.

What lives here: what may be written at all, text brought into one form (NFC) and shaped by
HarfBuzz, and lines that are broken between words, or within a word that is longer than a line.
Every glyph keeps the letters that it stands for, so that they can be selected and found.
Source: Unicode 15 (UAX #15 normalisation, general categories); ISO 32000-1 §9.4.
Not here: fonts (`fonts`), how lines are written down (`appearance`).
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, Final

import uharfbuzz as hb

from signing.errors import DocumentRefused
from signing.messages.appearance import AppearanceRefusal
from signing.parsing.fonts import Face

_FEATURES: Final = {"liga": False, "clig": False, "calt": False, "dlig": False}
"""No ligatures: each letter is a glyph of its own, which every reader finds again."""
_MOST_LETTERS: Final = 2_000
_NO_LETTERS: Final = frozenset({"Cc", "Cf", "Co", "Cs", "Cn"})
"""Controls and the like: unseen marks that turn or hide what follows have no place in a name."""


@dataclass(frozen=True, slots=True)
class Glyph:
    """One glyph of a line, in thousandths of the size; `text` is what it stands for."""

    number: int
    text: str = field(repr=False)
    advance: float
    across: float = 0.0
    up: float = 0.0


@dataclass(frozen=True, slots=True)
class Line:
    """Glyphs from left to right."""

    glyphs: tuple[Glyph, ...]

    @property
    def width(self) -> float:
        """In thousandths of the size."""
        return sum(glyph.advance for glyph in self.glyphs)


def clean_text(text: str) -> str:
    """A text as it is written: NFC, single spaces, nothing unseen.

    Raises  DocumentRefused(appearance_letter_unknown, appearance_text_too_long).
    """
    if len(text) > _MOST_LETTERS:
        raise DocumentRefused(AppearanceRefusal.TEXT_TOO_LONG)
    composed = " ".join(unicodedata.normalize("NFC", text).split())
    if any(unicodedata.category(letter) in _NO_LETTERS for letter in composed):
        raise DocumentRefused(AppearanceRefusal.LETTER_UNKNOWN)
    return composed


def shape(text: str, *, face: Face) -> Line:
    """A text that was cleaned, on one line.

    Raises  DocumentRefused(appearance_letter_unknown): the face lacks a letter.
    """
    if not text:
        return Line(())
    buffer = hb.Buffer()
    buffer.add_str(text)
    buffer.direction, buffer.script, buffer.language = "ltr", "Latn", "vi"
    hb.shape(face.shaper, buffer, _FEATURES)
    return Line(tuple(_glyphs(text, buffer, face)))


def wrap(text: str, *, face: Face, width: float) -> tuple[Line, ...]:
    """A text as lines of `width` thousandths of the size at most.

    Raises  DocumentRefused: a letter is unknown, or wider than a line.
    """
    lines: list[str] = []
    for word in clean_text(text).split():
        longer = f"{lines[-1]} {word}" if lines else word
        if shape(longer, face=face).width <= width:
            lines[-1:] = [longer]
        else:
            lines.extend(_pieces(word, face=face, width=width))
    return tuple(shape(line, face=face) for line in lines)


def _pieces(word: str, *, face: Face, width: float) -> Iterator[str]:
    """A word in as few pieces as fit; marks stay with their letter."""
    piece = ""
    for letter in _with_marks(word):
        if shape(piece + letter, face=face).width <= width:
            piece += letter
            continue
        if not piece:
            raise DocumentRefused(AppearanceRefusal.TEXT_TOO_LONG)
        yield piece
        piece = letter
    yield piece


def _with_marks(word: str) -> Iterator[str]:
    letter = ""
    for sign in word:
        if letter and not unicodedata.combining(sign):
            yield letter
            letter = ""
        letter += sign
    if letter:
        yield letter


def _glyphs(text: str, buffer: Any, face: Face) -> Iterator[Glyph]:
    infos, positions = buffer.glyph_infos, buffer.glyph_positions
    for index, (info, position) in enumerate(zip(infos, positions, strict=True)):
        letters = _letters(text, infos, index)
        if info.codepoint == 0 or not letters:
            raise DocumentRefused(AppearanceRefusal.LETTER_UNKNOWN)
        yield Glyph(
            info.codepoint,
            letters,
            face.thousandths(position.x_advance),
            face.thousandths(position.x_offset),
            face.thousandths(position.y_offset),
        )


def _letters(text: str, infos: Any, index: int) -> str:
    """What a glyph stands for: a letter of its cluster each, and the last one all that is left."""
    start = infos[index].cluster
    ends = (info.cluster for info in infos[index + 1 :] if info.cluster > start)
    cluster = text[start : next(ends, len(text))]
    before = sum(1 for info in infos[:index] if info.cluster == start)
    is_last = index + 1 == len(infos) or infos[index + 1].cluster != start
    return cluster[before:] if is_last else cluster[before : before + 1]
