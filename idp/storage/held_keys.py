"""What somebody might sign with, in one statement.

What lives here: `read_holdings`: the person and whose key it is, the keys with their certificates,
and the person's passkeys are rows of one answer, which a database gives as of one moment without a
transaction around it.
Not here: their tables; what of it may be used (`idp/signing_credentials.py`).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final

from sqlalchemy import (
    BigInteger,
    Connection,
    Integer,
    LargeBinary,
    Select,
    String,
    Text,
    bindparam,
    cast,
    literal_column,
    null,
    or_,
    select,
    union_all,
)

from idp.accounts.model import AccountLevel, AccountStatus
from idp.ids import AccountId
from idp.storage.accounts import account
from idp.storage.passkeys import passkey
from keystore.clock import from_ms
from keystore.pki.model import CertificateState
from keystore.pki.storage.certificates import certificate
from keystore.signer.storage import personal_key
from keystore.statement import Statement

_ACCOUNT: Final = 0
_PASSKEY: Final = 1
_KEY: Final = 2


@dataclass(frozen=True, slots=True)
class HeldKey:
    """A key and one of its certificates, in whatever state.

    `owner_id` is what the row of the key says, `account_id` what that of the certificate does;
    either `der` or `der_sealed` is there.
    """

    key_id: str
    owner_id: str
    raw_policy: bytes = field(repr=False)
    is_suspended: bool
    is_destroyed: bool
    ca_id: str
    serial: int
    account_id: str
    state: CertificateState
    not_before: datetime
    not_after: datetime
    der: bytes | None = field(repr=False)
    der_sealed: bytes | None = field(repr=False)


@dataclass(frozen=True, slots=True)
class Holdings:
    """What there is at one moment.

    `may_sign` as `AccountRow.may_sign`, False where there is no such account; `data_keys` of the
    accounts that are not erased; `keys` with the newest certificate first.
    """

    may_sign: bool
    data_keys: Mapping[AccountId, bytes] = field(repr=False)
    passkeys: frozenset[bytes] = field(repr=False)
    keys: tuple[HeldKey, ...]


def _part(number: int, **columns: Any) -> Select[Any]:
    """Rows of one kind in the columns that all kinds share, what is left over being nothing."""
    filled = [
        cast(columns.get(name, null()), kind).label(name)
        for kind, names in (
            (Text, ("key_id", "owner_id", "ca_id", "serial", "account_id", "state")),
            (BigInteger, ("level", "suspended_ms", "destroyed_ms", "issued_ms")),
            (BigInteger, ("not_before_ms", "not_after_ms")),
            (LargeBinary, ("octets", "der", "der_sealed")),
        )
        for name in names
    ]
    columns_of_all: list[Any] = [literal_column(str(number), Integer).label("part"), *filled]
    return select(*columns_of_all)


_PERSON: Final = bindparam("person", type_=String)
_OWNER: Final = bindparam("owner", type_=String)
_a, _p, _k, _c = account.c, passkey.c, personal_key.c, certificate.c
_ALL: Final = Statement(
    union_all(
        _part(
            _ACCOUNT, account_id=_a.account_id, state=_a.status, level=_a.level, octets=_a.data_key
        ).where(or_(_a.account_id == _PERSON, _a.account_id == _OWNER)),
        _part(_PASSKEY, octets=_p.credential_id)
        .join_from(passkey, account, _a.account_key == _p.account_key)
        .where(_a.account_id == _PERSON),
        _part(
            _KEY,
            key_id=_k.key_id,
            owner_id=_k.account_id,
            octets=_k.policy,
            suspended_ms=_k.suspended_ms,
            destroyed_ms=_k.destroyed_ms,
            ca_id=_c.ca_id,
            serial=_c.serial,
            account_id=_c.account_id,
            state=_c.state,
            issued_ms=_c.issued_ms,
            not_before_ms=_c.not_before_ms,
            not_after_ms=_c.not_after_ms,
            der=_c.der,
            der_sealed=_c.der_sealed,
        )
        .join_from(personal_key, certificate, _c.kid == _k.key_id)
        .where(_k.account_id == _OWNER, _c.account_id == _OWNER),
    )
)


def read_holdings(connection: Connection, *, person_id: str, owner_id: str) -> Holdings:
    """What this person might sign with, as of one moment.

    Takes   owner_id: whose keys: the person's own account, or the organisation's for its seal.
    """
    rows = _ALL.all(connection, {"person": person_id, "owner": owner_id})
    accounts = {one.account_id: one for one in rows if one.part == _ACCOUNT and one.octets}
    keys = [one for one in rows if one.part == _KEY]
    keys.sort(key=lambda one: (-one.issued_ms, one.serial))
    return Holdings(
        may_sign=_may_sign(accounts.get(person_id)),
        data_keys={AccountId(one): row.octets for one, row in accounts.items()},
        passkeys=frozenset(one.octets for one in rows if one.part == _PASSKEY),
        keys=tuple(_held(one) for one in keys),
    )


def _may_sign(row: Any) -> bool:
    return row is not None and row.state == AccountStatus.ACTIVE and row.level == AccountLevel.TWO


def _held(row: Any) -> HeldKey:
    return HeldKey(
        key_id=row.key_id,
        owner_id=row.owner_id,
        raw_policy=row.octets,
        is_suspended=row.suspended_ms is not None,
        is_destroyed=row.destroyed_ms is not None,
        ca_id=row.ca_id,
        serial=int(row.serial, 16),
        account_id=row.account_id,
        state=CertificateState(row.state),
        not_before=from_ms(row.not_before_ms),
        not_after=from_ms(row.not_after_ms),
        der=row.der,
        der_sealed=row.der_sealed,
    )
