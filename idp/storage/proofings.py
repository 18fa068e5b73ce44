"""Proofings at a counter in SQL, while they wait and shortly after.

What lives here: one table and the statements on it.  What was proven stays in the log; a row here
is what two people work on, and what the first password of a new account is set by.
Not here: who may (`idp.accounts.counter`).
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
    LargeBinary,
    Row,
    String,
    Table,
    bindparam,
    insert,
    select,
    update,
)

from idp.accounts.counter_proofings import CounterProofing, DocumentKind, ProofingState
from idp.ids import AccountId
from idp.storage.accounts import AccountRow, account
from idp.storage.database import Transaction, metadata
from idp.storage.declared import BASIC, NONE, SECRET, found_by, holds
from idp.storage.purge import purged_by
from keystore.clock import from_ms, to_ms

counter_proofing = Table(
    "counter_proofing",
    metadata,
    Column("proofing_id", String(40), primary_key=True, info=NONE),
    Column("account_key", ForeignKey("account.account_key"), nullable=False, info=BASIC),
    Column("official_key", ForeignKey("account.account_key"), nullable=False, info=BASIC),
    Column("second_key", ForeignKey("account.account_key"), info=BASIC),
    Column("controller_id", String(64), nullable=False, info=NONE),
    Column("document", String(24), nullable=False, info=BASIC),
    Column("code_mac", LargeBinary(32), nullable=False, info=SECRET),
    Column("state", String(12), nullable=False, info=NONE),
    Column("started_ms", BigInteger, nullable=False, info=NONE),
    Column("expires_ms", BigInteger, nullable=False, info=NONE),
    info=holds(
        "person",
        purpose="a proofing at a counter that waits for its second act",
        retention="one day after it lapses; the log keeps what was proven",
        legal="NĐ 69/2024/NĐ-CP Art. 10-11",
        legal_from="2024-07-01",
    )
    | found_by("account_key")
    | purged_by("expires_ms"),
)
Index("ix_counter_proofing_account", counter_proofing.c.account_key)
Index("ix_counter_proofing_expires", counter_proofing.c.expires_ms)

_c = counter_proofing.c
_person = account.alias("person")
_first = account.alias("first")
_second = account.alias("second")
_ALL: Final = (
    select(
        counter_proofing,
        _person.c.account_id.label("person_id"),
        _first.c.account_id.label("first_id"),
        _second.c.account_id.label("other_id"),
    )
    .join(_person, _person.c.account_key == _c.account_key)
    .join(_first, _first.c.account_key == _c.official_key)
    .outerjoin(_second, _second.c.account_key == _c.second_key)
)
_LIVE: Final = _ALL.where(
    _person.c.account_id == bindparam("id"),
    _c.state == bindparam("state"),
    _c.expires_ms > bindparam("now"),
).order_by(_c.started_ms.desc(), _c.proofing_id)
_INSERT: Final = insert(counter_proofing)
_SETTLE: Final = (
    update(counter_proofing)
    .where(
        _c.proofing_id == bindparam("id"),
        _c.state == bindparam("before"),
        _c.expires_ms > bindparam("now"),
    )
    .values(state=bindparam("after"), expires_ms=bindparam("until"))
)
_STOP_ALL: Final = (
    update(counter_proofing)
    .where(_c.account_key == bindparam("key"), _c.state == ProofingState.WAITING)
    .values(state=ProofingState.STOPPED)
)


def insert_proofing(
    tx: Transaction, new: CounterProofing, *, person: AccountRow, official: AccountRow
) -> None:
    """Keep a proofing that waits for its second act."""
    tx.connection.execute(
        _INSERT,
        {
            "proofing_id": new.proofing_id,
            "account_key": person.account_key,
            "official_key": official.account_key,
            "controller_id": new.controller_id,
            "document": new.document,
            "code_mac": new.code_mac,
            "state": new.state,
            "started_ms": to_ms(new.started_at),
            "expires_ms": to_ms(new.expires_at),
        },
    )


def find_proofing_in(
    connection: Connection, account_id: AccountId, *, state: ProofingState, now: datetime
) -> CounterProofing | None:
    """The newest proofing of an account in that state that has not lapsed."""
    row = connection.execute(_LIVE, {"id": account_id, "state": state, "now": to_ms(now)}).first()
    return None if row is None else _proofing(row)


def settle_proofing(
    tx: Transaction,
    proofing_id: str,
    *,
    before: ProofingState,
    after: ProofingState,
    until: datetime,
    now: datetime,
    second: AccountRow | None = None,
) -> bool:
    """Go from one state to another; True for the one transaction that does, in time.

    Takes   until: when the row lapses from now on; second: the official of the second act.
    """
    change = _SETTLE if second is None else _SETTLE.values(second_key=second.account_key)
    done = tx.connection.execute(
        change,
        {
            "id": proofing_id,
            "before": before,
            "after": after,
            "until": to_ms(until),
            "now": to_ms(now),
        },
    )
    return done.rowcount == 1


def stop_proofings(tx: Transaction, person: AccountRow) -> int:
    """Stop whatever waits for an account; how many there were."""
    return tx.connection.execute(_STOP_ALL, {"key": person.account_key}).rowcount


def _proofing(row: Row[*tuple[Any, ...]]) -> CounterProofing:
    return CounterProofing(
        proofing_id=row.proofing_id,
        account_id=AccountId(row.person_id),
        official_id=AccountId(row.first_id),
        controller_id=row.controller_id,
        document=DocumentKind(row.document),
        code_mac=row.code_mac,
        started_at=from_ms(row.started_ms),
        expires_at=from_ms(row.expires_ms),
        state=ProofingState(row.state),
        second_id=None if row.other_id is None else AccountId(row.other_id),
    )
