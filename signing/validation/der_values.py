"""Values of DER elements, as certificates, lists and answers have them.

What lives here: numbers, times, flags and general names out of elements of `signing.formats.der`.
Source: X.690 §8; RFC 5280 §4.1.2.5 (times), §4.2.1.6 (GeneralName).
Whatever is handed in: a value or `DerMalformed`.  Where others write a little beside DER and mean
one thing only (a TRUE of 01), that is taken.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from functools import lru_cache
from typing import Final, NamedTuple

from signing.formats.der import (
    INTEGER,
    OBJECT_IDENTIFIER,
    OCTET_STRING,
    DerMalformed,
    Element,
    read_all,
    read_oid,
    read_one,
)

BOOLEAN: Final = 0x01
BIT_STRING: Final = 0x03
ENUMERATED: Final = 0x0A
SEQUENCE: Final = 0x30
UTC_TIME: Final = 0x17
GENERALIZED_TIME: Final = 0x18
MOST: Final = 4096
"""Of anything that comes many times: extensions, names, policies."""


class GeneralName(NamedTuple):
    """A name and its kind.

    Takes   kind: the number of its tag; value: contents, of a directory name its DER.
    """

    kind: int
    value: bytes


UNREADABLE: Final = (DerMalformed, ValueError, IndexError)
"""What reading may raise; a function that reads a whole thing catches all of them."""
EMAIL: Final = 1
DNS: Final = 2
DIRECTORY: Final = 4
URI: Final = 6
IP: Final = 7


def expect(element: Element, tag: int) -> Element:
    """The element, when it is of that kind.

    Raises  DerMalformed.
    """
    if element.tag != tag:
        raise DerMalformed
    return element


def sequence(raw: bytes | memoryview, *, most: int = MOST) -> tuple[Element, ...]:
    """What the one SEQUENCE in `raw` consists of.

    Raises  DerMalformed.
    """
    return read_all(expect(read_one(raw), SEQUENCE).content, most=most)


def members(element: Element, *, most: int = MOST) -> tuple[Element, ...]:
    """What a SEQUENCE consists of.

    Raises  DerMalformed.
    """
    return read_all(expect(element, SEQUENCE).content, most=most)


def optional(elements: Iterator[Element], tags: frozenset[int]) -> dict[int, Element]:
    """The rest of a SEQUENCE whose members are optional, in the order of their tags.

    Raises  DerMalformed for one that is not among `tags`, or that comes twice.
    """
    found: dict[int, Element] = {}
    for one in elements:
        if one.tag not in tags or one.tag in found:
            raise DerMalformed
        found[one.tag] = one
    return found


def number(element: Element, *, tag: int = INTEGER) -> int:
    """An integer of any sign and size.

    Raises  DerMalformed.
    """
    content = expect(element, tag).content
    if not content:
        raise DerMalformed
    return int.from_bytes(content, "big", signed=True)


def small(element: Element, *, tag: int = INTEGER) -> int:
    """An integer that counts something: 0 to a number that no path and no list reaches.

    Raises  DerMalformed for a negative one.
    """
    value = number(element, tag=tag)
    if value < 0:
        raise DerMalformed
    return min(value, 1 << 30)


def flag(element: Element, *, tag: int = BOOLEAN) -> bool:
    """A BOOLEAN.

    Raises  DerMalformed.
    """
    if element.tag != tag or len(element.content) != 1:
        raise DerMalformed
    return element.content[0] != 0


def octets(element: Element, *, tag: int = OCTET_STRING) -> bytes:
    """Contents.

    Raises  DerMalformed.
    """
    return bytes(expect(element, tag).content)


def bits(element: Element, *, tag: int = BIT_STRING) -> bytes:
    """A BIT STRING of whole octets.

    Raises  DerMalformed.
    """
    content = expect(element, tag).content
    if not content or content[0] != 0:
        raise DerMalformed
    return bytes(content[1:])


def named_bits(element: Element, *, tag: int = BIT_STRING) -> frozenset[int]:
    """The numbers of the bits that are set, the first is 0.

    Raises  DerMalformed, also for more than 64.
    """
    content = expect(element, tag).content
    if not content or content[0] > 7 or len(content) > 9:
        raise DerMalformed
    return frozenset(
        8 * octet + bit
        for octet, value in enumerate(content[1:])
        for bit in range(8)
        if value & (0x80 >> bit)
    )


@lru_cache(maxsize=1024)
def _dotted(der: bytes) -> str:
    return read_oid(read_one(der))


def dotted(element: Element) -> str:
    """An object identifier.

    Raises  DerMalformed.
    """
    return _dotted(bytes(expect(element, OBJECT_IDENTIFIER).whole))


def time(element: Element) -> datetime:
    """UTCTime or GeneralizedTime in UTC to the second; fractions are cut off.

    Raises  DerMalformed.
    """
    text = bytes(element.content)
    try:
        digits, zone = text[:-1].split(b".")[0].decode("ascii"), text[-1:]
        if zone != b"Z" or not digits.isdigit():
            raise DerMalformed
        if element.tag == UTC_TIME and len(digits) == 12:
            digits = ("19" if digits >= "50" else "20") + digits
        elif element.tag != GENERALIZED_TIME or len(digits) != 14:
            raise DerMalformed
        month, day, hour, minute, second = (int(digits[at : at + 2]) for at in range(4, 14, 2))
        return datetime(int(digits[:4]), month, day, hour, minute, second, tzinfo=UTC)
    except ValueError as malformed:
        raise DerMalformed from malformed


def general_name(element: Element) -> GeneralName:
    """One GeneralName; kinds that nobody compares keep their contents as they are.

    Raises  DerMalformed.
    """
    if element.tag & 0xC0 != 0x80:
        raise DerMalformed
    kind = element.tag & 0x1F
    if kind == DIRECTORY:
        # a CHOICE is tagged explicitly
        return GeneralName(kind, bytes(read_one(element.content).whole))
    return GeneralName(kind, bytes(element.content))


def general_names(raw: bytes | memoryview) -> tuple[GeneralName, ...]:
    """GeneralNames without their header.

    Raises  DerMalformed.
    """
    return tuple(general_name(one) for one in read_all(raw, most=MOST))
