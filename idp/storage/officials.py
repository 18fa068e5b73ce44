"""Who acts for an agency at a counter or at its helpdesk, in SQL.

What lives here: one table and the statements on it.  A duty is given for one agency and ends by its
date or at once; the row stays, because acts were done under it.
Not here: what a duty allows (`idp.accounts.officials` and what asks it).
"""

from __future__ import annotations

from datetime import datetime
from typing import Any, Final

from sqlalchemy import (
    BigInteger,
    Column,
    Connection,
    ForeignKey,
    Index,
    Row,
    String,
    Table,
    and_,
    bindparam,
    insert,
    or_,
    select,
    update,
)

from idp.accounts.model import AccountKind, AccountLevel, AccountStatus
from idp.accounts.official_duties import Duty, Official
from idp.ids import AccountId
from idp.storage.accounts import AccountRow, account
from idp.storage.database import Transaction, metadata
from idp.storage.declared import BASIC, NONE, holds
from keystore.clock import from_ms, to_ms

official = Table(
    "official",
    metadata,
    Column("official_id", String(40), primary_key=True, info=NONE),
    Column("account_key", ForeignKey("account.account_key"), nullable=False, info=BASIC),
    Column("controller_id", String(64), nullable=False, info=BASIC),
    Column("duty", String(16), nullable=False, info=BASIC),
    Column("valid_from_ms", BigInteger, nullable=False, info=NONE),
    Column("valid_to_ms", BigInteger, info=NONE),
    Column("ended_ms", BigInteger, info=NONE),
    info=holds(
        "person",
        purpose="who may prove identities at a counter or help people with their accounts",
        retention="duty_ended+5y",
        legal="NĐ 69/2024/NĐ-CP Art. 10-11, 17",
        legal_from="2024-07-01",
    ),
)
Index("ix_official_account", official.c.account_key, official.c.duty)

_ALL: Final = select(official, account.c.account_id).join(
    account, account.c.account_key == official.c.account_key
)
_STANDS: Final = and_(
    official.c.ended_ms.is_(None),
    official.c.valid_from_ms <= bindparam("now"),
    or_(official.c.valid_to_ms.is_(None), official.c.valid_to_ms > bindparam("now")),
    account.c.status == AccountStatus.ACTIVE,
    account.c.level == AccountLevel.TWO,
)
_IN_FORCE: Final = _ALL.where(_STANDS, account.c.account_id == bindparam("id")).order_by(
    official.c.valid_from_ms, official.c.official_id
)
_BY_ID: Final = _ALL.where(official.c.official_id == bindparam("id"))
_LIST: Final = _ALL.order_by(official.c.valid_from_ms.desc(), official.c.official_id)
_FIT: Final = select(account.c.account_key).where(
    account.c.account_key == bindparam("key"),
    account.c.kind != AccountKind.ORGANISATION,
    account.c.status == AccountStatus.ACTIVE,
    account.c.level == AccountLevel.TWO,
)
_INSERT: Final = insert(official)
_END: Final = (
    update(official)
    .where(official.c.official_id == bindparam("id"), official.c.ended_ms.is_(None))
    .values(ended_ms=bindparam("now"))
)
_END_ALL: Final = (
    update(official)
    .where(official.c.account_key == bindparam("key"), official.c.ended_ms.is_(None))
    .values(ended_ms=bindparam("now"))
)


def is_fit(connection: Connection, row: AccountRow) -> bool:
    """Whether a duty may be given to the holder: a person, active, of level 2."""
    return connection.execute(_FIT, {"key": row.account_key}).first() is not None


def insert_official(tx: Transaction, new: Official, *, account_key: int) -> None:
    """Keep a duty that was given."""
    tx.connection.execute(
        _INSERT,
        {
            "official_id": new.official_id,
            "account_key": account_key,
            "controller_id": new.controller_id,
            "duty": new.duty,
            "valid_from_ms": to_ms(new.valid_from),
            "valid_to_ms": None if new.valid_to is None else to_ms(new.valid_to),
        },
    )


def list_in_force(
    connection: Connection, account_id: AccountId, *, now: datetime
) -> tuple[Official, ...]:
    """The duties that a person has now; none where the account is not active at level 2."""
    rows = connection.execute(_IN_FORCE, {"id": account_id, "now": to_ms(now)})
    return tuple(_official(row) for row in rows)


def find_official(connection: Connection, official_id: str) -> Official | None:
    """One duty, whatever became of it."""
    row = connection.execute(_BY_ID, {"id": official_id}).one_or_none()
    return None if row is None else _official(row)


def list_officials(connection: Connection) -> tuple[Official, ...]:
    """Every duty that was ever given, the newest first."""
    return tuple(_official(row) for row in connection.execute(_LIST))


def end_official(tx: Transaction, official_id: str, *, now: datetime) -> bool:
    """End a duty at once; False when it had been ended before."""
    return tx.connection.execute(_END, {"id": official_id, "now": to_ms(now)}).rowcount == 1


def end_duties_of(tx: Transaction, account_key: int, *, now: datetime) -> int:
    """End every duty of an account; how many there were."""
    return tx.connection.execute(_END_ALL, {"key": account_key, "now": to_ms(now)}).rowcount


def _official(row: Row[*tuple[Any, ...]]) -> Official:
    return Official(
        official_id=row.official_id,
        account_id=AccountId(row.account_id),
        controller_id=row.controller_id,
        duty=Duty(row.duty),
        valid_from=from_ms(row.valid_from_ms),
        valid_to=None if row.valid_to_ms is None else from_ms(row.valid_to_ms),
        ended_at=None if row.ended_ms is None else from_ms(row.ended_ms),
    )
