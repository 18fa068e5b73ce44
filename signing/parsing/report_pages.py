"""Draws a report: words on pages of A4, with as many pages as they need.

What lives here: the layout of titles, paragraphs and rows, and the PDF of several pages.  Letters
that no face has are shown as a box, and unseen marks are left out: names out of hostile files
must not stop a report.
Source: ISO 32000-1 §7.7.3 (page tree), §14.9.2 (language), §9.4 (text).
Not here: what it says.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import BinaryIO, Final

from signing.errors import DocumentRefused
from signing.messages.appearance import Paragraph, Typeface
from signing.messages.report_pages import DrawnReport, DrawReport, Pair, Tone, Words
from signing.parsing.font_objects import PageFont
from signing.parsing.fonts import FACES
from signing.parsing.one_page import COLOUR_SPACE, OnePage, number
from signing.parsing.text_block import Block, set_block

_WIDTH: Final = 595.28
_HEIGHT: Final = 841.89
_MARGIN: Final = 56.7
_BOTTOM: Final = 68.0
_LABEL: Final = 150.0
_GAP: Final = 12.0
_MOST_PAGES: Final = 60
_MOST_LETTERS: Final = 1_500
_UNSEEN: Final = frozenset({"Cc", "Cf", "Co", "Cs", "Cn"})
_BOX: Final = "\u25a1"

_INK: Final = (0.07, 0.15, 0.23)
_QUIET: Final = (0.27, 0.34, 0.42)
_COLOURS: Final = {
    Tone.GOOD: (0.11, 0.43, 0.24),
    Tone.BAD: (0.64, 0.13, 0.10),
    Tone.UNSURE: (0.48, 0.32, 0.0),
    Tone.SMALL: _QUIET,
}
_SIZES: Final = {Tone.TITLE: 17.0, Tone.HEADING: 12.5, Tone.SMALL: 8.5}
_VERDICTS: Final = frozenset({Tone.GOOD, Tone.BAD, Tone.UNSURE})
_BEFORE: Final = {Tone.TITLE: 0.0, Tone.HEADING: 12.0, Tone.SMALL: 3.0}


def draw_report(asked: DrawReport, _inputs: Sequence[memoryview], output: BinaryIO) -> DrawnReport:
    """The report as a PDF.

    Raises  DocumentRefused(report_too_long).
    """
    pages = _Pages()
    for one in asked.words:
        if isinstance(one, Pair):
            pages.pair(one)
        else:
            pages.words(one)
    output.write(pages.written(asked))
    return DrawnReport(len(pages.contents))


@dataclass
class _Pages:
    """Pages that fill from top to bottom."""

    contents: list[list[str]] = field(default_factory=lambda: [[]])
    fonts: dict[Typeface, PageFont] = field(default_factory=dict)
    top: float = _HEIGHT - _MARGIN

    def words(self, one: Words) -> None:
        """A block across the page."""
        is_bold = one.tone in {Tone.TITLE, Tone.HEADING} | _VERDICTS
        size = _SIZES.get(one.tone, 13.5 if one.tone in _VERDICTS else 10.0)
        face = Typeface.SANS_BOLD if is_bold else Typeface.SANS
        block = _set(one.text, face=face, size=size, width=_WIDTH - 2 * _MARGIN)
        self._room(block.height + _BEFORE.get(one.tone, 6.0) + (30 if is_bold else 0))
        self.top -= _BEFORE.get(one.tone, 6.0)
        self._show(block, left=_MARGIN, colour=_COLOURS.get(one.tone, _INK))
        self.top -= block.height

    def pair(self, one: Pair) -> None:
        """A label and a value beside it, under a thin line."""
        label = _set(one.label, face=Typeface.SANS, size=9.5, width=_LABEL)
        left = _MARGIN + _LABEL + _GAP
        value = _set(one.value, face=Typeface.SANS_BOLD, size=9.5, width=_WIDTH - _MARGIN - left)
        height = max(label.height, value.height)
        self._room(height + 8)
        self.top -= 4
        self.contents[-1].append(
            f"q {_colour((0.86, 0.85, 0.81), is_line=True)} 0.5 w {number(_MARGIN)}"
            f" {number(self.top)} m {number(_WIDTH - _MARGIN)} {number(self.top)} l S Q"
        )
        self.top -= 4
        self._show(label, left=_MARGIN, colour=_QUIET)
        self._show(value, left=left, colour=_COLOURS.get(one.tone, _INK))
        self.top -= height

    def written(self, asked: DrawReport) -> bytes:
        """The whole file, with the foot on each page."""
        for at, content in enumerate(self.contents, 1):
            foot = _set(
                f"{asked.foot} · {at}/{len(self.contents)}",
                face=Typeface.SANS,
                size=8,
                width=_WIDTH - 2 * _MARGIN,
            )
            self.top = _BOTTOM - 14
            content.append(self._drawn(foot, left=_MARGIN, colour=_QUIET))
        return _Several().written_pages(
            ["\n".join(one) for one in self.contents],
            fonts=self.fonts,
            title=asked.title,
            language=asked.language,
        )

    def _room(self, height: float) -> None:
        if self.top - height >= _BOTTOM:
            return
        if len(self.contents) >= _MOST_PAGES:
            raise DocumentRefused("report_too_long")
        self.contents.append([])
        self.top = _HEIGHT - _MARGIN

    def _show(self, block: Block, *, left: float, colour: tuple[float, float, float]) -> None:
        self.contents[-1].append(self._drawn(block, left=left, colour=colour))

    def _drawn(self, block: Block, *, left: float, colour: tuple[float, float, float]) -> str:
        rows = []
        for placed in block.lines:
            font = self.fonts.setdefault(placed.face, PageFont(FACES[placed.face]))
            rows.append(
                f"BT {_colour(colour)} /{placed.face} {number(placed.size)} Tf"
                f" {number(left)} {number(self.top - placed.down)} Td"
                f" {font.shown(placed.line, size=placed.size)} ET"
            )
        return "\n".join(rows)


class _Several(OnePage):
    """A PDF of several pages with common fonts."""

    def written_pages(
        self, contents: list[str], *, fonts: dict[Typeface, PageFont], title: str, language: str
    ) -> bytes:
        """The whole file."""
        used = " ".join(f"/{face} {font.write(self)}" for face, font in fonts.items())
        resources = self.add(f"<< /ColorSpace << /Colour {COLOUR_SPACE} >> /Font << {used} >> >>")
        box = f"[0 0 {number(_WIDTH)} {number(_HEIGHT)}]"
        streams = [self.add_stream(content.encode("ascii")) for content in contents]
        kids = [
            self.add(
                f"<< /Type /Page /Parent 2 0 R /MediaBox {box} /Contents {stream}"
                f" /Resources {resources} >>"
            )
            for stream in streams
        ]
        named = self.add(f"<< /Title <feff{title.encode('utf-16-be').hex()}> >>")
        return self.whole(
            catalog=(
                f"<< /Type /Catalog /Pages 2 0 R /Lang ({language})"
                " /ViewerPreferences << /DisplayDocTitle true >> >>"
            ),
            pages=f"<< /Type /Pages /Kids [{' '.join(kids)}] /Count {len(kids)} >>",
            information=named,
        )


def _set(text: str, *, face: Typeface, size: float, width: float) -> Block:
    """Words as lines; what cannot be written is shown as a box."""
    shown = _writable(text) or "–"
    try:
        return set_block([Paragraph(shown, face, size)], width=width)
    except DocumentRefused:
        plain = "".join(one if _is_known(one, face) else _stand_in(face) for one in shown)
        return set_block([Paragraph(plain, face, size)], width=width)


def _writable(text: str) -> str:
    seen = (one if unicodedata.category(one) not in _UNSEEN else " " for one in text)
    shown = " ".join(unicodedata.normalize("NFC", "".join(seen)).split())
    return shown if len(shown) <= _MOST_LETTERS else f"{shown[:_MOST_LETTERS]}…"


def _is_known(letter: str, face: Typeface) -> bool:
    try:
        set_block([Paragraph(letter, face, 10)], width=_WIDTH)
    except DocumentRefused:
        return letter.isspace()
    return True


def _stand_in(face: Typeface) -> str:
    return _BOX if _is_known(_BOX, face) else "?"


def _colour(colour: tuple[float, float, float], *, is_line: bool = False) -> str:
    space, act = ("CS", "SC") if is_line else ("cs", "sc")
    return f"/Colour {space} {' '.join(number(part) for part in colour)} {act}"
