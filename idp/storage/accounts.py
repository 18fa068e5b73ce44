"""Accounts and their identifiers in SQL.

What lives here: two tables, the batch insert that a single account and an import share, finding by
identifier, and the changes that a life brings: status, profile, new numbers, erasure.  Profiles and
numbers are sealed under the data key of the person, which is itself wrapped; they are found by a
keyed hash, exact match only.  Rows of other tables point to `account_key`, an internal integer
that grows, so that a million imported rows do not scatter over every index; what leaves the
service is `account_id`.  Not here: whether an act is allowed (`idp.accounts.lifecycle`).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, TypeVar

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Connection,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    Row,
    SmallInteger,
    String,
    Table,
    bindparam,
    insert,
    select,
    update,
)
from sqlalchemy.exc import IntegrityError

from idp.accounts.errors import IdentifierCancelled, IdentifierTaken
from idp.accounts.identifiers import NEVER_REASSIGNED, ParsedIdentifier
from idp.accounts.model import (
    Account,
    AccountKind,
    AccountLevel,
    AccountStatus,
    Identifier,
    IdentifierKind,
)
from idp.ids import AccountId
from idp.storage.account_sealing import (
    identifier_context,
    profile_context,
    seal_profile,
    unseal_profile,
)
from idp.storage.database import Transaction, metadata
from idp.storage.declared import BASIC, NONE, SECRET, holds, kept_by_law, sealed, withheld
from keystore.clock import from_ms, to_ms
from keystore.sealing import Sealer
from keystore.statement import Statement

_V = TypeVar("_V")

_MOST_AT_ONCE: Final = 1_000

GrowingKey: Final = BigInteger().with_variant(Integer(), "sqlite")
"""SQLite counts up by itself only for INTEGER PRIMARY KEY."""


def _of_number(row: Mapping[str, Any]) -> str:
    return identifier_context(row["account_id"], kind=IdentifierKind(row["kind"]))


def _of_profile(row: Mapping[str, Any]) -> str:
    return profile_context(row["account_id"])


account = Table(
    "account",
    metadata,
    Column("account_key", GrowingKey, primary_key=True, info=NONE),
    Column("account_id", String(40), nullable=False, unique=True, info=BASIC),
    Column("kind", String(16), nullable=False, info=BASIC),
    Column("level", SmallInteger, info=BASIC),
    Column("status", String(16), nullable=False, info=BASIC),
    Column("demands_second_factor", Boolean, nullable=False, info=NONE),
    Column("data_key", LargeBinary, info=SECRET),
    Column("profile_sealed", LargeBinary, info=sealed(BASIC, _of_profile, form="json")),
    Column("created_ms", BigInteger, nullable=False, info=NONE),
    Column("changed_ms", BigInteger, nullable=False, info=NONE),
    Column("erased_ms", BigInteger, info=NONE),
    info=holds(
        "person",
        purpose="who may sign in, and what is said about them to portals",
        retention="until_erased",
        legal="NĐ 69/2024/NĐ-CP Art. 5-7",
        legal_from="2024-07-01",
    )
    | kept_by_law(
        what="the id, the kind of account, when it was opened and when erased",
        legal="NĐ 69/2024/NĐ-CP Art. 17(2)",
        until="with the last row of the log that names the id",
    ),
)

identifier = Table(
    "identifier",
    metadata,
    Column("identifier_key", GrowingKey, primary_key=True, info=NONE),
    Column("account_key", ForeignKey("account.account_key"), nullable=False, info=BASIC),
    Column("kind", String(24), nullable=False, info=NONE),
    Column("mac_version", Integer, nullable=False, info=NONE),
    Column("mac", LargeBinary(32), nullable=False, info=withheld(BASIC, "keyed hash")),
    Column("value_sealed", LargeBinary, nullable=False, info=sealed(BASIC, _of_number)),
    Column("valid_from_ms", BigInteger, nullable=False, info=NONE),
    Column("valid_to_ms", BigInteger, info=NONE),
    info=holds(
        "person",
        purpose="finding an account by the number its holder was given, now or in the past",
        retention="until_erased",
        legal="NĐ 70/2024/NĐ-CP Art. 11-12",
        legal_from="2024-07-01",
    ),
)
Index("ix_identifier_account", identifier.c.account_key)
Index(
    "uq_identifier_active",
    identifier.c.mac,
    identifier.c.kind,
    unique=True,
    sqlite_where=identifier.c.valid_to_ms.is_(None),
    postgresql_where=identifier.c.valid_to_ms.is_(None),
)
Index(
    "ix_identifier_past",
    identifier.c.mac,
    sqlite_where=identifier.c.valid_to_ms.is_not(None),
    postgresql_where=identifier.c.valid_to_ms.is_not(None),
)

_IS_ID = account.c.account_id == bindparam("id")
_FIND = Statement(select(account).where(_IS_ID))
_FIND_LOCKED = Statement(select(account).where(_IS_ID).with_for_update())
_WITH_IDENTIFIERS = Statement(
    select(
        *(account, identifier.c.kind.label("number_kind"), identifier.c.value_sealed),
        *(identifier.c.valid_from_ms, identifier.c.valid_to_ms),
    )
    .outerjoin(identifier, identifier.c.account_key == account.c.account_key)
    .where(_IS_ID)
    .order_by(identifier.c.valid_to_ms.is_not(None), identifier.c.identifier_key.desc())
)
_BY_MAC = (
    select(identifier.c.mac, identifier.c.kind, account.c.account_id, account.c.account_key)
    .join(account, account.c.account_key == identifier.c.account_key)
    .where(
        identifier.c.mac.in_(bindparam("macs", expanding=True)),
        identifier.c.valid_to_ms.is_(None),
    )
)
_PAST_BY_MAC = (
    select(identifier.c.mac, account.c.account_id)
    .join(account, account.c.account_key == identifier.c.account_key)
    .where(
        identifier.c.mac.in_(bindparam("macs", expanding=True)),
        identifier.c.valid_to_ms.is_not(None),
    )
)
_INSERT = insert(account).returning(account.c.account_id, account.c.account_key)
_INSERT_IDENTIFIER = insert(identifier)
_UPDATE = update(account).where(account.c.account_key == bindparam("key"))
_ACTIVE = (
    identifier.c.account_key == bindparam("key"),
    identifier.c.kind == bindparam("which"),
    identifier.c.valid_to_ms.is_(None),
)
_END_IDENTIFIER = Statement(
    update(identifier).where(*_ACTIVE).values(valid_to_ms=bindparam("ended"))
)
_DROP_IDENTIFIER = Statement(identifier.delete().where(*_ACTIVE))
_DROP_IDENTIFIERS = Statement(
    identifier.delete().where(identifier.c.account_key == bindparam("key"))
)


@dataclass(frozen=True, slots=True)
class AccountRow:
    """An account as a transaction holds it: what other rows point to, and its wrapped data key."""

    account_key: int
    account_id: AccountId
    kind: AccountKind
    status: AccountStatus
    data_key: bytes
    demands_second_factor: bool = False
    level: AccountLevel | None = None

    @property
    def is_active(self) -> bool:
        """Whether it may be used now."""
        return self.status is AccountStatus.ACTIVE

    @property
    def may_sign(self) -> bool:
        """Whether its holder may sign anything now, for themself or for an organisation."""
        return self.is_active and self.level is AccountLevel.TWO

    @property
    def is_organisation(self) -> bool:
        """Whether it is an organisation's."""
        return self.kind is AccountKind.ORGANISATION


def find_account(
    connection: Connection, account_id: AccountId, *, sealer: Sealer
) -> Account | None:
    """The account with its profile and all its identifiers; None when unknown or erased."""
    rows = _WITH_IDENTIFIERS.all(connection, {"id": account_id})
    if not rows or rows[0].data_key is None:
        return None
    row = rows[0]
    return Account(
        account_id=account_id,
        kind=AccountKind(row.kind),
        level=None if row.level is None else AccountLevel(row.level),
        status=AccountStatus(row.status),
        profile=unseal_profile(row, sealer=sealer),
        identifiers=tuple(
            _identifier(number, account_id, data_key=row.data_key, sealer=sealer)
            for number in rows
            if number.number_kind is not None
        ),
        created_at=from_ms(row.created_ms),
        changed_at=from_ms(row.changed_ms),
        demands_second_factor=bool(row.demands_second_factor),
        data_key=row.data_key,
    )


def find_row(
    connection: Connection, account_id: AccountId, *, is_locked: bool = False
) -> AccountRow | None:
    """The account without anything sealed; with `is_locked` until the transaction ends."""
    row = (_FIND_LOCKED if is_locked else _FIND).one_or_none(connection, {"id": account_id})
    return None if row is None else row_of(row._asdict())


def row_of(found: Mapping[str, Any]) -> AccountRow | None:
    """An account's columns as one; None for an account that was erased, or for none."""
    if found["data_key"] is None:
        return None
    return AccountRow(
        found["account_key"],
        AccountId(found["account_id"]),
        AccountKind(found["kind"]),
        AccountStatus(found["status"]),
        found["data_key"],
        bool(found["demands_second_factor"]),
        None if found["level"] is None else AccountLevel(found["level"]),
    )


def find_keys(
    connection: Connection, identifiers: Iterable[ParsedIdentifier], *, sealer: Sealer
) -> dict[ParsedIdentifier, tuple[AccountId, int]]:
    """Which of many active identifiers are known, and whose they are: id and internal key."""
    asked = {
        live.mac: parsed
        for parsed in identifiers
        for live in sealer.lookup_macs(parsed.value, kind=parsed.kind)
    }
    return {
        asked[row.mac]: (AccountId(row.account_id), row.account_key)
        for macs in in_portions(list(asked))
        for row in connection.execute(_BY_MAC, {"macs": macs})
    }


def find_cancelled(
    connection: Connection, identifiers: Iterable[ParsedIdentifier], *, sealer: Sealer
) -> dict[ParsedIdentifier, AccountId]:
    """Which of many identifiers were cancelled and may go to nobody else, and whose they were.

    Only of kinds in `NEVER_REASSIGNED`, and while their holder has not been erased.
    """
    asked = {
        past.mac: parsed
        for parsed in identifiers
        if parsed.kind in NEVER_REASSIGNED
        for past in sealer.lookup_macs(parsed.value, kind=parsed.kind)
    }
    return {
        asked[row.mac]: AccountId(row.account_id)
        for macs in in_portions(list(asked))
        for row in connection.execute(_PAST_BY_MAC, {"macs": macs})
    }


def insert_accounts(
    tx: Transaction, accounts: Sequence[Account], *, sealer: Sealer
) -> dict[AccountId, AccountRow]:
    """Insert new accounts with their identifiers; two statements however many they are.

    Returns the rows made, with fresh data keys, under which the caller may seal more.
    Raises  IdentifierTaken when an active identifier belongs to somebody (nothing is inserted).
    """
    data_keys = {new.account_id: sealer.make_data_key(context=new.account_id) for new in accounts}
    try:
        with tx.savepoint():
            made = tx.connection.execute(
                _INSERT,
                [
                    _account_values(new, data_keys[new.account_id], sealer=sealer)
                    for new in accounts
                ],
            )
            keys = {AccountId(row.account_id): int(row.account_key) for row in made}
            rows = {
                new.account_id: AccountRow(
                    keys[new.account_id],
                    new.account_id,
                    new.kind,
                    new.status,
                    data_keys[new.account_id],
                    level=new.level,
                )
                for new in accounts
            }
            numbers = [
                _identifier_values(number, rows[new.account_id], sealer=sealer)
                for new in accounts
                for number in new.identifiers
            ]
            if numbers:
                tx.connection.execute(_INSERT_IDENTIFIER, numbers)
    except IntegrityError as clash:
        raise IdentifierTaken("unknown") from clash
    return rows


def add_identifier(tx: Transaction, row: AccountRow, *, number: Identifier, sealer: Sealer) -> None:
    """Give an account one more active identifier; it may be one that it had before.

    Raises  IdentifierTaken when it belongs to somebody else, IdentifierCancelled when it did.
    """
    parsed = ParsedIdentifier(number.kind, number.value)
    if find_keys(tx.connection, (parsed,), sealer=sealer):
        raise IdentifierTaken(number.kind)
    past = find_cancelled(tx.connection, (parsed,), sealer=sealer)
    if past.get(parsed, row.account_id) != row.account_id:
        raise IdentifierCancelled(number.kind)
    try:
        with tx.savepoint():
            tx.connection.execute(
                _INSERT_IDENTIFIER, _identifier_values(number, row, sealer=sealer)
            )
    except IntegrityError as clash:
        raise IdentifierTaken(number.kind) from clash


def end_identifier(
    tx: Transaction, row: AccountRow, *, kind: IdentifierKind, now: datetime
) -> bool:
    """Make the active identifier of a kind a past alias; False when there was none."""
    ended = _END_IDENTIFIER.count(
        tx.connection, {"key": row.account_key, "which": kind, "ended": to_ms(now)}
    )
    return ended > 0


def drop_identifier(tx: Transaction, row: AccountRow, *, kind: IdentifierKind) -> bool:
    """Forget the active identifier of a kind, which never was the account's; False: there is none.

    Unlike a past alias it may go to whom it belongs.
    """
    dropped = _DROP_IDENTIFIER.count(tx.connection, {"key": row.account_key, "which": kind})
    return dropped > 0


def erase_account(tx: Transaction, row: AccountRow, *, now: datetime) -> None:
    """Destroy the data key and what it opened; the bare row stays so that no id is used again."""
    _DROP_IDENTIFIERS.count(tx.connection, {"key": row.account_key})
    tx.connection.execute(
        _UPDATE.values(
            status=AccountStatus.CLOSED,
            level=None,
            data_key=None,
            profile_sealed=None,
            changed_ms=to_ms(now),
            erased_ms=to_ms(now),
        ),
        {"key": row.account_key},
    )


def in_portions(values: Sequence[_V]) -> Iterator[Sequence[_V]]:
    """Values for one `IN` each.

    PostgreSQL takes 65,535 parameters in a statement, SQLite 32,766; and some thousand pairs make
    PostgreSQL run out of stack.
    """
    return (values[start : start + _MOST_AT_ONCE] for start in range(0, len(values), _MOST_AT_ONCE))


def _account_values(new: Account, data_key: bytes, *, sealer: Sealer) -> Mapping[str, Any]:
    return {
        "account_id": new.account_id,
        "kind": new.kind,
        "level": new.level,
        "status": new.status,
        "demands_second_factor": new.demands_second_factor,
        "data_key": data_key,
        "profile_sealed": seal_profile(
            new.profile, new.account_id, data_key=data_key, sealer=sealer
        ),
        "created_ms": to_ms(new.created_at),
        "changed_ms": to_ms(new.changed_at),
    }


def _identifier_values(number: Identifier, row: AccountRow, *, sealer: Sealer) -> Mapping[str, Any]:
    newest = sealer.lookup_mac(number.value, kind=number.kind)
    return {
        "account_key": row.account_key,
        "kind": number.kind,
        "mac_version": newest.version,
        "mac": newest.mac,
        "value_sealed": sealer.seal_personal(
            row.data_key,
            number.value.encode(),
            context=identifier_context(row.account_id, kind=number.kind),
        ),
        "valid_from_ms": to_ms(number.valid_from),
        "valid_to_ms": None if number.valid_to is None else to_ms(number.valid_to),
    }


def _identifier(
    row: Row[*tuple[Any, ...]], account_id: AccountId, *, data_key: bytes, sealer: Sealer
) -> Identifier:
    kind = IdentifierKind(row.number_kind)
    value = sealer.unseal_personal(
        data_key, row.value_sealed, context=identifier_context(account_id, kind=kind)
    )
    return Identifier(
        kind,
        value.decode(),
        from_ms(row.valid_from_ms),
        None if row.valid_to_ms is None else from_ms(row.valid_to_ms),
    )
