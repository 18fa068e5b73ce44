"""A font as a PDF of ours carries it: the glyphs in use, and which letters they stand for.

What lives here: `PageFont`, which gives every pair of glyph and letters a code of its own and
writes the objects of a composite font: its program, its widths, the way from codes to glyphs and
the way from codes to letters, so that text is selected and searched as it was meant.
Source: ISO 32000-1 §9.7.4 (CIDFonts), §9.8 (descriptors), §9.10.3 (ToUnicode); ISO 19005-1 §6.3.5
(/CIDSet).
Not here: fonts themselves (`fonts`), shaping (`text_shaping`).
"""

from __future__ import annotations

import hashlib
from typing import Final

from signing.parsing.fonts import Face
from signing.parsing.one_page import OnePage, number
from signing.parsing.text_shaping import Glyph, Line

_SYMBOLIC: Final = 4
_MOST_PER_BLOCK: Final = 100
_CMAP: Final = """/CIDInit /ProcSet findresource begin
12 dict begin
begincmap
/CIDSystemInfo << /Registry (Adobe) /Ordering (UCS) /Supplement 0 >> def
/CMapName /Adobe-Identity-UCS def
/CMapType 2 def
1 begincodespacerange
<0000> <FFFF>
endcodespacerange
{blocks}endcmap
CMapName currentdict /CMap defineresource pop
end
end
"""


class PageFont:
    """The part of a face that one page needs."""

    def __init__(self, face: Face) -> None:
        self.face = face
        self._codes: dict[tuple[int, str], int] = {}

    def shown(self, line: Line, *, size: float) -> str:
        """The operators that show a line from where the text position is."""
        out, row = [], ""
        for letter in _with_marks(line):
            if len(letter) == 1:
                row += self._glyph(letter[0])
                continue
            # readers that go by places alone would find a mark beside its letter (§14.9.4)
            words = "".join(glyph.text for glyph in letter).encode("utf-16-be").hex()
            pieces = " ".join(_row(self._glyph(glyph), glyph.up * size / 1000) for glyph in letter)
            out.append(_row(row, 0))
            out.append(f"/Span << /ActualText <feff{words}> >> BDC {pieces} EMC")
            row = ""
        out.append(_row(row, 0))
        return " ".join(part for part in out if part)

    def write(self, page: OnePage) -> str:
        """The objects of the font; the reference to it."""
        subset = self.face.subset({glyph for glyph, _ in self._codes})
        name = f"{_tag(subset.data)}+{self.face.name}"
        program = page.add_stream(subset.data, f"/Length1 {len(subset.data)}")
        # code 0 is the glyph for what is missing; it is in every subset, and in this set
        codes = len(self._codes) + 1
        every = ((1 << codes) - 1) << (-codes % 8)
        known = page.add_stream(every.to_bytes((codes + 7) // 8, "big"))
        box = " ".join(str(round(edge)) for edge in self.face.bounds)
        descriptor = page.add(
            f"<< /Type /FontDescriptor /FontName /{name} /Flags {_SYMBOLIC} /FontBBox [{box}]"
            f" /ItalicAngle 0 /Ascent {round(self.face.ascent)}"
            f" /Descent {round(self.face.descent)} /CapHeight {round(self.face.cap_height)}"
            f" /StemV 80 /FontFile2 {program} /CIDSet {known} >>"
        )
        glyphs = [0, *(subset.glyphs[glyph] for glyph, _ in self._codes)]
        to_glyph = page.add_stream(b"".join(glyph.to_bytes(2, "big") for glyph in glyphs))
        widths = " ".join(number(self.face.advance(glyph)) for glyph, _ in self._codes)
        descendant = page.add(
            f"<< /Type /Font /Subtype /CIDFontType2 /BaseFont /{name}"
            " /CIDSystemInfo << /Registry (Adobe) /Ordering (Identity) /Supplement 0 >>"
            f" /FontDescriptor {descriptor} /DW {number(self.face.advance(0))}"
            f" /W [1 [{widths}]] /CIDToGIDMap {to_glyph} >>"
        )
        letters = page.add_stream(self._to_unicode().encode("ascii"))
        return page.add(
            f"<< /Type /Font /Subtype /Type0 /BaseFont /{name} /Encoding /Identity-H"
            f" /DescendantFonts [{descendant}] /ToUnicode {letters} >>"
        )

    def _glyph(self, glyph: Glyph) -> str:
        """A glyph between what moves it and what comes after it."""
        before = f" {number(-glyph.across)} " if glyph.across else ""
        after = number(self.face.advance(glyph.number) + glyph.across - glyph.advance)
        return f"{before}<{self._code(glyph):04x}>" + (f" {after} " if after != "0" else "")

    def _code(self, glyph: Glyph) -> int:
        return self._codes.setdefault((glyph.number, glyph.text), len(self._codes) + 1)

    def _to_unicode(self) -> str:
        rows = [
            f"<{code:04x}> <{text.encode('utf-16-be').hex()}>\n"
            for (_, text), code in self._codes.items()
        ]
        blocks = (rows[at : at + _MOST_PER_BLOCK] for at in range(0, len(rows), _MOST_PER_BLOCK))
        return _CMAP.format(
            blocks="".join(
                f"{len(block)} beginbfchar\n{''.join(block)}endbfchar\n" for block in blocks
            )
        )


def _with_marks(line: Line) -> list[list[Glyph]]:
    """Each letter with the marks that stand on it."""
    letters: list[list[Glyph]] = []
    for glyph in line.glyphs:
        if letters and glyph.advance == 0:
            letters[-1].append(glyph)
        else:
            letters.append([glyph])
    return letters


def _row(row: str, rise: float) -> str:
    """Glyphs of one height above the line, back on it afterwards."""
    if not row:
        return ""
    shown = f"[{row.replace('><', '')}] TJ"
    return f"{number(rise)} Ts {shown} 0 Ts" if rise else shown


def _tag(data: bytes) -> str:
    """Six capitals that differ from subset to subset (§9.6.4)."""
    value = int.from_bytes(hashlib.sha256(data).digest()[:8], "big")
    return "".join(chr(ord("A") + value // 26**place % 26) for place in range(6))
