"""Whether something is on record, for whoever decides by it.

What lives here: finding one event of an account by its type, and by one fact where that matters.
**What it does not prove**: that the row is genuine.  Whoever owns the database can put one there;
then it stands in the log, where the person sees it and `antin log verify` names it.
"""

from __future__ import annotations

from datetime import datetime

import msgspec
from sqlalchemy import Connection, select

from keystore.clock import from_ms
from keystore.log.events import EventType
from keystore.log.record import log_event


def find_on_record(
    connection: Connection,
    event_type: EventType,
    *,
    account_id: str,
    fact: str = "",
    value: str = "",
) -> datetime | None:
    """When the newest such event happened; None when there is none.

    Takes   fact, value: what has to be said with it; without a fact any event of the type counts.
    """
    rows = connection.execute(
        select(log_event.c.at_ms, log_event.c.facts)
        .where(log_event.c.account_id == account_id, log_event.c.type == event_type.value)
        .order_by(log_event.c.at_ms.desc())
    )
    for row in rows:
        if not fact or msgspec.json.decode(row.facts).get(fact) == value:
            return from_ms(row.at_ms)
    return None
