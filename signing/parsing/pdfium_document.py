"""A PDF opened by PDFium, without a copy of it.

What lives here: `open_document`, which lets PDFium read from the views that a task was given.
Not here: what is done with it (`text_positions`).
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import pypdfium2

from signing.errors import DocumentRefused


@contextmanager
def open_document(parts: Sequence[memoryview]) -> Iterator[Any]:
    """A document that is closed at the end.

    Raises  DocumentRefused: damaged.
    """
    try:
        document = pypdfium2.PdfDocument(_Parts(parts))
    except pypdfium2.PdfiumError as error:
        raise DocumentRefused("damaged") from error
    try:
        yield document
    finally:
        document.close()


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
