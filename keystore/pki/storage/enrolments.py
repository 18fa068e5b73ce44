"""The table of requests that wait for the answer of an external authority.

What lives here: SQL.  A request is sealed under the person's data key: it carries the name.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime

from sqlalchemy import (
    BigInteger,
    Column,
    Connection,
    Index,
    LargeBinary,
    RowMapping,
    SmallInteger,
    String,
    Table,
    delete,
    insert,
    select,
    update,
)

from keystore.clock import from_ms, to_ms
from keystore.storage import metadata

enrolment = Table(
    "enrolment",
    metadata,
    Column("enrolment_id", String(64), primary_key=True, info={"data": "none"}),
    Column("ca_id", String(64), nullable=False, info={"data": "none"}),
    Column("account_id", String(64), nullable=False, info={"data": "basic"}),
    Column("profile", String(32), nullable=False, info={"data": "none"}),
    Column("kid", String(64), info={"data": "none"}),
    Column("proofing_level", SmallInteger, info={"data": "none"}),
    Column("scal", SmallInteger, info={"data": "none"}),
    Column(
        "csr_sealed",
        LargeBinary,
        nullable=False,
        info={"data": "basic", "sealed": ("personal", "enrolment:{enrolment_id}", "bytes")},
    ),
    Column("created_ms", BigInteger, nullable=False, info={"data": "none"}),
    Column("finished_ms", BigInteger, info={"data": "none"}),
    Index("enrolment_by_account", "account_id"),
    info={
        "subject": "person",
        "purpose": "requests for certificates of an external authority",
        "retention": "as long as the certificate that came of it",
        "legal": "Decree 23/2025/ND-CP on electronic signatures and trust services",
        "legal_from": "2025-04-10",
    },
)


@dataclass(frozen=True, slots=True)
class EnrolmentRecord:
    """One request; `csr_sealed` holds the PKCS #10 request, DER."""

    enrolment_id: str
    ca_id: str
    account_id: str
    profile: str
    kid: str | None
    proofing_level: int | None
    scal: int | None
    csr_sealed: bytes = field(repr=False)
    created_at: datetime
    finished_at: datetime | None


def insert_enrolment(connection: Connection, record: EnrolmentRecord) -> None:
    """Store a new request."""
    connection.execute(
        insert(enrolment),
        {
            "enrolment_id": record.enrolment_id,
            "ca_id": record.ca_id,
            "account_id": record.account_id,
            "profile": record.profile,
            "kid": record.kid,
            "proofing_level": record.proofing_level,
            "scal": record.scal,
            "csr_sealed": record.csr_sealed,
            "created_ms": to_ms(record.created_at),
        },
    )


def find_enrolment(
    connection: Connection, enrolment_id: str, *, is_locked: bool = False
) -> EnrolmentRecord | None:
    """One request, or None."""
    query = select(enrolment).where(enrolment.c.enrolment_id == enrolment_id)
    if is_locked:
        query = query.with_for_update()
    row = connection.execute(query).mappings().first()
    return None if row is None else _record(row)


def read_waiting(connection: Connection) -> tuple[EnrolmentRecord, ...]:
    """Requests without an answer, oldest first."""
    rows = connection.execute(
        select(enrolment)
        .where(enrolment.c.finished_ms.is_(None))
        .order_by(enrolment.c.created_ms, enrolment.c.enrolment_id)
    ).mappings()
    return tuple(_record(row) for row in rows)


def finish_enrolment(connection: Connection, enrolment_id: str, *, now: datetime) -> None:
    """Note that the certificate came."""
    connection.execute(
        update(enrolment)
        .where(enrolment.c.enrolment_id == enrolment_id)
        .values(finished_ms=to_ms(now))
    )


def delete_enrolments_of(connection: Connection, account_id: str) -> None:
    """Forget the requests of an account, answered or not."""
    connection.execute(delete(enrolment).where(enrolment.c.account_id == account_id))


def _record(row: RowMapping) -> EnrolmentRecord:
    finished_ms = row["finished_ms"]
    return EnrolmentRecord(
        enrolment_id=row["enrolment_id"],
        ca_id=row["ca_id"],
        account_id=row["account_id"],
        profile=row["profile"],
        kid=row["kid"],
        proofing_level=row["proofing_level"],
        scal=row["scal"],
        csr_sealed=row["csr_sealed"],
        created_at=from_ms(row["created_ms"]),
        finished_at=None if finished_ms is None else from_ms(finished_ms),
    )
