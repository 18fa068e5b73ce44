"""Keys that rest and wake, in the signer's table: whose word suspended one, and whose ends it.

What lives here: two statements.  Not here: the table (`storage`), who may ask (`desk`, `service`).
"""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import ColumnElement, not_, or_, true, update

from keystore.clock import to_ms
from keystore.signer.model import HOLDER
from keystore.signer.storage import personal_key
from keystore.storage import Transaction


def suspend_row(transaction: Transaction, key_id: str, *, reason: str, at: datetime) -> bool:
    """Suspend a key; False when it is suspended already, or gone.

    What its holder suspended is suspended once more by whoever has another reason, and it is that
    one from then on: the holder's word alone does not end it any more.
    """
    column = personal_key.c
    rests = column.suspended_ms.is_not(None)
    changed = transaction.connection.execute(
        update(personal_key)
        .where(
            column.key_id == key_id,
            column.destroyed_ms.is_(None),
            not_(rests) if reason == HOLDER else or_(not_(rests), _of_holder()),
        )
        .values(suspended_ms=to_ms(at), suspended_reason=reason)
    )
    return changed.rowcount == 1


def resume_row(transaction: Transaction, key_id: str, *, is_by_holder: bool = False) -> bool:
    """Resume a key; False when it is not suspended, or gone.

    Takes   is_by_holder: only where the holder had suspended it.
    """
    column = personal_key.c
    changed = transaction.connection.execute(
        update(personal_key)
        .where(
            column.key_id == key_id,
            column.destroyed_ms.is_(None),
            column.suspended_ms.is_not(None),
            _of_holder() if is_by_holder else true(),
        )
        .values(suspended_ms=None, suspended_reason=None)
    )
    return changed.rowcount == 1


def _of_holder() -> ColumnElement[bool]:
    return personal_key.c.suspended_reason == HOLDER
