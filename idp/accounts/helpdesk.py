"""What a helpdesk does to an account: lock it, unlock what a helpdesk locked, close a case.

What lives here: the acts of one official; inviting takes two (`invitations`).  None of them gives
anybody a password, a factor, a level or a signature.  What an operator locked, an operator unlocks;
what a stopped reset locked, a helpdesk does; nothing is unlocked while a case about the account is
open.  Reasons are codes.  The person is told, and finds each act in their history with the agency.
Source: architecture, J5; NĐ 69/2024/NĐ-CP Art. 12 (locking, unlocking).
Not here: what locking ends (`lifecycle`).
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import ClassVar, Protocol

from idp.accounts.case_model import Case
from idp.accounts.cases import Cases, CaseUnknown
from idp.accounts.errors import AccountError, StatusUnchangeable
from idp.accounts.lifecycle import AccountLifecycle, SigningMeans, SignOut
from idp.accounts.notices import Notices
from idp.accounts.official_duties import Official
from idp.accounts.officials import OwnAccount, require_duty
from idp.accounts.recovery_stop import STOPPED_RESET
from idp.ids import AccountId
from idp.storage.accounts import AccountRow
from idp.storage.cases import list_cases
from idp.storage.database import Database, Transaction
from idp.storage.history import history_of
from keystore.log.events import EventType
from keystore.log.record import LogWriter
from keystore.sealing import Sealer


class LockReason(StrEnum):
    """Why an account is locked."""

    LOST_DEVICE = "lost_device"
    SUSPECTED_MISUSE = "suspected_misuse"
    PERSON_ASKS = "person_asks"


class CaseOutcome(StrEnum):
    """What became of a case."""

    MISUSE_CONFIRMED = "misuse_confirmed"
    NOTHING_FOUND = "nothing_found"
    SETTLED = "settled"


class HelpdeskRefused(AccountError):
    """Nothing was done; `reason` is `not_unlockable_here`, `case_open` or `status_unchangeable`."""

    code: ClassVar[str] = "helpdesk_refused"

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class MakesSigningMeans(Protocol):
    """Makes them for acts that are recorded by a writer."""

    def __call__(self, *, log: LogWriter) -> SigningMeans:
        """What accounts sign with."""


@dataclass(frozen=True, slots=True)
class Helpdesk:
    """Safe for any number of threads."""

    database: Database
    sealer: Sealer
    log: LogWriter
    notices: Notices
    cases: Cases
    sign_out: SignOut
    signing_means: MakesSigningMeans

    def lock(
        self, official: Official, account_id: AccountId, *, reason: LockReason, now: datetime
    ) -> None:
        """Refuse its sign-ins, and sign it out everywhere.

        Raises  HelpdeskRefused; OwnAccount; NotAnOfficial; AccountUnknown.
        """
        _refuse_own(official, account_id)
        try:
            self._lifecycle(official).lock(
                account_id,
                reason=reason.value,
                now=now,
                first=lambda tx, _row: require_duty(tx, official, now=now),
            )
        except StatusUnchangeable as refusal:
            raise HelpdeskRefused("status_unchangeable") from refusal

    def unlock(self, official: Official, account_id: AccountId, *, now: datetime) -> None:
        """Let it sign in again, if a helpdesk locked it.

        Raises  as `lock`.
        """
        _refuse_own(official, account_id)

        def look(tx: Transaction, row: AccountRow) -> None:
            require_duty(tx, official, now=now)
            cases = list_cases(tx.connection, row.account_id, sealer=self.sealer)
            if any(one.is_open for one in cases):
                raise HelpdeskRefused("case_open")
            if not _was_locked_here(tx, row.account_id):
                raise HelpdeskRefused("not_unlockable_here")

        try:
            self._lifecycle(official).unlock(account_id, reason="helpdesk", now=now, first=look)
        except StatusUnchangeable as refusal:
            raise HelpdeskRefused("status_unchangeable") from refusal

    def close_case(
        self,
        official: Official,
        account_id: AccountId,
        *,
        number: str,
        outcome: CaseOutcome,
        now: datetime,
    ) -> None:
        """Close one of the account's cases.

        Raises  CaseUnknown; OwnAccount; NotAnOfficial.
        """
        _refuse_own(official, account_id)
        for case in self.open_cases(account_id):
            if case.number == number:
                self.cases.close(
                    case,
                    outcome=outcome.value,
                    by=official.account_id,
                    now=now,
                    first=lambda tx: require_duty(tx, official, now=now),
                )
                return
        raise CaseUnknown

    def open_cases(self, account_id: AccountId) -> tuple[Case, ...]:
        """What somebody still has to look into."""
        return tuple(one for one in self.cases.list_of(account_id) if one.is_open)

    def _lifecycle(self, official: Official) -> AccountLifecycle:
        log = self.log.in_name_of(official.account_id)
        return AccountLifecycle(
            self.database,
            sealer=self.sealer,
            log=log,
            sign_out=self.sign_out,
            signing_means=self.signing_means(log=log),
            notices=self.notices,
        )


def _refuse_own(official: Official, account_id: AccountId) -> None:
    if account_id == official.account_id:
        raise OwnAccount


def _was_locked_here(tx: Transaction, account_id: AccountId) -> bool:
    rows = history_of(
        tx.connection, account_id, types=(EventType.ACCOUNT_STATUS_CHANGED,), before=None, limit=1
    )
    # officials act in the name of their accounts, operators in names of their own; a reset that was
    # stopped locks in nobody's name, and has no password left
    return any(
        str(row.facts.get("operator", "")).startswith("acc_")
        or ("operator" not in row.facts and row.facts.get("reason") == STOPPED_RESET)
        for row in rows
    )
