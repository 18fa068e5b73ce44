"""What stands on a page: words that are looked for, all lines, signature fields.

What lives here: the task that looks for whole lines, however they were typed: letters composed or
not, capital or small, spaces or none.  All places are in default user space.
Not here: which of the places is meant (`signing/appearance/anchors.py`).
"""

from __future__ import annotations

from typing import Annotated, Final

import msgspec

from signing.isolation.task import Task

_Line = Annotated[str, msgspec.Meta(min_length=1, max_length=300)]


class FindText(msgspec.Struct, frozen=True):
    """Lines of text to be found; inputs: the document, in as many parts as there are.

    Takes   page: its number, 0 is the first, -1 the last; wanted: each a line, or what was broken
            over two or three lines below each other.
    """

    page: int
    wanted: Annotated[tuple[_Line, ...], msgspec.Meta(max_length=16)]

    def __repr__(self) -> str:
        return f"FindText({self.page})"  # what is looked for are names


class TextBox(msgspec.Struct, frozen=True):
    """The ink of some text."""

    left: float
    bottom: float
    right: float
    top: float


_Boxes = Annotated[tuple[TextBox, ...], msgspec.Meta(max_length=50_000)]


class FieldPlace(msgspec.Struct, frozen=True):
    """A signature field that takes room on the page, by its full name."""

    name: Annotated[str, msgspec.Meta(max_length=10_000)]
    box: TextBox


class FoundText(msgspec.Struct, frozen=True):
    """For each wanted line every place where it is; all lines and signature fields of the page."""

    found: Annotated[tuple[_Boxes, ...], msgspec.Meta(max_length=16)]
    lines: _Boxes
    fields: Annotated[tuple[FieldPlace, ...], msgspec.Meta(max_length=10_000)] = ()


FIND_TEXT: Final = Task("signing.parsing.text_positions:find_text", FindText, FoundText, 4 << 20)
