"""A reset is stopped by somebody who was told of it and did not ask for it.

What lives here: the token that goes along with the notice, and what it does, once: the account is
locked.  It signs nobody in.  Whoever reads the person's mail without more can do exactly this with
it, and only after a reset that took two proofs: lock, never open; so the lock is one that an
official lifts, and the password that was set is void.
Source: architecture, decision 10; NIST SP 800-63B-4 §4.2.3, §4.6.
Not here: the reset (`password_reset.py`), pages.
"""

from __future__ import annotations

import hashlib
import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import ClassVar, Final

from idp.accounts.case_model import Case, CaseKind
from idp.accounts.cases import Cases
from idp.accounts.errors import AccountError
from idp.accounts.lifecycle import SignOut
from idp.accounts.model import AccountStatus
from idp.accounts.not_me import void_password
from idp.accounts.notices import Notice, Notices
from idp.accounts.recovery import Recovery
from idp.ids import AccountId
from idp.storage.account_updates import update_status
from idp.storage.accounts import AccountRow, find_row
from idp.storage.database import Database, Transaction
from idp.storage.recoveries import WaitingRecovery, find_waiting, stop_recoveries, waits_until
from keystore.log.events import Event, EventType
from keystore.log.record import LogWriter
from keystore.purposes import MacPurpose
from keystore.sealing import Sealer

STOPPED_RESET: Final = "not_me"
"""The reason of the lock, by which a helpdesk knows that it may unlock."""


class StopGone(AccountError):
    """The link was used, its time is over, or it never was one."""

    code: ClassVar[str] = "stop_gone"


def make_stop(
    account_id: AccountId, *, proofs: str, wait: timedelta, sealer: Sealer, now: datetime
) -> tuple[WaitingRecovery, str]:
    """What is kept of a reset, and the token that stops it; the token is kept nowhere.

    128 random bits, which leave room for the rest of a text message.
    """
    token = secrets.token_urlsafe(16)
    mac = sealer.mac(MacPurpose.TOKEN, _message(token))
    return WaitingRecovery(_id_of(token), account_id, proofs, mac, now, now + wait), token


@dataclass(frozen=True, slots=True)
class RecoveryStop:
    """Safe for any number of threads."""

    database: Database
    sealer: Sealer
    log: LogWriter
    notices: Notices
    cases: Cases
    recovery: Recovery
    sign_out: SignOut

    def find(self, raw_token: str, *, now: datetime) -> WaitingRecovery:
        """What a token would stop.  Raises  StopGone."""
        with self.database.read() as connection:
            found = find_waiting(connection, _id_of(raw_token), now=now)
        message = _message(raw_token)
        if found is None or not self.sealer.is_mac(
            MacPurpose.TOKEN, message, raw_mac=found.stop_mac
        ):
            raise StopGone
        return found

    def waits_until(self, account_id: AccountId, *, now: datetime) -> datetime | None:
        """Until when a reset of this account can be stopped; None where there is none."""
        with self.database.read() as connection:
            return waits_until(connection, account_id, now=now)

    def stop(self, raw_token: str, *, now: datetime) -> Case:
        """Lock the account, once; the case that was opened.

        Sessions and grants end, the password is void, nothing is signed, and nobody signs in until
        an official unlocks it.
        Raises  StopGone.
        """
        found = self.find(raw_token, now=now)
        with self.database.transaction() as tx:
            row = find_row(tx.connection, found.account_id, is_locked=True)
            if row is None or not stop_recoveries(tx, row, now=now):
                raise StopGone
            self.sign_out(tx, row.account_id, now=now)
            void_password(tx, row, log=self.log, by="stop", now=now)
            self._record(tx, row, EventType.RECOVERY_STOPPED, recovery=found.recovery_id, now=now)
            if row.is_active:  # one that was locked or closed meanwhile stays what it is
                update_status(tx, row, status=AccountStatus.LOCKED, now=now)
                status = EventType.ACCOUNT_STATUS_CHANGED
                self._record(tx, row, status, status="locked", reason=STOPPED_RESET, now=now)
                self.notices.tell(tx, row, Notice.ACCOUNT_LOCKED, now=now)
            self.recovery.cap(tx, row, cause="not_me", now=now)
            facts = {"recovery": found.recovery_id, "proofs": found.proofs}
            return self.cases.open(tx, row, kind=CaseKind.RESET_STOPPED, facts=facts, now=now)

    def _record(
        self, tx: Transaction, row: AccountRow, type_: EventType, *, now: datetime, **facts: str
    ) -> None:
        event = Event(type_, account_id=row.account_id, facts=facts)
        self.log.record(tx, event, data_key=row.data_key, now=now)


def _id_of(token: str) -> str:
    return f"rcv_{hashlib.sha256(_message(token)).hexdigest()[:32]}"


def _message(token: str) -> bytes:
    return f"stop\x00{token}".encode("utf-8", "replace")
