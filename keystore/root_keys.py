"""Which root key wraps: the table that says so, for every process of every host.

What lives here: SQL.  Operators hand out root keys as files, variables or hardware modules; which
of them wraps from when on is written here, in one row, so that hosts whose files differ, or were
changed one after the other, never wrap under different keys.  A row holds the id of a root key and
nothing of the key.  A root key is `current`, then `leaving` (something may be under it still), then
`left` (nothing is; it may be destroyed).  Not here: the keys (`keystore/kek.py`), going from one to
the next (`keystore/kek_rotation.py`).
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Final

from sqlalchemy import (
    BigInteger,
    Column,
    Connection,
    Index,
    String,
    Table,
    bindparam,
    insert,
    select,
    update,
)

from keystore.clock import from_ms, to_ms
from keystore.kek import KekRing
from keystore.storage import Transaction, lock_until_commit, metadata

root_key = Table(
    "root_key",
    metadata,
    Column("scope", String(16), primary_key=True, info={"data": "none"}),
    Column("kek_id", String(16), primary_key=True, info={"data": "none"}),
    Column("current_from_ms", BigInteger, nullable=False, info={"data": "none"}),
    Column("leaving_from_ms", BigInteger, info={"data": "none"}),
    Column("left_ms", BigInteger, info={"data": "none"}),
    info={
        "subject": "none",
        "purpose": "ids of root keys: which one wraps, and which may be destroyed",
        "retention": "as long as the database",
        "legal": "Law 20/2023/QH15 on electronic transactions",
        "legal_from": "2024-07-01",
    },
)
Index(
    "uq_root_key_current",
    root_key.c.scope,
    unique=True,
    sqlite_where=root_key.c.leaving_from_ms.is_(None),
    postgresql_where=root_key.c.leaving_from_ms.is_(None),
)


class Scope(StrEnum):
    """What stands under a root key; each has one of its own."""

    SERVICE = "service"
    """The purpose keys, which every process of the service holds."""
    PERSONAL = "personal"
    """Personal signing keys, which `antin signer` alone opens."""


@dataclass(frozen=True, slots=True)
class RootKeyRecord:
    """One root key as stored."""

    kek_id: str
    current_from: datetime
    leaving_from: datetime | None
    left_at: datetime | None

    @property
    def is_current(self) -> bool:
        """Whether it wraps."""
        return self.leaving_from is None

    @property
    def is_leaving(self) -> bool:
        """Whether something may be under it that is to be wrapped anew."""
        return self.leaving_from is not None and self.left_at is None


_OF_SCOPE: Final = root_key.c.scope == bindparam("of_scope")
_CURRENT: Final = select(root_key.c.kek_id).where(_OF_SCOPE, root_key.c.leaving_from_ms.is_(None))
_CURRENT_SHARED: Final = _CURRENT.with_for_update(read=True)
_ALL: Final = select(root_key).where(_OF_SCOPE).order_by(root_key.c.current_from_ms)
_ONE: Final = root_key.c.kek_id == bindparam("of_kek")


def find_current_kek(connection: Connection, *, scope: Scope) -> str | None:
    """The id of the root key that wraps; None in a database that has none yet."""
    return connection.execute(_CURRENT, {"of_scope": scope}).scalar_one_or_none()


def read_root_keys(connection: Connection, *, scope: Scope) -> tuple[RootKeyRecord, ...]:
    """Every root key there ever was, in the order in which they began to wrap."""
    return tuple(
        RootKeyRecord(
            row.kek_id,
            from_ms(row.current_from_ms),
            None if row.leaving_from_ms is None else from_ms(row.leaving_from_ms),
            None if row.left_ms is None else from_ms(row.left_ms),
        )
        for row in connection.execute(_ALL, {"of_scope": scope})
    )


def follow_current_kek(tx: Transaction, *, scope: Scope, ring: KekRing, now: datetime) -> None:
    """Make the ring wrap with what the database says, until the transaction ends.

    Whoever stores something new that is wrapped calls this first, in the transaction that stores
    it: a rotation cannot begin in between.  The first to do so in a database settles its root key.
    Raises  KekInvalid("not_given") when the operator did not give us that root key.
    """
    # shared: those who store do not wait for each other, only for a rotation that begins
    current = tx.connection.execute(_CURRENT_SHARED, {"of_scope": scope}).scalar_one_or_none()
    if current is None:  # the first ever, or a rotation has just begun
        lock_until_commit(tx, name=f"root_key:{scope}")
        current = find_current_kek(tx.connection, scope=scope)
    if current is None:
        tx.connection.execute(
            insert(root_key),
            {"scope": scope, "kek_id": ring.kek_id, "current_from_ms": to_ms(now)},
        )
    else:
        ring.use(current)


def change_current_kek(tx: Transaction, *, scope: Scope, kek_id: str, now: datetime) -> None:
    """Let another root key wrap from now on; the one before is `leaving`."""
    lock_until_commit(tx, name=f"root_key:{scope}")
    at, key = to_ms(now), {"of_scope": scope, "of_kek": kek_id}
    tx.connection.execute(
        update(root_key)
        .where(_OF_SCOPE, root_key.c.leaving_from_ms.is_(None))
        .values(leaving_from_ms=at),
        {"of_scope": scope},
    )
    again = tx.connection.execute(
        update(root_key)
        .where(_OF_SCOPE, _ONE)
        .values(current_from_ms=at, leaving_from_ms=None, left_ms=None),
        key,
    )
    if again.rowcount == 0:
        tx.connection.execute(
            insert(root_key), {"scope": scope, "kek_id": kek_id, "current_from_ms": at}
        )


def mark_left(tx: Transaction, *, scope: Scope, kek_id: str, now: datetime) -> None:
    """Nothing is under this root key any more."""
    tx.connection.execute(
        update(root_key).where(_OF_SCOPE, _ONE).values(left_ms=to_ms(now)),
        {"of_scope": scope, "of_kek": kek_id},
    )
