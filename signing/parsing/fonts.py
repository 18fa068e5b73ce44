"""The typefaces that are written with, and subsets of them for one drawing.

What lives here: three faces, loaded when this module is imported, because no file can be opened
once the walls are up; `Face.subset`, which keeps the glyphs in use and nothing else.
The serif face is one with the widths of Times New Roman, which NĐ 30/2020/NĐ-CP asks for, where
the machine has one that knows Vietnamese; otherwise, and for the sans faces, packages bring them.
Source: ISO 32000-1 §9.6.3, §9.9; OpenType 1.9 (head, OS/2, post).
Not here: which glyphs a text needs (`text_shaping`), what a PDF says about a font (`font_objects`).
"""

from __future__ import annotations

import struct
import unicodedata
from dataclasses import dataclass, field
from functools import cached_property
from importlib.resources import files
from pathlib import Path
from typing import Any, Final

import uharfbuzz as hb

from signing.messages.appearance import Typeface

_SERIF_FILES: Final = (
    "truetype/liberation2/LiberationSerif-Regular.ttf",
    "truetype/liberation/LiberationSerif-Regular.ttf",
    "liberation-serif/LiberationSerif-Regular.ttf",
    "liberation-serif-fonts/LiberationSerif-Regular.ttf",
    "liberation/LiberationSerif-Regular.ttf",
    "TTF/LiberationSerif-Regular.ttf",
    "truetype/croscore/Tinos-Regular.ttf",
    "google-croscore/Tinos-Regular.ttf",
)
"""Where distributions put the fonts of that kind, below the folder of all fonts."""
_FONT_FOLDER: Final = Path("/usr/share/fonts")
_UNUSED_TABLES: Final = ("GSUB", "GPOS", "GDEF", "OS/2", "name", "post", "cmap", "DSIG", "gasp")


@dataclass(frozen=True, slots=True)
class Subset:
    """Part of a font: its bytes, and the new number of each glyph that was asked for."""

    data: bytes = field(repr=False)
    glyphs: dict[int, int] = field(repr=False)


class Face:
    """One typeface; its lengths are in thousandths of the size."""

    def __init__(self, data: bytes) -> None:
        self.shaper: Any = hb.Font(hb.Face(data))
        self.name: str = self._face.get_name(hb.OTNameIdPredefined.POSTSCRIPT_NAME)

    @property
    def _face(self) -> Any:
        return self.shaper.face

    def thousandths(self, units: float) -> float:
        """A length in the font's own units."""
        return float(units) * 1000 / float(self._face.upem)

    @cached_property
    def ascent(self) -> float:
        """How far the highest letters go above the line, all their marks included."""
        declared = self.thousandths(self.shaper.get_font_extents("ltr").ascender)
        return max(declared, self.bounds[3])

    @cached_property
    def descent(self) -> float:
        """How far the lowest go below it; negative."""
        declared = self.thousandths(self.shaper.get_font_extents("ltr").descender)
        return min(declared, self.bounds[1])

    @cached_property
    def cap_height(self) -> float:
        """How high a capital without marks is."""
        tag = hb.OTMetricsTag.CAP_HEIGHT
        return self.thousandths(self.shaper.get_metric_position_with_fallback(tag))

    @cached_property
    def bounds(self) -> tuple[float, ...]:
        """The box that holds every glyph: left, bottom, right, top."""
        head = self._face.reference_table("head").data
        return tuple(self.thousandths(edge) for edge in struct.unpack_from(">4h", head, 36))

    def advance(self, glyph: int) -> float:
        """How wide a glyph is."""
        return self.thousandths(self.shaper.get_glyph_h_advance(glyph))

    def subset(self, glyphs: set[int]) -> Subset:
        """The font with these glyphs alone, and the one for what is missing."""
        asked = hb.SubsetInput()
        asked.flags = hb.SubsetFlags.NO_HINTING | hb.SubsetFlags.NOTDEF_OUTLINE
        wanted = asked.glyph_set
        for glyph in sorted(glyphs):
            wanted.add(glyph)
        dropped = asked.drop_table_tag_set
        for tag in _UNUSED_TABLES:
            dropped.add(struct.unpack(">I", tag.ljust(4).encode())[0])
        plan = hb.SubsetPlan(self._face, asked)
        mapping = plan.old_to_new_glyph_mapping
        return Subset(
            bytes(plan.execute().blob.data), {glyph: mapping[glyph] for glyph in sorted(glyphs)}
        )


def vietnamese_letters() -> str:
    """The 134 letters that Vietnamese has beyond ASCII, small and capital."""
    tones = ("", "\u0300", "\u0301", "\u0303", "\u0309", "\u0323")
    made = {
        unicodedata.normalize("NFC", vowel + tone) for vowel in "aăâeêioôơuưy" for tone in tones
    }
    small = sorted({letter for letter in made if not letter.isascii()} | {"đ"})
    return "".join(small) + "".join(small).upper()


def find_serif(folder: Path) -> bytes:
    """The first of the known fonts that has every Vietnamese letter, else what a package brings.

    Takes   folder: where the machine keeps its fonts.
    NOTE: Liberation Serif knows Vietnamese from its version 2 on; version 1 is still installed.
    """
    needed = {ord(letter) for letter in vietnamese_letters()}
    for name in _SERIF_FILES:
        file = folder / name
        if file.is_file() and needed <= set(hb.Face(found := file.read_bytes()).unicodes):
            return found
    return _packaged("font_source_serif_pro", "SourceSerifPro-Regular.ttf")


def _packaged(package: str, name: str) -> bytes:
    return (files(package) / "files" / name).read_bytes()


FACES: Final = {
    Typeface.SERIF: Face(find_serif(_FONT_FOLDER)),
    Typeface.SANS: Face(_packaged("font_roboto", "Roboto-Regular.ttf")),
    Typeface.SANS_BOLD: Face(_packaged("font_roboto", "Roboto-Bold.ttf")),
}
