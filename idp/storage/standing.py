"""Whether an account is somebody who acts now, and nothing else of it.

What lives here: one statement over columns that say nothing about a person, for a process that may
read no more.  Not here: the table (`accounts`).
"""

from __future__ import annotations

from typing import Final

from sqlalchemy import Connection, bindparam, select

from idp.accounts.model import AccountKind, AccountStatus
from idp.ids import AccountId
from idp.storage.accounts import account

_STANDING: Final = select(account.c.kind, account.c.status).where(
    account.c.account_id == bindparam("id")
)


def find_standing(
    connection: Connection, account_id: AccountId
) -> tuple[AccountKind, AccountStatus] | None:
    """Whose account it is and whether it signs in; None when there is none."""
    row = connection.execute(_STANDING, {"id": account_id}).one_or_none()
    return None if row is None else (AccountKind(row.kind), AccountStatus(row.status))
