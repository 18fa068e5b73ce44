"""Recovery codes in SQL, as keyed hashes.

What lives here: one table.  A code is a row until it is used; using it deletes the row, so that of
any number of uses at once one counts.
Not here: what a used code does to the account (`idp/accounts/recovery_codes.py`).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final

from sqlalchemy import (
    BigInteger,
    Column,
    Connection,
    ForeignKey,
    Index,
    LargeBinary,
    String,
    Table,
    bindparam,
    delete,
    insert,
    select,
)

from idp.storage.accounts import AccountRow
from idp.storage.database import Transaction, metadata
from idp.storage.declared import NONE, SECRET, holds
from keystore.clock import from_ms, to_ms
from keystore.statement import Statement

recovery_code = Table(
    "recovery_code",
    metadata,
    Column("code_id", String(40), primary_key=True, info=NONE),
    Column("account_key", ForeignKey("account.account_key"), nullable=False, info=NONE),
    Column("code_mac", LargeBinary(32), nullable=False, info=SECRET),
    Column("made_ms", BigInteger, nullable=False, info=NONE),
    Index("ix_recovery_code_account", "account_key"),
    info=holds(
        "person",
        purpose="coming back without the second factor",
        retention="until_used_or_erased",
        legal="NĐ 356/2025/NĐ-CP Art. 4(1)(i)",
        legal_from="2026-01-01",
    ),
)

_OF_ACCOUNT: Final = Statement(
    select(recovery_code).where(recovery_code.c.account_key == bindparam("key"))
)
_INSERT: Final = insert(recovery_code)
_CONSUME: Final = Statement(
    delete(recovery_code).where(recovery_code.c.code_id == bindparam("one"))
)
_DROP_ALL: Final = Statement(
    delete(recovery_code).where(recovery_code.c.account_key == bindparam("key"))
)


@dataclass(frozen=True, slots=True)
class StoredCode:
    """That a code was given out; `code_mac` is a keyed hash of it, 32 bytes."""

    code_id: str
    code_mac: bytes = field(repr=False)
    made_at: datetime


def list_recovery_codes(connection: Connection, row: AccountRow) -> tuple[StoredCode, ...]:
    """The codes of an account that were not used."""
    return tuple(
        StoredCode(one.code_id, one.code_mac, from_ms(one.made_ms))
        for one in _OF_ACCOUNT.all(connection, {"key": row.account_key})
    )


def replace_recovery_codes(tx: Transaction, row: AccountRow, new: Sequence[StoredCode]) -> int:
    """Make these the only ones of the account; how many there were before."""
    before = _DROP_ALL.count(tx.connection, {"key": row.account_key})
    if new:
        tx.connection.execute(
            _INSERT,
            [
                {
                    "code_id": one.code_id,
                    "account_key": row.account_key,
                    "code_mac": one.code_mac,
                    "made_ms": to_ms(one.made_at),
                }
                for one in new
            ],
        )
    return before


def consume_recovery_code(tx: Transaction, code_id: str) -> bool:
    """Spend a code; True for the one transaction that does."""
    return _CONSUME.count(tx.connection, {"one": code_id}) == 1
