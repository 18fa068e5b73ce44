"""The table of OCSP answers that were signed ahead.

What lives here: SQL.  A row says which state of the certificate it stands for; it is read together
with the certificate, and a row that says something else than the certificate does not come out.
So a revocation makes it worthless in the instant in which it is committed.
Not here: signing (`keystore/pki/ocsp_ahead.py`).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from sqlalchemy import (
    BigInteger,
    Column,
    Connection,
    Index,
    LargeBinary,
    String,
    Table,
    and_,
    bindparam,
    delete,
    func,
    insert,
    select,
)

from keystore.clock import from_ms, to_ms
from keystore.pki.model import CertificateStatus
from keystore.pki.ocsp_responses import SignedStatus
from keystore.pki.storage.certificates import (
    STATUS_COLUMNS,
    certificate,
    make_status,
    serial_text,
)
from keystore.storage import Transaction, lock_until_commit, metadata

ocsp_response = Table(
    "ocsp_response",
    metadata,
    Column("ca_id", String(64), primary_key=True, info={"data": "none"}),
    Column("serial", String(40), primary_key=True, info={"data": "basic"}),
    Column("hash_name", String(16), primary_key=True, info={"data": "none"}),
    Column("kid", String(64), nullable=False, info={"data": "none"}),
    Column("state", String(16), nullable=False, info={"data": "none"}),
    Column("reason", String(32), info={"data": "none"}),
    Column("changed_ms", BigInteger, info={"data": "none"}),
    Column("this_update_ms", BigInteger, nullable=False, info={"data": "none"}),
    Column("next_update_ms", BigInteger, nullable=False, info={"data": "none"}),
    Column("signed", LargeBinary, nullable=False, info={"data": "basic"}),
    Index("ocsp_response_by_end", "next_update_ms"),
    info={
        "subject": "person",
        "export": {"through": "certificate", "on": {"ca_id": "ca_id", "serial": "serial"}},
        "erased": {
            "kept": "the state of a certificate of this number",
            "legal": "Decree 23/2025/ND-CP on electronic signatures and trust services",
            "until": "the next answer",
        },
        "purpose": "answers about the status of certificates, signed before anybody asks",
        "retention": "until the answer says that there is a newer one",
        # what the owner of the database deletes by itself, as all tables declare it
        "purge": ("next_update_ms", timedelta(0), None),
        "legal": "Decree 23/2025/ND-CP on electronic signatures and trust services",
        "legal_from": "2025-04-10",
    },
)

_IS_TRUE: Final = and_(
    ocsp_response.c.state == certificate.c.state,
    # two states without a date are the same one, which `=` denies in SQL
    ocsp_response.c.reason.is_not_distinct_from(certificate.c.reason),
    ocsp_response.c.changed_ms.is_not_distinct_from(certificate.c.changed_ms),
)
_SAME: Final = and_(
    ocsp_response.c.ca_id == certificate.c.ca_id, ocsp_response.c.serial == certificate.c.serial
)
_ADD: Final = insert(ocsp_response)
_FIND: Final = (
    select(
        *STATUS_COLUMNS,
        ocsp_response.c.kid,
        ocsp_response.c.this_update_ms,
        ocsp_response.c.next_update_ms,
        ocsp_response.c.signed,
    )
    .outerjoin_from(
        certificate,
        ocsp_response,
        and_(_SAME, ocsp_response.c.hash_name == bindparam("hash_name"), _IS_TRUE),
    )
    .where(certificate.c.ca_id == bindparam("ca_id"), certificate.c.serial == bindparam("serial"))
)


@dataclass(frozen=True, slots=True)
class AheadRecord:
    """One answer to keep: about which certificate in which state, under which hash."""

    status: CertificateStatus
    hash_name: str
    signed: SignedStatus


def find_status(
    connection: Connection, *, ca_id: str, serial: int, hash_name: str
) -> tuple[CertificateStatus | None, SignedStatus | None]:
    """The state of a certificate now, and the answer that was signed ahead for this very state."""
    asked = {"ca_id": ca_id, "serial": serial_text(serial), "hash_name": hash_name}
    row = connection.execute(_FIND, asked).mappings().first()
    if row is None:
        return None, None
    status = make_status(row)
    if row["signed"] is None:
        return status, None
    return status, SignedStatus(
        kid=row["kid"],
        this_update=from_ms(row["this_update_ms"]),
        next_update=from_ms(row["next_update_ms"]),
        signed=row["signed"],
    )


def count_certificates(connection: Connection, *, now: datetime) -> int:
    """How many certificates have not expired."""
    living = certificate.c.not_after_ms >= to_ms(now)
    total: int = connection.execute(
        select(func.count()).select_from(certificate).where(living)
    ).scalar_one()
    return total


def find_unsigned(
    connection: Connection,
    *,
    ca_id: str,
    hash_name: str,
    kid: str,
    now: datetime,
    ends_before: datetime,
    serials: tuple[str, str],
    limit: int,
) -> tuple[CertificateStatus, ...]:
    """Certificates whose answer is missing, untrue, of another key, or ends before `ends_before`.

    Takes   serials: the first number and the first one above, in 40 hexadecimal digits.
    """
    kept = ocsp_response.c
    rows = connection.execute(
        select(*STATUS_COLUMNS)
        .outerjoin_from(
            certificate,
            ocsp_response,
            and_(
                _SAME,
                kept.hash_name == hash_name,
                kept.kid == kid,
                kept.next_update_ms >= to_ms(ends_before),
                _IS_TRUE,
            ),
        )
        .where(
            certificate.c.ca_id == ca_id,
            certificate.c.serial >= serials[0],
            certificate.c.serial < serials[1],
            certificate.c.not_after_ms >= to_ms(now),
            kept.serial.is_(None),
        )
        .order_by(certificate.c.serial)
        .limit(limit)
    ).mappings()
    return tuple(make_status(row) for row in rows)


def replace_signed(transaction: Transaction, records: Sequence[AheadRecord]) -> None:
    """Keep these answers instead of those before."""
    lock_until_commit(transaction, name="ocsp_response")
    connection = transaction.connection
    for ca_id, hash_name in sorted({(one.status.ca_id, one.hash_name) for one in records}):
        serials = [
            serial_text(one.status.serial)
            for one in records
            if (one.status.ca_id, one.hash_name) == (ca_id, hash_name)
        ]
        connection.execute(
            delete(ocsp_response).where(
                ocsp_response.c.ca_id == ca_id,
                ocsp_response.c.hash_name == hash_name,
                ocsp_response.c.serial.in_(serials),
            )
        )
    connection.execute(_ADD, [_row(record) for record in records])


def _row(record: AheadRecord) -> dict[str, object]:
    status, signed = record.status, record.signed
    return {
        "ca_id": status.ca_id,
        "serial": serial_text(status.serial),
        "hash_name": record.hash_name,
        "kid": signed.kid,
        "state": status.state.value,
        "reason": None if status.reason is None else status.reason.value,
        "changed_ms": None if status.changed_at is None else to_ms(status.changed_at),
        "this_update_ms": to_ms(signed.this_update),
        "next_update_ms": to_ms(signed.next_update),
        "signed": signed.signed,
    }
