"""Which documents are at rest, in SQL: their sealed keys and when they go.

What lives here: one table and the statements on it.  Deleting a row makes a document unreadable for
ever, whatever becomes of its file.  Not here: the files (`signing/blobs.py`).
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Any, Final

from sqlalchemy import (
    BigInteger,
    Column,
    Connection,
    Index,
    LargeBinary,
    String,
    Table,
    bindparam,
    delete,
    insert,
    select,
    update,
)

from keystore.clock import from_ms, to_ms
from keystore.statement import Statement
from keystore.storage import Transaction
from signing.model import BlobId, StoredBlob
from signing.storage import metadata

_NONE: Final[dict[str, Any]] = {"data": "none"}

document_blob = Table(
    "document_blob",
    metadata,
    Column("blob_id", String(40), primary_key=True, info=_NONE),
    Column("key_sealed", LargeBinary, nullable=False, info={"data": "secret"}),
    Column("size_bytes", BigInteger, nullable=False, info=_NONE),
    Column("expires_ms", BigInteger, nullable=False, info=_NONE),
    Index("ix_document_blob_expires", "expires_ms"),
    info={
        "subject": "person",
        "export": {
            "not_given": "where documents lie that wait: what they are stands in signing_document,"
            " and they themselves are read and fetched on the pages for signing",
        },
        "erased": {
            "kept": "what its portal may still fetch; what waited for the person has ended",
            "legal": "Law 20/2023/QH15 Art. 23; Circular 15/2025/TT-BKHCN Art. 5",
            "until": "30 days after the request ended",
        },
        "purpose": "documents that wait for a signature, or to be fetched",
        "retention": "until expires_ms, then the key goes and the file after it",
        "legal": "Law 91/2025/QH15",
        "legal_from": "2026-01-01",
    },
)

_c = document_blob.c
_FIND: Final = select(document_blob).where(_c.blob_id.in_(bindparam("ids", expanding=True)))
_FIND_ONE: Final = Statement(select(document_blob).where(_c.blob_id == bindparam("id")))
_INSERT_ONE: Final = Statement(insert(document_blob))
_EXPIRED: Final = (
    select(_c.blob_id)
    .where(_c.expires_ms <= bindparam("now"))
    .order_by(_c.expires_ms)
    .limit(bindparam("at_most"))
)
_KEEP_UNTIL: Final = (
    update(document_blob)
    .where(_c.blob_id.in_(bindparam("ids", expanding=True)))
    .values(expires_ms=bindparam("until"))
)
_REPLACE: Final = Statement(
    update(document_blob)
    .where(_c.blob_id == bindparam("older"))
    .values(
        blob_id=bindparam("id"),
        key_sealed=bindparam("key"),
        size_bytes=bindparam("size"),
        expires_ms=bindparam("until"),
    )
)
_DELETE_ONE: Final = Statement(delete(document_blob).where(_c.blob_id == bindparam("id")))
_DELETE: Final = delete(document_blob).where(_c.blob_id.in_(bindparam("ids", expanding=True)))


def insert_blobs(tx: Transaction, blobs: Sequence[StoredBlob]) -> None:
    """Keep the keys of documents whose files are complete."""
    rows = [blob_row(one) for one in blobs]
    if len(rows) == 1:
        _INSERT_ONE.count(tx.connection, rows[0])
    elif rows:
        tx.connection.execute(insert(document_blob), rows)


def replace_blob(tx: Transaction, older: BlobId, one: StoredBlob) -> bool:
    """Keep a document's key in the place of another's, which is destroyed; whether that was there.

    False: nothing was done.
    """
    row = blob_row(one)
    replaced = _REPLACE.count(
        tx.connection,
        {
            "older": older,
            "id": row["blob_id"],
            "key": row["key_sealed"],
            "size": row["size_bytes"],
            "until": row["expires_ms"],
        },
    )
    return replaced == 1


def blob_row(one: StoredBlob) -> dict[str, Any]:
    """A document's row."""
    return {
        "blob_id": one.blob_id,
        "key_sealed": one.key_sealed,
        "size_bytes": one.size_bytes,
        "expires_ms": to_ms(one.expires_at),
    }


def find_blobs(connection: Connection, blob_ids: Collection[BlobId]) -> dict[BlobId, StoredBlob]:
    """Those of the documents that are there."""
    rows = connection.execute(_FIND, {"ids": list(blob_ids)})
    return {BlobId(row.blob_id): _blob(row) for row in rows}


def find_blob(connection: Connection, blob_id: BlobId) -> StoredBlob | None:
    """One document, if it is there."""
    row = _FIND_ONE.one_or_none(connection, {"id": blob_id})
    return None if row is None else _blob(row)


def keep_blobs_until(tx: Transaction, blob_ids: Collection[BlobId], *, until: datetime) -> None:
    """Let them stay until then, and no longer."""
    if blob_ids:
        tx.connection.execute(_KEEP_UNTIL, {"ids": list(blob_ids), "until": to_ms(until)})


def read_expired_blobs(
    connection: Connection, *, now: datetime, limit: int = 500
) -> tuple[BlobId, ...]:
    """Those whose time is over."""
    found = connection.execute(_EXPIRED, {"now": to_ms(now), "at_most": limit})
    return tuple(BlobId(one) for one in found.scalars())


def delete_blobs(tx: Transaction, blob_ids: Collection[BlobId]) -> None:
    """Destroy their keys."""
    if len(blob_ids) == 1:
        _DELETE_ONE.count(tx.connection, {"id": next(iter(blob_ids))})
    elif blob_ids:
        tx.connection.execute(_DELETE, {"ids": list(blob_ids)})


def _blob(row: Any) -> StoredBlob:
    return StoredBlob(
        blob_id=BlobId(row.blob_id),
        key_sealed=row.key_sealed,
        size_bytes=row.size_bytes,
        expires_at=from_ms(row.expires_ms),
    )
