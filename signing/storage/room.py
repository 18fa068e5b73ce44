"""How much of one portal is open, in SQL, and who may add to it at a time.

What lives here: counting over the tables of requests, and the locks under which a count stays true.
Not here: what becomes of a count (`signing/room.py`), adding a request (`new_requests.py`).
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from sqlalchemy import (
    JSON,
    BigInteger,
    Connection,
    Select,
    Text,
    bindparam,
    cast,
    func,
    select,
    union_all,
)

from keystore.clock import to_ms
from keystore.statement import Statement
from keystore.storage import Transaction, lock_number, lock_until_commit
from signing.model import RequestState, SlotState
from signing.storage.request_tables import signing_document, signing_request, signing_slot

_r, _d, _s = signing_request.c, signing_document.c, signing_slot.c
LIGHT_BYTES: Final = 2 << 20
"""Of documents: a request with more comes alone, so that room for few has to be left to others."""

CLIENT_ID: Final = bindparam("client_id", type_=_r.client_id.type)
OPEN: Final = (
    select(
        func.count(_r.request_id.distinct()).label("number"),
        func.coalesce(func.sum(_d.size_bytes), 0).label("size"),
    )
    .join(signing_document, _d.request_id == _r.request_id)
    .where(
        _r.client_id == CLIENT_ID,
        _r.state.in_([RequestState.WAITING, RequestState.CONFIRMED]),
    )
)
"""Requests of a portal that are open, and the size of their documents."""


def waiting_each(people: Any) -> Select[tuple[str, int]]:
    """How many requests of a portal wait for each of these people: a list, or SQL that gives it."""
    return (
        select(_s.account_id, func.count(_r.request_id.distinct()).label("number"))
        .join(signing_request, _r.request_id == _s.request_id)
        .where(
            _s.account_id.in_(people),
            _s.state == SlotState.WAITING,
            _r.client_id == CLIENT_ID,
            _r.state == RequestState.WAITING,
            _r.expires_ms > bindparam("now"),
        )
        .group_by(_s.account_id)
    )


_COUNT_OPEN: Final = Statement(OPEN)
_COUNT_WAITING: Final = waiting_each(bindparam("people", expanding=True))
_people: Final = func.json_array_elements_text(
    cast(bindparam("people", type_=Text), JSON)
).column_valued("person")
_HOLD_TOGETHER: Final = Statement(
    # one after the other, in this order
    union_all(
        select(func.pg_advisory_xact_lock_shared(bindparam("portal", type_=BigInteger)).label("a")),
        select(func.pg_advisory_xact_lock(cast(_people, BigInteger)).label("a")),
    )
)


def hold_room(
    tx: Transaction, *, client_id: str, account_ids: Collection[str], is_alone: bool
) -> bool:
    """Hold the room of a portal until the transaction is over, and what waits for these people.

    Two that ask the same person come one after the other, others at the same time; with `is_alone`
    nobody of this portal adds anything meanwhile.  What is counted afterwards stays true, but for
    what others add who hold it as well.
    Returns whether it is held alone.
    """
    if tx.connection.dialect.name != "postgresql":
        return True  # write transactions come one after the other
    portal = f"signing_room:{client_id}"
    if is_alone:
        lock_until_commit(tx, name=portal)
        return True
    names = {f"signing_waiting:{client_id}:{one}" for one in account_ids}
    # everybody in the same order: nobody waits for somebody who waits for them
    people = sorted(lock_number(name) for name in names)
    _HOLD_TOGETHER.all(tx.connection, {"portal": lock_number(portal), "people": str(people)})
    return False


@dataclass(frozen=True, slots=True)
class Counted:
    """What a portal has open, and how many requests wait for each person for whom any does."""

    open: int
    open_bytes: int
    waiting: Mapping[str, int]


def count_room(
    connection: Connection, account_ids: Collection[str], *, client_id: str, now: datetime
) -> Counted:
    """What a portal has open, and what of it waits for these people."""
    number, size = _COUNT_OPEN.all(connection, {"client_id": client_id})[0]
    given = {"client_id": client_id, "people": list(account_ids), "now": to_ms(now)}
    rows = connection.execute(_COUNT_WAITING, given)
    return Counted(int(number), int(size), {row.account_id: row.number for row in rows})
