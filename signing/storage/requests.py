"""Signing requests in SQL, with their documents and signers.

What lives here: three tables and the statements on them.  A request changes its state by comparing
and setting in one statement, so that of two who move it one does.  Titles, names of documents and
reasons are sealed under a key of the service: several people sign one request, and it is gone when
its time is over.
Not here: reading one (`request_reading`), what is allowed when (the use cases), the bytes of
documents (`signing/blobs.py`).
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import datetime, timedelta
from typing import Any, Final

from sqlalchemy import (
    Connection,
    bindparam,
    func,
    select,
    update,
)

from keystore.clock import to_ms
from keystore.statement import Statement
from keystore.storage import Transaction
from signing.errors import RequestNotWaiting, RequestUnknown
from signing.model import (
    BlobId,
    RequestId,
    RequestState,
    Result,
    SlotState,
)
from signing.storage.request_tables import (
    KEPT_AFTER_END,
    signing_document,
    signing_request,
    signing_slot,
)

_r, _d, _s = signing_request.c, signing_document.c, signing_slot.c
_WAITING_FOR: Final = (
    select(_r.request_id)
    .join(signing_slot, _s.request_id == _r.request_id)
    .where(
        _s.account_id == bindparam("account_id"),
        _s.state == SlotState.WAITING,
        _r.state == RequestState.WAITING,
        _r.expires_ms > bindparam("now"),
    )
    .order_by(_r.created_ms.desc())
    .limit(bindparam("at_most"))
)
_OVERDUE: Final = (
    select(_r.request_id)
    .where(_r.state == RequestState.WAITING, _r.expires_ms <= bindparam("now"))
    .order_by(_r.expires_ms)
    .limit(bindparam("at_most"))
)
_MOVE: Final = (
    update(signing_request)
    .where(_r.request_id == bindparam("id"))
    .values(
        state=bindparam("to"),
        reason=bindparam("why"),
        ended_ms=bindparam("ended"),
        purge_ms=bindparam("purge"),
    )
)
_MOVE_FROM: Final = Statement(_MOVE.where(_r.state == bindparam("expected")))
_MOVE_FROM_ANY: Final = _MOVE.where(_r.state.in_(bindparam("expected", expanding=True)))
_NOTE: Final = (
    update(signing_request)
    .where(_r.request_id == bindparam("id"), _r.state == RequestState.CONFIRMED)
    .values(reason=bindparam("why"))
)
_MOVE_SLOT: Final = Statement(
    update(signing_slot)
    .where(
        _s.request_id == bindparam("id"),
        _s.position == bindparam("at"),
        _s.state == bindparam("expected"),
    )
    .values(
        state=bindparam("to"),
        ended_ms=bindparam("ended"),
        key_id=bindparam("key"),
        certificate_sha256=bindparam("certificate"),
    )
)
_END_SLOTS: Final = (
    update(signing_slot)
    .where(
        _s.request_id == bindparam("id"),
        _s.state.in_([SlotState.WAITING, SlotState.CONFIRMED]),
    )
    .values(state=SlotState.ENDED, ended_ms=bindparam("ended"))
)
_HOLD: Final = Statement(
    select(_r.request_id).where(_r.request_id == bindparam("id")).with_for_update(key_share=True)
)
_STANDING: Final = Statement(
    select(_r.state, _r.expires_ms).where(_r.request_id == bindparam("id"))
)
_SIGNED_SLOTS: Final = (
    select(func.count())
    .select_from(signing_slot)
    .where(_s.request_id == _r.request_id, _s.state == SlotState.SIGNED)
    .scalar_subquery()
)
_PROGRESS: Final = Statement(
    select(_r.state, _r.expires_ms, _SIGNED_SLOTS.label("signed")).where(
        _r.request_id == bindparam("id")
    )
)
_TURN: Final = Statement(
    select(_r.state, _r.expires_ms, _s.state.label("slot"))
    .outerjoin(signing_slot, (_s.request_id == _r.request_id) & (_s.position == bindparam("at")))
    .where(_r.request_id == bindparam("id"))
)
_BLOBS: Final = select(_d.original_id, _d.result_id).where(_d.request_id == bindparam("id"))
_SET_RESULTS: Final = (
    update(signing_document)
    .where(_d.request_id == bindparam("id"), _d.position == bindparam("at"))
    .values(
        result_id=bindparam("result"),
        result_offset=bindparam("offset"),
        result_bytes=bindparam("size"),
    )
)
_SET_RESULT: Final = Statement(_SET_RESULTS)


def read_waiting_for(
    connection: Connection, account_id: str, *, now: datetime, limit: int = 100
) -> tuple[RequestId, ...]:
    """Ids of requests that wait for that person to sign, the newest first."""
    found = connection.execute(
        _WAITING_FOR, {"account_id": account_id, "now": to_ms(now), "at_most": limit}
    )
    return tuple(RequestId(one) for one in found.scalars())


def lock_request(tx: Transaction, request_id: str) -> None:
    """Hold a request until the transaction is over: whoever moves it or its parts does this first.

    What is read afterwards is what the one before committed.  `move_request` that has moved it
    holds it as well.  On SQLite a write transaction is alone anyway.
    """
    if tx.connection.dialect.name == "postgresql":
        _HOLD.all(tx.connection, {"id": request_id})


def read_state(connection: Connection, request_id: str, *, now: datetime) -> RequestState | None:
    """As what a request counts at this moment; None where there is none."""
    row = _STANDING.one_or_none(connection, {"id": request_id})
    return None if row is None else _state_at(row, now=now)


def read_progress(
    connection: Connection, request_id: str, *, now: datetime
) -> tuple[RequestState, int] | None:
    """As what a request counts now, and how many have signed; None where there is none."""
    row = _PROGRESS.one_or_none(connection, {"id": request_id})
    if row is None:
        return None
    return _state_at(row, now=now), row.signed


def check_turn(connection: Connection, request_id: str, position: int, *, now: datetime) -> None:
    """It is that signer's turn, as the request stands now.

    Raises  RequestNotWaiting, RequestUnknown.
    """
    row = _TURN.one_or_none(connection, {"id": request_id, "at": position})
    if row is None:
        raise RequestUnknown
    state = _state_at(row, now=now)
    if state is not RequestState.WAITING or row.slot != SlotState.WAITING:
        raise RequestNotWaiting(state)


def is_turn_confirmed(connection: Connection, request_id: str, position: int) -> bool:
    """Whether that signer has confirmed, and her documents are not made."""
    row = _TURN.one_or_none(connection, {"id": request_id, "at": position})
    return row is not None and row.slot == SlotState.CONFIRMED


def read_blobs(
    connection: Connection, request_id: str
) -> tuple[frozenset[BlobId], frozenset[BlobId]]:
    """What was handed over, and the newest revisions."""
    rows = connection.execute(_BLOBS, {"id": request_id}).all()
    originals = frozenset(BlobId(row.original_id) for row in rows if row.original_id is not None)
    return originals, frozenset(BlobId(row.result_id) for row in rows if row.result_id is not None)


def end_slots(tx: Transaction, request_id: str, *, now: datetime) -> None:
    """Nothing more is wanted of those who have not signed."""
    tx.connection.execute(_END_SLOTS, {"id": request_id, "ended": to_ms(now)})


def read_overdue(
    connection: Connection, *, now: datetime, limit: int = 500
) -> tuple[RequestId, ...]:
    """Ids of requests whose time is up and of which nobody has noted it."""
    found = connection.execute(_OVERDUE, {"now": to_ms(now), "at_most": limit})
    return tuple(RequestId(one) for one in found.scalars())


def move_request(
    tx: Transaction,
    request_id: str,
    *,
    expected: Collection[RequestState],
    to: RequestState,
    now: datetime,
    reason: str = "",
    purge_at: datetime | None = None,
) -> bool:
    """Change the state, if it still is one of `expected`; whether that was so.

    Takes   purge_at: when the row goes; None: 30 days after an end, or after the longest lifetime.
    """
    ended = to_ms(now) if to.is_final else None
    purge = purge_at or now + KEPT_AFTER_END + (timedelta(0) if to.is_final else KEPT_AFTER_END)
    values = {
        "id": request_id,
        "to": str(to),
        "why": reason,
        "ended": ended,
        "purge": to_ms(purge),
    }
    states = [str(state) for state in expected]
    if len(states) == 1:
        return _MOVE_FROM.count(tx.connection, {**values, "expected": states[0]}) == 1
    moved = tx.connection.execute(_MOVE_FROM_ANY, {**values, "expected": states})
    return moved.rowcount == 1


def note_reason(tx: Transaction, request_id: str, *, reason: str) -> None:
    """Say what a confirmed request waits for."""
    tx.connection.execute(_NOTE, {"id": request_id, "why": reason})


def move_slot(
    tx: Transaction,
    request_id: str,
    position: int,
    *,
    expected: SlotState,
    to: SlotState,
    now: datetime,
    key_id: str | None = None,
    certificate_sha256: bytes | None = None,
) -> bool:
    """Change where one signer stands, if it still is `expected`; whether that was so."""
    is_end = to in {SlotState.SIGNED, SlotState.REFUSED, SlotState.ENDED}
    moved = _MOVE_SLOT.count(
        tx.connection,
        {
            "id": request_id,
            "at": position,
            "expected": str(expected),
            "to": str(to),
            "ended": to_ms(now) if is_end else None,
            "key": key_id,
            "certificate": certificate_sha256,
        },
    )
    return moved == 1


def set_results(tx: Transaction, request_id: str, results: Mapping[int, Result]) -> None:
    """Let documents (by position) have these newest revisions."""
    values = [
        {
            "id": request_id,
            "at": at,
            "result": one.blob_id,
            "offset": one.offset,
            "size": one.size_bytes,
        }
        for at, one in results.items()
    ]
    if len(values) == 1:
        _SET_RESULT.count(tx.connection, values[0])
    else:
        tx.connection.execute(_SET_RESULTS, values)


def _state_at(row: Any, *, now: datetime) -> RequestState:
    is_late = row.state == RequestState.WAITING and row.expires_ms <= to_ms(now)
    return RequestState.EXPIRED if is_late else RequestState(row.state)
