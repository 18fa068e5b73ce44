"""Who may act for whom, in SQL.

What lives here: one table and the statements on it.  A mandate ends by its date or by being
revoked; the row stays, because tokens and signatures were made under it.  One that was given under
another is in force only while that one is.  Not here: whether it is enough for what a client asks
(`idp.accounts.mandates`), who has to agree to one (`mandate_agreements.py`).
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final

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
    Text,
    and_,
    bindparam,
    insert,
    or_,
    select,
    text,
    tuple_,
    update,
)

from idp.accounts.model import (
    AccountLevel,
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
from idp.storage.declared import BASIC, NONE, found_by, holds, kept_by_law, withheld
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
    Column("ended_why", String(24), info=NONE),
    Column("given_by", String(40), info=BASIC),
    Column("given_under", String(40), info=NONE),
    Column("agreements", Integer, nullable=False, server_default=text("0"), info=NONE),
    Column("decide_ms", BigInteger, info=NONE),
    Column("recheck_ms", BigInteger, info=NONE),
    Column("holds_until_ms", BigInteger, info=NONE),
    Column("evidence_sealed", LargeBinary, info=withheld(BASIC, "the organisation's own paper")),
    info=holds(
        "person",
        purpose="who may act for an organisation or another person",
        retention="mandate_ended+10y",
        legal="Law on Enterprises 59/2020/QH14 Art. 12",
        legal_from="2021-01-01",
    )
    | found_by("holder_key", "principal_key", "given_by")
    | kept_by_law(
        what="that the bare id acted for an organisation, or let somebody act, from when to when",
        legal="Law on Enterprises 59/2020/QH14 Art. 12",
        until="10 years after the mandate ended",
    ),
)
Index("ix_mandate_holder", mandate.c.holder_key, mandate.c.status)
Index("ix_mandate_principal", mandate.c.principal_key, mandate.c.status)
Index("ix_mandate_given_under", mandate.c.given_under)
Index("ix_mandate_given_by", mandate.c.given_by)
Index("ix_mandate_last_day", mandate.c.status, mandate.c.valid_to_ms)

_holder = account.alias("holder")
_principal = account.alias("principal")
_ground = mandate.alias("ground")
MANDATES: Final = (
    select(
        mandate,
        _holder.c.account_id.label("holder_id"),
        _principal.c.account_id.label("principal_id"),
    )
    .join(_holder, _holder.c.account_key == mandate.c.holder_key)
    .join(_principal, _principal.c.account_key == mandate.c.principal_key)
)
_BY_ID = MANDATES.where(mandate.c.mandate_id == bindparam("id"))
_BY_HOLDER = MANDATES.where(_holder.c.account_id == bindparam("id")).order_by(
    mandate.c.valid_from_ms.desc(), mandate.c.mandate_id
)
_BY_PRINCIPAL = MANDATES.where(mandate.c.principal_key == bindparam("key")).order_by(
    mandate.c.valid_from_ms.desc(), mandate.c.mandate_id
)


def _in_force(one: Any) -> Any:
    return and_(
        one.c.status == MandateStatus.ACTIVE,
        one.c.valid_from_ms <= bindparam("now"),
        or_(one.c.valid_to_ms.is_(None), one.c.valid_to_ms > bindparam("now")),
        or_(one.c.holds_until_ms.is_(None), one.c.holds_until_ms > bindparam("now")),
    )


_IS_USABLE: Final = and_(
    _in_force(mandate),
    or_(
        mandate.c.given_under.is_(None),
        select(_ground.c.mandate_id)
        .where(_ground.c.mandate_id == mandate.c.given_under, _in_force(_ground))
        .exists(),
    ),
    _holder.c.status == AccountStatus.ACTIVE,
    _principal.c.status == AccountStatus.ACTIVE,
)
_USABLE_BY_ID = MANDATES.where(mandate.c.mandate_id == bindparam("id"), _IS_USABLE)
# whoever has to be proofed again after a recovery acts for nobody until then
_IS_PROOFED: Final = _holder.c.level == AccountLevel.TWO
_USABLE_OF_HOLDER = MANDATES.where(
    _holder.c.account_id == bindparam("id"), _IS_USABLE, _IS_PROOFED
).order_by(mandate.c.valid_from_ms.desc(), mandate.c.mandate_id)
_REPRESENTATIVES = MANDATES.where(
    mandate.c.principal_key == bindparam("key"),
    mandate.c.kind == MandateKind.LEGAL_REPRESENTATIVE,
    _IS_USABLE,
    _IS_PROOFED,
).order_by(mandate.c.mandate_id)
_USABLE = (
    select(
        mandate.c.mandate_id,
        mandate.c.kind,
        mandate.c.valid_to_ms,
        mandate.c.scopes,
        mandate.c.portals,
        mandate.c.recheck_ms,
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
    .where(_IS_USABLE, _IS_PROOFED)
)
_ACTING: Final = (
    MandateKind.LEGAL_REPRESENTATIVE,
    MandateKind.DELEGATION,
    MandateKind.SEAL_CLERK,
)
"""Kinds under which somebody comes to a portal in the name of an organisation."""
_REPRESENTATIONS = _USABLE.where(
    _holder.c.account_id == bindparam("id"), mandate.c.kind.in_(_ACTING)
)
_REPRESENTATION = _REPRESENTATIONS.where(mandate.c.mandate_id == bindparam("mandate"))
_PRESENT = select(mandate.c.holder_key, mandate.c.principal_key).where(
    mandate.c.kind == bindparam("which"),
    mandate.c.status.in_((MandateStatus.ACTIVE, MandateStatus.WAITING)),
    or_(mandate.c.valid_to_ms.is_(None), mandate.c.valid_to_ms > bindparam("now")),
    tuple_(mandate.c.holder_key, mandate.c.principal_key).in_(bindparam("pairs", expanding=True)),
)
OPEN: Final = mandate.c.status.in_((MandateStatus.ACTIVE, MandateStatus.WAITING))
"""Neither ended nor over, by their status."""
_INSERT = insert(mandate)
_END = (
    update(mandate)
    .where(mandate.c.mandate_id == bindparam("id"), OPEN)
    .values(status=bindparam("state"), ended_ms=bindparam("now"), ended_why=bindparam("why"))
)
_REVOKE_ALL = (
    update(mandate)
    .where(
        or_(mandate.c.holder_key == bindparam("key"), mandate.c.principal_key == bindparam("key")),
        OPEN,
    )
    .values(status=MandateStatus.REVOKED, ended_ms=bindparam("now"), ended_why=bindparam("why"))
)
_BEGIN = (
    update(mandate)
    .where(mandate.c.mandate_id == bindparam("id"), mandate.c.status == MandateStatus.WAITING)
    .values(status=MandateStatus.ACTIVE, valid_from_ms=bindparam("from"))
)
_CHECKED = (
    update(mandate)
    .where(mandate.c.mandate_id == bindparam("id"), mandate.c.status == MandateStatus.ACTIVE)
    .values(
        verified_ms=bindparam("at"),
        recheck_ms=bindparam("again"),
        holds_until_ms=bindparam("until"),
    )
)


@dataclass(frozen=True, slots=True)
class MandateRow:
    """A new mandate, and the internal keys of the two accounts.

    Takes   evidence: on what paper it stands, sealed for the organisation.
    """

    mandate: Mandate
    holder_key: int
    principal_key: int
    evidence: bytes | None = field(default=None, repr=False)


def find_mandate(connection: Connection, mandate_id: MandateId) -> Mandate | None:
    """A mandate, whatever its state."""
    row = connection.execute(_BY_ID, {"id": mandate_id}).one_or_none()
    return None if row is None else read_mandate(row)


def find_usable_mandate(
    connection: Connection, mandate_id: MandateId, *, now: datetime
) -> Mandate | None:
    """A mandate in force now, between two active accounts; opens nothing, asks no level."""
    row = connection.execute(_USABLE_BY_ID, {"id": mandate_id, "now": to_ms(now)}).one_or_none()
    return None if row is None else read_mandate(row)


def list_mandates(connection: Connection, holder_id: AccountId) -> tuple[Mandate, ...]:
    """Every mandate that a person holds or held, newest first."""
    return tuple(read_mandate(row) for row in connection.execute(_BY_HOLDER, {"id": holder_id}))


def list_usable_mandates(
    connection: Connection, holder_id: AccountId, *, now: datetime
) -> tuple[Mandate, ...]:
    """Those that a person may use now, newest first; opens nothing."""
    rows = connection.execute(_USABLE_OF_HOLDER, {"id": holder_id, "now": to_ms(now)})
    return tuple(read_mandate(row) for row in rows)


def list_mandates_for(connection: Connection, principal_key: int) -> tuple[Mandate, ...]:
    """Every mandate to act for an organisation there is or was, newest first."""
    return tuple(
        read_mandate(row) for row in connection.execute(_BY_PRINCIPAL, {"key": principal_key})
    )


def list_representatives(
    connection: Connection, principal_key: int, *, now: datetime
) -> tuple[Mandate, ...]:
    """The mandates of those who may act for an organisation by law now."""
    rows = connection.execute(_REPRESENTATIVES, {"key": principal_key, "now": to_ms(now)})
    return tuple(read_mandate(row) for row in rows)


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
    """Of pairs (holder, principal) of internal keys, those that have a mandate or wait for one."""
    return {
        (row.holder_key, row.principal_key)
        for asked in in_portions(list(pairs))
        for row in connection.execute(_PRESENT, {"which": kind, "pairs": asked, "now": to_ms(now)})
    }


def insert_mandates(tx: Transaction, rows: Sequence[MandateRow]) -> None:
    """Insert new mandates; one statement however many they are."""
    if rows:
        tx.connection.execute(_INSERT, [_values(row) for row in rows])


def begin_mandate(tx: Transaction, mandate_id: MandateId, *, valid_from: datetime) -> bool:
    """Put a waiting mandate in force; False when it does not wait any more."""
    begun = tx.connection.execute(_BEGIN, {"id": mandate_id, "from": to_ms(valid_from)})
    return begun.rowcount == 1


def keep_check(
    tx: Transaction,
    mandate_id: MandateId,
    *,
    now: datetime,
    recheck_at: datetime,
    holds_until: datetime,
) -> bool:
    """Note that the register said so again; False when the mandate has ended meanwhile."""
    kept = tx.connection.execute(
        _CHECKED,
        {
            "id": mandate_id,
            "at": to_ms(now),
            "again": to_ms(recheck_at),
            "until": to_ms(holds_until),
        },
    )
    return kept.rowcount == 1


def revoke_mandate(
    tx: Transaction,
    mandate_id: MandateId,
    *,
    now: datetime,
    why: str = "",
    status: MandateStatus = MandateStatus.REVOKED,
) -> bool:
    """End a mandate for good; False when it had been ended before."""
    ended = tx.connection.execute(
        _END, {"id": mandate_id, "now": to_ms(now), "why": why, "state": status}
    )
    return ended.rowcount == 1


def revoke_mandates_of(tx: Transaction, account_key: int, *, now: datetime, why: str = "") -> int:
    """End every mandate that an account holds or gave; how many there were."""
    return tx.connection.execute(
        _REVOKE_ALL, {"key": account_key, "now": to_ms(now), "why": why}
    ).rowcount


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
        "valid_to_ms": _ms(new.valid_to),
        "source": new.source,
        "verified_ms": to_ms(new.verified_at),
        "status": new.status,
        "given_by": new.given_by,
        "given_under": new.given_under,
        "agreements": new.agreements,
        "decide_ms": _ms(new.decide_by),
        "recheck_ms": _ms(new.recheck_at),
        "holds_until_ms": _ms(new.holds_until),
        "evidence_sealed": row.evidence,
    }


def read_mandate(row: Row[*tuple[Any, ...]]) -> Mandate:
    """The mandate in a row of `MANDATES`."""
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
        given_by=None if row.given_by is None else AccountId(row.given_by),
        given_under=None if row.given_under is None else MandateId(row.given_under),
        agreements=row.agreements,
        decide_by=_until(row.decide_ms),
        recheck_at=_until(row.recheck_ms),
        holds_until=_until(row.holds_until_ms),
        ended_at=_until(row.ended_ms),
        ended_why=row.ended_why or "",
    )


def _representation(row: Row[*tuple[Any, ...]], *, sealer: Sealer) -> Representation:
    return Representation(
        mandate_id=MandateId(row.mandate_id),
        kind=MandateKind(row.kind),
        organisation=AccountId(row.account_id),
        name=unseal_profile(row, sealer=sealer).name,
        enterprise_code=unseal_number(row, kind=IdentifierKind.ENTERPRISE_CODE, sealer=sealer),
        valid_to=_until(row.valid_to_ms),
        scopes=tuple(json.loads(row.scopes)),
        portals=tuple(json.loads(row.portals)),
        recheck_at=_until(row.recheck_ms),
    )


def _ms(moment: datetime | None) -> int | None:
    return None if moment is None else to_ms(moment)


def _until(ms: int | None) -> datetime | None:
    return None if ms is None else from_ms(ms)
