"""What was handed over, and whether it can be signed at all.

What lives here: `Intake`, which recognises a document by its content (what it was declared to be
has to agree), holds it against the limits, and has it looked at behind the walls.  Each reason to
refuse is a code of its own: `REASONS`.
Source: architecture, J3 and decision 12; RFC 6838 §4.2.8 (`+xml`).
Not here: the looks themselves (`signing/parsing`), the sentences (the edge).
"""

from __future__ import annotations

import codecs
from dataclasses import dataclass
from typing import Final

from signing.errors import DocumentRefused, ParsingFailed
from signing.formats.xades_place import MOST_BYTES, MOST_ELEMENTS
from signing.isolation.blob import Blob
from signing.isolation.task import Answered, Asked, Isolation, Task, for_tenant
from signing.messages.pdf_intake import LOOK_AT_PDF, PdfAsked, PdfFacts
from signing.messages.xml_intake import LOOK_AT_XML, XmlAsked, XmlFacts
from signing.model import DocumentKind
from signing.ports import Seen

REASONS: Final = frozenset(
    {
        # any document
        *("empty", "too_large", "media_type_differs"),
        # inside of one: beyond measure in memory, or in time
        *("expands_too_much", "takes_too_long"),
        # PDF
        *("not_a_pdf", "truncated", "damaged", "encrypted", "too_many_pages"),
        *("javascript", "launch_action", "xfa_form", "rich_media"),
        *("no_further_signature", "no_such_field", "field_filled", "field_locked"),
        "field_demands_more",
        # XML
        *("not_xml", "encoding_unknown", "doctype", "too_many_elements"),
    }
)
"""Every reason that a document can be refused for here."""

_HEAD_BYTES: Final = 1_024
_PDF: Final = "application/pdf"
_ANY: Final = frozenset({"", "application/octet-stream"})
_XML: Final = frozenset({"application/xml", "text/xml"})
_MARKS: Final = (codecs.BOM_UTF8, codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)
_BECAUSE: Final = {"too_large": "expands_too_much", "too_slow": "takes_too_long"}


@dataclass(frozen=True, slots=True)
class IntakeLimits:
    """What is still taken."""

    most_bytes: int = 200 * 1024 * 1024
    most_xml_bytes: int = 20 * 1024 * 1024
    most_pages: int = 10_000
    most_elements: int = 500_000


@dataclass(frozen=True, slots=True, kw_only=True)
class TakenIn(Seen):
    """A document that can be signed, and what there is to know about it.

    Takes   xml: facts, where it is one.
    """

    xml: XmlFacts | None = None


class Intake:
    """See `LooksAt`."""

    def __init__(self, isolation: Isolation, limits: IntakeLimits | None = None) -> None:
        self._isolation = isolation
        self._limits = limits or IntakeLimits()

    def __call__(self, content: Blob, *, media_type: str, tenant: str = "") -> TakenIn:
        """Recognise a document, and look at it.

        Raises  DocumentRefused (one of `REASONS`); ParsingFailed.
        """
        if not content.size:
            raise DocumentRefused("empty")
        if content.size > self._limits.most_bytes:
            raise DocumentRefused("too_large")
        kind = recognise(next(content.chunks(_HEAD_BYTES)), media_type=media_type)
        if kind is DocumentKind.PDF:
            facts = self.look_at_pdf(content, tenant=tenant)
            if facts.forbids:
                raise DocumentRefused(facts.forbids)
            return TakenIn(kind=kind, pages=len(facts.pages), pdf=facts)
        if kind is DocumentKind.XML:
            xml = self.look_at_xml(content, tenant=tenant)
            return TakenIn(kind=kind, xml=xml, no_enveloped=xml.no_enveloped, nodes=xml.nodes)
        return TakenIn(kind=kind)

    def look_at_pdf(self, content: Blob, *, field: str = "", tenant: str = "") -> PdfFacts:
        """What a PDF is, signed or not.

        Takes   field: a signature field that is to be filled.
        Raises  DocumentRefused; ParsingFailed.
        """
        asked = PdfAsked(self._limits.most_pages, field)
        facts = self._run(LOOK_AT_PDF, asked, content, tenant=tenant)
        if not 0 < len(facts.pages) <= self._limits.most_pages:
            raise ParsingFailed("contradiction")
        return facts

    def look_at_xml(self, content: Blob, *, tenant: str = "") -> XmlFacts:
        """What an XML document is.

        Raises  DocumentRefused; ParsingFailed.
        """
        if content.size > self._limits.most_xml_bytes:
            raise DocumentRefused("too_large")
        asked = XmlAsked(self._limits.most_elements, MOST_BYTES, MOST_ELEMENTS)
        facts = self._run(LOOK_AT_XML, asked, content, tenant=tenant)
        if not 0 < facts.elements <= self._limits.most_elements:
            raise ParsingFailed("contradiction")
        return facts

    def _run(
        self, task: Task[Asked, Answered], asked: Asked, content: Blob, *, tenant: str
    ) -> Answered:
        isolation = for_tenant(self._isolation, tenant)
        try:
            answered, output = isolation.run(task, asked, inputs=[content])
        except ParsingFailed as failure:
            if failure.reason in _BECAUSE:
                raise DocumentRefused(_BECAUSE[failure.reason]) from failure
            raise
        output.close()
        return answered


def recognise(head: bytes, *, media_type: str) -> DocumentKind:
    """What a document is by its beginning; what it is declared to be has to agree.

    Takes   head: its first 1,024 bytes, where readers look for the sign of a PDF; media_type:
            declared, parameters are not looked at; empty, or `application/octet-stream`, says
            nothing.
    Raises  DocumentRefused: media_type_differs, not_a_pdf, not_xml.
    """
    declared = media_type.partition(";")[0].strip().lower()
    is_declared_xml = declared in _XML or declared.endswith("+xml")
    if declared == _PDF:
        if not head.startswith(b"%PDF-"):
            raise DocumentRefused("not_a_pdf")
        return DocumentKind.PDF
    if b"%PDF-" in head:  # whatever else it is, a reader would show a PDF
        if declared in _ANY and head.startswith(b"%PDF-"):
            return DocumentKind.PDF
        raise DocumentRefused("media_type_differs")
    if is_declared_xml:
        if not _begins_as_xml(head):
            raise DocumentRefused("not_xml")
        return DocumentKind.XML
    if declared in _ANY and _is_declared_inside(head):
        return DocumentKind.XML
    return DocumentKind.FILE


def _text(head: bytes) -> bytes:
    """Without byte order mark, white space and the empty halves of UTF-16."""
    for mark in _MARKS:
        if head.startswith(mark):
            return head.removeprefix(mark).replace(b"\0", b"").lstrip(b" \t\r\n")
    return head.lstrip(b" \t\r\n")


def _begins_as_xml(head: bytes) -> bool:
    return _text(head).startswith(b"<")


def _is_declared_inside(head: bytes) -> bool:
    return _text(head).startswith(b"<?xml")
