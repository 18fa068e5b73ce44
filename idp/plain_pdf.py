"""A PDF of words that is written while it is made, however many pages it comes to.

What lives here: `PlainPdf`, which sets paragraphs on pages of A4 and gives out finished pages at
once: what stays in memory is one page and a number for each object.  The letters are Roboto's,
carried whole, so that no page has to be known before the first is written; Vietnamese in its
composed form (NFC) has one glyph for each letter, so nothing is shaped.  Every letter is found and
copied as what it is.  Letters that the face lacks are shown as a question mark.
Source: ISO 32000-1 §7.5 (file structure), §9.7 (composite fonts), §9.10.3 (ToUnicode), §14.9.2.
Not here: pages that are sealed or drawn of what strangers send (`signing/parsing`).
"""

from __future__ import annotations

import unicodedata
import zlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cache
from importlib.resources import files
from typing import Final

_WIDTH: Final = 595.28
_HEIGHT: Final = 841.89
_MARGIN: Final = 51.0
_BOTTOM: Final = 60.0
_LEADING: Final = 1.36
_UNSEEN: Final = frozenset({"Cc", "Cf", "Co", "Cs", "Cn"})
_STAND_IN: Final = "?"
_CATALOG, _PAGES, _FIRST_FONT = 1, 2, 3
_OBJECTS_OF_A_FONT: Final = 5


@dataclass(frozen=True, slots=True)
class Style:
    """How a paragraph looks; `before` is the room above it, all in points."""

    size: float
    is_bold: bool = False
    before: float = 0.0
    indent: float = 0.0


TITLE: Final = Style(17, is_bold=True)
HEADING: Final = Style(12, is_bold=True, before=14)
BODY: Final = Style(9, before=3)
SMALL: Final = Style(8, before=1)
ENTRY: Final = Style(8.5, before=4, indent=8)


@dataclass(frozen=True, slots=True)
class _Font:
    data: bytes = field(repr=False)
    glyphs: dict[int, int] = field(repr=False)
    letters: dict[str, tuple[str, float]] = field(repr=False)
    """The code of a letter in hexadecimal, and how wide it is."""
    widths: dict[int, float] = field(repr=False)
    """In thousandths of the size, by glyph."""
    name: str = ""
    ascent: int = 0
    descent: int = 0
    box: tuple[int, ...] = ()


@dataclass
class PlainPdf:
    """Writes one file: `begin`, any number of `say`, `end`; each gives what is ready."""

    title: str
    language: str
    foot: str
    _offsets: list[int] = field(default_factory=lambda: [0] * (_FIRST_FONT + 10))
    _at: int = 0
    _pages: list[int] = field(default_factory=list)
    _drawn: list[str] = field(default_factory=list)
    _top: float = _HEIGHT - _MARGIN

    def begin(self) -> bytes:
        """The head of the file and its letters."""
        out = [self._raw(b"%PDF-1.7\n%\xe2\xe3\xcf\xd3\n")]
        for at, is_bold in enumerate((False, True)):
            out.append(self._font(_font(is_bold), _FIRST_FONT + at * _OBJECTS_OF_A_FONT))
        return b"".join(out)

    def say(self, text: str, style: Style = BODY) -> bytes:
        """Set a paragraph; returns the pages that it filled."""
        font, out = _font(style.is_bold), []
        line_height = style.size * _LEADING
        self._top -= style.before
        width = _WIDTH - 2 * _MARGIN - style.indent
        for line in _lines(text, font=font, size=style.size, width=width):
            if self._top - line_height < _BOTTOM:
                out.append(self._finish_page())
            self._top -= line_height
            face = "B" if style.is_bold else "R"
            left = _MARGIN + style.indent
            self._drawn.append(
                f"BT /{face} {style.size:g} Tf {left:g} {self._top:.1f} Td <{line}> Tj ET"
            )
        return b"".join(out)

    def end(self) -> bytes:
        """The last page and everything that finds the others."""
        out = [self._finish_page()] if self._drawn or not self._pages else []
        kids = " ".join(f"{number} 0 R" for number in self._pages)
        out.append(
            self._object(
                _PAGES, f"<< /Type /Pages /Kids [{kids}] /Count {len(self._pages)} >>".encode()
            )
        )
        out.append(
            self._object(
                _CATALOG,
                f"<< /Type /Catalog /Pages {_PAGES} 0 R /Lang ({self.language})"
                " /ViewerPreferences << /DisplayDocTitle true >> >>".encode(),
            )
        )
        named = len(self._offsets)
        self._offsets.append(0)
        title = self.title.encode("utf-16-be").hex()
        out.append(self._object(named, f"<< /Title <feff{title}> >>".encode()))
        start, size = self._at, len(self._offsets)
        rows = "".join(f"{offset:010d} 00000 n \n" for offset in self._offsets[1:])
        out.append(
            self._raw(
                f"xref\n0 {size}\n0000000000 65535 f \n{rows}trailer\n<< /Size {size}"
                f" /Root {_CATALOG} 0 R /Info {named} 0 R >>\nstartxref\n{start}\n%%EOF\n".encode()
            )
        )
        return b"".join(out)

    def _finish_page(self) -> bytes:
        font = _font(is_bold=False)
        words = f"{self.foot} · {len(self._pages) + 1}"
        (foot, *_) = _lines(words, font=font, size=7.5, width=_WIDTH)
        self._drawn.append(f"BT /R 7.5 Tf {_MARGIN:g} 36 Td <{foot}> Tj ET")
        content = zlib.compress("\n".join(self._drawn).encode("ascii"), 1)
        stream, page = len(self._offsets), len(self._offsets) + 1
        self._offsets += [0, 0]
        self._pages.append(page)
        self._drawn, self._top = [], _HEIGHT - _MARGIN
        fonts = f"/R {_FIRST_FONT} 0 R /B {_FIRST_FONT + _OBJECTS_OF_A_FONT} 0 R"
        return self._stream(stream, content, is_compressed=True) + self._object(
            page,
            f"<< /Type /Page /Parent {_PAGES} 0 R /MediaBox [0 0 {_WIDTH:g} {_HEIGHT:g}]"
            f" /Contents {stream} 0 R /Resources << /Font << {fonts} >> >> >>".encode(),
        )

    def _font(self, font: _Font, first: int) -> bytes:
        descendant, descriptor, program, letters = range(first + 1, first + _OBJECTS_OF_A_FONT)
        name = f"/{font.name}"
        known = sorted(font.widths.items())
        widths = " ".join(f"{glyph} [{width:.0f}]" for glyph, width in known)
        to_unicode = zlib.compress(_to_unicode(font).encode("ascii"))
        box = " ".join(map(str, font.box))
        return b"".join(
            (
                self._object(
                    first,
                    f"<< /Type /Font /Subtype /Type0 /BaseFont {name} /Encoding /Identity-H"
                    f" /DescendantFonts [{descendant} 0 R] /ToUnicode {letters} 0 R >>".encode(),
                ),
                self._object(
                    descendant,
                    f"<< /Type /Font /Subtype /CIDFontType2 /BaseFont {name}"
                    " /CIDSystemInfo << /Registry (Adobe) /Ordering (Identity) /Supplement 0 >>"
                    f" /FontDescriptor {descriptor} 0 R /DW 0 /W [{widths}]"
                    " /CIDToGIDMap /Identity >>".encode(),
                ),
                self._object(
                    descriptor,
                    f"<< /Type /FontDescriptor /FontName {name} /Flags 4 /FontBBox [{box}]"
                    f" /ItalicAngle 0 /Ascent {font.ascent} /Descent {font.descent}"
                    f" /CapHeight {font.ascent} /StemV 80 /FontFile2 {program} 0 R >>".encode(),
                ),
                self._stream(
                    program,
                    zlib.compress(font.data),
                    is_compressed=True,
                    more=f" /Length1 {len(font.data)}",
                ),
                self._stream(letters, to_unicode, is_compressed=True),
            )
        )

    def _stream(self, number: int, data: bytes, *, is_compressed: bool, more: str = "") -> bytes:
        filtered = " /Filter /FlateDecode" if is_compressed else ""
        head = f"<< /Length {len(data)}{filtered}{more} >>\nstream\n".encode()
        return self._object(number, head + data + b"\nendstream")

    def _object(self, number: int, body: bytes) -> bytes:
        self._offsets[number] = self._at
        return self._raw(f"{number} 0 obj\n".encode() + body + b"\nendobj\n")

    def _raw(self, data: bytes) -> bytes:
        self._at += len(data)
        return data


def _lines(text: str, *, font: _Font, size: float, width: float) -> Iterator[str]:
    """A paragraph as lines of glyphs in hexadecimal, broken between words or within long ones."""
    room = width * 1000 / size
    space, space_width = _glyphs(" ", font)
    line, used = "", 0.0
    for word in _shown(text).split():
        glyphs, wide = _glyphs(word, font)
        if line and used + space_width + wide <= room:
            line, used = line + space + glyphs, used + space_width + wide
            continue
        if line:
            yield line
        while wide > room:
            fits = _fitting(word, font=font, room=room)
            yield _glyphs(word[:fits], font)[0]
            word = word[fits:]  # noqa: PLW2901 - the rest of it goes on the next line
            glyphs, wide = _glyphs(word, font)
        line, used = glyphs, wide
    yield line or space


def _fitting(word: str, *, font: _Font, room: float) -> int:
    used = 0.0
    for at, letter in enumerate(word):
        used += _glyphs(letter, font)[1]
        if used > room:
            return max(at, 1)
    return len(word)


def _glyphs(word: str, font: _Font) -> tuple[str, float]:
    """What shows a word, and how wide that is."""
    letters = font.letters
    missing = letters[_STAND_IN]
    known = [letters.get(one, missing) for one in word]
    return "".join([one[0] for one in known]), sum([one[1] for one in known])


def _shown(text: str) -> str:
    composed = unicodedata.normalize("NFC", text)
    if composed.isprintable():
        return composed
    return "".join(
        " " if unicodedata.category(letter) in _UNSEEN else letter for letter in composed
    )


def _to_unicode(font: _Font) -> str:
    letters = {glyph: letter for letter, glyph in sorted(font.glyphs.items(), reverse=True)}
    rows = [
        f"<{glyph:04x}> <{chr(letter).encode('utf-16-be').hex()}>"
        for glyph, letter in sorted(letters.items())
    ]
    blocks = (rows[at : at + 100] for at in range(0, len(rows), 100))
    said = "\n".join(
        f"{len(block)} beginbfchar\n" + "\n".join(block) + "\nendbfchar" for block in blocks
    )
    return (
        "/CIDInit /ProcSet findresource begin 12 dict begin begincmap"
        " /CIDSystemInfo << /Registry (Adobe) /Ordering (UCS) /Supplement 0 >> def"
        " /CMapName /Adobe-Identity-UCS def /CMapType 2 def"
        " 1 begincodespacerange <0000> <FFFF> endcodespacerange\n"
        f"{said}\nendcmap CMapName currentdict /CMap defineresource pop end end\n"
    )


@cache
def _font(is_bold: bool) -> _Font:  # noqa: FBT001 - the key of a cache
    from fontTools.ttLib import TTFont  # noqa: PLC0415 - who is never asked never loads it

    name = "Roboto-Bold.ttf" if is_bold else "Roboto-Regular.ttf"
    file = files("font_roboto") / "files" / name
    with file.open("rb") as opened:
        found = TTFont(opened, lazy=True)
        per_em = 1000 / found["head"].unitsPerEm
        glyphs = {
            letter: found.getGlyphID(glyph)
            for letter, glyph in found.getBestCmap().items()
            if letter <= 0xFFFF
        }
        metrics = found["hmtx"].metrics
        widths = {
            found.getGlyphID(glyph): metrics[glyph][0] * per_em
            for glyph in set(found.getBestCmap().values())
        }
        head = found["head"]
        edges = (head.xMin, head.yMin, head.xMax, head.yMax)
        return _Font(
            data=file.read_bytes(),
            glyphs=glyphs,
            letters={
                chr(letter): (f"{glyph:04x}", widths.get(glyph, 0.0))
                for letter, glyph in glyphs.items()
            },
            widths=widths,
            name=name.removesuffix(".ttf"),
            ascent=round(found["hhea"].ascent * per_em),
            descent=round(found["hhea"].descent * per_em),
            box=tuple(round(edge * per_em) for edge in edges),
        )
