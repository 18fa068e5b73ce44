"""Consents and information notices with the evidence that the law asks for.

What lives here: the table, and reading and writing it.  The text that was shown is sealed under
the person's data key; its SHA-256, language and version stand in clear so that a receipt can be
checked.  Source: Law 91/2025/QH15 Art. 9; NĐ 356/2025 Art. 6.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import (
    BigInteger,
    Column,
    Connection,
    Index,
    LargeBinary,
    String,
    Table,
    Text,
    bindparam,
    insert,
    select,
    update,
)

from idp.ids import AccountId, ConsentId
from idp.model import Consent
from idp.storage.database import Transaction, metadata
from idp.storage.declared import BASIC, NONE, holds, kept_by_law, sealed
from idp.storage.purge import purged_by
from keystore.clock import from_ms, to_ms
from keystore.statement import Statement

consent = Table(
    "consent",
    metadata,
    Column("consent_id", String(40), primary_key=True, info=NONE),
    Column("account_id", String(40), nullable=False, info=BASIC),
    Column("client_id", String(128), nullable=False, info=NONE),
    Column("kind", String(12), nullable=False, info=NONE),
    Column("scopes", Text, nullable=False, info=NONE),
    Column("shared", Text, nullable=False, info=NONE),
    Column("language", String(8), nullable=False, info=NONE),
    Column("text_version", String(20), nullable=False, info=NONE),
    Column("text_sha256", String(64), nullable=False, info=NONE),
    Column(
        "text_sealed", LargeBinary, nullable=False, info=sealed(BASIC, "{consent_id}", form="json")
    ),
    Column("legal_reference", String(200), info=NONE),
    Column("given_ms", BigInteger, nullable=False, info=NONE),
    Column("withdrawn_ms", BigInteger, info=NONE),
    info={
        **holds(
            "person",
            purpose="evidence of consent or of information given",
            retention="5 years after the withdrawal",
            legal="NĐ 356/2025/NĐ-CP Art. 6",
            legal_from="2026-01-01",
        ),
        **purged_by("withdrawn_ms", keep=timedelta(days=5 * 366)),
        **kept_by_law(
            what="under the bare id: which data went to which portal, from when to when",
            legal="NĐ 356/2025/NĐ-CP Art. 6",
            until="5 years after the withdrawal, which the erasure is at the latest",
        ),
    },
)
Index("ix_consent_account", consent.c.account_id, consent.c.client_id)

_COLUMNS = tuple(column for column in consent.c if column.name != "text_sealed")
_LIVE = Statement(
    select(*_COLUMNS).where(
        consent.c.account_id == bindparam("account"),
        consent.c.client_id == bindparam("client"),
        consent.c.withdrawn_ms.is_(None),
    )
)
_INSERT = Statement(insert(consent))
_WITHDRAW = Statement(
    update(consent)
    .where(consent.c.consent_id == bindparam("id"), consent.c.withdrawn_ms.is_(None))
    .values(withdrawn_ms=bindparam("at"))
)


def live_consents(
    connection: Connection, account_id: AccountId, *, client_id: str
) -> tuple[Consent, ...]:
    """What a person agreed to towards one client and has not withdrawn."""
    rows = _LIVE.all(connection, {"account": account_id, "client": client_id})
    return tuple(_consent(row) for row in rows)


def consents_of(connection: Connection, account_id: AccountId) -> tuple[Consent, ...]:
    """Every consent of a person, newest first, withdrawn ones included."""
    rows = connection.execute(
        select(*_COLUMNS)
        .where(consent.c.account_id == account_id)
        .order_by(consent.c.given_ms.desc())
    )
    return tuple(_consent(row) for row in rows)


def find_consent(connection: Connection, consent_id: ConsentId) -> tuple[Consent, bytes] | None:
    """A consent with the sealed text that was shown."""
    row = connection.execute(
        select(*_COLUMNS, consent.c.text_sealed).where(consent.c.consent_id == consent_id)
    ).one_or_none()
    return None if row is None else (_consent(row), bytes(row.text_sealed))


def add_consent(tx: Transaction, given: Consent, *, text_sealed: bytes) -> None:
    """Store a consent with its evidence."""
    _INSERT.count(
        tx.connection,
        {
            "consent_id": given.consent_id,
            "account_id": given.account_id,
            "client_id": given.client_id,
            "kind": given.kind,
            "scopes": " ".join(given.scopes),
            "shared": " ".join(given.shared),
            "language": given.language,
            "text_version": given.text_version,
            "text_sha256": given.text_sha256,
            "text_sealed": text_sealed,
            "legal_reference": given.legal_reference,
            "given_ms": to_ms(given.given_at),
        },
    )


def withdraw_consent(tx: Transaction, consent_id: ConsentId, *, now: datetime) -> bool:
    """Withdraw, once; the caller ends the grants that stood on it."""
    result = _WITHDRAW.count(tx.connection, {"id": consent_id, "at": to_ms(now)})
    return result == 1


def withdraw_every_consent(tx: Transaction, account_id: AccountId, *, now: datetime) -> None:
    """Withdraw all of a person who is erased: evidence of a consent is kept from its end on."""
    tx.connection.execute(
        update(consent)
        .where(consent.c.account_id == account_id, consent.c.withdrawn_ms.is_(None))
        .values(withdrawn_ms=to_ms(now))
    )


def _consent(row: Any) -> Consent:
    return Consent(
        consent_id=ConsentId(row.consent_id),
        account_id=AccountId(row.account_id),
        client_id=row.client_id,
        kind=row.kind,
        scopes=tuple(row.scopes.split()),
        shared=tuple(row.shared.split()),
        language=row.language,
        text_version=row.text_version,
        text_sha256=row.text_sha256,
        legal_reference=row.legal_reference,
        given_at=from_ms(row.given_ms),
        withdrawn_at=None if row.withdrawn_ms is None else from_ms(row.withdrawn_ms),
    )
