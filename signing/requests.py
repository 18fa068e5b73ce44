"""Signing requests: made by a portal, looked at, refused, withdrawn, run out of time.

What lives here: `SigningRequests`.  A request is made once however often it is sent; its documents
are at rest before anybody learns its id.  Every change of its state is a row of the log, in the
same transaction.
Source: architecture, J3; Decree 30/2020/ND-CP (order of person and seal).
Not here: who asks and over which door (`signing/web`), confirming and signing (`authorize`,
`sign`).
"""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final

from keystore.log.events import Event, EventType, Fact
from keystore.log.record import LogWriter
from keystore.sealing import Sealer
from keystore.storage import DatabaseLike, Transaction, lock_until_commit
from signing.blobs import DocumentStore
from signing.errors import (
    DocumentRefused,
    IdempotencyKeyReused,
    RequestNotWaiting,
    RequestRefused,
    RequestUnknown,
    SignerUnknown,
)
from signing.formats.material import Level
from signing.isolation.blob import Blob
from signing.model import (
    LONGEST_LIFETIME,
    MOST_DOCUMENTS,
    MOST_SIGNERS,
    USUAL_FORMAT,
    USUAL_LIFETIME,
    USUAL_WINDOW,
    Document,
    DocumentKind,
    DocumentText,
    RequestId,
    RequestState,
    RequestText,
    Role,
    SignatureFormat,
    SigningRequest,
    Slot,
    SlotState,
    StoredBlob,
)
from signing.ports import Deferred, LooksAt, Signer, Signers
from signing.storage.idempotency import MadeBefore, find_made, insert_made
from signing.storage.requests import (
    KEPT_AFTER_END,
    find_request,
    insert_request,
    move_request,
    move_slot,
    read_overdue,
    read_waiting_for,
)

SEND_WEBHOOK: Final = "signing_webhook"
_WEBHOOK_TRIED: Final = timedelta(days=3)
_SHORTEST_LIFETIME: Final = timedelta(minutes=1)
_WINDOWS: Final = (timedelta(seconds=30), timedelta(seconds=300))
_DIGEST_BYTES: Final = {"sha256": 32, "sha384": 48, "sha512": 64}
_LONGEST_NAME: Final = 200
_LONGEST_TEXT: Final = 500

_FITTING: Final = {
    DocumentKind.PDF: frozenset(SignatureFormat) - {SignatureFormat.XADES_ENVELOPED},
    DocumentKind.XML: frozenset(SignatureFormat) - {SignatureFormat.PADES},
    DocumentKind.FILE: frozenset(SignatureFormat)
    - {SignatureFormat.PADES, SignatureFormat.XADES_ENVELOPED},
    DocumentKind.DIGEST: frozenset({SignatureFormat.CADES_DETACHED}),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class NewDocument:
    """A document as a portal hands it over: its content, or only its digest.

    Takes   name: as people read it; media_type: as the portal states it; digest: with `hash_name`,
            where the document stays with its owner; format: None for the usual one of its kind.
    """

    name: str = field(repr=False)
    media_type: str = "application/octet-stream"
    content: Blob | None = None
    digest: bytes | None = field(default=None, repr=False)
    hash_name: str = "sha256"
    format: SignatureFormat | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class NewSigner:
    """Who must sign: `sub` as the portal knows the person; enterprise_code: for whom."""

    sub: str = field(repr=False)
    role: Role = Role.PERSON
    enterprise_code: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class NewRequest:
    """What a portal asks for; `return_uri` and `webhook_uri` were found to be the client's."""

    title: str = field(repr=False)
    documents: Sequence[NewDocument]
    signers: Sequence[NewSigner]
    level: Level = Level.LT
    reason: str = field(default="", repr=False)
    location: str = field(default="", repr=False)
    appearance: bytes = field(default=b"", repr=False)
    return_uri: str = ""
    webhook_uri: str = ""
    lifetime: timedelta = USUAL_LIFETIME
    window: timedelta = USUAL_WINDOW


@dataclass(frozen=True, slots=True)
class Idempotency:
    """Under which key a portal sends a request, and the hash of everything that it sent."""

    key: str = field(repr=False)
    body_sha256: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class Made:
    """A request that was made, now or (`is_replay`) when the same was sent before."""

    request: SigningRequest
    is_replay: bool


class SigningRequests:
    """The requests of one deployment; safe to share between threads.

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
        deferred: Deferred,
        look: LooksAt,
        largest_bytes: int,
    ) -> None:
        self._database = database
        self._sealer = sealer
        self._log = log
        self._documents = documents
        self._signers = signers
        self._deferred = deferred
        self._look = look
        self._largest_bytes = largest_bytes

    def create(
        self,
        new: NewRequest,
        *,
        client_id: str,
        idempotency: Idempotency | None = None,
        now: datetime,
    ) -> Made:
        """Take a request; what was sent under the same key before is answered again.

        1. Key and body are new, or both are those of a request that was made.
        2. Everything that is said about it is within bounds.
        3. Every signer is somebody whom this portal may ask.
        4. Every document is recognised and may be signed as asked.
        5. The documents are at rest; request, key and log row are committed together.

        Raises  IdempotencyKeyReused, RequestRefused, SignerUnknown, DocumentRefused (its `part`
                says which), ParsingFailed.
        """
        # 1
        replayed = None if idempotency is None else self._replay(idempotency, client_id, now)
        if replayed is not None:
            return Made(replayed, is_replay=True)
        # 2
        _check_bounds(new, largest_bytes=self._largest_bytes)
        # 3
        slots = self._slots(new, client_id=client_id, now=now)
        # 4
        kinds = [self._kind(one, at) for at, one in enumerate(new.documents)]
        # 5
        expires_at = now + new.lifetime
        documents, stored = self._write(new, kinds, kept_until=expires_at + KEPT_AFTER_END)
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
            self._end(tx, request, to=RequestState.REFUSED, reason=reason, now=now, signer=signer)
            move_slot(
                tx,
                request.request_id,
                slot.position,
                expected=SlotState.WAITING,
                to=SlotState.REFUSED,
                now=now,
            )

    def withdraw(self, request: SigningRequest, *, now: datetime) -> None:
        """The portal no longer wants it.

        Raises  RequestNotWaiting.
        """
        with self._database.transaction() as tx:
            self._end(tx, request, to=RequestState.FAILED, reason="withdrawn", now=now)

    def expire(self, now: datetime) -> int:
        """Note that the time of requests is up; a periodic duty.  Returns of how many."""
        expired = 0
        while True:
            with self._database.read() as connection:
                overdue = read_overdue(connection, now=now)
            for request_id in overdue:
                try:
                    request = self.get(request_id)
                    with self._database.transaction() as tx:
                        self._end(tx, request, to=RequestState.EXPIRED, reason="", now=now)
                except (RequestNotWaiting, RequestUnknown):
                    continue  # somebody confirmed or refused in the last instant
                expired += 1
            if not overdue:
                return expired

    def _replay(
        self, idempotency: Idempotency, client_id: str, now: datetime
    ) -> SigningRequest | None:
        with self._database.read() as connection:
            made = find_made(
                connection, client_id=client_id, key_sha256=_key_hash(idempotency), now=now
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

    def _kind(self, one: NewDocument, at: int) -> tuple[DocumentKind, int | None]:
        if one.content is None:
            return DocumentKind.DIGEST, None
        try:
            seen = self._look(one.content, media_type=one.media_type)
        except DocumentRefused as refusal:
            raise RequestRefused(refusal.reason, part=f"documents[{at}]") from refusal
        return seen.kind, seen.pages

    def _write(
        self,
        new: NewRequest,
        kinds: Sequence[tuple[DocumentKind, int | None]],
        *,
        kept_until: datetime,
    ) -> tuple[tuple[Document, ...], list[StoredBlob]]:
        formats = _formats(new, [kind for kind, _ in kinds])
        documents, stored = [], []
        try:
            for at, (one, (kind, pages)) in enumerate(zip(new.documents, kinds, strict=True)):
                blob = None
                if one.content is not None:
                    blob = self._documents.write(one.content, expires_at=kept_until)
                    stored.append(blob)
                documents.append(
                    Document(
                        position=at,
                        kind=kind,
                        format=formats[at],
                        size_bytes=0 if one.content is None else one.content.size,
                        hash_name=one.hash_name,
                        digest=_digest(one),
                        pages=pages,
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
        return Made(self.get(before.request_id, client_id=request.client_id), is_replay=True)

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
        client_id, key = request.client_id, _key_hash(idempotency)
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
            raise RequestNotWaiting(request.state_at(now))
        self._record(tx, _ENDS[to], request, now=now, signer=signer, reason=reason)
        self.announce(tx, request, now=now)

    def announce(self, tx: Transaction, request: SigningRequest, *, now: datetime) -> None:
        """Let the portal be told that something happened, where it wants to be."""
        if request.webhook_uri:
            self._deferred.add(
                tx,
                SEND_WEBHOOK,
                {"request_id": request.request_id},
                now=now,
                expires=now + _WEBHOOK_TRIED,
                lane=f"webhook:{request.client_id}",
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


def _check_bounds(new: NewRequest, *, largest_bytes: int) -> None:
    if not 1 <= len(new.documents) <= MOST_DOCUMENTS:
        raise RequestRefused("documents_number", part="documents")
    if not 1 <= len(new.signers) <= MOST_SIGNERS:
        raise RequestRefused("signers_number", part="signers")
    if not new.title.strip() or len(new.title) > _LONGEST_NAME:
        raise RequestRefused("text_length", part="title")
    for part in ("reason", "location"):
        if len(getattr(new, part)) > _LONGEST_TEXT:
            raise RequestRefused("text_length", part=part)
    if not _SHORTEST_LIFETIME <= new.lifetime <= LONGEST_LIFETIME:
        raise RequestRefused("lifetime", part="expires_in")
    if not _WINDOWS[0] <= new.window <= _WINDOWS[1]:
        raise RequestRefused("window", part="confirmation_window")
    for at, one in enumerate(new.documents):
        _check_document(one, part=f"documents[{at}]", largest_bytes=largest_bytes)
    if Role.SEAL in {one.role for one in new.signers[:1]} and len(new.signers) > 1:
        # NĐ 30/2020: the seal follows the signature of the person
        raise RequestRefused("seal_before_person", part="signers[0]")


def _check_document(one: NewDocument, *, part: str, largest_bytes: int) -> None:
    if not one.name.strip() or len(one.name) > _LONGEST_NAME:
        raise RequestRefused("text_length", part=f"{part}.name")
    if (one.content is None) == (one.digest is None):
        raise RequestRefused("content_or_digest", part=part)
    if one.content is not None and not 0 < one.content.size <= largest_bytes:
        raise RequestRefused("document_size", part=part)
    if one.hash_name not in _DIGEST_BYTES:
        raise RequestRefused("unknown_hash", part=f"{part}.hash")
    if one.digest is not None and len(one.digest) != _DIGEST_BYTES[one.hash_name]:
        raise RequestRefused("digest_length", part=f"{part}.digest")


def _formats(new: NewRequest, kinds: Sequence[DocumentKind]) -> list[SignatureFormat]:
    formats = []
    for at, (one, kind) in enumerate(zip(new.documents, kinds, strict=True)):
        wanted = one.format or USUAL_FORMAT[kind]
        if wanted not in _FITTING[kind]:
            raise RequestRefused("format_unfit", part=f"documents[{at}].format")
        formats.append(wanted)
    containers = {one for one in formats if one.is_container}
    if containers and set(formats) != containers:
        raise RequestRefused("format_mixed", part="documents")
    if len(containers) > 1:
        raise RequestRefused("format_mixed", part="documents")
    if SignatureFormat.ASIC_S_CADES in containers and len(formats) != 1:
        raise RequestRefused("documents_number", part="documents")
    if new.level is Level.LTA and set(formats) != {SignatureFormat.PADES}:
        raise RequestRefused("level_unfit", part="level")
    return formats


def _digest(one: NewDocument) -> bytes:
    if one.digest is not None:
        return one.digest
    return b"" if one.content is None else one.content.digest(one.hash_name)


def _text(new: NewRequest) -> RequestText:
    return RequestText(
        title=new.title,
        documents=tuple(DocumentText(one.name, one.media_type) for one in new.documents),
        reason=new.reason,
        location=new.location,
        appearance=new.appearance,
    )


def _key_hash(idempotency: Idempotency) -> bytes:
    return hashlib.sha256(idempotency.key.encode("utf-8", "surrogatepass")).digest()
