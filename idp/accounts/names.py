"""Names of people and organisations: how they are stored and how they are compared.

Stored text is NFC.  Comparison uses a separate key without accents and in capitals, because
registers send names that way.  Not here: any guess at which part is the family name.
Source: Unicode UAX #15; the capitals-without-accents practice of population look-ups.
"""

from __future__ import annotations

import unicodedata

MAX_NAME_CHARS = 200


def normalise_name(raw: str) -> str:
    """Return `raw` in NFC with single inner spaces and none around.

    Returns an empty string when nothing is left.  A control or format character (Unicode Cc, Cf,
    Cs, Co, Cn) is dropped: it cannot be seen and would make two equal names differ.
    """
    text = unicodedata.normalize("NFC", raw)
    if not text.isprintable():
        text = "".join(" " if c.isspace() else c for c in text if _is_text(c))
    return " ".join(text.split())


def name_key(name: str) -> str:
    """The key for matching: without accents, capitals, single spaces (`Đỗ Ánh` → `DO ANH`).

    Đ and đ have no decomposition in Unicode and are mapped by hand.
    """
    plain = name.replace("Đ", "D").replace("đ", "d")
    decomposed = unicodedata.normalize("NFD", plain)
    bare = "".join(c for c in decomposed if not unicodedata.combining(c))
    return " ".join(unicodedata.normalize("NFC", bare).upper().split())


def _is_text(character: str) -> bool:
    return character.isspace() or unicodedata.category(character)[0] != "C"
