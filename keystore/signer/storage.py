"""The tables of the signer: personal keys as they are wrapped, and activations that were spent.

What lives here: SQL.  Nothing that stands in these rows is believed because it stands there: the
policy is bound to the wrapped key, and what was spent is remembered by the signer itself as well.
A change of the root key goes through `find_left`, `replace_wrapped` and `count_by_kek`; the bytes
of a row are replaced only while they are what was read, so that a key destroyed meanwhile stays
destroyed.  Not here: who may sign (`service`), key material (the backend).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from sqlalchemy import (
    BigInteger,
    Column,
    Connection,
    ForeignKey,
    Index,
    LargeBinary,
    SmallInteger,
    String,
    Table,
    bindparam,
    case,
    delete,
    func,
    insert,
    or_,
    select,
    update,
)

from keystore.clock import from_ms, to_ms
from keystore.signer.model import (
    KeyPolicy,
    PersonalKey,
    WrappedKey,
    encode_policy,
    wrapping_context,
)
from keystore.statement import Statement
from keystore.storage import Transaction, metadata

_LAW: Final = {
    "legal": "Law 20/2023/QH15 on electronic transactions, Article 22; Decree 23/2025/ND-CP",
    "legal_from": "2025-04-10",
}

personal_key = Table(
    "personal_key",
    metadata,
    Column("key_id", String(40), primary_key=True, info={"data": "none"}),
    Column("account_id", String(64), nullable=False, info={"data": "basic"}),
    Column("subject_kind", String(16), nullable=False, info={"data": "none"}),
    Column("algorithm", String(16), nullable=False, info={"data": "none"}),
    Column("public_spki", LargeBinary, nullable=False, info={"data": "basic"}),
    Column("policy", LargeBinary, nullable=False, info={"data": "basic"}),
    Column("wrapped", LargeBinary, info={"data": "secret"}),
    Column("kek_id", String(64), info={"data": "none"}),
    Column("scal", SmallInteger, nullable=False, info={"data": "none"}),
    Column("created_ms", BigInteger, nullable=False, info={"data": "none"}),
    Column("suspended_ms", BigInteger, info={"data": "none"}),
    Column("suspended_reason", String(40), info={"data": "none"}),
    Column("destroyed_ms", BigInteger, info={"data": "none"}),
    Index("personal_key_by_account", "account_id"),
    Index("personal_key_by_kek", "kek_id", "key_id"),
    info={
        "subject": "person",
        "erased": {
            "kept": "under the bare id: that there was a key, of which kind, and until when",
            "legal": "Decree 23/2025/ND-CP on electronic signatures and trust services",
            "until": "10 years after its certificate ends",
        },
        "purpose": "signing keys of persons and organisations, openable by the signer alone",
        "retention": "private half until it is destroyed, public half until its account is erased",
        **_LAW,
    },
)

personal_key_counter = Table(
    "personal_key_counter",
    metadata,
    Column(
        "key_id",
        String(40),
        ForeignKey("personal_key.key_id"),
        primary_key=True,
        info={"data": "none"},
    ),
    Column("credential_sha256", String(64), primary_key=True, info={"data": "basic"}),
    Column("sign_count", BigInteger, nullable=False, info={"data": "none"}),
    info={
        "subject": "person",
        "export": {"through": "personal_key", "on": {"key_id": "key_id"}},
        "purpose": "how often a passkey says it was used: a copy of it would count backwards",
        "retention": "as long as the key",
        **_LAW,
    },
)

spent_activation = Table(
    "spent_activation",
    metadata,
    Column("activation", String(64), primary_key=True, info={"data": "none"}),
    Column("key_id", String(40), nullable=False, info={"data": "none"}),
    Column("spent_ms", BigInteger, nullable=False, info={"data": "none"}),
    Column("expires_ms", BigInteger, nullable=False, info={"data": "none"}),
    Index("spent_activation_by_expiry", "expires_ms"),
    info={
        "subject": "person",
        "export": {"through": "personal_key", "on": {"key_id": "key_id"}},
        "erased": {
            "kept": "that a key was used, for as long as the same confirmation might come again",
            "legal": "Decree 23/2025/ND-CP on electronic signatures and trust services",
            "until": "a day after the confirmation expired",
        },
        "purpose": "a confirmation activates a key once",
        "retention": "a day after the confirmation expired",
        **_LAW,
    },
)

_UNLINKED: Final = b""
"""In the place of what told whose a key was."""
_BY_ID = select(personal_key)
_KEY: Final = bindparam("key_id", type_=String)
_CREDENTIAL: Final = bindparam("credential_sha256", type_=String)
_FIND: Final = Statement(_BY_ID.where(personal_key.c.key_id == _KEY))
_FIND_WITH_COUNT: Final = Statement(
    select(personal_key, personal_key_counter.c.sign_count)
    .outerjoin(
        personal_key_counter,
        (personal_key_counter.c.key_id == personal_key.c.key_id)
        & (personal_key_counter.c.credential_sha256 == _CREDENTIAL),
    )
    .where(personal_key.c.key_id == _KEY)
)
_LEFT = (
    select(
        personal_key.c.key_id,
        personal_key.c.policy,
        personal_key.c.wrapped,
        personal_key.c.kek_id,
    )
    .where(personal_key.c.wrapped.is_not(None))
    .order_by(personal_key.c.key_id)
)


@dataclass(frozen=True, slots=True)
class EndedKey:
    """What a restore carries over of a key: since when it is suspended, or destroyed."""

    key_id: str
    suspended_ms: int | None
    destroyed_ms: int | None


def insert_personal_key(
    transaction: Transaction, policy: KeyPolicy, *, public_spki: bytes, wrapped: bytes, kek_id: str
) -> None:
    """Store a new key and a counter for each of its passkeys."""
    transaction.connection.execute(
        insert(personal_key),
        {
            "key_id": policy.key_id,
            "account_id": policy.account_id,
            "subject_kind": policy.subject_kind,
            "algorithm": policy.algorithm,
            "public_spki": public_spki,
            "policy": encode_policy(policy),
            "wrapped": wrapped,
            "kek_id": kek_id,
            "scal": policy.scal,
            "created_ms": policy.created_ms,
        },
    )


def insert_counter(
    transaction: Transaction, *, key_id: str, credential_sha256: str, sign_count: int
) -> None:
    """Begin to count what a passkey says about itself."""
    transaction.connection.execute(
        insert(personal_key_counter),
        {"key_id": key_id, "credential_sha256": credential_sha256, "sign_count": sign_count},
    )


def find_personal_key(connection: Connection, key_id: str) -> PersonalKey | None:
    """One key, whatever its state."""
    row = _FIND.one_or_none(connection, {"key_id": key_id})
    return None if row is None else _to_key(row)


def find_key_and_count(
    connection: Connection, key_id: str, *, credential_sha256: str
) -> tuple[PersonalKey | None, int | None]:
    """The same, and how often a passkey said that it was used; None for one never counted."""
    row = _FIND_WITH_COUNT.one_or_none(
        connection, {"key_id": key_id, "credential_sha256": credential_sha256}
    )
    return (None, None) if row is None else (_to_key(row), row.sign_count)


def read_personal_keys(connection: Connection, *, account_id: str) -> tuple[PersonalKey, ...]:
    """Every key of an account, oldest first."""
    rows = connection.execute(
        _BY_ID.where(personal_key.c.account_id == account_id).order_by(
            personal_key.c.created_ms, personal_key.c.key_id
        )
    )
    return tuple(_to_key(row) for row in rows)


def read_newest_keys(connection: Connection, *, limit: int) -> tuple[PersonalKey, ...]:
    """Keys of everybody, the newest first, for the operator."""
    rows = connection.execute(
        _BY_ID.order_by(personal_key.c.created_ms.desc(), personal_key.c.key_id).limit(limit)
    )
    return tuple(_to_key(row) for row in rows)


def read_ended_keys(connection: Connection) -> tuple[EndedKey, ...]:
    """Every key that is suspended or destroyed, for a restore that must not undo it."""
    column = personal_key.c
    ended = select(column.key_id, column.suspended_ms, column.destroyed_ms).where(
        or_(column.suspended_ms.is_not(None), column.destroyed_ms.is_not(None))
    )
    return tuple(EndedKey(*row) for row in connection.execute(ended))


def end_keys_again(transaction: Transaction, ended: Iterable[EndedKey]) -> int:
    """Suspend and destroy what was so in the database before; returns how many keys changed."""
    column, changed = personal_key.c, 0
    for one in ended:
        of_key = update(personal_key).where(column.key_id == one.key_id)
        if one.destroyed_ms is not None:
            statement = of_key.where(column.destroyed_ms.is_(None)).values(
                wrapped=None, kek_id=None, destroyed_ms=one.destroyed_ms
            )
        else:
            statement = of_key.where(column.suspended_ms.is_(None)).values(
                suspended_ms=one.suspended_ms
            )
        changed += transaction.connection.execute(statement).rowcount
    return changed


def erase_personal_key(transaction: Transaction, key_id: str, *, now: datetime) -> bool:
    """Forget the private half; the public half stays.  False when it was forgotten before.

    Of an account that was erased meanwhile the rest goes too (`unlink_personal_keys`).
    """
    column = personal_key.c
    changed = transaction.connection.execute(
        update(personal_key)
        .where(column.key_id == key_id, column.destroyed_ms.is_(None))
        .values(
            wrapped=None,
            kek_id=None,
            policy=case((column.public_spki == _UNLINKED, _UNLINKED), else_=column.policy),
            destroyed_ms=to_ms(now),
        )
    )
    return changed.rowcount == 1


def unlink_personal_keys(transaction: Transaction, account_id: str) -> int:
    """Forget what leads from documents and passkeys to an erased account; returns of how many keys.

    A public half stands in the certificate that every signed document carries; it is verified by
    that certificate and its status, never by this row, where it would only tell whose it was.  A
    key without it signs nothing any more.  The policy, with its passkeys, is what the private half
    is bound to: the signer takes it away together with that, and here from keys that it has
    destroyed before.  That there was a key, of which kind and until when, stays.
    """
    column = personal_key.c
    of_account = column.account_id == account_id
    transaction.connection.execute(
        delete(personal_key_counter).where(
            personal_key_counter.c.key_id.in_(select(column.key_id).where(of_account))
        )
    )
    unlinked = transaction.connection.execute(
        update(personal_key)
        .where(of_account)
        .values(
            public_spki=_UNLINKED,
            policy=case((column.destroyed_ms.is_not(None), _UNLINKED), else_=column.policy),
        )
    )
    return unlinked.rowcount


# --- change of the root key ----------------------------------------------------------------------


def find_left(
    connection: Connection, *, kek_id: str, after: str = "", limit: int = 500
) -> tuple[WrappedKey, ...]:
    """Keys that are wrapped under any root key but `kek_id`, in the order of their ids.

    Takes   kek_id: the root key that everything shall be under; after: the last `key_id` that was
            seen, so that a damaged one is passed over and not met again.
    """
    rows = connection.execute(
        _LEFT.where(personal_key.c.kek_id != kek_id, personal_key.c.key_id > after).limit(limit)
    )
    return tuple(
        WrappedKey(
            key_id=row.key_id,
            context=wrapping_context(row.key_id, raw_policy=row.policy),
            wrapped=row.wrapped,
            kek_id=row.kek_id,
        )
        for row in rows
    )


def replace_wrapped(
    transaction: Transaction, key_id: str, *, expected_wrapped: bytes, wrapped: bytes, kek_id: str
) -> bool:
    """Put the same key in another wrapping; False when the row is no longer what was read."""
    changed = transaction.connection.execute(
        update(personal_key)
        .where(personal_key.c.key_id == key_id, personal_key.c.wrapped == expected_wrapped)
        .values(wrapped=wrapped, kek_id=kek_id)
    )
    return changed.rowcount == 1


def count_by_kek(connection: Connection) -> Mapping[str, int]:
    """How many private halves are under which root key."""
    rows = connection.execute(
        select(personal_key.c.kek_id, func.count())
        .where(personal_key.c.wrapped.is_not(None))
        .group_by(personal_key.c.kek_id)
    )
    return {row[0]: row[1] for row in rows}


def _to_key(row: Any) -> PersonalKey:
    return PersonalKey(
        key_id=row.key_id,
        account_id=row.account_id,
        algorithm=row.algorithm,
        public_spki=row.public_spki,
        raw_policy=row.policy,
        wrapped=row.wrapped,
        kek_id=row.kek_id,
        scal=row.scal,
        created_at=from_ms(row.created_ms),
        suspended_at=None if row.suspended_ms is None else from_ms(row.suspended_ms),
        destroyed_at=None if row.destroyed_ms is None else from_ms(row.destroyed_ms),
        suspended_reason=row.suspended_reason,
    )
