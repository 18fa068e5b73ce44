"""Requests in which an account has a part, in SQL, for the end of that account.

What lives here: the statements.  Not here: the tables (`signing/storage/requests.py`), what ends
(`signing/ended_accounts.py`).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import msgspec
from sqlalchemy import Connection, bindparam, func, or_, select, update

from keystore.purposes import SealPurpose
from keystore.sealing import Sealer
from keystore.storage import Transaction
from signing.model import DocumentText, RequestState, RequestText, SlotState
from signing.storage.request_reading import text_context
from signing.storage.request_tables import signing_document, signing_request, signing_slot

_r, _d, _s = signing_request.c, signing_document.c, signing_slot.c
_OPEN: Final = (
    select(
        _r.request_id,
        _r.client_id,
        _r.webhook_uri,
        select(func.count())
        .select_from(signing_document)
        .where(_d.request_id == _r.request_id)
        .scalar_subquery()
        .label("documents"),
    )
    .where(
        _r.state.in_([RequestState.WAITING, RequestState.CONFIRMED]),
        select(_s.position)
        .where(
            _s.request_id == _r.request_id,
            or_(
                _s.account_id == bindparam("account_id"),
                _s.organisation_id == bindparam("account_id"),
            ),
            _s.state.in_([SlotState.WAITING, SlotState.CONFIRMED]),
        )
        .exists(),
    )
    .order_by(_r.request_id)
)
_EMPTY: Final = (
    update(signing_request)
    .where(_r.request_id == bindparam("id"))
    .values(text_sealed=bindparam("sealed"))
)


@dataclass(frozen=True, slots=True)
class OpenRequest:
    """A request that still wants something of the account; `documents`: how many."""

    request_id: str
    client_id: str
    webhook_uri: str
    documents: int


def read_open_of(connection: Connection, account_id: str) -> tuple[OpenRequest, ...]:
    """Those that wait for the account to sign, or are being signed by it, in any capacity."""
    rows = connection.execute(_OPEN, {"account_id": account_id})
    return tuple(OpenRequest(*row) for row in rows)


def empty_text(tx: Transaction, request: OpenRequest, *, sealer: Sealer) -> None:
    """Let a request say nothing any more about people and documents."""
    nothing = RequestText(title="—", documents=(DocumentText("—", ""),) * request.documents)
    sealed = sealer.seal(
        SealPurpose.DOCUMENT,
        msgspec.msgpack.encode(nothing),
        context=text_context(request.request_id),
    )
    tx.connection.execute(_EMPTY, {"id": request.request_id, "sealed": sealed})
