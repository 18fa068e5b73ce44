"""PDF files made by hand, object by object, so that a test knows every byte of them.

What lives here: `HandmadePdf`, which writes the same objects with a classic cross-reference table,
with a cross-reference stream (and object streams), or as a hybrid of both, and `plain_document`,
a small one to start from.  Source: ISO 32000-1 §7.5.
Not here: files of real programs (`pdf_programs`), files that mean harm (`hostile_pdfs`).
"""

from __future__ import annotations

import zlib
from typing import Final

_HEADER: Final = b"%PDF-1.7\n%\xe2\xe3\xcf\xd3\n"
_FREE: Final = 0
_PLAIN: Final = 1
_PACKED: Final = 2

Row = tuple[int, int, int]


class HandmadePdf:
    """Objects by number; the catalog is `root`."""

    def __init__(self) -> None:
        self._objects: dict[int, bytes] = {}
        self.root = 0

    def add(self, body: str | bytes) -> int:
        """A new object; its number."""
        number = max(self._objects, default=0) + 1
        self.put(number, body)
        return number

    def add_stream(self, data: bytes, dictionary: str = "") -> int:
        """A new stream of these bytes as they are; its number."""
        return self.add(_stream(data, dictionary))

    def put(self, number: int, body: str | bytes) -> None:
        """Let an object be this."""
        self._objects[number] = body.encode("latin-1") if isinstance(body, str) else body

    def classic(self, trailer: str = "") -> bytes:
        """With a cross-reference table."""
        out, places = bytearray(_HEADER), dict[int, int]()
        _write_objects(out, places, self._objects)
        start = len(out)
        out += _table(self._size, places)
        out += f"trailer\n<< {self._trailer()} {trailer} >>\n".encode()
        return bytes(out) + b"startxref\n%d\n%%%%EOF\n" % start

    def with_streams(self, trailer: str = "") -> bytes:
        """With a cross-reference stream, and objects that are no streams inside of a stream."""
        plain = {number: body for number, body in self._objects.items() if _is_stream(body)}
        packed = {number: body for number, body in self._objects.items() if number not in plain}
        out, rows = bytearray(_HEADER), self._free_rows()
        holder, own = self._size, self._size + 1
        self._write_packed(out, rows, plain, packed, holder)
        start = len(out)
        rows[own] = (_PLAIN, start, 0)
        out += _xref_stream(own, rows, f"/Size {own + 1} /Root {self.root} 0 R {trailer}")
        return bytes(out) + b"startxref\n%d\n%%%%EOF\n" % start

    def hybrid(self, *hidden: int) -> bytes:
        """As a word processor writes it: a table, and a stream for the objects in `hidden`.

        Source: ISO 32000-1 §7.5.8.4.
        """
        packed = {number: self._objects[number] for number in hidden}
        plain = {number: body for number, body in self._objects.items() if number not in packed}
        holder, own = self._size, self._size + 1
        out, rows = bytearray(_HEADER), dict[int, Row]()
        self._write_packed(out, rows, plain, packed, holder)
        stream_at = len(out)
        rows = {number: row for number, row in rows.items() if number in packed}
        rows[holder] = (_PLAIN, out.index(b"\n%d 0 obj" % holder) + 1, 0)
        out += _xref_stream(own, rows, f"/Size {own + 1} /Root {self.root} 0 R")
        places = {number: out.index(b"\n%d 0 obj" % number) + 1 for number in (*plain, holder, own)}
        first = len(out)
        out += _table(own + 1, places)
        out += f"trailer\n<< /Size {own + 1} /Root {self.root} 0 R >>\n".encode()
        out += b"startxref\n%d\n%%%%EOF\n" % first
        second = len(out)
        out += b"xref\n0 0\ntrailer\n"
        out += (
            f"<< /Size {own + 1} /Root {self.root} 0 R /Prev {first} /XRefStm {stream_at} >>\n"
        ).encode()
        return bytes(out) + b"startxref\n%d\n%%%%EOF\n" % second

    @property
    def _size(self) -> int:
        return max(self._objects) + 1

    def _trailer(self) -> str:
        return f"/Size {self._size} /Root {self.root} 0 R"

    def _free_rows(self) -> dict[int, Row]:
        return {0: (_FREE, 0, 65535)}

    def _write_packed(
        self,
        out: bytearray,
        rows: dict[int, Row],
        plain: dict[int, bytes],
        packed: dict[int, bytes],
        holder: int,
    ) -> None:
        places: dict[int, int] = {}
        _write_objects(out, places, plain)
        rows |= {number: (_PLAIN, place, 0) for number, place in places.items()}
        heads, bodies = [], bytearray()
        for index, (number, body) in enumerate(packed.items()):
            heads.append(f"{number} {len(bodies)}")
            bodies += body + b"\n"
            rows[number] = (_PACKED, holder, index)
        head = (" ".join(heads) + "\n").encode()
        content = zlib.compress(head + bytes(bodies))
        rows[holder] = (_PLAIN, len(out), 0)
        described = f"/Type /ObjStm /N {len(packed)} /First {len(head)} /Filter /FlateDecode"
        _write_objects(out, {}, {holder: _stream(content, described)})


def plain_document(
    *, pages: int = 1, catalog: str = "", page: str = "", box: str = "0 0 595 842"
) -> HandmadePdf:
    """Pages with a line of text on each.

    Takes   catalog, page: what more stands in the catalog's and in each page's dictionary;
            box: the media box, inherited from the root of the pages.
    """
    made = HandmadePdf()
    made.root = made.add("")
    tree = made.add("")
    font = made.add("<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica >>")
    content = made.add_stream(b"BT /F1 24 Tf 72 400 Td (To whom it may concern) Tj ET")
    kids = [
        made.add(f"<< /Type /Page /Parent {tree} 0 R /Contents {content} 0 R {page} >>")
        for _ in range(pages)
    ]
    made.put(made.root, f"<< /Type /Catalog /Pages {tree} 0 R {catalog} >>")
    named = " ".join(f"{kid} 0 R" for kid in kids)
    made.put(
        tree,
        f"<< /Type /Pages /Count {pages} /Kids [{named}] /MediaBox [{box}] "
        f"/Resources << /Font << /F1 {font} 0 R >> >> >>",
    )
    return made


def _is_stream(body: bytes) -> bool:
    return body.endswith(b"endstream")


def _stream(data: bytes, dictionary: str) -> bytes:
    head = f"<< /Length {len(data)} {dictionary} >>\nstream\n".encode()
    return head + data + b"\nendstream"


def _write_objects(out: bytearray, places: dict[int, int], objects: dict[int, bytes]) -> None:
    for number, body in objects.items():
        places[number] = len(out)
        out += b"%d 0 obj\n%b\nendobj\n" % (number, body)


def _table(size: int, places: dict[int, int]) -> bytes:
    lines = [f"xref\n0 {size}\n", "0000000000 65535 f \n"]
    lines += [
        f"{places[number]:010d} 00000 n \n" if number in places else "0000000000 65535 f \n"
        for number in range(1, size)
    ]
    return "".join(lines).encode()


def _xref_stream(own: int, rows: dict[int, Row], dictionary: str) -> bytes:
    numbers = sorted(rows)
    index = " ".join(f"{number} 1" for number in numbers)
    data = b"".join(
        rows[number][0].to_bytes(1, "big")
        + rows[number][1].to_bytes(4, "big")
        + rows[number][2].to_bytes(2, "big")
        for number in numbers
    )
    packed = zlib.compress(data)
    described = f"/Type /XRef /W [1 4 2] /Index [{index}] /Filter /FlateDecode {dictionary}"
    return b"%d 0 obj\n%b\nendobj\n" % (own, _stream(packed, described))
