"""What is asked about a container that somebody wants checked.

What lives here: the task `READ_ZIP` with its argument and answer.
Not here: opening it (`signing/parsing/zip_members.py`), what its files are (`signing/validation`).
"""

from __future__ import annotations

from typing import Annotated, Final

import msgspec

from signing.isolation.task import Task

MOST_MEMBERS: Final = 4_000
_Name = Annotated[str, msgspec.Meta(max_length=4_096)]
_Code = Annotated[str, msgspec.Meta(max_length=64)]


class ZipAsked(msgspec.Struct, frozen=True):
    """Asks for all files of a container.

    Takes   most_members; most_bytes: of all packed ones together, unpacked; most_ratio: of
            unpacked to packed bytes, above `ratio_from` bytes; deepest: containers in
            containers are looked at so far, and never unpacked.
    """

    most_members: int
    most_bytes: int
    most_ratio: int
    ratio_from: int
    deepest: int


class ZipMember(msgspec.Struct, frozen=True):
    """One file; `problem` says why it has no content, and is empty when it has.

    Takes   size: of what was written to the output; what is stored as it is stays where it is.
    """

    name: _Name
    size: int
    problem: _Code = ""


class ZipProblem(msgspec.Struct, frozen=True):
    """Something about the container that somebody should know; `name`: of the file, or empty."""

    code: _Code
    name: _Name = ""


class FoundZip(msgspec.Struct, frozen=True):
    """The files in the order of the directory; contents lie in the output one after the other.

    Takes   refusal: why there are none, or empty.
    """

    members: Annotated[tuple[ZipMember, ...], msgspec.Meta(max_length=MOST_MEMBERS)] = ()
    problems: Annotated[tuple[ZipProblem, ...], msgspec.Meta(max_length=256)] = ()
    refusal: _Code = ""


READ_ZIP: Final = Task(
    "signing.parsing.zip_members:read", ZipAsked, FoundZip, most_answer_bytes=8 << 20
)
"""Input: the container.  Nothing is refused: what cannot be read says so in its answer."""
