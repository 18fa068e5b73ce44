"""Cases: what a person reported about their account, in SQL, until an official has closed it.

What lives here: one table and the statements on it.  What was reported is sealed under the person's
data key.
Not here: what opens a case, what it does to the account (`idp/accounts/cases.py`, `not_me.py`).
"""

from __future__ import annotations

from datetime import datetime
from typing import Any, Final

import msgspec
from sqlalchemy import (
    BigInteger,
    Column,
    Connection,
    ForeignKey,
    Index,
    LargeBinary,
    Row,
    String,
    Table,
    bindparam,
    func,
    insert,
    select,
    update,
)

from idp.accounts.case_model import Case, CaseKind
from idp.ids import AccountId
from idp.storage.accounts import AccountRow, account, row_of
from idp.storage.database import Transaction, metadata
from idp.storage.declared import BASIC, NONE, holds, sealed
from keystore.clock import from_ms, to_ms
from keystore.sealing import Sealer
from keystore.statement import Statement

account_case = Table(
    "account_case",
    metadata,
    Column("case_id", String(40), primary_key=True, info=NONE),
    Column("number", String(12), nullable=False, unique=True, info=BASIC),
    Column("account_key", ForeignKey("account.account_key"), nullable=False, info=BASIC),
    Column("kind", String(24), nullable=False, info=BASIC),
    Column(
        "facts_sealed",
        LargeBinary,
        nullable=False,
        info=sealed(BASIC, "case:{case_id}", form="json"),
    ),
    Column("opened_ms", BigInteger, nullable=False, info=NONE),
    Column("closed_ms", BigInteger, info=NONE),
    Column("outcome", String(40), nullable=False, info=BASIC),
    info=holds(
        "person",
        purpose="what a person reported about their account, and what became of it",
        retention="until_erased",
        legal="NĐ 69/2024/NĐ-CP Art. 17(2)",
        legal_from="2024-07-01",
    ),
)
Index("ix_account_case_account", account_case.c.account_key, account_case.c.opened_ms)

_ALL: Final = select(account_case, account.c.account_id, account.c.data_key).join(
    account, account.c.account_key == account_case.c.account_key
)
_OF: Final = Statement(
    _ALL.where(account.c.account_id == bindparam("id")).order_by(
        account_case.c.opened_ms.desc(), account_case.c.case_id
    )
)
_BY_NUMBER: Final = Statement(_ALL.where(account_case.c.number == bindparam("called")))
_ROW_AND_NEWEST: Final = Statement(
    select(
        account,
        select(func.max(account_case.c.opened_ms))
        .where(account_case.c.account_key == account.c.account_key)
        .scalar_subquery()
        .label("newest_ms"),
    ).where(account.c.account_id == bindparam("id"))
)
_NEWEST: Final = Statement(
    select(func.max(account_case.c.opened_ms))
    .join(account, account.c.account_key == account_case.c.account_key)
    .where(account.c.account_id == bindparam("id"))
)
_INSERT: Final = Statement(insert(account_case))
_CLOSE: Final = Statement(
    update(account_case)
    .where(account_case.c.case_id == bindparam("one"), account_case.c.closed_ms.is_(None))
    .values(closed_ms=bindparam("at"), outcome=bindparam("result"))
)

_encode: Final = msgspec.json.Encoder(order="sorted").encode
_decode: Final = msgspec.json.Decoder(dict[str, str]).decode


def insert_case(tx: Transaction, row: AccountRow, new: Case, *, sealer: Sealer) -> None:
    """Keep a case that was opened."""
    _INSERT.count(
        tx.connection,
        {
            "case_id": new.case_id,
            "number": new.number,
            "account_key": row.account_key,
            "kind": new.kind,
            "facts_sealed": sealer.seal_personal(
                row.data_key, _encode(dict(new.facts)), context=f"case:{new.case_id}"
            ),
            "opened_ms": to_ms(new.opened_at),
            "closed_ms": None,
            "outcome": "",
        },
    )


def list_cases(
    connection: Connection, account_id: AccountId, *, sealer: Sealer
) -> tuple[Case, ...]:
    """The cases of a person, the newest first."""
    return tuple(_case(row, sealer=sealer) for row in _OF.all(connection, {"id": account_id}))


def find_case(connection: Connection, number: str, *, sealer: Sealer) -> Case | None:
    """The case of a number, and whose it is; None when there is none, or its person was erased."""
    row = _BY_NUMBER.one_or_none(connection, {"called": number})
    return None if row is None or row.data_key is None else _case(row, sealer=sealer)


def newest_case_at(connection: Connection, account_id: AccountId) -> datetime | None:
    """When the newest case of a person was opened; nothing of it is unsealed."""
    found = _NEWEST.scalar_or_none(connection, {"id": account_id})
    return None if found is None else from_ms(found)


def find_row_and_newest_case(
    connection: Connection, account_id: AccountId
) -> tuple[AccountRow | None, datetime | None]:
    """The account, and when its newest case was opened; one statement."""
    found = _ROW_AND_NEWEST.one_or_none(connection, {"id": account_id})
    if found is None:
        return None, None
    newest_at = None if found.newest_ms is None else from_ms(found.newest_ms)
    return row_of(found._asdict()), newest_at


def close_case(tx: Transaction, case_id: str, *, outcome: str, now: datetime) -> bool:
    """Close a case; False when it was closed before."""
    closed = _CLOSE.count(tx.connection, {"one": case_id, "result": outcome, "at": to_ms(now)})
    return closed == 1


def _case(row: Row[*tuple[Any, ...]], *, sealer: Sealer) -> Case:
    return Case(
        case_id=row.case_id,
        number=row.number,
        account_id=AccountId(row.account_id),
        kind=CaseKind(row.kind),
        facts=_decode(
            sealer.unseal_personal(row.data_key, row.facts_sealed, context=f"case:{row.case_id}")
        ),
        opened_at=from_ms(row.opened_ms),
        closed_at=None if row.closed_ms is None else from_ms(row.closed_ms),
        outcome=row.outcome,
    )
