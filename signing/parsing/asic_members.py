"""Taking a container apart.

What lives here: `unpack`, behind the walls.  Names are given as they stand in the container;
whether one leads elsewhere is for whoever asked.
Source: APPNOTE.TXT §4.3 and §4.4; ETSI EN 319 162-1 §4.2 and annex A.1.
Not here: what the files are.
"""

from __future__ import annotations

import io
import struct
import zipfile
import zlib
from collections.abc import Sequence
from typing import Any, BinaryIO, Final

from signing.errors import DocumentRefused
from signing.messages.asic_members import FoundMembers, Member, MembersAsked

_CHUNK: Final = 1 << 20
_ENCRYPTED: Final = 0x1
_METHODS: Final = frozenset({zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED})
_UNREADABLE: Final = (
    zipfile.BadZipFile,
    zlib.error,
    struct.error,
    LookupError,
    EOFError,
    OSError,
    ValueError,
    NotImplementedError,
    RuntimeError,
)


def unpack(asked: MembersAsked, inputs: Sequence[memoryview], output: BinaryIO) -> FoundMembers:
    """Write the contents of all files to `output`, one after the other.

    Raises  DocumentRefused: see `UNPACK_ASIC`.
    """
    try:
        with zipfile.ZipFile(_View(inputs[0])) as packed:
            found = [one for one in packed.infolist() if not one.filename.endswith("/")]
            _check(found, asked=asked)
            return FoundMembers(
                tuple(Member(one.filename, _copy(packed, one, output)) for one in found)
            )
    except _UNREADABLE as malformed:
        raise DocumentRefused("not_asic") from malformed


def _check(found: Sequence[zipfile.ZipInfo], *, asked: MembersAsked) -> None:
    if not found or found[0].filename != "mimetype":
        raise DocumentRefused("not_asic")
    if len(found) > asked.most_members:
        raise DocumentRefused("too_many_documents")
    if any(one.flag_bits & _ENCRYPTED for one in found):
        raise DocumentRefused("encrypted")
    if any(one.compress_type not in _METHODS for one in found):
        raise DocumentRefused("not_asic")
    if len({one.filename for one in found}) != len(found):
        raise DocumentRefused("not_asic")
    # what is written is never longer than what is said here: the reader stops there
    if sum(one.file_size for one in found) > asked.most_bytes:
        raise DocumentRefused("too_large")


def _copy(packed: zipfile.ZipFile, member: zipfile.ZipInfo, output: BinaryIO) -> int:
    size = 0
    with packed.open(member) as content:
        while chunk := content.read(_CHUNK):
            size += output.write(chunk)
    if size != member.file_size:
        raise DocumentRefused("not_asic")
    return size


class _View(io.RawIOBase):
    """A file over octets that are not copied."""

    def __init__(self, view: memoryview) -> None:
        self._view = view
        self._at = 0

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        start = {io.SEEK_SET: 0, io.SEEK_CUR: self._at, io.SEEK_END: len(self._view)}[whence]
        if start + offset < 0:
            raise OSError("before the beginning")
        self._at = start + offset
        return self._at

    def tell(self) -> int:
        return self._at

    def readinto(self, into: Any) -> int:
        found = self._view[self._at : self._at + len(into)]
        into[: len(found)] = found
        self._at += len(found)
        return len(found)
