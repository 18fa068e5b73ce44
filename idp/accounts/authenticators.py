"""Authenticator apps of a person beside one another: named, looked at, removed.

What lives here: the use cases that change what is there, and whether a second factor is wanted at
every sign-in.  How one is added, and its first code, is
`enrolment`; the first of all needs an activation code from proofing.
Source: architecture, decision 10; NIST SP 800-63B-4 §4.6 (notification), §4.4 (loss).
Not here: codes (`code_holders`), who may do so (`idp/web/account/factors.py`).
"""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from idp.accounts.credentials import Totp
from idp.accounts.errors import AccountError, AccountUnknown, LastFactor
from idp.accounts.last_factor import settle_removal
from idp.accounts.notices import Notice, Notices
from idp.ids import AccountId
from idp.storage.account_updates import update_second_factor
from idp.storage.accounts import find_row
from idp.storage.authenticators import list_authenticators, remove_totp, rename_totp
from idp.storage.database import Database
from idp.storage.second_factors import find_second_factors
from keystore.log.events import Event, EventType
from keystore.log.record import LogWriter
from keystore.sealing import Sealer

MOST_AUTHENTICATORS: Final = 5
MOST_NAME: Final = 60


class NameUnusable(AccountError):
    """What an authenticator shall be called is empty, too long, or cannot be shown."""

    code = "name_unusable"


@dataclass(frozen=True, slots=True)
class Authenticators:
    """Safe to share between threads."""

    database: Database
    sealer: Sealer
    log: LogWriter
    notices: Notices

    def list_of(self, account_id: AccountId) -> tuple[Totp, ...]:
        """Those of a person, oldest first, without what is secret."""
        with self.database.read() as connection:
            row = find_row(connection, account_id)
            if row is None:
                return ()
            return list_authenticators(connection, row, sealer=self.sealer)

    def rename(self, account_id: AccountId, totp_id: str, *, name: str) -> bool:
        """Call one otherwise; False when the person has none of that id.

        Raises  NameUnusable.
        """
        called = check_name(name)
        with self.database.transaction() as tx:
            row = find_row(tx.connection, account_id, is_locked=True)
            return row is not None and rename_totp(
                tx, row, totp_id, name=called, sealer=self.sealer
            )

    def remove(self, account_id: AccountId, totp_id: str, *, now: datetime) -> bool:
        """Forget one; False when it was gone.

        Its codes neither sign in nor confirm from now on: the verifier is never shown it again.
        Raises  LastFactor.
        """
        with self.database.transaction() as tx:
            row = find_row(tx.connection, account_id, is_locked=True)
            if row is None or not remove_totp(tx, row, totp_id):
                return False
            settle_removal(tx, row, now=now)
            event = Event(EventType.TOTP_REMOVED, account_id=account_id, facts={"totp_id": totp_id})
            self.log.record(tx, event, data_key=row.data_key, now=now)
            self.notices.tell(tx, row, Notice.TOTP_REMOVED, now=now)
        return True

    def demand(self, account_id: AccountId, *, is_demanded: bool, now: datetime) -> None:
        """Keep whether the person wants a second factor at every sign-in.

        Raises  LastFactor: there is none that could be asked for; AccountUnknown.
        """
        with self.database.transaction() as tx:
            row = find_row(tx.connection, account_id, is_locked=True)
            if row is None:
                raise AccountUnknown
            if is_demanded and not find_second_factors(tx.connection, account_id).is_ready(now):
                raise LastFactor
            update_second_factor(tx, row, is_demanded=is_demanded, now=now)
            facts = {"demanded": "always" if is_demanded else "by_portal"}
            event = Event(EventType.SECOND_FACTOR_CHANGED, account_id=account_id, facts=facts)
            self.log.record(tx, event, data_key=row.data_key, now=now)
            self.notices.tell(tx, row, Notice.SECOND_FACTOR_CHANGED, now=now)


def check_name(name: str) -> str:
    """One line, NFC, not empty.

    Raises  NameUnusable.
    """
    called = " ".join(unicodedata.normalize("NFC", name).split())
    if not called or len(called) > MOST_NAME or not called.isprintable():
        raise NameUnusable
    return called
