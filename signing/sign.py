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
from collections.abc import Mapping, Sequence
from contextlib import ExitStack, closing
from dataclasses import replace
from datetime import datetime
from typing import Final

import msgspec

from keystore.clock import to_ms
from keystore.errors import SealBroken
from keystore.log.events import EventType
from keystore.sealing import Sealer
from keystore.storage import DatabaseLike, Transaction
from signing.authorize import PreparedWork, held_material
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
from signing.formats.table import Parties, finish_half
from signing.isolation.blob import Blob
from signing.model import RequestState, Result, SigningRequest, Slot, SlotState, StoredBlob
from signing.outcomes import Finished, Outcomes
from signing.requests import SigningRequests
from signing.storage.evidence import KEPT, Evidence, EvidenceContent, insert_evidence
from signing.storage.preparations import Preparation, delete_preparation, find_preparation
from signing.storage.requests import (
    KEPT_AFTER_END,
    lock_request,
    move_request,
    move_slot,
    set_results,
)

FINISH_SIGNING: Final = "finish_signing"
"""The kind of deferred work that calls `Signing.finish`."""


class Signing:
    """Safe to share between threads.

    Takes   status: who knows whether a certificate is good, also for levels that carry no evidence.
    """

    def __init__(
        self,
        database: DatabaseLike,
        *,
        sealer: Sealer,
        documents: DocumentStore,
        requests: SigningRequests,
        outcomes: Outcomes,
        parties: Parties,
        status: StatusSource,
    ) -> None:
        self._database = database
        self._sealer = sealer
        self._documents = documents
        self._requests = requests
        self._outcomes = outcomes
        self._parties = parties
        self._status = status

    def finish(self, request_id: str, position: int, *, now: datetime) -> Finished:
        """Make the documents of a signer whose signatures are kept; nothing if that was done.

        What can be had later (a timestamp, the status of a certificate) leaves the request
        confirmed, with the reason; what never can ends it.
        """
        request = self._requests.get(request_id)
        preparation = self._find(request_id, position)
        slot = request.slots[position]
        if (
            preparation is None
            or preparation.signatures is None
            or slot.state is not SlotState.CONFIRMED
        ):
            return Finished(request.state, request.reason)
        try:
            return self._finish(request, slot, preparation, now=now)
        except (TimestampUnavailable, StatusUnavailable, ParsingFailed) as later:
            return Finished(RequestState.CONFIRMED, later.code)
        except (DocumentGone, DocumentRefused, SignatureForeign, CertificateRefused) as never:
            return self._outcomes.fail(request, slot, reason=_reason(never), now=now)
        except SealBroken:
            return self._outcomes.fail(request, slot, reason="document_changed", now=now)

    def give_up(self, request_id: str, position: int, *, reason: str, now: datetime) -> None:
        """End a request that could not be finished in time."""
        request = self._requests.get(request_id)
        self._outcomes.fail(request, request.slots[position], reason=reason, now=now)

    def _find(self, request_id: str, position: int) -> Preparation | None:
        with self._database.read() as connection:
            return find_preparation(connection, request_id, position, sealer=self._sealer)

    def _finish(
        self, request: SigningRequest, slot: Slot, preparation: Preparation, *, now: datetime
    ) -> Finished:
        with closing(self._documents.open(preparation.prepared_id)) as blob:
            work = msgspec.msgpack.decode(blob.read(), type=PreparedWork)
        signatures = msgspec.msgpack.decode(preparation.signatures or b"", type=list[bytes])
        chain = (work.certificate, *work.chain)
        evidence = gather_material(self._status, chains=[chain], now=now)
        results, stored = self._write(request, work, signatures, now=now)
        try:
            with self._database.transaction() as tx:
                return self._complete(
                    tx,
                    request,
                    slot,
                    work=work,
                    results=results,
                    stored=stored,
                    evidence=evidence,
                    now=now,
                )
        except RequestNotWaiting:
            # somebody else has finished it meanwhile; their documents are as good
            found = self._requests.get(request.request_id)
            return Finished(found.state, found.reason)

    def _write(
        self,
        request: SigningRequest,
        work: PreparedWork,
        signatures: Sequence[bytes],
        *,
        now: datetime,
    ) -> tuple[dict[int, Result], list[StoredBlob]]:
        """The signed documents at rest: which is the result of which, not yet committed."""
        kept_until = now + KEPT_AFTER_END
        results: dict[int, Result] = {}
        stored: list[StoredBlob] = []
        act = replace(work.act(), now=now)
        beside: list[tuple[int, bytes]] = []
        try:
            for half, signature in zip(work.halves, signatures, strict=True):
                with ExitStack() as held:
                    materials = [
                        held_material(self._documents, request, request.documents[at], held=held)
                        for at in half.positions
                    ]
                    made = held.enter_context(
                        finish_half(
                            half, materials, signature=signature, act=act, parties=self._parties
                        )
                    )
                    if half.format.is_detached:
                        beside.append((half.positions[0], made.read()))
                        continue
                    blob = self._documents.write(made, expires_at=kept_until)
                stored.append(blob)
                whole = Result(blob.blob_id, 0, blob.size_bytes)
                results |= dict.fromkeys(half.positions, whole)
            if beside:
                stored.append(self._write_together(beside, results, kept_until=kept_until))
        except BaseException:
            self._documents.forget_files([one.blob_id for one in stored])
            raise
        return results, stored

    def _write_together(
        self,
        beside: Sequence[tuple[int, bytes]],
        results: dict[int, Result],
        *,
        kept_until: datetime,
    ) -> StoredBlob:
        with Blob.of_chunks(made for _, made in beside) as together:
            blob = self._documents.write(together, expires_at=kept_until)
        offset = 0
        for at, made in beside:
            results[at] = Result(blob.blob_id, offset, len(made))
            offset += len(made)
        return blob

    def _complete(
        self,
        tx: Transaction,
        request: SigningRequest,
        slot: Slot,
        *,
        work: PreparedWork,
        results: Mapping[int, Result],
        stored: Sequence[StoredBlob],
        evidence: ValidationMaterial,
        now: datetime,
    ) -> Finished:
        lock_request(tx, request.request_id)
        self._documents.keep(tx, stored)
        is_last = slot.position == request.slots[-1].position
        to = RequestState.SIGNED if is_last else RequestState.WAITING
        certificate = hashlib.sha256(work.certificate).digest()
        if not move_slot(
            tx,
            request.request_id,
            slot.position,
            expected=SlotState.CONFIRMED,
            to=SlotState.SIGNED,
            now=now,
            key_id=work.key_id,
            certificate_sha256=certificate,
        ) or not move_request(
            tx,
            request.request_id,
            expected=[RequestState.CONFIRMED],
            to=to,
            now=now,
            purge_at=None if is_last else request.expires_at + KEPT_AFTER_END,
        ):
            raise RequestNotWaiting(request.state)
        set_results(tx, request.request_id, results)
        older = {one.result.blob_id for one in request.documents if one.result is not None}
        if is_last:  # nobody signs what was handed over any more
            older |= {one.original_id for one in request.documents if one.original_id is not None}
        prepared = delete_preparation(tx, request.request_id, slot.position)
        self._documents.drop(tx, [*older, *([] if prepared is None else [prepared])])
        insert_evidence(tx, _evidence(request, slot, work, evidence, now=now), sealer=self._sealer)
        kind = EventType.REQUEST_SIGNED if is_last else EventType.REQUEST_SIGNED_BY_ONE
        self._outcomes.record(tx, kind, request, signer=self._outcomes.signer_of(slot), now=now)
        self._requests.announce(tx, request, now=now)
        return Finished(to)


def _evidence(
    request: SigningRequest,
    slot: Slot,
    work: PreparedWork,
    material: ValidationMaterial,
    *,
    now: datetime,
) -> Evidence:
    return Evidence(
        evidence_id=f"sev_{secrets.token_hex(16)}",
        request_id=request.request_id,
        slot=slot.position,
        account_id=slot.account_id,
        created_at=now,
        kept_until=now + KEPT,
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
