"""The signatures of a turn and who finishes it, in SQL: columns of its preparation.

What lives here: the statements on `signing_preparation` from the moment the signer has answered.
One worker at a time makes the documents, by a claim that runs out; whoever took the confirmation
has the first one.  A turn is left to deferred work once, when that worker cannot finish it, or has
been gone for as long as its claim; and again where deferred work has lost it.
Not here: the window and its confirmation (`preparations`), what was made so far (`halves`).
"""

from __future__ import annotations

from datetime import datetime
from typing import Final

from sqlalchemy import BigInteger, Connection, bindparam, delete, or_, select, update

from keystore.clock import to_ms
from keystore.sealing import Sealer
from keystore.statement import Statement
from keystore.storage import Transaction
from signing.model import BlobId
from signing.storage.preparations import (
    Preparation,
    PreparationState,
    seal_part,
    signing_preparation,
)

_c = signing_preparation.c
_NOW: Final = bindparam("now", type_=BigInteger)
_KEY: Final = (_c.request_id == bindparam("id"), _c.slot == bindparam("at"))
_SIGN: Final = Statement(
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
_PROLONG_IT: Final = Statement(_PROLONG)
_IS_CLAIM_OVER: Final = or_(_c.finishing_ms.is_(None), _c.finishing_ms <= _NOW)
_CLAIM: Final = Statement(_PROLONG.where(_IS_CLAIM_OVER))
_LEAVE: Final = (
    update(signing_preparation)
    .where(*_KEY, _c.state == PreparationState.SIGNED)
    .values(finishing_ms=None, left_ms=_NOW)
)
_LEAVE_NOW: Final = Statement(_LEAVE.where(_c.left_ms.is_(None)))
_IS_ABANDONED: Final = (
    _c.state == PreparationState.SIGNED,
    _IS_CLAIM_OVER,
    or_(_c.left_ms.is_(None), _c.left_ms <= bindparam("lost", type_=BigInteger)),
)
_LEAVE_LATE: Final = Statement(_LEAVE.where(*_IS_ABANDONED))
_UNFINISHED: Final = (
    select(_c.request_id, _c.slot).where(*_IS_ABANDONED).limit(bindparam("at_most"))
)
_DELETE_CLAIMED: Final = Statement(
    delete(signing_preparation)
    .where(*_KEY, _c.state == PreparationState.SIGNED, _c.finishing_ms == bindparam("claim"))
    .returning(_c.prepared_id)
)


def keep_signatures(
    connection: Connection,
    preparation: Preparation,
    *,
    signatures: bytes,
    until: datetime,
    sealer: Sealer,
) -> bool:
    """Keep what the signer gave for a preparation that was taken; whether it still is.

    One statement, which needs no other: it compares, and what it keeps goes with the row.
    Takes   until: when somebody else may finish it.
    """
    kept = _SIGN.count(
        connection,
        {
            "id": preparation.request_id,
            "at": preparation.slot,
            "confirmed": preparation.challenge,
            "sealed": seal_part(sealer, signatures, preparation, "signatures"),
            "until": to_ms(until),
        },
    )
    return kept == 1


def claim_finishing(
    connection: Connection, request_id: str, slot: int, *, now: datetime, until: datetime
) -> bool:
    """Let one worker make the documents, until then; whether it is this one."""
    claimed = _CLAIM.count(
        connection, {"id": request_id, "at": slot, "now": to_ms(now), "until": to_ms(until)}
    )
    return claimed == 1


def prolong_finishing(
    tx: Transaction, request_id: str, slot: int, *, until: datetime | None
) -> bool:
    """Let that worker go on until then (None: another may); whether anything is to be made."""
    prolonged = _PROLONG_IT.count(
        tx.connection,
        {"id": request_id, "at": slot, "until": None if until is None else to_ms(until)},
    )
    return prolonged == 1


def leave_finishing(tx: Transaction, request_id: str, slot: int, *, now: datetime) -> bool:
    """Leave it to deferred work, and let anybody claim it; whether it was not left before."""
    return _LEAVE_NOW.count(tx.connection, {"id": request_id, "at": slot, "now": to_ms(now)}) == 1


def leave_abandoned(
    tx: Transaction, request_id: str, slot: int, *, now: datetime, lost_since: datetime
) -> bool:
    """The same where it is one of `read_unfinished`; whether it still is."""
    key = {"id": request_id, "at": slot, "now": to_ms(now), "lost": to_ms(lost_since)}
    return _LEAVE_LATE.count(tx.connection, key) == 1


def read_unfinished(
    connection: Connection, *, now: datetime, lost_since: datetime, limit: int = 100
) -> tuple[tuple[str, int], ...]:
    """Turns with signatures that nobody finishes any more.

    Takes   lost_since: what was left to deferred work by then is lost there: it is either done
            sooner, or ends the request.
    """
    given = {"now": to_ms(now), "lost": to_ms(lost_since), "at_most": limit}
    found = connection.execute(_UNFINISHED, given)
    return tuple((row.request_id, row.slot) for row in found)


def delete_claimed(
    tx: Transaction, request_id: str, slot: int, *, claim: datetime
) -> tuple[bool, BlobId | None]:
    """Forget it while that claim to finish it holds: whether it did, and what is to be dropped.

    Nobody else has made anything of it then.
    """
    key = {"id": request_id, "at": slot}
    gone = _DELETE_CLAIMED.scalar_or_none(tx.connection, {**key, "claim": to_ms(claim)})
    return gone is not None, BlobId(gone) if gone else None
