"""The table of the service's own signing keys, and the one record type that comes out of it.

What lives here: SQL.  A key's life is written as instants, some of them in the future, and compared
with the caller's `now`: nothing has to run at the moment when a key changes its state.
Not here: when keys are made and which one signs (`keystore/keyring.py`).
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from sqlalchemy import (
    BigInteger,
    Column,
    Connection,
    LargeBinary,
    RowMapping,
    String,
    Table,
    Text,
    insert,
    select,
    update,
)

from keystore.clock import from_ms, to_ms
from keystore.storage import metadata

signing_key = Table(
    "signing_key",
    metadata,
    Column("kid", String(64), primary_key=True, info={"data": "none"}),
    Column("purpose", String(32), nullable=False, info={"data": "none"}),
    Column("algorithm", String(16), nullable=False, info={"data": "none"}),
    Column("created_ms", BigInteger, nullable=False, info={"data": "none"}),
    Column("published_ms", BigInteger, nullable=False, info={"data": "none"}),
    Column("active_from_ms", BigInteger, nullable=False, info={"data": "none"}),
    Column("retired_ms", BigInteger, info={"data": "none"}),
    Column("destroyed_ms", BigInteger, info={"data": "none"}),
    Column("public_jwk", Text, nullable=False, info={"data": "none"}),
    Column("private_sealed", LargeBinary, info={"data": "secret"}),
    info={
        "subject": "none",
        "purpose": "keys that sign for the service; public halves prove what was once issued",
        "retention": "private half until shortly after retirement, public half for ever",
        "legal": "Law 20/2023/QH15 on electronic transactions",
        "legal_from": "2024-07-01",
    },
)

_ALL = select(signing_key).order_by(signing_key.c.active_from_ms, signing_key.c.kid)
_ADD = insert(signing_key)


@dataclass(frozen=True, slots=True)
class KeyRecord:
    """One key as stored; `retired_at` may lie in the future, it is set with the successor."""

    kid: str
    purpose: str
    algorithm: str
    created_at: datetime
    published_at: datetime
    active_from: datetime
    retired_at: datetime | None
    destroyed_at: datetime | None
    public_jwk: Mapping[str, str] = field(repr=False)
    private_sealed: bytes | None = field(repr=False)

    def is_active(self, now: datetime) -> bool:
        """Whether it is its turn to sign: begun, and not yet followed by another."""
        return self.active_from <= now and (self.retired_at is None or now < self.retired_at)


def read_keys(connection: Connection, *, purpose: str) -> tuple[KeyRecord, ...]:
    """Every key of a purpose there ever was, in the order in which they start to sign."""
    rows = connection.execute(_ALL.where(signing_key.c.purpose == purpose)).mappings()
    return tuple(_record(row) for row in rows)


def read_destroyed(connection: Connection) -> frozenset[str]:
    """The names of destroyed keys, of whatever purpose."""
    destroyed = select(signing_key.c.kid).where(signing_key.c.destroyed_ms.is_not(None))
    return frozenset(connection.execute(destroyed).scalars())


def insert_key(connection: Connection, record: KeyRecord) -> None:
    """Store a new key."""
    connection.execute(
        _ADD,
        {
            "kid": record.kid,
            "purpose": record.purpose,
            "algorithm": record.algorithm,
            "created_ms": to_ms(record.created_at),
            "published_ms": to_ms(record.published_at),
            "active_from_ms": to_ms(record.active_from),
            "public_jwk": json.dumps(dict(record.public_jwk), sort_keys=True),
            "private_sealed": record.private_sealed,
        },
    )


def retire_key(connection: Connection, kid: str, *, at: datetime | None) -> None:
    """Set the instant from which another key signs instead; None: none follows after all."""
    retired_ms = None if at is None else to_ms(at)
    connection.execute(
        update(signing_key).where(signing_key.c.kid == kid).values(retired_ms=retired_ms)
    )


def mark_destroyed(
    connection: Connection, kid: str, *, retired_at: datetime, now: datetime
) -> None:
    """The key signs no more, whatever is left of it in storage or in a token."""
    connection.execute(
        update(signing_key)
        .where(signing_key.c.kid == kid)
        .values(destroyed_ms=to_ms(now), retired_ms=to_ms(retired_at))
    )


def erase_private(connection: Connection, kid: str) -> None:
    """Forget the private half; the public half stays."""
    connection.execute(
        update(signing_key).where(signing_key.c.kid == kid).values(private_sealed=None)
    )


def _record(row: RowMapping) -> KeyRecord:
    return KeyRecord(
        kid=row["kid"],
        purpose=row["purpose"],
        algorithm=row["algorithm"],
        created_at=from_ms(row["created_ms"]),
        published_at=from_ms(row["published_ms"]),
        active_from=from_ms(row["active_from_ms"]),
        retired_at=_instant(row["retired_ms"]),
        destroyed_at=_instant(row["destroyed_ms"]),
        public_jwk=json.loads(row["public_jwk"]),
        private_sealed=row["private_sealed"],
    )


def _instant(epoch_ms: int | None) -> datetime | None:
    return None if epoch_ms is None else from_ms(epoch_ms)
