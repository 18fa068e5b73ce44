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
from signing.model import RequestState, Role, SigningRequest, Slot, SlotState
from signing.ports import Signer, Signers
from signing.requests import SigningRequests
from signing.storage.preparations import delete_preparation
from signing.storage.requests import KEPT_AFTER_END, move_request, move_slot


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
        self, request: SigningRequest, slot: Slot, *, reason: str, now: datetime
    ) -> None:
        """Forget a confirmation; whoever wants to sign confirms again."""
        with self._database.transaction() as tx:
            prepared = delete_preparation(tx, request.request_id, slot.position)
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
            if move_request(
                tx,
                request.request_id,
                expected=[RequestState.CONFIRMED],
                to=RequestState.WAITING,
                now=now,
                reason=reason,
                purge_at=request.expires_at + KEPT_AFTER_END,
            ):
                signer = self.signer_of(slot)
                self.record(
                    tx, EventType.REQUEST_INTERRUPTED, request, signer=signer, now=now, why=reason
                )

    def fail(self, request: SigningRequest, slot: Slot, *, reason: str, now: datetime) -> Finished:
        """End a request that can never be signed as it was confirmed."""
        with self._database.transaction() as tx:
            if move_request(
                tx,
                request.request_id,
                expected=[RequestState.CONFIRMED],
                to=RequestState.FAILED,
                now=now,
                reason=reason,
            ):
                prepared = delete_preparation(tx, request.request_id, slot.position)
                if prepared is not None:
                    self._documents.drop(tx, [prepared])
                signer = self.signer_of(slot)
                self.record(
                    tx, EventType.REQUEST_FAILED, request, signer=signer, now=now, why=reason
                )
                self._requests.announce(tx, request, now=now)
        return Finished(RequestState.FAILED, reason)

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
        if signer.role is Role.SEAL and signer.organisation_id is not None:
            facts["organisation"] = signer.organisation_id
        if why:
            facts["reason"] = why
        event = Event(kind, account_id=signer.account_id, client_id=request.client_id, facts=facts)
        self._log.record(tx, event, data_key=signer.data_key, now=now)
