"""Breaches of personal data, in SQL: the file of each, what was done, and who is affected.

What lives here: three tables and the statements on them.  What operators write is sealed; what the
clocks need stands in clear, and people are named by the ids of their accounts alone.
Source: Law 91/2025/QH15 Art. 23; NĐ 356/2025/NĐ-CP Art. 28, 29.
Not here: clocks and acts (`idp/breaches.py`).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Final

from sqlalchemy import (
    BigInteger,
    Column,
    Connection,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    String,
    Table,
    and_,
    case,
    func,
    insert,
    or_,
    select,
    update,
)

from idp.ids import AccountId
from idp.storage.database import Transaction, metadata
from idp.storage.declared import BASIC, NONE, found_by, holds, kept_by_law, sealed
from idp.storage.purge import purged_by
from keystore.clock import from_ms, to_ms
from keystore.purposes import SealPurpose
from keystore.sealing import Sealer

_LEGAL: Final = {"legal": "NĐ 356/2025/NĐ-CP Art. 28, 29", "legal_from": "2026-01-01"}
_KEPT: Final = {"retention": "5 years after the file was closed", **_LEGAL}
KEEP: Final = timedelta(days=1830)

breach = Table(
    "breach",
    metadata,
    Column("number", String(16), primary_key=True, info=NONE),
    Column("kinds", String(200), nullable=False, info=NONE),
    Column("persons", Integer, nullable=False, info=NONE),
    Column("detected_ms", BigInteger, nullable=False, info=NONE),
    Column("opened_ms", BigInteger, nullable=False, info=NONE),
    Column("report_due_ms", BigInteger, nullable=False, info=NONE),
    Column("people_due_ms", BigInteger, info=NONE),
    Column("reported_ms", BigInteger, info=NONE),
    Column("closed_ms", BigInteger, info=NONE),
    Index("ix_breach_closed", "closed_ms"),
    info=holds("operator", purpose="reporting a breach of personal data in time", **_KEPT)
    | purged_by("closed_ms", keep=KEEP),
)

breach_entry = Table(
    "breach_entry",
    metadata,
    Column("number", ForeignKey("breach.number", ondelete="CASCADE"), primary_key=True, info=NONE),
    Column("position", Integer, primary_key=True, autoincrement=False, info=NONE),
    Column("section", String(12), nullable=False, info=NONE),
    Column("operator", String(64), nullable=False, info=BASIC),
    Column("at_ms", BigInteger, nullable=False, info=NONE),
    Column(
        "text_sealed",
        LargeBinary,
        nullable=False,
        info=sealed(BASIC, "breach:{number}:{position}", scheme="document"),
    ),
    info=holds("operator", purpose="what happened, and what was done about it", **_KEPT),
)

breach_account = Table(
    "breach_account",
    metadata,
    Column("number", ForeignKey("breach.number", ondelete="CASCADE"), primary_key=True, info=NONE),
    Column("account_id", String(40), primary_key=True, info=BASIC),
    Column("added_ms", BigInteger, nullable=False, info=NONE),
    Column("told_ms", BigInteger, info=NONE),
    Index("ix_breach_account_account", "account_id"),
    info=holds("person", purpose="telling people whose data was in a breach", **_KEPT)
    | found_by("account_id")
    | kept_by_law(
        what="under the bare id: that data was in a breach, and when the person was told",
        legal="NĐ 356/2025/NĐ-CP Art. 28, 29",
        until="5 years after the file was closed",
    ),
)

_b, _e, _a = breach.c, breach_entry.c, breach_account.c


@dataclass(frozen=True, slots=True)
class BreachEntry:
    """Something written into the file."""

    section: str
    operator: str
    at: datetime
    text: str = field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Breach:
    """One file; `listed` accounts are known to be affected, `told` of them have been told."""

    number: str
    kinds: tuple[str, ...]
    persons: int
    detected_at: datetime
    opened_at: datetime
    report_due: datetime
    people_due: datetime | None
    reported_at: datetime | None = None
    closed_at: datetime | None = None
    listed: int = 0
    told: int = 0

    def late(self, now: datetime) -> tuple[str, ...]:
        """Which clocks have run out: `report`, `people`."""
        if self.closed_at is not None:
            return ()
        is_report_late = self.reported_at is None and now > self.report_due
        untold = self.people_due is not None and now > self.people_due and self.told < self.persons
        return (*(("report",) if is_report_late else ()), *(("people",) if untold else ()))


def insert_breach(tx: Transaction, new: Breach) -> None:
    """Open a file."""
    tx.connection.execute(
        insert(breach),
        {
            "number": new.number,
            "kinds": " ".join(new.kinds),
            "persons": new.persons,
            "detected_ms": to_ms(new.detected_at),
            "opened_ms": to_ms(new.opened_at),
            "report_due_ms": to_ms(new.report_due),
            "people_due_ms": None if new.people_due is None else to_ms(new.people_due),
        },
    )


def find_breach(connection: Connection, number: str, *, is_locked: bool = False) -> Breach | None:
    """One file without what was written; with `is_locked` until the transaction ends."""
    query = select(breach).where(_b.number == number)
    row = connection.execute(query.with_for_update() if is_locked else query).first()
    return None if row is None else _breach(connection, row)


def list_breaches(connection: Connection, *, with_closed: bool) -> tuple[Breach, ...]:
    """Files, what is due first in front."""
    query = select(breach).order_by(_b.report_due_ms, _b.number)
    if not with_closed:
        query = query.where(_b.closed_ms.is_(None))
    return tuple(_breach(connection, row) for row in connection.execute(query).all())


def update_breach(tx: Transaction, number: str, **changed: Any) -> bool:
    """Write what changed while the file is open; False when it is not."""
    done = tx.connection.execute(
        update(breach).where(_b.number == number, _b.closed_ms.is_(None)).values(**changed)
    )
    return done.rowcount == 1


def add_entry(tx: Transaction, number: str, entry: BreachEntry, *, sealer: Sealer) -> None:
    """Write into the file; the caller holds its lock."""
    position = tx.connection.execute(
        select(func.coalesce(func.max(_e.position), 0)).where(_e.number == number)
    ).scalar_one()
    sealed_text = sealer.seal(
        SealPurpose.DOCUMENT, entry.text.encode(), context=_context(number, position + 1)
    )
    tx.connection.execute(
        insert(breach_entry),
        {
            "number": number,
            "position": position + 1,
            "section": entry.section,
            "operator": entry.operator,
            "at_ms": to_ms(entry.at),
            "text_sealed": sealed_text,
        },
    )


def read_entries(connection: Connection, number: str, *, sealer: Sealer) -> tuple[BreachEntry, ...]:
    """Everything that was written, in order."""
    rows = connection.execute(select(breach_entry).where(_e.number == number).order_by(_e.position))
    return tuple(
        BreachEntry(
            row.section,
            row.operator,
            from_ms(row.at_ms),
            sealer.unseal(
                SealPurpose.DOCUMENT, row.text_sealed, context=_context(number, row.position)
            ).decode(),
        )
        for row in rows
    )


def add_accounts(
    tx: Transaction, number: str, accounts: Sequence[AccountId], *, now: datetime
) -> int:
    """List accounts as affected; how many were not listed before."""
    known = set(
        tx.connection.execute(
            select(_a.account_id).where(_a.number == number, _a.account_id.in_(accounts))
        ).scalars()
    )
    new = [one for one in dict.fromkeys(accounts) if one not in known]
    if new:
        tx.connection.execute(
            insert(breach_account),
            [{"number": number, "account_id": one, "added_ms": to_ms(now)} for one in new],
        )
    return len(new)


def untold_accounts(
    connection: Connection, number: str, *, after: str, limit: int
) -> tuple[AccountId, ...]:
    """Affected accounts that were not told yet, by id from `after` on."""
    found = connection.execute(
        select(_a.account_id)
        .where(_a.number == number, _a.told_ms.is_(None), _a.account_id > after)
        .order_by(_a.account_id)
        .limit(limit)
    )
    return tuple(AccountId(one) for one in found.scalars())


def mark_told(tx: Transaction, number: str, account_id: AccountId, *, now: datetime) -> bool:
    """Note that somebody was told, once."""
    done = tx.connection.execute(
        update(breach_account)
        .where(_a.number == number, _a.account_id == account_id, _a.told_ms.is_(None))
        .values(told_ms=to_ms(now))
    )
    return done.rowcount == 1


def count_breaches(connection: Connection, *, now: datetime) -> tuple[int, int]:
    """How many files are open, and in how many of them a clock has run out."""
    told = (
        select(func.count())
        .select_from(breach_account)
        .where(_a.number == _b.number, _a.told_ms.is_not(None))
        .scalar_subquery()
    )
    now_ms = to_ms(now)
    late = or_(
        and_(_b.reported_ms.is_(None), _b.report_due_ms < now_ms),
        and_(_b.people_due_ms < now_ms, told < _b.persons),
    )
    row = connection.execute(
        select(func.count(), func.sum(case((late, 1), else_=0)))
        .select_from(breach)
        .where(_b.closed_ms.is_(None))
    ).one()
    return int(row[0]), int(row[1] or 0)


def _breach(connection: Connection, row: Any) -> Breach:
    counted = connection.execute(
        select(func.count(), func.count(_a.told_ms)).where(_a.number == row.number)
    ).one()
    return Breach(
        number=row.number,
        kinds=tuple(row.kinds.split()),
        persons=row.persons,
        detected_at=from_ms(row.detected_ms),
        opened_at=from_ms(row.opened_ms),
        report_due=from_ms(row.report_due_ms),
        people_due=None if row.people_due_ms is None else from_ms(row.people_due_ms),
        reported_at=None if row.reported_ms is None else from_ms(row.reported_ms),
        closed_at=None if row.closed_ms is None else from_ms(row.closed_ms),
        listed=int(counted[0]),
        told=int(counted[1]),
    )


def _context(number: str, position: int) -> str:
    return f"breach:{number}:{position}"
