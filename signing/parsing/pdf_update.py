"""One incremental update of a PDF: the document as it is, and the octets behind it.

What lives here: a document that is read where it lies, in several parts if need be, without being
copied; and what is written behind it.  Only objects that changed are written, information and XMP
metadata stay as they are, so that an archive file (PDF/A) says the same in both as before.
Source: ISO 32000-2 §7.5.6 (incremental updates), §7.5.8.4 (hybrid references).
Not here: what is changed (`pdf_signature`, `pdf_timestamp`, `pdf_material`).
"""

from __future__ import annotations

import io
import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from typing import Any, BinaryIO, Final

from pyhanko.pdf_utils import generic
from pyhanko.pdf_utils.extensions import DeveloperExtension, DevExtensionMultivalued
from pyhanko.pdf_utils.incremental_writer import IncrementalPdfFileWriter
from pyhanko.pdf_utils.xref import XRefSectionType

from signing.errors import DocumentRefused
from signing.parsing.pdf_damage import DAMAGE
from signing.parsing.pdf_objects import Octets
from signing.parsing.pdf_reader import ExactReader

_COPIED_BYTES: Final = 4 << 20
"""A copy in memory is quicker to read than parts, and up to here it costs nothing."""
_READ_AHEAD: Final = 8 << 10
_ESIC: Final = DeveloperExtension(
    prefix_name=generic.pdf_name("/ESIC"),
    base_version=generic.pdf_name("/1.7"),
    extension_level=5,
    compare_by_level=True,
    multivalued=DevExtensionMultivalued.NEVER,
)
"""What PDF 1.7 did not have: signatures as in EN 319 142-1, the store, document timestamps."""


class _Parts(io.RawIOBase):
    """Views one after the other, as one file."""

    def __init__(self, views: Sequence[memoryview]) -> None:
        self._views = list(views)
        self._size = sum(map(len, views))
        self._position = 0

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def tell(self) -> int:
        return self._position

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        start = {os.SEEK_SET: 0, os.SEEK_CUR: self._position, os.SEEK_END: self._size}[whence]
        if start + offset < 0:
            raise ValueError("before the beginning")
        self._position = start + offset
        return self._position

    def readinto(self, buffer: bytearray | memoryview) -> int:  # type: ignore[override]  # narrower
        start = self._position
        for view in self._views:
            if start < len(view):
                piece = view[start : start + len(buffer)]
                buffer[: len(piece)] = piece
                self._position += len(piece)
                return len(piece)
            start -= len(view)
        return 0


class _Behind(io.BytesIO):
    """A file whose first octets are elsewhere."""

    def __init__(self, base: int) -> None:
        super().__init__()
        self._base = base

    def tell(self) -> int:
        return self._base + super().tell()


class Update(IncrementalPdfFileWriter):  # type: ignore[misc]  # a class of a library without types
    """What is changed in a document; `write_increment` writes it."""

    _lastobj_id: int

    def __init__(self, stream: BinaryIO, *, size: int, octets: Octets | None) -> None:
        reader = ExactReader(stream, octets=octets)
        if "/Encrypt" in reader.trailer:
            raise DocumentRefused("encrypted")
        super().__init__(stream, prev=reader)
        self.size = size
        newest = reader.xrefs.get_xref_container_info(reader.total_revisions - 1)
        # the kind of the newest section, which is what an update has to go on with
        self.stream_xrefs = newest.xref_section_type is XRefSectionType.STREAM
        # NOTE: /Size is too small in some files, and a new object would replace one of theirs
        self._lastobj_id = max(self._lastobj_id, _highest_number(reader))

    @classmethod
    def _handle_id(cls, prev: ExactReader) -> generic.ArrayObject:
        with suppress(ValueError, TypeError, AttributeError):
            found: generic.ArrayObject = super()._handle_id(prev)
            if isinstance(found[0], generic.ByteStringObject):
                return found
        new = [generic.ByteStringObject(os.urandom(16)) for _ in range(2)]
        return generic.ArrayObject(new)

    def declare_extension(self) -> None:
        """Say in a file before PDF 2.0 that it uses what EN 319 142-1 added (its §5.6)."""
        if self.prev.input_version >= (2, 0):
            return
        known = entry(self.root, "/Extensions")
        if isinstance(known, generic.DictionaryObject) and "/ESIC" in known:
            return
        self.register_extension(_ESIC)
        self.update_root()

    def write_increment(self, output: BinaryIO) -> int:
        """Write what has to stand behind the document; a last line without an end gets one.

        Returns how many octets these are.
        """
        behind = _Behind(self.size)
        self.stream.seek(-1, os.SEEK_END)
        if self.stream.read(1) not in {b"\n", b"\r"}:
            behind.write(b"\n")
        self._write(behind, skip_header=True)
        return output.write(behind.getbuffer())

    @property
    def stream(self) -> BinaryIO:
        """The document."""
        found: BinaryIO = self.prev.stream
        return found


@contextmanager
def open_update(inputs: Sequence[memoryview]) -> Iterator[Update]:
    """The document in these parts, to be changed.

    Raises  DocumentRefused: encrypted; damaged (whatever goes wrong until the end of the `with`).
    """
    size = sum(map(len, inputs))
    stream: BinaryIO
    octets: Octets | None
    if size <= _COPIED_BYTES:
        octets = b"".join(inputs)
        stream = io.BytesIO(octets)
    else:
        octets = inputs[0] if len(inputs) == 1 else None
        stream = io.BufferedReader(_Parts(inputs), _READ_AHEAD)
    try:
        yield Update(stream, size=size, octets=octets)
    except DAMAGE as error:
        raise DocumentRefused("damaged") from error


def entry(dictionary: generic.DictionaryObject, key: str) -> Any:
    """The value itself, wherever it stands; None where there is none, or null."""
    found: Any = dict.get(dictionary, key)
    if found is None:
        return None
    try:
        if key == "/Metadata":  # which pyHanko reads as what it is
            return dictionary[key]
        found = found.get_object()
    except KeyError:  # also of what is referred to
        return None
    return None if isinstance(found, generic.NullObject) else found


def _highest_number(reader: ExactReader) -> int:
    numbers = [0]
    for revision in range(reader.total_revisions):
        section = reader.xrefs.get_xref_data(revision)
        for known in (section, *([section.hybrid.xref_data] if section.hybrid else [])):
            numbers.append(max(known.standard_xrefs, default=0))
            numbers.append(max(known.xrefs_in_objstm, default=0))
    return max(numbers)
