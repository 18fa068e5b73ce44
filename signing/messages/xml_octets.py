"""What is asked about the octets that XML signatures and timestamps are over.

What lives here: the task `XML_OCTETS` with its argument and answer.
Not here: how they are made behind the walls (`signing/parsing/xml_octets.py`), and the service's
own way to them, with which they are compared (`signing/validation/xml_octets.py`).
"""

from __future__ import annotations

from typing import Annotated, Final

import msgspec

from signing.isolation.task import Task

MOST_PARTS: Final = 4_000
_Code = Annotated[str, msgspec.Meta(max_length=40, pattern="^[a-z_0-9]*$")]
_Name = Annotated[str, msgspec.Meta(max_length=4_096)]


class Wanted(msgspec.Struct, frozen=True):
    """Asks for the octets of one thing.

    Takes   element: its number, in the order of start tags; is_reference: whether it is a
            ds:Reference (or another element with URI and ds:Transforms) whose octets are wanted,
            not its own; algorithm: by which nodes are written in the end; prefixes: of the
            PrefixList, for an element; beside: the input that holds a document outside of this
            one, 0 for none; signature: number of the ds:Signature that it is about;
            is_written: whether the octets themselves are wanted, and not only their digest.
    """

    element: int
    algorithm: str
    is_reference: bool = False
    prefixes: tuple[str, ...] = ()
    beside: int = 0
    signature: int = -1
    is_written: bool = False


class OctetsAsked(msgspec.Struct, frozen=True):
    """Asks for many at once; a document with more elements is refused."""

    wanted: tuple[Wanted, ...]
    most_elements: int
    most_written: int


class Part(msgspec.Struct, frozen=True):
    """One of them.

    Takes   size: of the octets; digest: SHA-256; refused: why there are none, or empty;
            written: how many of them lie in the output.
    """

    size: int = 0
    digest: Annotated[bytes, msgspec.Meta(max_length=32)] = b""
    refused: _Code = ""
    written: int = 0


class OctetsFound(msgspec.Struct, frozen=True):
    """All of them in the order in which they were asked for, and what the document is.

    Takes   elements: how many there are; signatures: numbers of the ds:Signature elements.
    """

    elements: int
    signatures: Annotated[tuple[int, ...], msgspec.Meta(max_length=MOST_PARTS)]
    parts: Annotated[tuple[Part, ...], msgspec.Meta(max_length=MOST_PARTS)]


XML_OCTETS: Final = Task("signing.parsing.xml_octets:find_octets", OctetsAsked, OctetsFound)
"""Inputs: the document, and those outside of it.

Refused: see `signing/parsing/xml_document.py`; too_many_signatures, too_large.
"""
