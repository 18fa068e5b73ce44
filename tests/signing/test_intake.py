"""What is taken, what is refused and why; all of it behind the walls."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from signing.errors import DocumentRefused, ParsingFailed
from signing.intake import REASONS, Intake, IntakeLimits, TakenIn, recognise
from signing.isolation.blob import Blob
from signing.isolation.pool import IsolationPool
from signing.messages.pdf_intake import PageShape, PdfFacts, SignatureSeen
from signing.messages.xml_intake import XmlFacts
from signing.model import DocumentKind
from tests.support.already_signed import with_signature
from tests.support.handmade_pdf import plain_document
from tests.support.hostile_pdfs import (
    REFUSED,
    many_pages,
    with_unreached_script,
    with_words_about_scripts,
)
from tests.support.pdf_programs import NAMES

_PDF = "application/pdf"
_XML = "application/xml"


@pytest.fixture
def intake(walls: IsolationPool) -> Intake:
    return Intake(walls)


def _take(intake: Intake, content: bytes, media_type: str = _PDF) -> TakenIn:
    with Blob.of(content) as blob:
        return intake(blob, media_type=media_type)


def _facts(intake: Intake, content: bytes, field: str = "") -> PdfFacts:
    with Blob.of(content) as blob:
        return intake.look_at_pdf(blob, field=field)


def _refusal(intake: Intake, content: bytes, media_type: str = _PDF) -> str:
    with pytest.raises(DocumentRefused) as refusal:
        _take(intake, content, media_type)
    assert refusal.value.reason in REASONS
    return refusal.value.reason


@pytest.mark.parametrize("name", NAMES)
def test_pdf_files_as_the_world_makes_them_are_taken(intake, pdf_programs, name: str) -> None:
    taken = _take(intake, pdf_programs[name].content)
    assert taken.kind is DocumentKind.PDF
    assert taken.pdf is not None
    assert taken.pages == len(taken.pdf.pages) >= 1
    assert taken.pdf.forbids == taken.pdf.forbids_visible == ""


def test_what_there_is_to_know_is_known(intake, pdf_programs) -> None:
    archive = _facts(intake, pdf_programs["libreoffice-archive"].content)
    form = _facts(intake, pdf_programs["reportlab-form"].content)
    cropped = _facts(intake, pdf_programs["hand-cropped"].content)
    text = _facts(intake, pdf_programs["reportlab-text"].content)
    revised = _facts(intake, pdf_programs["hand-incremental"].content)
    assert (archive.archive, form.archive) == ("2B", "")
    assert (form.has_form, archive.has_form) == (True, False)
    assert cropped.pages == (PageShape(-20, 10, 380, 510, 270, 1.0),)
    assert cropped.pages[0].size == (500, 400)
    assert text.pages[1].size == pytest.approx((842, 595), abs=1)
    assert (revised.revisions, revised.version) == (2, "1.7")


def test_attachments_layers_and_larger_units_are_told(intake) -> None:
    names = "/Names << /EmbeddedFiles << /Names [] >> >> /OCProperties << >>"
    facts = _facts(intake, plain_document(catalog=names, page="/UserUnit 2").classic())
    assert (facts.has_attachments, facts.has_layers) == (True, True)
    assert facts.pages[0].size == (1190, 1684)


@pytest.mark.parametrize("name", REFUSED)
def test_a_document_is_refused_with_a_reason_of_its_own(intake, name: str) -> None:
    build, reason = REFUSED[name]
    assert _refusal(intake, build()) == reason


def test_a_script_that_nothing_refers_to_is_refused_too(intake) -> None:
    """An update that adds one reference would start it."""
    assert _refusal(intake, with_unreached_script()) == "javascript"


def test_words_about_scripts_are_none(intake) -> None:
    assert _take(intake, with_words_about_scripts()).pages == 1


def test_as_many_pages_as_allowed_are_taken(walls: IsolationPool) -> None:
    few = Intake(walls, IntakeLimits(most_pages=100))
    assert _take(few, many_pages(100)).pages == 100
    assert _refusal(few, many_pages(101)) == "too_many_pages"


def test_too_many_octets_are_not_looked_at(intake) -> None:
    class Nobody:
        def run(self, *_arguments: Any, **_more: Any) -> Any:
            raise AssertionError

    small = Intake(Nobody(), IntakeLimits(most_bytes=10, most_xml_bytes=5))
    assert _refusal(small, b"%PDF-1.7 and more") == "too_large"
    assert _refusal(small, b"<a>bcd", _XML) == "too_large"
    assert _refusal(small, b"") == "empty"


# --- signed already -------------------------------------------------------------------------------


def test_a_document_that_is_signed_may_be_signed_again(intake) -> None:
    facts = _facts(intake, with_signature())
    assert facts.signatures == (SignatureSeen("Signature1", "ETSI.CAdES.detached", False),)
    assert facts.empty_fields == ("Empty",)
    assert facts.forbids == facts.forbids_visible == ""


@pytest.mark.parametrize(
    ("transform", "parameters", "forbids", "forbids_visible"),
    [
        ("DocMDP", "/P 1", "no_further_signature", "no_further_signature"),
        ("DocMDP", "/P 2", "", "no_new_visible_field"),
        ("DocMDP", "", "", "no_new_visible_field"),
        ("DocMDP", "/P 3", "", "no_new_visible_field"),
        ("FieldMDP", "/Action /All", "no_further_signature", "no_further_signature"),
        ("FieldMDP", "/Action /Include /Fields [(Total)]", "", ""),
    ],
)
def test_what_a_signature_forbids_is_known_before_anybody_signs(
    intake, transform: str, parameters: str, forbids: str, forbids_visible: str
) -> None:
    """ISO 32000-2 §12.8.2.2, §12.8.2.4: what comes after it must be allowed by it."""
    content = with_signature(transform=transform, parameters=parameters)
    facts = _facts(intake, content)
    assert (facts.forbids, facts.forbids_visible) == (forbids, forbids_visible)
    if forbids:
        assert _refusal(intake, content) == forbids


@pytest.mark.parametrize(
    ("field", "reason"),
    [("Signature1", "field_filled"), ("Nowhere", "no_such_field"), ("Locked", "field_locked")],
)
def test_a_field_that_cannot_be_filled_is_refused(intake, field: str, reason: str) -> None:
    locks = {"transform": "FieldMDP", "parameters": "/Action /Include /Fields [(Locked)]"}
    content = with_signature(empty="Locked", **locks)
    with pytest.raises(DocumentRefused) as refusal:
        _facts(intake, content, field)
    assert refusal.value.reason == reason


def test_an_empty_field_may_be_filled(intake) -> None:
    assert _facts(intake, with_signature(), "Empty").signatures


# --- XML ------------------------------------------------------------------------------------------


def test_xml_is_taken_and_known(intake) -> None:
    signature = '<d:Signature xmlns:d="http://www.w3.org/2000/09/xmldsig#"/>'
    content = f'<?xml version="1.0"?><đơn xmlns="urn:example:a"><b/>{signature}</đơn>'.encode()
    taken = _take(intake, content, "application/xml; charset=utf-8")
    assert taken.kind is DocumentKind.XML
    assert taken.xml == XmlFacts("đơn", "urn:example:a", 3, 1, nodes=12)
    wide = content.decode().replace('"1.0"', '"1.0" encoding="UTF-16"').encode("utf-16")
    assert _take(intake, wide, "").xml == taken.xml


_BOMB = "".join(f'<!ENTITY a{n} "{f"&a{n - 1};" * 10 if n else "a" * 10}">' for n in range(12))


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (f"<!DOCTYPE a [{_BOMB}]><a>&a11;</a>", "doctype"),
        ("<!DOCTYPE a><a/>", "doctype"),
        ('<!DOCTYPE a SYSTEM "http://127.0.0.1:1/a.dtd"><a/>', "doctype"),
        ('<!DOCTYPE a [<!ENTITY b SYSTEM "file:///etc/passwd">]><a>&b;</a>', "doctype"),
        ("<a>", "not_xml"),
        ("<a>&b;</a>", "not_xml"),
        ("<a/>" * 2, "not_xml"),
        ("a", "not_xml"),
        ("<a>" * 5_000 + "</a>" * 5_000, "not_xml"),
        ('<?xml version="1.0" encoding="ebcdic-cp-us"?><a/>', "encoding_unknown"),
        (f"<a>{'<b/>' * 1_000}</a>", "too_many_elements"),
    ],
    ids=lambda value: value[:30] if isinstance(value, str) else value,
)
def test_xml_that_is_no_document_for_signing_is_refused(
    walls: IsolationPool, content: str, reason: str
) -> None:
    few = Intake(walls, IntakeLimits(most_elements=1_000))
    assert _refusal(few, content.encode(), _XML) == reason


def _wide(attribute: str, number: int) -> str:
    return f"<a {' '.join(attribute.format(one) for one in range(number))}/>"


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        ("<a/>", ""),
        ('<Signature xmlns="http://www.w3.org/2000/09/xmldsig#"/>', "signature_is_root"),
        ("<a xmlns='relative'/>", "namespace_relative"),
        (_wide('b{}=""', 1_001), "too_many_attributes"),
        (_wide('b{}=""', 60_000), "too_many_attributes"),
        (_wide('xmlns:b{0}="urn:{0}"', 300), "too_many_namespaces"),
        (f"<a>{'<b/>' * 250_001}</a>", "too_many_elements"),
        (f"<a>{' ' * (8 << 20)}<b/>{' ' * (8 << 20)}</a>", "too_large"),
    ],
    ids=lambda value: value[:30] if isinstance(value, str) else value,
)
def test_why_no_signature_goes_into_it_is_known_before_anybody_signs(
    intake, content: str, reason: str
) -> None:
    taken = _take(intake, content.encode(), _XML)
    assert taken.no_enveloped == reason


# --- recognising ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("head", "media_type", "kind"),
    [
        (b"%PDF-1.7", _PDF, DocumentKind.PDF),
        (b"%PDF-1.7", "", DocumentKind.PDF),
        (b"%PDF-1.7", "Application/PDF; version=1", DocumentKind.PDF),
        (b"<a/>", "image/svg+xml", DocumentKind.XML),
        (b'\xef\xbb\xbf\n<?xml version="1.0"?>', "application/octet-stream", DocumentKind.XML),
        ("<?xml version='1.0'?>".encode("utf-16"), "text/xml", DocumentKind.XML),
        (b"<a/>", "", DocumentKind.FILE),
        (b"<html>", "text/html", DocumentKind.FILE),
        (b"PK\x03\x04", "application/zip", DocumentKind.FILE),
        (b"\x00", "", DocumentKind.FILE),
    ],
)
def test_a_document_is_recognised_by_its_content(
    head: bytes, media_type: str, kind: DocumentKind
) -> None:
    assert recognise(head, media_type=media_type) is kind


@pytest.mark.parametrize(
    ("head", "media_type", "reason"),
    [
        (b"GIF89a", _PDF, "not_a_pdf"),
        (b"\n%PDF-1.7", _PDF, "not_a_pdf"),
        (b"%PDF-1.7", "text/plain", "media_type_differs"),
        (b"GIF89a %PDF-1.7", "image/gif", "media_type_differs"),
        (b"MZ....%PDF-1.7", "", "media_type_differs"),
        (b"<?xml %PDF-1.7", _XML, "media_type_differs"),
        (b"{}", _XML, "not_xml"),
    ],
)
def test_what_is_declared_otherwise_is_refused(head: bytes, media_type: str, reason: str) -> None:
    with pytest.raises(DocumentRefused) as refusal:
        recognise(head, media_type=media_type)
    assert refusal.value.reason == reason
    assert reason in REASONS


# --- whoever parses is not believed ---------------------------------------------------------------


class _Says:
    """Answers as it was told."""

    def __init__(self, answer: Any) -> None:
        self._answer = answer

    def run(self, _task: Any, _asked: Any, *, inputs: Sequence[Blob] = ()) -> Any:
        if isinstance(self._answer, Exception):
            raise self._answer
        return self._answer, Blob.of()


@pytest.mark.parametrize("pages", [0, 10_001])
def test_pages_that_cannot_be_are_a_contradiction(pages: int) -> None:
    shapes = (PageShape(0, 0, 1, 1, 0, 1.0),) * pages
    lie = PdfFacts("1.7", "", 1, shapes, (), (), "", "", False, False, False)
    with pytest.raises(ParsingFailed) as failure:
        _take(Intake(_Says(lie)), b"%PDF-1.7")
    assert failure.value.reason == "contradiction"


def test_elements_that_cannot_be_are_a_contradiction() -> None:
    with pytest.raises(ParsingFailed) as failure:
        _take(Intake(_Says(XmlFacts("a", "", 0, 0))), b"<a/>", _XML)
    assert failure.value.reason == "contradiction"


@pytest.mark.parametrize(
    ("failed", "reason"), [("too_large", "expands_too_much"), ("too_slow", "takes_too_long")]
)
def test_a_document_that_takes_too_much_is_refused_for_it(failed: str, reason: str) -> None:
    assert _refusal(Intake(_Says(ParsingFailed(failed))), b"%PDF-1.7") == reason


def test_a_fault_of_ours_is_not_the_documents() -> None:
    with pytest.raises(ParsingFailed):
        _take(Intake(_Says(ParsingFailed("crashed"))), b"%PDF-1.7")


# --- properties -----------------------------------------------------------------------------------

_WORDS = [b"/Kids", b"/Count", b"<<", b">>", b"0 R", b"-1", b"9999999999", b"(", b"null", b"stream"]


@given(
    at=st.lists(st.integers(min_value=8, max_value=2_000), min_size=1, max_size=5),
    words=st.lists(st.sampled_from(_WORDS) | st.binary(min_size=1, max_size=8), min_size=5),
    is_packed=st.booleans(),
)
def test_a_document_with_faults_is_taken_or_refused_and_nothing_else(
    walls: IsolationPool, at: list[int], words: list[bytes], *, is_packed: bool
) -> None:
    content = bytearray(plain_document().with_streams() if is_packed else with_signature())
    for place, word in zip(at, words, strict=False):
        start = place % len(content)
        content[start : start + len(word)] = word
    with Blob.of(bytes(content)) as blob:
        try:
            Intake(walls).look_at_pdf(blob)
        except DocumentRefused as refusal:
            reason = refusal.reason
        else:
            reason = ""
    assert reason in REASONS | {""}
