"""A PDF opened by PDFium, without a copy of it.

What lives here: `open_document`, which lets PDFium read where the document lies or, when that is
several places, from the views that a task was given.
NOTE: PDFium serves one thread; a process behind the walls has one.
Source: fpdfview.h, `FPDF_LoadMemDocument64`; Python, `PyObject_GetBuffer`.
Not here: what is done with it (`text_positions`, `page_images`).
"""

from __future__ import annotations

import ctypes
import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any, Final

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
def open_document(parts: Sequence[memoryview]) -> Iterator[Any]:
    """A document that is closed at the end.

    Raises  DocumentRefused: damaged, encrypted.
    """
    if len(parts) != 1:
        with _opened(_Parts(parts)) as document:
            yield document
        return
    with _octets_of(parts[0]) as octets, _opened(octets) as document:
        yield document


@contextmanager
def _opened(source: Any) -> Iterator[Any]:
    try:
        document = pypdfium2.PdfDocument(source)
    except pypdfium2.PdfiumError as failure:
        raise DocumentRefused(_REASONS.get(failure.err_code, "damaged")) from failure
    try:
        yield document
    finally:
        document.close()


@contextmanager
def _octets_of(view: memoryview) -> Iterator[Any]:
    """The octets themselves, which Python hands over only to who promises to write."""
    buffer = _Buffer()
    ctypes.pythonapi.PyObject_GetBuffer(ctypes.py_object(view), ctypes.byref(buffer), 0)
    try:
        if not buffer.len:
            raise DocumentRefused("damaged")
        yield (ctypes.c_ubyte * buffer.len).from_address(buffer.buf)
    finally:
        ctypes.pythonapi.PyBuffer_Release(ctypes.byref(buffer))


class _Parts:
    """Several views as one file that is only read."""

    def __init__(self, parts: Sequence[memoryview]) -> None:
        self._parts = parts
        self._size = sum(len(part) for part in parts)
        self._position = 0

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        base = {os.SEEK_SET: 0, os.SEEK_CUR: self._position, os.SEEK_END: self._size}[whence]
        self._position = base + offset
        return self._position

    def tell(self) -> int:
        return self._position

    def read(self, size: int = -1) -> bytes:
        wanted = self._size - self._position if size < 0 else size
        out = bytearray(max(0, min(wanted, self._size - self._position)))
        self.readinto(out)
        return bytes(out)

    def readinto(self, buffer: Any) -> int:
        with memoryview(buffer).cast("B") as target:
            done, start = 0, 0
            for part in self._parts:
                at = self._position + done - start
                if 0 <= at < len(part) and done < len(target):
                    piece = part[at : at + len(target) - done]
                    target[done : done + len(piece)] = piece
                    done += len(piece)
                start += len(part)
        self._position += done
        return done
