"""The directory of a ZIP, and what its files say of themselves.

What lives here: `read_directory`, which reads both places in which a container speaks of a file and
says where they differ: programs believe one or the other, and would unpack two documents.  It is
done on both sides of the walls, with the same code: it is plain Python over octets, and what the
service reads itself nobody can tell it otherwise.
Source: APPNOTE.TXT §4.3 (layout), §4.3.9 (data descriptor), §4.4, §4.5.3 (large files); D. Fifield,
"A better zip bomb" (2019), on entries that overlap.
Not here: unpacking.
"""

from __future__ import annotations

import struct
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Final

STORED: Final = 0
DEFLATED: Final = 8
_END: Final = b"PK\x05\x06"
_END_64: Final = b"PK\x06\x06"
_LOCATOR_64: Final = b"PK\x06\x07"
_ENTRY: Final = b"PK\x01\x02"
_LOCAL: Final = b"PK\x03\x04"
_DESCRIPTOR: Final = b"PK\x07\x08"
_LONGEST_COMMENT: Final = 0xFFFF
_UNKNOWN: Final = 0xFFFF_FFFF
_LARGE_FILE: Final = 1
_LONGEST_NAME: Final = 1_024
_HAS_DESCRIPTOR: Final = 0x8
_IS_UTF8: Final = 0x800
ENCRYPTED: Final = 0x2041
"""Bits 0, 6 and 13: each is an encryption."""


class NotZip(Exception):
    """Octets without a directory that can be followed."""


@dataclass(frozen=True, slots=True)
class Entry:
    """One file.

    Takes   start, size: of its packed octets; problem: what its own header says otherwise, or
            empty; has_extra: an extra field stands in its own header.
    """

    name: str
    method: int
    flags: int
    crc: int
    start: int
    size: int
    unpacked: int
    header_at: int
    end: int
    has_extra: bool
    problem: str = ""

    @property
    def is_stored(self) -> bool:
        """Whether its octets stand in the container as they are."""
        return self.method == STORED

    @property
    def is_folder(self) -> bool:
        """Whether it is no file at all."""
        return self.name.endswith("/") and self.unpacked == 0


@dataclass(frozen=True, slots=True)
class Directory:
    """All files, and what is odd about the whole: codes."""

    entries: tuple[Entry, ...]
    problems: tuple[str, ...]
    comment: str

    @property
    def files(self) -> tuple[Entry, ...]:
        """Without folders."""
        return tuple(one for one in self.entries if not one.is_folder)

    @property
    def is_type_first(self) -> bool:
        """Whether `mimetype` is the first, stored, without an extra field, at the very beginning.

        Source  ETSI EN 319 162-1 annex A.1.
        """
        first = min(self.entries, key=lambda one: one.header_at, default=None)
        return (
            first is not None
            and first.name == "mimetype"
            and first.is_stored
            and not first.has_extra
            and first.header_at == 0
            and not first.problem
        )


def read_directory(view: memoryview, *, most: int) -> Directory:
    """The files of a container.

    1. One end of the directory, behind which nothing stands.
    2. As many entries as it says, one after the other up to it.
    3. Each entry's own header says the same.
    4. No file shares octets with another, and before the first there is nothing.
    5. No two have one name, and no name leads elsewhere.

    Raises  NotZip, also for more than `most`.
    """
    try:
        # 1
        end, count, size, offset, comment = _find_end(view)
        if count > most:
            raise NotZip("too_many_files")
        start = end - size
        problems: list[str] = []
        shift = start - offset
        if shift < 0 or start < 0:
            raise NotZip("not_zip")
        if shift:
            problems.append("zip_prefix")
        # 2, 3
        entries = tuple(_entries(view, start, end, count, shift))
    except (struct.error, IndexError) as malformed:
        raise NotZip("not_zip") from malformed
    # 4
    order = sorted(entries, key=lambda one: one.header_at)
    at = 0
    for one in order:
        if one.header_at < at:
            problems.append("zip_overlap")
        elif one.header_at > at:
            problems.append("zip_hidden_octets")
        at = max(at, one.end)
    if at > start:
        problems.append("zip_overlap")
    # 5
    counted = Counter(one.name for one in entries)
    named = tuple(
        replace(one, problem=one.problem or _name_problem(one.name, counted[one.name]))
        for one in entries
    )
    return Directory(named, tuple(dict.fromkeys(problems)), comment)


def _name_problem(name: str, times: int) -> str:
    if times > 1:
        return "name_twice"
    if not name or len(name) > _LONGEST_NAME or "\\" in name or "\0" in name:
        return "name_refused"
    steps = name.split("/")
    if ".." in steps or not steps[0] or (len(name) > 1 and name[1] == ":"):
        return "name_escapes"
    return ""


def _find_end(view: memoryview) -> tuple[int, int, int, int, str]:
    """Where the directory ends, how many entries, its size and offset, and the comment."""
    tail_at = max(0, len(view) - _LONGEST_COMMENT - 22)
    tail = bytes(view[tail_at:])
    at = tail.rfind(_END)
    found: list[int] = []
    while at >= 0:
        if len(tail) - at >= 22 and at + 22 + struct.unpack_from("<H", tail, at + 20)[0] == len(
            tail
        ):
            found.append(at)
        at = tail.rfind(_END, 0, at)
    if not found:
        raise NotZip("not_zip")
    # the comment of one may hold another: programs would open two containers
    if len(found) > 1:
        raise NotZip("zip_two_directories")
    at = found[0]
    disk, first, here, count, size, offset, _ = struct.unpack_from("<HHHHIIH", tail, at + 4)
    comment = tail[at + 22 :].decode("utf-8", "replace")[:256]
    end = tail_at + at
    if _UNKNOWN in {size, offset} or count == 0xFFFF:
        return (*_find_large_end(view, end), comment)
    if disk or first or here != count:
        raise NotZip("zip_several_disks")
    return end, count, size, offset, comment


def _find_large_end(view: memoryview, end: int) -> tuple[int, int, int, int]:
    locator = end - 20
    if locator < 0 or bytes(view[locator : locator + 4]) != _LOCATOR_64:
        raise NotZip("not_zip")
    at = struct.unpack_from("<Q", view, locator + 8)[0]
    if at + 56 > locator or bytes(view[at : at + 4]) != _END_64:
        raise NotZip("not_zip")
    count, size, offset = struct.unpack_from("<QQQ", view, at + 32)
    return at, count, size, offset


def _entries(view: memoryview, start: int, end: int, count: int, shift: int) -> Iterator[Entry]:
    at = start
    for _ in range(count):
        if bytes(view[at : at + 4]) != _ENTRY:
            raise NotZip("not_zip")
        fields = struct.unpack_from("<HHHHHHIIIHHHHHII", view, at + 4)
        flags, method, crc, size, unpacked = fields[2], fields[3], fields[6], fields[7], fields[8]
        name_size, extra_size, comment_size, header_at = (*fields[9:12], fields[15])
        name_at = at + 46
        raw_name = bytes(view[name_at : name_at + name_size])
        extra = bytes(view[name_at + name_size : name_at + name_size + extra_size])
        at = name_at + name_size + extra_size + comment_size
        if at > end:
            raise NotZip("not_zip")
        unpacked, size, header_at = _large(extra, unpacked, size, header_at)
        yield _with_own_header(
            view,
            raw_name,
            Entry(
                decode_name(raw_name, flags),
                method,
                flags,
                crc,
                0,
                size,
                unpacked,
                header_at + shift,
                0,
                has_extra=False,
            ),
        )
    if at != end:
        raise NotZip("zip_hidden_entries")


def decode_name(raw_name: bytes, flags: int) -> str:
    """A name: UTF-8 where it says so, or can be read as such; code page 437 otherwise."""
    try:
        return raw_name.decode("utf-8")
    except UnicodeDecodeError:
        return raw_name.decode("utf-8", "replace") if flags & _IS_UTF8 else raw_name.decode("cp437")


def _large(extra: bytes, unpacked: int, size: int, header_at: int) -> tuple[int, int, int]:
    """The numbers that did not fit into their fields (§4.5.3)."""
    values = [unpacked, size, header_at]
    if _UNKNOWN not in values:
        return unpacked, size, header_at
    at = 0
    while at + 4 <= len(extra):
        kind, length = struct.unpack_from("<HH", extra, at)
        if kind == _LARGE_FILE:
            inner = at + 4
            for place, value in enumerate(values):
                if value == _UNKNOWN:
                    values[place] = struct.unpack_from("<Q", extra, inner)[0]
                    inner += 8
            return values[0], values[1], values[2]
        at += 4 + length
    raise NotZip("not_zip")


def _with_own_header(view: memoryview, raw_name: bytes, entry: Entry) -> Entry:
    """The entry with where its octets are, and whether its own header agrees."""
    at = entry.header_at
    if bytes(view[at : at + 4]) != _LOCAL:
        raise NotZip("not_zip")
    _, flags, method, _, _, crc, size, unpacked, name_size, extra_size = struct.unpack_from(
        "<HHHHHIIIHH", view, at + 4
    )
    name_at = at + 30
    start = name_at + name_size + extra_size
    extra = bytes(view[name_at + name_size : start])
    end = start + entry.size
    if end > len(view):
        raise NotZip("not_zip")
    problem = ""
    if bytes(view[name_at : name_at + name_size]) != raw_name:
        problem = "zip_names_differ"
    elif method != entry.method or (flags ^ entry.flags) & (ENCRYPTED | _HAS_DESCRIPTOR):
        problem = "zip_headers_differ"
    elif flags & _HAS_DESCRIPTOR:
        end, is_same = _descriptor(view, end, entry)
        zeros = (0, 0, 0)
        said = (crc, size, unpacked)
        if not is_same or (said != zeros and _UNKNOWN not in said and said != _said(entry)):
            problem = "zip_descriptor_differs"
    else:
        unpacked, size, _ = _large(extra, unpacked, size, 0)
        if (crc, size, unpacked) != _said(entry):
            problem = "zip_headers_differ"
    return Entry(
        entry.name,
        entry.method,
        entry.flags,
        entry.crc,
        start,
        entry.size,
        entry.unpacked,
        at,
        end,
        has_extra=bool(extra),
        problem=problem,
    )


def _said(entry: Entry) -> tuple[int, int, int]:
    return entry.crc, entry.size, entry.unpacked


def _descriptor(view: memoryview, at: int, entry: Entry) -> tuple[int, bool]:
    """Where what stands behind a file ends, and whether it says what the directory says (§4.3.9).

    Its mark may be left out, and its numbers are of 4 or of 8 bytes.
    """
    for mark in (_DESCRIPTOR, b""):
        for form in ("<III", "<IQQ"):
            size = len(mark) + struct.calcsize(form)
            raw = bytes(view[at : at + size])
            if len(raw) < size or not raw.startswith(mark):
                continue
            if struct.unpack_from(form, raw, len(mark)) == _said(entry):
                return at + size, True
    return at, False
