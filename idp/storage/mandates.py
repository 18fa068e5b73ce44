"""Who may act for whom, in SQL.

What lives here: one table and the statements on it.  A mandate ends by its date or by being
revoked; the row stays, because tokens and signatures were made under it.  Not here: whether it is
enough for what a client asks (`idp.accounts.mandates`).
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from sqlalchemy import (
    BigInteger,
    Column,
    Connection,
    ForeignKey,
    Index,
    Row,
    String,
    Table,
    Text,
    and_,
    bindparam,
    insert,
    or_,
    select,
    tuple_,
    update,
)

from idp.accounts.model import (
    AccountStatus,
    IdentifierKind,
    Mandate,
    MandateKind,
    MandateStatus,
    Representation,
)
from idp.ids import AccountId, MandateId
from idp.storage.account_sealing import unseal_number, unseal_profile
from idp.storage.accounts import (
    account,
    identifier,
    in_portions,
)
from idp.storage.database import Transaction, metadata
from idp.storage.declared import BASIC, NONE, found_by, holds, kept_by_law
from keystore.clock import from_ms, to_ms
from keystore.sealing import Sealer

mandate = Table(
    "mandate",
    metadata,
    Column("mandate_id", String(40), primary_key=True, info=NONE),
    Column("kind", String(24), nullable=False, info=BASIC),
    Column("holder_key", ForeignKey("account.account_key"), nullable=False, info=BASIC),
    Column("principal_key", ForeignKey("account.account_key"), nullable=False, info=BASIC),
    Column("scopes", Text, nullable=False, info=NONE),
    Column("portals", Text, nullable=False, info=NONE),
    Column("valid_from_ms", BigInteger, nullable=False, info=NONE),
    Column("valid_to_ms", BigInteger, info=NONE),
    Column("source", String(64), nullable=False, info=NONE),
    Column("verified_ms", BigInteger, nullable=False, info=NONE),
    Column("status", String(12), nullable=False, info=NONE),
    Column("ended_ms", BigInteger, info=NONE),
    info=holds(
        "person",
        purpose="who may act for an organisation or another person",
        retention="mandate_ended+10y",
        legal="Law on Enterprises 59/2020/QH14 Art. 12",
        legal_from="2021-01-01",
    )
    | found_by("holder_key", "principal_key")
    | kept_by_law(
        what="that the bare id acted for an organisation, or let somebody act, from when to when",
        legal="Law on Enterprises 59/2020/QH14 Art. 12",
        until="10 years after the mandate ended",
    ),
)
Index("ix_mandate_holder", mandate.c.holder_key, mandate.c.status)
Index("ix_mandate_principal", mandate.c.principal_key, mandate.c.status)

_holder = account.alias("holder")
_principal = account.alias("principal")
_MANDATES: Final = (
    select(
        mandate,
        _holder.c.account_id.label("holder_id"),
        _principal.c.account_id.label("principal_id"),
    )
    .join(_holder, _holder.c.account_key == mandate.c.holder_key)
    .join(_principal, _principal.c.account_key == mandate.c.principal_key)
)
_BY_ID = _MANDATES.where(mandate.c.mandate_id == bindparam("id"))
_BY_HOLDER = _MANDATES.where(_holder.c.account_id == bindparam("id")).order_by(
    mandate.c.valid_from_ms.desc(), mandate.c.mandate_id
)
_IS_USABLE: Final = and_(
    mandate.c.status == MandateStatus.ACTIVE,
    mandate.c.valid_from_ms <= bindparam("now"),
    or_(mandate.c.valid_to_ms.is_(None), mandate.c.valid_to_ms > bindparam("now")),
    _holder.c.status == AccountStatus.ACTIVE,
    _principal.c.status == AccountStatus.ACTIVE,
)
_USABLE_BY_ID = _MANDATES.where(mandate.c.mandate_id == bindparam("id"), _IS_USABLE)
_USABLE = (
    select(
        mandate.c.mandate_id,
        mandate.c.kind,
        mandate.c.valid_to_ms,
        _principal.c.account_id,
        _principal.c.data_key,
        _principal.c.profile_sealed,
        identifier.c.value_sealed,
    )
    .join(_holder, _holder.c.account_key == mandate.c.holder_key)
    .join(_principal, _principal.c.account_key == mandate.c.principal_key)
    .join(
        identifier,
        and_(
            identifier.c.account_key == mandate.c.principal_key,
            identifier.c.kind == IdentifierKind.ENTERPRISE_CODE,
            identifier.c.valid_to_ms.is_(None),
        ),
    )
    .where(_IS_USABLE)
)
_REPRESENTATIONS = _USABLE.where(
    _holder.c.account_id == bindparam("id"), mandate.c.kind == MandateKind.LEGAL_REPRESENTATIVE
)
_REPRESENTATION = _REPRESENTATIONS.where(mandate.c.mandate_id == bindparam("mandate"))
_PRESENT = select(mandate.c.holder_key, mandate.c.principal_key).where(
    mandate.c.kind == bindparam("which"),
    mandate.c.status == MandateStatus.ACTIVE,
    or_(mandate.c.valid_to_ms.is_(None), mandate.c.valid_to_ms > bindparam("now")),
    tuple_(mandate.c.holder_key, mandate.c.principal_key).in_(bindparam("pairs", expanding=True)),
)
_INSERT = insert(mandate)
_REVOKE = (
    update(mandate)
    .where(mandate.c.mandate_id == bindparam("id"), mandate.c.status == MandateStatus.ACTIVE)
    .values(status=MandateStatus.REVOKED, ended_ms=bindparam("now"))
)
_REVOKE_ALL = (
    update(mandate)
    .where(
        or_(mandate.c.holder_key == bindparam("key"), mandate.c.principal_key == bindparam("key")),
        mandate.c.status == MandateStatus.ACTIVE,
    )
    .values(status=MandateStatus.REVOKED, ended_ms=bindparam("now"))
)


@dataclass(frozen=True, slots=True)
class MandateRow:
    """A new mandate, and the internal keys of the two accounts."""

    mandate: Mandate
    holder_key: int
    principal_key: int


def find_mandate(connection: Connection, mandate_id: MandateId) -> Mandate | None:
    """A mandate, whatever its state."""
    row = connection.execute(_BY_ID, {"id": mandate_id}).one_or_none()
    return None if row is None else _mandate(row)


def find_usable_mandate(
    connection: Connection, mandate_id: MandateId, *, now: datetime
) -> Mandate | None:
    """A mandate that is in force now, between two accounts that are active; opens nothing."""
    row = connection.execute(_USABLE_BY_ID, {"id": mandate_id, "now": to_ms(now)}).one_or_none()
    return None if row is None else _mandate(row)


def list_mandates(connection: Connection, holder_id: AccountId) -> tuple[Mandate, ...]:
    """Every mandate that a person holds or held, newest first."""
    return tuple(_mandate(row) for row in connection.execute(_BY_HOLDER, {"id": holder_id}))


def list_representations(
    connection: Connection, holder_id: AccountId, *, sealer: Sealer, now: datetime
) -> tuple[Representation, ...]:
    """The organisations that a person may act for now, in no order; one query.

    Both accounts must be active: a closed organisation has nobody who acts for it.
    """
    rows = connection.execute(_REPRESENTATIONS, {"id": holder_id, "now": to_ms(now)})
    return tuple(_representation(row, sealer=sealer) for row in rows)


def find_representation(
    connection: Connection,
    holder_id: AccountId,
    *,
    mandate_id: MandateId,
    sealer: Sealer,
    now: datetime,
) -> Representation | None:
    """One of them, if it may be used now and is that person's; one query by primary key."""
    row = connection.execute(
        _REPRESENTATION, {"id": holder_id, "mandate": mandate_id, "now": to_ms(now)}
    ).one_or_none()
    return None if row is None else _representation(row, sealer=sealer)


def list_present(
    connection: Connection,
    pairs: Iterable[tuple[int, int]],
    *,
    kind: MandateKind,
    now: datetime,
) -> set[tuple[int, int]]:
    """Of pairs (holder, principal) of internal keys, those that have a running mandate."""
    return {
        (row.holder_key, row.principal_key)
        for asked in in_portions(list(pairs))
        for row in connection.execute(_PRESENT, {"which": kind, "pairs": asked, "now": to_ms(now)})
    }


def insert_mandates(tx: Transaction, rows: Sequence[MandateRow]) -> None:
    """Insert new mandates; one statement however many they are."""
    if rows:
        tx.connection.execute(_INSERT, [_values(row) for row in rows])


def revoke_mandate(tx: Transaction, mandate_id: MandateId, *, now: datetime) -> bool:
    """End a mandate for good; False when it had been ended before."""
    ended = tx.connection.execute(_REVOKE, {"id": mandate_id, "now": to_ms(now)})
    return ended.rowcount == 1


def revoke_mandates_of(tx: Transaction, account_key: int, *, now: datetime) -> int:
    """End every mandate that an account holds or gave; how many there were."""
    return tx.connection.execute(_REVOKE_ALL, {"key": account_key, "now": to_ms(now)}).rowcount


def _values(row: MandateRow) -> dict[str, Any]:
    new = row.mandate
    return {
        "mandate_id": new.mandate_id,
        "kind": new.kind,
        "holder_key": row.holder_key,
        "principal_key": row.principal_key,
        "scopes": json.dumps(new.scopes),
        "portals": json.dumps(new.portals),
        "valid_from_ms": to_ms(new.valid_from),
        "valid_to_ms": None if new.valid_to is None else to_ms(new.valid_to),
        "source": new.source,
        "verified_ms": to_ms(new.verified_at),
        "status": new.status,
    }


def _mandate(row: Row[*tuple[Any, ...]]) -> Mandate:
    return Mandate(
        mandate_id=MandateId(row.mandate_id),
        kind=MandateKind(row.kind),
        holder_id=AccountId(row.holder_id),
        principal_id=AccountId(row.principal_id),
        scopes=tuple(json.loads(row.scopes)),
        portals=tuple(json.loads(row.portals)),
        valid_from=from_ms(row.valid_from_ms),
        valid_to=_until(row.valid_to_ms),
        source=row.source,
        verified_at=from_ms(row.verified_ms),
        status=MandateStatus(row.status),
    )


def _representation(row: Row[*tuple[Any, ...]], *, sealer: Sealer) -> Representation:
    return Representation(
        mandate_id=MandateId(row.mandate_id),
        kind=MandateKind(row.kind),
        organisation=AccountId(row.account_id),
        name=unseal_profile(row, sealer=sealer).name,
        enterprise_code=unseal_number(row, kind=IdentifierKind.ENTERPRISE_CODE, sealer=sealer),
        valid_to=_until(row.valid_to_ms),
    )


def _until(ms: int | None) -> datetime | None:
    return None if ms is None else from_ms(ms)
