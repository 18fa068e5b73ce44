"""Keys with which a portal makes sure that a request is made once, in SQL.

What lives here: one table and the statements on it.  A key is a client's own; what was asked under
it is kept as a hash, what was answered as the request's id.
Source: draft-ietf-httpapi-idempotency-key-header §2 (unique per client; another body is an error).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta
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
)

from keystore.clock import to_ms
from keystore.storage import Transaction
from signing.model import RequestId
from signing.storage import metadata

KEPT: Final = timedelta(hours=24)
"""How long the answer is replayed."""

_NONE: Final[dict[str, Any]] = {"data": "none"}

signing_idempotency = Table(
    "signing_idempotency",
    metadata,
    Column("client_id", String(128), primary_key=True, info=_NONE),
    Column("key_sha256", LargeBinary, primary_key=True, info=_NONE),
    Column("body_sha256", LargeBinary, nullable=False, info=_NONE),
    Column("request_id", String(40), nullable=False, info=_NONE),
    Column("expires_ms", BigInteger, nullable=False, info=_NONE),
    Index("ix_signing_idempotency_expires", "expires_ms"),
    info={
        "subject": "client",
        "purpose": "a request that is sent twice is made once",
        "retention": "24 hours",
        "legal": "Law 20/2023/QH15 Art. 23",
        "legal_from": "2024-07-01",
        "purge": ("expires_ms", timedelta(0), None),
    },
)

_c = signing_idempotency.c
_KEY: Final = (_c.client_id == bindparam("client"), _c.key_sha256 == bindparam("key"))
_FIND: Final = select(_c.body_sha256, _c.request_id).where(*_KEY, _c.expires_ms > bindparam("now"))
_DELETE_EXPIRED: Final = delete(signing_idempotency).where(*_KEY, _c.expires_ms <= bindparam("now"))


@dataclass(frozen=True, slots=True)
class MadeBefore:
    """What a key was used for: the hash of the body, and the request that was made."""

    body_sha256: bytes = field(repr=False)
    request_id: RequestId


def find_made(
    connection: Connection, *, client_id: str, key_sha256: bytes, now: datetime
) -> MadeBefore | None:
    """What the client made under that key within the last 24 hours, or None."""
    row = connection.execute(
        _FIND, {"client": client_id, "key": key_sha256, "now": to_ms(now)}
    ).one_or_none()
    return None if row is None else MadeBefore(row.body_sha256, RequestId(row.request_id))


def insert_made(
    tx: Transaction,
    made: MadeBefore,
    *,
    client_id: str,
    key_sha256: bytes,
    now: datetime,
) -> None:
    """Keep it; the transaction fails when another one did so at the same time (IntegrityError).

    The caller takes a lock of that client and key first and looks again, so that none does.
    """
    values = {"client": client_id, "key": key_sha256, "now": to_ms(now)}
    tx.connection.execute(_DELETE_EXPIRED, values)
    tx.connection.execute(
        insert(signing_idempotency),
        {
            "client_id": client_id,
            "key_sha256": key_sha256,
            "body_sha256": made.body_sha256,
            "request_id": made.request_id,
            "expires_ms": to_ms(now + KEPT),
        },
    )
