"""A PDF of one page, written object by object.

What lives here: the few lines of PDF syntax that a drawing of ours needs.  The same content gives
the same bytes.  Colours are calibrated, so that a document that forbids the colours of a device
(PDF/A) keeps its conformance; nothing is transparent but what the drawing itself brings.
Source: ISO 32000-1 §7.5 (file structure), §8.6.5 (CIE-based colour spaces); ISO 19005-1 §6.2.3.
Not here: what is drawn.
"""

from __future__ import annotations

import zlib
from typing import Final

_HEADER: Final = b"%PDF-1.4\n%\xe2\xe3\xcf\xd3\n"
_CATALOG: Final = 1
_PAGES: Final = 2
_PAGE: Final = 3
_FIRST_FREE: Final = 4
COLOUR_SPACE: Final = (
    "[/CalRGB << /WhitePoint [0.9505 1 1.089] /Gamma [2.2 2.2 2.2]"
    " /Matrix [0.4124 0.2126 0.0193 0.3576 0.7152 0.1192 0.1805 0.0722 0.9505] >>]"
)
"""The primaries and white of sRGB with a plain gamma; for greys too: poppler tints CalGray."""


class OnePage:
    """Objects that belong to one page; `written` once all are there."""

    def __init__(self) -> None:
        self._objects: list[bytes] = []

    def add(self, body: str) -> str:
        """A new object; the reference to it."""
        return self._keep(body.encode("ascii"))

    def add_stream(self, data: bytes, dictionary: str = "") -> str:
        """A new compressed stream; the reference to it."""
        packed = zlib.compress(data)
        head = f"<< {dictionary} /Filter /FlateDecode /Length {len(packed)} >>\nstream\n"
        return self._keep(head.encode("ascii") + packed + b"\nendstream")

    def written(self, content: str, *, width: float, height: float, resources: str) -> bytes:
        """The whole file.

        Takes   content: operators of the page; width, height: its only box, from the origin;
                resources: entries of its dictionary (fonts and images).
        """
        drawn = self.add_stream(content.encode("ascii"))
        box = f"/MediaBox [0 0 {number(width)} {number(height)}]"
        used = f"<< /ColorSpace << /Colour {COLOUR_SPACE} >> {resources} >>"
        fixed = [
            f"<< /Type /Catalog /Pages {_PAGES} 0 R >>",
            f"<< /Type /Pages /Kids [{_PAGE} 0 R] /Count 1 >>",
            f"<< /Type /Page /Parent {_PAGES} 0 R {box} /Contents {drawn} /Resources {used} >>",
        ]
        return _file([body.encode("ascii") for body in fixed] + self._objects)

    def whole(self, *, catalog: str, pages: str, information: str) -> bytes:
        """A file of several pages, which are objects added before; their parent is `2 0 R`.

        Takes   information: reference to the dictionary with the title.
        """
        fixed = [body.encode("ascii") for body in (catalog, pages, "null")]
        return _file(fixed + self._objects, information=information)

    def _keep(self, body: bytes) -> str:
        self._objects.append(body)
        return f"{_FIRST_FREE + len(self._objects) - 1} 0 R"


def number(value: float) -> str:
    """A number as PDF writes it: no exponent, no more digits than can be seen."""
    text = f"{value:.4f}".rstrip("0").rstrip(".")
    return "0" if text in {"", "-0"} else text


def grey(value: float, *, is_line: bool = False) -> str:
    """The operators that choose a grey, 0 for black and 1 for white, for areas or for lines."""
    space, colour = ("CS", "SC") if is_line else ("cs", "sc")
    return f"/Colour {space} {' '.join([number(value)] * 3)} {colour}"


def _file(objects: list[bytes], *, information: str = "") -> bytes:
    out, places = bytearray(_HEADER), []
    for index, body in enumerate(objects, _CATALOG):
        places.append(len(out))
        out += b"%d 0 obj\n%b\nendobj\n" % (index, body)
    start = len(out)
    out += b"xref\n0 %d\n0000000000 65535 f \n" % (len(objects) + 1)
    out += b"".join(b"%010d 00000 n \n" % place for place in places)
    named = f" /Info {information}".encode("ascii") if information else b""
    out += b"trailer\n<< /Size %d /Root %d 0 R%b >>\n" % (len(objects) + 1, _CATALOG, named)
    return bytes(out) + b"startxref\n%d\n%%%%EOF\n" % start
