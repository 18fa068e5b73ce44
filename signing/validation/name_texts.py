"""Distinguished names as texts for people, whatever kind of string somebody wrote them in.

What lives here: the parts of a name by their type, and a line for all of it.  Compiled parsers warn
or refuse where a name is longer or shorter than it may be; a report shows what stands there.
Source: RFC 5280 §4.1.2.4; RFC 4514 §2 (the line, its order and its escapes).
Not here: comparing names (`names.py`).
"""

from __future__ import annotations

from functools import lru_cache
from typing import Final

from signing.formats.der import DerMalformed, read_oid
from signing.validation.der_values import UNREADABLE, members, sequence

COMMON_NAME: Final = "2.5.4.3"
ORGANIZATION: Final = "2.5.4.10"
ORGANIZATION_IDENTIFIER: Final = "2.5.4.97"
TITLE: Final = "2.5.4.12"
_SHORT: Final = {
    COMMON_NAME: "CN",
    "2.5.4.4": "SN",
    "2.5.4.5": "serialNumber",
    "2.5.4.6": "C",
    "2.5.4.7": "L",
    "2.5.4.8": "ST",
    "2.5.4.9": "street",
    ORGANIZATION: "O",
    "2.5.4.11": "OU",
    TITLE: "title",
    "2.5.4.42": "givenName",
    "2.5.4.65": "pseudonym",
    ORGANIZATION_IDENTIFIER: "organizationIdentifier",
    "0.9.2342.19200300.100.1.1": "UID",
    "0.9.2342.19200300.100.1.25": "DC",
    "1.2.840.113549.1.9.1": "emailAddress",
}
_ENCODINGS: Final = {
    0x0C: "utf-8",
    # what is called Teletex string is Latin-1 in practice
    0x14: "latin-1",
    0x1C: "utf-32-be",
    0x1E: "utf-16-be",
}
_ESCAPED: Final = frozenset('",+;<>\\')
_LONGEST: Final = 1024


@lru_cache(maxsize=1024)
def name_parts(name: bytes) -> tuple[tuple[str, str], ...]:
    """The parts of a name in their order: type, dotted, and text.

    Takes   name: DER of the Name.  What cannot be read is left out.
    """
    try:
        return tuple(
            (read_oid(kind), _text(value.tag, bytes(value.content)))
            for part in sequence(name, most=256)
            for one in part.children(most=16)
            for kind, value in [members(one, most=2)]
        )
    except (DerMalformed, *UNREADABLE):
        return ()


def part_of(name: bytes, kind: str) -> str:
    """The first part of that type; empty without one."""
    return next((text for one, text in name_parts(name) if one == kind), "")


def line_of(name: bytes) -> str:
    """A name in one line, its last part first."""
    parts = reversed(name_parts(name))
    return ",".join(f"{_SHORT.get(kind, kind)}={_escape(text)}" for kind, text in parts)


def _text(tag: int, content: bytes) -> str:
    text = content[:_LONGEST].decode(_ENCODINGS.get(tag, "utf-8"), "replace")
    return "".join(one if one.isprintable() else "\N{REPLACEMENT CHARACTER}" for one in text)


def _escape(text: str) -> str:
    escaped = "".join(f"\\{one}" if one in _ESCAPED else one for one in text)
    if escaped.startswith((" ", "#")):
        escaped = f"\\{escaped}"
    return f"{escaped[:-1]}\\ " if escaped.endswith(" ") and len(escaped) > 1 else escaped
