"""On what a mandate stands: who agreed, what the charter demands, and on what paper, in SQL.

What lives here: two small tables, and the statements on them and on one column more.  Not here:
whether what is there is enough (`idp/accounts/delegation.py`).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from sqlalchemy import (
    BigInteger,
    Column,
    Connection,
    ForeignKey,
    Integer,
    String,
    Table,
    bindparam,
    delete,
    insert,
    or_,
    select,
)

from idp.accounts.model import MandateKind, MandateStatus
from idp.ids import AccountId, MandateId
from idp.storage.accounts import account
from idp.storage.database import Transaction, metadata
from idp.storage.declared import BASIC, NONE, holds
from idp.storage.mandates import mandate
from keystore.clock import from_ms, to_ms

_RETENTION: Final = "mandate_ended+10y"

mandate_agreement = Table(
    "mandate_agreement",
    metadata,
    Column("mandate_id", ForeignKey("mandate.mandate_id"), primary_key=True, info=NONE),
    Column("account_id", String(40), primary_key=True, info=BASIC),
    Column("agreed_ms", BigInteger, nullable=False, info=NONE),
    info=holds(
        "person",
        purpose="who of several legal representatives agreed to a mandate",
        retention=_RETENTION,
        legal="Law on Enterprises 59/2020/QH14 Art. 12",
        legal_from="2021-01-01",
    ),
)
charter = Table(
    "charter",
    metadata,
    Column("account_key", ForeignKey("account.account_key"), primary_key=True, info=NONE),
    Column("agreements", Integer, nullable=False, info=NONE),
    Column("source", String(64), nullable=False, info=NONE),
    Column("changed_ms", BigInteger, nullable=False, info=NONE),
    info=holds(
        "person",
        purpose="how many other legal representatives have to agree to a mandate",
        retention="until_erased",
        legal="Law on Enterprises 59/2020/QH14 Art. 12",
        legal_from="2021-01-01",
    ),
)

_AGREED = select(mandate_agreement).where(
    mandate_agreement.c.mandate_id.in_(bindparam("ids", expanding=True))
)
_CHARTER = select(charter.c.agreements).where(charter.c.account_key == bindparam("key"))
_FORGET = delete(charter).where(charter.c.account_key == bindparam("key"))
_INSERT = insert(mandate_agreement)
_SET = insert(charter)

# locked, capped or not confirmed lately they cannot act, and a charter still asks for them
_BY_LAW = (
    select(account.c.account_id)
    .join(mandate, mandate.c.holder_key == account.c.account_key)
    .where(
        mandate.c.principal_key == bindparam("key"),
        mandate.c.kind == MandateKind.LEGAL_REPRESENTATIVE,
        mandate.c.status == MandateStatus.ACTIVE,
        or_(mandate.c.valid_to_ms.is_(None), mandate.c.valid_to_ms > bindparam("now")),
    )
)
_EVIDENCE = select(mandate.c.evidence_sealed).where(mandate.c.mandate_id == bindparam("id"))


@dataclass(frozen=True, slots=True)
class Agreement:
    """That somebody who represents the organisation agreed to a mandate."""

    mandate_id: MandateId
    account_id: AccountId
    at: datetime


def list_agreements(
    connection: Connection, mandate_ids: Sequence[MandateId]
) -> tuple[Agreement, ...]:
    """Who agreed to these, in no order."""
    if not mandate_ids:
        return ()
    rows = connection.execute(_AGREED, {"ids": list(mandate_ids)})
    return tuple(
        Agreement(MandateId(row.mandate_id), AccountId(row.account_id), from_ms(row.agreed_ms))
        for row in rows
    )


def add_agreement(
    tx: Transaction, mandate_id: MandateId, *, account_id: AccountId, now: datetime
) -> None:
    """Note that somebody agreed; the caller has looked that they had not."""
    tx.connection.execute(
        _INSERT, {"mandate_id": mandate_id, "account_id": account_id, "agreed_ms": to_ms(now)}
    )


def find_charter(connection: Connection, account_key: int) -> int:
    """How many others have to agree; 0 where nothing is known."""
    return connection.execute(_CHARTER, {"key": account_key}).scalar_one_or_none() or 0


def set_charter(
    tx: Transaction, account_key: int, *, agreements: int, source: str, now: datetime
) -> None:
    """Keep how many others have to agree, in the place of what was there."""
    tx.connection.execute(_FORGET, {"key": account_key})
    if agreements:
        tx.connection.execute(
            _SET,
            {
                "account_key": account_key,
                "agreements": agreements,
                "source": source,
                "changed_ms": to_ms(now),
            },
        )


def list_by_law(connection: Connection, account_key: int, *, now: datetime) -> set[AccountId]:
    """Who represents an organisation by law, whether or not they could act at this moment."""
    rows = connection.execute(_BY_LAW, {"key": account_key, "now": to_ms(now)})
    return {AccountId(row.account_id) for row in rows}


def find_evidence(connection: Connection, mandate_id: MandateId) -> bytes | None:
    """On what paper a mandate stands, sealed for the organisation."""
    found = connection.execute(_EVIDENCE, {"id": mandate_id}).scalar_one_or_none()
    return None if found is None else bytes(found)
