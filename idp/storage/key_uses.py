"""What the log says of the use of one account's keys, read backwards page by page.

What lives here: statements over the index that holds such rows alone; a page costs the same however
often somebody signed in.  Nothing is written: the log is `keystore/log`'s.
"""

from __future__ import annotations

from typing import Any

import msgspec
from sqlalchemy import Connection, Select, select, text, tuple_

from idp.history import HistoryPlace, HistoryRow
from idp.ids import AccountId
from keystore.clock import from_ms
from keystore.log.events import EventType
from keystore.log.record import log_event
from keystore.log.row_kinds import IS_USE_OF_KEY

_c = log_event.c


def uses_of(
    connection: Connection, account_id: AccountId, *, before: HistoryPlace | None, limit: int
) -> tuple[HistoryRow, ...]:
    """The newest uses and refusals of an account's keys, from right before a place on."""
    query = uses_query(account_id, before=before, limit=limit)
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


def uses_query(account_id: AccountId, *, before: HistoryPlace | None, limit: int) -> Select[Any]:
    """The statement of `uses_of`, for whoever wants to see how it is run."""
    query = (
        select(_c.type, _c.at_ms, _c.client_id, _c.facts, _c.writer, _c.seq)
        # word for word as the index says it, or it is not used
        .where(_c.account_id == account_id, text(IS_USE_OF_KEY))
        .order_by(_c.at_ms.desc(), _c.writer.desc(), _c.seq.desc())
        .limit(limit)
    )
    if before is None:
        return query
    return query.where(
        _c.at_ms <= before.at_ms,
        tuple_(_c.at_ms, _c.writer, _c.seq) < (before.at_ms, before.writer, before.seq),
    )


def is_use_of(connection: Connection, account_id: AccountId, *, writer: str, seq: int) -> bool:
    """Whether a row tells of the use of a key of that account."""
    found = connection.execute(
        select(_c.account_id).where(_c.writer == writer, _c.seq == seq, text(IS_USE_OF_KEY))
    ).first()
    return found is not None and found.account_id == account_id
