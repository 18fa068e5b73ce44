"""What the charter of an organisation demands when a representative gives a mandate.

What lives here: keeping how many other representatives have to agree.  Source: Law on Enterprises
59/2020/QH14 Art. 12(2) (the charter divides the powers).
Not here: whether enough have agreed (`delegation.py`).
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from idp.accounts.errors import AccountUnknown
from idp.ids import AccountId
from idp.storage.accounts import find_row
from idp.storage.database import Database
from idp.storage.mandate_agreements import set_charter
from keystore.log.events import Event, EventType
from keystore.log.record import LogWriter


@dataclass(frozen=True, slots=True)
class Charters:
    """Safe to share between threads."""

    database: Database

    def set(
        self,
        organisation_id: AccountId,
        *,
        agreements: int,
        source: str,
        log: LogWriter,
        now: datetime,
    ) -> None:
        """Keep it; what waits already waits for what was demanded when it was asked for.

        Takes   agreements: how many others, 0 for none, `EVERYBODY` for all of them.
        Raises  AccountUnknown: there is no such organisation.
        """
        with self.database.transaction() as tx:
            row = find_row(tx.connection, organisation_id, is_locked=True)
            if row is None or not row.is_organisation:
                raise AccountUnknown
            set_charter(tx, row.account_key, agreements=agreements, source=source, now=now)
            event = Event(
                EventType.CHARTER_CHANGED,
                account_id=organisation_id,
                facts={"agreements": agreements, "source": source},
            )
            log.record(tx, event, data_key=row.data_key, now=now)
