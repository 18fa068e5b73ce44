"""Text messages as telephones count them.

What lives here: the alphabet of 7 bits, how many parts a text takes, and Vietnamese without its
marks for the one part that everybody can afford and every telephone shows.
Source: 3GPP TS 23.038 §6.2.1 (alphabet and its extension), TS 23.040 §9.2.3.24.1 (parts).
"""

from __future__ import annotations

import unicodedata
from typing import Final, Literal

Accents = Literal["never", "when_short", "always"]

_SEPTETS: Final = frozenset(
    "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?"
    "¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà"
)
_TWO_SEPTETS: Final = frozenset("\f^{}\\[~]|€")
_ONE_PART: Final = {True: 160, False: 70}
_OF_SEVERAL: Final = {True: 153, False: 67}


def without_accents(text: str) -> str:
    """Vietnamese as people write it where marks are not to be had (`Ấn Tín` → `An Tin`)."""
    plain = text.replace("Đ", "D").replace("đ", "d")
    decomposed = unicodedata.normalize("NFD", plain)
    return "".join(one for one in decomposed if not unicodedata.combining(one))


def is_seven_bit(text: str) -> bool:
    """Whether every character is in the alphabet of 7 bits."""
    return all(one in _SEPTETS or one in _TWO_SEPTETS for one in text)


def parts_of(text: str) -> int:
    """How many text messages it takes."""
    is_seven = is_seven_bit(text)
    if is_seven:
        length = sum(2 if one in _TWO_SEPTETS else 1 for one in text)
    else:
        length = len(text.encode("utf-16-be")) // 2
    if length <= _ONE_PART[is_seven]:
        return 1
    return -(-length // _OF_SEVERAL[is_seven])


def as_text_message(text: str, *, accents: Accents) -> str:
    """How a Vietnamese text goes out.

    Takes   accents: `when_short`: with its marks where it is one part with them.
    """
    if accents == "always" or (accents == "when_short" and parts_of(text) == 1):
        return text
    return without_accents(text)
