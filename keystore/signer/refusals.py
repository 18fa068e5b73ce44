"""What is recorded of refusals: enough to see an attack, never enough to drown the log.

What lives here: a budget per key and minute, and the row.  Whoever can reach the signer can be
refused as often as they like; what goes beyond the budget is counted, and the next row says how
many were not written.  Source: architecture, "State" (refused sign-ins are counted aggregates).
"""

from __future__ import annotations

import threading
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from keystore.log.events import Event, EventType, Fact
from keystore.log.record import LogWriter
from keystore.signer.activation import SignatureActivation
from keystore.signer.errors import SignerError
from keystore.signer.records import find_recipient
from keystore.signer.storage import find_personal_key
from keystore.storage import DatabaseLike

_WINDOW: Final = timedelta(minutes=1)
_ROWS_PER_WINDOW: Final = 10
_MOST_KEYS: Final = 10_000


@dataclass(slots=True)
class _Counted:
    since: datetime
    rows: int = 0
    unwritten: int = 0


class RefusalLog:
    """Records refusals; safe for any number of threads."""

    def __init__(self, database: DatabaseLike, *, log: LogWriter) -> None:
        self._database = database
        self._log = log
        self._lock = threading.Lock()
        self._counted: dict[str, _Counted] = {}

    def record(self, activation: SignatureActivation, refusal: SignerError, now: datetime) -> None:
        """Write one refusal, if it concerns a key that there is and the budget allows.

        A refusal that names no key of ours concerns nobody and leaves no row.
        """
        with self._database.read() as connection:
            key = find_personal_key(connection, activation.key_id)
        if key is None:
            return
        unwritten = self._take(key.key_id, now=now)
        if unwritten is None:
            return
        facts: dict[str, Fact] = {"key_id": key.key_id, "code": refusal.code}
        if refusal.reason:
            facts["reason"] = refusal.reason
        if unwritten:
            facts["unwritten"] = unwritten
        event = Event(EventType.ACTIVATION_REFUSED, account_id=key.account_id, facts=facts)
        with self._database.transaction() as transaction:
            self._log.record(transaction, event, data_key=find_recipient(key), now=now)

    def _take(self, key_id: str, *, now: datetime) -> int | None:
        with self._lock:
            if len(self._counted) >= _MOST_KEYS:
                self._counted.clear()
            counted = self._counted.setdefault(key_id, _Counted(now))
            if abs(now - counted.since) >= _WINDOW:
                counted.since, counted.rows = now, 0
            if counted.rows >= _ROWS_PER_WINDOW:
                counted.unwritten += 1
                return None
            counted.rows += 1
            unwritten, counted.unwritten = counted.unwritten, 0
            return unwritten
