"""What kind of file it is, by its first octets.

What lives here: `kind_of`.  Names and types that somebody gives a file say nothing here.
Source: ISO 32000-2 §7.5.2 (`%PDF-` within the first 1024 octets, as readers have it); APPNOTE.TXT
§4.3 (ZIP); RFC 7468 (text around DER); RFC 7515 §7 (JWS).
Not here: whether the file is really of that kind, which its reader finds out.
"""

from __future__ import annotations

import re
from enum import StrEnum
from typing import Final

from signing.isolation.blob import Blob

_LOOKED_AT: Final = 4096
_PDF_WITHIN: Final = 1024
_BLANKS: Final = b" \t\r\n\x0b\x0c\0"
_MARKS: Final = (b"\xef\xbb\xbf", b"\xff\xfe", b"\xfe\xff")
_ARCHIVES: Final = (b"PK\x03\x04", b"PK\x05\x06")
_PICTURES: Final = (
    b"\x89PNG",
    b"\xff\xd8\xff",
    b"GIF8",
    b"II*\0",
    b"MM\0*",
    b"BM",
    b"RIFF",
    b"\0\0\0\x0cjP",
)
_BASE64_DER: Final = re.compile(rb"MI[A-Z][A-Za-z0-9+/=\r\n]{20}")
_COMPACT_JWS: Final = re.compile(rb"eyJ[A-Za-z0-9_-]*(?:\.|\Z)")


class Kind(StrEnum):
    """Who reads it."""

    PDF = "pdf"
    XML = "xml"
    CMS = "cms"
    CONTAINER = "container"
    JWS = "jws"
    PICTURE = "picture"
    EMPTY = "empty"
    UNKNOWN = "unknown"


def kind_of(document: Blob) -> Kind:
    """The kind of a file.

    1. What stands at its very beginning decides.
    2. A PDF may begin a little later.
    3. Then text, whatever blanks are before it.
    """
    head = next(iter(document.chunks(_LOOKED_AT)), b"")
    if not head:
        return Kind.EMPTY
    # 1
    if head.startswith(_ARCHIVES):
        return Kind.CONTAINER
    if head.startswith(_PICTURES):
        return Kind.PICTURE
    if head[:1] == b"0" and len(head) > 1 and (head[1] >= 0x80 or head[1] == document.size - 2):
        return Kind.CMS
    # 2
    if b"%PDF-" in head[:_PDF_WITHIN]:
        return Kind.PDF
    # 3
    return _kind_of_text(head)


def _kind_of_text(head: bytes) -> Kind:
    for mark in _MARKS:
        head = head.removeprefix(mark)
    text = head.lstrip(_BLANKS)
    if text.startswith(b"<"):
        return Kind.XML
    if text.startswith(b"-----BEGIN") or _BASE64_DER.match(text):
        return Kind.CMS
    if text.startswith(b"{") or _COMPACT_JWS.match(text):
        return Kind.JWS
    return Kind.UNKNOWN
