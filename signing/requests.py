"""Signing requests: made by a portal, looked at, refused, withdrawn, run out of time.

What lives here: `SigningRequests`.  A request is made once however often it is sent; its documents
are at rest before anybody learns its id.  Every change of its state is a row of the log, in the
same transaction.
Source: architecture, J3; Decree 30/2020/ND-CP (order of person and seal).
Not here: making them (`signing/making.py`), who asks and over which door (`signing/web`),
confirming and signing (`authorize`, `sign`).
"""

from __future__ import annotations

from datetime import datetime
from typing import Final

from keystore.log.events import Event, EventType, Fact
from keystore.log.record import LogWriter
from keystore.sealing import Sealer
from keystore.storage import DatabaseLike, Transaction
from signing.blobs import DocumentStore
from signing.ending import end_parts
from signing.errors import (
    DocumentGone,
    NotSigned,
    RequestNotWaiting,
    RequestUnknown,
)
from signing.made_once import Idempotency, Made
from signing.making import RequestMaker
from signing.model import (
    MOST_DOCUMENTS,
    RequestId,
    RequestState,
    Room,
    SignedDocument,
    SigningRequest,
    SlotState,
)
from signing.new_request import NewRequest
from signing.ports import Deferred, LooksAt, Signer, Signers
from signing.room import RoomKeeper
from signing.storage.request_reading import find_request
from signing.storage.requests import (
    lock_request,
    move_request,
    move_slot,
    read_overdue,
    read_progress,
    read_state,
    read_waiting_for,
)
from signing.storage.results import find_result
from signing.telling import tell_portal

_AT_ONCE: Final = 500


class SigningRequests:
    """The requests of one deployment; safe to share between threads.

    Takes   look: recognises documents; largest_bytes: of one document; room: of one portal.
    """

    def __init__(
        self,
        database: DatabaseLike,
        *,
        sealer: Sealer,
        log: LogWriter,
        documents: DocumentStore,
        signers: Signers,
        deferred: Deferred,
        look: LooksAt,
        largest_bytes: int,
        room: Room | None = None,
    ) -> None:
        self._database = database
        self._sealer = sealer
        self._log = log
        self._documents = documents
        self._deferred = deferred
        self._maker = RequestMaker(
            database,
            sealer=sealer,
            log=log,
            documents=documents,
            signers=signers,
            look=look,
            largest_bytes=largest_bytes,
            room=RoomKeeper(database, room or Room()),
        )

    def create(
        self,
        new: NewRequest,
        *,
        client_id: str,
        idempotency: Idempotency | None = None,
        now: datetime,
    ) -> Made:
        """Take a request; what was sent under the same key before is answered as it was then.

        See `RequestMaker.create`.
        """
        return self._maker.create(new, client_id=client_id, idempotency=idempotency, now=now)

    def find_signed(
        self, request_id: str, position: int, *, client_id: str, now: datetime
    ) -> SignedDocument:
        """A signed document of that portal, or the signature beside it.

        Takes   position: among the documents of the request, as somebody says.
        Raises  RequestUnknown: there is none, or it is another portal's; NotSigned; DocumentGone.
        """
        found = None
        if 0 <= position < MOST_DOCUMENTS:
            with self._database.read() as connection:
                found = find_result(connection, request_id, position, sealer=self._sealer)
        if found is None or found.client_id != client_id or found.format is None:
            raise RequestUnknown
        if found.state is not RequestState.SIGNED or found.result is None:
            is_late = found.state is RequestState.WAITING and now >= found.expires_at
            raise NotSigned(RequestState.EXPIRED if is_late else found.state)
        if found.stored is None:
            raise DocumentGone
        return SignedDocument(found.name, found.format, found.result, found.stored)

    def get(self, request_id: str, *, client_id: str | None = None) -> SigningRequest:
        """A request.

        Takes   client_id: of the portal that asks; None for the pages of its signers, who are
                looked at by the caller.
        Raises  RequestUnknown: there is none, or it is another portal's.
        """
        with self._database.read() as connection:
            found = find_request(connection, request_id, sealer=self._sealer)
        if found is None or (client_id is not None and found.client_id != client_id):
            raise RequestUnknown
        return found

    def stands(self, request_id: str, *, now: datetime) -> tuple[RequestState, int]:
        """As what a request counts now, and how many have signed: what changes while one waits.

        Raises  RequestUnknown.
        """
        with self._database.read() as connection:
            found = read_progress(connection, request_id, now=now)
        if found is None:
            raise RequestUnknown
        return found

    def waiting_for(self, account_id: str, *, now: datetime) -> tuple[RequestId, ...]:
        """What waits for that person, the newest first."""
        with self._database.read() as connection:
            return read_waiting_for(connection, account_id, now=now)

    def refuse(
        self, request: SigningRequest, *, signer: Signer, reason: str = "", now: datetime
    ) -> None:
        """The one whose turn it is does not sign; nobody after her is asked.

        Raises  RequestNotWaiting.
        """
        slot = request.current_slot
        if slot is None or slot.account_id != signer.account_id:
            raise RequestNotWaiting(request.state_at(now))
        with self._database.transaction() as tx:
            lock_request(tx, request.request_id)
            if not move_slot(
                tx,
                request.request_id,
                slot.position,
                expected=SlotState.WAITING,
                to=SlotState.REFUSED,
                now=now,
            ):
                raise self._not_waiting(tx, request, now=now)
            self._end(tx, request, to=RequestState.REFUSED, reason=reason, now=now, signer=signer)

    def withdraw(self, request: SigningRequest, *, now: datetime) -> None:
        """The portal no longer wants it.

        Raises  RequestNotWaiting.
        """
        with self._database.transaction() as tx:
            lock_request(tx, request.request_id)
            self._end(tx, request, to=RequestState.FAILED, reason="withdrawn", now=now)

    def expire(self, now: datetime) -> int:
        """Note that the time of requests is up; a periodic duty.  Returns of how many.

        One that cannot be read does not keep the others waiting, and is told at the end.
        Raises  the first failure.
        """
        expired = 0
        failures: dict[str, Exception] = {}
        while True:
            with self._database.read() as connection:
                overdue = read_overdue(connection, now=now, limit=_AT_ONCE + len(failures))
            left = [one for one in overdue if one not in failures]
            if not left:
                break
            for request_id in left:
                try:
                    request = self.get(request_id)
                    with self._database.transaction() as tx:
                        lock_request(tx, request_id)
                        self._end(tx, request, to=RequestState.EXPIRED, reason="", now=now)
                except (RequestNotWaiting, RequestUnknown):
                    continue  # somebody confirmed or refused in the last instant
                except Exception as failure:  # noqa: BLE001 - whatever it is, the others come first
                    failures[request_id] = failure
                else:
                    expired += 1
        for first in failures.values():
            raise first
        return expired

    def _end(
        self,
        tx: Transaction,
        request: SigningRequest,
        *,
        to: RequestState,
        reason: str,
        now: datetime,
        signer: Signer | None = None,
    ) -> None:
        is_moved = request.state_at(now) is RequestState.WAITING or to is RequestState.EXPIRED
        if not is_moved or not move_request(
            tx,
            request.request_id,
            expected=[RequestState.WAITING],
            to=to,
            now=now,
            reason=reason,
        ):
            raise self._not_waiting(tx, request, now=now)
        end_parts(tx, request.request_id, documents=self._documents, now=now)
        self._record(tx, _ENDS[to], request, now=now, signer=signer, reason=reason)
        self.announce(tx, request, now=now)

    def _not_waiting(
        self, tx: Transaction, request: SigningRequest, *, now: datetime
    ) -> RequestNotWaiting:
        """The refusal, with the state of this moment: another may have been first."""
        state = read_state(tx.connection, request.request_id, now=now)
        return RequestNotWaiting(state or request.state_at(now))

    def announce(self, tx: Transaction, request: SigningRequest, *, now: datetime) -> None:
        """Let the portal be told that something happened, where it wants to be."""
        tell_portal(
            tx,
            self._deferred,
            request_id=request.request_id,
            client_id=request.client_id,
            webhook_uri=request.webhook_uri,
            now=now,
        )

    def _record(
        self,
        tx: Transaction,
        kind: EventType,
        request: SigningRequest,
        *,
        now: datetime,
        signer: Signer | None = None,
        reason: str = "",
    ) -> None:
        facts: dict[str, Fact] = {
            "request_id": request.request_id,
            "count": len(request.documents),
            "level": request.level,
        }
        if reason:
            facts["reason"] = reason
        event = Event(
            kind,
            account_id=None if signer is None else signer.account_id,
            client_id=request.client_id,
            facts=facts,
        )
        data_key = None if signer is None else signer.data_key
        self._log.record(tx, event, data_key=data_key, now=now)


_ENDS: Final = {
    RequestState.REFUSED: EventType.REQUEST_REFUSED,
    RequestState.EXPIRED: EventType.REQUEST_EXPIRED,
    RequestState.FAILED: EventType.REQUEST_FAILED,
}
