"""Signing requests: made by a portal, looked at, refused, withdrawn, run out of time.

What lives here: `SigningRequests`.  A request is made once however often it is sent; its documents
are at rest before anybody learns its id.  Every change of its state is a row of the log, in the
same transaction.
Source: architecture, J3; Decree 30/2020/ND-CP (order of person and seal).
Not here: who asks and over which door (`signing/web`), confirming and signing (`authorize`,
`sign`).
"""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from datetime import datetime
from typing import Final

from keystore.log.events import Event, EventType, Fact
from keystore.log.record import LogWriter
from keystore.sealing import Sealer
from keystore.storage import DatabaseLike, Transaction, lock_until_commit
from signing.blobs import DocumentStore
from signing.ending import end_parts
from signing.errors import (
    DocumentRefused,
    IdempotencyKeyReused,
    RequestNotWaiting,
    RequestRefused,
    RequestUnknown,
    SignerUnknown,
)
from signing.fitting import check_for_format
from signing.formats.mime_types import base_type
from signing.made_once import Idempotency, Made, as_made
from signing.model import (
    Document,
    DocumentKind,
    DocumentText,
    RequestId,
    RequestState,
    RequestText,
    SigningRequest,
    Slot,
    SlotState,
    StoredBlob,
)
from signing.new_request import NewDocument, NewRequest, check_bounds, choose_formats
from signing.ports import Deferred, LooksAt, Seen, Signer, Signers
from signing.room import Room
from signing.storage.idempotency import MadeBefore, find_made, insert_made
from signing.storage.request_reading import find_request
from signing.storage.request_tables import KEPT_AFTER_END
from signing.storage.requests import (
    insert_request,
    lock_request,
    move_request,
    move_slot,
    read_overdue,
    read_progress,
    read_state,
    read_waiting_for,
)
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
        self._signers = signers
        self._deferred = deferred
        self._look = look
        self._largest_bytes = largest_bytes
        self._room = room or Room()

    def create(
        self,
        new: NewRequest,
        *,
        client_id: str,
        idempotency: Idempotency | None = None,
        now: datetime,
    ) -> Made:
        """Take a request; what was sent under the same key before is answered as it was then.

        1. Key and body are new, or both are those of a request that was made.
        2. Everything that is said about it is within bounds.
        3. Every signer is somebody whom this portal may ask, and not drowned in requests of it.
        4. Every document is recognised and may be signed as asked.
        5. The documents are at rest; request, key and log row are committed together.

        Raises  IdempotencyKeyReused, RequestRefused, SignerUnknown, DocumentRefused (its `part`
                says which), ParsingFailed.
        """
        # 1
        replayed = None if idempotency is None else self._replay(idempotency, client_id, now)
        if replayed is not None:
            return Made(as_made(replayed), is_replay=True)
        # 2
        check_bounds(new, largest_bytes=self._largest_bytes)
        self._room.check_open(self._database, new, client_id=client_id)
        # 3
        slots = self._slots(new, client_id=client_id, now=now)
        self._room.check_waiting(self._database, slots, client_id=client_id, now=now)
        # 4
        seen = [self._see(one, at, client_id=client_id) for at, one in enumerate(new.documents)]
        # 5
        expires_at = now + new.lifetime
        documents, stored = self._write(new, seen, kept_until=expires_at + KEPT_AFTER_END)
        request = SigningRequest(
            request_id=RequestId(f"sig_{secrets.token_hex(16)}"),
            client_id=client_id,
            state=RequestState.WAITING,
            level=new.level,
            created_at=now,
            expires_at=expires_at,
            window=new.window,
            return_uri=new.return_uri,
            webhook_uri=new.webhook_uri,
            text=_text(new),
            documents=documents,
            slots=slots,
        )
        return self._commit(request, stored, idempotency=idempotency, now=now)

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

    def _replay(
        self, idempotency: Idempotency, client_id: str, now: datetime
    ) -> SigningRequest | None:
        with self._database.read() as connection:
            made = find_made(
                connection, client_id=client_id, key_sha256=idempotency.key_sha256, now=now
            )
        if made is None:
            return None
        if not secrets.compare_digest(made.body_sha256, idempotency.body_sha256):
            raise IdempotencyKeyReused
        return self.get(made.request_id, client_id=client_id)

    def _slots(self, new: NewRequest, *, client_id: str, now: datetime) -> tuple[Slot, ...]:
        slots = []
        for at, asked in enumerate(new.signers):
            signer = self._signers.find_signer(
                asked.sub,
                client_id=client_id,
                role=asked.role,
                enterprise_code=asked.enterprise_code,
                now=now,
            )
            if signer is None:
                raise SignerUnknown(f"signers[{at}]")
            slots.append(
                Slot(
                    position=at,
                    account_id=signer.account_id,
                    role=signer.role,
                    organisation_id=signer.organisation_id,
                )
            )
        return tuple(slots)

    def _see(self, one: NewDocument, at: int, *, client_id: str) -> Seen:
        if one.content is None:
            return Seen(kind=DocumentKind.DIGEST)
        try:
            return self._look(one.content, media_type=one.media_type, tenant=client_id)
        except DocumentRefused as refusal:
            raise RequestRefused(refusal.reason, part=f"documents[{at}]") from refusal

    def _write(
        self,
        new: NewRequest,
        seen: Sequence[Seen],
        *,
        kept_until: datetime,
    ) -> tuple[tuple[Document, ...], list[StoredBlob]]:
        formats = choose_formats(new, [one.kind for one in seen])
        check_for_format(new, seen, formats)
        documents, stored = [], []
        try:
            for at, (one, looked) in enumerate(zip(new.documents, seen, strict=True)):
                blob = None
                if one.content is not None:
                    blob = self._documents.write(one.content, expires_at=kept_until)
                    stored.append(blob)
                documents.append(
                    Document(
                        position=at,
                        kind=looked.kind,
                        format=formats[at],
                        size_bytes=one.size_bytes,
                        hash_name=one.hash_name,
                        digest=one.computed_digest(),
                        pages=looked.pages,
                        original_id=None if blob is None else blob.blob_id,
                    )
                )
        except BaseException:
            self._documents.forget_files([one.blob_id for one in stored])
            raise
        return tuple(documents), stored

    def _commit(
        self,
        request: SigningRequest,
        stored: Sequence[StoredBlob],
        *,
        idempotency: Idempotency | None,
        now: datetime,
    ) -> Made:
        with self._database.transaction() as tx:
            before = self._claim(tx, request, idempotency=idempotency, now=now)
            if before is None:
                self._documents.keep(tx, stored)
                insert_request(tx, request, sealer=self._sealer)
                self._record(tx, EventType.REQUEST_CREATED, request, now=now)
                return Made(request, is_replay=False)
        # the same key was sent twice at once, and the other one was first
        self._documents.forget_files([one.blob_id for one in stored])
        if idempotency is None or before.body_sha256 != idempotency.body_sha256:
            raise IdempotencyKeyReused
        found = self.get(before.request_id, client_id=request.client_id)
        return Made(as_made(found), is_replay=True)

    def _claim(
        self,
        tx: Transaction,
        request: SigningRequest,
        *,
        idempotency: Idempotency | None,
        now: datetime,
    ) -> MadeBefore | None:
        """Take the key for this request; what was made under it before, if anything was."""
        if idempotency is None:
            return None
        client_id, key = request.client_id, idempotency.key_sha256
        lock_until_commit(tx, name=f"signing:{client_id}:{key.hex()}")
        before = find_made(tx.connection, client_id=client_id, key_sha256=key, now=now)
        if before is None:
            made = MadeBefore(idempotency.body_sha256, request.request_id)
            insert_made(tx, made, client_id=client_id, key_sha256=key, now=now)
        return before

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


def _text(new: NewRequest) -> RequestText:
    return RequestText(
        title=new.title,
        documents=tuple(DocumentText(one.name, base_type(one.media_type)) for one in new.documents),
        reason=new.reason,
        location=new.location,
        appearance=new.appearance,
    )
