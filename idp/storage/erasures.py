"""What restoring a backup asks about accounts: their data keys, and who was erased.

What lives here: four questions over the table of accounts.  Not here: the table
(`idp/storage/accounts.py`), erasing (`idp/accounts/lifecycle.py`).
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from sqlalchemy import Connection, bindparam, func, select

from idp.ids import AccountId
from idp.storage.accounts import account

_DATA_KEYS: Final = (
    select(account.c.account_key, account.c.account_id, account.c.data_key)
    .where(account.c.account_key > bindparam("after"), account.c.data_key.is_not(None))
    .order_by(account.c.account_key)
    .limit(bindparam("at_most"))
)
_ERASED: Final = select(account.c.account_id).where(account.c.erased_ms.is_not(None))
_KNOWN: Final = select(account.c.account_key).where(account.c.account_id == bindparam("id"))
_COUNT: Final = select(func.count()).select_from(account)


def read_data_keys(connection: Connection, *, batch: int) -> Iterator[tuple[AccountId, bytes]]:
    """The wrapped data key of every account that has one, read a batch at a time."""
    after = -1
    while rows := connection.execute(_DATA_KEYS, {"after": after, "at_most": batch}).all():
        yield from ((AccountId(row.account_id), row.data_key) for row in rows)
        after = rows[-1].account_key


def read_erased(connection: Connection) -> tuple[AccountId, ...]:
    """Every account that was erased."""
    return tuple(AccountId(row.account_id) for row in connection.execute(_ERASED))


def was_account(connection: Connection, account_id: AccountId) -> bool:
    """Whether there ever was such an account; the row of an erased one stays."""
    return connection.execute(_KNOWN, {"id": account_id}).first() is not None


def count_accounts(connection: Connection) -> int:
    """How many accounts there are, erased ones among them."""
    return connection.execute(_COUNT).scalar_one()
