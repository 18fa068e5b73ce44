"""Whether something is on record, for whoever decides by it.

What lives here: finding one event of an account by its type, and by facts where those matter.
**What it does not prove**: that the row is genuine.  Whoever owns the database can put one there;
then it stands in the log, where the person sees it and `antin log verify` names it.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from types import MappingProxyType
from typing import Any

import msgspec
from sqlalchemy import Connection, Select, select, text

from keystore.clock import from_ms
from keystore.log.events import EventType
from keystore.log.record import log_event
from keystore.log.row_kinds import IS_SELDOM, OFTEN


def find_on_record(
    connection: Connection,
    event_type: EventType,
    *,
    account_id: str,
    facts: Mapping[str, str | bool] = MappingProxyType({}),
) -> datetime | None:
    """When the newest such event happened; None when there is none.

    Takes   facts: what has to be said with it, all of it.
    """
    for row in connection.execute(on_record_query(event_type, account_id=account_id)):
        said = msgspec.json.decode(row.facts)
        if all(said.get(name) == value for name, value in facts.items()):
            return from_ms(row.at_ms)
    return None


def on_record_query(event_type: EventType, *, account_id: str) -> Select[Any]:
    """The statement of `find_on_record`, for whoever wants to see how it is run."""
    query = (
        select(log_event.c.at_ms, log_event.c.facts)
        .where(log_event.c.account_id == account_id, log_event.c.type == event_type.value)
        .order_by(log_event.c.at_ms.desc())
    )
    # word for word as the index says it, or it is not used
    return query if event_type in OFTEN else query.where(text(IS_SELDOM))
