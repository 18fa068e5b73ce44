"""Acting for an organisation: the mandate of a legal representative, and the end of any.

What lives here: the two acts with their rows in the log.  Not here: what a representative gives to
others (`delegation.py`), what else ends with a mandate (`idp/mandate_ending.py`), asking what holds
now (`directory`).
Source: Law on Enterprises 59/2020/QH14 Art. 12; NĐ 69/2024/NĐ-CP Art. 12.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from idp.accounts.errors import AccountUnknown
from idp.accounts.model import AccountKind, Mandate, MandateKind, MandateStatus
from idp.ids import AccountId, MandateId, make_id
from idp.storage.accounts import find_row
from idp.storage.database import Database, Transaction
from idp.storage.mandates import (
    MandateRow,
    insert_mandates,
    revoke_mandate,
)
from keystore.log.events import Event, EventType
from keystore.log.record import LogWriter


class EndReason(StrEnum):
    """Why a mandate ended; for the log, for whoever is told, and for the page."""

    REPRESENTATIVE = "representative"
    HOLDER = "holder"
    OPERATOR = "operator"
    REGISTER = "register"
    ACCOUNT_CLOSED = "account_closed"
    GROUND_ENDED = "ground_ended"
    DECLINED = "declined"
    NOT_AGREED = "not_agreed"
    LAST_DAY = "last_day"


@dataclass(frozen=True, slots=True)
class Checked:
    """From when on a register is asked again, and how long its last word holds at most."""

    recheck_at: datetime
    holds_until: datetime


def add_legal_representative(
    database: Database,
    *,
    holder_id: AccountId,
    organisation_id: AccountId,
    source: str,
    valid_to: datetime | None = None,
    checked: Checked | None = None,
    also: Callable[[Transaction, Mandate], object] | None = None,
    log: LogWriter,
    now: datetime,
) -> Mandate:
    """Let a person act for an organisation as its legal representative from now on.

    Takes   source: the register or document that says so, a short word; checked: how long its word
            is good, None where nobody can be asked again; also: what is done with it in the same
            transaction, in which one person's are added one after the other.
    Raises  AccountUnknown: there is no such person or no such organisation.
    """
    new = Mandate(
        mandate_id=MandateId(make_id("mdt")),
        kind=MandateKind.LEGAL_REPRESENTATIVE,
        holder_id=holder_id,
        principal_id=organisation_id,
        scopes=(),
        portals=(),
        valid_from=now,
        valid_to=valid_to,
        source=source,
        verified_at=now,
        recheck_at=None if checked is None else checked.recheck_at,
        holds_until=None if checked is None else checked.holds_until,
    )
    with database.transaction() as tx:
        holder = find_row(tx.connection, holder_id, is_locked=True)
        principal = find_row(tx.connection, organisation_id)
        if holder is None or holder.kind is AccountKind.ORGANISATION:
            raise AccountUnknown
        if principal is None or principal.kind is not AccountKind.ORGANISATION:
            raise AccountUnknown
        insert_mandates(tx, (MandateRow(new, holder.account_key, principal.account_key),))
        log.record(tx, mandate_added(new), data_key=holder.data_key, now=now)
        if also is not None:
            also(tx, new)
    return new


def mandate_added(new: Mandate) -> Event:
    """What stands in the log of a mandate that was given; without it no seal is used under it."""
    return Event(
        EventType.MANDATE_ADDED,
        account_id=new.holder_id,
        facts={"mandate": new.mandate_id, "kind": new.kind, "organisation": new.principal_id},
    )


def end_mandate(
    tx: Transaction,
    mandate: Mandate,
    *,
    why: EndReason,
    status: MandateStatus = MandateStatus.REVOKED,
    log: LogWriter,
    now: datetime,
) -> bool:
    """End a mandate for good; False when somebody else had ended it.

    Does not end what stands on it: `idp.mandate_ending` does.
    """
    if not revoke_mandate(tx, mandate.mandate_id, now=now, why=why, status=status):
        return False
    holder = find_row(tx.connection, mandate.holder_id)
    event = Event(
        EventType.MANDATE_ENDED,
        account_id=mandate.holder_id,
        facts={
            "mandate": mandate.mandate_id,
            "kind": mandate.kind,
            "organisation": mandate.principal_id,
            "reason": why,
        },
    )
    log.record(tx, event, data_key=holder.data_key if holder else None, now=now)
    return True
