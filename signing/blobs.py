"""Documents at rest: sealed files with an expiry.

What lives here: `DocumentStore`.  Each document is sealed under a key of its own, which stands in
SQL sealed under the service's; a file without its row is noise, and is swept away.  A file is
complete and on disk before its row is committed.
Source: architecture, "State" (document bytes waiting for a signature).
Not here: which document belongs to which request (`signing/storage/requests.py`).
"""

from __future__ import annotations

import os
import secrets
from collections.abc import Collection, Iterable, Iterator, Sequence
from contextlib import suppress
from datetime import datetime, timedelta
from pathlib import Path
from typing import Final

from keystore.errors import SealBroken
from keystore.purposes import SealPurpose
from keystore.sealed_stream import (
    PIECE_BYTES,
    SEALED_BYTES,
    TAG_BYTES,
    make_stream_key,
    open_piece,
    open_stream,
    seal_piece,
    seal_stream,
)
from keystore.sealing import Sealer
from keystore.storage import DatabaseLike, Transaction
from signing.errors import DocumentGone
from signing.isolation.blob import Blob, write_all
from signing.model import BlobId, Result, StoredBlob
from signing.storage.blobs import (
    delete_blobs,
    find_blob,
    find_blobs,
    insert_blobs,
    keep_blobs_until,
    read_expired_blobs,
    replace_blob,
)

_CHUNK: Final = 1 << 20
_STRANGER_AGE: Final = timedelta(hours=1)
"""A file without a row that is younger may belong to a request that is just coming in."""


class DocumentStore:
    """Keeps documents in a folder; safe for any number of threads and processes.

    Takes   folder: on a disk that all web workers and the worker of deferred work share; it is
            made with the first document, for this user alone.
    """

    def __init__(self, database: DatabaseLike, *, folder: Path, sealer: Sealer) -> None:
        self._database = database
        self._folder = folder
        self._sealer = sealer

    def write(self, content: Blob, *, expires_at: datetime) -> StoredBlob:
        """Seal a document into a file; it is kept once `keep` is committed.

        Raises  OSError: the disk is full, or gone.
        """
        blob_id = BlobId(f"doc_{secrets.token_hex(16)}")
        key = make_stream_key()
        path = self._path(blob_id)
        descriptor = self._make_file(path)
        try:
            try:
                for piece in _sealed(content, key=key, context=_context(blob_id)):
                    write_all(descriptor, piece)
                os.fsync(descriptor)
            finally:
                os.close(descriptor)
            _sync_folder(path.parent)
        except BaseException:
            path.unlink(missing_ok=True)
            raise
        sealed = self._sealer.seal(SealPurpose.DOCUMENT, key, context=_context(blob_id))
        return StoredBlob(
            blob_id=blob_id, key_sealed=sealed, size_bytes=content.size, expires_at=expires_at
        )

    def keep(self, tx: Transaction, blobs: Sequence[StoredBlob]) -> None:
        """Make written documents last, in the transaction of the act that they belong to.

        Where nobody knows whether that took place the files stay: whether they have a row `sweep`
        finds out.
        """
        insert_blobs(tx, blobs)
        tx.on_undone(lambda: self.forget_files([one.blob_id for one in blobs]))

    def keep_instead(
        self, tx: Transaction, blobs: Sequence[StoredBlob], *, older: Collection[BlobId]
    ) -> None:
        """The same, and destroy others; in one statement where one takes the place of one."""
        if len(blobs) == len(older) == 1 and replace_blob(tx, next(iter(older)), blobs[0]):
            tx.on_undone(lambda: self.forget_files([blobs[0].blob_id]))
            tx.on_commit(lambda: self.forget_files(older))
            return
        self.keep(tx, blobs)
        self.drop(tx, older)

    def keep_until(self, tx: Transaction, blob_ids: Collection[BlobId], *, until: datetime) -> None:
        """Let documents stay until then, and no longer."""
        keep_blobs_until(tx, blob_ids, until=until)

    def open(self, blob_id: BlobId) -> Blob:
        """A document; the caller closes it.

        Raises  DocumentGone: its time is over; SealBroken: its file was changed.
        """
        return self.open_stored(self._find(blob_id))

    def open_stored(self, stored: StoredBlob) -> Blob:
        """The same of a document whose row was found."""
        return self._open(stored, self._key_of(stored))

    def _open(self, stored: StoredBlob, key: bytes) -> Blob:
        if stored.size_bytes <= PIECE_BYTES:
            return Blob.of(self._read(stored, key))
        blob_id = stored.blob_id
        pieces = open_stream(self._pieces(blob_id), key=key, context=_context(blob_id))
        try:
            content = Blob.of_chunks(pieces)
        except FileNotFoundError as gone:
            raise DocumentGone from gone
        if content.size != stored.size_bytes:
            content.close()
            raise SealBroken
        return content

    def _read(self, stored: StoredBlob, key: bytes) -> bytes:
        """All of what is one piece."""
        sealed_bytes = stored.size_bytes + TAG_BYTES
        try:
            descriptor = os.open(self._path(stored.blob_id), os.O_RDONLY)
        except FileNotFoundError as gone:
            raise DocumentGone from gone
        try:
            raw = os.pread(descriptor, sealed_bytes + 1, 0)
        finally:
            os.close(descriptor)
        if len(raw) != sealed_bytes:
            raise SealBroken
        return open_piece(raw, number=0, is_last=True, key=key, context=_context(stored.blob_id))

    def open_part(self, part: Result) -> Blob:
        """A part of what lies together, of which only the pieces around it are opened.

        The caller closes it.
        Raises  DocumentGone: its time is over; SealBroken: its file was changed.
        """
        content = self.read_part(self._find(part.blob_id), part)
        return content if isinstance(content, Blob) else Blob.of(content)

    def read_part(self, stored: StoredBlob, part: Result) -> Blob | bytes:
        """The same of a document whose row was found; a copy of what is small.

        The caller closes the blob.
        Raises  DocumentGone: its file is; SealBroken: its file was changed.
        """
        key = self._key_of(stored)
        end = part.offset + part.size_bytes
        if (part.offset, end) == (0, stored.size_bytes):
            is_small = stored.size_bytes <= PIECE_BYTES
            return self._read(stored, key) if is_small else self._open(stored, key)
        if not 0 <= part.offset < end <= stored.size_bytes:
            raise SealBroken
        first, last = part.offset // PIECE_BYTES, (end - 1) // PIECE_BYTES
        try:
            with self._path(part.blob_id).open("rb") as file:
                opened = b"".join(
                    open_piece(
                        os.pread(file.fileno(), SEALED_BYTES, number * SEALED_BYTES),
                        number=number,
                        is_last=(number + 1) * PIECE_BYTES >= stored.size_bytes,
                        key=key,
                        context=_context(part.blob_id),
                    )
                    for number in range(first, last + 1)
                )
        except FileNotFoundError as gone:
            raise DocumentGone from gone
        start = part.offset - first * PIECE_BYTES
        wanted = opened[start : start + part.size_bytes]
        return wanted if len(wanted) <= PIECE_BYTES else Blob.of(wanted)

    def drop(self, tx: Transaction, blob_ids: Collection[BlobId]) -> None:
        """Destroy documents: their keys in this transaction, their files after it."""
        ids = tuple(blob_ids)
        delete_blobs(tx, ids)
        tx.on_commit(lambda: self.forget_files(ids))

    def purge(self, now: datetime) -> int:
        """Destroy documents whose time is over; a periodic duty.  Returns how many went."""
        gone = 0
        while True:
            with self._database.read() as connection:
                expired = read_expired_blobs(connection, now=now)
            if not expired:
                return gone
            with self._database.transaction() as tx:
                self.drop(tx, expired)
            gone += len(expired)

    def sweep(self, now: datetime) -> int:
        """Remove files that belong to no row: of requests that were cut off, of deleted rows."""
        swept = 0
        if not self._folder.is_dir():
            return swept
        for folder in sorted(self._folder.iterdir()):
            names = [one.name for one in folder.iterdir()]
            with self._database.read() as connection:
                known = find_blobs(connection, [BlobId(name) for name in names])
            strangers = [name for name in names if BlobId(name) not in known]
            old = [name for name in strangers if self._is_old(folder / name, now=now)]
            self.forget_files([BlobId(name) for name in old])
            swept += len(old)
        return swept

    def forget_files(self, blob_ids: Collection[BlobId]) -> None:
        """Remove files; what cannot be removed is swept away later."""
        for blob_id in blob_ids:
            with suppress(OSError):
                self._path(blob_id).unlink()

    def _find(self, blob_id: BlobId) -> StoredBlob:
        """A document's row.  Raises DocumentGone."""
        with self._database.read() as connection:
            stored = find_blob(connection, blob_id)
        if stored is None:
            raise DocumentGone
        return stored

    def _key_of(self, stored: StoredBlob) -> bytes:
        return self._sealer.unseal(
            SealPurpose.DOCUMENT, stored.key_sealed, context=_context(stored.blob_id)
        )

    def _make_file(self, path: Path) -> int:
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL
        try:
            return os.open(path, flags, 0o600)
        except FileNotFoundError:  # the first document of its folder
            self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            path.parent.mkdir(mode=0o700, exist_ok=True)
            return os.open(path, flags, 0o600)

    def _is_old(self, path: Path, *, now: datetime) -> bool:
        try:
            return now.timestamp() - path.stat().st_mtime > _STRANGER_AGE.total_seconds()
        except FileNotFoundError:
            return False

    def _pieces(self, blob_id: BlobId) -> Iterator[bytes]:
        with self._path(blob_id).open("rb") as file:
            while chunk := file.read(_CHUNK):
                yield chunk

    def _path(self, blob_id: BlobId) -> Path:
        # 256 folders: none grows too large to be listed
        return self._folder / blob_id[-2:] / blob_id


def _sealed(content: Blob, *, key: bytes, context: str) -> Iterable[bytes]:
    if content.size <= PIECE_BYTES:
        return (seal_piece(content.read(), key=key, context=context),)
    return seal_stream(content.chunks(), key=key, context=context)


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _context(blob_id: BlobId) -> str:
    return f"document_blob:{blob_id}"
