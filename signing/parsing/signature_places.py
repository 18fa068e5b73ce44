"""Where signature fields stand on a page, filled or waiting.

What lives here: their names and rectangles, as PDFium's view of the form has them.
Source: ISO 32000-2 §12.7.5.5; fpdf_annot.h.
Not here: what is in them (`pdf_signatures`).
"""

from __future__ import annotations

import ctypes
from collections.abc import Iterator
from typing import Any, Final

import pypdfium2.raw as pdfium

from signing.messages.text_positions import FieldPlace, TextBox

_MOST_ANNOTATIONS: Final = 5_000
_LONGEST_NAME: Final = 1_000


def signature_places(page: Any) -> Iterator[FieldPlace]:
    """Every signature field of a page that takes room; the form was opened before the page."""
    form = page.formenv
    if form is None:
        return
    count = pdfium.FPDFPage_GetAnnotCount(page)
    for index in range(min(count, _MOST_ANNOTATIONS)):
        annotation = pdfium.FPDFPage_GetAnnot(page, index)
        if not annotation:
            continue
        try:
            kind = pdfium.FPDFAnnot_GetFormFieldType(form, annotation)
            edges = pdfium.FS_RECTF()
            if (
                kind == pdfium.FPDF_FORMFIELD_SIGNATURE
                and pdfium.FPDFAnnot_GetRect(annotation, edges)
                and edges.left < edges.right
                and edges.bottom < edges.top
            ):
                box = TextBox(edges.left, edges.bottom, edges.right, edges.top)
                yield FieldPlace(_name(form, annotation), box)
        finally:
            pdfium.FPDFPage_CloseAnnot(annotation)


def _name(form: Any, annotation: Any) -> str:
    buffer = (ctypes.c_ushort * _LONGEST_NAME)()
    size = pdfium.FPDFAnnot_GetFormFieldName(form, annotation, buffer, ctypes.sizeof(buffer))
    if not 2 <= size <= ctypes.sizeof(buffer):
        return ""
    return bytes(buffer)[: size - 2].decode("utf-16-le", errors="replace")
