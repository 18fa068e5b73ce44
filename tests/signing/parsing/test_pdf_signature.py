"""Preparing a signature in a PDF: what is written, and what a document refuses."""

from __future__ import annotations

import io
import re
from collections.abc import Callable
from typing import Any

import msgspec
import pypdfium2
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pyhanko.pdf_utils.reader import PdfFileReader
from pyhanko.pdf_utils.writer import copy_into_new_writer

from signing.errors import DocumentRefused
from signing.messages.pdf_signature import (
    Appearance,
    HoleAnswered,
    MaterialAsked,
    SignatureAsked,
    SignaturesAsked,
    TimestampAsked,
)
from signing.parsing.pdf_material import add_material
from signing.parsing.pdf_signature import add_signature
from signing.parsing.pdf_signatures import find_signatures
from signing.parsing.pdf_timestamp import add_timestamp
from tests.support.handmade_pdf import HandmadePdf, plain_document
from tests.support.pdf_increments import SIGNED_AT, sign, write

_PLAIN = plain_document().classic()
_PLACE = Appearance(page=0, rectangle=(100, 100, 200, 150))


def _drawn() -> bytes:
    """A grey card, twice as wide as high, with a black quarter at its top left."""
    card = HandmadePdf()
    card.root = card.add("<< /Type /Catalog /Pages 2 0 R >>")
    card.add("<< /Type /Pages /Count 1 /Kids [3 0 R] >>")
    card.add(
        "<< /Type /Page /Parent 2 0 R /MediaBox [0 0 100 50] /Contents 4 0 R /Resources <<>> >>"
    )
    card.add_stream(b"0.8 g 0 0 100 50 re f 0 g 0 25 50 25 re f")
    return card.classic()


_DRAWN = _drawn()


def test_only_what_changed_is_written() -> None:
    """ISO 32000-2 §7.5.6: the document is the beginning of what comes out."""
    added = sign(_PLAIN, name="Mây", reason="Tôi đồng ý", location="Hà Nội", contact="a@b.example")
    assert len(re.findall(rb"\d+ 0 obj", added.increment)) == 6
    (field,) = added.root["/AcroForm"]["/Fields"]
    signature = field.get_object()["/V"]
    assert signature["/SubFilter"] == "/ETSI.CAdES.detached"
    assert signature["/Type"] == "/Sig"
    said = [signature[key] for key in ("/Name", "/Reason", "/Location", "/ContactInfo", "/M")]
    assert said == ["Mây", "Tôi đồng ý", "Hà Nội", "a@b.example", "D:20261121100405+07'00'"]
    assert added.root["/AcroForm"]["/SigFlags"] == 3
    assert added.root["/Extensions"]["/ESIC"]["/BaseVersion"] == "/1.7"


def test_the_hole_is_where_it_is_said_to_be() -> None:
    added = sign(_PLAIN)
    hole: HoleAnswered = added.answered
    assert added.increment[hole.start : hole.end] == b"<" + b"0" * 200 + b">"
    start, end = len(_PLAIN) + hole.start, len(_PLAIN) + hole.end
    signature = added.root["/AcroForm"]["/Fields"][0]["/V"]
    assert list(signature["/ByteRange"]) == [0, start, end, len(added.content) - end]


@pytest.mark.parametrize("make", ["classic", "with_streams", "hybrid"])
def test_cross_references_go_on_in_the_way_they_were(make: str) -> None:
    """ISO 32000-2 §7.5.8.1: an update of a file with streams is a stream."""
    made = plain_document(catalog="/ViewerPreferences 6 0 R")
    hidden = made.add("<< /DisplayDocTitle true >>")
    content = made.hybrid(hidden) if make == "hybrid" else getattr(made, make)()
    increment = sign(content).increment
    assert (b"/XRef" in increment) == (make == "with_streams")
    assert (b"\ntrailer\n" in increment) == (make != "with_streams")


def test_a_last_line_without_an_end_gets_one() -> None:
    assert sign(_PLAIN.rstrip()).increment.startswith(b"\n")
    assert not sign(_PLAIN).increment.startswith(b"\n")


def test_no_object_is_replaced_where_the_number_of_objects_is_a_lie() -> None:
    """ISO 32000-2 Table 15: /Size; files exist in which it is too small."""
    lying = re.sub(rb"/Size \d+", b"/Size 2", _PLAIN)
    numbers = [int(one) for one in re.findall(rb"(\d+) 0 obj", sign(lying).increment)]
    assert sorted(numbers)[2:] == list(range(6, 10))


def test_a_large_document_is_read_where_it_lies() -> None:
    made = plain_document()
    made.add_stream(bytes(5_000_000))
    content = made.classic()
    whole = sign(content)
    halves = write(
        add_signature,
        SignatureAsked(parts=3, hole_bytes=100, signed_at=SIGNED_AT),
        content[:4_999_000],
        content[4_999_000:],
        b"",
    )
    same = re.compile(rb"/ID \[[^]]*\]")
    assert same.sub(b"", whole.increment) == same.sub(b"", halves.increment)


# -- where it stands


@pytest.mark.parametrize("turned", [0, 90, 180, 270])
def test_an_appearance_is_upright_for_who_looks_at_it(turned: int) -> None:
    """ISO 32000-2 §12.5.5, §7.7.3.3 (/Rotate)."""
    made = plain_document(page=f"/Rotate {turned}", box="0 0 400 600")
    made.put(4, "<< /Length 0 >>\nstream\n\nendstream")
    wide = turned in {0, 180}
    rectangle = (150, 200, 250, 250) if wide else (150, 200, 200, 300)
    place = Appearance(page=0, rectangle=rectangle, turned=turned)
    added = sign(made.classic(), _DRAWN, appearance=place)
    document = pypdfium2.PdfDocument(added.content)
    document.init_forms()
    seen = document[0].render(grayscale=True).to_pil()
    left, top, right, bottom = seen.point(lambda value: 255 * (value < 230)).getbbox()
    assert (right - left, bottom - top) == (100, 50)
    mark = seen.point(lambda value: 255 * (value < 100)).getbbox()
    assert mark == (left, top, left + 50, top + 25)
    document.close()


def test_the_last_page_can_be_named_from_the_end() -> None:
    content = plain_document(pages=3).classic()
    last = sign(content, _DRAWN, appearance=msgspec.structs.replace(_PLACE, page=-1))
    third = sign(content, _DRAWN, appearance=msgspec.structs.replace(_PLACE, page=2))
    assert [("/Annots" in page.get_object()) for page in last.root["/Pages"]["/Kids"]] == [
        False, False, True,
    ]  # fmt: skip
    assert third.answered == last.answered


@pytest.mark.parametrize("page", [3, -4])
def test_a_page_that_is_not_there_is_refused(page: int) -> None:
    place = msgspec.structs.replace(_PLACE, page=page)
    with pytest.raises(DocumentRefused, match="no_such_page"):
        sign(plain_document(pages=3).classic(), _DRAWN, appearance=place)


@pytest.mark.parametrize(
    "rectangle",
    [
        (-1, 100, 100, 150),
        (100, 100, 700, 150),
        (100, 100, 100, 150),
        (200, 150, 100, 100),
        (100, 100, float("nan"), 150),
        (100, 100, float("inf"), 150),
        (10, 10, 90, 60),  # on the paper, and not on what is shown of it
    ],
)
def test_an_appearance_off_the_page_is_refused(rectangle: tuple[float, ...]) -> None:
    content = plain_document(page="/CropBox [100 100 500 700]").classic()
    place = Appearance(page=0, rectangle=rectangle)
    with pytest.raises(DocumentRefused, match="appearance_off_page"):
        sign(content, _DRAWN, appearance=place)


def test_pages_are_found_in_a_tree_of_any_shape() -> None:
    """ISO 32000-2 §7.7.3.2."""
    made = HandmadePdf()
    made.root = made.add("<< /Type /Catalog /Pages 2 0 R >>")
    made.add("<< /Type /Pages /Count 4 /Kids [3 0 R 4 0 R 5 0 R] /MediaBox [0 0 595 842] >>")
    made.add("<< /Type /Page /Parent 2 0 R >>")
    made.add("<< /Type /Pages /Parent 2 0 R /Count 2 /Kids [6 0 R 7 0 R] >>")
    made.add("<< /Type /Page /Parent 2 0 R >>")
    made.add("<< /Type /Page /Parent 4 0 R >>")
    made.add("<< /Type /Page /Parent 4 0 R >>")
    for number, expected in enumerate((3, 6, 7, 5)):
        place = msgspec.structs.replace(_PLACE, page=number)
        added = sign(made.classic(), _DRAWN, appearance=place)
        assert b"\n%d 0 obj" % expected in added.increment


def test_a_tree_that_goes_round_is_refused() -> None:
    made = plain_document()
    made.put(2, "<< /Type /Pages /Count 1 /Kids [2 0 R] /MediaBox [0 0 595 842] >>")
    with pytest.raises(DocumentRefused, match="damaged"):
        sign(made.classic())


# -- what others left behind


def _form(field: str = "", form: str = "", **given: str) -> bytes:
    """A document with an empty signature field that is named Place, 7 0 R."""
    made = plain_document(catalog="/AcroForm 6 0 R", **given)
    made.add(f"<< /Fields [7 0 R] {form} >>")
    made.add(
        "<< /Type /Annot /Subtype /Widget /FT /Sig /T (Place) /Rect [50 50 150 100] "
        f"/P 5 0 R {field} >>"
    )
    return made.classic()


@pytest.mark.parametrize("make", ["classic", "with_streams"])
@pytest.mark.parametrize(
    ("form", "annotations", "others"),
    [
        ("", "", ()),
        ("/AcroForm null", "/Annots null", ()),
        ("/AcroForm 99 0 R", "/Annots 99 0 R", ()),
        ("/AcroForm << >>", "/Annots []", ()),
        ("/AcroForm << /Fields [] /SigFlags 1 >>", "/Annots 6 0 R", ("[]",)),
        ("/AcroForm << /Fields 6 0 R >>", "/Annots 6 0 R", ("[]",)),
        ("/AcroForm 6 0 R", "/Annots 7 0 R", ("<< /Fields 7 0 R /DA (/Helv 0 Tf 0 g) >>", "[]")),
    ],
)
def test_a_form_may_stand_anywhere_or_nowhere(
    make: str, form: str, annotations: str, others: tuple[str, ...]
) -> None:
    """ISO 32000-2 §7.3.10: what is not there is null; §12.7.3."""
    made = plain_document(catalog=form, page=annotations)
    for one in others:
        made.add(one)
    first = sign(getattr(made, make)())
    second = sign(first.content)
    fields = second.root["/AcroForm"]["/Fields"]
    page = second.root["/Pages"]["/Kids"][0]
    assert [one.get_object()["/T"] for one in fields] == ["Signature1", "Signature2"]
    assert list(page["/Annots"]) == list(fields)
    assert first.root["/AcroForm"]["/SigFlags"] == 3


def test_an_empty_field_is_filled_where_it_is() -> None:
    added = sign(_form(), _DRAWN, field="Place", appearance=_PLACE)
    assert added.answered.field == "Place"
    (field,) = added.root["/AcroForm"]["/Fields"]
    assert field.get_object()["/V"]["/Type"] == "/Sig"
    assert list(field.get_object()["/Rect"]) == [50, 50, 150, 100]
    assert field.get_object()["/AP"]["/N"]["/Subtype"] == "/Form"
    assert b"/Type /Page\n" not in added.increment


def test_a_field_that_is_filled_or_unknown_is_refused() -> None:
    signed = sign(_form(), field="Place").content
    with pytest.raises(DocumentRefused, match="field_filled"):
        sign(signed, field="Place")
    with pytest.raises(DocumentRefused, match="field_unknown"):
        sign(_form(), field="Elsewhere")


def test_a_new_field_takes_a_free_name() -> None:
    first = sign(_form(), field="Place")
    second = sign(first.content)
    third = sign(second.content)
    assert [second.answered.field, third.answered.field] == ["Signature1", "Signature2"]


def test_what_draws_fields_anew_goes_with_the_first_signature_only() -> None:
    """ISO 32000-2 Table 224: a reader that draws them anew changes what was signed."""
    content = _form(form="/NeedAppearances true")
    assert "/NeedAppearances" not in sign(content, field="Place").root["/AcroForm"]


def test_behind_a_signature_the_forms_own_entries_stay() -> None:
    """Somebody signed and left it so: taking it out would be a change of theirs."""
    made = plain_document(catalog="/AcroForm 6 0 R")
    made.add("<< /Fields [7 0 R] /NeedAppearances true /SigFlags 1 >>")
    made.add("<< /Subtype /Widget /FT /Sig /T (Theirs) /Rect [0 0 0 0] /P 5 0 R /V 8 0 R >>")
    made.add("<< /Type /Sig /ByteRange [0 10 20 10] /Contents <00> >>")
    form = sign(made.classic()).root["/AcroForm"]
    assert form["/NeedAppearances"]
    assert form["/SigFlags"] == 1


@pytest.mark.parametrize(
    ("seed", "is_met"),
    [
        ("/Ff 0", True),
        ("/Ff 2 /SubFilter [/ETSI.CAdES.detached /adbe.pkcs7.detached]", True),
        ("/Ff 2 /SubFilter [/adbe.pkcs7.detached]", False),
        ("/Ff 8 /Reasons [(one)]", False),
        ("/Cert << /Type /SVCert /Ff 1 >>", False),
        ("/Cert << /Type /SVCert /Ff 0 >>", True),
    ],
)
def test_a_field_that_demands_what_we_do_not_write_is_refused(seed: str, *, is_met: bool) -> None:
    """ISO 32000-2 Table 235: a bit in /Ff makes an entry a demand."""
    content = _form(f"/SV << /Type /SV {seed} >>")
    if is_met:
        assert sign(content, field="Place").answered.field == "Place"
        return
    with pytest.raises(DocumentRefused, match="field_demands_more"):
        sign(content, field="Place")


# -- what earlier signatures allow


def test_a_certification_says_what_may_follow() -> None:
    """ISO 32000-2 §12.8.2.2."""
    added = sign(_PLAIN, certify=2)
    signature = added.root["/Perms"]["/DocMDP"]
    assert signature["/Reference"][0]["/TransformParams"]["/P"] == 2
    # in no field and unseen: signing is allowed, a new thing to be seen is not
    assert sign(added.content).answered.field == "Signature2"
    with pytest.raises(DocumentRefused, match="no_new_visible_field"):
        sign(added.content, _DRAWN, appearance=_PLACE)


def test_a_certification_is_the_first_signature() -> None:
    signed = sign(_PLAIN).content
    with pytest.raises(DocumentRefused, match="not_the_first_signature"):
        sign(signed, certify=2)


def test_nothing_but_evidence_follows_a_final_certification() -> None:
    """ISO 32000-2 Table 257: the store and document timestamps are no change."""
    certified = sign(_form(), certify=1).content
    for where in ({}, {"field": "Place"}):
        with pytest.raises(DocumentRefused, match="no_further_signature"):
            sign(certified, **where)
    stored = write(add_material, MaterialAsked(certificates=(b"one",)), certified)
    assert write(add_timestamp, TimestampAsked(hole_bytes=50), stored.content).increment


@pytest.mark.parametrize(
    ("lock", "refused"),
    [
        ("/Action /All", "field_locked"),
        ("/Action /Include /Fields [(Place)]", "field_locked"),
        ("/Action /Exclude /Fields [(First)]", "field_locked"),
        ("/Action /Include /Fields [(Other)]", None),
        ("/Action /Exclude /Fields [(Place)]", None),
        ("/Action /Include /Fields [(Other)] /P 1", "no_further_signature"),
    ],
)
def test_a_field_that_an_earlier_signature_locked_is_refused(
    lock: str, refused: str | None
) -> None:
    """ISO 32000-2 §12.8.2.4: the lock of a field is repeated in its signature."""
    made = plain_document(catalog="/AcroForm 6 0 R")
    made.add("<< /Fields [7 0 R 8 0 R] >>")
    widget = "<< /Subtype /Widget /FT /Sig /Rect [0 0 0 0] /P 5 0 R"
    made.add(f"{widget} /T (First) /Lock << /Type /SigFieldLock {lock} >> >>")
    made.add(f"{widget} /T (Place) >>")
    first = sign(made.classic(), field="First")
    assert b"/FieldMDP" in first.increment
    if refused is None:
        assert sign(first.content, field="Place").answered.field == "Place"
        return
    with pytest.raises(DocumentRefused, match=refused):
        sign(first.content, field="Place")


def test_nothing_new_follows_a_lock_of_all_fields() -> None:
    locked = sign(_form("/Lock << /Type /SigFieldLock /Action /All >>"), field="Place").content
    with pytest.raises(DocumentRefused, match="no_further_signature"):
        sign(locked)


def test_other_permissions_stay_beside_a_certification() -> None:
    added = sign(plain_document(catalog="/Perms << /Other 5 0 R >>").classic(), certify=3)
    assert set(added.root["/Perms"]) == {"/Other", "/DocMDP"}


# -- what is no document for us


def _encrypted() -> bytes:
    writer = copy_into_new_writer(PdfFileReader(io.BytesIO(_PLAIN)))
    writer.encrypt("owner", "")
    out = io.BytesIO()
    writer.write(out)
    return out.getvalue()


@pytest.mark.parametrize(
    ("function", "asked"),
    [
        (add_signature, SignatureAsked(hole_bytes=100, signed_at=SIGNED_AT)),
        (add_timestamp, TimestampAsked(hole_bytes=100)),
        (add_material, MaterialAsked(certificates=(b"a",))),
        (find_signatures, SignaturesAsked()),
    ],
)
def test_what_cannot_be_read_is_refused_with_a_reason(
    function: Callable[..., Any], asked: Any
) -> None:
    with pytest.raises(DocumentRefused, match="encrypted"):
        write(function, asked, _encrypted())
    for damaged in (
        b"",
        b"%PDF-1.7\n",
        b"hello",
        _PLAIN[:-200],
        _PLAIN.replace(b"/Root", b"/Rood"),
    ):
        with pytest.raises(DocumentRefused, match="damaged"):
            write(function, asked, damaged)


@given(st.lists(st.tuples(st.integers(0, len(_PLAIN) - 1), st.binary(max_size=3)), max_size=8))
def test_whatever_is_wrong_with_a_file_it_is_signed_or_refused(
    changes: list[tuple[int, bytes]],
) -> None:
    damaged = bytearray(_PLAIN)
    for place, octets in changes:
        damaged[place : place + len(octets)] = octets
    try:
        increment = sign(bytes(damaged)).increment
    except DocumentRefused:
        return
    assert increment.endswith(b"%%EOF\n")
