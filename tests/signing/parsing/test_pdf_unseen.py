"""Pages are left undrawn only where no document and no update can show them in another way."""

from __future__ import annotations

import io
import re
from collections.abc import Callable
from functools import partial
from itertools import cycle
from typing import Final

import pypdfium2
import pytest
from pyhanko.pdf_utils.reader import PdfFileReader

from signing.errors import DocumentRefused
from signing.messages.page_images import GreyAsked, GreyDrawn
from signing.parsing.grey_pages import draw_grey
from signing.parsing.pdf_plain import check_whole, read_plain
from signing.parsing.pdf_sections import Odd
from signing.parsing.pdf_unseen import is_unseen
from tests.support.handmade_pdf import HandmadePdf, plain_document
from tests.support.pdf_increments import append_objects, sign
from tests.support.pdf_programs import NAMES

_SOME: Final = 100
_WRITTEN_IN_ONE_PIECE: Final = frozenset(
    {"cairo-text", "chromium-print", "libreoffice-archive", "libreoffice-letter", "reportlab-text"}
)
_EVIL: Final = b"0.5 g 60 300 300 80 re f"
_ROOT, _TREE, _FONT, _CONTENT, _FIRST, _SECOND, _NEXT = 1, 2, 3, 4, 5, 6, 7


def _plain(**more: str) -> HandmadePdf:
    return plain_document(pages=2, **more)


def _with(number: int, body: str | bytes) -> bytes:
    made = _plain()
    made.put(number, body)
    return made.classic()


def _page(more: str = "") -> str:
    return f"<< /Type /Page /Parent 2 0 R /Contents 4 0 R {more} >>"


def _stream(data: bytes, length: int | None = None, more: str = "") -> bytes:
    head = f"<< /Length {len(data) if length is None else length} {more} >>\nstream\n".encode()
    return head + data + b"\nendstream"


def _drawn(content: bytes, increment: bytes) -> GreyDrawn:
    inputs = [memoryview(content), memoryview(increment)]
    return draw_grey(GreyAsked((0, 1), 20, 500_000, looks=True), inputs, io.BytesIO())


def _seen(content: bytes) -> list[bytes]:
    document = pypdfium2.PdfDocument(content)
    document.init_forms()
    try:
        return [bytes(page.render(scale=0.3, draw_annots=True).buffer) for page in document]
    finally:
        document.close()


_PLAIN: Final[dict[str, Callable[[], bytes]]] = {
    "as it is": _plain().classic,
    "without a last line": lambda: _plain().classic().rstrip(b"\n"),
    "of 2020": lambda: _plain().classic().replace(b"%PDF-1.7", b"%PDF-2.0"),
    "of 2001": lambda: _plain().classic().replace(b"%PDF-1.7", b"%PDF-1.4"),
    "with a name for it": lambda: _plain().classic("/ID [<aa> <bb>]"),
    "with information": lambda: _plain().classic("/Info 3 0 R"),
    "with a title": lambda: _with(
        _NEXT, "<< /Title (Give \\(and\\) take: 100%, endobj) /A <41> >>"
    ),
    "with a maker": lambda: _with(_NEXT, "<< /Producer (cairo (https://example.org) \\( 1) >>"),
    "with a number beside a page": lambda: _with(
        _FIRST, _page().replace("/Page ", "/Page % 1\n").encode()
    ),
    "with a length elsewhere": lambda: _plain_length().classic(),
    "with notes": lambda: _with_notes("/Annots[7 0 R\n7 0 R]/Rotate 90"),
    "with a list for notes": lambda: _with_notes("/Annots []"),
    "a sentence that names objects": lambda: _with(_CONTENT, _stream(b"BT (12 0 obj) Tj ET")),
    "a name with a space": lambda: _with(_FONT, "<< /Type /Font /BaseFont /Courier#20New >>"),
}


def _with_notes(notes: str) -> bytes:
    made = _plain()
    made.put(_FIRST, _page(notes))
    made.put(_NEXT, "<< /Type /Annot /Subtype /Square /Rect [60 300 360 380] /IC [0.5] /F 4 >>")
    return made.classic()


def _with_colours(said: str) -> bytes:
    """Names of colours are keys of the page, whose notes are a colour as long as they are four."""
    made = _plain()
    made.put(_FIRST, _page("/Annots [8 0 R 9 0 R 10 0 R 11 0 R]"))
    made.put(_SECOND, _page(f"/Resources << {said} >>").replace("4 0 R", "7 0 R", 1))
    made.put(_NEXT, _stream(b"/Annots cs 0 scn 60 300 300 80 re f"))
    shade = "<< /FunctionType 2 /Domain [0 1] /C0 [1] /C1 [0] /N 1 >>"
    for number, body in enumerate(("/Separation", "/Spot", "/DeviceGray", shade, "5 0 R"), 8):
        made.put(number, body)
    return made.classic()


def _plain_length() -> HandmadePdf:
    made = _plain()
    made.put(_CONTENT, b"<< /Length 7 0 R >>\nstream\nq Q\nendstream")
    made.put(_NEXT, "3")
    return made


@pytest.mark.parametrize("name", _PLAIN)
def test_of_a_plain_document_no_page_is_drawn(name: str) -> None:
    content = _PLAIN[name]()
    increment = sign(content, reason="Đồng ý (tất cả)").increment
    assert is_unseen(content, increment)
    assert _seen(content) == _seen(content + increment)
    drawn = _drawn(content, increment)
    assert (drawn.is_unseen, drawn.is_told, drawn.drawn) == (True, True, ())
    assert (drawn.pages_before, drawn.pages_after) == (2, 2)


@pytest.mark.parametrize(
    "name", ["of 2020", "of 2001", "with a name for it", "with information", "with notes"]
)
def test_what_is_written_reads_as_if_a_library_had_written_it(name: str) -> None:
    content = _PLAIN[name]()
    ours = sign(content).content
    # where a comment stands somewhere, a library writes
    theirs = sign(content.replace(b"R  >>", b"R%\n>>", 1)).content
    one, other = (PdfFileReader(io.BytesIO(each)) for each in (ours, theirs))
    assert is_unseen(content, ours[len(content) :])
    for reader in (one, other):
        field = reader.root["/AcroForm"]["/Fields"][0]
        assert field["/V"]["/ByteRange"][0] == 0
        assert field["/P"]["/Annots"][-1] == field
        assert reader.trailer["/Size"] == 1 + max(
            one.idnum for one in reader.xrefs.explicit_refs_in_revision(1)
        )
    assert one.root.keys() == other.root.keys()
    assert one.input_version == other.input_version
    assert one.trailer.keys() == other.trailer.keys()
    mine, foreign = (reader.root["/AcroForm"]["/Fields"][0] for reader in (one, other))
    assert mine.keys() == foreign.keys()
    assert mine["/V"].keys() == foreign["/V"].keys()


@pytest.mark.parametrize("name", NAMES)
def test_programs_write_documents_that_show_the_same(pdf_programs, name: str) -> None:
    content = pdf_programs[name].content
    increment = sign(content).increment
    is_plain = is_unseen(content, increment)
    assert is_plain or name not in _WRITTEN_IN_ONE_PIECE
    if is_plain:
        assert _seen(content) == _seen(content + increment)


# -- documents that show, or could show, one thing until something is appended to them


def _hidden(number: int) -> bytes:
    """An object that no table names, and that is found by who looks for objects."""
    return b"%d 0 obj\n<< /Type /Page /Parent 2 0 R >>\nendobj\n" % number


def _beside(number: int) -> bytes:
    content = _plain().classic()
    at = content.index(b"xref\n")
    moved = content[:at] + _hidden(number) + content[at:]
    return moved.replace(b"startxref\n%d" % at, b"startxref\n%d" % moved.index(b"xref\n"))


def _beyond_the_size() -> bytes:
    made = _plain()
    made.put(_SECOND, _page().replace("4 0 R", "[4 0 R 20 0 R]"))
    made.put(20, _stream(_EVIL))
    return made.classic().replace(b"/Size 21", b"/Size 12")


def _row(number: int, new: bytes) -> Callable[[], bytes]:
    def make() -> bytes:
        content = _plain().classic()
        at = content.index(b"65535 f \n") - 11 + 20 * number
        return content[:at] + new + content[at + len(new) :]

    return make


def _note(kind: str, more: str = "") -> Callable[[], bytes]:
    def make() -> bytes:
        made = _plain()
        made.put(_SECOND, _page("/Annots [7 0 R]"))
        shown = "/Rect [60 300 360 380] /FT /Tx /T (Sum) /V (900) /DA (/Helv 24 Tf 0 g) /F 4"
        made.put(_NEXT, f"<< /Type /Annot {kind} {shown} {more} >>")
        return made.classic()

    return make


_DECEIVING: Final[dict[str, Callable[[], bytes]]] = {
    # what goes on behind its end
    "a stream without an end": lambda: _with(_NEXT, b"<< /Length 9999 >>\nstream\n" + _EVIL),
    "a stream that is longer": lambda: _with(_CONTENT, _stream(b"q Q", length=12)),
    "a stream that ends twice": lambda: _with(_CONTENT, _stream(b"q\nendstream\nQ")),
    "a stream with two lengths": lambda: _with(_CONTENT, _stream(b"q", more="/Length 2")),
    "a stream with no length": lambda: _with(_CONTENT, b"<< >>\nstream\nq Q\nendstream"),
    "a length that is not there": lambda: _with(
        _CONTENT, b"<< /Length 40 0 R >>\nstream\nq Q\nendstream"
    ),
    "a stream that begins oddly": lambda: _with(
        _CONTENT, b"<< /Length 3 >>\nstream\rq Q\nendstream"
    ),
    "a stream with a text": lambda: _with(_CONTENT, _stream(b"q Q", more="/T (stream\n)")),
    "an open array": lambda: _with(_NEXT, "[ 4 0 R 5 0 R"),
    "an open dictionary": lambda: _with(_NEXT, "<< /Contents 4 0 R"),
    "an open string": lambda: _with(_NEXT, "(never ending"),
    "an open string of digits": lambda: _with(_NEXT, "<414243"),
    "a string in a string in a string": lambda: _with(_NEXT, "(a(b(c)))"),
    "a string that is closed twice": lambda: _with(_NEXT, "(a))"),
    "crosswise": lambda: _with(_NEXT, "[ << ] >>"),
    "a word beside a page": lambda: _with(_FIRST, _page().replace("/Page ", "/Page %a\n").encode()),
    "a reference with a number in it": lambda: _with(
        _SECOND, _page("/Resources << /XObject << /X 7 % 1\n0 R >> >>")
    ),
    "a comment": lambda: _with(_NEXT, "<< /A 1 >> % endobj"),
    "ended twice": lambda: _with(_NEXT, "1 endobj 2"),
    "dictionaries that miss a value, and end later": lambda: _with(
        _NEXT, "<< /A << /C >> /B << /D >> >>"
    ),
    "a dictionary of digits": lambda: _with(_NEXT, "< < /A 1 > >"),
    "too deep": lambda: _with(_NEXT, "[" * 40 + "]" * 40),
    # what somebody else finds
    "another page beside it": lambda: _beside(_FIRST),
    "a page that is not there yet, beside it": lambda: _beside(_NEXT),
    "another page in a stream": lambda: _with(_CONTENT, _stream(_hidden(_FIRST))),
    "another catalogue in a stream": lambda: _with(_CONTENT, _stream(_hidden(_ROOT))),
    "what comes in a stream": lambda: _with(_CONTENT, _stream(_hidden(9))),
    "too much to look through": lambda: _with(_CONTENT, _stream(b"obj " * 1_100)),
    "packed objects": lambda: _with(
        _NEXT, _stream(b"5 0 <</Type/Page>>", more="/Type /ObjStm /N 1 /First 4")
    ),
    "beyond the size": _beyond_the_size,
    "a table of another size": lambda: _plain().classic().replace(b"/Size 7", b"/Size 8"),
    "another object in its place": _row(_SECOND, b"0000000015"),
    "freed": _row(_SECOND, b"0000000000 00001 f"),
    "another generation": _row(_SECOND, b"0000000000 00001 n"),
    "behind its end": lambda: _plain().classic() + b"% startxref",
    "before its beginning": lambda: b"\n" + _plain().classic(),
    "an earlier table": lambda: _plain().classic("/Prev 9"),
    "a hidden table": lambda: _plain().classic("/XRefStm 9"),
    "two roots": lambda: _plain().classic("/Root 2 0 R"),
    "no information": lambda: _plain().classic("/Info 9 0 R"),
    "a name of text": lambda: _plain().classic("/ID [(a) (b)]"),
    "a later revision": lambda: (
        _plain().classic() + append_objects(_plain().classic(), {_FIRST: _page().encode()})
    ),
    # who waits for what comes
    "drawn from what comes": lambda: _with(
        _SECOND, _page("/Resources << /XObject << /X 7 0 R >> >>")
    ),
    "with zeroes": lambda: _with(_SECOND, _page("/Resources << /XObject << /X 0008\n0 R >> >>")),
    **{
        f"spelled {one}": partial(_with, _SECOND, _page(f"/Resources {one}"))
        for one in ("9.0 0 R", "9 0.0 R", "9 +0 R", "9 0R", "0-9 0 R", "9 1 R", "4294967305 0 R")
    },
    "colours are entries of the page": lambda: _with_colours("/ColorSpace 5 0 R"),
    "colours are entries of the page, far away": lambda: _with_colours("/ColorSpace 12 0 R"),
    "fonts are entries of the catalogue": lambda: _with(
        _SECOND, _page("/Resources << /Font 1 0 R >>")
    ),
    "field": _note("/Subtype /Widget"),
    "field, escaped": _note("/Subtype /W#69dget"),
    "field, as a text": _note("/Subtype (Widget)"),
    "field, as digits": _note("/Subtype <576964676574>"),
    "field, elsewhere": _note("/Subtype 3 0 R"),
    "note that is written as a form says": _note("/Subtype /FreeText"),
    "form": _plain(catalog="/AcroForm << /Fields [] >>").classic,
    "layers": _plain(catalog="/OCProperties << /OCGs [] /D << >> >>").classic,
    "linearized": _plain(catalog="/Linearized 1").classic,
    # catalogue and page that are not as they seem
    "pages twice": _plain(catalog="/Pages 3 0 R").classic,
    "pages twice, escaped": _plain(catalog="/P#61ges 3 0 R").classic,
    "pages of its own": _plain(catalog="/Pages").classic,
    "no catalogue": lambda: _with(_ROOT, "<< /Pages 2 0 R >>"),
    "another content": lambda: _with(_FIRST, _page("/Contents 7 0 R")),
    "a key without a value": lambda: _with(_FIRST, _page("/Foo")),
    "a word": lambda: _with(_FIRST, _page("/Foo bar")),
    "a text in words": lambda: _with(_FIRST, _page("/Foo (a\\)b)")),
    "letters that are space to some": lambda: _with(
        _FIRST, _page().replace("/P", "\x0c/P").encode()
    ),
    "letters of no alphabet": lambda: _with(_FIRST, _page("/A\x80 1").encode("latin-1")),
    "notes elsewhere": lambda: _with_notes("/Annots 7 0 R"),
    "notes that are no objects": lambda: _with_notes("/Annots [7 0 R << /Subtype /Square >>]"),
    "notes of some generation": lambda: _with_notes("/Annots [7 1 R]"),
    "notes in a page's part": lambda: _with_notes("/Annots [7 0 R] /Foo << /Annots [7 0 R] >>"),
    "notes that are a word": lambda: _with_notes("/Annots null"),
    "a page that is a node": lambda: _with(_FIRST, _page("/Kids []")),
    "no page": lambda: _with(_FIRST, _page().replace("/Type /Page", "/Type /Pages /Count 0")),
}


def _as_if(content: bytes) -> list[bytes]:
    """What somebody may append to it: what was written, and what would be where it is plain."""
    made = [sign(content).increment]
    plain = _plain().classic()
    ours = sign(plain).increment
    start = int(re.findall(rb"startxref\s+(\d+)", content)[-1])
    made.append(ours.replace(b"/Prev %d" % plain.index(b"xref\n"), b"/Prev %d" % start))
    return made


@pytest.mark.parametrize("name", _DECEIVING)
def test_what_could_show_something_else_is_drawn(name: str) -> None:
    content = _DECEIVING[name]()
    try:
        increments = _as_if(content)
    except Exception:  # noqa: BLE001  nobody signs what cannot be read
        increments = [sign(_plain().classic()).increment]
    assert not any(is_unseen(content, one) for one in increments)


def test_strings_that_stay_open_are_gone_through_once() -> None:
    document = read_plain(_with(_NEXT, "(" + "\\(" * 300_000))
    with pytest.raises(Odd):
        check_whole(document)


def test_no_change_of_a_plain_document_is_seen_unnoticed() -> None:
    """Whatever octet is another one: what counts as plain shows the same with a signature."""
    whole = _plain_length().classic()
    others = cycle(b"<>[]()/% \n0149RSa#\x00")
    plain = 0
    for at in range(len(whole)):
        content = whole[:at] + bytes((next(others),)) + whole[at + 1 :]
        try:
            increment = sign(content).increment
        except DocumentRefused:
            continue
        if is_unseen(content, increment):
            plain += 1
            assert _seen(content) == _seen(content + increment), at
    assert plain > _SOME // 2


# -- what a process in other hands may append to a document that means no harm


def test_no_octet_of_the_increment_may_be_another() -> None:
    content = _plain().classic()
    increment = sign(content, name="An").increment
    free = [
        (increment.index(b"(D:") + 3, increment.index(b"')")),
        _around(increment, b"(An)", 1),
    ]
    start = increment.index(b"/ByteRange [0 ") + 14
    free += [(start, increment.index(b"/Contents <")), _around(increment, b"\n00000", 0)]
    hole = increment.index(b"/Contents <") + 11
    free += [(hole, increment.index(b">", hole))]
    identity = increment.index(b"/ID [ <")
    free += [(identity, increment.index(b"/Root", identity))]
    kept = [at for at in range(len(increment)) if not any(first <= at < end for first, end in free)]
    assert len(kept) > 8 * _SOME
    for at in kept:
        changed = increment[:at] + bytes((increment[at] ^ 1,)) + increment[at + 1 :]
        assert not is_unseen(content, changed), at


def _around(increment: bytes, text: bytes, inside: int) -> tuple[int, int]:
    at = increment.index(text)
    return at + inside, at + len(text) - inside


_CHANGES: Final[dict[str, tuple[bytes, bytes]]] = {
    "the field has an extent": (b"/Rect [ 0 0 0 0 ]", b"/Rect [ 0 0 9 9 ]"),
    "its picture shows something": (b"/Length 0\n>>\nstream\n\n", b"/Length 1\n>>\nstream\nf\n"),
    "the page draws more": (b"/Contents 4 0 R", b"/Contents 3 0 R"),
    "the page has other notes": (b"/Annots [ 10 0 R ]", b"/Annots [ 9 0 R ]"),
    "other pages": (b"/Pages 2 0 R", b"/Pages 5 0 R"),
    "one more field": (b"/SigFlags 3", b"/NeedAppearances true /SigFlags 3"),
    "more in the signature": (b"/Type /Sig\n", b"/Type /Sig\n/Prop_Build << >>\n"),
    "a text that goes on": (b"/Name (An)", b"/Name (A)\n/Type /Page /B (n)"),
    "a text with an escape": (b"/Name (An)", b"/Name (An\\)"),
    "another history": (b"/Prev ", b"/Prev 1"),
    "an end that is none": (b"%%EOF\n", b"%%EOF\n%%EOF\n"),
    "no name": (b"/ID [ <", b"/ID [ (<"),
}


@pytest.mark.parametrize("name", _CHANGES)
def test_an_increment_that_says_anything_else_is_drawn(name: str) -> None:
    content = _plain().classic()
    increment = sign(content, name="An").increment
    old, new = _CHANGES[name]
    assert old in increment
    assert is_unseen(content, increment)
    assert not is_unseen(content, increment.replace(old, new))


@pytest.mark.parametrize(
    "text",
    ["5 0 obj << /Type /Page >> endobj", "trailer << /Root 2 0 R >>", "startxref 9", "stream"],
)
def test_a_text_in_which_somebody_could_look_for_objects_is_drawn(text: str) -> None:
    """Whoever mends files searches all of it, and the last object of a number counts."""
    content = _plain().classic()
    other = "A" * len(text)
    increment = sign(content, reason=other).increment
    assert is_unseen(content, increment)
    assert not is_unseen(content, increment.replace(other.encode(), text.encode()))


def test_a_document_keeps_the_first_half_of_its_name() -> None:
    content = _plain().classic("/ID [<aa> <bb>]")
    increment = sign(content).increment
    assert b"/ID [ <aa> <" in increment
    assert not is_unseen(content, increment.replace(b"/ID [ <aa>", b"/ID [ <ab>"))


def test_who_draws_has_a_say(monkeypatch: pytest.MonkeyPatch) -> None:
    """Had it to mend a table, it may have come to another document, and so draws it."""
    content = _plain().classic()
    increment = sign(content).increment
    name = "FPDF_DocumentHasValidCrossReferenceTable"
    monkeypatch.setattr(pypdfium2.raw, name, lambda _document: 0)
    drawn = _drawn(content, increment)
    assert (drawn.is_unseen, drawn.drawn) == (False, (0, 1))
