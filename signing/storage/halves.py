"""Which second halves of a turn are made, in SQL, before all of them are.

What lives here: one table and the statements on it.  A turn of a thousand documents needs a
thousand timestamps; what was made stays made when one of them cannot be had.
Whoever writes holds the request (`signing.storage.requests.lock_request`).
Not here: making them (`signing/halves.py`), where they are at rest (`signing/blobs.py`).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from sqlalchemy import (
    BigInteger,
    Column,
    Connection,
    ForeignKeyConstraint,
    Integer,
    String,
    Table,
    bindparam,
    delete,
    insert,
    select,
)

from keystore.statement import Statement
from keystore.storage import Transaction
from signing.model import BlobId, Result
from signing.storage import metadata

_NONE: Final[dict[str, Any]] = {"data": "none"}

signing_half = Table(
    "signing_half",
    metadata,
    Column("request_id", String(40), primary_key=True, info=_NONE),
    Column("slot", Integer, primary_key=True, autoincrement=False, info=_NONE),
    Column("number", Integer, primary_key=True, autoincrement=False, info=_NONE),
    Column("blob_id", String(40), nullable=False, info=_NONE),
    Column("offset_bytes", BigInteger, nullable=False, info=_NONE),
    Column("size_bytes", BigInteger, nullable=False, info=_NONE),
    ForeignKeyConstraint(
        ["request_id", "slot"],
        ["signing_preparation.request_id", "signing_preparation.slot"],
        ondelete="CASCADE",
    ),
    info={
        "subject": "person",
        "export": {
            "through": "signing_preparation",
            "on": {"request_id": "request_id", "slot": "slot"},
        },
        "erased": {
            "kept": "what its portal may still fetch; what waited for the person has ended",
            "legal": "Law 20/2023/QH15 Art. 23; Circular 15/2025/TT-BKHCN Art. 5",
            "until": "30 days after the request ended",
        },
        "purpose": "signatures of a turn that is being finished",
        "retention": "until the signer's turn is over; with the request at the latest",
        "legal": "Law 20/2023/QH15 Art. 23",
        "legal_from": "2024-07-01",
    },
)

_c = signing_half.c
_READ: Final = Statement(
    select(signing_half).where(_c.request_id == bindparam("id"), _c.slot == bindparam("at"))
)
_DELETE: Final = delete(signing_half).where(_c.request_id == bindparam("id")).returning(_c.blob_id)


def insert_halves(
    tx: Transaction, request_id: str, slot: int, halves: Mapping[int, Result]
) -> None:
    """Keep where these halves (by number in the turn) are."""
    if not halves:
        return
    tx.connection.execute(
        insert(signing_half),
        [
            {
                "request_id": request_id,
                "slot": slot,
                "number": number,
                "blob_id": one.blob_id,
                "offset_bytes": one.offset,
                "size_bytes": one.size_bytes,
            }
            for number, one in halves.items()
        ],
    )


def read_halves(connection: Connection, request_id: str, slot: int) -> dict[int, Result]:
    """Those that are made, by number in the turn."""
    rows = _READ.all(connection, {"id": request_id, "at": slot})
    return {
        row.number: Result(BlobId(row.blob_id), row.offset_bytes, row.size_bytes) for row in rows
    }


def delete_halves(tx: Transaction, request_id: str) -> frozenset[BlobId]:
    """Forget all of a request; returns what held them, which is to be dropped."""
    gone = tx.connection.execute(_DELETE, {"id": request_id}).scalars()
    return frozenset(BlobId(one) for one in gone)
