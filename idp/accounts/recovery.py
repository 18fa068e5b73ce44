"""What a recovery costs, so that it hands over no signer; and how proofing gives it back.

What lives here: `Recovery.cap`, for whatever changed a factor by reset, by a recovery code or by an
official, and `Recovery.proofed`, its end.  A capped account is of level 1, for portals at once;
nothing is signed with it, whatever passkey or app was bound before: certificates are suspended in
the transaction of the act, the signer suspends the keys, and level 2 itself is what signing asks
for.  Whoever took an account over may have added factors in the meantime, so a proofing after a cap
begins anew: sessions, second factors, verified addresses and signing keys from before it are void.
Source: architecture, decision 10; NIST SP 800-63B-4 §4.2 (account recovery);
ETSI EN 319 411-1 §6.2.2.
Not here: who may ask for either; what a proofing is (`proofing`).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Protocol

from clients.registry.model import Client
from idp.accounts.channels import Destination
from idp.accounts.doubted_addresses import doubt_addresses
from idp.accounts.errors import AccountError
from idp.accounts.lifecycle import SignOut
from idp.accounts.model import AccountLevel
from idp.accounts.notices import Notice, Notices
from idp.ids import AccountId, GrantId
from idp.model import Grant
from idp.storage.account_updates import update_level
from idp.storage.accounts import AccountRow
from idp.storage.contacts import switch_off_contacts
from idp.storage.credentials import drop_activation_codes, drop_totps
from idp.storage.database import Transaction
from idp.storage.grants import live_grants
from idp.storage.level_records import find_level_records
from idp.storage.passkeys import erase_passkeys
from idp.storage.recoveries import stop_recoveries
from idp.storage.recovery_codes import replace_recovery_codes
from keystore.log.events import Event, EventType
from keystore.log.record import LogWriter


class OrganisationsHaveNoLevel(AccountError):
    """An organisation was to be capped, or proofed like a person."""

    code = "organisation_has_no_level"


class SigningMeans(Protocol):
    """Certificates and signing keys of an account, as far as this module looks."""

    def hold(
        self, tx: Transaction, account_id: AccountId, *, data_key: bytes | None, now: datetime
    ) -> None:
        """Nothing is signed with them for now."""

    def supersede(
        self, tx: Transaction, account_id: AccountId, *, data_key: bytes | None, now: datetime
    ) -> None:
        """Nothing is ever signed with them again; their owner makes new ones."""


class MakesSigningMeans(Protocol):
    """Makes them for acts that are recorded by a writer."""

    def __call__(self, *, log: LogWriter) -> SigningMeans:
        """What accounts sign with."""


class Clients(Protocol):
    """The registry, as far as this module looks."""

    def find_registered_client(self, client_id: str, *, now: datetime) -> Client | None:
        """A client whatever its status."""


class EndsGrants(Protocol):
    """Revocations, as far as this module looks."""

    def revoke_for_level(self, tx: Transaction, grants: Iterable[Grant], *, now: datetime) -> int:
        """End grants that the account's level does not carry any more."""


class ForgetsGrants(Protocol):
    """The cache of userinfo, as far as this module looks."""

    def forget_on_commit(self, tx: Transaction, grant_ids: Iterable[GrantId]) -> None:
        """Drop what is remembered of grants."""


@dataclass(frozen=True, slots=True)
class Recovery:
    """Safe to share between threads.

    Takes   sign_out: every session and grant of an account ends.
    """

    log: LogWriter
    notices: Notices
    clients: Clients
    revocations: EndsGrants
    states: ForgetsGrants
    signing_means: MakesSigningMeans
    sign_out: SignOut

    def in_name_of(self, operator: str) -> Recovery:
        """The same; what is done here is written down as done by `operator`."""
        return replace(self, log=self.log.in_name_of(operator))

    def cap(self, tx: Transaction, row: AccountRow, *, cause: str, now: datetime) -> None:
        """Have an account at level 1 until its holder was proofed again.

        1. The level is 1, on record with its cause, also where it was 1 before: no proofing and no
           activation code from before counts any more.
        2. Nothing is signed with it.
        3. Portals are told 1 from now on; what was granted to those that demand 2 ends.
        4. The person is told.

        Sessions go on: whoever has a reason to end them does.
        Takes   row: locked by the caller's transaction; cause: a short word.
        Raises  OrganisationsHaveNoLevel.
        """
        if row.is_organisation:
            raise OrganisationsHaveNoLevel
        # 1
        update_level(tx, row, level=AccountLevel.ONE, now=now)
        drop_activation_codes(tx, row)
        was = 0 if row.level is None else int(row.level)
        self._record(tx, row, AccountLevel.ONE, {"cause": cause, "was": was}, now=now)
        # 2
        means = self.signing_means(log=self.log)
        means.hold(tx, row.account_id, data_key=row.data_key, now=now)
        # 3
        grants = live_grants(tx.connection, row.account_id, now=now)
        self.states.forget_on_commit(tx, [one.grant_id for one in grants])
        demanding = [one for one in grants if self._demands_two(one, now=now)]
        self.revocations.revoke_for_level(tx, demanding, now=now)
        # 4
        self.notices.tell(tx, row, Notice.LEVEL_CAPPED, now=now, facts={"cause": cause})

    def proofed(
        self,
        tx: Transaction,
        row: AccountRow,
        *,
        now: datetime,
        begins_anew: bool = False,
        facts: Mapping[str, str | int] | None = None,
    ) -> None:
        """Raise an account to level 2: its holder was proofed in person.

        After a cap everything begins anew: sessions and grants end, second factors and activation
        codes are void, addresses are verified no more and what was sent to them stops no reset any
        more, certificates are revoked and keys destroyed.
        Who is reached at the addresses is told a last time.  Whoever hands out an activation code
        does it afterwards.
        Takes   row: locked by the caller's transaction, newly read; begins_anew: also without a
                cap; facts: for the log, codes and ids alone.
        Raises  OrganisationsHaveNoLevel.
        """
        if row.is_organisation:
            raise OrganisationsHaveNoLevel
        left: tuple[Destination, ...] = ()
        if begins_anew or find_level_records(tx.connection, row.account_id).is_capped:
            self.sign_out(tx, row.account_id, now=now)
            drop_totps(tx, row)
            erase_passkeys(tx, row)
            switch_off_contacts(tx, row)
            left = doubt_addresses(
                tx, row, by="proofing", sealer=self.notices.sealer, log=self.log, now=now
            )
            replace_recovery_codes(tx, row, ())
            drop_activation_codes(tx, row)
            # who could stop a reset from before was told at the addresses of before
            stop_recoveries(tx, row, now=now)
            means = self.signing_means(log=self.log)
            means.supersede(tx, row.account_id, data_key=row.data_key, now=now)
        update_level(tx, row, level=AccountLevel.TWO, now=now)
        grants = live_grants(tx.connection, row.account_id, now=now)
        self.states.forget_on_commit(tx, [one.grant_id for one in grants])
        self._record(tx, row, AccountLevel.TWO, {"cause": "proofed", **(facts or {})}, now=now)
        if left:
            self.notices.tell(tx, row, Notice.CONTACT_CHANGED, now=now, also_to=left)
        self.notices.tell(tx, row, Notice.LEVEL_RAISED, now=now, also_to=left)

    def _demands_two(self, grant: Grant, *, now: datetime) -> bool:
        client = self.clients.find_registered_client(grant.client_id, now=now)
        return client is not None and (client.required_account_level or 0) > AccountLevel.ONE

    def _record(
        self,
        tx: Transaction,
        row: AccountRow,
        level: AccountLevel,
        facts: Mapping[str, str | int],
        *,
        now: datetime,
    ) -> None:
        event = Event(
            EventType.ACCOUNT_LEVEL_CHANGED,
            account_id=row.account_id,
            facts={**facts, "level": str(int(level))},
        )
        self.log.record(tx, event, data_key=row.data_key, now=now)
