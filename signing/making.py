"""Making signing requests: what a portal asks for becomes a request that waits.

What lives here: `RequestMaker`.  A request is made once however often it is sent; its documents are
at rest before anybody learns its id; who has no room is refused, however many come at once.
Source: architecture, J3; draft-ietf-httpapi-idempotency-key-header §2.
Not here: what becomes of it (`signing/requests.py`), how much room there is (`signing/room.py`).
"""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from datetime import datetime

from keystore.log.events import Event, EventType, Fact
from keystore.log.record import LogWriter
from keystore.sealing import Sealer
from keystore.storage import DatabaseLike, Transaction
from signing.blobs import DocumentStore
from signing.errors import (
    DocumentRefused,
    IdempotencyKeyReused,
    RequestRefused,
    RequestUnknown,
    SignerUnknown,
    SigningError,
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
    StoredBlob,
)
from signing.new_request import NewDocument, NewRequest, check_bounds, choose_formats
from signing.ports import LooksAt, Seen, Signers
from signing.room import RoomKeeper
from signing.storage.idempotency import MadeBefore, claim_key, find_made
from signing.storage.new_requests import insert_alone, insert_beside_others
from signing.storage.request_reading import find_request
from signing.storage.request_tables import KEPT_AFTER_END
from signing.storage.room import count_room, hold_room


class _NoRoomBesideOthers(Exception):
    """Those under way could fill the room."""


class RequestMaker:
    """Takes what portals ask for; safe to share between threads.

    Takes   look: recognises documents; largest_bytes: of one document.
    """

    def __init__(
        self,
        database: DatabaseLike,
        *,
        sealer: Sealer,
        log: LogWriter,
        documents: DocumentStore,
        signers: Signers,
        look: LooksAt,
        largest_bytes: int,
        room: RoomKeeper,
    ) -> None:
        self._database = database
        self._sealer = sealer
        self._log = log
        self._documents = documents
        self._signers = signers
        self._look = look
        self._largest_bytes = largest_bytes
        self._room = room

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
        3. Every signer is somebody whom this portal may ask.
        4. Every document is recognised and may be signed as asked.
        5. The documents are at rest; there is room, for the portal and with every signer; request,
           key and log row are committed together.

        Raises  IdempotencyKeyReused, RequestRefused, SignerUnknown, DocumentRefused (its `part`
                says which), ParsingFailed.
        """
        # 1
        replayed = None if idempotency is None else self._replay(idempotency, client_id, now)
        if replayed is not None:
            return Made(as_made(replayed), is_replay=True)
        # 2
        check_bounds(new, largest_bytes=self._largest_bytes)
        # 3
        slots = self._slots(new, client_id=client_id, now=now)
        size = sum(one.size_bytes for one in new.documents)
        self._room.check_early(slots, size_bytes=size, client_id=client_id, now=now)
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
        try:
            before = self._commit(request, stored, idempotency=idempotency, now=now)
        except SigningError:
            # whatever else it was, the request may be there: a sweep finds out whose files are not
            self._forget(stored)
            raise
        if before is None:
            return Made(request, is_replay=False)
        # the same key was sent twice at once, and the other one was first
        self._forget(stored)
        return Made(as_made(self._made_before(before, idempotency, client_id)), is_replay=True)

    def _replay(
        self, idempotency: Idempotency, client_id: str, now: datetime
    ) -> SigningRequest | None:
        key = idempotency.key_sha256
        with self._database.read() as connection:
            made = find_made(connection, client_id=client_id, key_sha256=key, now=now)
        return None if made is None else self._made_before(made, idempotency, client_id)

    def _made_before(
        self, made: MadeBefore, idempotency: Idempotency | None, client_id: str
    ) -> SigningRequest:
        if idempotency is None or not secrets.compare_digest(
            made.body_sha256, idempotency.body_sha256
        ):
            raise IdempotencyKeyReused
        with self._database.read() as connection:
            found = find_request(connection, made.request_id, sealer=self._sealer)
        if found is None or found.client_id != client_id:
            raise RequestUnknown
        return found

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
    ) -> MadeBefore | None:
        """Add the request, beside others or alone; what was made under its key, if anything was.

        Raises  RequestRefused (too_many_open, too_many_waiting).
        """
        size = _size_of(request)
        is_alone = self._room.comes_alone(request.client_id, size_bytes=size, now=now)
        try:
            return self._add(request, stored, idempotency, is_alone=is_alone, now=now)
        except _NoRoomBesideOthers:
            self._room.note_nearly_full(request.client_id, now=now)
            return self._add(request, stored, idempotency, is_alone=True, now=now)

    def _add(
        self,
        request: SigningRequest,
        stored: Sequence[StoredBlob],
        idempotency: Idempotency | None,
        *,
        is_alone: bool,
        now: datetime,
    ) -> MadeBefore | None:
        client_id = request.client_id
        people = [one.account_id for one in request.slots]
        with self._database.transaction() as tx:
            is_alone = hold_room(tx, client_id=client_id, account_ids=people, is_alone=is_alone)
            if idempotency is not None:
                made = MadeBefore(idempotency.body_sha256, request.request_id)
                key = idempotency.key_sha256
                stands = claim_key(tx, made, client_id=client_id, key_sha256=key, now=now)
                if stands.request_id != request.request_id:
                    return stands
            self._insert(tx, request, stored, is_alone=is_alone, now=now)
            facts: dict[str, Fact] = {
                "request_id": request.request_id,
                "count": len(request.documents),
                "level": request.level,
            }
            event = Event(EventType.REQUEST_CREATED, client_id=client_id, facts=facts)
            self._log.record(tx, event, data_key=None, now=now)
        return None

    def _insert(
        self,
        tx: Transaction,
        request: SigningRequest,
        stored: Sequence[StoredBlob],
        *,
        is_alone: bool,
        now: datetime,
    ) -> None:
        if not is_alone and insert_beside_others(
            tx, request, stored, room=self._room.room, sealer=self._sealer
        ):
            return
        client_id, slots = request.client_id, request.slots
        people = frozenset(one.account_id for one in slots)
        counted = count_room(tx.connection, people, client_id=client_id, now=now)
        size = _size_of(request)
        self._room.check(counted, slots, size_bytes=size, client_id=client_id, now=now)
        if not is_alone:
            raise _NoRoomBesideOthers
        insert_alone(tx, request, stored, sealer=self._sealer)

    def _forget(self, stored: Sequence[StoredBlob]) -> None:
        self._documents.forget_files([one.blob_id for one in stored])


def _text(new: NewRequest) -> RequestText:
    return RequestText(
        title=new.title,
        documents=tuple(DocumentText(one.name, base_type(one.media_type)) for one in new.documents),
        reason=new.reason,
        location=new.location,
        appearance=new.appearance,
    )


def _size_of(request: SigningRequest) -> int:
    return sum(one.size_bytes for one in request.documents)
