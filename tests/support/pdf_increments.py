"""What the functions behind the walls write into a PDF, called as they are called there.

What lives here: an increment with the document in front of it, and how its catalogue reads.
"""

from __future__ import annotations

import io
from collections.abc import Callable
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
