"""Passwords that were reset, in SQL, for as long as the person may say that it was not them.

What lives here: one table and the statements on it.
Not here: what a reset takes and does (`idp/accounts/password_reset.py`, `recovery_stop.py`).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final

from sqlalchemy import (
    BigInteger,
    Column,
    Connection,
    ForeignKey,
    Index,
    LargeBinary,
    String,
    Table,
    bindparam,
    func,
    insert,
    select,
    update,
)

from idp.ids import AccountId
from idp.storage.accounts import AccountRow, account
from idp.storage.database import Transaction, metadata
from idp.storage.declared import BASIC, NONE, SECRET, holds
from idp.storage.purge import purged_by
from keystore.clock import from_ms, to_ms

_KEEP: Final = timedelta(days=365)

account_recovery = Table(
    "account_recovery",
    metadata,
    Column("recovery_id", String(40), primary_key=True, info=NONE),
    Column("account_key", ForeignKey("account.account_key"), nullable=False, info=BASIC),
    Column("proofs", String(80), nullable=False, info=BASIC),
    Column("stop_mac", LargeBinary(32), nullable=False, info=SECRET),
    Column("done_ms", BigInteger, nullable=False, info=NONE),
    Column("waits_until_ms", BigInteger, nullable=False, info=NONE),
    Column("stopped_ms", BigInteger, info=NONE),
    info=holds(
        "person",
        purpose="that a password was reset, and by what proofs, while its owner may stop it",
        retention="a year after that time is over; the log keeps the history",
        legal="NĐ 69/2024/NĐ-CP Art. 17(2)",
        legal_from="2024-07-01",
    )
    | purged_by("waits_until_ms", keep=_KEEP),
)
Index(
    "ix_account_recovery_account",
    account_recovery.c.account_key,
    account_recovery.c.waits_until_ms,
)
Index("ix_account_recovery_expiry", account_recovery.c.waits_until_ms)

_IS_WAITING: Final = (
    account_recovery.c.stopped_ms.is_(None),
    account_recovery.c.waits_until_ms > bindparam("now"),
)
_INSERT: Final = insert(account_recovery)
_BY_ID: Final = (
    select(account_recovery, account.c.account_id)
    .join(account, account.c.account_key == account_recovery.c.account_key)
    .where(account_recovery.c.recovery_id == bindparam("one"), *_IS_WAITING)
)
_UNTIL: Final = (
    select(func.max(account_recovery.c.waits_until_ms))
    .join(account, account.c.account_key == account_recovery.c.account_key)
    .where(account.c.account_id == bindparam("id"), *_IS_WAITING)
)
_STOP: Final = (
    update(account_recovery)
    .where(account_recovery.c.account_key == bindparam("key"), *_IS_WAITING)
    .values(stopped_ms=bindparam("at"))
)


@dataclass(frozen=True, slots=True)
class WaitingRecovery:
    """A reset that may still be stopped; `stop_mac`: keyed hash of the token that does, 32 bytes.

    `proofs` are words, parted by spaces.
    """

    recovery_id: str
    account_id: AccountId
    proofs: str
    stop_mac: bytes = field(repr=False)
    done_at: datetime
    waits_until: datetime


def insert_recovery(tx: Transaction, row: AccountRow, new: WaitingRecovery) -> None:
    """Keep that a password was reset."""
    tx.connection.execute(
        _INSERT,
        {
            "recovery_id": new.recovery_id,
            "account_key": row.account_key,
            "proofs": new.proofs,
            "stop_mac": new.stop_mac,
            "done_ms": to_ms(new.done_at),
            "waits_until_ms": to_ms(new.waits_until),
            "stopped_ms": None,
        },
    )


def find_waiting(
    connection: Connection, recovery_id: str, *, now: datetime
) -> WaitingRecovery | None:
    """One that may still be stopped."""
    row = connection.execute(_BY_ID, {"one": recovery_id, "now": to_ms(now)}).one_or_none()
    if row is None:
        return None
    return WaitingRecovery(
        row.recovery_id,
        AccountId(row.account_id),
        row.proofs,
        bytes(row.stop_mac),
        from_ms(row.done_ms),
        from_ms(row.waits_until_ms),
    )


def waits_until(connection: Connection, account_id: AccountId, *, now: datetime) -> datetime | None:
    """Until when a reset of this account may be stopped; None where there is none."""
    found = connection.execute(_UNTIL, {"id": account_id, "now": to_ms(now)}).scalar_one()
    return None if found is None else from_ms(found)


def stop_recoveries(tx: Transaction, row: AccountRow, *, now: datetime) -> int:
    """Stop every one that waits, once; how many this call stopped."""
    at = to_ms(now)
    return tx.connection.execute(_STOP, {"key": row.account_key, "now": at, "at": at}).rowcount
