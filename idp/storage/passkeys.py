"""Passkeys in SQL.

What lives here: one table.  A credential id is of one account or of none, whoever registers it
again.  What its owner calls it is sealed under the owner's data key.
Source: WebAuthn Level 3 §7.1 step 26 (a credential id is registered once), §4 (credential record).
Not here: registering (`idp/accounts/passkeys.py`), signing in (`idp/accounts/passkey_sign_in.py`).
"""

from __future__ import annotations

import hashlib
from datetime import datetime
from typing import Any, Final

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Connection,
    ForeignKey,
    Index,
    LargeBinary,
    Row,
    String,
    Table,
    and_,
    bindparam,
    delete,
    insert,
    or_,
    select,
    update,
)
from sqlalchemy.exc import IntegrityError

from idp.accounts.credentials import OwnedPasskey, Passkey
from idp.accounts.model import AccountStatus
from idp.ids import AccountId
from idp.storage.accounts import AccountRow, account
from idp.storage.database import Transaction, metadata
from idp.storage.declared import BASIC, NONE, holds, sealed
from keystore.clock import from_ms, to_ms
from keystore.sealing import Sealer
from keystore.statement import Statement

passkey = Table(
    "passkey",
    metadata,
    Column("passkey_id", String(40), primary_key=True, info=NONE),
    Column("account_key", ForeignKey("account.account_key"), nullable=False, info=NONE),
    Column("credential_sha256", LargeBinary(32), nullable=False, info=BASIC),
    Column("credential_id", LargeBinary, nullable=False, info=BASIC),
    Column("public_key", LargeBinary, nullable=False, info=BASIC),
    Column("sign_count", BigInteger, nullable=False, info=NONE),
    Column("is_backup_eligible", Boolean, nullable=False, info=NONE),
    Column("is_backed_up", Boolean, nullable=False, info=NONE),
    Column("aaguid", String(36), nullable=False, info=NONE),
    Column("transports", String(120), nullable=False, info=NONE),
    Column("name_sealed", LargeBinary, nullable=False, info=sealed(BASIC, "{passkey_id}:name")),
    Column("created_ms", BigInteger, nullable=False, info=NONE),
    Column("used_ms", BigInteger, info=NONE),
    Index("ix_passkey_account", "account_key"),
    Index("ix_passkey_credential", "credential_sha256", unique=True),
    info=holds(
        "person",
        purpose="signing in, and confirming signatures",
        retention="until_erased",
        legal="NĐ 356/2025/NĐ-CP Art. 4(1)(i)",
        legal_from="2026-01-01",
    ),
)

_OF_ACCOUNT: Final = Statement(
    select(passkey, account.c.data_key)
    .join(account, account.c.account_key == passkey.c.account_key)
    .where(account.c.account_id == bindparam("id"))
    .order_by(passkey.c.created_ms, passkey.c.passkey_id)
)
_INSERT: Final = Statement(insert(passkey))
_RENAME: Final = Statement(
    update(passkey)
    .where(passkey.c.passkey_id == bindparam("one"), passkey.c.account_key == bindparam("key"))
    .values(name_sealed=bindparam("sealed"))
)
_USE: Final = Statement(
    update(passkey)
    .where(passkey.c.credential_sha256 == bindparam("hash"))
    .values(used_ms=bindparam("at"))
)
_BY_CREDENTIAL: Final = Statement(
    select(passkey, account.c.account_id, account.c.status)
    .join(account, account.c.account_key == passkey.c.account_key)
    .where(passkey.c.credential_sha256 == bindparam("hash"))
)
_SIGNED_IN: Final = Statement(
    update(passkey)
    .where(
        passkey.c.credential_sha256 == bindparam("hash"),
        passkey.c.account_key == bindparam("key"),
        or_(
            passkey.c.sign_count < bindparam("counted"),
            and_(passkey.c.sign_count == 0, bindparam("counted", type_=BigInteger) == 0),
        ),
    )
    .values(
        sign_count=bindparam("counted"),
        is_backed_up=bindparam("backed_up"),
        used_ms=bindparam("at"),
    )
)
_REMOVE: Final = Statement(
    delete(passkey).where(
        passkey.c.passkey_id == bindparam("one"), passkey.c.account_key == bindparam("key")
    )
)
_REMOVE_ALL: Final = Statement(delete(passkey).where(passkey.c.account_key == bindparam("key")))


def list_passkeys(
    connection: Connection, account_id: AccountId, *, sealer: Sealer
) -> tuple[Passkey, ...]:
    """The passkeys of a person, oldest first."""
    rows = _OF_ACCOUNT.all(connection, {"id": account_id})
    return tuple(_passkey(row, sealer=sealer) for row in rows)


def list_credential_ids(connection: Connection, account_id: AccountId) -> frozenset[bytes]:
    """The credential ids of a person's passkeys."""
    rows = _OF_ACCOUNT.all(connection, {"id": account_id})
    return frozenset(row.credential_id for row in rows)


def insert_passkey(tx: Transaction, row: AccountRow, new: Passkey, *, sealer: Sealer) -> bool:
    """Keep a passkey; False when its credential id is somebody's already."""
    values = {
        "passkey_id": new.passkey_id,
        "account_key": row.account_key,
        "credential_sha256": hashlib.sha256(new.credential_id).digest(),
        "credential_id": new.credential_id,
        "public_key": new.public_key,
        "sign_count": new.sign_count,
        "is_backup_eligible": new.is_backup_eligible,
        "is_backed_up": new.is_backed_up,
        "aaguid": new.aaguid,
        "transports": " ".join(new.transports),
        "name_sealed": _seal_name(new.passkey_id, new.name, row=row, sealer=sealer),
        "created_ms": to_ms(new.created_at),
        "used_ms": None,
    }
    try:
        with tx.savepoint():
            _INSERT.count(tx.connection, values)
    except IntegrityError:
        return False
    return True


def remove_passkeys_since(tx: Transaction, row: AccountRow, *, since: datetime) -> tuple[str, ...]:
    """Forget the passkeys that the account got since then; their ids."""
    gone = tx.connection.execute(
        delete(passkey)
        .where(passkey.c.account_key == row.account_key, passkey.c.created_ms >= to_ms(since))
        .returning(passkey.c.passkey_id)
    )
    return tuple(found.passkey_id for found in gone)


def rename_passkey(
    tx: Transaction, row: AccountRow, passkey_id: str, *, name: str, sealer: Sealer
) -> bool:
    """Call it otherwise; False when the account has none of that id."""
    sealed = _seal_name(passkey_id, name, row=row, sealer=sealer)
    changed = _RENAME.count(
        tx.connection, {"one": passkey_id, "key": row.account_key, "sealed": sealed}
    )
    return changed == 1


def note_use(connection: Connection, credential_id: bytes, *, now: datetime) -> None:
    """Remember when a passkey was last used."""
    digest = hashlib.sha256(credential_id).digest()
    _USE.count(connection, {"hash": digest, "at": to_ms(now)})


def find_owned(connection: Connection, credential_id: bytes) -> OwnedPasskey | None:
    """The passkey of a credential id and whose it is; nothing of it is unsealed."""
    digest = hashlib.sha256(credential_id).digest()
    row = _BY_CREDENTIAL.one_or_none(connection, {"hash": digest})
    if row is None:
        return None
    return OwnedPasskey(
        passkey_id=row.passkey_id,
        account_id=AccountId(row.account_id),
        public_key=row.public_key,
        is_backup_eligible=bool(row.is_backup_eligible),
        is_active=AccountStatus(row.status) is AccountStatus.ACTIVE,
    )


def count_sign_in(
    tx: Transaction,
    row: AccountRow,
    credential_id: bytes,
    *,
    sign_count: int,
    is_backed_up: bool,
    now: datetime,
) -> bool:
    """Remember what a passkey that signed in said of itself, and when.

    One statement decides: of two that show the same count one is told False, and so is one whose
    count is not beyond the last; 0 after 0 is one that does not count.  False too when it is gone.
    Source  WebAuthn Level 3 §7.2 steps 22 and 24, §6.1.1.
    """
    counted = _SIGNED_IN.count(
        tx.connection,
        {
            "hash": hashlib.sha256(credential_id).digest(),
            "key": row.account_key,
            "counted": sign_count,
            "backed_up": is_backed_up,
            "at": to_ms(now),
        },
    )
    return counted == 1


def remove_passkey(tx: Transaction, row: AccountRow, passkey_id: str) -> bool:
    """Forget one; False when the account has none of that id."""
    gone = _REMOVE.count(tx.connection, {"one": passkey_id, "key": row.account_key})
    return gone == 1


def erase_passkeys(tx: Transaction, row: AccountRow) -> None:
    """Forget all of an account."""
    _REMOVE_ALL.count(tx.connection, {"key": row.account_key})


def _passkey(row: Row[*tuple[Any, ...]], *, sealer: Sealer) -> Passkey:
    name = sealer.unseal_personal(row.data_key, row.name_sealed, context=_context(row.passkey_id))
    return Passkey(
        passkey_id=row.passkey_id,
        credential_id=row.credential_id,
        public_key=row.public_key,
        sign_count=row.sign_count,
        is_backup_eligible=row.is_backup_eligible,
        is_backed_up=row.is_backed_up,
        aaguid=row.aaguid,
        transports=tuple(row.transports.split()),
        name=name.decode(),
        created_at=from_ms(row.created_ms),
        used_at=None if row.used_ms is None else from_ms(row.used_ms),
    )


def _seal_name(passkey_id: str, name: str, *, row: AccountRow, sealer: Sealer) -> bytes:
    return sealer.seal_personal(row.data_key, name.encode(), context=_context(passkey_id))


def _context(passkey_id: str) -> str:
    return f"{passkey_id}:name"
