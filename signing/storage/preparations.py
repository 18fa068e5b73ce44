"""What a signer is about to confirm, in SQL: one row while the window is open.

What lives here: one table and the statements on it.  A preparation goes one way: open, taken (its
confirmation is with the signer), signed (the signatures are here).  Each step is one statement that
compares and sets, so that of two confirmations one goes on.
Not here: what is prepared (`signing/prepare.py`), who may confirm (`signing/authorize.py`).
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
    select,
    update,
)

from keystore.clock import from_ms, to_ms
from keystore.purposes import SealPurpose
from keystore.sealing import Sealer
from keystore.storage import Transaction
from signing.model import BlobId
from signing.storage import metadata

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
    Column("activation_sealed", LargeBinary, nullable=False, info={"data": "basic"}),
    Column("prepared_id", String(40), nullable=False, info=_NONE),
    Column("state", String(8), nullable=False, info=_NONE),
    Column("created_ms", BigInteger, nullable=False, info=_NONE),
    Column("expires_ms", BigInteger, nullable=False, info=_NONE),
    Column("taken_ms", BigInteger, info=_NONE),
    Column("signatures_sealed", LargeBinary, info={"data": "basic"}),
    Index("ix_signing_preparation_taken", "state", "taken_ms"),
    info={
        "subject": "person",
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
    .values(state=PreparationState.SIGNED, signatures_sealed=bindparam("sealed"))
)
_STUCK: Final = (
    select(_c.request_id, _c.slot)
    .where(_c.state == PreparationState.TAKEN, _c.taken_ms <= bindparam("until"))
    .order_by(_c.taken_ms)
    .limit(bindparam("at_most"))
)
_DELETE: Final = delete(signing_preparation).where(*_KEY).returning(_c.prepared_id)


def replace_preparation(
    tx: Transaction, preparation: Preparation, *, sealer: Sealer
) -> BlobId | None:
    """Keep a new preparation in the place of an older one that nobody has confirmed.

    Returns what the older one had prepared, which is to be dropped.
    Raises  ValueError when the older one is taken: a confirmation is under way.
    """
    found = find_preparation(tx.connection, preparation.request_id, preparation.slot, sealer=sealer)
    if found is not None and found.state is not PreparationState.OPEN:
        raise ValueError("taken")
    dropped = delete_preparation(tx, preparation.request_id, preparation.slot)
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
    return dropped


def find_preparation(
    connection: Connection, request_id: str, slot: int, *, sealer: Sealer
) -> Preparation | None:
    """What that signer is about to confirm, or None.

    Raises  SealBroken.
    """
    row = connection.execute(_FIND, {"id": request_id, "at": slot}).one_or_none()
    return None if row is None else _preparation(row, sealer=sealer)


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
    sealer: Sealer,
) -> bool:
    """Keep what the signer gave for a preparation that was taken; whether it still is."""
    kept = tx.connection.execute(
        _SIGN,
        {
            "id": preparation.request_id,
            "at": preparation.slot,
            "confirmed": preparation.challenge,
            "sealed": _seal(sealer, signatures, preparation, "signatures"),
        },
    )
    return kept.rowcount == 1


def read_stuck(
    connection: Connection, *, now: datetime, after: timedelta, limit: int = 100
) -> tuple[tuple[str, int], ...]:
    """Preparations (request and slot) that were taken that long ago and came to nothing."""
    found = connection.execute(_STUCK, {"until": to_ms(now - after), "at_most": limit})
    return tuple((row.request_id, row.slot) for row in found)


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
