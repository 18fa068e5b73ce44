"""Opening cases, closing them, and reading them.

What lives here: `Cases`.  A case is opened in the transaction of what was done about it, and tells
the person its number over every channel.
Source: NĐ 69/2024/NĐ-CP Art. 17; Law 91/2025/QH15 Art. 4 (a person is told what became of it).
Not here: who may close one (`officials`), pages.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import ClassVar, Final

from idp.accounts.case_model import Case, CaseKind
from idp.accounts.errors import AccountError
from idp.accounts.notices import Notice, Notices
from idp.ids import AccountId, make_id
from idp.storage import cases as rows
from idp.storage.accounts import AccountRow, find_row
from idp.storage.database import Database, Transaction
from keystore.log.events import Event, EventType
from keystore.log.record import LogWriter
from keystore.sealing import Sealer

_ALPHABET: Final = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
_GROUP: Final = 4
_MAX_RAW_CHARS: Final = 40


class CaseUnknown(AccountError):
    """There is no such case, or it was closed before."""

    code: ClassVar[str] = "case_unknown"


@dataclass(frozen=True, slots=True)
class Cases:
    """Safe for any number of threads."""

    database: Database
    sealer: Sealer
    log: LogWriter
    notices: Notices

    def open(
        self,
        tx: Transaction,
        row: AccountRow,
        *,
        kind: CaseKind,
        facts: Mapping[str, str],
        now: datetime,
    ) -> Case:
        """Open a case in the transaction of what was done, and tell the person its number.

        Takes   row: locked by the caller; facts: codes, ids and times.
        """
        number = "-".join(
            "".join(secrets.choice(_ALPHABET) for _ in range(_GROUP)) for _ in range(2)
        )
        case = Case(make_id("cas"), number, row.account_id, kind, dict(facts), now)
        rows.insert_case(tx, row, case, sealer=self.sealer)
        self._record(tx, EventType.CASE_OPENED, case, row=row, now=now, kind=kind.value)
        self.notices.tell(tx, row, Notice.CASE_OPENED, now=now, facts={"reference": number})
        return case

    def list_of(self, account_id: AccountId) -> tuple[Case, ...]:
        """The cases of a person, the newest first."""
        with self.database.read() as connection:
            return rows.list_cases(connection, account_id, sealer=self.sealer)

    def find(self, raw_number: str) -> Case | None:
        """The case of a number as it was typed or said."""
        text = "".join(raw_number[:_MAX_RAW_CHARS].upper().split()).replace("-", "")
        text = text.translate(str.maketrans("OIL", "011"))
        number = f"{text[:_GROUP]}-{text[_GROUP:]}"
        with self.database.read() as connection:
            return rows.find_case(connection, number, sealer=self.sealer)

    def close(
        self,
        case: Case,
        *,
        outcome: str,
        by: str,
        now: datetime,
        first: Callable[[Transaction], object],
    ) -> None:
        """Close a case.

        Takes   outcome: a short word; by: the official's id, for the log; first: what is looked at
                in the same transaction, and stops it by raising.
        Raises  CaseUnknown.
        """
        with self.database.transaction() as tx:
            first(tx)
            row = find_row(tx.connection, case.account_id, is_locked=True)
            if row is None or not rows.close_case(tx, case.case_id, outcome=outcome, now=now):
                raise CaseUnknown
            self._record(tx, EventType.CASE_CLOSED, case, row=row, now=now, outcome=outcome, by=by)
            self.notices.tell(
                tx, row, Notice.CASE_CLOSED, now=now, facts={"reference": case.number}
            )

    def _record(
        self,
        tx: Transaction,
        type_: EventType,
        case: Case,
        *,
        row: AccountRow,
        now: datetime,
        **facts: str,
    ) -> None:
        event = Event(type_, account_id=case.account_id, facts={"case": case.number, **facts})
        self.log.record(tx, event, data_key=row.data_key, now=now)
