"""Text messages as telephones count them."""

from __future__ import annotations

import pytest

from idp.delivery.plain_text import as_text_message, is_seven_bit, parts_of, without_accents

LETTERS = (
    "aàáảãạăằắẳẵặâầấẩẫậeèéẻẽẹêềếểễệiìíỉĩịoòóỏõọôồốổỗộơờớởỡợuùúủũụưừứửữựyỳýỷỹỵđ"
    "AÀÁẢÃẠĂẰẮẲẴẶÂẦẤẨẪẬEÈÉẺẼẸÊỀẾỂỄỆIÌÍỈĨỊOÒÓỎÕỌÔỒỐỔỖỘƠỜỚỞỠỢUÙÚỦŨỤƯỪỨỬỮỰYỲÝỶỸỴĐ"
)


def test_every_vietnamese_letter_has_one_of_the_plain_alphabet() -> None:
    plain = without_accents(LETTERS)
    assert len(plain) == len(LETTERS)
    assert plain.isascii()
    assert is_seven_bit(plain)


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("a" * 160, 1),
        ("a" * 161, 2),
        ("a" * 306, 2),
        ("a" * 307, 3),
        ("a" * 158 + "€", 1),
        ("a" * 159 + "€", 2),
        ("ộ" * 70, 1),
        ("ộ" * 71, 2),
        ("ộ" * 134, 2),
        ("ộ" * 135, 3),
        ("😀" * 35, 1),
        ("😀" * 36, 2),
        ("", 1),
    ],
)
def test_parts_are_counted_as_networks_count_them(text, parts) -> None:
    """3GPP TS 23.040 §9.2.3.24.1: 160 or 70 alone, 153 or 67 in each of several."""
    assert parts_of(text) == parts


@pytest.mark.parametrize(
    ("accents", "short", "long"),
    [("never", "ma", "Ma so"), ("when_short", "mã", "Ma so"), ("always", "mã", "Mã số")],
)
def test_marks_stay_where_the_operator_wants_them(accents, short, long) -> None:
    assert as_text_message("mã", accents=accents) == short
    assert as_text_message("Mã số" + "." * 80, accents=accents) == long + "." * 80
