"""What the log says of one account, read backwards page by page.

What lives here: one statement over the index by account and time; a page costs the same however
long the history is.  Nothing is written: the log is `keystore/log`'s.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec
from sqlalchemy import Connection, Select, select, tuple_

from idp.history import HistoryPlace, HistoryRow
from idp.ids import AccountId
from keystore.clock import from_ms
from keystore.log.events import EventType
from keystore.log.record import log_event

_c = log_event.c


def history_of(
    connection: Connection,
    account_id: AccountId,
    *,
    types: Sequence[EventType],
    before: HistoryPlace | None,
    limit: int,
) -> tuple[HistoryRow, ...]:
    """The newest rows of an account of these types, from right before a place on.

    Takes   before: the last row of the page before, or None.
    """
    query = history_query(account_id, types=types, before=before, limit=limit)
    return tuple(
        HistoryRow(
            EventType(row.type),
            from_ms(row.at_ms),
            row.client_id,
            msgspec.json.decode(row.facts),
            HistoryPlace(row.at_ms, row.writer, row.seq),
        )
        for row in connection.execute(query)
    )


def history_query(
    account_id: AccountId,
    *,
    types: Sequence[EventType],
    before: HistoryPlace | None,
    limit: int,
) -> Select[Any]:
    """The statement of `history_of`, for whoever wants to see how it is run."""
    query = (
        select(_c.type, _c.at_ms, _c.client_id, _c.facts, _c.writer, _c.seq)
        .where(_c.account_id == account_id, _c.type.in_([one.value for one in types]))
        .order_by(_c.at_ms.desc(), _c.writer.desc(), _c.seq.desc())
        .limit(limit)
    )
    if before is None:
        return query
    # the first condition is the one that the index is entered by
    return query.where(
        _c.at_ms <= before.at_ms,
        tuple_(_c.at_ms, _c.writer, _c.seq) < (before.at_ms, before.writer, before.seq),
    )
