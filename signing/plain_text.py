"""Text from outside that people read before they sign, or that is signed.

What lives here: the one rule for it.  What cannot be seen, or changes the direction of what can,
makes a person read something else than what is there.
Source: Unicode Standard Annex 9 (overrides and isolates), Technical Report 36 §2 (spoofing).
Not here: names of files in containers, which are bound further (`signing/formats/asic_container`).
"""

from __future__ import annotations

import unicodedata
from typing import Final

from signing.errors import RequestRefused

_DECEIVING: Final = frozenset({"Cc", "Cf", "Cn", "Co", "Cs", "Zl", "Zp"})
"""Controls, formats (among them overrides of direction), what is no letter, other line ends."""


def check_text(raw: str, *, part: str, most: int, least: int = 0) -> None:
    """Refuse text that is too long, too short without white space, or that deceives.

    Takes   part: what it is, for who is refused; most, least: letters.
    Raises  RequestRefused: text_length, text_deceiving.
    """
    if len(raw) > most or len(raw.strip()) < least:
        raise RequestRefused("text_length", part=part)
    # of what can be printed nothing deceives, and that is told at once
    if not raw.isprintable() and any(unicodedata.category(letter) in _DECEIVING for letter in raw):
        raise RequestRefused("text_deceiving", part=part)
