"""Names and hexadecimal strings are read at once, not letter by letter.

What lives here: readers that do the same as pyHanko's and take their place.  A signature is some
ten thousand digits, and reading them one by one is most of what a signed PDF costs; of the rest
it is names.
Source: ISO 32000-2 §7.3.4.3, §7.3.5.
"""

from __future__ import annotations

import binascii
import re
from functools import lru_cache
from typing import Any, BinaryIO, Final

from pyhanko.pdf_utils import generic
from pyhanko.pdf_utils.misc import PdfStreamError

_SPACE: Final = b" \t\r\n\f\0"
_CHUNK: Final = 8_192
_LONGEST_NAME: Final = 64
_NAME: Final = re.compile(rb"/([^\x00\t\n\f\r ()<>\[\]{}/%]*)")
THEIR_HEX: Final = generic.read_hex_string_from_stream
THEIR_NAME: Final = generic.NameObject.read_from_stream
"""What these take the place of."""


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


def read_name(stream: BinaryIO) -> Any:
    """A name from its stroke to its last letter.

    Raises  PdfReadError.
    """
    start = stream.tell()
    hit = _NAME.match(stream.read(_LONGEST_NAME))
    if hit is None or hit.end() == _LONGEST_NAME:
        stream.seek(start)
        return THEIR_NAME(stream)
    stream.seek(start + hit.end())
    return generic.NameObject(_decoded(hit[1]))


@lru_cache(maxsize=4_096)
def _decoded(raw: bytes) -> str:
    return str(generic._decode_name(raw))  # noqa: SLF001  the library's own, escapes and all


def install() -> None:
    """Let pyHanko read with them, in this process."""
    generic.read_hex_string_from_stream = read_hex_string
    generic.NameObject.read_from_stream = staticmethod(read_name)
