"""What a signer is about to confirm, in SQL: one row while the window is open.

What lives here: one table and the statements on it.  A preparation goes one way: open, taken (its
confirmation is with the signer), signed (the signatures are here).  Each step is one statement that
compares and sets, so that of two confirmations one goes on.  What was prepared lies in the row
itself where it is small, sealed like everything else that waits, and in a file where it is not.
Whoever writes holds the request (`signing.storage.requests.lock_request`), or does it in one
statement that holds it (`open_window`) or that needs nothing of it (`finishing.keep_signatures`).
Not here: the signatures and who finishes (`finishing`), what is prepared and who may confirm
(`signing/authorize.py`).
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
    String,
    Table,
    bindparam,
    delete,
    func,
    insert,
    literal,
    select,
    update,
)
from sqlalchemy.dialects import postgresql, sqlite

from keystore.clock import from_ms, to_ms
from keystore.purposes import SealPurpose
from keystore.sealing import Sealer
from keystore.statement import Statement
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

    `activation`: the encoded activation, whose hash is `challenge`; `work`: what the formats
    prepared, encoded, where it lies in the row and was asked for; `prepared_id`: the same as a
    document at rest, where it lies in a file; `signatures`: encoded, once they are here.
    """

    request_id: str
    slot: int
    challenge: bytes = field(repr=False)
    activation: bytes = field(repr=False)
    work: bytes | None = field(default=None, repr=False)
    prepared_id: BlobId | None = None
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
    Column("prepared_sealed", LargeBinary, info=_UNDER_WAY),
    Column("closes_ms", BigInteger, info=_NONE),
    Column("left_ms", BigInteger, info=_NONE),
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
CLOSES: Final = func.coalesce(_c.closes_ms, _c.expires_ms, type_=BigInteger)
"""When a window closes.  One whose preparation lies in its row has no `expires_ms`: to a worker of
the version before, which would look for a file, it is closed."""
_NOW: Final = bindparam("now", type_=BigInteger)
_KEY: Final = (_c.request_id == bindparam("id"), _c.slot == bindparam("at"))
_FIND: Final = Statement(select(signing_preparation).where(*_KEY))
_TURN: Final = (
    select(
        signing_request.c.request_id,
        signing_slot.c.position,
        *(
            bindparam(name, type_=_c[name].type)
            for name in ("challenge", "activation_sealed", "prepared_sealed")
        ),
        literal("", String).label("prepared_id"),
        literal(PreparationState.OPEN, String).label("state"),
        bindparam("created_ms", type_=BigInteger),
        bindparam("expires_ms", type_=BigInteger),
        bindparam("closes_ms", type_=BigInteger),
    )
    .join(signing_slot, signing_slot.c.request_id == signing_request.c.request_id)
    .where(
        signing_request.c.request_id == bindparam("id"),
        signing_request.c.state == RequestState.WAITING,
        signing_request.c.expires_ms > bindparam("now"),
        signing_slot.c.position == bindparam("at"),
        signing_slot.c.state == SlotState.WAITING,
    )
    .with_for_update(key_share=True)
)
"""The turn of one signer while it is hers, held, with what she may confirm beside it."""
_COLUMNS: Final = (
    *("request_id", "slot", "challenge", "activation_sealed", "prepared_sealed"),
    *("prepared_id", "state", "created_ms", "expires_ms", "closes_ms"),
)


def _open(insert_of: Any) -> Any:
    """Put a window where none is, or in the place of an open one that left no file."""
    new = insert_of(signing_preparation).from_select(_COLUMNS, _TURN)
    return new.on_conflict_do_update(
        index_elements=[_c.request_id, _c.slot],
        set_={name: new.excluded[name] for name in _COLUMNS[2:]},
        where=(_c.state == PreparationState.OPEN) & (_c.prepared_id == ""),
    ).returning(_c.slot)


_OPEN: Final = {
    "postgresql": Statement(_open(postgresql.insert)),
    "sqlite": Statement(_open(sqlite.insert)),
}
_TAKE: Final = Statement(
    update(signing_preparation)
    .where(
        *_KEY,
        _c.challenge == bindparam("confirmed"),
        _c.state == PreparationState.OPEN,
        CLOSES > _NOW,
    )
    .values(state=PreparationState.TAKEN, taken_ms=_NOW)
    .returning(_c.prepared_id, _c.prepared_sealed)
)
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
_DELETE_ONE: Final = Statement(_DELETE)
_DELETE_OPEN: Final = Statement(_DELETE.where(_c.state == PreparationState.OPEN))
_DELETE_TAKEN: Final = Statement(
    _DELETE.where(_c.state == PreparationState.TAKEN, _c.challenge == bindparam("confirmed"))
)
_HOW_FAR: Final = Statement(select(_c.state).where(*_KEY))
_CONFIRMED: Final = Statement(select(_c.state).where(*_KEY, _IS_CONFIRMED))
_DELETE_ALL: Final = (
    delete(signing_preparation).where(_c.request_id == bindparam("id")).returning(_c.prepared_id)
)


class PreparationTaken(Exception):
    """A confirmation of what was prepared before is under way: nothing takes its place."""


@dataclass(frozen=True, slots=True)
class Prepared:
    """What was prepared: encoded where it lay in the row, else the id of the document at rest."""

    work: bytes | None = field(repr=False)
    blob_id: BlobId | None


@dataclass(frozen=True, slots=True)
class Stuck:
    """A confirmation that came to nothing; `challenge` is None where nothing is left of it."""

    request_id: str
    slot: int
    challenge: bytes | None = field(default=None, repr=False)


def open_window(
    connection: Connection, preparation: Preparation, *, sealer: Sealer, now: datetime
) -> bool:
    """Keep a new preparation, without a file, of a signer whose turn it is at this moment.

    One statement, with a transaction or without: on PostgreSQL it holds request and turn, so that
    what waits for a confirmation, a refusal or an end sees what became of them.
    False: it is not her turn, somebody has confirmed, or an older one has a file that is to be
    dropped; `check_turn` and `replace_preparation` tell which.
    """
    opened = _OPEN[connection.dialect.name].scalar_or_none(
        connection,
        {
            **_values(preparation, sealer=sealer),
            "id": preparation.request_id,
            "at": preparation.slot,
            "now": to_ms(now),
        },
    )
    return opened is not None


def replace_preparation(
    tx: Transaction, preparation: Preparation, *, sealer: Sealer
) -> BlobId | None:
    """Keep a new preparation in the place of an older one that nobody has confirmed.

    Returns what the older one had prepared, which is to be dropped.
    Raises  PreparationTaken: somebody has.
    """
    key = {"id": preparation.request_id, "at": preparation.slot}
    dropped = None
    older = _HOW_FAR.scalar_or_none(tx.connection, key)
    if older is not None:
        # whoever confirms holds the request as well, and what was open is still
        dropped = _DELETE_OPEN.scalar_or_none(tx.connection, key)
        if dropped is None:
            raise PreparationTaken
    tx.connection.execute(
        insert(signing_preparation),
        {
            **_values(preparation, sealer=sealer),
            "request_id": preparation.request_id,
            "slot": preparation.slot,
            "prepared_id": preparation.prepared_id or "",
            "state": PreparationState.OPEN,
        },
    )
    return _blob_id(dropped)


def find_preparation(
    connection: Connection, request_id: str, slot: int, *, sealer: Sealer
) -> Preparation | None:
    """What that signer is about to confirm, or None.

    Raises  SealBroken.
    """
    row = _FIND.one_or_none(connection, {"id": request_id, "at": slot})
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
        activation=_unseal(sealer, activation_sealed, _context(request_id, slot, "activation")),
        prepared_id=_blob_id(prepared_id),
        created_at=from_ms(created_ms),
        expires_at=from_ms(expires_ms),
    )


def take_preparation(
    tx: Transaction,
    request_id: str,
    slot: int,
    *,
    challenge: bytes,
    sealer: Sealer,
    now: datetime,
) -> Prepared | None:
    """Let one confirmation go on: what was prepared for it, where it is this one.

    None: the window is closed, something else is prepared by now, or another one went on.
    Raises  SealBroken.
    """
    row = _TAKE.one_or_none(
        tx.connection,
        {"id": request_id, "at": slot, "confirmed": challenge, "now": to_ms(now)},
    )
    if row is None:
        return None
    work = row.prepared_sealed
    if work is not None:
        work = _unseal(sealer, work, _context(request_id, slot, "prepared"))
    return Prepared(work, _blob_id(row.prepared_id))


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
        gone = _DELETE_TAKEN.scalar_or_none(tx.connection, {**key, "confirmed": challenge})
        return gone is not None, _blob_id(gone)
    return _CONFIRMED.one_or_none(tx.connection, key) is None, None


def delete_preparations(tx: Transaction, request_id: str) -> tuple[BlobId, ...]:
    """Forget all of a request; returns what they had prepared, which is to be dropped."""
    gone = tx.connection.execute(_DELETE_ALL, {"id": request_id}).scalars()
    return tuple(BlobId(one) for one in gone if one)


def delete_preparation(tx: Transaction, request_id: str, slot: int) -> BlobId | None:
    """Forget it; returns what it had prepared, which is to be dropped."""
    gone = _DELETE_ONE.scalar_or_none(tx.connection, {"id": request_id, "at": slot})
    return _blob_id(gone)


def _blob_id(stored: str | None) -> BlobId | None:
    return BlobId(stored) if stored else None


def _values(preparation: Preparation, *, sealer: Sealer) -> dict[str, Any]:
    work = preparation.work
    return {
        "challenge": preparation.challenge,
        "activation_sealed": seal_part(sealer, preparation.activation, preparation, "activation"),
        "prepared_sealed": None
        if work is None
        else seal_part(sealer, work, preparation, "prepared"),
        "created_ms": to_ms(preparation.created_at),
        "expires_ms": to_ms(preparation.expires_at) if work is None else 0,
        "closes_ms": None if work is None else to_ms(preparation.expires_at),
    }


def seal_part(sealer: Sealer, plain: bytes, one: Preparation, part: str) -> bytes:
    """A part of a preparation, sealed at rest."""
    return sealer.seal(
        SealPurpose.DOCUMENT, plain, context=_context(one.request_id, one.slot, part)
    )


def _context(request_id: str, slot: int, part: str) -> str:
    return f"signing_preparation:{request_id}:{slot}:{part}"


def _unseal(sealer: Sealer, sealed: bytes, context: str) -> bytes:
    return sealer.unseal(SealPurpose.DOCUMENT, sealed, context=context)


def _preparation(row: Any, *, sealer: Sealer) -> Preparation:
    def unseal(sealed: bytes | None, part: str) -> bytes | None:
        context = _context(row.request_id, row.slot, part)
        return None if sealed is None else _unseal(sealer, sealed, context)

    return Preparation(
        request_id=row.request_id,
        slot=row.slot,
        challenge=row.challenge,
        activation=unseal(row.activation_sealed, "activation") or b"",
        work=unseal(row.prepared_sealed, "prepared"),
        prepared_id=_blob_id(row.prepared_id),
        state=PreparationState(row.state),
        created_at=from_ms(row.created_ms),
        expires_at=from_ms(row.expires_ms if row.closes_ms is None else row.closes_ms),
        taken_at=None if row.taken_ms is None else from_ms(row.taken_ms),
        signatures=unseal(row.signatures_sealed, "signatures"),
    )
