"""A first look at a PDF: whether it may be signed at all, and what there is to know about it.

What lives here: the list of looks, cheapest first.  Two readers have to agree that it is a document
of so many pages: the one that will write the signature, and the one that draws what is signed.
Source: ISO 32000-2 §7.5 (file structure), §12.8 (signatures), ISO 19005 (PDF/A).
Not here: what earlier signatures are worth: nothing is verified.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import BinaryIO, Final

from pyhanko.pdf_utils import generic

from signing.errors import DocumentRefused
from signing.messages.pdf_intake import PdfAsked, PdfFacts, SignatureSeen
from signing.parsing.pdf_active_content import check_active_content
from signing.parsing.pdf_form import SignatureField, signature_fields
from signing.parsing.pdf_pages import check_contents, shape_of, walk_pages
from signing.parsing.pdf_permissions import check_empty_field, check_new_field
from signing.parsing.pdf_update import Update, entry, open_update
from signing.parsing.pdfium_document import open_document

_TAIL_BYTES: Final = 1_024
_MOST_METADATA: Final = 1 << 20
_ARCHIVE_PART: Final = re.compile(rb"pdfaid:part(?:\s*>|\s*=\s*[\"'])\s*(\d)")
_ARCHIVE_LEVEL: Final = re.compile(rb"pdfaid:conformance(?:\s*>|\s*=\s*[\"'])\s*([ABUEFabuef])")


def look_at_pdf(asked: PdfAsked, inputs: Sequence[memoryview], _output: BinaryIO) -> PdfFacts:
    """What the document is.

    1. It begins and ends as a PDF does.
    2. It can be read and is not encrypted.
    3. Nothing in it does something by itself.
    4. It has pages, not too many, and none grows beyond measure.
    5. Who draws it finds the same pages.
    6. A field that is to be filled is there, empty and free.

    Raises  DocumentRefused: see `signing.intake.REASONS`.
    """
    document = inputs[0]
    # 1
    if bytes(document[:5]) != b"%PDF-":
        raise DocumentRefused("not_a_pdf")
    if b"%%EOF" not in bytes(document[-_TAIL_BYTES:]):
        raise DocumentRefused("truncated")
    # 2
    with open_update(inputs) as update:
        # 3
        check_active_content(update.prev, document)
        # 4
        shapes, seen = [], set[tuple[int, int]]()
        for page, known in walk_pages(update.root, most=asked.most_pages):
            shapes.append(shape_of(page, known))
            check_contents(page, seen=seen)
        # 5
        with open_document(inputs) as drawn:
            if len(drawn) != len(shapes):
                raise DocumentRefused("damaged")
        # 6
        fields = signature_fields(update.root)
        filled = [field for field in fields if field.value is not None]
        if asked.field:
            _check_field(asked.field, fields, filled)
        return PdfFacts(
            version=".".join(map(str, update.prev.input_version)),
            archive=_archive(update.root),
            revisions=update.prev.total_revisions,
            pages=tuple(shapes),
            signatures=tuple(_seen(field) for field in filled),
            empty_fields=tuple(field.name for field in fields if field.value is None),
            forbids=_forbidden(filled, is_visible=False),
            forbids_visible=_forbidden(filled, is_visible=True),
            has_form=_has_form(update, len(fields)),
            has_attachments=_has_attachments(update.root),
            has_layers="/OCProperties" in update.root,
        )


def _check_field(
    name: str, fields: Sequence[SignatureField], filled: Sequence[SignatureField]
) -> None:
    found = next((field for field in fields if field.name == name), None)
    if found is None:
        raise DocumentRefused("no_such_field")
    if found.value is not None:
        raise DocumentRefused("field_filled")
    check_empty_field(found, filled, certifies=False)


def _forbidden(filled: Sequence[SignatureField], *, is_visible: bool) -> str:
    try:
        check_new_field(filled, is_visible=is_visible, certifies=False)
    except DocumentRefused as refusal:
        return refusal.reason
    return ""


def _seen(field: SignatureField) -> SignatureSeen:
    value = field.value or generic.DictionaryObject()
    sub_filter = str(entry(value, "/SubFilter") or "").removeprefix("/")
    return SignatureSeen(field.name, sub_filter, entry(value, "/Type") == "/DocTimeStamp")


def _archive(root: generic.DictionaryObject) -> str:
    metadata = entry(root, "/Metadata")
    if not isinstance(metadata, generic.StreamObject):
        return ""
    # an archive file has its metadata in the clear, so that anybody finds it
    said = metadata.encoded_data[:_MOST_METADATA]
    part, level = _ARCHIVE_PART.search(said), _ARCHIVE_LEVEL.search(said)
    if part is None:
        return ""
    return (part[1] + (level[1] if level else b"")).decode().upper()


def _has_form(update: Update, signature_fields_there: int) -> bool:
    form = entry(update.root, "/AcroForm")
    fields = entry(form, "/Fields") if isinstance(form, generic.DictionaryObject) else None
    return isinstance(fields, generic.ArrayObject) and len(fields) > signature_fields_there


def _has_attachments(root: generic.DictionaryObject) -> bool:
    names = entry(root, "/Names")
    has_named = isinstance(names, generic.DictionaryObject) and "/EmbeddedFiles" in names
    return has_named or bool(entry(root, "/AF"))
