"""What is asked about a container before something in it is replaced.

What lives here: the task `UNPACK_ASIC` with its argument and answer.
Not here: unpacking (`signing/parsing/asic_members.py`), what follows (`signing/formats`).
"""

from __future__ import annotations

from typing import Annotated, Final

import msgspec

from signing.isolation.task import Task


class MembersAsked(msgspec.Struct, frozen=True):
    """Asks for all files of a container; one with more of them, or larger ones, is refused."""

    most_members: int
    most_bytes: int


class Member(msgspec.Struct, frozen=True):
    """One file, as large as it is unpacked."""

    name: Annotated[str, msgspec.Meta(max_length=65_535)]
    size: int


class FoundMembers(msgspec.Struct, frozen=True):
    """The files in their order; their contents lie in the output one after the other."""

    members: Annotated[tuple[Member, ...], msgspec.Meta(max_length=4_000)]


UNPACK_ASIC: Final = Task("signing.parsing.asic_members:unpack", MembersAsked, FoundMembers)
"""Input: the container.  Refused: not_asic, encrypted, too_many_documents, too_large."""
