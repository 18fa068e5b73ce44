"""An official finds a person by an exact number, and the person learns of it.

What lives here: the one way in which an official reaches an account.  Each look-up is counted, is a
row of the person's own log, and is told to them.  What comes back is how the account stands and
never who it is: a name has its first letters alone.  The look-up is remembered for half an hour
under an id that says nothing, for the same official and the same duty, so that no number and no
account stands in an address.
Numbers that nobody has count as well, and stand in the log of the official.
Source: architecture, J5; Law 91/2025/QH15 Art. 3-4.
Not here: what is done with it (`counter`, `helpdesk`, `invitations`).
"""

from __future__ import annotations

import secrets
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final

import msgspec

from idp.accounts.directory import Directory
from idp.accounts.errors import TooManyAttempts
from idp.accounts.identifiers import IdentifierProblem, parse_login_identifier
from idp.accounts.model import Account, AccountKind, AccountLevel, AccountStatus
from idp.accounts.notices import Notice, Notices
from idp.accounts.official_duties import Duty, Official
from idp.accounts.officials import OwnAccount, require_duty
from idp.ids import AccountId
from idp.storage.accounts import find_row
from idp.storage.credentials import find_password
from idp.storage.database import Database
from idp.storage.ephemeral import EphemeralStore
from idp.storage.second_factors import find_second_factors
from keystore.log.events import Event, EventType
from keystore.log.record import LogWriter
from keystore.sealing import Sealer

PER_HOUR: Final = {Duty.PROOFING: 60, Duty.HELPDESK: 30}
_WINDOW: Final = timedelta(hours=1)
_REMEMBERED: Final = timedelta(minutes=30)


class _Remembered(msgspec.Struct, frozen=True):
    official_id: str
    account_id: str


_encode: Final = msgspec.msgpack.Encoder().encode
_decode: Final = msgspec.msgpack.Decoder(_Remembered).decode


@dataclass(frozen=True, slots=True)
class FoundPerson:
    """How an account stands, as an official sees it.

    `masked_name` has the first letter of each word; the account's id is for acts, never for a page.
    """

    account_id: AccountId = field(repr=False)
    masked_name: str = field(repr=False)
    kind: AccountKind
    status: AccountStatus
    level: AccountLevel | None
    has_password: bool
    has_authenticator: bool
    has_passkey: bool


@dataclass(frozen=True, slots=True)
class OfficialLookups:
    """Safe for any number of threads."""

    database: Database
    store: EphemeralStore
    sealer: Sealer
    log: LogWriter
    notices: Notices
    people: Directory

    def find(self, official: Official, *, raw_identifier: str, now: datetime) -> str | None:
        """Look a person up by a number, exact match only.

        Returns the id under which `open` gives what was found, None for nobody.
        Raises  TooManyAttempts; OwnAccount; NotAnOfficial; StorageUnavailable.
        """
        self.count(official, now=now)
        found = self._find(raw_identifier)
        if found is not None and found.account_id == official.account_id:
            raise OwnAccount
        facts = {
            "official": official.account_id,
            "official_id": official.official_id,
            "duty": official.duty.value,
            "controller": official.controller_id,
        }
        with self.database.transaction() as tx:
            acting = require_duty(tx, official, now=now)
            row = None if found is None else find_row(tx.connection, found.account_id)
            if row is None:
                event = Event(
                    EventType.OFFICIAL_FOUND_NOBODY, account_id=official.account_id, facts=facts
                )
                self.log.record(tx, event, data_key=acting.data_key, now=now)
                return None
            event = Event(EventType.OFFICIAL_LOOKED_UP, account_id=row.account_id, facts=facts)
            self.log.record(tx, event, data_key=row.data_key, now=now)
            self.notices.tell(
                tx,
                row,
                Notice.LOOKED_UP_BY_OFFICIAL,
                now=now,
                facts={"duty": official.duty.value, "controller": official.controller_id},
            )
        return self.remember(official, row.account_id, now=now)

    def remember(self, official: Official, account_id: AccountId, *, now: datetime) -> str:
        """An id under which this official alone reaches the account, for half an hour."""
        lookup_id = secrets.token_hex(16)
        held = _Remembered(official.official_id, account_id)
        self.store.put(_key(lookup_id), _encode(held), lifetime=_REMEMBERED, now=now)
        return lookup_id

    def open(self, official: Official, lookup_id: str, *, now: datetime) -> FoundPerson | None:
        """How the account stands that this official looked up; None when it is another's."""
        kept = self.store.get(_key(lookup_id), now=now)
        held = None if kept is None else _decode(kept)
        if held is None or held.official_id != official.official_id:
            return None
        account = self.people.find_account(AccountId(held.account_id))
        if account is None:
            return None
        with self.database.read() as connection:
            row = find_row(connection, account.account_id)
            factors = find_second_factors(connection, account.account_id)
            password = None if row is None else find_password(connection, row, sealer=self.sealer)
        return FoundPerson(
            account_id=account.account_id,
            masked_name=mask_name(account.profile.name),
            kind=account.kind,
            status=account.status,
            level=account.level,
            has_password=password is not None,
            has_authenticator=factors.has_totp,
            has_passkey=factors.has_passkey,
        )

    def count(self, official: Official, *, now: datetime) -> None:
        """One more number that an official asks about.  Raises TooManyAttempts."""
        key = f"official_lookups:{official.account_id}:{official.duty}"
        if self.store.count(key, window=_WINDOW, now=now) > PER_HOUR[official.duty]:
            raise TooManyAttempts(now + _WINDOW)

    def _find(self, raw_identifier: str) -> Account | None:
        typed = parse_login_identifier(raw_identifier)
        if isinstance(typed, IdentifierProblem):
            return None
        for candidate in typed.candidates:
            found = self.people.find_by_identifier(candidate)
            if found is not None and not found.is_organisation:
                return found
        return None


def mask_name(name: str) -> str:
    """The first letter of each word."""
    return " ".join(f"{word[0]}…" for word in name.split())


def _key(lookup_id: str) -> str:
    return f"official_lookup:{lookup_id}"
