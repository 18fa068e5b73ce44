"""What a use case calls to leave work for later.

What lives here: the write into the act's own transaction, and the wake-up once that transaction
is durable.  A wake-up that is lost costs a second, never the work.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Any

from idp.storage import outbox
from idp.storage.database import Transaction
from idp.storage.outbox import OutboxId


class Outbox:
    """Takes   wake: told the ids of rows that became durable; it never raises (`Clock.wake`)."""

    def __init__(self, wake: Callable[[Sequence[OutboxId]], None]) -> None:
        self._wake = wake

    def add(
        self,
        tx: Transaction,
        kind: str,
        payload: Mapping[str, Any],
        *,
        now: datetime,
        expires: datetime,
        due: datetime | None = None,
        lane: str = "",
        outbox_id: OutboxId | None = None,
    ) -> OutboxId:
        """Write a duty into the transaction of the act; see `idp.storage.outbox.add`."""
        added = outbox.add(
            tx, kind, payload, now=now, expires=expires, due=due, lane=lane, outbox_id=outbox_id
        )
        if due is None or due <= now:
            tx.on_commit(lambda: self._wake((added,)))
        return added
