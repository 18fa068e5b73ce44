"""Letting a portal be told that something happened to its request.

What lives here: the row of deferred work, written in the transaction of whatever happened.
Not here: what is said, and how it is sent (the provider).
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final

from keystore.storage import Transaction
from signing.ports import Deferred

SEND_WEBHOOK: Final = "signing_webhook"
"""The kind of deferred work."""
_TRIED_FOR: Final = timedelta(days=3)


def tell_portal(
    tx: Transaction,
    deferred: Deferred,
    *,
    request_id: str,
    client_id: str,
    webhook_uri: str,
    now: datetime,
) -> None:
    """Let a portal be told that something happened to its request, where it wants to be."""
    if webhook_uri:
        deferred.add(
            tx,
            SEND_WEBHOOK,
            {"request_id": request_id},
            now=now,
            expires=now + _TRIED_FOR,
            lane=f"webhook:{client_id}",
        )
