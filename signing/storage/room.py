"""How much of one portal is open, in SQL.

What lives here: counting over the tables of requests.
Not here: how much may be (`signing/room.py`).
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import datetime
from typing import Final

from sqlalchemy import Connection, bindparam, func, select

from keystore.clock import to_ms
from signing.model import RequestState, SlotState
from signing.storage.request_tables import signing_document, signing_request, signing_slot

_r, _d, _s = signing_request.c, signing_document.c, signing_slot.c
_OPEN: Final = (
    select(func.count(_r.request_id.distinct()), func.coalesce(func.sum(_d.size_bytes), 0))
    .join(signing_document, _d.request_id == _r.request_id)
    .where(
        _r.client_id == bindparam("client_id"),
        _r.state.in_([RequestState.WAITING, RequestState.CONFIRMED]),
    )
)
_WAITING_EACH: Final = (
    select(_s.account_id, func.count(_r.request_id.distinct()).label("number"))
    .join(signing_request, _r.request_id == _s.request_id)
    .where(
        _s.account_id.in_(bindparam("people", expanding=True)),
        _s.state == SlotState.WAITING,
        _r.client_id == bindparam("client_id"),
        _r.state == RequestState.WAITING,
        _r.expires_ms > bindparam("now"),
    )
    .group_by(_s.account_id)
)


def count_open(connection: Connection, client_id: str) -> tuple[int, int]:
    """How many requests of a portal are open, and how large their documents are together."""
    number, size = connection.execute(_OPEN, {"client_id": client_id}).one()
    return int(number), int(size)


def count_waiting(
    connection: Connection, account_ids: Collection[str], *, client_id: str, now: datetime
) -> Mapping[str, int]:
    """How many requests of a portal wait for each of these people; nobody for whom none does."""
    given = {"client_id": client_id, "people": list(account_ids), "now": to_ms(now)}
    return {row.account_id: row.number for row in connection.execute(_WAITING_EACH, given)}
