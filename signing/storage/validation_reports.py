"""Reports of checks that an agency asked to be kept, in SQL.

What lives here: one table and the statements on it.  A report holds what it rests upon
(certificates, status evidence, tokens, digests), all of it sealed; the document is not in it.
Source: Circular 15/2025/TT-BKHCN Art. 6 (software that checks signatures stores its evidence).
Not here: who may ask for that (`signing/validation/kept`).
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
    insert,
    select,
)

from keystore.clock import from_ms, to_ms
from keystore.purposes import SealPurpose
from keystore.sealing import Sealer
from keystore.storage import Transaction
from signing.storage import metadata

_NONE: Final[dict[str, Any]] = {"data": "none"}


@dataclass(frozen=True, slots=True, kw_only=True)
class KeptReport:
    """One report, packed by `signing/validation/kept`; `retention` is the rule for keeping it."""

    report_id: str
    client_id: str
    retention: str
    created_at: datetime
    kept_until: datetime
    packed: bytes = field(repr=False)


validation_report = Table(
    "validation_report",
    metadata,
    Column("report_id", String(40), primary_key=True, info=_NONE),
    Column("client_id", String(128), nullable=False, info=_NONE),
    Column("retention", String(40), nullable=False, info=_NONE),
    Column("content_sealed", LargeBinary, nullable=False, info={"data": "sensitive"}),
    Column("created_ms", BigInteger, nullable=False, info=_NONE),
    Column("purge_ms", BigInteger, nullable=False, info=_NONE),
    Index("ix_validation_report_client", "client_id", "created_ms"),
    Index("ix_validation_report_purge", "purge_ms"),
    info={
        "subject": "person",
        "export": {
            "not_given": "evidence that an agency had kept of a document it checked; it is found by"
            " its number alone, which the agency has, and not by a person",
        },
        "erased": {
            "kept": "who signed the document that was checked, as it says itself",
            "legal": "Circular 15/2025/TT-BKHCN Art. 6",
            "until": "ten years after the check, or as the rule in `retention` says",
        },
        "purpose": "evidence of a check of a signed document, at the demand of an agency",
        "retention": "as the rule in `retention` says, ten years where it says nothing else",
        "legal": "Circular 15/2025/TT-BKHCN Art. 6",
        "legal_from": "2025-08-15",
        "purge": ("purge_ms", timedelta(0), None),
    },
)

_c = validation_report.c
_FIND: Final = select(validation_report).where(
    _c.report_id == bindparam("id"),
    _c.client_id == bindparam("client"),
    _c.purge_ms > bindparam("now"),
)


def insert_report(tx: Transaction, report: KeptReport, *, sealer: Sealer) -> None:
    """Keep it."""
    sealed = sealer.seal(SealPurpose.DOCUMENT, report.packed, context=_context(report.report_id))
    tx.connection.execute(
        insert(validation_report),
        {
            "report_id": report.report_id,
            "client_id": report.client_id,
            "retention": report.retention,
            "content_sealed": sealed,
            "created_ms": to_ms(report.created_at),
            "purge_ms": to_ms(report.kept_until),
        },
    )


def find_report(
    connection: Connection, report_id: str, *, client_id: str, sealer: Sealer, now: datetime
) -> KeptReport | None:
    """A report of this client, or None.

    Raises  SealBroken.
    """
    row = connection.execute(
        _FIND, {"id": report_id, "client": client_id, "now": to_ms(now)}
    ).one_or_none()
    if row is None:
        return None
    return KeptReport(
        report_id=row.report_id,
        client_id=row.client_id,
        retention=row.retention,
        created_at=from_ms(row.created_ms),
        kept_until=from_ms(row.purge_ms),
        packed=sealer.unseal(
            SealPurpose.DOCUMENT, row.content_sealed, context=_context(row.report_id)
        ),
    )


def _context(report_id: str) -> str:
    return f"validation_report:{report_id}"
