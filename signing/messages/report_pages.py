"""What is asked of the process that draws a report: its words, in the order in which they stand.

What lives here: the task `DRAW_REPORT`.  The words are names and reasons out of files of other
people: they are shaped behind the walls, like everything that a font meets.
Not here: the drawing (`signing/parsing/report_pages.py`), which words (`idp/web/verify`).
"""

from __future__ import annotations

from enum import StrEnum
from typing import Final

import msgspec

from signing.isolation.task import Task


class Tone(StrEnum):
    """How a block of words is set; colours always go with words."""

    TITLE = "title"
    GOOD = "good"
    BAD = "bad"
    UNSURE = "unsure"
    HEADING = "heading"
    TEXT = "text"
    SMALL = "small"


class Words(msgspec.Struct, frozen=True, tag="words"):
    """One block across the page."""

    text: str
    tone: Tone = Tone.TEXT

    def __repr__(self) -> str:
        return f"Words({self.tone})"


class Pair(msgspec.Struct, frozen=True, tag="pair"):
    """A label, and what stands beside it; `tone` is that of the value."""

    label: str
    value: str
    tone: Tone = Tone.TEXT

    def __repr__(self) -> str:
        return f"Pair({self.tone})"


class DrawReport(msgspec.Struct, frozen=True):
    """A report on pages of A4; `foot` stands at the end of each with the number of the page."""

    words: tuple[Words | Pair, ...]
    foot: str
    title: str
    language: str

    def __repr__(self) -> str:
        return f"DrawReport({len(self.words)})"


class DrawnReport(msgspec.Struct, frozen=True):
    """How many pages there are; the PDF is the output."""

    pages: int


DRAW_REPORT: Final = Task("signing.parsing.report_pages:draw_report", DrawReport, DrawnReport)
