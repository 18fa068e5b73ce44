"""Comparing names of people and authorities.

What lives here: distinguished names in the form in which they compare, and the names of a
distribution point.
Source: RFC 5280 §7.1 (capitals, spaces and the kind of string make no difference), §4.2.1.13 and
§5.2.5 (names of distribution points); RFC 4518 §2 (how strings are prepared).
Not here: name constraints (`name_constraints`).
"""

from __future__ import annotations

import unicodedata
from functools import lru_cache
from typing import Final, TypeAlias

from keystore.pki.der import wrap
from signing.formats.der import SET, DerMalformed, Element, read_all
from signing.validation.der_values import (
    DIRECTORY,
    UNREADABLE,
    GeneralName,
    general_names,
    members,
    sequence,
)

_Attribute: TypeAlias = tuple[bytes, int, str | bytes]
ComparableName: TypeAlias = tuple[frozenset[_Attribute], ...]
"""A distinguished name, part by part; two that are equal name the same."""

_ENCODINGS: Final = {
    0x0C: "utf-8",
    0x12: "ascii",
    0x13: "ascii",
    # what is called Teletex string is Latin-1 in practice
    0x14: "latin-1",
    0x16: "ascii",
    0x1A: "ascii",
    0x1C: "utf-32-be",
    0x1E: "utf-16-be",
}
_A_STRING: Final = 0
_LONGEST_TEXT: Final = 1024
"""Octets of a string that is prepared; longer ones compare as they stand.

NOTE: preparing takes time by the square of the length when somebody piles up accents.
"""
_ORDINARY: Final = 2048
"""Octets of a name that is worth remembering."""
EMAIL_ADDRESS: Final = bytes.fromhex("06092a864886f70d010901")
"""DER of the type of an address in a distinguished name (RFC 2985 §5.2.1)."""


def comparable(name: bytes) -> ComparableName:
    """A distinguished name in the form that compares.

    Takes   name: DER of the Name.
    Raises  DerMalformed.
    """
    return _remembered(name) if len(name) <= _ORDINARY else _comparable(name)


def _comparable(name: bytes) -> ComparableName:
    return tuple(comparable_part(one) for one in sequence(name, most=256))


_remembered: Final = lru_cache(maxsize=4096)(_comparable)


def comparable_part(part: Element) -> frozenset[_Attribute]:
    """One RelativeDistinguishedName.

    Raises  DerMalformed.
    """
    attributes = []
    for one in read_all(part.content, most=64):
        kind, value = members(one, most=2)
        attributes.append((bytes(kind.whole), *_prepared(value)))
    return frozenset(attributes)


def is_same_name(one: bytes, other: bytes) -> bool:
    """Whether two distinguished names (DER) name the same; False for what cannot be read."""
    if one == other:
        return True
    try:
        return comparable(one) == comparable(other)
    except UNREADABLE:
        return False


def name_key(name: bytes) -> ComparableName | bytes:
    """By what a name is found in a table; for one that cannot be read, its octets."""
    try:
        return comparable(name)
    except UNREADABLE:
        return name


def point_names(point: Element, *, relative_to: bytes) -> frozenset[ComparableName | GeneralName]:
    """The names in a DistributionPointName, in the form that compares.

    Takes   point: its tagged element; relative_to: DER of the Name that a relative one continues.
    Raises  DerMalformed.
    """
    if point.tag == 0xA1:
        whole = wrap(SET, bytes(point.content))
        relative = comparable_part(read_all(whole, most=1)[0])
        return frozenset({(*comparable(relative_to), relative)})
    if point.tag != 0xA0:
        raise DerMalformed
    return comparable_names(general_names(point.content))


def comparable_names(
    names: tuple[GeneralName, ...],
) -> frozenset[ComparableName | GeneralName]:
    """General names in the form that compares.

    Raises  DerMalformed.
    """
    return frozenset(comparable(one.value) if one.kind == DIRECTORY else one for one in names)


def emails_in(name: bytes) -> tuple[str, ...]:
    """Addresses that stand in a distinguished name, as they are written.

    Raises  DerMalformed.
    """
    found = []
    for part in sequence(name, most=256):
        for one in read_all(part.content, most=64):
            kind, value = members(one, most=2)
            if kind.whole == EMAIL_ADDRESS:
                found.append(_text(value))
    return tuple(found)


def _text(value: Element) -> str:
    try:
        return bytes(value.content).decode(_ENCODINGS.get(value.tag, "latin-1"))
    except ValueError as malformed:
        raise DerMalformed from malformed


def _prepared(value: Element) -> tuple[int, str | bytes]:
    """Strings of every kind alike, whatever else by its octets."""
    if value.tag not in _ENCODINGS or len(value.content) > _LONGEST_TEXT:
        return value.tag, bytes(value.content)
    text = _text(value)
    if not text.isascii():
        # what nobody sees makes no other name of it (RFC 4518 §2.2)
        text = "".join(one for one in text if not _is_unseen(one))
        text = unicodedata.normalize("NFKC", text)
    return _A_STRING, " ".join(text.casefold().split())


def _is_unseen(character: str) -> bool:
    """Marks that join, part and turn letters, and those that choose among variants."""
    return unicodedata.category(character) == "Cf" or "\ufe00" <= character <= "\ufe0f"
