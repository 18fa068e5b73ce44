"""A document that others have signed shows by its form that no page but one can differ."""

from __future__ import annotations

import io
import re
from collections.abc import Callable
from typing import Final

import pypdfium2
import pytest

from signing.messages.page_images import GreyAsked, GreyDrawn
from signing.messages.pdf_signature import Appearance
from signing.parsing.grey_pages import draw_grey
from signing.parsing.pdf_reach import reached_pages
from tests.support.handmade_pdf import HandmadePdf, plain_document
from tests.support.pdf_increments import append_objects, sign

_PAGES: Final = 4
_ALL: Final = tuple(range(_PAGES))
_ONE: Final = frozenset({0})
_ROOT, _TREE, _FONT, _CONTENT, _FIRST, _SECOND, _THIRD = 1, 2, 3, 4, 5, 6, 7
_FORM, _FIELD, _OTHER, _NEXT = 9, 10, 11, 12
_BOX: Final = "/Rect [60 300 360 380] /F 4"
_SIGNATURE: Final = f"<< /Type /Annot /Subtype /Widget /FT /Sig /T (A) {_BOX} >>"
_TEXT: Final = (
    f"<< /Type /Annot /Subtype /Widget /FT /Tx /T (Sum) /V (900) {_BOX} "
    "/DA (/Helv 24 Tf 0 g) /MK << /BG [0.5] >> >>"
)


def _plain(**more: str) -> HandmadePdf:
    return plain_document(pages=_PAGES, **more)


def _page(more: str = "") -> str:
    return f"<< /Type /Page /Parent 2 0 R /Contents 4 0 R {more} >>"


def _with_form(
    form: str = f"<< /Fields [{_FIELD} 0 R] /DA (/Helv 0 Tf) >>",
    *,
    field: str = _SIGNATURE,
    other: str | None = None,
) -> HandmadePdf:
    """A field on the second page, of a form."""
    made = _plain(catalog=f"/AcroForm {_FORM} 0 R")
    made.put(_SECOND, _page(f"/Annots [{_FIELD} 0 R]"))
    made.put(_FORM, form)
    made.put(_FIELD, field)
    if other is not None:
        made.put(_OTHER, other)
        made.put(_THIRD, _page(f"/Annots [{_OTHER} 0 R]"))
    return made


def _drawn(content: bytes, increment: bytes) -> GreyDrawn:
    inputs = [memoryview(content), memoryview(increment)]
    return draw_grey(GreyAsked(_ALL, 20, 500_000, looks=True), inputs, io.BytesIO())


def _others(before: bytes, after: bytes) -> set[int]:
    seen = []
    for content in (before, after):
        document = pypdfium2.PdfDocument(content)
        document.init_forms()
        seen.append([bytes(page.render(scale=0.3, draw_annots=True).buffer) for page in document])
        document.close()
    return {at for at, (old, new) in enumerate(zip(*seen, strict=True)) if old != new}


@pytest.mark.parametrize("form", ["classic", "with_streams"])
def test_of_each_further_signature_its_own_page_is_drawn(form: str) -> None:
    content = getattr(_plain(), form)()
    for _ in range(3):
        signed = sign(content)
        assert reached_pages(content, signed.increment) == _ONE
        assert len(_drawn(content, signed.increment).drawn) < 2
        content = signed.content
    assert not _others(content, sign(content).content)


def test_after_a_signature_that_is_seen_the_page_of_the_next_one_is_drawn() -> None:
    ink = plain_document(box="0 0 150 60").classic()
    place = Appearance(page=1, rectangle=(50, 50, 200, 110))
    content = sign(_plain().classic(), ink, appearance=place).content
    increment = sign(content).increment
    assert reached_pages(content, increment) == _ONE
    assert (_drawn(content, increment).drawn, _drawn(content, increment).is_told) == ((0,), True)


def test_a_form_that_has_an_empty_field_for_a_signature_stays() -> None:
    content = _with_form().classic()
    assert reached_pages(content, sign(content).increment) == _ONE


def test_the_list_of_fields_may_be_an_object() -> None:
    made = _with_form(f"<< /Fields {_NEXT} 0 R >>")
    made.put(_NEXT, f"[ {_FIELD} 0 R ]")
    content = made.classic()
    assert reached_pages(content, sign(content).increment) == _ONE


_DECEIVING: Final[dict[str, Callable[[], bytes]]] = {
    "a field that is written in": lambda: _with_form(other=_TEXT).classic(),
    "a field that is written in, of the form": lambda: _with_form(
        f"<< /Fields [{_FIELD} 0 R {_OTHER} 0 R] >>", other=_TEXT
    ).classic(),
    "a field of no kind": lambda: _with_form(field=_SIGNATURE.replace("/FT /Sig", "")).classic(),
    "a field whose kind is elsewhere": lambda: _with_form(
        field=_SIGNATURE.replace("/FT /Sig", "/FT 3 0 R")
    ).classic(),
    "a field of a field": lambda: _with_form(
        field=_SIGNATURE.replace("/T (A)", "/Parent 3 0 R")
    ).classic(),
    "a field that is another one to some": lambda: _with_form(
        field=_SIGNATURE.replace("/FT /Sig", "/FT /Sig /F#54 /Tx")
    ).classic(),
    "a form that has pictures made": lambda: _with_form(
        f"<< /Fields [{_FIELD} 0 R] /NeedAppearances true >>"
    ).classic(),
    "another form beside it": lambda: _with_form(
        f"<< /Fields [{_FIELD} 0 R] /XFA 3 0 R >>"
    ).classic(),
    "a form that is no object": _plain(catalog=f"/AcroForm << /Fields [{_FIELD} 0 R] >>").classic,
    "fields that are no objects": lambda: _with_form(f"<< /Fields [{_SIGNATURE}] >>").classic(),
    "packed": lambda: _with_form().with_streams(),
    "a field of an earlier day": lambda: (
        (content := _with_form().classic())
        + append_objects(content, {_FIELD: _SIGNATURE.replace("(A)", "(B)").encode()})
    ),
}


@pytest.mark.parametrize("name", _DECEIVING)
def test_a_form_that_may_be_drawn_in_another_way_is_drawn_whole(name: str) -> None:
    content = _DECEIVING[name]()
    increment = sign(content).increment
    if name == "a form that is no object":  # and has no field on any page
        assert reached_pages(content, increment) == _ONE
    else:
        assert reached_pages(content, increment) is None
        assert _drawn(content, increment).drawn == _ALL


_NEW: Final = _SIGNATURE.replace("(A)", "(B)").encode()
_LIST: Final = f"[ {_FIELD} 0 R {_NEXT} 0 R ]"
_DA: Final = "/DA (/Helv 0 Tf)"


def _increment(content: bytes, form: str, *, field: bytes = _NEW, root: str = "") -> bytes:
    objects = {_FIRST: _page(f"/Annots [{_NEXT} 0 R]").encode(), _FORM: form.encode()}
    if root:
        objects[_ROOT] = f"<< /Type /Catalog /Pages 2 0 R {root} >>".encode()
    return append_objects(content, objects | {_NEXT: field})


_APPENDED: Final[dict[str, tuple[str, bytes, str]]] = {
    "another form": (f"<< /Fields {_LIST} {_DA} >>", _NEW, f"/AcroForm {_NEXT} 0 R"),
    "no form": (f"<< /Fields {_LIST} {_DA} >>", _NEW, "/Foo 1"),
    "another font": (f"<< /Fields {_LIST} /DA (/Cour 0 Tf) >>", _NEW, ""),
    "pictures to be made": (f"<< /Fields {_LIST} {_DA} /NeedAppearances true >>", _NEW, ""),
    "no font": (f"<< /Fields {_LIST} >>", _NEW, ""),
    "other order": (f"<< /Fields [ {_NEXT} 0 R {_FIELD} 0 R ] {_DA} >>", _NEW, ""),
    "one less": (f"<< /Fields [ {_NEXT} 0 R ] {_DA} >>", _NEW, ""),
    "one that was there": (f"<< /Fields [ {_FIELD} 0 R {_FONT} 0 R ] {_DA} >>", _NEW, ""),
    "a list of something else": (f"<< /Fields [ {_FIELD} 0 R null ] {_DA} >>", _NEW, ""),
    "a list that is nowhere": (f"<< /Fields {_FONT} 0 R {_DA} >>", _NEW, ""),
    "no signature": (f"<< /Fields {_LIST} {_DA} >>", _TEXT.encode(), ""),
}


def test_a_field_more_at_the_end_is_what_a_signature_adds() -> None:
    made = _with_form()
    made.put(_OTHER, "null")
    content = made.classic()
    increment = _increment(content, f"<< /Fields {_LIST} {_DA} /SigFlags 3 >>")
    assert reached_pages(content, increment) == _ONE


@pytest.mark.parametrize("name", _APPENDED)
def test_a_form_that_does_not_stay_is_drawn_whole(name: str) -> None:
    made = _with_form()
    made.put(_OTHER, "null")
    content = made.classic()
    form, field, root = _APPENDED[name]
    assert reached_pages(content, _increment(content, form, field=field, root=root)) is None


def test_a_field_that_is_filled_is_drawn_with_its_page() -> None:
    content = _with_form().classic()
    increment = sign(content, field="A").increment
    reached = reached_pages(content, increment)
    assert reached is not None
    assert 1 in reached
    assert re.search(rb"/V \d+ 0 R", increment)
