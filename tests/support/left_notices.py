"""The notices that acts left in the outbox, read as the worker reads them.

What lives here: `left_notices` and `left_destinations`.
"""

from __future__ import annotations

import json
from typing import Any

from idp.accounts.channels import Destination
from idp.accounts.notices import SEND_NOTICE, Along, Notice, open_along
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
    return [
        (notice, along.facts)
        for notice, holder, along in _left(database, sealer)
        if account_id in {None, holder}
    ]


def left_destinations(
    database: Database, sealer: Sealer
) -> list[tuple[Notice, tuple[Destination, ...]]]:
    """Who is told beside the verified channels of the account, oldest first."""
    return [
        (notice, tuple(Destination(channel, address) for channel, address in along.also_to))
        for notice, _holder, along in _left(database, sealer)
    ]


def _left(database: Database, sealer: Sealer) -> list[tuple[Notice, str, Along]]:
    found: list[tuple[Notice, str, Along]] = []
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
            along = open_along(payload, sealer=sealer, data_key=holder.data_key)
            found.append((Notice(payload["notice"]), holder.account_id, along))
    return found
