"""The table of certification authorities.

What lives here: SQL.  There are few authorities: whoever asks often reads them all and keeps them.
No key is in this table: an issuing key is in the keyring, a root's is not on this host.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any, Final

from sqlalchemy import (
    BigInteger,
    Column,
    Connection,
    Integer,
    LargeBinary,
    RowMapping,
    String,
    Table,
    insert,
    select,
    update,
)

from keystore.clock import from_ms, to_ms
from keystore.pki.model import CaKind, CaRecord
from keystore.storage import metadata

ca = Table(
    "ca",
    metadata,
    Column("ca_id", String(64), primary_key=True, info={"data": "none"}),
    Column("kind", String(16), nullable=False, info={"data": "none"}),
    Column("parent_id", String(64), info={"data": "none"}),
    Column("kid", String(64), info={"data": "none"}),
    Column("algorithm", String(16), info={"data": "none"}),
    Column("certificate", LargeBinary, nullable=False, info={"data": "none"}),
    Column("shards", Integer, nullable=False, info={"data": "none"}),
    Column("created_ms", BigInteger, nullable=False, info={"data": "none"}),
    Column("not_before_ms", BigInteger, nullable=False, info={"data": "none"}),
    Column("not_after_ms", BigInteger, nullable=False, info={"data": "none"}),
    Column("retired_ms", BigInteger, info={"data": "none"}),
    Column("offline_crl", LargeBinary, info={"data": "none"}),
    info={
        "subject": "none",
        "purpose": "certificates of the authorities that stand behind every certificate of ours",
        "retention": "for ever: old signatures are checked against them",
        "legal": "Decree 23/2025/ND-CP on electronic signatures and trust services",
        "legal_from": "2025-04-10",
    },
)

LOCK: Final = "ca"
"""What a new authority holds until its commit."""

_ALL: Final = select(ca).order_by(ca.c.created_ms, ca.c.ca_id)


def read_cas(connection: Connection) -> tuple[CaRecord, ...]:
    """Every authority there ever was, oldest first."""
    return tuple(_record(row) for row in connection.execute(_ALL).mappings())


def find_ca(connection: Connection, ca_id: str) -> CaRecord | None:
    """One authority, or None."""
    row = connection.execute(_ALL.where(ca.c.ca_id == ca_id)).mappings().first()
    return None if row is None else _record(row)


def is_named(connection: Connection, *, kid: str) -> bool:
    """Whether an authority has this key."""
    return connection.execute(select(ca.c.ca_id).where(ca.c.kid == kid)).first() is not None


def insert_ca(connection: Connection, record: CaRecord) -> None:
    """Store a new authority."""
    connection.execute(
        insert(ca),
        {
            "ca_id": record.ca_id,
            "kind": record.kind.value,
            "parent_id": record.parent_id,
            "kid": record.kid,
            "algorithm": record.algorithm,
            "certificate": record.certificate,
            "shards": record.shards,
            "created_ms": to_ms(record.created_at),
            "not_before_ms": to_ms(record.not_before),
            "not_after_ms": to_ms(record.not_after),
            "retired_ms": None if record.retired_at is None else to_ms(record.retired_at),
            "offline_crl": record.offline_crl,
        },
    )


def retire_ca(connection: Connection, ca_id: str, *, at: datetime) -> None:
    """From `at` on it issues nothing; its status answers and CRLs go on."""
    connection.execute(update(ca).where(ca.c.ca_id == ca_id).values(retired_ms=to_ms(at)))


def replace_offline_crl(connection: Connection, ca_id: str, *, crl: bytes) -> None:
    """Store the newest CRL (DER) of an authority whose key is offline."""
    connection.execute(update(ca).where(ca.c.ca_id == ca_id).values(offline_crl=crl))


def _record(row: RowMapping) -> CaRecord:
    return CaRecord(
        ca_id=row["ca_id"],
        kind=CaKind(row["kind"]),
        parent_id=row["parent_id"],
        kid=row["kid"],
        algorithm=row["algorithm"],
        certificate=row["certificate"],
        shards=row["shards"],
        created_at=from_ms(row["created_ms"]),
        not_before=from_ms(row["not_before_ms"]),
        not_after=from_ms(row["not_after_ms"]),
        retired_at=_instant(row["retired_ms"]),
        offline_crl=row["offline_crl"],
    )


def _instant(epoch_ms: Any) -> datetime | None:
    return None if epoch_ms is None else from_ms(epoch_ms)
