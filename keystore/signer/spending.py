"""Confirmations that were spent, and what passkeys count, in SQL.

What lives here: the statements with which a confirmation activates a key once among all signers of
a deployment.  What one signer has spent it remembers by itself as well (`spent`).
Not here: the tables (`storage`), in which order what happens (`service`).
"""

from __future__ import annotations

from datetime import datetime
from typing import Final

from sqlalchemy import BigInteger, String, bindparam, delete, insert, select, update
from sqlalchemy.exc import IntegrityError

from keystore.clock import to_ms
from keystore.signer.storage import personal_key, personal_key_counter, spent_activation
from keystore.statement import Statement
from keystore.storage import Transaction
from keystore.strongroom.memory import KEEP_SPENT

_PURGE_BATCH: Final = 500
_KEY: Final = bindparam("key_id", type_=String)
_SPEND: Final = Statement(insert(spent_activation))
_SPENT: Final = (
    bindparam("activation", type_=String),
    bindparam("spent_ms", type_=BigInteger),
    bindparam("expires_ms", type_=BigInteger),
)
_SPEND_OF_USABLE: Final = Statement(
    insert(spent_activation)
    .from_select(
        ("activation", "key_id", "spent_ms", "expires_ms"),
        select(_SPENT[0], personal_key.c.key_id, *_SPENT[1:]).where(
            personal_key.c.key_id == _KEY,
            personal_key.c.wrapped.is_not(None),
            personal_key.c.destroyed_ms.is_(None),
            personal_key.c.suspended_ms.is_(None),
        ),
    )
    .inline()
)
_RAISE: Final = Statement(
    update(personal_key_counter)
    .where(
        personal_key_counter.c.key_id == _KEY,
        personal_key_counter.c.credential_sha256 == bindparam("credential_sha256"),
        personal_key_counter.c.sign_count < bindparam("shown"),
    )
    .values(sign_count=bindparam("count", type_=BigInteger))
)


def spend_activation(
    transaction: Transaction, activation: str, *, key_id: str, expires_at: datetime, now: datetime
) -> bool:
    """Spend an activation, once among all processes; False when it was spent before.

    Takes   activation: its hash, hexadecimal.  After False the transaction must be given up.
    """
    try:
        _SPEND.count(
            transaction.connection,
            {
                "activation": activation,
                "key_id": key_id,
                "spent_ms": to_ms(now),
                "expires_ms": to_ms(expires_at),
            },
        )
    except IntegrityError:
        return False
    return True


def spend_if_usable(
    transaction: Transaction, activation: str, *, key_id: str, expires_at: datetime, now: datetime
) -> bool | None:
    """The same while the key may sign, in one statement; None when it may not.

    It may where it is wrapped, and neither suspended nor destroyed.
    """
    try:
        added = _SPEND_OF_USABLE.count(
            transaction.connection,
            {
                "activation": activation,
                "key_id": key_id,
                "spent_ms": to_ms(now),
                "expires_ms": to_ms(expires_at),
            },
        )
    except IntegrityError:
        return False
    return True if added == 1 else None


def raise_sign_count(
    transaction: Transaction, *, key_id: str, credential_sha256: str, sign_count: int
) -> bool:
    """Note a higher count; False when another use has noted this one, or a higher one, before.

    A passkey that does not count says 0 each time.
    """
    if sign_count == 0:
        return True
    changed = _RAISE.count(
        transaction.connection,
        {
            "key_id": key_id,
            "credential_sha256": credential_sha256,
            "shown": sign_count,
            "count": sign_count,
        },
    )
    return changed == 1


def purge_spent(transaction: Transaction, *, now: datetime) -> int:
    """Forget activations that expired more than a day ago, a batch at a time; returns how many."""
    old = (
        select(spent_activation.c.activation)
        .where(spent_activation.c.expires_ms < to_ms(now - KEEP_SPENT))
        .limit(_PURGE_BATCH)
    )
    purged = transaction.connection.execute(
        delete(spent_activation).where(spent_activation.c.activation.in_(old))
    )
    return purged.rowcount
