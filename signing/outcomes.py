"""What becomes of a request that was confirmed: signed is told elsewhere, everything else is here.

What lives here: `Outcomes`: a request that waits for its signer again, one that has failed, and the
rows of the log about either; each is one transaction.
Not here: when that is so (`signing/confirm`, `signing/sign`).
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from keystore.log.events import Event, EventType, Fact
from keystore.log.record import LogWriter
from keystore.storage import DatabaseLike, Transaction
from signing.blobs import DocumentStore
from signing.ending import end_parts
from signing.model import RequestState, SigningRequest, Slot, SlotState
from signing.ports import Signer, Signers
from signing.requests import SigningRequests
from signing.storage.preparations import undo_taken
from signing.storage.request_tables import KEPT_AFTER_END
from signing.storage.requests import (
    is_turn_confirmed,
    lock_request,
    move_request,
    move_slot,
)


@dataclass(frozen=True, slots=True)
class Finished:
    """What became of a confirmation: the state in which it leaves the request."""

    state: RequestState
    reason: str = ""


class Outcomes:
    """Safe to share between threads."""

    def __init__(
        self,
        database: DatabaseLike,
        *,
        log: LogWriter,
        documents: DocumentStore,
        requests: SigningRequests,
        signers: Signers,
    ) -> None:
        self._database = database
        self._log = log
        self._documents = documents
        self._requests = requests
        self._signers = signers

    def wait_again(
        self,
        request: SigningRequest,
        slot: Slot,
        *,
        challenge: bytes | None,
        reason: str,
        now: datetime,
    ) -> bool:
        """Forget a confirmation; whoever wants to sign confirms again.

        Whether it was there: nothing happens to another, nor to one whose signatures are kept.
        Takes   challenge: of that confirmation; None for one of which nothing is left.
        """
        with self._database.transaction() as tx:
            lock_request(tx, request.request_id)
            was_there, prepared = undo_taken(
                tx, request.request_id, slot.position, challenge=challenge
            )
            if not was_there:
                return False
            if prepared is not None:
                self._documents.drop(tx, [prepared])
            move_slot(
                tx,
                request.request_id,
                slot.position,
                expected=SlotState.CONFIRMED,
                to=SlotState.WAITING,
                now=now,
            )
            is_moved = move_request(
                tx,
                request.request_id,
                expected=[RequestState.CONFIRMED],
                to=RequestState.WAITING,
                now=now,
                reason=reason,
                purge_at=request.expires_at + KEPT_AFTER_END,
            )
            if is_moved:
                signer = self.signer_of(slot)
                self.record(
                    tx, EventType.REQUEST_INTERRUPTED, request, signer=signer, now=now, why=reason
                )
                self._requests.announce(tx, request, now=now)
            return is_moved

    def fail(self, request: SigningRequest, slot: Slot, *, reason: str, now: datetime) -> Finished:
        """End a request that can never be signed as it was confirmed.

        Nothing happens to a turn that is over, nor to whoever confirms after it.
        """
        with self._database.transaction() as tx:
            lock_request(tx, request.request_id)
            is_confirmed = is_turn_confirmed(tx.connection, request.request_id, slot.position)
            if is_confirmed and move_request(
                tx,
                request.request_id,
                expected=[RequestState.CONFIRMED],
                to=RequestState.FAILED,
                now=now,
                reason=reason,
            ):
                end_parts(tx, request.request_id, documents=self._documents, now=now)
                signer = self.signer_of(slot)
                self.record(
                    tx, EventType.REQUEST_FAILED, request, signer=signer, now=now, why=reason
                )
                self._requests.announce(tx, request, now=now)
                return Finished(RequestState.FAILED, reason)
        # somebody else was first; it is as they left it
        found = self._requests.get(request.request_id)
        return Finished(found.state, found.reason)

    def signer_of(self, slot: Slot) -> Signer:
        """Whose turn that is, from what was stored."""
        return self._signers.get_signer(
            slot.account_id, role=slot.role, organisation_id=slot.organisation_id
        )

    def record(
        self,
        tx: Transaction,
        kind: EventType,
        request: SigningRequest,
        *,
        signer: Signer,
        now: datetime,
        why: str = "",
    ) -> None:
        """A row of the log, in the transaction of the act."""
        facts: dict[str, Fact] = {
            "request_id": request.request_id,
            "count": len(request.documents),
            "role": signer.role,
        }
        if signer.organisation_id is not None:
            facts["organisation"] = signer.organisation_id
        if why:
            facts["reason"] = why
        event = Event(kind, account_id=signer.account_id, client_id=request.client_id, facts=facts)
        self._log.record(tx, event, data_key=signer.data_key, now=now)
