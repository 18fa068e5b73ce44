"""The files of a container that somebody wants checked.

What lives here: `open_container`.  The service reads the directory itself and hashes everything
itself; behind the walls packed files are unpacked, and everything that is wrong is looked for.
What somebody who lies there could do: say that a file cannot be read, or that something is wrong;
hand out other octets for a packed file, of the size and checksum that the directory gives.
What they could not do: have a file stand for intact unless its octets are those that were signed;
give a file another name, add one, hide one, or change one that is stored as it is.
Source: APPNOTE.TXT §4.3, §4.4; ETSI EN 319 162-1 §4.2.
Not here: what the files are.
"""

from __future__ import annotations

import os
import weakref
import zlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Final

from signing.errors import ParsingFailed
from signing.formats.zip_directory import Directory, Entry, NotZip, read_directory
from signing.isolation.blob import Blob
from signing.isolation.task import Isolation
from signing.messages.zip_members import (
    MOST_MEMBERS,
    READ_ZIP,
    FoundZip,
    ZipAsked,
    ZipMember,
)
from signing.validation.content import Stretch
from signing.validation.verdict import Reason, because

_MOST_RATIO: Final = 100
_RATIO_FROM: Final = 1 << 20
_DEEPEST: Final = 3
_LEAST_BYTES: Final = 60 << 20


@dataclass(frozen=True, slots=True)
class Member:
    """One file; `content` is None when there was something wrong with it."""

    name: str
    content: Stretch | None = field(repr=False)


@dataclass(frozen=True, slots=True)
class Container:
    """A container.

    Takes   members: by their names; problems: about it as a whole and its files;
            refusal: why nothing is in it, or None; is_type_first: see `zip_directory`.
    """

    members: dict[str, Member] = field(default_factory=dict)
    problems: tuple[Reason, ...] = ()
    refusal: Reason | None = None
    comment: str = ""
    is_type_first: bool = False


def open_container(document: Blob, *, isolation: Isolation) -> Container:
    """The files of a container.

    Raises  nothing: what cannot be opened is `refusal`.
    """
    with document.view() as view:
        directory = _find_directory(view)
    if isinstance(directory, str):
        return Container(refusal=because(directory))
    asked = ZipAsked(
        MOST_MEMBERS,
        # what may come out of the walls: three times what goes in, and never little
        max(_LEAST_BYTES, 3 * document.size - (1 << 20)),
        _MOST_RATIO,
        _RATIO_FROM,
        _DEEPEST,
    )
    found, output = isolation.run(READ_ZIP, asked, inputs=[document])
    # contents are looked at as long as somebody holds a part of them, and no longer
    weakref.finalize(output, os.close, output.fd)
    if found.refusal:
        return Container(refusal=because(found.refusal), problems=_problems(found))
    try:
        members = dict(_members(document, directory, found, output))
    except ParsingFailed as lied:
        return Container(refusal=because(lied.reason))
    return Container(
        members,
        _problems(found),
        comment=directory.comment,
        is_type_first=directory.is_type_first,
    )


def _find_directory(view: memoryview) -> Directory | str:
    """The directory, or why there is none; nothing holds on to the view."""
    try:
        return read_directory(view, most=MOST_MEMBERS)
    except NotZip as broken:
        return str(broken)


def _members(
    document: Blob, directory: Directory, found: FoundZip, output: Blob
) -> Iterator[tuple[str, Member]]:
    """The files by their names, each from where it is.

    Raises  ParsingFailed: what was handed out is not what the directory says.
    """
    files = directory.files
    if len(files) != len(found.members):
        raise ParsingFailed("contradiction")
    at = 0
    for entry, member in zip(files, found.members, strict=True):
        content: Stretch | None = None
        if not member.problem and not entry.problem:
            if entry.is_stored:
                content = Stretch(document, start=entry.start, size=entry.size)
            else:
                content = _handed_out(output, at, entry, member)
        at += member.size
        yield entry.name, Member(entry.name, content)
    if at != output.size:
        raise ParsingFailed("contradiction")


def _handed_out(output: Blob, at: int, entry: Entry, member: ZipMember) -> Stretch:
    content = Stretch(output, start=at, size=entry.unpacked)
    crc = 0
    for chunk in content.chunks():
        crc = zlib.crc32(chunk, crc)
    if member.size != entry.unpacked or at + member.size > output.size or crc != entry.crc:
        raise ParsingFailed("contradiction")
    return content


def _problems(found: FoundZip) -> tuple[Reason, ...]:
    return tuple(
        because(one.code, file=one.name) if one.name else because(one.code)
        for one in found.problems
    )


def file_names(members: Sequence[str]) -> list[str]:
    """The documents among the files: everything that the container has no use for itself."""
    return [name for name in members if name != "mimetype" and not name.startswith("META-INF/")]
