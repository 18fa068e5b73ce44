"""A page that is not looked at is one that cannot look different: whatever document or update."""

from __future__ import annotations

import io
import re
from collections.abc import Callable, Mapping
from typing import Final

import pypdfium2
import pytest

from signing.messages.page_images import GreyAsked, GreyDrawn
from signing.parsing.grey_pages import draw_grey
from signing.parsing.pdf_reach import reached_pages
from tests.support.handmade_pdf import HandmadePdf, plain_document
from tests.support.pdf_increments import append_objects, sign

_PAGES: Final = 4
_ALL: Final = tuple(range(_PAGES))
_EVIL: Final = b"0.5 g 60 300 300 80 re f"
_ROOT, _TREE, _FONT, _CONTENT, _FIRST, _SECOND = 1, 2, 3, 4, 5, 6


def _plain(**more: str) -> HandmadePdf:
    return plain_document(pages=_PAGES, **more)


def _reached(content: bytes, increment: bytes) -> set[int] | None:
    found = reached_pages(content, increment)
    return None if found is None else set(found)


def _seen(content: bytes) -> list[bytes]:
    """Every page as somebody sees it."""
    document = pypdfium2.PdfDocument(content)
    document.init_forms()
    try:
        return [bytes(page.render(scale=0.5, draw_annots=True).buffer) for page in document]
    finally:
        document.close()


def _others(before: bytes, after: bytes) -> set[int]:
    """The pages that look different, by drawing all of them."""
    both = zip(_seen(before), _seen(after), strict=True)
    return {at for at, (old, new) in enumerate(both) if old != new}


def _drawn(content: bytes, increment: bytes) -> GreyDrawn:
    inputs = [memoryview(content), memoryview(increment)]
    return draw_grey(GreyAsked(_ALL, 20, 500_000, looks=True), inputs, io.BytesIO())


def _stream(data: bytes) -> bytes:
    return b"<< /Length %d >>\nstream\n%b\nendstream" % (len(data), data)


def _page(more: str = "", *, content: int = _CONTENT) -> bytes:
    return f"<< /Type /Page /Parent 2 0 R /Contents {content} 0 R {more} >>".encode()


@pytest.mark.parametrize("form", ["classic", "with_streams"])
def test_of_a_plain_document_the_page_with_the_signature_is_drawn(form: str) -> None:
    content = getattr(_plain(), form)()
    increment = sign(content).increment
    assert _reached(content, increment) == {0}
    drawn = _drawn(content, increment)
    assert (drawn.is_told, drawn.drawn) == (True, () if drawn.is_unseen else (0,))


def test_a_link_and_an_outline_leave_pages_alone() -> None:
    made = _plain(catalog="/Outlines 20 0 R", page="/Annots [21 0 R]")
    made.put(20, "<< /Type /Outlines /First 22 0 R /Last 22 0 R /Count 1 >>")
    made.put(21, "<< /Type /Annot /Subtype /Link /Rect [0 0 9 9] /Border [0 0 0] >>")
    made.put(22, "<< /Title (One) /Parent 20 0 R /Dest [5 0 R /Fit] >>")
    for content in (made.classic(), made.with_streams()):
        increment = sign(content).increment
        assert _reached(content, increment) == {0}
        assert _drawn(content, increment).is_told


# -- documents that show one thing until something is appended to them


def _pages_twice(key: str = "/Pages") -> bytes:
    """Of a key that stands twice some readers take the first one, others the last one."""
    made = _plain(catalog=f"{key} 20 0 R")
    pages = " ".join(f"{number} 0 R" for number in range(21, 21 + _PAGES))
    made.put(20, f"<< /Type /Pages /Count {_PAGES} /Kids [{pages}] /MediaBox [0 0 595 842] >>")
    for number in range(21, 21 + _PAGES):
        made.put(number, _page(content=30).replace(b"/Parent 2", b"/Parent 20"))
    made.put(30, _stream(_EVIL))
    return made.classic()


def _beyond_the_size() -> bytes:
    """What has a number beyond the size is left out, until the size is larger."""
    made = _plain()
    made.put(_SECOND, _page().replace(b"4 0 R", b"[4 0 R 20 0 R]"))
    made.put(20, _stream(_EVIL))
    return made.classic().replace(b"/Size 21", b"/Size 12")


def _next_beyond_the_size() -> bytes:
    """The same with the first number of those."""
    made = _plain()
    made.put(_SECOND, _page().replace(b"4 0 R", b"[4 0 R 9 0 R]"))
    made.put(9, _stream(_EVIL))
    return made.classic().replace(b"/Size 10", b"/Size 9")


def _field_of_nobody(*, name: str = "/Widget", form: str = "classic") -> bytes:
    """A field without a form and without a picture of it."""
    made = _plain()
    made.put(_SECOND, _page("/Annots [20 0 R]"))
    made.put(
        20,
        f"<< /Type /Annot /Subtype {name} /FT /Tx /T (Sum) /V (900) /F 4 /Rect [60 300 360 380] "
        "/DA (/Helv 24 Tf 0 g) /MK << /BG [0.5] >> >>",
    )
    return bytes(getattr(made, form)())


def _drawn_from_what_comes() -> bytes:
    """A page that draws an object which is not there yet; the signature's take those numbers."""
    made = _plain()
    named = "".join(f" /X{number} {number} 0 R" for number in range(9, 20))
    made.put(_SECOND, _page(f"/Resources << /XObject <<{named} >> >>"))
    return made.classic()


def _other_root_first() -> bytes:
    content = _pages_twice().replace(b"/Pages 2 0 R /Pages 20 0 R", b"/Pages 2 0 R              ")
    assert b"/Root 1 0 R" in content
    made = append_objects(content, {31: b"<< /Type /Catalog /Pages 20 0 R >>"})
    return content + made.replace(b"/Root 1 0 R", b"/Root 1 0 R /Root 31 0 R")


_DECEIVING: Final[dict[str, Callable[[], bytes]]] = {
    "pages twice": _pages_twice,
    "beyond the size": _beyond_the_size,
    "next beyond the size": _next_beyond_the_size,
    "field of nobody": _field_of_nobody,
    "field of nobody, packed": lambda: _field_of_nobody(form="with_streams"),
    "field of nobody, escaped": lambda: _field_of_nobody(name="/W#69dget"),
    "more behind its end": lambda: _plain().classic() + b"% startxref",
    "two roots": _other_root_first,
    "linearized": _plain(catalog="/Linearized 1").classic,
    "layers": _plain(catalog="/OCProperties << /OCGs [] /D << >> >>").classic,
    "escaped key": lambda: _pages_twice("/P#61ges"),
}


@pytest.mark.parametrize("name", _DECEIVING)
def test_what_may_be_read_in_two_ways_is_drawn_whole(name: str) -> None:
    content = _DECEIVING[name]()
    increment = sign(content).increment
    assert _reached(content, increment) is None
    assert _drawn(content, increment).drawn == _ALL


def test_some_of_these_do_deceive() -> None:
    """Or there would be nothing to be afraid of."""
    really = set()
    for name, make in _DECEIVING.items():
        content = make()
        if _others(content, content + sign(content).increment):
            really.add(name)
    assert {"pages twice", "two roots", "escaped key", "field of nobody, packed"} <= really


def test_a_page_that_waited_for_what_comes_is_drawn() -> None:
    content = _drawn_from_what_comes()
    assert _reached(content, sign(content).increment) == {0, 1}


def test_pages_that_share_their_annotations_are_all_drawn() -> None:
    """The field is on all of them, and so one page more than expected has it."""
    made = _plain(page="/Annots 20 0 R")
    made.put(20, "[]")
    content = made.classic()
    increment = sign(content).increment
    assert _reached(content, increment) == set(_ALL)
    assert not _drawn(content, increment).is_told


def test_a_page_that_stands_twice_in_the_tree_is_drawn_twice() -> None:
    made = _plain()
    kids = f"[{_FIRST} 0 R {_SECOND} 0 R {_FIRST} 0 R 7 0 R]"
    made.put(_TREE, f"<< /Type /Pages /Count {_PAGES} /Kids {kids} /MediaBox [0 0 595 842] >>")
    content = made.classic()
    assert _reached(content, sign(content).increment) == {0, 2}


def test_a_page_with_the_catalogue_for_its_fonts_is_drawn() -> None:
    """One entry more in the catalogue is one font more on that page."""
    made = _plain()
    made.put(8, _page("/Resources << /Font 1 0 R >>", content=9))
    made.put(9, _stream(b"BT /AcroForm 40 Tf 60 300 Td (Pay 900) Tj ET"))
    content = made.classic()
    increment = sign(content).increment
    assert 3 in _others(content, content + increment)
    assert _reached(content, increment) == {0, 3}


@pytest.mark.parametrize("said", ["/ColorSpace 5 0 R", "/ColorSpace 15 0 R", "/#43olorSpace 5 0 R"])
@pytest.mark.parametrize("form", ["classic", "with_streams"])
def test_a_page_that_has_another_for_its_colours_is_drawn(said: str, form: str) -> None:
    """That one's notes are a colour as long as they are four (poppler counts them)."""
    made = _plain()
    made.put(_FIRST, _page("/Annots [10 0 R 11 0 R 12 0 R 13 0 R]"))
    made.put(8, _page(f"/Resources << {said} >>", content=9))
    made.put(9, _stream(b"/Annots cs 0 scn 60 300 300 80 re f"))
    shade = "<< /FunctionType 2 /Domain [0 1] /C0 [1] /C1 [0] /N 1 >>"
    alias = ("4 0 R", "5 0 R")  # in this order, as if both were in one list
    for number, body in enumerate(("/Separation", "/Spot", "/DeviceGray", shade, *alias), 10):
        made.put(number, body)
    content = getattr(made, form)()
    reached = _reached(content, sign(content).increment)
    assert reached is None or 3 in reached


@pytest.mark.parametrize("spelled", ["9.0 0 R", "9 +0 R", "9 0R", "0-9 0 R", "4294967305 0 R"])
def test_a_page_that_refers_in_a_way_that_few_understand_is_drawn(spelled: str) -> None:
    made = _plain()
    made.put(8, _page(f"/Resources {spelled}"))
    content = made.classic()
    assert _reached(content, sign(content).increment) in ({0, 3}, None)


# -- what a process in other hands may append to a document that means no harm


_NEXT: Final = 5 + _PAGES
_NOTE: Final = b"<< /Type /Annot /Subtype /Square /Rect [60 300 360 380] /IC [0.5] /F 4 >>"
_CATALOG: Final = b"<< /Type /Catalog /Pages 2 0 R >>"
_REACHING: Final[dict[str, Mapping[int, bytes]]] = {
    "content": {_CONTENT: _stream(_EVIL)},
    "font": {_FONT: b"<< /Type /Font /Subtype /Type1 /BaseFont /Courier >>"},
    "page": {_SECOND: _page(content=_NEXT), _NEXT: _stream(_EVIL)},
    "note": {_SECOND: _page(f"/Annots [{_NEXT} 0 R]"), _NEXT: _NOTE},
}


@pytest.mark.parametrize("name", _REACHING)
def test_whatever_refers_to_what_was_touched_is_drawn(name: str) -> None:
    content = _plain().classic()
    increment = append_objects(content, _REACHING[name])
    others = _others(content, content + increment)
    reached = _reached(content, increment)
    assert others
    assert reached is not None
    assert others <= reached


def _elsewhere(increment: bytes, *, number: int, place: int) -> bytes:
    """The table says that an object stands there."""
    row = re.search(rb"\n%d 1\n(\d{10})" % number, increment)
    assert row is not None
    return increment[: row.start(1)] + b"%010d" % place + increment[row.end(1) :]


def _two_sections(content: bytes) -> bytes:
    """The first one changes a page, and the second one does not say that it did."""
    first = append_objects(content, {_CONTENT: _stream(_EVIL)})
    return first + append_objects(content + first, {_FIRST: _page()})


def _freed(content: bytes) -> bytes:
    increment = append_objects(content, {_CONTENT: b"null"})
    at = re.search(rb"4 1\n\d{10} 00000 n", increment)
    assert at is not None
    return increment.replace(at[0], b"4 1\n0000000000 00001 f")


def _named_twice(content: bytes) -> bytes:
    increment = append_objects(content, {_FIRST: _page(), _NEXT: _stream(_EVIL)})
    return increment.replace(b"\n%d 1\n" % _NEXT, b"\n5 1\n").replace(b"\n9 0 obj", b"\n5 0 obj")


def _changed(old: bytes, new: bytes, objects: Mapping[int, bytes]) -> Callable[[bytes], bytes]:
    def make(content: bytes) -> bytes:
        increment = append_objects(content, objects)
        assert old in increment
        return increment.replace(old, new)

    return make


_TREE_AGAIN: Final = b"<< /Type /Pages /Count 1 /Kids [6 0 R] /MediaBox [0 0 595 842] >>"
_ODD: Final[dict[str, Callable[[bytes], bytes]]] = {
    "two sections": _two_sections,
    "freed": _freed,
    "named twice": _named_twice,
    "another generation": _changed(b"00000 n \ntrailer", b"00001 n \ntrailer", {_FIRST: _page()}),
    "into what was there": lambda content: _elsewhere(
        append_objects(content, {_FIRST: _page()}), number=_FIRST, place=content.index(b"6 0 obj")
    ),
    "other pages": lambda content: append_objects(
        content, {_ROOT: b"<< /Type /Catalog /Pages 9 0 R >>", _NEXT: _TREE_AGAIN}
    ),
    "pages twice": lambda content: append_objects(
        content, {_ROOT: b"<< /Pages 2 0 R /Pages 9 0 R >>", _NEXT: _TREE_AGAIN}
    ),
    "letters that are space to some": lambda content: append_objects(
        content, {_ROOT: b"<< /A\x80/B /Pages 2 0 R >>", _NEXT: b"null"}
    ),
    "layers": lambda content: append_objects(
        content, {_ROOT: b"<< /Pages 2 0 R /OCProperties << /D << >> >> >>", _NEXT: b"null"}
    ),
    "another object in its place": _changed(
        b"\n1 0 obj", b"\n8 0 obj", {_FIRST: _page(), _ROOT: _CATALOG}
    ),
    "tree": lambda content: append_objects(content, {_TREE: _TREE_AGAIN}),
    "a root of its own": _changed(
        b"/Root 1 0 R", b"/Root 9 0 R", {_FIRST: _page(), _NEXT: _CATALOG}
    ),
    "history skipped": _changed(b"/Prev", b"/Prev 9 /Before", {_FIRST: _page()}),
    "numbers left out": lambda content: append_objects(
        content, {_FIRST: _page(), 12: _stream(_EVIL)}
    ),
    "a hidden table": lambda content: append_objects(
        content, {_FIRST: _page()}, trailer="/XRefStm 20"
    ),
    "encrypted": lambda content: append_objects(
        content, {_FIRST: _page()}, trailer="/Encrypt << >>"
    ),
    "behind its end": lambda content: (
        append_objects(content, {_FIRST: _page()}) + b"9 0 obj null endobj"
    ),
    "short rows": _changed(b" 00000 n \n", b" 00000 n\n", {_FIRST: _page()}),
}


@pytest.mark.parametrize("name", _ODD)
def test_an_increment_that_is_not_as_ours_are_is_drawn_whole(name: str) -> None:
    content = _plain().classic()
    assert _reached(content, append_objects(content, {_FIRST: _page()})) == {0}
    assert _reached(content, _ODD[name](content)) is None


_STREAM_ODD: Final[dict[str, tuple[bytes, bytes]]] = {
    "more columns": (b"/W [ 1 8 2 ]", b"/W [ 1 8 1 ]"),
    "no list": (b"/Index [", b"/Index 1["),
    "another filter": (b"/Filter /FlateDecode", b"/Filter /LZWDecode"),
    "a predictor": (b"/Type /XRef", b"/Type /XRef\n/DecodeParms << /Predictor 12 >>"),
    "another length": (b"/Length ", b"/Length 1"),
    "not what it says": (b"/Type /XRef", b"/Type /XObj"),
}


@pytest.mark.parametrize("name", _STREAM_ODD)
def test_a_stream_of_references_is_read_by_the_letter(name: str) -> None:
    content = _plain().with_streams()
    increment = sign(content).increment
    old, new = _STREAM_ODD[name]
    at = increment.rindex(b" 0 obj")
    assert old in increment[at:]
    assert _reached(content, increment[:at] + increment[at:].replace(old, new)) is None
