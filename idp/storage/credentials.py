"""Passwords, authenticators and activation codes in SQL.

What lives here: three tables, all sealed under the data key of the person (an activation code is
kept as a keyed hash).  A stolen copy of the database alone cannot be guessed at, and erasing the
person erases these.  What the second-factor verifier gave us to keep of an authenticator is sealed
like the rest, and what comes out opens under the verifier's root key alone.
Not here: checking anything (`idp.accounts.passwords`, `totp`, `code_holders`, `activation`).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from functools import cache
from typing import Any, Final

import msgspec
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
    func,
    insert,
    select,
    update,
)

from idp.accounts.credentials import (
    ActivationCode,
    Credentials,
    PasswordForm,
    StoredPassword,
    Totp,
    TotpHolder,
)
from idp.accounts.identifiers import ParsedIdentifier
from idp.accounts.model import AccountStatus
from idp.ids import AccountId
from idp.storage.accounts import AccountRow, account, identifier
from idp.storage.database import Transaction, metadata
from idp.storage.declared import BASIC, NONE, SECRET, holds, sealed
from idp.storage.purge import purged_by
from keystore.clock import from_ms, to_ms
from keystore.sealing import Sealer
from keystore.statement import Statement
from keystore.storage import lock_until_commit

_LEGAL: Final = {"legal": "NĐ 356/2025/NĐ-CP Art. 4(1)(i)", "legal_from": "2026-01-01"}

password = Table(
    "password",
    metadata,
    Column(
        "account_key",
        ForeignKey("account.account_key"),
        primary_key=True,
        autoincrement=False,
        info=NONE,
    ),
    Column("form", String(12), nullable=False, info=NONE),
    Column("scheme", String(64), nullable=False, info=NONE),
    Column("sealed", LargeBinary, nullable=False, info=SECRET),
    Column("changed_ms", BigInteger, nullable=False, info=NONE),
    info=holds("person", purpose="signing in", retention="until_erased", **_LEGAL),
)
_IS_FOREIGN = password.c.form == PasswordForm.FOREIGN
Index(
    "ix_password_to_wrap",
    password.c.account_key,
    sqlite_where=_IS_FOREIGN,
    postgresql_where=_IS_FOREIGN,
)

password_scheme = Table(
    "password_scheme",
    metadata,
    Column("scheme", String(64), primary_key=True, info=NONE),
    Column("accounts", BigInteger, nullable=False, info=NONE),
    info=holds(
        "none",
        purpose="what an identifier that nobody has must cost to refuse",
        retention="until_counted_again",
        legal="none",
        legal_from="2026-01-01",
    ),
)

totp = Table(
    "totp",
    metadata,
    Column("totp_id", String(40), primary_key=True, info=NONE),
    Column("account_key", ForeignKey("account.account_key"), nullable=False, info=NONE),
    Column("holder", String(12), nullable=False, info=NONE),
    Column("secret_sealed", LargeBinary, nullable=False, info=SECRET),
    Column("created_ms", BigInteger, nullable=False, info=NONE),
    Column("name_sealed", LargeBinary, info=sealed(BASIC, "{totp_id}:name")),
    Column("used_ms", BigInteger, info=NONE),
    info=holds("person", purpose="second factor", retention="until_erased", **_LEGAL),
)
Index("ix_totp_account", totp.c.account_key)

activation_code = Table(
    "activation_code",
    metadata,
    Column("activation_id", String(40), primary_key=True, info=NONE),
    Column("account_key", ForeignKey("account.account_key"), nullable=False, info=NONE),
    Column("code_mac", LargeBinary(32), nullable=False, info=SECRET),
    Column("issued_ms", BigInteger, nullable=False, info=NONE),
    Column("expires_ms", BigInteger, nullable=False, info=NONE),
    info=holds("person", purpose="enrolling the first authenticator", retention="expiry", **_LEGAL)
    | purged_by("expires_ms"),
)
Index("ix_activation_code_account", activation_code.c.account_key)
Index("ix_activation_code_expiry", activation_code.c.expires_ms)


@cache
def _credentials_of(count: int) -> Statement:
    """Who has one of so many identifiers: a few kinds, each under the MAC keys that are in use."""
    macs = [bindparam(f"mac_{place}", type_=LargeBinary) for place in range(count)]
    return Statement(
        select(
            identifier.c.mac,
            account.c.account_id,
            account.c.status,
            account.c.data_key,
            password.c.form,
            password.c.scheme,
            password.c.sealed,
        )
        .join(account, account.c.account_key == identifier.c.account_key)
        .outerjoin(password, password.c.account_key == account.c.account_key)
        .where(identifier.c.mac.in_(macs), identifier.c.valid_to_ms.is_(None))
    )


_PASSWORD = Statement(
    select(password.c.form, password.c.scheme, password.c.sealed).where(
        password.c.account_key == bindparam("key")
    )
)
_INSERT_PASSWORD = insert(password)
_REPLACE_PASSWORD = Statement(
    update(password)
    .where(password.c.account_key == bindparam("key"), password.c.sealed == bindparam("old"))
    .values(
        form=bindparam("new_form"),
        scheme=bindparam("new_scheme"),
        sealed=bindparam("new_sealed"),
        changed_ms=bindparam("at"),
    )
)
_DROP_PASSWORD = Statement(delete(password).where(password.c.account_key == bindparam("key")))
_TO_WRAP = Statement(
    select(account.c.account_id, password.c.account_key)
    .join(account, account.c.account_key == password.c.account_key)
    .where(password.c.form == PasswordForm.FOREIGN, password.c.account_key > bindparam("after"))
    .order_by(password.c.account_key)
    .limit(bindparam("limit", type_=Integer))
)
_SCHEMES = Statement(select(password_scheme.c.scheme, password_scheme.c.accounts))
_COUNT_SCHEMES = Statement(
    insert(password_scheme).from_select(
        ["scheme", "accounts"], select(password.c.scheme, func.count()).group_by(password.c.scheme)
    )
)
_FORGET_SCHEMES = Statement(delete(password_scheme))
_TOTPS = Statement(
    select(totp, account.c.account_id, account.c.data_key)
    .join(account, account.c.account_key == totp.c.account_key)
    .where(account.c.account_id == bindparam("id"))
    .order_by(totp.c.created_ms)
)
_INSERT_TOTP = Statement(insert(totp))
_DROP_TOTPS = Statement(delete(totp).where(totp.c.account_key == bindparam("key")))
_CODES = Statement(
    select(activation_code)
    .join(account, account.c.account_key == activation_code.c.account_key)
    .where(account.c.account_id == bindparam("id"))
)
_INSERT_CODE = Statement(insert(activation_code))
_CONSUME_CODE = Statement(
    delete(activation_code).where(
        activation_code.c.activation_id == bindparam("activation"),
        activation_code.c.expires_ms > bindparam("now"),
    )
)
_DROP_CODES = Statement(
    delete(activation_code).where(activation_code.c.account_key == bindparam("key"))
)

_decode_password = msgspec.json.Decoder(StoredPassword).decode


def find_credentials(
    connection: Connection, identifiers: Sequence[ParsedIdentifier], *, sealer: Sealer
) -> Credentials | None:
    """The account that an active identifier names, with its password hash; one query.

    Takes   identifiers: what was typed may be, likeliest first; the first that is known counts.
    """
    rank = {
        live.mac: position
        for position, parsed in enumerate(identifiers)
        for live in sealer.lookup_macs(parsed.value, kind=parsed.kind)
    }
    if not rank:
        return None
    asked = {f"mac_{place}": mac for place, mac in enumerate(rank)}
    rows = _credentials_of(len(rank)).all(connection, asked)
    if not rows:
        return None
    row = min(rows, key=lambda found: rank[found.mac])
    stored = None if row.sealed is None else _unseal_password(row, sealer=sealer)
    return Credentials(AccountId(row.account_id), AccountStatus(row.status), stored)


def find_password(
    connection: Connection, row: AccountRow, *, sealer: Sealer
) -> tuple[StoredPassword, bytes] | None:
    """The password hash of an account, and its sealed form as `replace_password` wants it."""
    found = _PASSWORD.one_or_none(connection, {"key": row.account_key})
    if found is None:
        return None
    plain = sealer.unseal_personal(
        row.data_key, found.sealed, context=_password_context(row.account_id)
    )
    return _decode_password(plain), found.sealed


def insert_passwords(
    tx: Transaction,
    passwords: Sequence[tuple[AccountRow, StoredPassword]],
    *,
    sealer: Sealer,
    now: datetime,
) -> None:
    """Give accounts their first password hash; one statement however many they are."""
    if passwords:
        tx.connection.execute(
            _INSERT_PASSWORD,
            [
                {
                    "account_key": row.account_key,
                    "form": stored.form,
                    "scheme": stored.scheme,
                    "sealed": _seal_password(stored, row, sealer=sealer),
                    "changed_ms": to_ms(now),
                }
                for row, stored in passwords
            ],
        )


def replace_password(
    tx: Transaction,
    row: AccountRow,
    stored: StoredPassword,
    *,
    expected: bytes,
    sealer: Sealer,
    now: datetime,
) -> bool:
    """Put a hash in the place of exactly `expected`; False when it has changed meanwhile."""
    replaced = _REPLACE_PASSWORD.count(
        tx.connection,
        {
            "key": row.account_key,
            "old": expected,
            "new_form": stored.form,
            "new_scheme": stored.scheme,
            "new_sealed": _seal_password(stored, row, sealer=sealer),
            "at": to_ms(now),
        },
    )
    return replaced == 1


def set_password(
    tx: Transaction, row: AccountRow, stored: StoredPassword, *, sealer: Sealer, now: datetime
) -> None:
    """Put a hash in the place of whatever was there; the account row is locked."""
    _DROP_PASSWORD.count(tx.connection, {"key": row.account_key})
    insert_passwords(tx, ((row, stored),), sealer=sealer, now=now)


def drop_password(tx: Transaction, row: AccountRow) -> bool:
    """Leave the account without a password; False when it had none."""
    return _DROP_PASSWORD.count(tx.connection, {"key": row.account_key}) > 0


def list_to_wrap(connection: Connection, *, after: int, limit: int) -> list[tuple[AccountId, int]]:
    """Accounts whose imported hash has yet to be wrapped, after an internal key, in its order."""
    rows = _TO_WRAP.all(connection, {"after": after, "limit": limit})
    return [(AccountId(row.account_id), row.account_key) for row in rows]


def list_schemes(connection: Connection) -> Mapping[str, int]:
    """How many passwords cost which foreign work (empty: none), as they were last counted."""
    return {row.scheme: int(row.accounts) for row in _SCHEMES.all(connection)}


def recount_schemes(tx: Transaction) -> None:
    """Count them again, which reads every password row once: for periodic work and imports."""
    if tx.connection.dialect.name == "postgresql":
        # at a hundred million rows it is slower than any statement of a request may be
        tx.connection.exec_driver_sql("SET LOCAL statement_timeout = 0")
    lock_until_commit(tx, name="password_scheme")
    _FORGET_SCHEMES.count(tx.connection)
    _COUNT_SCHEMES.count(tx.connection)


def list_totps(
    connection: Connection, account_id: AccountId, *, sealer: Sealer
) -> tuple[Totp, ...]:
    """The authenticators of a person, oldest first."""
    return tuple(
        Totp(
            row.totp_id,
            sealer.unseal_personal(
                row.data_key, row.secret_sealed, context=_totp_context(row.totp_id)
            ),
            from_ms(row.created_ms),
            TotpHolder(row.holder),
            used_at=None if row.used_ms is None else from_ms(row.used_ms),
        )
        for row in _TOTPS.all(connection, {"id": account_id})
    )


def has_totp(connection: Connection, account_id: AccountId) -> bool:
    """Whether the person has an authenticator."""
    return _TOTPS.first(connection, {"id": account_id}) is not None


def replace_totps(tx: Transaction, row: AccountRow, new: Totp, *, sealer: Sealer) -> int:
    """Make `new` the only authenticator of the account; how many there were before."""
    before = _DROP_TOTPS.count(tx.connection, {"key": row.account_key})
    insert_totp(tx, row, new, sealer=sealer)
    return before


def insert_totp(tx: Transaction, row: AccountRow, new: Totp, *, sealer: Sealer) -> None:
    """Keep an authenticator, without its name."""
    _INSERT_TOTP.count(
        tx.connection,
        {
            "totp_id": new.totp_id,
            "account_key": row.account_key,
            "holder": new.holder,
            "secret_sealed": sealer.seal_personal(
                row.data_key, new.secret, context=_totp_context(new.totp_id)
            ),
            "created_ms": to_ms(new.created_at),
        },
    )


def drop_totps(tx: Transaction, row: AccountRow) -> None:
    """Forget every authenticator of the account."""
    _DROP_TOTPS.count(tx.connection, {"key": row.account_key})


def drop_totps_since(tx: Transaction, row: AccountRow, *, since: datetime) -> tuple[str, ...]:
    """Forget the authenticators that the account got since then; their ids."""
    gone = tx.connection.execute(
        delete(totp)
        .where(totp.c.account_key == row.account_key, totp.c.created_ms >= to_ms(since))
        .returning(totp.c.totp_id)
    )
    return tuple(found.totp_id for found in gone)


def list_activation_codes(
    connection: Connection, account_id: AccountId
) -> tuple[ActivationCode, ...]:
    """The codes that are out for an account, expired ones included until they are purged."""
    return tuple(
        ActivationCode(
            row.activation_id, row.code_mac, from_ms(row.issued_ms), from_ms(row.expires_ms)
        )
        for row in _CODES.all(connection, {"id": account_id})
    )


def replace_activation_codes(tx: Transaction, row: AccountRow, code: ActivationCode) -> None:
    """Make `code` the only one that is out for the account."""
    _DROP_CODES.count(tx.connection, {"key": row.account_key})
    _INSERT_CODE.count(
        tx.connection,
        {
            "activation_id": code.activation_id,
            "account_key": row.account_key,
            "code_mac": code.code_mac,
            "issued_ms": to_ms(code.issued_at),
            "expires_ms": to_ms(code.expires_at),
        },
    )


def drop_activation_codes(tx: Transaction, row: AccountRow) -> None:
    """Void the codes that are out for the account."""
    _DROP_CODES.count(tx.connection, {"key": row.account_key})


def consume_activation_code(tx: Transaction, activation_id: str, *, now: datetime) -> bool:
    """Spend a code; True for the one transaction that does, if it has not expired."""
    spent = _CONSUME_CODE.count(tx.connection, {"activation": activation_id, "now": to_ms(now)})
    return spent == 1


def _seal_password(stored: StoredPassword, row: AccountRow, *, sealer: Sealer) -> bytes:
    return sealer.seal_personal(
        row.data_key, msgspec.json.encode(stored), context=_password_context(row.account_id)
    )


def _unseal_password(row: Row[*tuple[Any, ...]], *, sealer: Sealer) -> StoredPassword:
    return _decode_password(
        sealer.unseal_personal(row.data_key, row.sealed, context=_password_context(row.account_id))
    )


def _password_context(account_id: str) -> str:
    return f"{account_id}:password"


def _totp_context(totp_id: str) -> str:
    return f"{totp_id}:secret"
