"""The second halves of a turn: made one after the other, and kept as they come.

What lives here: `Halves`.  A timestamp authority that fails once in twenty fails every turn of a
hundred documents; what was made is kept then, and whoever tries again goes on from there.  One
worker at a time is at a turn: it claims it for a while, and says so again with everything it keeps.
Source: ADR 0018.
Not here: how a format is finished (`signing/formats`), what becomes of a turn (`signing/sign`).
"""

from __future__ import annotations

import time
from collections.abc import Collection, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Final

from keystore.storage import StatementDatabase, Transaction
from signing.blobs import DocumentStore
from signing.errors import (
    ParsingFailed,
    RequestNotWaiting,
    StatusUnavailable,
    TimestampUnavailable,
)
from signing.formats.table import Act, Half, Parties, finish_half
from signing.isolation.blob import Blob
from signing.model import BlobId, RequestState, Result, SigningRequest, Slot, StoredBlob
from signing.prepared_work import PreparedWork, held_material
from signing.storage.finishing import claim_finishing, delete_claimed, prolong_finishing
from signing.storage.halves import insert_halves, read_halves
from signing.storage.preparations import delete_preparation
from signing.storage.request_tables import KEPT_AFTER_END
from signing.storage.requests import lock_request

CLAIMED_FOR: Final = timedelta(minutes=2)
"""Longer than one document takes at the highest level; whoever was killed keeps nobody longer."""
_KEPT_EVERY_S: Final = 20.0


@dataclass(slots=True)
class _Batch:
    """What was made since something was kept."""

    alone: dict[int, StoredBlob] = field(default_factory=dict)
    beside: dict[int, bytes] = field(default_factory=dict)
    since_s: float = field(default_factory=time.monotonic)


@dataclass(frozen=True, slots=True)
class Unkept:
    """What was made last and lies on disk, and no row says so yet.

    Takes   is_all: nothing of the turn was made or kept before.
    """

    made: Mapping[int, Result]
    stored: Sequence[StoredBlob] = field(repr=False)
    is_all: bool = False


class Halves:
    """Safe to share between threads."""

    def __init__(self, database: StatementDatabase, *, documents: DocumentStore) -> None:
        self._database = database
        self._documents = documents

    def claim(self, request_id: str, position: int, *, now: datetime) -> bool:
        """Be the one who finishes a turn, for a while; whether nobody else is."""
        with self._database.statement() as connection:
            return claim_finishing(
                connection, request_id, position, now=now, until=now + CLAIMED_FOR
            )

    def make(
        self,
        request: SigningRequest,
        slot: Slot,
        *,
        work: PreparedWork,
        signatures: Sequence[bytes],
        parties: Parties,
        is_first: bool = False,
        now: datetime,
    ) -> Unkept:
        """Make those that are not made; what was made last is for `settle`.

        Takes   is_first: nobody can have made any before.
        Raises  as `finish_half`; DocumentGone; SealBroken; RequestNotWaiting: it ended meanwhile.
        """
        done: Mapping[int, Result] = {}
        if not is_first:
            with self._database.read() as connection:
                done = read_halves(connection, request.request_id, slot.position)
        act = replace(work.act(), now=now)
        started_s = time.monotonic()
        batch, is_all = _Batch(), is_first
        try:
            for number, (half, signature) in enumerate(zip(work.halves, signatures, strict=True)):
                if number in done:
                    continue
                self._make(
                    request, half, number, signature=signature, act=act, parties=parties, into=batch
                )
                if time.monotonic() - batch.since_s >= _KEPT_EVERY_S:
                    passed = timedelta(seconds=time.monotonic() - started_s)
                    full, batch, is_all = batch, _Batch(), False
                    self._keep(request, slot, full, now=now + passed)
        except (TimestampUnavailable, StatusUnavailable, ParsingFailed):
            self._keep(request, slot, batch, now=now)
            raise
        except BaseException:
            self._documents.forget_files([one.blob_id for one in batch.alone.values()])
            raise
        return replace(self._lay_down(batch, now=now), is_all=is_all)

    def hold(self, tx: Transaction, unkept: Unkept) -> None:
        """Let what was made last go if the transaction that would keep it does not take place."""
        stored = unkept.stored
        tx.on_undone(lambda: self._documents.forget_files([one.blob_id for one in stored]))

    def settle(
        self,
        tx: Transaction,
        request: SigningRequest,
        slot: Slot,
        unkept: Unkept,
        *,
        claim: datetime | None,
        older: Collection[BlobId],
    ) -> Mapping[int, Result]:
        """All results of a turn, by number, in the transaction that completes it.

        Whoever calls holds the request.  Where somebody else has come as far, his are taken.
        What was prepared is forgotten.
        Takes   claim: until when whoever took the confirmation may finish it alone; None for all
                others; older: what has served its purpose, and is dropped.
        """
        is_alone, prepared = False, None
        if claim is not None and unkept.is_all:
            is_alone, prepared = delete_claimed(tx, request.request_id, slot.position, claim=claim)
        if is_alone:
            gone = [*older, *([] if prepared is None else [prepared])]
            self._documents.keep_instead(tx, unkept.stored, older=gone)
            return unkept.made
        made, _ = self._settle(tx, request, slot, unkept)
        prepared = delete_preparation(tx, request.request_id, slot.position)
        self._documents.drop(tx, [*older, *([] if prepared is None else [prepared])])
        return made

    def _make(
        self,
        request: SigningRequest,
        half: Half,
        number: int,
        *,
        signature: bytes,
        act: Act,
        parties: Parties,
        into: _Batch,
    ) -> None:
        with ExitStack() as held:
            materials = [
                held_material(self._documents, request, request.documents[at], held=held)
                for at in half.positions
            ]
            made = held.enter_context(
                finish_half(half, materials, signature=signature, act=act, parties=parties)
            )
            if half.format.is_detached:
                into.beside[number] = made.read()
            else:
                into.alone[number] = self._documents.write(
                    made, expires_at=act.now + KEPT_AFTER_END
                )

    def _keep(self, request: SigningRequest, slot: Slot, batch: _Batch, *, now: datetime) -> None:
        unkept = self._lay_down(batch, now=now)
        if not unkept.made:
            return
        with self._database.transaction() as tx:
            self.hold(tx, unkept)
            lock_request(tx, request.request_id)
            _, new = self._settle(tx, request, slot, unkept)
            if not prolong_finishing(
                tx, request.request_id, slot.position, until=now + CLAIMED_FOR
            ):
                raise RequestNotWaiting(RequestState.CONFIRMED)
            insert_halves(tx, request.request_id, slot.position, new)

    def _lay_down(self, batch: _Batch, *, now: datetime) -> Unkept:
        made = {
            number: Result(one.blob_id, 0, one.size_bytes) for number, one in batch.alone.items()
        }
        stored = list(batch.alone.values())
        if batch.beside:
            # small and many: those of one batch lie together
            with Blob.of_chunks(batch.beside.values()) as together:
                whole = self._documents.write(together, expires_at=now + KEPT_AFTER_END)
            stored.append(whole)
            offset = 0
            for number, one in batch.beside.items():
                made[number] = Result(whole.blob_id, offset, len(one))
                offset += len(one)
        return Unkept(made, stored)

    def _settle(
        self, tx: Transaction, request: SigningRequest, slot: Slot, unkept: Unkept
    ) -> tuple[Mapping[int, Result], Mapping[int, Result]]:
        """All results, and those that are new."""
        stored = unkept.stored
        # somebody whose claim ran out may have come as far
        there = read_halves(tx.connection, request.request_id, slot.position)
        new = {number: one for number, one in unkept.made.items() if number not in there}
        needed = {one.blob_id for one in new.values()}
        self._documents.keep(tx, [one for one in stored if one.blob_id in needed])
        tx.on_commit(
            lambda: self._documents.forget_files(
                [one.blob_id for one in stored if one.blob_id not in needed]
            )
        )
        return {**new, **there}, new
