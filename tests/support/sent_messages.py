"""What was left in the outbox for people, opened: as a gateway gets it.

What lives here: `messages_of` and `notices_of`.  Not here: sending any of it.
"""

from __future__ import annotations

import json
from typing import Any

from sqlalchemy import select

from idp.accounts.messages import SEND_MESSAGE, Message, open_message
from idp.accounts.notices import SEND_NOTICE
from idp.ids import AccountId
from idp.storage.accounts import find_row
from idp.storage.database import Database
from idp.storage.outbox import outbox
from keystore.sealing import Sealer


def messages_of(database: Database, sealer: Sealer) -> list[Message]:
    """Every message that was queued, oldest first."""
    found = []
    for payload in _payloads(database, SEND_MESSAGE):
        data_key = None
        if payload.get("account_id"):
            with database.read() as connection:
                row = find_row(connection, AccountId(payload["account_id"]))
            data_key = None if row is None else row.data_key
        found.append(open_message(payload, sealer=sealer, data_key=data_key))
    return sorted(found, key=lambda one: (one.expires_at, one.message_id))


def notices_of(database: Database) -> list[str]:
    """The kinds of notices that wait."""
    return sorted(str(payload["notice"]) for payload in _payloads(database, SEND_NOTICE))


def _payloads(database: Database, kind: str) -> list[dict[str, Any]]:
    with database.read() as connection:
        rows = connection.execute(select(outbox.c.payload).where(outbox.c.kind == kind))
        return [json.loads(row.payload) for row in rows]
