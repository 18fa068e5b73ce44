"""Finds lines of text on a page, and where they are.

What lives here: the letters of a page as PDFium sees them, put together into lines as a reader
does: along one height, until there is a gap that no space leaves.  A line is found whole or not at
all: a name within a sentence is not the name below a signature.
Source: Unicode UAX #15 (comparison without regard to composition).
Not here: which of several places is meant.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import reduce
from typing import Any, BinaryIO, Final

import pypdfium2
import pypdfium2.raw as pdfium

from signing.appearance.geometry import Page, Rectangle
from signing.errors import DocumentRefused
from signing.messages.text_positions import FindText, FoundText, TextBox
from signing.parsing.pdfium_document import open_document
from signing.parsing.signature_places import signature_places

_MOST_LETTERS: Final = 100_000
_MOST_PIECES: Final = 3_000
_MOST_LINES: Final = 3
"""Over how many lines a long title or name may be broken."""
_WIDEST_GAP: Final = 1.5
"""Within a line, by the height of its letters: columns stand further apart than justified words."""
_FARTHEST_BELOW: Final = 2.0
_SAME_LINE: Final = 0.35
_AT_THE_END: Final = ",.;:"


@dataclass(slots=True)
class _Letter:
    text: str
    ink: Rectangle
    room: Rectangle


@dataclass(slots=True)
class _Line:
    """Letters from left to right, as seen."""

    text: str
    ink: Rectangle
    room: Rectangle = field(repr=False)

    def joined(self, other: _Line | _Letter) -> _Line:
        return _Line(
            self.text + other.text, self.ink.around(other.ink), self.room.around(other.room)
        )

    def goes_on_with(self, other: _Line | _Letter) -> bool:
        """Whether `other` follows on the same height without a gap."""
        height = max(self.room.height, other.room.height)
        gap = other.room.left - self.room.right
        return (
            abs(self.room.bottom - other.room.bottom) <= _SAME_LINE * height
            and -height < gap <= _WIDEST_GAP * height
        )

    def is_above(self, other: _Line) -> bool:
        """Whether `other` can be the rest of it on the next line."""
        height = max(self.room.height, other.room.height)
        return 0 < self.room.bottom - other.room.bottom <= _FARTHEST_BELOW * height and min(
            self.ink.right, other.ink.right
        ) > max(self.ink.left, other.ink.left)


def find_text(asked: FindText, inputs: Sequence[memoryview], _output: BinaryIO) -> FoundText:
    """Every place of every wanted line, all lines, and where signature fields are.

    Raises  DocumentRefused: damaged, no_such_page, too_much_text.
    """
    with open_document(inputs) as document:
        count = len(document)
        number = asked.page if asked.page >= 0 else count + asked.page
        if not 0 <= number < count:
            raise DocumentRefused("no_such_page")
        document.init_forms()
        try:
            page = document[number]
            text = page.get_textpage()
        except pypdfium2.PdfiumError as failure:
            raise DocumentRefused("damaged") from failure
        facts = Page(
            number,
            Rectangle(*page.get_mediabox()),
            Rectangle(*page.get_cropbox()),
            page.get_rotation(),
        )
        lines = _lines(_letters(text, facts))
        fields = tuple(signature_places(page))
    found = tuple(
        tuple(_box(place, facts) for place in _places(_key(wanted), lines))
        for wanted in asked.wanted
    )
    return FoundText(found, tuple(_box(line.ink, facts) for line in lines), fields)


def _letters(text: Any, page: Page) -> Iterator[_Letter]:
    """What is written and seen, in the order of the file."""
    count = text.count_chars()
    if count > _MOST_LETTERS:
        raise DocumentRefused("too_much_text")
    for index in range(count):
        letter = chr(pdfium.FPDFText_GetUnicode(text, index))
        if letter.isspace() or unicodedata.category(letter)[0] == "C":
            continue
        ink = Rectangle(*text.get_charbox(index))
        room = Rectangle(*text.get_charbox(index, loose=True))
        yield _Letter(letter, page.to_view(ink), page.to_view(room))


def _lines(letters: Iterable[_Letter]) -> list[_Line]:
    """Letters that follow each other, then pieces of one line that do not in the file."""
    pieces: list[_Line] = []
    for letter in letters:
        if pieces and pieces[-1].goes_on_with(letter):
            pieces[-1] = pieces[-1].joined(letter)
        else:
            pieces.append(_Line(letter.text, letter.ink, letter.room))
    if len(pieces) > _MOST_PIECES:
        raise DocumentRefused("too_much_text")
    pieces.sort(key=lambda piece: piece.room.left)
    lines: list[_Line] = []
    for piece in pieces:
        before = next((index for index, line in enumerate(lines) if line.goes_on_with(piece)), None)
        if before is None:
            lines.append(piece)
        else:
            lines[before] = lines[before].joined(piece)
    return sorted(lines, key=lambda line: (-line.ink.top, line.ink.left))


def _places(key: str, lines: Sequence[_Line]) -> Iterator[Rectangle]:
    """Where the whole of a line, or of lines below each other, is what is looked for."""
    for line in lines:
        yield from _continued(key, [line], lines)


def _continued(key: str, chain: list[_Line], lines: Sequence[_Line]) -> Iterator[Rectangle]:
    text = _key("".join(line.text for line in chain))
    if text == key:
        yield reduce(Rectangle.around, (line.ink for line in chain))
    elif len(chain) < _MOST_LINES and text and key.startswith(text):
        for line in lines:
            if chain[-1].is_above(line):
                yield from _continued(key, [*chain, line], lines)


def _key(text: str) -> str:
    """A text without what may differ: composition, capitals, spaces, a mark at the end."""
    letters = "".join(letter for letter in text if not letter.isspace())
    return unicodedata.normalize("NFKD", unicodedata.normalize("NFKD", letters).casefold()).strip(
        _AT_THE_END
    )


def _box(place: Rectangle, page: Page) -> TextBox:
    user = page.to_user(place)
    return TextBox(user.left, user.bottom, user.right, user.top)
