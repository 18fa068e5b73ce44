"""A person says that somebody was in their account who was not them.

What lives here: `NotMe.report`, in one transaction: whoever it was has nothing any more.

1. Every session and every grant ends, the one in hand too.
2. The password is void: whoever knew it signs in no more, and its owner sets another by the reset
   with two proofs.
3. The second factors that were added since that session began are gone, and so are the recovery
   codes made since: they can only be those of whoever was in it, or of the person, who adds them
   again.  An address that became the account's since then is not verified any more: it resets no
   password and is no factor.  What was removed or changed otherwise is not guessed back: it stands
   in the case.  Where no session is named it can be any that is live but the one in hand, so what
   is younger than the oldest of these goes.
4. The account is capped at level 1, so nothing is signed with it until its holder was proofed.
5. A case is opened; the person is told its number over every channel.

It can be asked for with a password alone, since whoever lost their telephone has no more: somebody
who stole that locks the owner out of what the owner gets back with two proofs, and gets nothing.
Source: architecture, J5; NIST SP 800-63B-4 §4.6.
Not here: pages; stopping a reset without a sign-in (`recovery_stop.py`).
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import ClassVar

from idp.accounts.case_model import Case, CaseKind
from idp.accounts.cases import Cases
from idp.accounts.doubted_addresses import doubt_addresses
from idp.accounts.errors import AccountError, AccountUnknown
from idp.accounts.lifecycle import SignOut
from idp.accounts.recovery import Recovery
from idp.ids import AccountId, SessionId
from idp.model import Session
from idp.storage.accounts import AccountRow, find_row
from idp.storage.credentials import drop_password, drop_totps_since
from idp.storage.database import Database, Transaction
from idp.storage.passkeys import remove_passkeys_since
from idp.storage.recoveries import stop_recoveries
from idp.storage.recovery_codes import list_recovery_codes, replace_recovery_codes
from idp.storage.second_factors import find_second_factors
from idp.storage.sessions import find_session, live_sessions
from keystore.log.events import Event, EventType
from keystore.log.record import LogWriter
from keystore.sealing import Sealer


class ReportedSessionUnknown(AccountError):
    """There is no such session, or it is somebody else's."""

    code: ClassVar[str] = "reported_session_unknown"


@dataclass(frozen=True, slots=True)
class NotMe:
    """Safe for any number of threads."""

    database: Database
    sealer: Sealer
    log: LogWriter
    cases: Cases
    recovery: Recovery
    sign_out: SignOut

    def find(self, account_id: AccountId, session_id: str) -> Session | None:
        """A session of this person, ended or not."""
        with self.database.read() as connection:
            found = find_session(connection, SessionId(session_id))
        return found if found is not None and found.account_id == account_id else None

    def report(
        self,
        account_id: AccountId,
        *,
        session_id: str | None,
        in_hand: SessionId | None = None,
        now: datetime,
    ) -> Case:
        """Do all of it; the case that was opened.

        Takes   session_id: which session was somebody else's; None: not known; in_hand: the one in
                which it is said.
        Raises  AccountUnknown; ReportedSessionUnknown.
        """
        reported = None if session_id is None else self.find(account_id, session_id)
        if session_id is not None and reported is None:
            raise ReportedSessionUnknown
        with self.database.transaction() as tx:
            row = find_row(tx.connection, account_id, is_locked=True)
            if row is None or not row.is_active:
                raise AccountUnknown
            others = [
                one
                for one in live_sessions(tx.connection, account_id, now=now)
                if one.session_id != in_hand
            ]
            # 1
            self.sign_out(tx, account_id, now=now)
            # 2
            void_password(tx, row, log=self.log, by="holder", now=now)
            stop_recoveries(tx, row, now=now)
            # 3
            facts = {}
            if reported is not None:
                facts = {"session": reported.session_id, "device": reported.device}
                facts |= self._undo(tx, row, since=reported.created_at, now=now)
            elif others:
                since = min(one.created_at for one in others)
                facts = self._undo(tx, row, since=since, now=now)
            # 4
            self.recovery.cap(tx, row, cause="not_me", now=now)
            # 5
            return self.cases.open(tx, row, kind=CaseKind.NOT_ME, facts=facts, now=now)

    def _undo(
        self, tx: Transaction, row: AccountRow, *, since: datetime, now: datetime
    ) -> dict[str, str]:
        passkeys = remove_passkeys_since(tx, row, since=since)
        for passkey_id in passkeys:
            self._record(tx, row, EventType.PASSKEY_REMOVED, now=now, passkey_id=passkey_id)
        totps = drop_totps_since(tx, row, since=since)
        for totp_id in totps:
            self._record(tx, row, EventType.TOTP_REMOVED, now=now, totp_id=totp_id)
        doubted = doubt_addresses(
            tx, row, by="not_me", since=since, sealer=self.sealer, log=self.log, now=now
        )
        return {
            "since": since.isoformat(timespec="seconds"),
            "passkeys_removed": str(len(passkeys)),
            "authenticators_removed": str(len(totps)),
            "addresses_doubted": " ".join(to.channel for to in doubted),
            "recovery_codes_voided": str(_void_recovery_codes(tx, row, since=since)),
        }

    def _record(
        self, tx: Transaction, row: AccountRow, type_: EventType, *, now: datetime, **facts: str
    ) -> None:
        event = Event(type_, account_id=row.account_id, facts={**facts, "by": "not_me"})
        self.log.record(tx, event, data_key=row.data_key, now=now)


def _void_recovery_codes(tx: Transaction, row: AccountRow, *, since: datetime) -> int:
    """Those made since then, and all of them where no second factor is left; how many."""
    held = list_recovery_codes(tx.connection, row)
    is_left = find_second_factors(tx.connection, row.account_id).has_any
    if is_left and all(one.made_at < since for one in held):
        return 0
    return replace_recovery_codes(tx, row, ())


def void_password(
    tx: Transaction, row: AccountRow, *, log: LogWriter, by: str, now: datetime
) -> None:
    """Nobody signs in with the account's password any more; on record where there was one."""
    if drop_password(tx, row):
        event = Event(EventType.PASSWORD_VOIDED, account_id=row.account_id, facts={"by": by})
        log.record(tx, event, data_key=row.data_key, now=now)
