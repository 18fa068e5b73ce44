"""The dictionary of a signature, with a hole for it.

What lives here: a dictionary whose last two entries are always /ByteRange and /Contents, one behind
the other, so that whoever gets the increment finds both without reading PDF; and the numbers of
/ByteRange, which are known only when all is written.
Source: ISO 32000-2 Table 255, §12.8.1; ETSI EN 319 142-1 §6.3.
"""

from __future__ import annotations

import io
import os
from typing import BinaryIO

from pyhanko.pdf_utils import generic
from pyhanko.pdf_utils.generic import NameObject

from signing.messages.pdf_layout import before_hole
from signing.parsing.pdf_update import Update


class SigningDate(generic.TextStringObject):  # type: ignore[misc]  # no types there
    """A moment with its own offset, as anybody can read it in the file (ISO 32000-2 §7.9.4)."""

    def write_to_stream(self, stream: BinaryIO, *_: object) -> None:
        """See `TextStringObject`; nothing in it has to be escaped."""
        stream.write(b"(%b)" % self.encode("ascii"))


class SignatureDictionary(generic.DictionaryObject):  # type: ignore[misc]  # no types there
    """A signature that is not there yet.

    Takes   kind: /Sig or /DocTimeStamp; hole_bytes: how much DER the hole has to hold.
    """

    def __init__(self, *, kind: str, sub_filter: str, hole_bytes: int) -> None:
        super().__init__(
            {
                NameObject("/Type"): NameObject(kind),
                NameObject("/Filter"): NameObject("/Adobe.PPKLite"),
                NameObject("/SubFilter"): NameObject(sub_filter),
            }
        )
        self._hole = b"<%b>" % (b"0" * (2 * hole_bytes))
        self._start = 0

    def write_to_stream(
        self, stream: BinaryIO, handler: object = None, container_ref: object = None
    ) -> None:
        """See `DictionaryObject`."""
        stream.write(b"<<\n")
        for key, value in self.items():
            key.write_to_stream(stream, handler, container_ref)
            stream.write(b" ")
            value.write_to_stream(stream, handler, container_ref)
            stream.write(b"\n")
        stream.write(before_hole(0, 0, 0))
        self._start = stream.tell()
        stream.write(self._hole)
        stream.write(b"\n>>")

    def write_increment(self, update: Update, output: BinaryIO) -> tuple[int, int]:
        """Write the increment that this dictionary is in, with its /ByteRange.

        Returns where the hole begins and ends, counted from the beginning of the increment.
        """
        written = update.write_increment(output)
        return self._say_range(output, update.size, written, start=self._start - update.size)

    def octets(self) -> bytes:
        """It by itself, its /ByteRange not yet known."""
        stream = io.BytesIO()
        self.write_to_stream(stream)
        return stream.getvalue()

    def write_around(
        self, increment: bytes, output: BinaryIO, *, at: int, behind: int
    ) -> tuple[int, int]:
        """Write an increment in which its `octets` are, with its /ByteRange.

        Takes   at: where they are; behind: how many octets the document has.
        Returns as `write_increment`.
        """
        output.write(increment)
        return self._say_range(output, behind, len(increment), start=at + self._start)

    def _say_range(
        self, output: BinaryIO, behind: int, written: int, *, start: int
    ) -> tuple[int, int]:
        end = start + len(self._hole)
        known = before_hole(behind + start, behind + end, written - end)
        output.seek(start - len(known))
        output.write(known)
        output.seek(0, os.SEEK_END)
        return start, end
