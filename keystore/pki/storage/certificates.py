"""The table of issued certificates and their states.

What lives here: SQL.  A serial number is kept as 40 hexadecimal digits, so that rows are in order
and can be read in portions.  A person's certificate is sealed under that person's data key: once
that is destroyed the row still says whether the certificate was revoked, and not whose it was.
Not here: rules about which state may follow which (`keystore/pki/certificates.py`).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any, Final

from sqlalchemy import (
    BigInteger,
    Column,
    Connection,
    Index,
    LargeBinary,
    RowMapping,
    Select,
    SmallInteger,
    String,
    Table,
    bindparam,
    insert,
    select,
    update,
)

from keystore.clock import from_ms, to_ms
from keystore.pki.model import (
    CertificateRecord,
    CertificateState,
    CertificateStatus,
    RevocationReason,
    certificate_context,
)
from keystore.statement import Statement
from keystore.storage import metadata


def _context(row: Mapping[str, Any]) -> str:
    return certificate_context(row["ca_id"], int(row["serial"], 16))


certificate = Table(
    "certificate",
    metadata,
    Column("ca_id", String(64), primary_key=True, info={"data": "none"}),
    Column("serial", String(40), primary_key=True, info={"data": "basic"}),
    Column("profile", String(32), nullable=False, info={"data": "none"}),
    Column("account_id", String(64), info={"data": "basic"}),
    Column("kid", String(64), info={"data": "none"}),
    Column("spki_sha256", LargeBinary(32), nullable=False, info={"data": "none"}),
    Column("issued_ms", BigInteger, nullable=False, info={"data": "none"}),
    Column("not_before_ms", BigInteger, nullable=False, info={"data": "none"}),
    Column("not_after_ms", BigInteger, nullable=False, info={"data": "none"}),
    Column("state", String(16), nullable=False, info={"data": "none"}),
    Column("reason", String(32), info={"data": "none"}),
    Column("changed_ms", BigInteger, info={"data": "none"}),
    Column("held_by", String(16), info={"data": "none"}),
    Column("updated_ms", BigInteger, info={"data": "none"}),
    Column("shard", SmallInteger, nullable=False, info={"data": "none"}),
    Column("replaces", String(40), info={"data": "basic"}),
    Column("der", LargeBinary, info={"data": "none"}),
    Column(
        "der_sealed",
        LargeBinary,
        info={"data": "basic", "sealed": ("personal", _context, "bytes")},
    ),
    Index("certificate_by_state", "ca_id", "state", "shard", "serial"),
    Index("certificate_by_account", "account_id"),
    Index("certificate_by_key", "spki_sha256"),
    Index("certificate_by_profile", "profile", "not_after_ms"),
    Index("certificate_by_update", "updated_ms"),
    info={
        "subject": "person",
        "erased": {
            "kept": "that a certificate of this number was issued and revoked, by the day",
            "legal": "Decree 23/2025/ND-CP on electronic signatures and trust services",
            "until": "10 years after the certificate ends",
        },
        "purpose": "who was certified with which key, and whether that still holds",
        "retention": "10 years after the certificate ends",
        "legal": "Decree 23/2025/ND-CP on electronic signatures and trust services",
        "legal_from": "2025-04-10",
    },
)

_PORTION: Final = 1_000
_SERIAL_DIGITS: Final = 40
_ADD: Final = insert(certificate)
STATUS_COLUMNS: Final = (
    certificate.c.ca_id,
    certificate.c.serial,
    certificate.c.state,
    certificate.c.reason,
    certificate.c.changed_ms,
    certificate.c.not_after_ms,
    certificate.c.shard,
)
"""What `make_status` reads, for queries of other tables that tell the state too."""
_STATUS: Final = select(*STATUS_COLUMNS)
_STATUS_OF: Final = Statement(
    _STATUS.where(
        certificate.c.ca_id == bindparam("ca"), certificate.c.serial == bindparam("number")
    )
)
_ALL: Final = select(certificate)


def insert_certificates(connection: Connection, records: Sequence[CertificateRecord]) -> None:
    """Store new certificates."""
    connection.execute(_ADD, [_row(record) for record in records])


def read_status(connection: Connection, *, ca_id: str, serial: int) -> CertificateStatus | None:
    """The state of one certificate, or None when this authority never issued it."""
    row = _STATUS_OF.first(connection, {"ca": ca_id, "number": serial_text(serial)})
    return None if row is None else make_status(row._asdict())


def read_revoked(
    connection: Connection, *, ca_id: str, now: datetime, shard: int | None = None
) -> Iterator[CertificateStatus]:
    """What a CRL lists: revoked and suspended certificates that have not expired, by serial.

    Takes   shard: one partition only; None: all.
    """
    for state in (CertificateState.REVOKED, CertificateState.SUSPENDED):
        query = _STATUS.where(
            certificate.c.ca_id == ca_id,
            certificate.c.state == state.value,
            certificate.c.not_after_ms >= to_ms(now),
        )
        if shard is not None:
            query = query.where(certificate.c.shard == shard)
        yield from _in_portions(connection, query)


def read_changed(connection: Connection, *, since: datetime) -> tuple[CertificateStatus, ...]:
    """Certificates whose state was changed at `since` or later, in the order of the change.

    The instant of the change is not `changed_at` where a suspended certificate was revoked: it is
    not to be relied on since it was suspended.

    NOTE: a transaction that is slow to commit, and clocks that differ, make a change turn up late:
    ask for some seconds more than have passed.
    """
    rows = connection.execute(
        _STATUS.where(certificate.c.updated_ms >= to_ms(since)).order_by(certificate.c.updated_ms)
    ).mappings()
    return tuple(make_status(row) for row in rows)


def find_certificate(
    connection: Connection, *, ca_id: str, serial: int
) -> CertificateRecord | None:
    """One certificate of one authority, or None."""
    where = (certificate.c.ca_id == ca_id, certificate.c.serial == serial_text(serial))
    row = connection.execute(_ALL.where(*where)).mappings().first()
    return None if row is None else _record(row)


def find_by_serial(
    connection: Connection, serial: int, *, ca_id: str | None = None, is_locked: bool = False
) -> tuple[CertificateRecord, ...]:
    """The certificates of this number: our own numbers are random, those of others need not be.

    Takes   ca_id: of that authority alone; is_locked: to change them in this transaction.
    """
    query = _ALL.where(certificate.c.serial == serial_text(serial))
    if ca_id is not None:
        query = query.where(certificate.c.ca_id == ca_id)
    if is_locked:
        query = query.with_for_update()
    rows = connection.execute(query.order_by(certificate.c.ca_id)).mappings()
    return tuple(_record(row) for row in rows)


def find_of_account(
    connection: Connection, account_id: str, *, is_locked: bool = False
) -> tuple[CertificateRecord, ...]:
    """The certificates of one account, newest first."""
    query = _ALL.where(certificate.c.account_id == account_id)
    if is_locked:
        query = query.with_for_update()
    query = query.order_by(certificate.c.issued_ms.desc(), certificate.c.serial)
    return tuple(_record(row) for row in connection.execute(query).mappings())


def find_of_profile(
    connection: Connection, profile: str, *, now: datetime
) -> tuple[CertificateRecord, ...]:
    """The certificates of a service's profile that have not expired, oldest first."""
    rows = connection.execute(
        _ALL.where(
            certificate.c.profile == profile, certificate.c.not_after_ms >= to_ms(now)
        ).order_by(certificate.c.not_before_ms, certificate.c.serial)
    ).mappings()
    return tuple(_record(row) for row in rows)


def find_by_keys(
    connection: Connection, spki_sha256: Sequence[bytes]
) -> tuple[CertificateRecord, ...]:
    """Every certificate that was ever issued for one of these keys."""
    rows = connection.execute(_ALL.where(certificate.c.spki_sha256.in_(spki_sha256))).mappings()
    return tuple(_record(row) for row in rows)


def read_certificates(
    connection: Connection, *, ca_id: str | None = None, limit: int, after: int = 0
) -> tuple[CertificateRecord, ...]:
    """Certificates for the operator's list, by serial number above `after`."""
    query = _ALL.where(certificate.c.serial > serial_text(after))
    if ca_id is not None:
        query = query.where(certificate.c.ca_id == ca_id)
    rows = connection.execute(query.order_by(certificate.c.serial).limit(limit)).mappings()
    return tuple(_record(row) for row in rows)


def read_ended(connection: Connection) -> tuple[CertificateRecord, ...]:
    """Every certificate of any authority that is revoked or suspended, without what is sealed."""
    ended = (CertificateState.REVOKED.value, CertificateState.SUSPENDED.value)
    rows = connection.execute(_ALL.where(certificate.c.state.in_(ended))).mappings()
    return tuple(replace(_record(row), der=None, der_sealed=None) for row in rows)


def change_state(
    connection: Connection,
    *,
    ca_id: str,
    serial: int,
    state: CertificateState,
    reason: RevocationReason | None,
    at: datetime,
    now: datetime,
    held_by: str | None = None,
) -> None:
    """Write a new state; the caller holds the row.

    Takes   at: since when it is so; now: when that is written; held_by: see `CertificateRecord`.
    """
    connection.execute(
        update(certificate)
        .where(certificate.c.ca_id == ca_id, certificate.c.serial == serial_text(serial))
        .values(
            state=state.value,
            reason=None if reason is None else reason.value,
            changed_ms=to_ms(at),
            held_by=held_by,
            updated_ms=to_ms(now),
        )
    )


def replace_certificate(connection: Connection, record: CertificateRecord) -> None:
    """Write what is known of a certificate anew, but for its state; the caller holds the row."""
    row = _row(record)
    kept = {"ca_id", "serial", "state", "reason", "changed_ms", "held_by", "updated_ms"}
    connection.execute(
        update(certificate)
        .where(certificate.c.ca_id == row["ca_id"], certificate.c.serial == row["serial"])
        .values({name: value for name, value in row.items() if name not in kept})
    )


def _in_portions(connection: Connection, query: Select[Any]) -> Iterator[CertificateStatus]:
    # a list is longer than memory should hold, and a server-side cursor needs a transaction
    last = ""
    ordered = query.order_by(certificate.c.serial).limit(_PORTION)
    while True:
        rows = connection.execute(ordered.where(certificate.c.serial > last)).mappings().all()
        yield from (make_status(row) for row in rows)
        if len(rows) < _PORTION:
            return
        last = rows[-1]["serial"]


def serial_text(serial: int) -> str:
    """A serial number as it is stored: in order as text too."""
    return f"{serial:0{_SERIAL_DIGITS}x}"


def _row(record: CertificateRecord) -> dict[str, Any]:
    return {
        "ca_id": record.ca_id,
        "serial": serial_text(record.serial),
        "profile": record.profile,
        "account_id": record.account_id,
        "kid": record.kid,
        "spki_sha256": record.spki_sha256,
        "issued_ms": to_ms(record.issued_at),
        "not_before_ms": to_ms(record.not_before),
        "not_after_ms": to_ms(record.not_after),
        "state": record.state.value,
        "reason": None if record.reason is None else record.reason.value,
        "changed_ms": None if record.changed_at is None else to_ms(record.changed_at),
        "held_by": record.held_by,
        "updated_ms": None if record.changed_at is None else to_ms(record.changed_at),
        "shard": record.shard,
        "replaces": None if record.replaces is None else serial_text(record.replaces),
        "der": record.der,
        "der_sealed": record.der_sealed,
    }


def make_status(row: RowMapping | Mapping[str, Any]) -> CertificateStatus:
    """The state of a certificate from a row with `STATUS_COLUMNS`."""
    return CertificateStatus(
        ca_id=row["ca_id"],
        serial=int(row["serial"], 16),
        state=CertificateState(row["state"]),
        reason=None if row["reason"] is None else RevocationReason(row["reason"]),
        changed_at=None if row["changed_ms"] is None else from_ms(row["changed_ms"]),
        not_after=from_ms(row["not_after_ms"]),
        shard=row["shard"],
    )


def _record(row: RowMapping) -> CertificateRecord:
    status = make_status(row)
    return CertificateRecord(
        ca_id=status.ca_id,
        serial=status.serial,
        profile=row["profile"],
        account_id=row["account_id"],
        kid=row["kid"],
        spki_sha256=row["spki_sha256"],
        issued_at=from_ms(row["issued_ms"]),
        not_before=from_ms(row["not_before_ms"]),
        not_after=status.not_after,
        state=status.state,
        reason=status.reason,
        changed_at=status.changed_at,
        shard=status.shard,
        replaces=None if row["replaces"] is None else int(row["replaces"], 16),
        der=row["der"],
        der_sealed=row["der_sealed"],
        held_by=row["held_by"],
    )
