"""What people asked about their data and what became of it, in SQL.

What lives here: the table of requests, that of accounts whose sharing is restricted, and the
statements on them.  What a person wrote and was answered is sealed under their data key; what
clocks need stands in clear.  Not here: what may follow what (`idp/accounts/data_requests.py`).
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    ColumnElement,
    Connection,
    Index,
    LargeBinary,
    String,
    Table,
    and_,
    case,
    delete,
    func,
    insert,
    or_,
    select,
    update,
)

from idp.accounts.data_request_rules import OPEN, DataRequest, RequestKind
from idp.ids import AccountId
from idp.storage.database import Transaction, metadata
from idp.storage.declared import BASIC, NONE, holds, kept_by_law, sealed
from idp.storage.purge import purged_by
from keystore.clock import from_ms, to_ms
from keystore.sealing import Sealer
from keystore.storage import lock_until_commit, share_until_commit

_LEGAL: Final = {"legal": "NĐ 356/2025/NĐ-CP Art. 5", "legal_from": "2026-01-01"}
_KEPT_AFTER_END: Final = timedelta(days=5 * 366)

data_request = Table(
    "data_request",
    metadata,
    Column("number", String(16), primary_key=True, info=NONE),
    Column("account_id", String(40), nullable=False, info=BASIC),
    Column("kind", String(12), nullable=False, info=NONE),
    Column("state", String(14), nullable=False, info=NONE),
    Column("by_processor", Boolean, nullable=False, info=NONE),
    Column("legal", String(80), nullable=False, info=NONE),
    Column("wish_sealed", LargeBinary, nullable=False, info=sealed(BASIC, "{number}:wish")),
    Column("reason_sealed", LargeBinary, info=sealed(BASIC, "{number}:reason")),
    Column("answer_sealed", LargeBinary, info=sealed(BASIC, "{number}:answer")),
    Column("asked_ms", BigInteger, nullable=False, info=NONE),
    Column("acknowledge_due_ms", BigInteger, nullable=False, info=NONE),
    Column("acknowledged_ms", BigInteger, info=NONE),
    Column("answer_due_ms", BigInteger, nullable=False, info=NONE),
    Column("extended_ms", BigInteger, info=NONE),
    Column("not_before_ms", BigInteger, nullable=False, info=NONE),
    Column("ended_ms", BigInteger, info=NONE),
    Index("ix_data_request_account", "account_id", "asked_ms"),
    Index("ix_data_request_open", "state", "answer_due_ms"),
    Index("ix_data_request_ended", "ended_ms"),
    info=holds(
        "person",
        purpose="answering what people ask about their data within the time that the law sets",
        retention="5 years after the answer",
        **_LEGAL,
    )
    | purged_by("ended_ms", keep=_KEPT_AFTER_END)
    | kept_by_law(
        what="under the bare id: what kind of request was made and when it was answered",
        legal="NĐ 356/2025/NĐ-CP Art. 5",
        until="5 years after the answer",
    ),
)

data_restriction = Table(
    "data_restriction",
    metadata,
    Column("account_id", String(40), primary_key=True, info=BASIC),
    Column("number", String(16), nullable=False, info=NONE),
    Column("since_ms", BigInteger, nullable=False, info=NONE),
    info=holds(
        "person",
        purpose="portals are given nothing that rests on consent while the person wants it so",
        retention="until the person lifts it",
        **_LEGAL,
    ),
)

_c = data_request.c


@dataclass(frozen=True, slots=True)
class Waiting:
    """How many requests wait, and of how many a clock has run out."""

    open: int
    overdue: int


def insert_data_request(
    tx: Transaction, new: DataRequest, *, data_key: bytes, sealer: Sealer
) -> None:
    """Keep a new request."""
    wish = sealer.seal_personal(data_key, (new.wish or "").encode(), context=f"{new.number}:wish")
    tx.connection.execute(
        insert(data_request),
        {
            "number": new.number,
            "account_id": new.account_id,
            "kind": new.kind,
            "state": new.state,
            "by_processor": new.by_processor,
            "legal": new.legal,
            "wish_sealed": wish,
            "asked_ms": to_ms(new.asked_at),
            "acknowledge_due_ms": to_ms(new.acknowledge_due),
            "answer_due_ms": to_ms(new.answer_due),
            "not_before_ms": to_ms(new.not_before),
        },
    )


def update_data_request(tx: Transaction, number: str, **changed: Any) -> bool:
    """Write what changed while the request is open; False when it is not."""
    done = tx.connection.execute(
        update(data_request).where(_c.number == number, _c.state.in_(OPEN)).values(**changed)
    )
    return done.rowcount == 1


def find_data_request(
    connection: Connection, number: str, *, data_key: bytes | None, sealer: Sealer
) -> DataRequest | None:
    """One request; with the person's data key also what was written."""
    row = connection.execute(select(data_request).where(_c.number == number)).first()
    return None if row is None else _request(row, data_key=data_key, sealer=sealer)


def data_requests_of(
    connection: Connection, account_id: AccountId, *, data_key: bytes, sealer: Sealer
) -> tuple[DataRequest, ...]:
    """Every request of a person, newest first."""
    rows = connection.execute(
        select(data_request).where(_c.account_id == account_id).order_by(_c.asked_ms.desc())
    )
    return tuple(_request(row, data_key=data_key, sealer=sealer) for row in rows)


def open_data_requests(
    connection: Connection, *, now: datetime, sealer: Sealer, limit: int
) -> tuple[DataRequest, ...]:
    """What waits, without what was written: overdue ones first, then by what is due next."""
    next_due = case((_c.acknowledged_ms.is_(None), _c.acknowledge_due_ms), else_=_c.answer_due_ms)
    rows = connection.execute(
        select(data_request)
        .where(_c.state.in_(OPEN))
        .order_by(case((_overdue(now), 0), else_=1), next_due, _c.number)
        .limit(limit)
    )
    return tuple(_request(row, data_key=None, sealer=sealer) for row in rows)


def count_data_requests(connection: Connection, *, now: datetime) -> Waiting:
    """How many wait."""
    row = connection.execute(
        select(func.count(), func.sum(case((_overdue(now), 1), else_=0))).where(_c.state.in_(OPEN))
    ).one()
    return Waiting(int(row[0]), int(row[1] or 0))


def hold_sharing(tx: Transaction, account_id: AccountId) -> None:
    """Let nobody be given anything of an account until this ends; first in its transaction."""
    lock_until_commit(tx, name=_sharing_of(account_id))


def may_share(tx: Transaction, account_id: AccountId) -> bool:
    """Whether sharing is not restricted, and will not be until this transaction ends.

    First in its transaction: what it gives is committed before a restriction looks what there is.
    """
    share_until_commit(tx, name=_sharing_of(account_id))
    return find_restriction(tx.connection, account_id) is None


def _sharing_of(account_id: AccountId) -> str:
    return f"sharing:{account_id}"


def add_restriction(tx: Transaction, account_id: AccountId, *, number: str, now: datetime) -> None:
    """Restrict the sharing of an account's data; one that is restricted stays so."""
    drop_restriction(tx, account_id)
    tx.connection.execute(
        insert(data_restriction),
        {"account_id": account_id, "number": number, "since_ms": to_ms(now)},
    )


def drop_restriction(tx: Transaction, account_id: AccountId) -> bool:
    """Lift it; False when there was none."""
    of_account = data_restriction.c.account_id == account_id
    return tx.connection.execute(delete(data_restriction).where(of_account)).rowcount == 1


def find_restriction(connection: Connection, account_id: AccountId) -> datetime | None:
    """Since when the sharing of an account's data is restricted; None: it is not."""
    since = connection.execute(
        select(data_restriction.c.since_ms).where(data_restriction.c.account_id == account_id)
    ).scalar_one_or_none()
    return None if since is None else from_ms(since)


def _overdue(now: datetime) -> ColumnElement[bool]:
    now_ms = to_ms(now)
    return or_(
        and_(_c.acknowledged_ms.is_(None), _c.acknowledge_due_ms < now_ms),
        _c.answer_due_ms < now_ms,
    )


def _request(row: Any, *, data_key: bytes | None, sealer: Sealer) -> DataRequest:
    def opened(octets: bytes | None, part: str) -> str | None:
        if data_key is None or octets is None:
            return None
        return sealer.unseal_personal(data_key, octets, context=f"{row.number}:{part}").decode()

    return DataRequest(
        number=row.number,
        account_id=AccountId(row.account_id),
        kind=RequestKind(row.kind),
        state=row.state,
        legal=row.legal,
        by_processor=bool(row.by_processor),
        asked_at=from_ms(row.asked_ms),
        acknowledge_due=from_ms(row.acknowledge_due_ms),
        acknowledged_at=None if row.acknowledged_ms is None else from_ms(row.acknowledged_ms),
        answer_due=from_ms(row.answer_due_ms),
        extended_at=None if row.extended_ms is None else from_ms(row.extended_ms),
        not_before=from_ms(row.not_before_ms),
        ended_at=None if row.ended_ms is None else from_ms(row.ended_ms),
        wish=opened(row.wish_sealed, "wish"),
        reason=opened(row.reason_sealed, "reason"),
        answer=opened(row.answer_sealed, "answer"),
    )
