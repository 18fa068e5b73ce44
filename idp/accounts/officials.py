"""Officials: people with a duty at a counter or a helpdesk, each for one agency.

What lives here: giving a duty, ending it at once, and asking who has one now.  An official is a
person with an account of level 2 and signs in with it like everybody; the duty lends no password,
no factor and no level, and it rests while the account is locked or below level 2.
Rules for whoever acts under a duty: it is asked for at every request; the sign-in has two factors
and is fresh; nobody acts on their own account.
Source: NĐ 69/2024/NĐ-CP Art. 10-11; architecture, decision 10.
Not here: the acts (`counter`, `helpdesk`), whether an agency is registered (the caller knows).
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import ClassVar

from idp.accounts.errors import AccountError, AccountUnknown
from idp.accounts.official_duties import Duty, Official
from idp.ids import AccountId, make_id
from idp.storage.accounts import AccountRow, find_row
from idp.storage.database import Database, Transaction
from idp.storage.officials import (
    end_official,
    find_official,
    insert_official,
    is_fit,
    list_in_force,
    list_officials,
)
from keystore.log.events import Event, EventType
from keystore.log.record import LogWriter

__all__ = ["Duty", "NotAnOfficial", "Official", "OfficialUnfit", "Officials", "OwnAccount"]


class OfficialUnfit(AccountError):
    """A duty goes to people alone, and to those whose account is of level 2."""

    code: ClassVar[str] = "official_unfit"


class NotAnOfficial(AccountError):
    """Whoever acts has not the duty for it, or not any more."""

    code: ClassVar[str] = "not_an_official"


class OwnAccount(AccountError):
    """An official never acts on their own account."""

    code: ClassVar[str] = "own_account"


@dataclass(frozen=True, slots=True)
class Officials:
    """Safe for any number of threads."""

    database: Database
    log: LogWriter

    def add(
        self,
        account_id: AccountId,
        *,
        duty: Duty,
        controller_id: str,
        valid_to: datetime | None = None,
        now: datetime,
    ) -> Official:
        """Give a person a duty from now on.

        Takes   controller_id: of an agency that is registered.
        Raises  AccountUnknown; OfficialUnfit.
        """
        new = Official(make_id("ofl"), account_id, controller_id, duty, now, valid_to)
        with self.database.transaction() as tx:
            row = find_row(tx.connection, account_id, is_locked=True)
            if row is None:
                raise AccountUnknown
            if not is_fit(tx.connection, row):
                raise OfficialUnfit
            insert_official(tx, new, account_key=row.account_key)
            self._record(tx, EventType.OFFICIAL_ADDED, row, new, now=now)
        return new

    def end(self, official_id: str, *, now: datetime) -> bool:
        """End a duty at once; False when there is none such, or it had ended before."""
        with self.database.transaction() as tx:
            found = find_official(tx.connection, official_id)
            if found is None or not end_official(tx, official_id, now=now):
                return False
            row = find_row(tx.connection, found.account_id)
            self._record(tx, EventType.OFFICIAL_ENDED, row, found, now=now)
        return True

    def find(self, account_id: AccountId, *, duty: Duty, now: datetime) -> Official | None:
        """The duty of a person, if it is in force; the earliest where there are several."""
        with self.database.read() as connection:
            found = list_in_force(connection, account_id, now=now)
        return next((one for one in found if one.duty is duty), None)

    def duties_of(self, account_id: AccountId, *, now: datetime) -> frozenset[Duty]:
        """Which duties a person has now."""
        with self.database.read() as connection:
            return frozenset(one.duty for one in list_in_force(connection, account_id, now=now))

    def list_all(self) -> tuple[Official, ...]:
        """Every duty that was ever given, the newest first; for the operator."""
        with self.database.read() as connection:
            return list_officials(connection)

    def _record(
        self,
        tx: Transaction,
        type_: EventType,
        row: AccountRow | None,
        official: Official,
        *,
        now: datetime,
    ) -> None:
        event = Event(
            type_,
            account_id=official.account_id,
            facts={
                "official_id": official.official_id,
                "duty": official.duty.value,
                "controller": official.controller_id,
            },
        )
        self.log.record(tx, event, data_key=None if row is None else row.data_key, now=now)


def require_duty(tx: Transaction, official: Official, *, now: datetime) -> AccountRow:
    """The official's row, if the duty holds at this instant, in the transaction of the act.

    Raises  NotAnOfficial.
    """
    held = list_in_force(tx.connection, official.account_id, now=now)
    row = find_row(tx.connection, official.account_id)
    if row is None or official.official_id not in {one.official_id for one in held}:
        raise NotAnOfficial
    return row


def still_has(
    tx: Transaction, account_id: AccountId, *, duty: Duty, controller_id: str, now: datetime
) -> bool:
    """Whether whoever did the first of two acts may still do it, when the second is done.

    A duty that ended, or an account that was locked or capped meanwhile, may have been misused.
    """
    return any(
        one.duty is duty and one.controller_id == controller_id
        for one in list_in_force(tx.connection, account_id, now=now)
    )
