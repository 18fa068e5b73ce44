"""Whom a portal means by a `sub`, in one statement: the account and whether it may be used.

What lives here: `find_row_by_sub`.  Not here: the two tables (`subjects.py`, `accounts.py`).
"""

from __future__ import annotations

from typing import Final

from sqlalchemy import Connection, bindparam, select

from idp.ids import AccountId
from idp.storage.accounts import AccountRow, account, row_of
from idp.storage.subjects import subject
from keystore.statement import Statement

_NAMES: Final = (
    *("account_key", "account_id", "kind", "level", "status"),
    *("data_key", "demands_second_factor"),
)
_FIND: Final = Statement(
    select(
        subject.c.account_id.label("of_sub"),
        subject.c.sector_id,
        *(account.c[name] for name in _NAMES),
    )
    .outerjoin(account, account.c.account_id == subject.c.account_id)
    .where(subject.c.sub == bindparam("sub"))
)


def find_row_by_sub(
    connection: Connection, sub: str
) -> tuple[AccountId, str, AccountRow | None] | None:
    """Account, sector and row behind a `sub`; no row of an account that was erased."""
    found = _FIND.one_or_none(connection, {"sub": sub})
    if found is None:
        return None
    row = row_of({name: getattr(found, name) for name in _NAMES})
    return AccountId(found.of_sub), found.sector_id, row
