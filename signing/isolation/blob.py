"""Bytes that are handed from process to process without being copied.

What lives here: `Blob`, a file in memory that has no name.  It is filled once and never changes
afterwards, whoever else holds it (Linux seals it).  Not here: bytes that have to survive a process
(`signing/blobs.py`).
"""

from __future__ import annotations

import fcntl
import hashlib
import mmap
import os
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from types import TracebackType
from typing import Final, Self

_CHUNK: Final = 1 << 20
_SEALS: Final = (
    getattr(fcntl, "F_SEAL_WRITE", 0)
    | getattr(fcntl, "F_SEAL_GROW", 0)
    | getattr(fcntl, "F_SEAL_SHRINK", 0)
    | getattr(fcntl, "F_SEAL_SEAL", 0)
)


class Blob:
    """A file in memory; close it, or use it in a `with`."""

    def __init__(self, fd: int) -> None:
        self._fd = fd
        self._is_sealed = False
        self._hashes: dict[str, hashlib._Hash] = {}

    @classmethod
    def of(cls, *parts: bytes | memoryview) -> Self:
        """Filled with these parts, one after the other."""
        return cls.of_chunks(parts)

    @classmethod
    def of_chunks(cls, chunks: Iterable[bytes | memoryview]) -> Self:
        """Filled with what `chunks` gives, and complete when this returns."""
        fd = open_memory_file()
        try:
            for chunk in chunks:
                write_all(fd, chunk)
        except BaseException:
            os.close(fd)
            raise
        blob = cls(fd)
        blob.seal()
        return blob

    @property
    def fd(self) -> int:
        """The file descriptor, which stays this object's."""
        return self._fd

    @property
    def size(self) -> int:
        """How many bytes there are."""
        return os.fstat(self._fd).st_size

    def seal(self) -> None:
        """Let nobody change it any more."""
        if _SEALS and hasattr(os, "memfd_create"):
            fcntl.fcntl(self._fd, fcntl.F_ADD_SEALS, _SEALS)
            self._is_sealed = True

    def empty(self) -> None:
        """Throw away what there is, and let nobody fill it again.

        Raises  OSError: somebody has it mapped to write.
        """
        if _SEALS and hasattr(os, "memfd_create"):
            fcntl.fcntl(self._fd, fcntl.F_ADD_SEALS, fcntl.F_SEAL_WRITE | fcntl.F_SEAL_GROW)
        self._hashes.clear()
        os.ftruncate(self._fd, 0)
        self.seal()

    @contextmanager
    def view(self) -> Iterator[memoryview]:
        """All of it, without a copy; what was sliced from it must be let go before the end."""
        if self.size == 0:
            yield memoryview(b"")
            return
        with mmap.mmap(self._fd, 0, access=mmap.ACCESS_READ) as mapped, memoryview(mapped) as view:
            yield view

    def chunks(self, size: int = _CHUNK) -> Iterator[bytes]:
        """All of it in pieces."""
        position, left = 0, self.size
        while left > 0 and (chunk := os.pread(self._fd, min(size, left), position)):
            position += len(chunk)
            left -= len(chunk)
            yield chunk

    def read(self) -> bytes:
        """All of it, as a copy."""
        return b"".join(self.chunks())

    def digest(self, hash_name: str) -> bytes:
        """Its hash, by the name of `hashlib`; what nobody can change any more is hashed once."""
        return self.hashed(hash_name).digest()

    def hashed(self, hash_name: str) -> hashlib._Hash:
        """The same to go on with, for what stands behind it."""
        known = self._hashes.get(hash_name)
        if known is not None:
            return known.copy()
        hashed = hashlib.new(hash_name)
        for chunk in self.chunks():
            hashed.update(chunk)
        if self._is_sealed:
            self._hashes[hash_name] = hashed.copy()
        return hashed

    def close(self) -> None:
        """Let it go; doing so twice is no fault."""
        if self._fd >= 0:
            os.close(self._fd)
            self._fd = -1

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def __len__(self) -> int:
        return self.size

    def __repr__(self) -> str:
        return f"Blob({self.size if self._fd >= 0 else 'closed'})"


def open_memory_file() -> int:
    """A new file without a name, to be filled and sealed."""
    if hasattr(os, "memfd_create"):
        return os.memfd_create("antin", os.MFD_CLOEXEC | os.MFD_ALLOW_SEALING)
    with tempfile.TemporaryFile() as file:
        return os.dup(file.fileno())


def write_all(fd: int, chunk: bytes | memoryview) -> None:
    """Write all of it, however many turns it takes."""
    with memoryview(chunk) as view:
        left = view.cast("B") if view.format != "B" else view[:]
        while left:
            left = left[os.write(fd, left) :]
