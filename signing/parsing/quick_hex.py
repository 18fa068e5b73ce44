"""Hexadecimal strings are read at once, not digit by digit.

What lives here: a reader that does the same as pyHanko's and takes its place there.  A signature
is some ten thousand digits, and reading them one by one is most of what a signed PDF costs.
Source: ISO 32000-2 §7.3.4.3.
"""

from __future__ import annotations

import binascii
from typing import Any, BinaryIO, Final

from pyhanko.pdf_utils import generic
from pyhanko.pdf_utils.misc import PdfStreamError

_SPACE: Final = b" \t\r\n\f\0"
_CHUNK: Final = 8_192
THEIRS: Final = generic.read_hex_string_from_stream
"""What it takes the place of."""


def read_hex_string(stream: BinaryIO) -> Any:
    """A string from its `<` to behind its `>`.

    Raises  PdfStreamError.
    """
    start = stream.tell() + 1
    stream.seek(start)
    parts: list[bytes] = []
    size = 0
    while True:
        chunk = stream.read(_CHUNK)
        if not chunk:
            raise PdfStreamError("Stream has ended unexpectedly")
        end = chunk.find(b">")
        parts.append(chunk if end < 0 else chunk[:end])
        size += len(parts[-1])
        if end >= 0:
            break
    stream.seek(start + size + 1)
    digits = b"".join(parts).translate(None, _SPACE)
    try:
        octets = binascii.unhexlify(digits + b"0" if len(digits) % 2 else digits)
    except binascii.Error as malformed:
        raise PdfStreamError("Unexpected token in hex string") from malformed
    return generic.pdf_string(octets)


def install() -> None:
    """Let pyHanko read with it, in this process."""
    generic.read_hex_string_from_stream = read_hex_string
