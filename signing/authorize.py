"""The window in which somebody confirms: opened for exactly these bytes, closed by one answer.

What lives here: `Windows`.  When a signer says that she wants to sign, everything that her key will
sign is prepared, and one activation is made over all of it; its hash is what the passkey signs, or
what the verifier of one-time codes states.  Nothing that is confirmed can be exchanged afterwards.
Source: architecture, decision 11; CEN EN 419 241-1 (signature activation).
Not here: judging the confirmation (`antin signer` alone does), what happens then (`signing/sign`).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Final, Protocol

import msgspec

from keystore.clock import from_ms, to_ms
from keystore.sealing import Sealer
from keystore.signer.activation import SignatureActivation, new_nonce
from keystore.storage import StatementDatabase
from signing.appearance.visible import Visible
from signing.blobs import DocumentStore
from signing.errors import (
    CertificateRefused,
    ConfirmationRefused,
    DocumentGone,
    RequestNotWaiting,
    RequestUnknown,
)
from signing.formats.material import Level
from signing.formats.status_material import gather_material
from signing.formats.table import Act, Half, Parties, increment_of, prepare_half
from signing.isolation.blob import Blob
from signing.isolation.task import for_pictures
from signing.messages.pdf_signature import Appearance
from signing.model import (
    Document,
    RequestState,
    Role,
    SigningRequest,
    Slot,
    StoredBlob,
)
from signing.ports import Signer, Signers, SigningCredential
from signing.prepared_work import PreparedWork, held_material
from signing.storage.preparations import (
    Preparation,
    PreparationState,
    PreparationTaken,
    find_preparation,
    open_window,
    replace_preparation,
)
from signing.storage.request_reading import find_request_and_window
from signing.storage.requests import check_turn, lock_request
from signing.unchanged_pages import check_unchanged

PURPOSES: Final = {Role.PERSON: "document", Role.SEAL: "seal"}
"""What an activation says its signatures are for."""

FINISHED_WITHIN: Final = timedelta(days=1)
"""How long timestamps and evidence are waited for, once the signatures are there."""


KEPT_IN_ROW_BYTES: Final = 64 * 1024
"""Up to here what was prepared lies in its row: it lives for minutes, a file costs two fsyncs."""


@dataclass(frozen=True, slots=True)
class Window:
    """What the signer may confirm now.

    `challenge`: 32 bytes, what a passkey signs; `activation`: what a one-time code is for;
    `preparation`: as it is stored, where it was read.
    """

    activation: SignatureActivation = field(repr=False)
    challenge: bytes = field(repr=False)
    expires_at: datetime
    preparation: Preparation | None = field(default=None, repr=False)


class Draws(Protocol):
    """Draws what is seen of a signature on the page."""

    def __call__(
        self,
        request: SigningRequest,
        slot: Slot,
        document: Document,
        *,
        content: Blob,
        credential: SigningCredential,
        now: datetime,
    ) -> Visible | None:
        """A drawing and where it is seen, and in which field; None where nothing is seen.

        Whoever has the answer closes its drawing.

        Raises  DocumentRefused, ParsingFailed.
        """


class Windows:
    """Opens windows; safe to share between threads.

    Takes   audience: the name that `antin signer` goes by; draws: None where nothing is visible;
            name_of: the name of an organisation, empty when unknown;
            is_page_compared: whether what is prepared is drawn once more, by somebody else.
    """

    def __init__(
        self,
        database: StatementDatabase,
        *,
        sealer: Sealer,
        documents: DocumentStore,
        signers: Signers,
        parties: Parties,
        audience: str,
        draws: Draws | None = None,
        name_of: Callable[[str], str] | None = None,
        is_page_compared: bool = True,
    ) -> None:
        self._database = database
        self._sealer = sealer
        self._documents = documents
        self._signers = signers
        self._parties = parties
        self._audience = audience
        self._draws = draws
        self._name_of = name_of
        self._is_page_compared = is_page_compared

    def open(
        self,
        request: SigningRequest,
        *,
        signer: Signer,
        credential: SigningCredential,
        passkey: bytes = b"",
        is_active: bool | None = None,
        now: datetime,
    ) -> Window:
        """Prepare everything that the signer would sign, and let her confirm it for a while.

        1. It is this signer's turn, and she may sign at this moment.
        2. The credential is hers, and the passkey one of those that open it; its certificate is
           good at this moment.
        3. Every document is what was handed over; what has to be signed over it is prepared.
        4. One activation over all of it takes the place of a window that was open before.

        Takes   passkey: which of the credential's shall confirm; empty for a one-time code;
                is_active: as `turn_of` takes it.
        Raises  RequestNotWaiting, ConfirmationRefused (mandate_ended, passkey_foreign,
                another_confirmation), DocumentRefused, CertificateRefused (revoked, expired),
                StatusUnavailable, ParsingFailed, TimestampUnavailable, DocumentGone.
        """
        # 1
        slot = self.turn_of(request, signer=signer, is_active=is_active, now=now)
        # 2
        if credential.owner_id != signer.key_owner:
            raise CertificateRefused("foreign")
        if bool(passkey) != (credential.scal == 2) or (
            passkey and passkey not in credential.passkeys
        ):
            raise ConfirmationRefused("passkey_foreign")
        if self._parties.status is not None:
            # TT 15/2025/TT-BKHCN Art. 5: before it signs, not only when the document is finished
            signatory = credential.signatory
            chain = (signatory.certificate, *signatory.chain)
            gather_material(self._parties.status, chains=[chain], now=now)
        # 3
        try:
            work = self._prepare(request, slot, credential=credential, now=now)
        except DocumentGone:
            with self._database.read() as connection:
                check_turn(connection, request.request_id, slot.position, now=now)
            raise
        # 4
        expires_at = min(now + request.window, request.expires_at)
        activation = SignatureActivation(
            signer=self._audience,
            purpose=PURPOSES[slot.role],
            request_id=request.request_id,
            account_id=credential.owner_id,
            key_id=credential.key_id,
            credential_id=passkey,
            client_id=request.client_id,
            hash_name=work.halves[0].hash_name,
            digests=tuple(half.digest for half in work.halves),
            expires_ms=to_ms(expires_at),
            nonce=new_nonce(),
        )
        self._keep(request, slot, activation=activation, work=work, now=now)
        return Window(activation, activation.challenge(), expires_at)

    def read(self, request_id: str) -> tuple[SigningRequest, Preparation | None]:
        """A request, and what may be confirmed of it, as of one moment; for `window_of`.

        Raises  RequestUnknown.
        """
        with self._database.read() as connection:
            found = find_request_and_window(connection, request_id, sealer=self._sealer)
        if found is None:
            raise RequestUnknown
        return found

    def find(self, request: SigningRequest, *, signer: Signer, now: datetime) -> Window | None:
        """The window that is open for this signer now, or None."""
        slot = request.current_slot
        if slot is None or slot.account_id != signer.account_id:
            return None
        with self._database.read() as connection:
            found = find_preparation(
                connection, request.request_id, slot.position, sealer=self._sealer
            )
        return self.window_of(request, found, signer=signer, now=now)

    def window_of(
        self,
        request: SigningRequest,
        preparation: Preparation | None,
        *,
        signer: Signer,
        now: datetime,
    ) -> Window | None:
        """The window that is open for this signer, of what was read together with its request."""
        slot = request.current_slot
        if (
            preparation is None
            or slot is None
            or (preparation.request_id, preparation.slot) != (request.request_id, slot.position)
            or slot.account_id != signer.account_id
            or preparation.state is not PreparationState.OPEN
            or now >= preparation.expires_at
        ):
            return None
        activation = decode_activation(preparation.activation)
        return Window(activation, preparation.challenge, preparation.expires_at, preparation)

    def turn_of(
        self,
        request: SigningRequest,
        *,
        signer: Signer,
        is_active: bool | None = None,
        now: datetime,
    ) -> Slot:
        """The slot that is this signer's, if it is her turn and she may sign at this moment.

        Takes   is_active: whether her account may act at all, where that has just been read.
        Raises  RequestNotWaiting; ConfirmationRefused (mandate_ended).
        """
        state = request.state_at(now)
        slot = request.current_slot
        if state is not RequestState.WAITING or slot is None or not _is_for(slot, signer):
            raise RequestNotWaiting(state)
        client_id = request.client_id
        if self._signers.refresh(signer, client_id=client_id, is_active=is_active, now=now) is None:
            raise ConfirmationRefused("mandate_ended")
        return slot

    def _organisation_of(self, slot: Slot) -> str:
        """In whose name a person signs; the certificate of a seal names its organisation itself."""
        if self._name_of is None or slot.role is Role.SEAL or slot.organisation_id is None:
            return ""
        return self._name_of(slot.organisation_id)

    def _prepare(
        self,
        request: SigningRequest,
        slot: Slot,
        *,
        credential: SigningCredential,
        now: datetime,
    ) -> PreparedWork:
        level = level_of(request, slot)
        parties = self._parties.for_tenant(request.client_id)
        whole_second = from_ms(to_ms(now) // 1000 * 1000)
        organisation = self._organisation_of(slot)
        halves = []
        for positions in shares(request.documents):
            # what is not signed together is not open together: descriptors are few
            with ExitStack() as held:
                materials = {
                    at: held_material(self._documents, request, request.documents[at], held=held)
                    for at in positions
                }
                first = request.documents[positions[0]]
                content = materials[first.position].content
                seen = None
                if content is not None and self._draws is not None:
                    seen = self._draws(
                        request,
                        slot,
                        first,
                        content=content,
                        credential=credential,
                        now=whole_second,
                    )
                act = Act(
                    signatory=credential.signatory,
                    level=level,
                    now=whole_second,
                    name=credential.holder,
                    reason=request.text.reason,
                    location=request.text.location,
                    place=None if seen is None else seen.place,
                    drawn=None if seen is None else held.enter_context(seen.drawing),
                    field_name=None if seen is None else seen.field_name,
                    organisation=organisation,
                )
                half = prepare_half(first.format, materials, act=act, parties=parties)
                if self._is_page_compared and content is not None:
                    self._compare(request, first, half, content=content, place=act.place)
                halves.append(half)
        return PreparedWork(
            certificate=credential.signatory.certificate,
            chain=credential.signatory.chain,
            algorithm=credential.signatory.algorithm,
            key_id=credential.key_id,
            level=level,
            signed_ms=to_ms(whole_second),
            halves=tuple(halves),
        )

    def _compare(
        self,
        request: SigningRequest,
        document: Document,
        half: Half,
        *,
        content: Blob,
        place: Appearance | None,
    ) -> None:
        increment = increment_of(half)
        if increment is not None and document.pages is not None:
            check_unchanged(
                content,
                increment,
                pages=document.pages,
                place=place,
                isolation=for_pictures(self._parties.isolation, request.client_id),
            )

    def _keep(
        self,
        request: SigningRequest,
        slot: Slot,
        *,
        activation: SignatureActivation,
        work: PreparedWork,
        now: datetime,
    ) -> None:
        encoded = work.encode()
        preparation = Preparation(
            request_id=request.request_id,
            slot=slot.position,
            challenge=activation.challenge(),
            activation=msgspec.msgpack.encode(activation),
            work=encoded if len(encoded) <= KEPT_IN_ROW_BYTES else None,
            created_at=now,
            expires_at=from_ms(activation.expires_ms),
        )
        if preparation.work is not None:
            with self._database.statement() as connection:
                if open_window(connection, preparation, sealer=self._sealer, now=now):
                    return
        stored: list[StoredBlob] = []
        if preparation.work is None:
            with Blob.of(encoded) as content:
                # as long as finishing may be tried, should the signatures come
                kept_until = request.expires_at + FINISHED_WITHIN
                stored = [self._documents.write(content, expires_at=kept_until)]
            preparation = replace(preparation, prepared_id=stored[0].blob_id)
        try:
            with self._database.transaction() as tx:
                self._documents.keep(tx, stored)
                lock_request(tx, request.request_id)
                # somebody may have confirmed, refused or signed while all that was prepared
                check_turn(tx.connection, request.request_id, slot.position, now=now)
                older = replace_preparation(tx, preparation, sealer=self._sealer)
                if older is not None:
                    self._documents.drop(tx, [older])
        except PreparationTaken as taken:
            raise ConfirmationRefused("another_confirmation") from taken


def level_of(request: SigningRequest, slot: Slot) -> Level:
    """The level of one signer's turn: only the last one's revision is stamped as a whole."""
    if request.level is Level.LTA and slot.position != request.slots[-1].position:
        return Level.LT
    return request.level


def shares(documents: Sequence[Document]) -> tuple[tuple[int, ...], ...]:
    """Which documents (by position) are signed together: all in a container, else each alone."""
    if documents[0].format.is_container:
        return (tuple(one.position for one in documents),)
    return tuple((one.position,) for one in documents)


def decode_activation(encoded: bytes) -> SignatureActivation:
    """The activation of a stored window."""
    return msgspec.msgpack.decode(encoded, type=SignatureActivation)


def _is_for(slot: Slot, signer: Signer) -> bool:
    return (slot.account_id, slot.role, slot.organisation_id) == (
        signer.account_id,
        signer.role,
        signer.organisation_id,
    )
