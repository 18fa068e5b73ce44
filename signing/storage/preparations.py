"""What a signer is about to confirm, in SQL: one row while the window is open.

What lives here: one table and the statements on it.  A preparation goes one way: open, taken (its
confirmation is with the signer), signed (the signatures are here).  Each step is one statement that
compares and sets, so that of two confirmations one goes on.
Whoever writes holds the request (`signing.storage.requests.lock_request`).
Not here: what is prepared and who may confirm (`signing/authorize.py`).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any, Final

from sqlalchemy import (
    BigInteger,
    Column,
    Connection,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    Row,
    String,
    Table,
    bindparam,
    delete,
    insert,
    or_,
    select,
    update,
)

from keystore.clock import from_ms, to_ms
from keystore.purposes import SealPurpose
from keystore.sealing import Sealer
from keystore.storage import Transaction
from signing.model import BlobId, RequestState, SlotState
from signing.storage import metadata
from signing.storage.request_tables import signing_request, signing_slot

_NONE: Final[dict[str, Any]] = {"data": "none"}


class PreparationState(StrEnum):
    """How far a preparation has come."""

    OPEN = "open"
    TAKEN = "taken"
    SIGNED = "signed"


@dataclass(frozen=True, slots=True, kw_only=True)
class Preparation:
    """What one signer of a request is about to confirm.

    `activation`: the encoded activation, whose hash is `challenge`; `prepared_id`: what the formats
    prepared, as a document at rest; `signatures`: encoded, once they are here.
    """

    request_id: str
    slot: int
    challenge: bytes = field(repr=False)
    activation: bytes = field(repr=False)
    prepared_id: BlobId
    state: PreparationState = PreparationState.OPEN
    created_at: datetime
    expires_at: datetime
    taken_at: datetime | None = None
    signatures: bytes | None = field(default=None, repr=False)


_UNDER_WAY: Final = {"data": "basic", "withheld": "of a confirmation that is under way"}

signing_preparation = Table(
    "signing_preparation",
    metadata,
    Column(
        "request_id",
        ForeignKey("signing_request.request_id", ondelete="CASCADE"),
        primary_key=True,
        info=_NONE,
    ),
    Column("slot", Integer, primary_key=True, autoincrement=False, info=_NONE),
    Column("challenge", LargeBinary, nullable=False, info=_NONE),
    Column("activation_sealed", LargeBinary, nullable=False, info=_UNDER_WAY),
    Column("prepared_id", String(40), nullable=False, info=_NONE),
    Column("state", String(8), nullable=False, info=_NONE),
    Column("created_ms", BigInteger, nullable=False, info=_NONE),
    Column("expires_ms", BigInteger, nullable=False, info=_NONE),
    Column("taken_ms", BigInteger, info=_NONE),
    Column("signatures_sealed", LargeBinary, info=_UNDER_WAY),
    Column("finishing_ms", BigInteger, info=_NONE),
    Index("ix_signing_preparation_taken", "state", "taken_ms"),
    info={
        "subject": "person",
        "export": {
            "through": "signing_slot",
            "on": {"request_id": "request_id", "slot": "position"},
        },
        "erased": {
            "kept": "what its portal may still fetch; what waited for the person has ended",
            "legal": "Law 20/2023/QH15 Art. 23; Circular 15/2025/TT-BKHCN Art. 5",
            "until": "30 days after the request ended",
        },
        "purpose": "a signature that is being confirmed",
        "retention": "until the signer's turn is over; with the request at the latest",
        "legal": "Law 20/2023/QH15 Art. 23",
        "legal_from": "2024-07-01",
    },
)

_c = signing_preparation.c
_KEY: Final = (_c.request_id == bindparam("id"), _c.slot == bindparam("at"))
_FIND: Final = select(signing_preparation).where(*_KEY)
_TAKE: Final = (
    update(signing_preparation)
    .where(
        *_KEY,
        _c.challenge == bindparam("confirmed"),
        _c.state == PreparationState.OPEN,
        _c.expires_ms > bindparam("now"),
    )
    .values(state=PreparationState.TAKEN, taken_ms=bindparam("now"))
)
_SIGN: Final = (
    update(signing_preparation)
    .where(*_KEY, _c.challenge == bindparam("confirmed"), _c.state == PreparationState.TAKEN)
    .values(
        state=PreparationState.SIGNED,
        signatures_sealed=bindparam("sealed"),
        finishing_ms=bindparam("until"),
    )
)
_PROLONG: Final = (
    update(signing_preparation)
    .where(*_KEY, _c.state == PreparationState.SIGNED)
    .values(finishing_ms=bindparam("until"))
)
_CLAIM: Final = _PROLONG.where(or_(_c.finishing_ms.is_(None), _c.finishing_ms <= bindparam("now")))
_IS_CONFIRMED: Final = _c.state.in_([PreparationState.TAKEN, PreparationState.SIGNED])
_STUCK: Final = (
    select(_c.request_id, _c.slot, _c.challenge)
    .where(_c.state == PreparationState.TAKEN, _c.taken_ms <= bindparam("until"))
    .order_by(_c.taken_ms)
    .limit(bindparam("at_most"))
)
_LOST: Final = (
    select(signing_slot.c.request_id, signing_slot.c.position)
    .join(signing_request, signing_request.c.request_id == signing_slot.c.request_id)
    .where(
        signing_request.c.state == RequestState.CONFIRMED,
        signing_slot.c.state == SlotState.CONFIRMED,
        ~select(_c.slot)
        .where(
            _c.request_id == signing_slot.c.request_id,
            _c.slot == signing_slot.c.position,
            _IS_CONFIRMED,
        )
        .exists(),
    )
    .limit(bindparam("at_most"))
)
_DELETE: Final = delete(signing_preparation).where(*_KEY).returning(_c.prepared_id)
_DELETE_OPEN: Final = _DELETE.where(_c.state == PreparationState.OPEN)
_DELETE_TAKEN: Final = _DELETE.where(
    _c.state == PreparationState.TAKEN, _c.challenge == bindparam("confirmed")
)
_HOW_FAR: Final = select(_c.state).where(*_KEY)
_CONFIRMED: Final = select(_c.state).where(*_KEY, _IS_CONFIRMED)
_DELETE_ALL: Final = (
    delete(signing_preparation).where(_c.request_id == bindparam("id")).returning(_c.prepared_id)
)


class PreparationTaken(Exception):
    """A confirmation of what was prepared before is under way: nothing takes its place."""


@dataclass(frozen=True, slots=True)
class Stuck:
    """A confirmation that came to nothing; `challenge` is None where nothing is left of it."""

    request_id: str
    slot: int
    challenge: bytes | None = field(default=None, repr=False)


def replace_preparation(
    tx: Transaction, preparation: Preparation, *, sealer: Sealer
) -> BlobId | None:
    """Keep a new preparation in the place of an older one that nobody has confirmed.

    Returns what the older one had prepared, which is to be dropped.
    Raises  PreparationTaken: somebody has.
    """
    key = {"id": preparation.request_id, "at": preparation.slot}
    dropped = None
    older = tx.connection.execute(_HOW_FAR, key).scalar_one_or_none()
    if older is not None:
        # whoever confirms holds the request as well, and what was open is still
        dropped = tx.connection.execute(_DELETE_OPEN, key).scalar_one_or_none()
        if dropped is None:
            raise PreparationTaken
    tx.connection.execute(
        insert(signing_preparation),
        {
            "request_id": preparation.request_id,
            "slot": preparation.slot,
            "challenge": preparation.challenge,
            "activation_sealed": _seal(sealer, preparation.activation, preparation, "activation"),
            "prepared_id": preparation.prepared_id,
            "state": PreparationState.OPEN,
            "created_ms": to_ms(preparation.created_at),
            "expires_ms": to_ms(preparation.expires_at),
        },
    )
    return None if dropped is None else BlobId(dropped)


def find_preparation(
    connection: Connection, request_id: str, slot: int, *, sealer: Sealer
) -> Preparation | None:
    """What that signer is about to confirm, or None.

    Raises  SealBroken.
    """
    row = connection.execute(_FIND, {"id": request_id, "at": slot}).one_or_none()
    return None if row is None else _preparation(row, sealer=sealer)


def open_preparation(
    request_id: str,
    slot: int,
    *,
    challenge: bytes,
    activation_sealed: bytes,
    prepared_id: str,
    created_ms: int,
    expires_ms: int,
    sealer: Sealer,
) -> Preparation:
    """One that is open, of columns that were read together with others.

    Raises  SealBroken.
    """
    return Preparation(
        request_id=request_id,
        slot=slot,
        challenge=challenge,
        activation=sealer.unseal(
            SealPurpose.DOCUMENT,
            activation_sealed,
            context=_context(request_id, slot, "activation"),
        ),
        prepared_id=BlobId(prepared_id),
        created_at=from_ms(created_ms),
        expires_at=from_ms(expires_ms),
    )


def take_preparation(
    tx: Transaction, request_id: str, slot: int, *, challenge: bytes, now: datetime
) -> bool:
    """Let one confirmation go on: whether it is this one.

    False: the window is closed, something else is prepared by now, or another one went on.
    """
    taken = tx.connection.execute(
        _TAKE, {"id": request_id, "at": slot, "confirmed": challenge, "now": to_ms(now)}
    )
    return taken.rowcount == 1


def keep_signatures(
    tx: Transaction,
    preparation: Preparation,
    *,
    signatures: bytes,
    until: datetime,
    sealer: Sealer,
) -> bool:
    """Keep what the signer gave for a preparation that was taken; whether it still is.

    Takes   until: when somebody else may finish it.
    """
    kept = tx.connection.execute(
        _SIGN,
        {
            "id": preparation.request_id,
            "at": preparation.slot,
            "confirmed": preparation.challenge,
            "sealed": _seal(sealer, signatures, preparation, "signatures"),
            "until": to_ms(until),
        },
    )
    return kept.rowcount == 1


def claim_finishing(
    tx: Transaction, request_id: str, slot: int, *, now: datetime, until: datetime
) -> bool:
    """Let one worker make the documents, until then; whether it is this one."""
    claimed = tx.connection.execute(
        _CLAIM, {"id": request_id, "at": slot, "now": to_ms(now), "until": to_ms(until)}
    )
    return claimed.rowcount == 1


def prolong_finishing(
    tx: Transaction, request_id: str, slot: int, *, until: datetime | None
) -> bool:
    """Let that worker go on until then (None: another may); whether anything is to be made."""
    prolonged = tx.connection.execute(
        _PROLONG,
        {"id": request_id, "at": slot, "until": None if until is None else to_ms(until)},
    )
    return prolonged.rowcount == 1


def read_stuck(
    connection: Connection, *, now: datetime, after: timedelta, limit: int = 100
) -> tuple[Stuck, ...]:
    """Confirmations that were taken that long ago and came to nothing, or of which nothing is left.

    A request is confirmed in the transaction in which its preparation is taken, and both end
    together: one without the other is found at once.
    """
    found = connection.execute(_STUCK, {"until": to_ms(now - after), "at_most": limit})
    stuck = [Stuck(row.request_id, row.slot, row.challenge) for row in found]
    lost = connection.execute(_LOST, {"at_most": limit})
    return (*stuck, *(Stuck(row.request_id, row.position) for row in lost))


def undo_taken(
    tx: Transaction, request_id: str, slot: int, *, challenge: bytes | None
) -> tuple[bool, BlobId | None]:
    """Forget a confirmation, and no other: whether it was there, and what is to be dropped.

    Takes   challenge: of the confirmation, which must not have got any further than the signer;
            None where nothing may be left of it.
    """
    key = {"id": request_id, "at": slot}
    if challenge is not None:
        gone = tx.connection.execute(
            _DELETE_TAKEN, {**key, "confirmed": challenge}
        ).scalar_one_or_none()
        return gone is not None, None if gone is None else BlobId(gone)
    return tx.connection.execute(_CONFIRMED, key).one_or_none() is None, None


def delete_preparations(tx: Transaction, request_id: str) -> tuple[BlobId, ...]:
    """Forget all of a request; returns what they had prepared, which is to be dropped."""
    gone = tx.connection.execute(_DELETE_ALL, {"id": request_id}).scalars()
    return tuple(BlobId(one) for one in gone)


def delete_preparation(tx: Transaction, request_id: str, slot: int) -> BlobId | None:
    """Forget it; returns what it had prepared, which is to be dropped."""
    gone = tx.connection.execute(_DELETE, {"id": request_id, "at": slot}).scalar_one_or_none()
    return None if gone is None else BlobId(gone)


def _seal(sealer: Sealer, plain: bytes, one: Preparation, part: str) -> bytes:
    return sealer.seal(
        SealPurpose.DOCUMENT, plain, context=_context(one.request_id, one.slot, part)
    )


def _context(request_id: str, slot: int, part: str) -> str:
    return f"signing_preparation:{request_id}:{slot}:{part}"


def _preparation(row: Row[Any], *, sealer: Sealer) -> Preparation:
    def unseal(sealed: bytes, part: str) -> bytes:
        context = _context(row.request_id, row.slot, part)
        return sealer.unseal(SealPurpose.DOCUMENT, sealed, context=context)

    sealed = row.signatures_sealed
    return Preparation(
        request_id=row.request_id,
        slot=row.slot,
        challenge=row.challenge,
        activation=unseal(row.activation_sealed, "activation"),
        prepared_id=BlobId(row.prepared_id),
        state=PreparationState(row.state),
        created_at=from_ms(row.created_ms),
        expires_at=from_ms(row.expires_ms),
        taken_at=None if row.taken_ms is None else from_ms(row.taken_ms),
        signatures=None if sealed is None else unseal(sealed, "signatures"),
    )
