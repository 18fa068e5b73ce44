"""PDFium behind the walls: opening a document where it lies.

What lives here: `open_document`, without a copy of the document, and the errors in our words.
NOTE: PDFium serves one thread; a process behind the walls has one.
Source: fpdfview.h, `FPDF_LoadMemDocument64`; Python, `PyObject_GetBuffer`.
Not here: what is drawn (`page_images`).
"""

from __future__ import annotations

import ctypes
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

import pypdfium2
import pypdfium2.raw

from signing.errors import DocumentRefused

_REASONS: Final = {
    pypdfium2.raw.FPDF_ERR_PASSWORD: "encrypted",
    pypdfium2.raw.FPDF_ERR_SECURITY: "encrypted",
}


class _Buffer(ctypes.Structure):
    """`Py_buffer`, of which the address is of interest."""

    _fields_ = (
        ("buf", ctypes.c_void_p),
        ("obj", ctypes.py_object),
        ("len", ctypes.c_ssize_t),
        ("itemsize", ctypes.c_ssize_t),
        ("readonly", ctypes.c_int),
        ("ndim", ctypes.c_int),
        ("format", ctypes.c_char_p),
        ("shape", ctypes.c_void_p),
        ("strides", ctypes.c_void_p),
        ("suboffsets", ctypes.c_void_p),
        ("internal", ctypes.c_void_p),
    )


@contextmanager
def open_document(document: memoryview) -> Iterator[pypdfium2.PdfDocument]:
    """A document, closed again at the end of the `with`.

    Raises  DocumentRefused: encrypted, damaged.
    """
    buffer = _Buffer()
    ctypes.pythonapi.PyObject_GetBuffer(ctypes.py_object(document), ctypes.byref(buffer), 0)
    try:
        if not buffer.len:
            raise DocumentRefused("damaged")
        octets = (ctypes.c_ubyte * buffer.len).from_address(buffer.buf)
        try:
            opened = pypdfium2.PdfDocument(octets)
        except pypdfium2.PdfiumError as failure:
            raise DocumentRefused(_REASONS.get(failure.err_code, "damaged")) from failure
        try:
            yield opened
        finally:
            opened.close()
    finally:
        ctypes.pythonapi.PyBuffer_Release(ctypes.byref(buffer))
