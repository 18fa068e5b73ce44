"""What happens to an account in its life: opened, locked, closed, renumbered, erased.

Every act and its log row are one transaction, and so is the end of the sessions and grants of
whoever may not sign in any more: how they end is the caller's (`idp.sessions`).
Source: NĐ 69/2024/NĐ-CP Art. 7–12; NĐ 70/2024/NĐ-CP Art. 11(7)(8)(11) (cancelling a number).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Final, Protocol

from idp.accounts.credentials import StoredPassword
from idp.accounts.errors import (
    AccountUnknown,
    IdentifierCancelled,
    IdentifierTaken,
    IdentifierUnknown,
    StatusUnchangeable,
)
from idp.accounts.identifiers import ParsedIdentifier
from idp.accounts.mandates import EndReason
from idp.accounts.model import (
    Account,
    AccountKind,
    AccountLevel,
    AccountStatus,
    Identifier,
    Profile,
)
from idp.accounts.notices import Notice, Notices
from idp.ids import AccountId, make_id
from idp.storage import accounts as rows
from idp.storage.account_updates import update_second_factor, update_status
from idp.storage.accounts import AccountRow
from idp.storage.consents import withdraw_every_consent
from idp.storage.credentials import insert_passwords, set_password
from idp.storage.database import Database, Transaction
from idp.storage.held import Person, delete_held
from idp.storage.mandates import revoke_mandates_of
from idp.storage.officials import end_duties_of
from keystore.destruction import DataKeyDestruction, DestructionList
from keystore.log.events import Event, EventType
from keystore.log.record import LogWriter
from keystore.sealing import Sealer

Also = Callable[[Transaction, AccountRow], object]
"""Something done in the transaction of an act."""


def make_account(
    *,
    kind: AccountKind,
    level: AccountLevel | None,
    profile: Profile,
    identifiers: Sequence[ParsedIdentifier],
    now: datetime,
) -> Account:
    """A new account in memory, with a fresh id; an organisation has no level, a person has one.

    Takes   profile: with a name that `normalise_name` returned.
    """
    if (kind is AccountKind.ORGANISATION) != (level is None):
        raise ValueError("level_does_not_fit_kind")
    return Account(
        account_id=AccountId(make_id("acc")),
        kind=kind,
        level=level,
        status=AccountStatus.ACTIVE,
        profile=profile,
        identifiers=tuple(Identifier(one.kind, one.value, now) for one in identifiers),
        created_at=now,
        changed_at=now,
    )


_TOLD: Final = {
    AccountStatus.ACTIVE: Notice.ACCOUNT_UNLOCKED,
    AccountStatus.LOCKED: Notice.ACCOUNT_LOCKED,
    AccountStatus.CLOSED: Notice.ACCOUNT_CLOSED,
}


class SignOut(Protocol):
    """Sessions, as far as this module looks."""

    def __call__(self, tx: Transaction, account_id: AccountId, *, now: datetime) -> object:
        """End every session and grant of an account, in the transaction of the act."""


class SigningMeans(Protocol):
    """Certificates and signing keys of an account, as far as this module looks."""

    def hold(
        self, tx: Transaction, account_id: AccountId, *, data_key: bytes | None, now: datetime
    ) -> None:
        """Nothing is signed with them for now."""

    def end(
        self, tx: Transaction, account_id: AccountId, *, data_key: bytes | None, now: datetime
    ) -> None:
        """Nothing is ever signed with them again."""

    def forget(self, tx: Transaction, account_id: AccountId) -> None:
        """Nothing that stays of them tells any more whose they were."""


class Mandates(Protocol):
    """Mandates of an account, as far as this module looks."""

    def end_all_of(self, tx: Transaction, row: AccountRow, *, now: datetime) -> object:
        """End everything that it holds or gave, and tell everyone concerned."""


class AccountLifecycle:
    """The acts on an account; safe for any number of threads.

    Takes   sign_out: what locking, closing and erasing do to whoever is signed in; None only where
            nobody can be; destructions: lists the data keys that erasing destroys; None only where
            nobody is erased; mandates: whoever is signed in somewhere under one that ends; None
            only where nobody can be; signing_means: what it signs with ends with it; None only
            where nobody has any; notices: who is told what was done; None only where nobody is.
    """

    def __init__(
        self,
        database: Database,
        *,
        sealer: Sealer,
        log: LogWriter,
        sign_out: SignOut | None = None,
        destructions: DestructionList | None = None,
        signing_means: SigningMeans | None = None,
        mandates: Mandates | None = None,
        notices: Notices | None = None,
    ) -> None:
        self._notices = notices
        self._mandates = mandates
        self._signing_means = signing_means
        self._database = database
        self._sealer = sealer
        self._log = log
        self._sign_out = sign_out
        self._destructions = destructions

    def open(
        self,
        account: Account,
        *,
        password: StoredPassword | None = None,
        facts: Mapping[str, str] | None = None,
        also: Also | None = None,
    ) -> Account:
        """Keep a new account (`make_account`), with its first password if it has one.

        Takes   facts: what else its row in the log says; also: what is done with it at once.
        Raises  IdentifierTaken: somebody has one of its numbers; IdentifierCancelled: had it.
        """
        parsed = [ParsedIdentifier(one.kind, one.value) for one in account.identifiers]
        with self._database.transaction() as tx:
            taken = rows.find_keys(tx.connection, parsed, sealer=self._sealer)
            for identifier in taken:
                raise IdentifierTaken(identifier.kind)
            for identifier in rows.find_cancelled(tx.connection, parsed, sealer=self._sealer):
                raise IdentifierCancelled(identifier.kind)
            made = rows.insert_accounts(tx, (account,), sealer=self._sealer)
            row = made[account.account_id]
            if password is not None:
                insert_passwords(
                    tx, ((row, password),), sealer=self._sealer, now=account.created_at
                )
            # that it was proofed is believed by what is on record, see `idp.accounts.proofing`
            level = {} if account.level is None else {"level": str(int(account.level))}
            self._record(
                tx,
                EventType.ACCOUNT_ADDED,
                row,
                now=account.created_at,
                **{"kind": account.kind, **level, **(facts or {})},
            )
            if also is not None:
                also(tx, row)
        return account

    def lock(
        self, account_id: AccountId, *, reason: str, now: datetime, first: Also | None = None
    ) -> None:
        """Refuse its sign-ins until it is unlocked, and sign it out everywhere.

        Takes   reason: a short word for the log; first: what is looked at in the same transaction,
                and stops it by raising.
        """
        self._change_status(
            account_id,
            {AccountStatus.ACTIVE: AccountStatus.LOCKED},
            reason=reason,
            now=now,
            first=first,
        )

    def unlock(
        self, account_id: AccountId, *, reason: str, now: datetime, first: Also | None = None
    ) -> None:
        """Let it sign in again.  Takes `first` as `lock` does."""
        self._change_status(
            account_id,
            {AccountStatus.LOCKED: AccountStatus.ACTIVE},
            reason=reason,
            now=now,
            first=first,
        )

    def close(self, account_id: AccountId, *, reason: str, now: datetime) -> None:
        """Close it for good, signed out everywhere; mandates end, data stay until `erase`."""
        self._change_status(
            account_id,
            {
                AccountStatus.ACTIVE: AccountStatus.CLOSED,
                AccountStatus.LOCKED: AccountStatus.CLOSED,
            },
            reason=reason,
            now=now,
        )

    def set_password(
        self, account_id: AccountId, password: StoredPassword, *, now: datetime
    ) -> None:
        """Give it a password in the place of whatever there was."""
        with self._database.transaction() as tx:
            row = self._get(tx, account_id)
            set_password(tx, row, password, sealer=self._sealer, now=now)
            self._record(tx, EventType.PASSWORD_SET, row, now=now)
            self._tell(tx, row, Notice.PASSWORD_CHANGED, now=now)

    def renumber(
        self,
        account_id: AccountId,
        new: ParsedIdentifier,
        *,
        reason: str,
        is_mistyped: bool = False,
        now: datetime,
        also: Also | None = None,
    ) -> None:
        """Cancel the account's number of that kind and put `new` in its place.

        The old number stays as a past alias and signs nobody in; a personal number goes to nobody
        else any more.  The account, its `sub` at every sector, its credentials and its mandates
        stay.  Nothing is done where `new` is its number already.
        Takes   is_mistyped: the old number never was the holder's, so it is forgotten instead and
                may be given to whom it belongs; also: what is done in the same transaction.
        Raises  AccountUnknown; IdentifierUnknown (it has no such number); IdentifierTaken;
                IdentifierCancelled.
        Source  NĐ 70/2024/NĐ-CP Art. 11: a cancelled number is never given out again.
        """
        with self._database.transaction() as tx:
            row = self._get(tx, account_id)
            held_by = rows.find_keys(tx.connection, (new,), sealer=self._sealer).get(new)
            if held_by is not None and held_by[1] == row.account_key:
                return  # the same request twice: the first one has done it
            was_there = (
                rows.drop_identifier(tx, row, kind=new.kind)
                if is_mistyped
                else rows.end_identifier(tx, row, kind=new.kind, now=now)
            )
            if not was_there:
                raise IdentifierUnknown
            number = Identifier(new.kind, new.value, now)
            rows.add_identifier(tx, row, number=number, sealer=self._sealer)
            self._record(
                tx,
                EventType.IDENTIFIER_RETIRED,
                row,
                now=now,
                kind=new.kind,
                was="mistyped" if is_mistyped else "cancelled",
                reason=reason,
            )
            self._record(tx, EventType.IDENTIFIER_ADDED, row, now=now, kind=new.kind)
            if also is not None:
                also(tx, row)

    def add_identifier(
        self, account_id: AccountId, new: ParsedIdentifier, *, now: datetime
    ) -> None:
        """Give the account one more number.

        Raises  AccountUnknown; IdentifierTaken (by anybody, this account included);
                IdentifierCancelled (another account had it).
        """
        with self._database.transaction() as tx:
            row = self._get(tx, account_id)
            number = Identifier(new.kind, new.value, now)
            rows.add_identifier(tx, row, number=number, sealer=self._sealer)
            self._record(tx, EventType.IDENTIFIER_ADDED, row, now=now, kind=new.kind)

    def erase(
        self, account_id: AccountId, *, reason: str, now: datetime, first: Also | None = None
    ) -> None:
        """Destroy the data key of an account and everything that it opened; it cannot be undone.

        The id stays taken, so no `sub` is ever reassigned, and log rows stay verifiable though
        nobody can read what was personal in them.  The destruction is listed apart from the
        database, and a restored backup goes through that list (`keystore/destruction.py`).
        What stays of a table, and by which law until when, its declaration says
        (`idp.storage.held.held_tables`); every other row of the person goes.
        Takes   first: is called with the account locked; what it raises stops everything.
        Raises  AccountUnknown; DestructionListBroken, OSError: not listed, and nothing was erased.
        """
        if self._destructions is None:
            raise ValueError("no_destruction_list")
        ending = DataKeyDestruction(sealer=self._sealer, log=self._log, listed=self._destructions)
        with self._database.transaction() as tx:
            row = self._get(tx, account_id)
            if first is not None:
                first(tx, row)
            if self._sign_out is not None:
                self._sign_out(tx, account_id, now=now)  # while its log rows can still be sealed
            if self._signing_means is not None:
                self._signing_means.end(tx, account_id, data_key=row.data_key, now=now)
                self._signing_means.forget(tx, account_id)
            self._end_mandates(tx, row, now=now)
            end_duties_of(tx, row.account_key, now=now)
            withdraw_every_consent(tx, account_id, now=now)  # what is kept of them has its end
            delete_held(tx, Person.of(row))
            self._record(
                tx, EventType.ACCOUNT_STATUS_CHANGED, row, now=now, status="erased", reason=reason
            )
            ending.destroy(
                tx,
                account_id=account_id,
                data_key=row.data_key,
                erase=lambda: rows.erase_account(tx, row, now=now),
                now=now,
            )

    def demand_second_factor(
        self, account_id: AccountId, *, is_demanded: bool, now: datetime
    ) -> None:
        """Keep whether the holder wants a second factor at every sign-in.

        Raises  AccountUnknown.
        """
        with self._database.transaction() as tx:
            row = self._get(tx, account_id)
            update_second_factor(tx, row, is_demanded=is_demanded, now=now)
            demanded = "always" if is_demanded else "by_portal"
            self._record(tx, EventType.SECOND_FACTOR_CHANGED, row, now=now, demanded=demanded)
            self._tell(tx, row, Notice.SECOND_FACTOR_CHANGED, now=now)

    def _change_status(
        self,
        account_id: AccountId,
        steps: dict[AccountStatus, AccountStatus],
        *,
        reason: str,
        now: datetime,
        first: Also | None = None,
    ) -> None:
        with self._database.transaction() as tx:
            row = self._get(tx, account_id)
            if first is not None:
                first(tx, row)
            if row.status not in steps:
                raise StatusUnchangeable
            status = steps[row.status]
            update_status(tx, row, status=status, now=now)
            if status is AccountStatus.CLOSED:
                self._end_mandates(tx, row, now=now)
                end_duties_of(tx, row.account_key, now=now)
            self._record(
                tx, EventType.ACCOUNT_STATUS_CHANGED, row, now=now, status=status, reason=reason
            )
            self._tell(tx, row, _TOLD[status], now=now)
            if self._sign_out is not None and status is not AccountStatus.ACTIVE:
                self._sign_out(tx, account_id, now=now)
            if self._signing_means is not None and status is AccountStatus.LOCKED:
                self._signing_means.hold(tx, account_id, data_key=row.data_key, now=now)
            if self._signing_means is not None and status is AccountStatus.CLOSED:
                self._signing_means.end(tx, account_id, data_key=row.data_key, now=now)

    def _end_mandates(self, tx: Transaction, row: AccountRow, *, now: datetime) -> None:
        if self._mandates is not None:
            self._mandates.end_all_of(tx, row, now=now)
        revoke_mandates_of(tx, row.account_key, now=now, why=EndReason.ACCOUNT_CLOSED)

    def _tell(self, tx: Transaction, row: AccountRow, notice: Notice, *, now: datetime) -> None:
        if self._notices is not None:
            self._notices.tell(tx, row, notice, now=now)

    def _get(self, tx: Transaction, account_id: AccountId) -> AccountRow:
        row = rows.find_row(tx.connection, account_id, is_locked=True)
        if row is None:
            raise AccountUnknown
        return row

    def _record(
        self, tx: Transaction, type_: EventType, row: AccountRow, *, now: datetime, **facts: str
    ) -> None:
        event = Event(type_, account_id=row.account_id, facts=facts)
        self._log.record(tx, event, data_key=row.data_key, now=now)
