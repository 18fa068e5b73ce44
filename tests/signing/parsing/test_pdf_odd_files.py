"""PDF files that are odd and still files: what is made of them, or why they are refused."""

from __future__ import annotations

import pytest

from signing.errors import DocumentRefused
from signing.messages.pdf_signature import Appearance, SignaturesAsked, TimestampAsked
from signing.parsing.pdf_signatures import find_signatures
from signing.parsing.pdf_timestamp import add_timestamp
from tests.support.handmade_pdf import HandmadePdf, plain_document
from tests.support.pdf_increments import sign, write

_PLACE = Appearance(page=0, rectangle=(100, 100, 200, 150))


def _drawn(page: str = "/MediaBox [0 0 100 50]") -> bytes:
    made = HandmadePdf()
    made.root = made.add("<< /Type /Catalog /Pages 2 0 R >>")
    made.add("<< /Type /Pages /Count 1 /Kids [3 0 R] >>")
    made.add(f"<< /Type /Page /Parent 2 0 R {page} /Contents 4 0 R /Resources << >> >>")
    made.add_stream(b"0 g 0 0 100 50 re f")
    return made.classic()


@pytest.mark.parametrize(("widgets", "is_whole"), [("[8 0 R]", True), ("[8 0 R 8 0 R]", False)])
def test_the_widget_of_a_field_may_stand_apart(widgets: str, *, is_whole: bool) -> None:
    """ISO 32000-2 §12.7.5.5: a signature field has one widget."""
    made = plain_document(catalog="/AcroForm 6 0 R")
    made.add("<< /Fields [7 0 R] >>")
    made.add(f"<< /FT /Sig /T (Place) /Kids {widgets} >>")
    made.add("<< /Subtype /Widget /Parent 7 0 R /Rect [50 50 150 100] /P 5 0 R >>")
    if not is_whole:
        with pytest.raises(DocumentRefused, match="damaged"):
            sign(made.classic(), field="Place")
        return
    added = sign(made.classic(), _drawn(), field="Place", appearance=_PLACE)
    (field,) = added.root["/AcroForm"]["/Fields"]
    assert "/V" in field.get_object()
    assert "/AP" in field.get_object()["/Kids"][0]


def test_how_a_drawing_mixes_with_the_page_goes_along() -> None:
    """ISO 32000-2 §11.6.6: a transparency group."""
    group = "/MediaBox [0 0 100 50] /Group << /S /Transparency /I true >>"
    added = sign(plain_document().classic(), _drawn(group), appearance=_PLACE)
    (field,) = added.root["/AcroForm"]["/Fields"]
    assert field.get_object()["/AP"]["/N"]["/Group"]["/I"]


def test_a_drawing_without_a_box_is_refused() -> None:
    with pytest.raises(DocumentRefused, match="damaged"):
        sign(plain_document().classic(), _drawn(""), appearance=_PLACE)


@pytest.mark.parametrize(
    "kids",
    [
        "/Count 3 /Kids [5 0 R]",  # more pages than there are
        "/Count 1 /Kids [6 0 R]",  # nodes that go round
        "/Count 1 /Kids 5",
    ],
)
def test_a_tree_that_contradicts_itself_is_refused(kids: str) -> None:
    """ISO 32000-2 §7.7.3.2."""
    made = plain_document()
    made.put(2, f"<< /Type /Pages {kids} >>")
    made.add("<< /Type /Pages /Count 1 /Kids [2 0 R] >>")
    place = Appearance(page=-1, rectangle=_PLACE.rectangle)
    with pytest.raises(DocumentRefused, match="damaged"):
        sign(made.classic(), _drawn(), appearance=place)


@pytest.mark.parametrize("tree", ["", "/Parent 2 0 R"])
def test_a_page_without_a_box_cannot_show_anything(tree: str) -> None:
    """ISO 32000-2 Table 31: /MediaBox is inherited, however often one goes round."""
    made = plain_document()
    made.put(2, f"<< /Type /Pages /Count 1 /Kids [5 0 R] {tree} >>")
    with pytest.raises(DocumentRefused, match="damaged"):
        sign(made.classic(), _drawn(), appearance=_PLACE)
    # what is not seen needs no box
    assert sign(made.classic()).answered.field == "Signature1"


@pytest.mark.parametrize("identifier", ["", "/ID [<01> <02>]", "/ID [<01>]", "/ID 5", "/ID [1 2]"])
def test_an_update_has_an_identifier_of_its_own(identifier: str) -> None:
    """ISO 32000-2 §14.4: the first half stays, the second changes."""
    increment = sign(plain_document().classic(identifier)).increment
    trailer = increment[increment.rindex(b"trailer") :]
    assert trailer.count(b"/ID [ <") == 1
    assert (b"/ID [ <01> <" in trailer) == (identifier == "/ID [<01> <02>]")


def test_a_file_of_pdf_2_needs_no_extension() -> None:
    newer = plain_document().classic().replace(b"%PDF-1.7", b"%PDF-2.0")
    assert "/Extensions" not in sign(newer).root


@pytest.mark.parametrize("entry", ["", "/ByteRange [0 1 2]", "/ByteRange [0 1 2 /A]"])
def test_a_signature_that_does_not_say_what_it_covers_is_damage(entry: str) -> None:
    """ISO 32000-2 Table 255."""
    made = plain_document(catalog="/AcroForm << /Fields [6 0 R] >>")
    made.add("<< /FT /Sig /T (Theirs) /V 7 0 R >>")
    made.add(f"<< /Type /Sig /Contents <00> {entry} >>")
    with pytest.raises(DocumentRefused, match="damaged"):
        write(find_signatures, SignaturesAsked(), made.classic())
    # a timestamp does not look into it
    assert write(add_timestamp, TimestampAsked(hole_bytes=50), made.classic()).increment


def test_a_document_without_anything_has_nothing() -> None:
    found = write(find_signatures, SignaturesAsked(), plain_document().classic()).answered
    assert (found.signatures, found.certificates) == ((), ())
