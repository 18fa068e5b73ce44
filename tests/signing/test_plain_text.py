"""Text that people read before they sign: nothing in it is unseen, or turns what is seen."""

from __future__ import annotations

import sys
import unicodedata

import pytest

from signing.errors import RequestRefused
from signing.plain_text import check_text

_DECEIVING = {"Cc", "Cf", "Cn", "Co", "Cs", "Zl", "Zp"}


def test_what_can_be_printed_never_deceives() -> None:
    """Unicode Standard Annex 9: what is told at once is right of every letter there is."""
    printable = "".join(filter(str.isprintable, map(chr, range(sys.maxunicode + 1))))
    assert _DECEIVING.isdisjoint(map(unicodedata.category, printable))


@pytest.mark.parametrize(
    "letter", ["\n", "\u202e", "\u2066", "\u200b", "\ue000", "\ud800", "\u2028"]
)
def test_what_deceives_is_refused(letter: str) -> None:
    with pytest.raises(RequestRefused, match="text_deceiving"):
        check_text(f"Đơn{letter}từ", part="title", most=200)


@pytest.mark.parametrize("text", ["Đơn đề nghị", "a\u00a0b", "１２", "日本"])
def test_what_is_only_foreign_is_not(text: str) -> None:
    check_text(text, part="title", most=200)


@pytest.mark.parametrize("text", ["", "   ", "\u3000", "x" * 201])
def test_what_is_too_long_or_empty_is_refused(text: str) -> None:
    with pytest.raises(RequestRefused, match="text_length"):
        check_text(text, part="title", least=1, most=200)
