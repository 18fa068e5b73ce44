"""What is inside of a file, and how to put something else in its place with all around it right.

What lives here: `parts_of`: files of a container, the value and the objects of a PDF, octets in the
text of an XML, elements of DER.  Whoever changes a part so gets past the outer reader.
Not here: what is done to a part (`mutations.py`).
"""

from __future__ import annotations

import base64
import binascii
import io
import re
import zipfile
import zlib
from collections.abc import Callable, Iterator
from functools import partial
from typing import Final

from tests.support.pdf_attacks import append

Part = tuple[bytes, Callable[[bytes], bytes]]

_MOST: Final = 60
_DEEPEST: Final = 12
_VALUE: Final = re.compile(rb"/Contents[ \n]*<([0-9A-Fa-f]{200,})>")
_OBJECT: Final = re.compile(rb"(?:^|\s)(\d{1,5}) 0 obj\s+(<<.{1,5000}?>>)\s+endobj", re.DOTALL)
_ROOT: Final = re.compile(rb"/Root (\d+) 0 R")
_BASE64: Final = re.compile(rb">([A-Za-z0-9+/=\s]{16,})<")
_NO_CONTAINER: Final = (
    zipfile.BadZipFile, zlib.error, ValueError, OSError, EOFError, RuntimeError,
)  # fmt: skip


def parts_of(raw: bytes) -> list[Part]:
    """What there is inside, as far as that can be told, and not too much of it."""
    if raw.startswith(b"PK"):
        return list(_members(raw))
    if raw.startswith(b"%PDF"):
        return [*_values(raw), *_objects(raw)]
    if raw.lstrip()[:1] == b"<":
        return list(_texts(raw))
    return list(_elements(raw, lambda changed: changed, 0))


def _members(raw: bytes) -> Iterator[Part]:
    try:
        with zipfile.ZipFile(io.BytesIO(raw)) as archive:
            files = [(one.filename, archive.read(one)) for one in archive.infolist()[:_MOST]]
    except _NO_CONTAINER:
        return

    def put(at: int, content: bytes) -> bytes:
        made = io.BytesIO()
        with zipfile.ZipFile(made, "w") as archive:
            for place, (name, before) in enumerate(files):
                archive.writestr(zipfile.ZipInfo(name), content if place == at else before)
        return made.getvalue()

    for at, (_, content) in enumerate(files):
        yield content, partial(put, at)


def _values(raw: bytes) -> Iterator[Part]:
    """The values of signatures, in the room that they have."""

    def put(hit: re.Match[bytes], content: bytes) -> bytes:
        room = hit.end(1) - hit.start(1)
        written = binascii.hexlify(content)[:room].ljust(room, b"0")
        return raw[: hit.start(1)] + written + raw[hit.end(1) :]

    for hit in list(_VALUE.finditer(raw))[:_MOST]:
        octets = binascii.unhexlify(hit[1][: len(hit[1]) // 2 * 2])
        yield octets.rstrip(b"\0"), partial(put, hit)


def _objects(raw: bytes) -> Iterator[Part]:
    """Objects as an update puts them, with a table that names them."""
    root = _ROOT.findall(raw)
    if not root or b"startxref" not in raw:
        return

    def put(number: int, body: bytes) -> bytes:
        try:
            return append(raw, {number: body}, root=int(root[-1]))
        except (IndexError, ValueError):
            return raw + body

    for hit in list(_OBJECT.finditer(raw))[:_MOST]:
        yield hit[2], partial(put, int(hit[1]))


def _texts(raw: bytes) -> Iterator[Part]:
    def put(hit: re.Match[bytes], content: bytes) -> bytes:
        return raw[: hit.start(1)] + base64.b64encode(content) + raw[hit.end(1) :]

    for hit in list(_BASE64.finditer(raw))[:_MOST]:
        try:
            yield base64.b64decode(hit[1]), partial(put, hit)
        except ValueError:
            continue


def _elements(raw: bytes, around: Callable[[bytes], bytes], depth: int) -> Iterator[Part]:
    """Every element below these octets, as a whole and by its content."""
    at = 0
    for _ in range(_MOST):
        head = _head(raw, at)
        if head is None or depth > _DEEPEST:
            return
        start, end = head

        def put(whole: bytes, at: int = at, end: int = end) -> bytes:
            return around(raw[:at] + whole + raw[end:])

        def fill(content: bytes, at: int = at, put: Callable[[bytes], bytes] = put) -> bytes:
            return put(raw[at : at + 1] + _length(len(content)) + content)

        yield raw[at:end], put
        yield raw[start:end], fill
        if raw[at] & 0x20:
            yield from _elements(raw[start:end], fill, depth + 1)
        at = end


def _head(raw: bytes, at: int) -> tuple[int, int] | None:
    """Where the content of the element there begins and ends."""
    if len(raw) - at < 2 or raw[at] & 0x1F == 0x1F:
        return None
    start, size = at + 2, raw[at + 1]
    if size > 0x80:
        octets = size & 0x7F
        start, size = start + octets, int.from_bytes(raw[start : start + octets], "big")
    elif size == 0x80:
        return None
    return (start, start + size) if start + size <= len(raw) else None


def _length(size: int) -> bytes:
    if size < 0x80:
        return bytes([size])
    octets = size.to_bytes((size.bit_length() + 7) // 8, "big")
    return bytes([0x80 | len(octets)]) + octets
