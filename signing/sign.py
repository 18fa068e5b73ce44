"""From signatures to signed documents: made once, kept together with their evidence.

What lives here: `Signing`, the last step on the way from waiting to signed.  It may be tried as
often as needed, by anybody: documents, evidence and state change in one transaction, of which one
succeeds.
Source: architecture, J3; Circular 15/2025/TT-BKHCN Art. 5 (evidence).
Not here: the confirmation (`signing/confirm`), the formats (`signing/formats`).
"""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Mapping
from contextlib import closing
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Final

import msgspec

from keystore.clock import to_ms
from keystore.errors import SealBroken
from keystore.log.events import EventType
from keystore.sealing import Sealer
from keystore.storage import StatementDatabase, Transaction
from signing.authorize import FINISHED_WITHIN
from signing.blobs import DocumentStore
from signing.errors import (
    CertificateRefused,
    DocumentGone,
    DocumentRefused,
    ParsingFailed,
    RequestNotWaiting,
    SignatureForeign,
    SigningError,
    StatusUnavailable,
    TimestampUnavailable,
)
from signing.formats.material import StatusSource, ValidationMaterial
from signing.formats.status_material import gather_material
from signing.formats.status_once import StatusOnce
from signing.formats.table import Parties
from signing.halves import Halves
from signing.model import BlobId, RequestState, Result, SigningRequest, Slot, SlotState
from signing.outcomes import Finished, Outcomes
from signing.ports import Deferred, Signer
from signing.prepared_work import PreparedWork, decode_work
from signing.requests import SigningRequests
from signing.retention import evidence_kept_for
from signing.storage.evidence import Evidence, EvidenceContent, insert_evidence
from signing.storage.finishing import leave_abandoned, leave_finishing, prolong_finishing
from signing.storage.preparations import Preparation, find_preparation
from signing.storage.request_tables import KEPT_AFTER_END
from signing.storage.requests import lock_request, move_request, move_slot, note_reason, set_results

FINISH_SIGNING: Final = "finish_turn"
"""The kind of deferred work that calls `Signing.finish`."""
FINISH_SIGNING_OF_BEFORE: Final = "finish_signing"
"""The same as the version before writes it, whose workers know of no preparation in a row."""
_TRIED_AGAIN_AFTER: Final = timedelta(seconds=10)
LOST_AFTER: Final = FINISHED_WITHIN + timedelta(hours=3)
"""Deferred work has finished a turn by then, or given it up, which ends the request; what is still
there was given up by a worker of the version before, who does not know what it is."""
_NEVER_READ: Final = frozenset({"fault", "contradiction", "too_large"})
"""What whoever reads documents would answer each time."""


@dataclass(frozen=True, slots=True)
class Confirmed:
    """What whoever took a confirmation has in hand, with the claim to finish it.

    Takes   claim: until when nobody else does, as it was stored.
    """

    request: SigningRequest
    preparation: Preparation = field(repr=False)
    signer: Signer
    claim: datetime


class Signing:
    """Safe to share between threads.

    Takes   status: who knows whether a certificate is good, also for levels that carry no evidence;
            evidence_years: for how long evidence is kept where the level promises less.
    """

    def __init__(
        self,
        database: StatementDatabase,
        *,
        sealer: Sealer,
        documents: DocumentStore,
        requests: SigningRequests,
        outcomes: Outcomes,
        parties: Parties,
        status: StatusSource,
        deferred: Deferred,
        evidence_years: int = 0,
    ) -> None:
        self._database = database
        self._sealer = sealer
        self._documents = documents
        self._requests = requests
        self._outcomes = outcomes
        self._parties = parties
        self._status = status
        self._deferred = deferred
        self._evidence_years = evidence_years
        self._halves = Halves(database, documents=documents)

    def finish(
        self,
        request_id: str,
        position: int,
        *,
        confirmed: Confirmed | None = None,
        now: datetime,
    ) -> Finished:
        """Make the documents of a signer whose signatures are kept; nothing if that was done.

        What can be had later (a timestamp, the status of a certificate) leaves the request
        confirmed, with the reason; what never can ends it.
        Takes   confirmed: for whoever took the confirmation; all others look, and claim it.
        """
        if confirmed is not None:
            request, preparation = confirmed.request, confirmed.preparation
            slot = request.slots[position]
        else:
            request = self._requests.get(request_id)
            slot = request.slots[position]
            found = self._find(request_id, position)
            if (
                found is None
                or found.signatures is None
                or slot.state is not SlotState.CONFIRMED
                or not self._halves.claim(request_id, position, now=now)  # another is at it
            ):
                return Finished(request.state, request.reason)
            preparation = found
        try:
            return self._finish(request, slot, preparation, confirmed=confirmed, now=now)
        except (TimestampUnavailable, StatusUnavailable) as later:
            return self._later(request, slot, reason=later.code, now=now)
        except ParsingFailed as failure:
            if failure.reason in _NEVER_READ:
                return self._outcomes.fail(request, slot, reason=failure.code, now=now)
            return self._later(request, slot, reason=failure.code, now=now)
        except (DocumentGone, DocumentRefused, SignatureForeign, CertificateRefused) as never:
            return self._outcomes.fail(request, slot, reason=_reason(never), now=now)
        except SealBroken:
            return self._outcomes.fail(request, slot, reason="document_changed", now=now)
        except RequestNotWaiting:
            # somebody else has finished or ended it meanwhile
            left = self._requests.get(request_id)
            return Finished(left.state, left.reason)

    def give_up(self, request_id: str, position: int, *, reason: str, now: datetime) -> None:
        """End a request that could not be finished in time, for the reason that it had last."""
        request = self._requests.get(request_id)
        why = request.reason or reason
        self._outcomes.fail(request, request.slots[position], reason=why, now=now)

    def leave(self, request_id: str, position: int, *, now: datetime) -> bool:
        """Have a turn finished by deferred work, of which whoever was at it is gone.

        Whether that was so: it still is to be finished, by nobody, and was left to nobody before
        who could still come.
        """
        with self._database.transaction() as tx:
            is_left = leave_abandoned(
                tx, request_id, position, now=now, lost_since=now - LOST_AFTER
            )
            if is_left:
                self._defer(tx, request_id, position, due=now, now=now)
            return is_left

    def _later(
        self, request: SigningRequest, slot: Slot, *, reason: str, now: datetime
    ) -> Finished:
        """Leave it to whoever comes next, and say what it waits for."""
        request_id, position = request.request_id, slot.position
        with self._database.transaction() as tx:
            lock_request(tx, request_id)
            is_new = leave_finishing(tx, request_id, position, now=now)
            if is_new:
                self._defer(tx, request_id, position, due=now + _TRIED_AGAIN_AFTER, now=now)
            if is_new or prolong_finishing(tx, request_id, position, until=None):
                note_reason(tx, request_id, reason=reason)
        return Finished(RequestState.CONFIRMED, reason)

    def _defer(
        self, tx: Transaction, request_id: str, position: int, *, due: datetime, now: datetime
    ) -> None:
        self._deferred.add(
            tx,
            FINISH_SIGNING,
            {"request_id": request_id, "slot": position},
            now=now,
            due=due,
            expires=now + FINISHED_WITHIN,
            lane="signing",
        )

    def _find(self, request_id: str, position: int) -> Preparation | None:
        with self._database.read() as connection:
            return find_preparation(connection, request_id, position, sealer=self._sealer)

    def _finish(
        self,
        request: SigningRequest,
        slot: Slot,
        preparation: Preparation,
        *,
        confirmed: Confirmed | None,
        now: datetime,
    ) -> Finished:
        work = self._work(preparation)
        signatures = msgspec.msgpack.decode(preparation.signatures or b"", type=list[bytes])
        chain = (work.certificate, *work.chain)
        # one certificate, one timestamp authority: what is good for one document is for the next
        status = StatusOnce(self._status)
        evidence = gather_material(status, chains=[chain], now=now)
        unkept = self._halves.make(
            request,
            slot,
            work=work,
            signatures=signatures,
            parties=replace(self._parties, status=status).for_tenant(request.client_id),
            is_first=confirmed is not None,
            now=now,
        )
        with self._database.transaction() as tx:
            self._halves.hold(tx, unkept)
            self._move(tx, request, slot, work=work, now=now)
            made = self._halves.settle(
                tx,
                request,
                slot,
                unkept,
                claim=None if confirmed is None else confirmed.claim,
                older=_served(request, slot),
            )
            signer = self._outcomes.signer_of(slot) if confirmed is None else confirmed.signer
            return self._complete(
                tx,
                request,
                slot,
                work=work,
                made=made,
                evidence=evidence,
                signer=signer,
                now=now,
            )

    def _work(self, preparation: Preparation) -> PreparedWork:
        """What was prepared, out of the row or the file.  Raises DocumentGone, SealBroken."""
        encoded = preparation.work
        if encoded is None:
            if preparation.prepared_id is None:
                raise DocumentGone
            with closing(self._documents.open(preparation.prepared_id)) as blob:
                encoded = blob.read()
        return decode_work(encoded)

    def _move(
        self,
        tx: Transaction,
        request: SigningRequest,
        slot: Slot,
        *,
        work: PreparedWork,
        now: datetime,
    ) -> None:
        """Let the turn be over; the request is held from here on.  Raises RequestNotWaiting."""
        is_last = _is_last(request, slot)
        if not move_request(
            tx,
            request.request_id,
            expected=[RequestState.CONFIRMED],
            to=_after(request, slot),
            now=now,
            purge_at=None if is_last else request.expires_at + KEPT_AFTER_END,
        ) or not move_slot(
            tx,
            request.request_id,
            slot.position,
            expected=SlotState.CONFIRMED,
            to=SlotState.SIGNED,
            now=now,
            key_id=work.key_id,
            certificate_sha256=hashlib.sha256(work.certificate).digest(),
        ):
            raise RequestNotWaiting(request.state)

    def _complete(
        self,
        tx: Transaction,
        request: SigningRequest,
        slot: Slot,
        *,
        work: PreparedWork,
        made: Mapping[int, Result],
        evidence: ValidationMaterial,
        signer: Signer,
        now: datetime,
    ) -> Finished:
        is_last = _is_last(request, slot)
        results = {
            at: made[number] for number, half in enumerate(work.halves) for at in half.positions
        }
        set_results(tx, request.request_id, results)
        kept_until = now + evidence_kept_for(request.level, at_least_years=self._evidence_years)
        kept = _evidence(request, slot, work, evidence, kept_until=kept_until, now=now)
        insert_evidence(tx, kept, sealer=self._sealer)
        kind = EventType.REQUEST_SIGNED if is_last else EventType.REQUEST_SIGNED_BY_ONE
        self._outcomes.record(tx, kind, request, signer=signer, now=now)
        self._requests.announce(tx, request, now=now)
        return Finished(_after(request, slot))


def _is_last(request: SigningRequest, slot: Slot) -> bool:
    return slot.position == request.slots[-1].position


def _served(request: SigningRequest, slot: Slot) -> set[BlobId]:
    """What has served its purpose once that turn is over."""
    older = {one.result.blob_id for one in request.documents if one.result is not None}
    if _is_last(request, slot):  # nobody signs what was handed over any more
        older |= {one.original_id for one in request.documents if one.original_id is not None}
    return older


def _after(request: SigningRequest, slot: Slot) -> RequestState:
    """The state in which a turn leaves its request."""
    return RequestState.SIGNED if _is_last(request, slot) else RequestState.WAITING


def _evidence(
    request: SigningRequest,
    slot: Slot,
    work: PreparedWork,
    material: ValidationMaterial,
    *,
    kept_until: datetime,
    now: datetime,
) -> Evidence:
    return Evidence(
        evidence_id=f"sev_{secrets.token_hex(16)}",
        request_id=request.request_id,
        slot=slot.position,
        account_id=slot.account_id,
        created_at=now,
        kept_until=kept_until,
        content=EvidenceContent(
            certificate=work.certificate,
            chain=work.chain,
            ocsp_responses=material.ocsp_responses,
            crls=material.crls,
            status="good",
            checked_ms=to_ms(now),
            digests=tuple(half.digest for half in work.halves),
            hash_name=work.halves[0].hash_name,
        ),
    )


def _reason(error: SigningError) -> str:
    reason = getattr(error, "reason", "")
    return reason if isinstance(reason, str) and reason else error.code
