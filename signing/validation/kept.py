"""Lasting reports: kept, sealed, for the agency that asked for them, and for nobody else.

What lives here: `KeptReports` and for how long.  The retention is data: a rule has a code, a period
and where it stands written; a row names its rule.
Source: TT 15/2025/TT-BKHCN Art. 6; NĐ 23/2025/NĐ-CP (ten years is as long as the longest
certificate of a public authority).
Not here: reports that are merely shown; the document, which is never kept.
"""

from __future__ import annotations

import secrets
import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Final

import msgspec

from keystore.log.events import Event, EventType
from keystore.log.record import LogWriter
from keystore.sealing import Sealer
from keystore.storage import DatabaseLike
from signing.storage.validation_reports import KeptReport, find_report, insert_report
from signing.validation.model import DocumentReport


@dataclass(frozen=True, slots=True)
class Retention:
    """For how long, by which rule, and since when that rule holds."""

    period: timedelta
    legal: str
    legal_from: date


USUAL: Final = "validation_evidence"
RETENTIONS: Final[Mapping[str, Retention]] = {
    USUAL: Retention(
        timedelta(days=10 * 366), "Circular 15/2025/TT-BKHCN Art. 6", date(2025, 8, 15)
    ),
}

_encode: Final = msgspec.json.Encoder().encode
_decode: Final = msgspec.json.Decoder(DocumentReport).decode


def pack(report: DocumentReport) -> bytes:
    """A report as it is kept, with everything that it rests upon."""
    return zlib.compress(_encode(report))


def unpack(packed: bytes) -> DocumentReport:
    """A report that was kept here."""
    return _decode(zlib.decompress(packed))


class KeptReports:
    """Safe to share between threads."""

    def __init__(self, database: DatabaseLike, *, sealer: Sealer, log: LogWriter) -> None:
        self._database = database
        self._sealer = sealer
        self._log = log

    def keep(
        self, report: DocumentReport, *, client_id: str, now: datetime, retention: str = USUAL
    ) -> KeptReport:
        """Keep a report; the act is on record."""
        kept = KeptReport(
            report_id=f"kr_{secrets.token_hex(16)}",
            client_id=client_id,
            retention=retention,
            created_at=now,
            kept_until=now + RETENTIONS[retention].period,
            packed=pack(report),
        )
        event = Event(
            EventType.REPORT_KEPT,
            client_id=client_id,
            facts={"report_id": kept.report_id, "retention": retention},
        )
        with self._database.transaction() as tx:
            insert_report(tx, kept, sealer=self._sealer)
            self._log.record(tx, event, data_key=None, now=now)
        return kept

    def find(self, report_id: str, *, client_id: str, now: datetime) -> DocumentReport | None:
        """A report that this client had kept, or None."""
        with self._database.read() as connection:
            found = find_report(
                connection, report_id, client_id=client_id, sealer=self._sealer, now=now
            )
        return None if found is None else unpack(found.packed)
