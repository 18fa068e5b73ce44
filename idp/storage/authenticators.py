"""Authenticator apps beside one another: their names, their last use, one more, one less.

What lives here: what the person's own pages ask of the table `totp`.  A name is sealed under its
owner's data key.
Not here: the table, and what signing in needs of it (`credentials`).
"""

from __future__ import annotations

from datetime import datetime
from typing import Any, Final

from sqlalchemy import Connection, Row, bindparam, delete, or_, select, update

from idp.accounts.credentials import Totp, TotpHolder
from idp.storage.accounts import AccountRow
from idp.storage.credentials import insert_totp, totp
from idp.storage.database import Transaction
from keystore.clock import from_ms, to_ms
from keystore.sealing import Sealer
from keystore.statement import Statement

_LISTED: Final = Statement(
    select(totp.c.totp_id, totp.c.holder, totp.c.created_ms, totp.c.name_sealed, totp.c.used_ms)
    .where(totp.c.account_key == bindparam("key"))
    .order_by(totp.c.created_ms, totp.c.totp_id)
)
_IS_IT: Final = (totp.c.totp_id == bindparam("one"), totp.c.account_key == bindparam("key"))
_RENAME: Final = Statement(update(totp).where(*_IS_IT).values(name_sealed=bindparam("sealed")))
_REMOVE: Final = Statement(delete(totp).where(*_IS_IT))
_USE: Final = Statement(
    update(totp)
    .where(
        totp.c.totp_id == bindparam("one"),
        or_(totp.c.used_ms.is_(None), totp.c.used_ms < bindparam("before")),
    )
    .values(used_ms=bindparam("at"))
)


def list_authenticators(
    connection: Connection, row: AccountRow, *, sealer: Sealer
) -> tuple[Totp, ...]:
    """The authenticators of an account with their names, oldest first, without what is secret."""
    return tuple(
        Totp(
            totp_id=one.totp_id,
            secret=b"",
            created_at=from_ms(one.created_ms),
            holder=TotpHolder(one.holder),
            name=_name(one, row=row, sealer=sealer),
            used_at=None if one.used_ms is None else from_ms(one.used_ms),
        )
        for one in _LISTED.all(connection, {"key": row.account_key})
    )


def add_totp(tx: Transaction, row: AccountRow, new: Totp, *, sealer: Sealer) -> None:
    """Keep another authenticator beside those that are there; the account row is locked."""
    insert_totp(tx, row, new, sealer=sealer)
    rename_totp(tx, row, new.totp_id, name=new.name, sealer=sealer)


def rename_totp(
    tx: Transaction, row: AccountRow, totp_id: str, *, name: str, sealer: Sealer
) -> bool:
    """Call it otherwise; False when the account has none of that id."""
    sealed = sealer.seal_personal(row.data_key, name.encode(), context=_context(totp_id))
    changed = _RENAME.count(
        tx.connection, {"one": totp_id, "key": row.account_key, "sealed": sealed}
    )
    return changed == 1


def remove_totp(tx: Transaction, row: AccountRow, totp_id: str) -> bool:
    """Forget one; False when the account has none of that id."""
    gone = _REMOVE.count(tx.connection, {"one": totp_id, "key": row.account_key})
    return gone == 1


def note_totp_use(connection: Connection, totp_id: str, *, since: datetime, now: datetime) -> None:
    """Remember that it signed in, unless it did after `since` already."""
    _USE.count(connection, {"one": totp_id, "at": to_ms(now), "before": to_ms(since)})


def _name(one: Row[*tuple[Any, ...]], *, row: AccountRow, sealer: Sealer) -> str:
    if one.name_sealed is None:
        return ""
    return sealer.unseal_personal(
        row.data_key, one.name_sealed, context=_context(one.totp_id)
    ).decode()


def _context(totp_id: str) -> str:
    return f"{totp_id}:name"
