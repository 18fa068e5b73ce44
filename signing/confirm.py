"""A confirmation: taken once, judged by the signer, its signatures kept before anything else.

What lives here: `Confirming`.  The first steps on the way from waiting to signed, each in a
transaction of its own, so that no crash signs twice or tells an untruth:

    waiting → confirmed     the window is taken, by one of however many confirmations
    (the signer signs)      once, or not at all: `antin signer` sees to it
    signatures are kept     from here on nothing is lost: whoever took the window finishes it at
                            once, and leaves it to deferred work where that cannot be

Whoever dies before the last leaves a request that is honestly confirmed, and soon waits again;
whoever dies after it leaves one that a periodic duty has finished by deferred work.
Source: architecture, J3 and decision 11.
Not here: opening the window (`signing/authorize`), judging the confirmation (`keystore/signer`),
the documents (`signing/sign`).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Final

import msgspec

from keystore.log.events import EventType
from keystore.sealing import Sealer
from keystore.signer.errors import (
    OutcomeUnknown,
    PersonalKeyDestroyed,
    PersonalKeySuspended,
    PersonalKeyUnknown,
    SignerError,
    SignerUnavailable,
)
from keystore.signer.evidence import Evidence
from keystore.storage import StatementDatabase, Transaction
from signing.authorize import FINISHED_WITHIN, Window, Windows, decode_activation
from signing.errors import (
    CertificateRefused,
    ConfirmationRefused,
    RequestNotWaiting,
    RequestUnknown,
    SignerAway,
    SigningError,
)
from signing.halves import CLAIMED_FOR
from signing.model import RequestState, SigningRequest, Slot, SlotState
from signing.outcomes import Finished, Outcomes
from signing.ports import SecondFactors, Signer, SignerDoor
from signing.requests import SigningRequests
from signing.sign import LOST_AFTER, Confirmed, Signing
from signing.storage.finishing import keep_signatures, read_unfinished
from signing.storage.preparations import (
    Preparation,
    PreparationState,
    Prepared,
    find_preparation,
    read_stuck,
    take_preparation,
)
from signing.storage.request_tables import KEPT_AFTER_END
from signing.storage.requests import move_request, move_slot, read_state

_STUCK_AFTER: Final = timedelta(minutes=2)
"""Longer than a call to the signer may take with all its tries."""


class Confirming:
    """Safe to share between threads.  Takes   door: the way to `antin signer`."""

    def __init__(
        self,
        database: StatementDatabase,
        *,
        sealer: Sealer,
        requests: SigningRequests,
        windows: Windows,
        outcomes: Outcomes,
        signing: Signing,
        second_factors: SecondFactors,
        door: SignerDoor,
    ) -> None:
        self._database = database
        self._sealer = sealer
        self._requests = requests
        self._windows = windows
        self._outcomes = outcomes
        self._signing = signing
        self._second_factors = second_factors
        self._door = door

    def confirm_by_code(
        self,
        request: SigningRequest,
        *,
        signer: Signer,
        code: str,
        window: Window | None = None,
        is_active: bool | None = None,
        now: datetime,
    ) -> Finished:
        """The signer gives a one-time code for the window that is open.

        Takes   window: that one, where it has just been read; is_active: as `Windows.turn_of`.
        Raises  as `confirm`; ConfirmationRefused (wrong_code, code_used, too_many); the window
                stays open then.
        """
        window = window or self._windows.find(request, signer=signer, now=now)
        if window is None:
            self._windows.turn_of(request, signer=signer, now=now)
            raise ConfirmationRefused("window_closed")
        statement = self._second_factors.confirm(
            window.activation, code=code, signer=signer, now=now
        )
        return self.confirm(
            request,
            signer=signer,
            confirmation=statement,
            challenge=window.challenge,
            window=window,
            is_active=is_active,
            now=now,
        )

    def confirm(
        self,
        request: SigningRequest,
        *,
        signer: Signer,
        confirmation: Evidence,
        challenge: bytes,
        window: Window | None = None,
        is_active: bool | None = None,
        now: datetime,
    ) -> Finished:
        """Sign what the open window says, and nothing else.

        1. It is this signer's turn, she may sign at this moment, and the window is this one.
        2. The window is taken, once.
        3. `antin signer` judges the confirmation and signs.
        4. The signatures are kept; finishing is tried at once, and by somebody else if it fails.

        Takes   window: the one with that challenge, where it has just been read;
                is_active: as `Windows.turn_of` takes it.
        Raises  RequestNotWaiting; ConfirmationRefused (window_closed, mandate_ended, or as the
                signer says); CertificateRefused; SignerAway.  The request waits again then.
        """
        # 1
        slot = self._windows.turn_of(request, signer=signer, is_active=is_active, now=now)
        preparation = None if window is None else window.preparation
        if preparation is None:
            preparation = self._find(request.request_id, slot.position)
        if preparation is None:
            raise ConfirmationRefused("window_closed")
        # 2
        taken = self._take(request, slot, signer=signer, challenge=challenge, now=now)
        # 3
        activation = decode_activation(preparation.activation)
        try:
            signatures = self._door.activate(activation, confirmation)
        except SignerError as refusal:
            self._outcomes.wait_again(
                request, slot, challenge=challenge, reason=refusal.code, now=now
            )
            raise _explained(refusal) from refusal
        # 4
        prepared = replace(preparation, work=taken.work, prepared_id=taken.blob_id)
        claim = now + CLAIMED_FOR
        kept = self._keep(prepared, signatures, claim=claim)
        confirmed = Confirmed(_confirmed(request, slot), kept, signer, claim)
        return self._signing.finish(request.request_id, slot.position, confirmed=confirmed, now=now)

    def recover(self, now: datetime) -> int:
        """Take up confirmations that were cut off; a periodic duty.

        Where the signer had not answered, the request waits again.  The key may have been used: the
        log of the signer says so.  No signature of it has left.  Where signatures are kept, they
        are finished by deferred work.
        One that cannot be read does not keep the others waiting, and is told at the end.
        Returns how many.
        Raises  the first failure.
        """
        with self._database.read() as connection:
            unfinished = read_unfinished(connection, now=now, lost_since=now - LOST_AFTER)
            stuck = read_stuck(connection, now=now, after=_STUCK_AFTER)
        recovered = sum(
            self._signing.leave(request_id, position, now=now)
            for request_id, position in unfinished
        )
        failures = []
        for one in stuck:
            try:
                request = self._requests.get(one.request_id)
                recovered += self._outcomes.wait_again(
                    request,
                    request.slots[one.slot],
                    challenge=one.challenge,
                    reason="interrupted",
                    now=now,
                )
            except Exception as failure:  # noqa: BLE001 - whatever it is, the others come first
                failures.append(failure)
        if failures:
            raise failures[0]
        return recovered

    def _find(self, request_id: str, position: int) -> Preparation | None:
        with self._database.read() as connection:
            return find_preparation(connection, request_id, position, sealer=self._sealer)

    def _take(
        self,
        request: SigningRequest,
        slot: Slot,
        *,
        signer: Signer,
        challenge: bytes,
        now: datetime,
    ) -> Prepared:
        try:
            with self._database.transaction() as tx:
                return self._take_in(tx, request, slot, signer=signer, challenge=challenge, now=now)
        except _NotTaken as none:
            with self._database.read() as connection:
                state = read_state(connection, request.request_id, now=now)
            if state in {RequestState.WAITING, RequestState.CONFIRMED}:
                raise ConfirmationRefused("window_closed") from none
            raise RequestNotWaiting(state) if state else RequestUnknown from none

    def _take_in(
        self,
        tx: Transaction,
        request: SigningRequest,
        slot: Slot,
        *,
        signer: Signer,
        challenge: bytes,
        now: datetime,
    ) -> Prepared:
        """Request, window and turn, in this order: the request is held by what is done first."""
        request_id, position = request.request_id, slot.position
        if not move_request(
            tx,
            request_id,
            expected=[RequestState.WAITING],
            to=RequestState.CONFIRMED,
            now=now,
            purge_at=request.expires_at + FINISHED_WITHIN + KEPT_AFTER_END,
        ):
            raise _NotTaken
        taken = take_preparation(
            tx, request_id, position, challenge=challenge, sealer=self._sealer, now=now
        )
        if taken is None or not move_slot(
            tx,
            request_id,
            position,
            expected=SlotState.WAITING,
            to=SlotState.CONFIRMED,
            now=now,
        ):
            raise _NotTaken
        self._outcomes.record(tx, EventType.REQUEST_CONFIRMED, request, signer=signer, now=now)
        return taken

    def _keep(
        self, preparation: Preparation, signatures: Sequence[bytes], *, claim: datetime
    ) -> Preparation:
        encoded = msgspec.msgpack.encode(list(signatures))
        with self._database.statement() as connection:
            if not keep_signatures(
                connection, preparation, signatures=encoded, until=claim, sealer=self._sealer
            ):
                # this took so long that the request waits for its signer again
                raise ConfirmationRefused("interrupted")
        return replace(preparation, state=PreparationState.SIGNED, signatures=encoded)


class _NotTaken(Exception):
    """Nothing of it was done."""


def _confirmed(request: SigningRequest, slot: Slot) -> SigningRequest:
    """A request as it stands once its confirmation was taken."""
    slots = [
        replace(one, state=SlotState.CONFIRMED) if one.position == slot.position else one
        for one in request.slots
    ]
    return replace(request, state=RequestState.CONFIRMED, reason="", slots=tuple(slots))


def _explained(refusal: SignerError) -> SigningError:
    """What the signer says, in the words of signing."""
    if isinstance(refusal, PersonalKeyUnknown | PersonalKeyDestroyed | PersonalKeySuspended):
        return CertificateRefused(refusal.code)
    if isinstance(refusal, OutcomeUnknown):
        return ConfirmationRefused("interrupted")
    if isinstance(refusal, SignerUnavailable):
        return SignerAway()
    return ConfirmationRefused(refusal.code)
