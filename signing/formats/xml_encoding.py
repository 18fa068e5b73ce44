"""In which encoding the bytes of an XML document are.

What lives here: the three that are signed, told by byte order mark and declaration, and how text of
ours is written among them.  Used on both sides of the walls: neither believes the other.
Source: W3C XML 1.0 §4.3.3 and Appendix F.
"""

from __future__ import annotations

import re
from codecs import BOM_UTF8, BOM_UTF16_BE, BOM_UTF16_LE
from dataclasses import dataclass
from typing import Final

_DECLARATION: Final = re.compile(
    rb"""<\?xml[ \t\r\n]+version[ \t\r\n]*=[ \t\r\n]*["']([0-9.]+)["']"""
    rb"""(?:[ \t\r\n]+encoding[ \t\r\n]*=[ \t\r\n]*["']([A-Za-z][A-Za-z0-9._-]*)["'])?"""
)
_ONE_BYTE: Final = re.compile(rb"iso-8859-[0-9]{1,2}|windows-125[0-8]")
"""Encodings that are read, though nothing is signed in them."""
_HEAD_BYTES: Final = 512
_MARKS: Final = (
    (BOM_UTF8, "utf-8"),
    (BOM_UTF16_LE, "utf-16-le"),
    (BOM_UTF16_BE, "utf-16-be"),
)
_GUESSED: Final = (b"\x00\x00", b"\x4c\x6f\xa7\x94")
"""UTF-32 and EBCDIC, which some parsers see where no mark says so."""
_DECLARED: Final = {
    "utf-8": frozenset({"", "utf-8", "utf8"}),
    "utf-16-le": frozenset({"", "utf-16", "utf-16le"}),
    "utf-16-be": frozenset({"", "utf-16", "utf-16be"}),
    "ascii": frozenset({"us-ascii", "ascii"}),
}


@dataclass(frozen=True, slots=True)
class Encoding:
    """How a document is encoded.

    Takes   codec: by Python's name; mark_bytes: how long its byte order mark is.
    """

    codec: str
    mark_bytes: int

    def decode(self, raw: bytes | memoryview) -> str:
        """The text behind the mark.

        Raises  UnicodeDecodeError.
        """
        return str(raw[self.mark_bytes :], self.codec)

    def encode(self, text: str) -> bytes:
        """Text of ours; where it has to be ASCII, other letters become references."""
        return text.encode(self.codec, "xmlcharrefreplace")

    def position(self, text: str, index: int) -> int:
        """Where the character of that index stands in the bytes of a decoded document."""
        return self.mark_bytes + len(text[:index].encode(self.codec))


def find_encoding(raw: bytes | memoryview) -> Encoding | None:
    """The encoding of a document of XML 1.0, or None for every other."""
    head = bytes(raw[:_HEAD_BYTES])
    codec, mark = next(
        ((name, bom) for bom, name in _MARKS if head.startswith(bom)), ("utf-8", b"")
    )
    start = head[len(mark) :]
    if start.startswith(_GUESSED) or (not mark and b"\x00" in head[:2]):
        return None
    if codec.startswith("utf-16"):
        # the declaration is ASCII; half a character at the end of the head is none of it
        start = start.decode(codec, "ignore").encode("ascii", "replace")
    found = _DECLARATION.match(start)
    version, declared = (b"1.0", b"") if found is None else (found[1], found[2] or b"")
    name = declared.decode("ascii").lower()
    if not mark and name in _DECLARED["ascii"]:
        codec = "ascii"
    if version != b"1.0" or name not in _DECLARED[codec]:
        return None
    return Encoding(codec, len(mark))


def find_text(raw: bytes | memoryview) -> str | None:
    """The text of a document whoever wrote it: the encodings above, and those of one byte a letter.

    Returns what stands behind the byte order mark, with its declaration; None for other encodings.
    """
    known = find_encoding(raw)
    if known is not None:
        codec, mark = known.codec, known.mark_bytes
    else:
        found = _DECLARATION.match(bytes(raw[:_HEAD_BYTES]))
        name = b"" if found is None else (found[2] or b"").lower()
        if found is None or found[1] != b"1.0" or _ONE_BYTE.fullmatch(name) is None:
            return None
        codec, mark = name.decode("ascii"), 0
    try:
        return str(raw[mark:], codec)
    except (UnicodeDecodeError, LookupError):
        return None
