"""An account that ends: what waits for its signature ends with it, and nothing of it is kept.

What lives here: `EndedAccounts`, called in the transaction that closes or erases an account.  What
others signed with it before stays what it is, and so does the evidence that the law wants kept.
Source: Law 91/2025/QH15 (erasure); Circular 15/2025/TT-BKHCN Art. 5 (evidence).
Not here: the account, its certificates and its keys (the provider).
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Final

from keystore.log.events import Event, EventType
from keystore.log.record import LogWriter
from keystore.sealing import Sealer
from keystore.storage import Transaction
from signing.blobs import DocumentStore
from signing.ending import end_parts
from signing.model import RequestState
from signing.ports import Deferred
from signing.storage.of_account import empty_text, read_open_of
from signing.storage.requests import lock_request, move_request
from signing.telling import tell_portal

REASON: Final = "account_ended"


@dataclass(frozen=True, slots=True)
class EndedAccounts:
    """Safe to share between threads."""

    sealer: Sealer
    log: LogWriter
    documents: DocumentStore
    deferred: Deferred

    def end(self, tx: Transaction, account_id: str, *, now: datetime) -> int:
        """End every request that still wants something of the account; returns how many.

        Takes   account_id: of a person, or of the organisation whose seal is wanted.
        """
        ended = 0
        for one in read_open_of(tx.connection, account_id):
            lock_request(tx, one.request_id)
            if not move_request(
                tx,
                one.request_id,
                expected=[RequestState.WAITING, RequestState.CONFIRMED],
                to=RequestState.FAILED,
                now=now,
                reason=REASON,
            ):
                continue  # it came to another end in this instant
            end_parts(tx, one.request_id, documents=self.documents, now=now)
            empty_text(tx, one, sealer=self.sealer)
            event = Event(
                EventType.REQUEST_FAILED,
                client_id=one.client_id,
                facts={
                    "request_id": one.request_id,
                    "count": one.documents,
                    "reason": REASON,
                },
            )
            self.log.record(tx, event, data_key=None, now=now)
            tell_portal(
                tx,
                self.deferred,
                request_id=one.request_id,
                client_id=one.client_id,
                webhook_uri=one.webhook_uri,
                now=now,
            )
            ended += 1
        return ended
