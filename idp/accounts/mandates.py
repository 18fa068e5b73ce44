"""Acting for an organisation: giving a mandate, and ending it.

Today mandates of legal representatives are given (by registers and import); the other kinds have
their place in the model.  Not here: asking what holds now (`directory`).
Source: Law on Enterprises 59/2020/QH14 Art. 12; NĐ 69/2024/NĐ-CP Art. 12.
"""

from __future__ import annotations

from datetime import datetime

from idp.accounts.errors import AccountUnknown
from idp.accounts.model import AccountKind, Mandate, MandateKind
from idp.ids import AccountId, MandateId, make_id
from idp.storage.accounts import find_row
from idp.storage.database import Database
from idp.storage.mandates import (
    MandateRow,
    insert_mandates,
    revoke_mandate,
)
from keystore.log.events import Event, EventType
from keystore.log.record import LogWriter


def add_legal_representative(
    database: Database,
    *,
    holder_id: AccountId,
    organisation_id: AccountId,
    source: str,
    valid_to: datetime | None = None,
    log: LogWriter,
    now: datetime,
) -> Mandate:
    """Let a person act for an organisation as its legal representative from now on.

    Takes   source: the register or document that says so, a short word.
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
    return new


def mandate_added(new: Mandate) -> Event:
    """What stands in the log of a mandate that was given; without it no seal is used under it."""
    return Event(
        EventType.MANDATE_ADDED,
        account_id=new.holder_id,
        facts={"mandate": new.mandate_id, "kind": new.kind, "organisation": new.principal_id},
    )


def end_mandate(database: Database, mandate: Mandate, *, log: LogWriter, now: datetime) -> bool:
    """End a mandate for good; False when somebody else had ended it."""
    with database.transaction() as tx:
        holder = find_row(tx.connection, mandate.holder_id)
        if not revoke_mandate(tx, mandate.mandate_id, now=now):
            return False
        event = Event(
            EventType.MANDATE_ENDED,
            account_id=mandate.holder_id,
            facts={"mandate": mandate.mandate_id, "kind": mandate.kind},
        )
        log.record(tx, event, data_key=holder.data_key if holder else None, now=now)
    return True
