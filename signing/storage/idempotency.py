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
    case,
    select,
)
from sqlalchemy.dialects import postgresql, sqlite

from keystore.clock import to_ms
from keystore.statement import Statement
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
_FIND: Final = Statement(
    select(_c.body_sha256, _c.request_id).where(*_KEY, _c.expires_ms > bindparam("now"))
)


def _claim(insert: Any) -> Statement:
    adding = insert(signing_idempotency).values(
        client_id=bindparam("client"),
        key_sha256=bindparam("key"),
        body_sha256=bindparam("body"),
        request_id=bindparam("request"),
        expires_ms=bindparam("until"),
    )
    is_over = _c.expires_ms <= bindparam("now", type_=BigInteger)
    names = ("body_sha256", "request_id", "expires_ms")
    return Statement(
        adding.on_conflict_do_update(
            index_elements=[_c.client_id, _c.key_sha256],
            set_={name: case((is_over, adding.excluded[name]), else_=_c[name]) for name in names},
        ).returning(_c.body_sha256, _c.request_id)
    )


_CLAIM: Final = {"postgresql": _claim(postgresql.insert), "sqlite": _claim(sqlite.insert)}


@dataclass(frozen=True, slots=True)
class MadeBefore:
    """What a key was used for: the hash of the body, and the request that was made."""

    body_sha256: bytes = field(repr=False)
    request_id: RequestId


def find_made(
    connection: Connection, *, client_id: str, key_sha256: bytes, now: datetime
) -> MadeBefore | None:
    """What the client made under that key within the last 24 hours, or None."""
    row = _FIND.one_or_none(connection, {"client": client_id, "key": key_sha256, "now": to_ms(now)})
    return None if row is None else MadeBefore(row.body_sha256, RequestId(row.request_id))


def claim_key(
    tx: Transaction,
    made: MadeBefore,
    *,
    client_id: str,
    key_sha256: bytes,
    now: datetime,
) -> MadeBefore:
    """Take the key for what is made now, unless something was made under it within 24 hours.

    Of two at once the second waits for the first.
    Returns what stands under the key from now on: `made`, or what was made before.
    """
    values = {
        "client": client_id,
        "key": key_sha256,
        "body": made.body_sha256,
        "request": made.request_id,
        "until": to_ms(now + KEPT),
        "now": to_ms(now),
    }
    (row,) = _CLAIM[tx.connection.dialect.name].all(tx.connection, values)
    return MadeBefore(row.body_sha256, RequestId(row.request_id))
