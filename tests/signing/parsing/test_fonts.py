"""Faces know Vietnamese, and a drawing carries what it needs of them."""

from __future__ import annotations

import io
import shutil
from pathlib import Path

import pytest
import uharfbuzz as hb
from fontTools.ttLib import TTFont

from signing.messages.appearance import Typeface
from signing.parsing.fonts import FACES, Face, find_serif, vietnamese_letters

_LIBERATION = "truetype/liberation2/LiberationSerif-Regular.ttf"


@pytest.mark.parametrize("face", list(Typeface))
def test_every_face_has_every_vietnamese_letter(face: Typeface) -> None:
    known = set(FACES[face].shaper.face.unicodes)
    assert {ord(letter) for letter in vietnamese_letters()} <= known


def test_there_are_134_letters() -> None:
    letters = vietnamese_letters()
    assert len(letters) == len(set(letters)) == 134
    assert letters[:67].upper() == letters[67:]
    assert {"đ", "ặ", "ữ", "Ỹ", "Ợ"} <= set(letters)


def test_a_font_of_the_machine_is_taken_if_it_knows_vietnamese(tmp_path: Path) -> None:
    """Liberation Serif knows it from version 2 on; version 1 would leave names with holes."""
    packaged = find_serif(tmp_path)
    assert hb.Face(packaged).get_name(hb.OTNameIdPredefined.POSTSCRIPT_NAME).startswith("Source")
    place = tmp_path / _LIBERATION
    place.parent.mkdir(parents=True)
    knowing = _other_font()
    place.write_bytes(knowing)
    assert find_serif(tmp_path) == knowing
    place.write_bytes(_without_vietnamese(knowing))
    assert find_serif(tmp_path) == packaged
    shutil.rmtree(tmp_path / "truetype")
    assert find_serif(tmp_path) == packaged


def test_a_subset_is_small_and_has_the_same_outlines() -> None:
    face = FACES[Typeface.SERIF]
    glyphs = {face.shaper.get_nominal_glyph(ord(letter)) for letter in "Nguyễn"}
    subset = face.subset(glyphs)
    assert len(subset.data) < 10_000
    font = TTFont(io.BytesIO(subset.data))
    assert {"glyf", "loca", "head", "hhea", "hmtx", "maxp"} <= set(font.keys())
    whole = hb.Font(hb.Face(subset.data))
    for old, new in subset.glyphs.items():
        assert whole.get_glyph_h_advance(new) == face.shaper.get_glyph_h_advance(old)
        assert whole.get_glyph_extents(new) == face.shaper.get_glyph_extents(old)


def test_a_face_measures_its_highest_and_lowest_letters() -> None:
    for face in FACES.values():
        for letter in "ẤỄỮĐgậy":
            extents = face.shaper.get_glyph_extents(face.shaper.get_nominal_glyph(ord(letter)))
            top = face.thousandths(extents.y_bearing)
            assert top <= face.ascent
            assert top + face.thousandths(extents.height) >= face.descent


def _other_font() -> bytes:
    """Something that is not the packaged serif."""
    face: Face = FACES[Typeface.SANS]
    return bytes(face.shaper.face.blob.data)


def _without_vietnamese(data: bytes) -> bytes:
    font = TTFont(io.BytesIO(data))
    for table in font["cmap"].tables:
        for letter in vietnamese_letters():
            table.cmap.pop(ord(letter), None)
    out = io.BytesIO()
    font.save(out)
    return out.getvalue()
