"""The table of the purpose keys, each wrapped under a root key.

What lives here: SQL, and what a wrapped key is bound to.  Not here: opening and using the keys
(`keystore/sealing.py`), wrapping them anew (`keystore/kek_rotation.py`).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import Final

from sqlalchemy import (
    BigInteger,
    Column,
    Connection,
    Integer,
    LargeBinary,
    String,
    Table,
    insert,
    select,
    update,
)

from keystore.clock import to_ms
from keystore.root_keys import Scope
from keystore.storage import Transaction, metadata

purpose_key = Table(
    "purpose_key",
    metadata,
    Column("purpose", String(64), primary_key=True, info={"data": "none"}),
    Column("version", Integer, primary_key=True, autoincrement=False, info={"data": "none"}),
    Column("wrapped", LargeBinary, nullable=False, info={"data": "secret"}),
    Column("created_ms", BigInteger, nullable=False, info={"data": "none"}),
    info={
        "subject": "none",
        "purpose": "keys that seal records at rest, each wrapped under the root key",
        "retention": "as long as anything sealed under the key is kept",
        "legal": "Law 91/2025/QH15 (protection of personal data)",
        "legal_from": "2026-01-01",
    },
)

_ALL: Final = select(purpose_key.c.purpose, purpose_key.c.version, purpose_key.c.wrapped).order_by(
    purpose_key.c.purpose, purpose_key.c.version
)


@dataclass(frozen=True, slots=True)
class StoredPurposeKey:
    """One purpose key as stored; `purpose` without its scope."""

    purpose: str
    version: int
    wrapped: bytes = field(repr=False)

    @property
    def name(self) -> str:
        """What operators see."""
        return f"{self.purpose}/{self.version}"

    def context(self, scope: Scope) -> str:
        """What the wrapped key is bound to."""
        return purpose_key_context(self.purpose, version=self.version, scope=scope)


def purpose_key_context(purpose: str, *, version: int, scope: Scope) -> str:
    """What a wrapped purpose key is bound to: its row."""
    return f"{_prefix(scope)}{purpose}/{version}"


def read_purpose_keys(connection: Connection, *, scope: Scope) -> tuple[StoredPurposeKey, ...]:
    """Every purpose key of a scope, by purpose and version."""
    prefixes = {other: _prefix(other) for other in Scope if _prefix(other)}
    found = []
    for row in connection.execute(_ALL):
        of = next((one for one, begin in prefixes.items() if row[0].startswith(begin)), None)
        if (of or Scope.SERVICE) is scope:
            found.append(StoredPurposeKey(row[0].removeprefix(_prefix(scope)), row[1], row[2]))
    return tuple(found)


def insert_purpose_key(
    tx: Transaction, made: StoredPurposeKey, *, scope: Scope, now: datetime
) -> None:
    """Store a new purpose key."""
    row = {
        "purpose": _prefix(scope) + made.purpose,
        "version": made.version,
        "wrapped": made.wrapped,
        "created_ms": to_ms(now),
    }
    tx.connection.execute(insert(purpose_key), row)


def replace_wrapped_purpose_key(
    tx: Transaction, one: StoredPurposeKey, *, scope: Scope, wrapped: bytes
) -> bool:
    """Put the same key in another wrapping; False when the row is no longer what was read."""
    changed = tx.connection.execute(
        update(purpose_key)
        .where(
            purpose_key.c.purpose == _prefix(scope) + one.purpose,
            purpose_key.c.version == one.version,
            purpose_key.c.wrapped == one.wrapped,
        )
        .values(wrapped=wrapped)
    )
    return changed.rowcount == 1


def _prefix(scope: Scope) -> str:
    return "" if scope is Scope.SERVICE else f"{scope}:"
