"""Words as glyphs and lines: nothing is lost, nothing is cut, nothing unseen gets in."""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from signing.errors import DocumentRefused
from signing.messages.appearance import Typeface
from signing.parsing.fonts import FACES, vietnamese_letters
from signing.parsing.text_shaping import clean_text, shape, wrap

_SANS = FACES[Typeface.SANS]
_letters = st.text(st.sampled_from(vietnamese_letters() + "abcxyz ABC.,;:/-'0123456789"))


@given(_letters, st.sampled_from(["NFC", "NFD", "NFKC", "NFKD"]))
def test_every_letter_is_on_a_line_in_order(text: str, form: str) -> None:
    composed = unicodedata.normalize("NFC", text)
    lines = wrap(unicodedata.normalize(form, text), face=_SANS, width=4_000)
    written = ["".join(glyph.text for glyph in line.glyphs) for line in lines]
    assert "".join("".join(written).split()) == "".join(composed.split())
    assert all(line.width <= 4_000 for line in lines)


@given(st.text(max_size=40))
@example("a\u0301\u0323\u0302")
@example("ﬁﬂ office")
@example("\u0301")
def test_any_text_is_written_whole_or_refused(text: str) -> None:
    written = _written(text)
    assert written in {"appearance_letter_unknown", unicodedata.normalize("NFC", _spaced(text))}


def _written(text: str) -> str:
    """What is on the line, or why nothing is."""
    try:
        cleaned = clean_text(text)
        line = shape(cleaned, face=_SANS)
    except DocumentRefused as refused:
        return refused.reason
    return "".join(glyph.text for glyph in line.glyphs)


def _spaced(text: str) -> str:
    return " ".join(unicodedata.normalize("NFC", text).split())


@pytest.mark.parametrize("unseen", ["\u202e", "\u200b", "\ufeff", "\u0007", "\ud800", "\u2066"])
def test_what_is_not_seen_is_refused(unseen: str) -> None:
    """A name that reads otherwise than it was written is no name."""
    with pytest.raises(DocumentRefused, match="appearance_letter_unknown"):
        clean_text(f"Nguyễn{unseen} Thị")


def test_a_letter_wider_than_a_line_is_refused() -> None:
    with pytest.raises(DocumentRefused, match="appearance_text_too_long"):
        wrap("W", face=_SANS, width=100)


def test_marks_stay_with_their_letter_where_a_word_is_broken() -> None:
    lines = wrap("ơ̆" * 30, face=_SANS, width=2_000)
    assert len(lines) > 1
    for line in lines:
        assert not unicodedata.combining(line.glyphs[0].text[0])
