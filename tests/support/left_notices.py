"""The notices that acts left in the outbox, read as the worker reads them.

What lives here: `left_notices`.
"""

from __future__ import annotations

import json
from typing import Any

from idp.accounts.notices import SEND_NOTICE, Notice, open_along
from idp.storage.accounts import find_row
from idp.storage.database import Database
from idp.storage.outbox import outbox
from keystore.sealing import Sealer


def left_notices(
    database: Database, sealer: Sealer, account_id: str | None = None
) -> list[tuple[Notice, dict[str, str]]]:
    """What waits to be told, oldest first, with the facts that go along.

    Takes   account_id: to this person alone.
    """
    found: list[tuple[Notice, dict[str, str]]] = []
    with database.read() as connection:
        rows: list[Any] = list(
            connection.execute(
                outbox.select()
                .where(outbox.c.kind == SEND_NOTICE)
                .order_by(outbox.c.created_ms, outbox.c.outbox_id)
            )
        )
        for row in rows:
            payload = json.loads(row.payload)
            holder = find_row(connection, payload["account_id"])
            assert holder is not None
            if account_id in {None, holder.account_id}:
                along = open_along(payload, sealer=sealer, data_key=holder.data_key)
                found.append((Notice(payload["notice"]), along.facts))
    return found
