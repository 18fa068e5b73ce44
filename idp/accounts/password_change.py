"""A person puts another password in the place of theirs.

What lives here: the one act.  The new hash, the end of every other session and of every grant, the
new cookie of the session in hand and the rows in the log are one transaction: whoever had the old
password, or a token that came of it, has nothing any more.
Source: architecture, J5; NIST SP 800-63B-4 §3.1.1.2; OWASP ASVS 7.4.3 (other sessions end).
Not here: how sure it is who asks (the page), which passwords are taken (`password_rules.py`).
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from idp.accounts.breached_passwords import BreachedPasswords
from idp.accounts.errors import AccountError, AccountUnknown, PasswordUnusable
from idp.accounts.model import Account
from idp.accounts.notices import Notice, Notices
from idp.accounts.password_rules import check_new_password, own_words
from idp.accounts.passwords import Passwords, prepare
from idp.ids import AccountId
from idp.model import Session
from idp.storage.accounts import find_row
from idp.storage.credentials import find_password, set_password
from idp.storage.database import Database, Transaction
from keystore.log.events import Event, EventType
from keystore.log.record import LogWriter
from keystore.sealing import Sealer


class EndsOthers(Protocol):
    """Sessions, as far as this module looks."""

    def end_others_in(
        self, tx: Transaction, held: Session, *, now: datetime, all_grants: bool = False
    ) -> int | None:
        """End every session but one; None when that one has ended itself."""

    def renew_in(self, tx: Transaction, held: Session) -> str | None:
        """Another cookie for a session; None when another request did so before."""


class SessionGone(AccountError):
    """The session in hand has ended, or has another cookie; nothing was changed."""

    code = "session_gone"


@dataclass(frozen=True, slots=True)
class PasswordChange:
    """Safe for any number of threads."""

    database: Database
    sealer: Sealer
    log: LogWriter
    passwords: Passwords
    breached: BreachedPasswords
    sessions: EndsOthers
    notices: Notices

    def has_password(self, account_id: AccountId) -> bool:
        """Whether there is one to be given; none where it was made void."""
        with self.database.read() as connection:
            row = find_row(connection, account_id)
            return row is not None and (
                find_password(connection, row, sealer=self.sealer) is not None
            )

    def change(self, held: Session, account: Account, *, raw_new: str, now: datetime) -> str:
        """Take a new password, and sign out everywhere but here.

        Takes   held: the session in hand, which proved enough; account: whose it is.
        Returns the new cookie of that session.
        Raises  PasswordUnusable: see `check_new_password`, and `same`; SessionGone;
                AccountUnknown; StorageUnavailable.
        """
        check_new_password(raw_new, own=own_words(account), breached=self.breached)
        with self.database.read() as connection:
            row = find_row(connection, held.account_id)
            kept = None if row is None else find_password(connection, row, sealer=self.sealer)
        prepared = prepare(raw_new)
        if kept is not None and prepared is not None and self.passwords.check(kept[0], prepared):
            raise PasswordUnusable("same")
        stored = self.passwords.hash_new(raw_new)
        with self.database.transaction() as tx:
            row = find_row(tx.connection, held.account_id, is_locked=True)
            if row is None or not row.is_active:
                raise AccountUnknown
            ended = self.sessions.end_others_in(tx, held, now=now, all_grants=True)
            token = None if ended is None else self.sessions.renew_in(tx, held)
            if token is None:
                raise SessionGone
            set_password(tx, row, stored, sealer=self.sealer, now=now)
            event = Event(
                EventType.PASSWORD_CHANGED,
                account_id=held.account_id,
                facts={"session_id": held.session_id, "sessions": ended or 0, "by": "holder"},
            )
            self.log.record(tx, event, data_key=row.data_key, now=now)
            self.notices.tell(tx, row, Notice.PASSWORD_CHANGED, now=now)
        return token
