"""The table of published certificate revocation lists.

What lives here: SQL.  A list is kept for some days after it ended, for whoever checks what was
known at an earlier time; which number came last is thereby known too.
Not here: building a list (`keystore/pki/crl.py`); the lists of authorities whose keys are offline
are with these authorities (`keystore/pki/storage/authorities.py`).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final

from sqlalchemy import (
    BigInteger,
    Column,
    Connection,
    Index,
    Integer,
    LargeBinary,
    RowMapping,
    SmallInteger,
    String,
    Table,
    delete,
    func,
    insert,
    select,
)

from keystore.clock import from_ms, to_ms
from keystore.storage import metadata

WHOLE: Final = -1
"""In the column `shard`: the list of all certificates of an authority."""

crl = Table(
    "crl",
    metadata,
    Column("ca_id", String(64), primary_key=True, info={"data": "none"}),
    Column("shard", SmallInteger, primary_key=True, info={"data": "none"}),
    Column("number", BigInteger, primary_key=True, info={"data": "none"}),
    Column("this_update_ms", BigInteger, nullable=False, info={"data": "none"}),
    Column("next_update_ms", BigInteger, nullable=False, info={"data": "none"}),
    Column("entries", Integer, nullable=False, info={"data": "none"}),
    Column("content_sha256", LargeBinary(32), nullable=False, info={"data": "none"}),
    Column("der_sha256", LargeBinary(32), nullable=False, info={"data": "none"}),
    Column("der", LargeBinary, nullable=False, info={"data": "basic"}),
    Index("crl_by_end", "next_update_ms"),
    info={
        "subject": "person",
        "export": {
            "not_given": "published lists of numbers of certificates, the same for everybody; what"
            " is said about the person's own stands in certificate",
        },
        "erased": {
            "kept": "that a certificate of this number was revoked",
            "legal": "Decree 23/2025/ND-CP on electronic signatures and trust services",
            "until": "30 days after the list ended",
        },
        "purpose": "which certificates may not be relied on, for whoever checks a signature",
        "retention": "30 days after the list ended",
        "legal": "Decree 23/2025/ND-CP on electronic signatures and trust services",
        "legal_from": "2025-04-10",
    },
)

_HEAD: Final = tuple(column for column in crl.c if column.name != "der")
_LATEST: Final = (
    select(crl.c.ca_id, crl.c.shard, func.max(crl.c.number).label("number"))
    .group_by(crl.c.ca_id, crl.c.shard)
    .subquery()
)
_ADD: Final = insert(crl)


@dataclass(frozen=True, slots=True)
class CrlHead:
    """A published list without its bytes.

    `shard` is None for the list of all; `content_sha256` is over what is listed, without dates and
    number of the list.
    """

    ca_id: str
    shard: int | None
    number: int
    this_update: datetime
    next_update: datetime
    entries: int
    content_sha256: bytes = field(repr=False)
    der_sha256: bytes = field(repr=False)


def read_heads(connection: Connection) -> tuple[CrlHead, ...]:
    """The newest list of each authority and partition."""
    rows = connection.execute(
        select(*_HEAD).join(
            _LATEST,
            (crl.c.ca_id == _LATEST.c.ca_id)
            & (crl.c.shard == _LATEST.c.shard)
            & (crl.c.number == _LATEST.c.number),
        )
    ).mappings()
    return tuple(_head(row) for row in rows)


def find_head(connection: Connection, *, ca_id: str, shard: int | None) -> CrlHead | None:
    """The newest list of one authority or partition, without its bytes."""
    row = (
        connection.execute(
            select(*_HEAD)
            .where(crl.c.ca_id == ca_id, crl.c.shard == _column(shard))
            .order_by(crl.c.number.desc())
            .limit(1)
        )
        .mappings()
        .first()
    )
    return None if row is None else _head(row)


def get_der(connection: Connection, head: CrlHead) -> bytes:
    """The bytes of a list that was found a moment ago."""
    query = select(crl.c.der).where(
        crl.c.ca_id == head.ca_id,
        crl.c.shard == _column(head.shard),
        crl.c.number == head.number,
    )
    der: bytes = connection.execute(query).scalar_one()
    return der


def read_newest(connection: Connection) -> tuple[tuple[CrlHead, bytes], ...]:
    """The newest list of each authority and partition, with its bytes."""
    return tuple((head, get_der(connection, head)) for head in read_heads(connection))


def insert_crl(connection: Connection, head: CrlHead, *, der: bytes) -> None:
    """Store a new list."""
    connection.execute(
        _ADD,
        {
            "ca_id": head.ca_id,
            "shard": _column(head.shard),
            "number": head.number,
            "this_update_ms": to_ms(head.this_update),
            "next_update_ms": to_ms(head.next_update),
            "entries": head.entries,
            "content_sha256": head.content_sha256,
            "der_sha256": head.der_sha256,
            "der": der,
        },
    )


def delete_crls(connection: Connection, *, ended_before: datetime) -> None:
    """Forget lists that ended long ago; the newest of each kind stays whatever its age."""
    latest = (
        select(_LATEST.c.number)
        .where(_LATEST.c.ca_id == crl.c.ca_id, _LATEST.c.shard == crl.c.shard)
        .scalar_subquery()
    )
    connection.execute(
        delete(crl).where(crl.c.next_update_ms < to_ms(ended_before), crl.c.number < latest)
    )


def _column(shard: int | None) -> int:
    return WHOLE if shard is None else shard


def _head(row: RowMapping) -> CrlHead:
    shard: Any = row["shard"]
    return CrlHead(
        ca_id=row["ca_id"],
        shard=None if shard == WHOLE else shard,
        number=row["number"],
        this_update=from_ms(row["this_update_ms"]),
        next_update=from_ms(row["next_update_ms"]),
        entries=row["entries"],
        content_sha256=row["content_sha256"],
        der_sha256=row["der_sha256"],
    )
