"""PDF files that mean harm, or are harmed: each has one thing about it that intake must notice.

What lives here: `REFUSED`, builders by name with the reason that they are refused for.  They are
made when they are asked for.  Not here: files of real programs (`pdf_programs`).
"""

from __future__ import annotations

import io
import zlib
from collections.abc import Callable
from typing import Final

from pyhanko.pdf_utils.reader import PdfFileReader
from pyhanko.pdf_utils.writer import copy_into_new_writer

from tests.support.handmade_pdf import HandmadePdf, plain_document

_SCRIPT: Final = "<< /S /JavaScript /JS (app.alert\\(1\\)) >>"


def _with(catalog: str, *, page: str = "", packed: bool = False) -> Callable[[], bytes]:
    made = plain_document(catalog=catalog, page=page)
    return made.with_streams if packed else made.classic


def encrypted(user_word: str = "") -> bytes:
    """Encrypted; without a word for its reader, anybody opens it."""
    made = copy_into_new_writer(PdfFileReader(io.BytesIO(plain_document().classic())))
    made.encrypt(owner_pass="a", user_pass=user_word)
    out = io.BytesIO()
    made.write(out)
    return out.getvalue()


def _truncated() -> bytes:
    whole = plain_document(pages=3).classic()
    return whole[: len(whole) * 2 // 3]


def _wrong_startxref() -> bytes:
    whole = plain_document().classic()
    at = whole.rindex(b"startxref")
    return whole[:at] + b"startxref\n99999999\n%%EOF\n"


def _without_catalog() -> bytes:
    return plain_document().classic().replace(b"/Pages 2 0 R", b"/Pages 9 0 R")


def _circle() -> bytes:
    made = plain_document()
    made.put(2, "<< /Type /Pages /Count 1 /Kids [2 0 R] /MediaBox [0 0 9 9] >>")
    return made.classic()


def _lying_count() -> bytes:
    return plain_document(pages=2).classic().replace(b"/Count 2", b"/Count 7")


def _doubling() -> bytes:
    """A tree in which each node has the next one twice: 2^40 pages in forty objects."""
    made = HandmadePdf()
    made.root = made.add("<< /Type /Catalog /Pages 2 0 R >>")
    for number in range(2, 42):
        below = f"{number + 1} 0 R"
        made.add(f"<< /Type /Pages /Count 2 /Kids [{below} {below}] /MediaBox [0 0 9 9] >>")
    made.add("<< /Type /Page >>")
    return made.classic()


def _bomb_in_contents(*, filters: int) -> bytes:
    made = plain_document()
    data = _blanks(b"", mebibytes=128)
    for _ in range(filters - 1):
        data = zlib.compress(data, 9)
    named = " ".join(["/FlateDecode"] * filters)
    bomb = made.add_stream(data, f"/Filter [{named}]")
    made.put(5, f"<< /Type /Page /Parent 2 0 R /Contents {bomb} 0 R >>")
    return made.classic()


def _bomb_in_references() -> bytes:
    """A cross-reference stream of a gigabyte, which is a megabyte in the file."""
    data = _blanks(b"", mebibytes=1_024)
    head = (
        b"%%PDF-1.5\n1 0 obj\n<< /Type /XRef /W [1 4 2] /Size 2 /Root 2 0 R /Length %d "
        b"/Filter /FlateDecode >>\nstream\n" % len(data)
    )
    return head + data + b"\nendstream\nendobj\nstartxref\n9\n%%EOF\n"


def _bomb_in_objects() -> bytes:
    """An update of a stream of objects: the one it has to have, and a gigabyte of blanks."""
    made = plain_document(catalog="/ViewerPreferences 6 0 R")
    small = made.hybrid(made.add("<< >>"))
    assert b"\n7 0 obj\n<< /Length" in small  # the stream of objects
    data = _blanks(b"6 0\n<< >>\n", mebibytes=1_024)
    described = b"<< /Type /ObjStm /N 1 /First 4 /Filter /FlateDecode /Length %d >>" % len(data)
    body = b"7 0 obj\n%b\nstream\n%b\nendstream\nendobj\n" % (described, data)
    previous = small.rsplit(b"startxref\n", 1)[1].split(b"\n", 1)[0]
    update = b"xref\n7 1\n%010d 00000 n \n" % len(small)
    update += b"trailer\n<< /Size 9 /Root 1 0 R /Prev %b >>\n" % previous
    start = len(small) + len(body)
    return small + body + update + b"startxref\n%d\n%%%%EOF\n" % start


def _blanks(first: bytes, *, mebibytes: int) -> bytes:
    """Compressed: `first`, then so many blanks.

    A portion that begins with nothing before it looks the same every time, and nobody who stops
    early reads as far as the checksum.
    """
    packer = zlib.compressobj(9)
    begun = packer.compress(first) + packer.flush(zlib.Z_FULL_FLUSH)
    portion = packer.compress(b" " * (16 << 20)) + packer.flush(zlib.Z_FULL_FLUSH)
    return begun + portion * (mebibytes // 16) + packer.flush()


def redrawn(content: bytes, painting: str) -> bytes:
    """An increment that draws the page of `plain_document` anew; no signature is in it."""
    before = int(content[content.rindex(b"startxref") :].split()[1])
    drawn = f"4 0 obj\n<< /Length {len(painting)} >>\nstream\n{painting}\nendstream\nendobj\n"
    trailer = content[content.rindex(b"trailer") : content.rindex(b"startxref")]
    trailer = trailer.replace(b"<<", b"<< /Prev %d" % before, 1)
    table = b"xref\n4 1\n%010d 00000 n \n" % len(content)
    place = len(content) + len(drawn)
    return b"%b%b%bstartxref\n%d\n%%%%EOF\n" % (drawn.encode(), table, trailer, place)


def many_pages(count: int) -> bytes:
    """So many pages, each an object of its own."""
    return plain_document(pages=count).classic()


REFUSED: Final[dict[str, tuple[Callable[[], bytes], str]]] = {
    "encrypted": (encrypted, "encrypted"),
    "truncated": (_truncated, "truncated"),
    "wrong startxref": (_wrong_startxref, "damaged"),
    "no page tree": (_without_catalog, "damaged"),
    "pages in a circle": (_circle, "damaged"),
    "fewer pages than it says": (_lying_count, "damaged"),
    "pages that double": (_doubling, "damaged"),
    "no octets of a PDF": (lambda: b"%PDF-1.7\n" + bytes(500) + b"\n%%EOF\n", "damaged"),
    "a page without an area": (plain_document(box="0 0 0 842").classic, "damaged"),
    "10,001 pages": (lambda: many_pages(10_001), "too_many_pages"),
    "says it has a million pages": (
        lambda: plain_document().classic().replace(b"/Count 1", b"/Count 1000000"),
        "too_many_pages",
    ),
    "a bomb in the contents": (lambda: _bomb_in_contents(filters=1), "expands_too_much"),
    "a bomb in a bomb": (lambda: _bomb_in_contents(filters=2), "expands_too_much"),
    "a bomb in the references": (_bomb_in_references, "damaged"),
    "a bomb in an object stream": (_bomb_in_objects, "expands_too_much"),
    "a script when it opens": (_with(f"/OpenAction {_SCRIPT}"), "javascript"),
    "a script with a name": (
        _with(f"/Names << /JavaScript << /Names [(a) {_SCRIPT}] >> >>"),
        "javascript",
    ),
    "a script before it is printed": (_with(f"/AA << /WP {_SCRIPT} >>"), "javascript"),
    "a script of a page": (_with("", page=f"/AA << /O {_SCRIPT} >>"), "javascript"),
    "a script of an annotation": (
        _with("", page=f"/Annots [<< /Subtype /Link /Rect [0 0 9 9] /A {_SCRIPT} >>]"),
        "javascript",
    ),
    "a script after a jump": (
        _with(f"/OpenAction << /S /URI /URI (a) /Next [<< /S /Named >> {_SCRIPT}] >>"),
        "javascript",
    ),
    "a script with escaped letters": (
        _with("/OpenAction << /S /J#61vaScript /J#53 (a) >>"),
        "javascript",
    ),
    "a script in an object stream": (_with(f"/OpenAction {_SCRIPT}", packed=True), "javascript"),
    "a program that is started": (
        _with("/OpenAction << /S /Launch /F (calc.exe) >>"),
        "launch_action",
    ),
    "a program, escaped and packed": (
        _with("/OpenAction << /S /L#61unch /F (calc.exe) >>", packed=True),
        "launch_action",
    ),
    "a form that draws itself": (
        _with("/AcroForm << /Fields [] /XFA [(template) 3 0 R] >>"),
        "xfa_form",
    ),
    "a film": (
        _with("", page="/Annots [<< /Subtype /RichMedia /Rect [0 0 9 9] >>]"),
        "rich_media",
    ),
}


def with_unreached_script() -> bytes:
    """A script that nothing refers to yet."""
    made = plain_document()
    made.add(_SCRIPT)
    return made.classic()


def with_words_about_scripts() -> bytes:
    """No script, only the words of one, in text that is not compressed."""
    made = plain_document()
    made.add_stream(b"BT (/JavaScript and /Launch and /JS ) Tj ET")
    return made.classic()
