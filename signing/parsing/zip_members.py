"""Taking apart a container that somebody wants checked.

What lives here: `read`, behind the walls.  Nothing is refused: a container is opened as far as it
can be without harm, and what is wrong with it is named.  A file about which the container speaks
with two tongues has no content.
Source: APPNOTE.TXT §4.3, §4.4; ETSI EN 319 162-1 §4.2 and annex A.1 (`mimetype`).
Not here: what the files are (`signing/validation/asic.py`); containers of our own, which are taken
apart to be raised (`asic_members.py`).
"""

from __future__ import annotations

import zlib
from collections.abc import Iterator, Sequence
from typing import BinaryIO, Final

from signing.formats.zip_directory import (
    DEFLATED,
    ENCRYPTED,
    STORED,
    Directory,
    Entry,
    NotZip,
    read_directory,
)
from signing.messages.zip_members import FoundZip, ZipAsked, ZipMember, ZipProblem

_CHUNK: Final = 1 << 18
_LONGEST_NAME: Final = 1_024
_MOST_PROBLEMS: Final = 200
_MAGIC: Final = b"PK\x03\x04"
_LARGEST_INSIDE: Final = 64 << 20


def read(asked: ZipAsked, inputs: Sequence[memoryview], output: BinaryIO) -> FoundZip:
    """Write the contents of all packed files to `output`, one after the other.

    1. The directory, as far as it can be believed.
    2. It is no bomb, by what it says; what is unpacked is never more than that.
    3. Each file whose name and headers are what they should be.
    4. Containers inside: whether they would be bombs.
    """
    view = inputs[0]
    # 1
    try:
        directory = read_directory(view, most=asked.most_members)
    except NotZip as broken:
        return FoundZip(refusal=str(broken))
    files = directory.files
    problems = [ZipProblem(code) for code in directory.problems]
    # 2
    if is_bomb(directory, asked=asked):
        return FoundZip(problems=tuple(problems), refusal="zip_bomb")
    if sum(one.unpacked for one in files if not one.is_stored) > asked.most_bytes:
        return FoundZip(problems=tuple(problems), refusal="too_large")
    # 3
    members: list[ZipMember] = []
    for one in files:
        problem = one.problem or _kind_problem(one)
        size = 0
        if not problem:
            size, problem, inside = _unpack(view, one, output, asked=asked)
            problems += (ZipProblem(code, _shown(one.name)) for code in inside)
        members.append(ZipMember(_shown(one.name), size, problem))
        if problem:
            problems.append(ZipProblem(problem, _shown(one.name)))
    return FoundZip(
        tuple(members),
        tuple(problems[:_MOST_PROBLEMS]),
    )


def is_bomb(directory: Directory, *, asked: ZipAsked) -> bool:
    """Whether far more would come out than went in; files that overlap are counted once each."""
    packed = sum(one.size for one in directory.entries)
    unpacked = sum(one.unpacked for one in directory.entries)
    if "zip_overlap" in directory.problems:
        return True
    if unpacked <= asked.ratio_from:
        return False
    return unpacked > asked.most_ratio * max(packed, 1) or any(
        one.unpacked > asked.ratio_from and one.unpacked > asked.most_ratio * max(one.size, 1)
        for one in directory.entries
    )


def _unpack(
    view: memoryview, entry: Entry, output: BinaryIO, *, asked: ZipAsked
) -> tuple[int, str, list[str]]:
    """How much was written, what was wrong with it, and what was found inside."""
    start = output.tell()
    crc = size = 0
    is_container = False
    try:
        for chunk in _contents(view, entry):
            if size == 0:
                is_container = chunk[:4] == _MAGIC
            size += len(chunk)
            if size > entry.unpacked:
                break
            crc = zlib.crc32(chunk, crc)
            if not entry.is_stored:
                output.write(chunk)
    except zlib.error:
        size = -1
    problem = ""
    if size != entry.unpacked:
        problem = "zip_sizes_differ"
    elif crc != entry.crc:
        problem = "zip_checksum_differs"
    if problem:
        output.seek(start)
        output.truncate()
        return 0, problem, []
    inside: list[str] = []
    if is_container and size <= _LARGEST_INSIDE:
        inside = _look_inside(b"".join(_contents(view, entry)), asked=asked)
    return 0 if entry.is_stored else size, "", inside


def _contents(view: memoryview, entry: Entry) -> Iterator[bytes]:
    """The octets of a file; of a packed one never many more than it says to have."""
    packed = view[entry.start : entry.start + entry.size]
    if entry.is_stored:
        for at in range(0, len(packed), _CHUNK):
            yield bytes(packed[at : at + _CHUNK])
        return
    unpacking = zlib.decompressobj(-zlib.MAX_WBITS)
    left = entry.unpacked + 1
    data: bytes | memoryview = packed
    while left > 0 and not unpacking.eof:
        chunk = unpacking.decompress(data, min(_CHUNK, left))
        data = unpacking.unconsumed_tail
        if not chunk and not data:
            break
        left -= len(chunk)
        yield chunk
    if not unpacking.eof or unpacking.unused_data:
        raise zlib.error("end")


def _look_inside(raw: bytes, *, asked: ZipAsked) -> list[str]:
    """Whether a container in a container is a bomb, or holds one; nothing is kept of it.

    Containers inside are looked at in turn, down to a depth, and as long as together they are not
    larger than something that nobody would wrap so often.
    """
    waiting = [(raw, 1)]
    left = _LARGEST_INSIDE
    while waiting:
        whole, depth = waiting.pop()
        try:
            directory = read_directory(memoryview(whole), most=asked.most_members)
        except NotZip:
            continue
        if is_bomb(directory, asked=asked) or depth > asked.deepest:
            return ["zip_bomb_inside"]
        for one in directory.entries:
            left -= one.unpacked
            if left < 0:
                return ["zip_bomb_inside"] if depth > 1 else []
            if one.problem or _kind_problem(one):
                continue
            try:
                inner = b"".join(_contents(memoryview(whole), one))
            except zlib.error:
                continue
            if inner[:4] == _MAGIC:
                waiting.append((inner, depth + 1))
    return []


def _kind_problem(entry: Entry) -> str:
    if entry.flags & ENCRYPTED:
        return "encrypted"
    if entry.method not in {STORED, DEFLATED}:
        return "zip_method_unknown"
    if entry.is_stored and entry.size != entry.unpacked:
        return "zip_sizes_differ"
    return ""


def _shown(name: str) -> str:
    return name[:_LONGEST_NAME]
