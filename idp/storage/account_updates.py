"""Single facts of an account that are written over.

What lives here: statements on one table; the caller has decided on the locked row.
Not here: the table (`accounts`).
"""

from __future__ import annotations

from datetime import datetime
from typing import Final

from sqlalchemy import bindparam, update

from idp.accounts.model import AccountLevel, AccountStatus, Profile
from idp.storage.account_sealing import seal_profile
from idp.storage.accounts import AccountRow, account
from idp.storage.database import Transaction
from keystore.clock import to_ms
from keystore.sealing import Sealer

_UPDATE: Final = update(account).where(account.c.account_key == bindparam("key"))


def update_status(
    tx: Transaction, row: AccountRow, *, status: AccountStatus, now: datetime
) -> None:
    """Write a new status; the caller has decided on the locked row."""
    tx.connection.execute(
        _UPDATE.values(status=status, changed_ms=to_ms(now)), {"key": row.account_key}
    )


def update_level(tx: Transaction, row: AccountRow, *, level: AccountLevel, now: datetime) -> None:
    """Write how the account is proofed; the caller has decided on the locked row."""
    tx.connection.execute(
        _UPDATE.values(level=level, changed_ms=to_ms(now)), {"key": row.account_key}
    )


def update_second_factor(
    tx: Transaction, row: AccountRow, *, is_demanded: bool, now: datetime
) -> None:
    """Keep whether every sign-in of the account asks for a second factor."""
    tx.connection.execute(
        _UPDATE.values(demands_second_factor=is_demanded, changed_ms=to_ms(now)),
        {"key": row.account_key},
    )


def update_profile(
    tx: Transaction, row: AccountRow, profile: Profile, *, sealer: Sealer, now: datetime
) -> None:
    """Write a profile anew; the caller has read it in this transaction, with the row locked."""
    sealed = seal_profile(profile, row.account_id, data_key=row.data_key, sealer=sealer)
    tx.connection.execute(
        _UPDATE.values(profile_sealed=sealed, changed_ms=to_ms(now)), {"key": row.account_key}
    )
