"""What the functions behind the walls write into a PDF, called as they are called there.

What lives here: an increment with the document in front of it, and how its catalogue reads; and
increments of whatever objects, written as ours are.
"""

from __future__ import annotations

import io
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta, timezone
from typing import Any, Final

from pyhanko.pdf_utils.reader import PdfFileReader

from signing.messages.pdf_signature import SignatureAsked
from signing.parsing.pdf_signature import add_signature

SIGNED_AT: Final = datetime(2026, 11, 21, 10, 4, 5, tzinfo=timezone(timedelta(hours=7)))


@dataclass(frozen=True, slots=True)
class Added:
    """What came back, and the whole document with it."""

    answered: Any
    increment: bytes = field(repr=False)
    content: bytes = field(repr=False)

    @property
    def root(self) -> Any:
        """The catalogue, as somebody reads it."""
        return PdfFileReader(io.BytesIO(self.content)).root


def write(function: Callable[..., Any], asked: Any, content: bytes, *more: bytes) -> Added:
    """Call a function with a document, and with what else it takes."""
    output = io.BytesIO()
    answered = function(asked, [memoryview(one) for one in (content, *more)], output)
    return Added(answered, output.getvalue(), content + output.getvalue())


def sign(content: bytes, *drawn: bytes, **changes: Any) -> Added:
    """A signature with a small hole; a test changes what it is about."""
    asked = SignatureAsked(**({"hole_bytes": 100, "signed_at": SIGNED_AT} | changes))
    return write(add_signature, asked, content, *drawn)


def append_objects(content: bytes, objects: Mapping[int, bytes], *, trailer: str = "") -> bytes:
    """An increment as our own writer makes them, of whatever objects."""
    before = int(re.findall(rb"startxref\s+(\d+)", content)[-1])
    size = int(re.findall(rb"/Size (\d+)", content)[-1])
    out, rows = bytearray(), bytearray(b"0 1\n0000000000 65535 f \n")
    for number, body in objects.items():
        rows += b"%d 1\n%010d 00000 n \n" % (number, len(content) + len(out))
        out += b"%d 0 obj\n%b\nendobj\n" % (number, body)
    at = len(content) + len(out)
    size = max(size, *(one + 1 for one in objects))
    said = f"/Size {size} /Root 1 0 R /Prev {before} {trailer}".encode()
    table = bytes(rows)
    return bytes(out) + b"xref\n%btrailer\n<< %b >>\nstartxref\n%d\n%%%%EOF\n" % (table, said, at)
