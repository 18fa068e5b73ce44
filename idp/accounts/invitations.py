"""Two officials of a helpdesk invite a person to enrol second factors anew; the person can stop it.

What lives here: the acts.  One official asks, another confirms; from then on the person has
seventy-two hours, is told on every channel, and stops it with one press from the notice or from
`/account/invitations`, or by signing in with any factor that was called lost.  After the waiting
the person, signed in with the password, takes an activation code: the account is capped at level 1
in the same transaction, so that nothing is signed with it, and authenticator apps from before are
void.  No official sees that code.
Source: architecture, decision 10; NIST SP 800-63B-4 §4.2.
Not here: who is an official (`officials`), what a cap does (`recovery`).
"""

from __future__ import annotations

import hmac
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from idp.accounts.activation import issue_activation_code_in
from idp.accounts.errors import AccountUnknown
from idp.accounts.invitation_model import (
    Invitation,
    InvitationReason,
    InvitationRefused,
    InvitationState,
)
from idp.accounts.notices import Notice, Notices
from idp.accounts.official_duties import Duty, Official
from idp.accounts.officials import OwnAccount, require_duty, still_has
from idp.accounts.recovery import Recovery
from idp.ids import AccountId, make_id
from idp.storage.accounts import AccountRow, find_row
from idp.storage.credentials import drop_totps
from idp.storage.database import Database, Transaction
from idp.storage.invitations import (
    confirm_invitation,
    find_invitation,
    insert_invitation,
    list_invitations,
    settle_invitation,
    used_a_factor_since,
)
from keystore.base64url import from_base64url, to_base64url
from keystore.clock import to_ms
from keystore.log.events import Event, EventType
from keystore.log.record import LogWriter
from keystore.purposes import MacPurpose
from keystore.sealing import Sealer

WAITING: Final = timedelta(hours=72)
"""How long the person has to stop it; and how long the first official waits for a second."""
_USABLE: Final = timedelta(days=14)
_OPEN: Final = (InvitationState.ASKED, InvitationState.CONFIRMED)
STOP_PLACE: Final = "/stop/"
_PREFIX: Final = "inv_"
_ID_BYTES: Final = 16
_MAC_BYTES: Final = 10


@dataclass(frozen=True, slots=True)
class Invitations:
    """Safe for any number of threads."""

    database: Database
    sealer: Sealer
    log: LogWriter
    notices: Notices
    recovery: Recovery

    def list_of(self, account_id: AccountId) -> tuple[Invitation, ...]:
        """The invitations of a person, the newest first."""
        with self.database.read() as connection:
            return list_invitations(connection, account_id)

    def find_open(self, account_id: AccountId, *, now: datetime) -> Invitation | None:
        """The one that can be stopped, confirmed or used; None when there is none."""
        return next((one for one in self.list_of(account_id) if one.is_open(now=now)), None)

    def ask(
        self,
        official: Official,
        account_id: AccountId,
        *,
        reason: InvitationReason,
        now: datetime,
    ) -> Invitation:
        """The first official wants it.

        Raises  InvitationRefused (`already_open`, `account_not_active`, `not_a_person`);
                OwnAccount; NotAnOfficial; AccountUnknown.
        """
        if account_id == official.account_id:
            raise OwnAccount
        with self.database.transaction() as tx:
            acting = require_duty(tx, official, now=now)
            row = _lock(tx, account_id)
            if any(one.is_open(now=now) for one in list_invitations(tx.connection, account_id)):
                raise InvitationRefused("already_open")
            new = Invitation(
                invitation_id=make_id("inv"),
                account_id=account_id,
                first_id=official.account_id,
                controller_id=official.controller_id,
                reason=reason,
                asked_at=now,
                expires_at=now + WAITING,
            )
            insert_invitation(tx, new, person=row, official=acting)
            self._record(tx, EventType.INVITATION_ASKED, row, new, by=acting, now=now)
        return new

    def confirm(self, official: Official, account_id: AccountId, *, now: datetime) -> Invitation:
        """Another official wants it too; the person is told, and the waiting begins.

        Raises  InvitationRefused (`nothing_open`, `same_official`, …); OwnAccount; NotAnOfficial;
                AccountUnknown.
        """
        if account_id == official.account_id:
            raise OwnAccount
        ready_at = now + WAITING
        with self.database.transaction() as tx:
            acting = require_duty(tx, official, now=now)
            row = _lock(tx, account_id)
            found = self._open_in(tx, account_id, now=now)
            if found.first_id == official.account_id:
                raise InvitationRefused("same_official")
            if not still_has(
                tx,
                found.first_id,
                duty=Duty.HELPDESK,
                controller_id=found.controller_id,
                now=now,
            ):
                self._stop_in(tx, row, found, by=acting, now=now)
                is_confirmed = False
            else:
                is_confirmed = confirm_invitation(
                    tx,
                    found.invitation_id,
                    official=acting,
                    ready_at=ready_at,
                    expires_at=ready_at + _USABLE,
                    now=now,
                )
            if is_confirmed:
                self._record(tx, EventType.INVITATION_CONFIRMED, row, found, by=acting, now=now)
                self.notices.tell(
                    tx,
                    row,
                    Notice.INVITED_TO_ENROL,
                    now=now,
                    facts={
                        "until_ms": str(to_ms(ready_at)),
                        "stop_path": f"{STOP_PLACE}{self.stop_mark(found.invitation_id)}",
                    },
                )
        if not is_confirmed:
            raise InvitationRefused("nothing_open")
        return found

    def stop(self, invitation_id: str, *, by: str, now: datetime) -> bool:
        """Stop one; False when there is nothing to stop.

        Takes   by: `person`, `notice`, or the account of an official.
        """
        with self.database.transaction() as tx:
            found = find_invitation(tx.connection, invitation_id)
            row = None if found is None else find_row(tx.connection, found.account_id)
            if found is None or row is None:
                return False
            return self._stop_in(tx, row, found, by=by, now=now)

    def _stop_in(
        self,
        tx: Transaction,
        row: AccountRow,
        found: Invitation,
        *,
        by: AccountRow | str,
        now: datetime,
    ) -> bool:
        stopped = settle_invitation(
            tx, found.invitation_id, before=_OPEN, after=InvitationState.STOPPED, now=now
        )
        if stopped:
            self._record(tx, EventType.INVITATION_STOPPED, row, found, by=by, now=now)
        return stopped

    def take(self, account_id: AccountId, *, now: datetime) -> str:
        """The person uses it: capped at level 1, with an activation code for new factors.

        Returns the code, for the person's eyes alone.
        Raises  InvitationRefused (`nothing_open`, `still_waiting`, `signed_in_meanwhile`);
                AccountUnknown.
        """
        with self.database.transaction() as tx:
            row = _lock(tx, account_id)
            found = self._open_in(tx, account_id, now=now)
            if not found.is_ready(now=now):
                raise InvitationRefused("still_waiting")
            if used_a_factor_since(tx.connection, account_id, since=found.asked_at):
                raise InvitationRefused("signed_in_meanwhile")
            is_mine = settle_invitation(
                tx,
                found.invitation_id,
                before=(InvitationState.CONFIRMED,),
                after=InvitationState.USED,
                now=now,
            )
            if not is_mine:
                raise InvitationRefused("nothing_open")
            self.recovery.cap(tx, row, cause="helpdesk", now=now)
            drop_totps(tx, row)
            self._record(tx, EventType.INVITATION_USED, row, found, by="person", now=now)
            return issue_activation_code_in(tx, row, sealer=self.sealer, now=now)

    def was_overtaken(self, invitation: Invitation) -> bool:
        """Whether the person signed in with a factor that was called lost."""
        with self.database.read() as connection:
            return used_a_factor_since(connection, invitation.account_id, since=invitation.asked_at)

    def stop_mark(self, invitation_id: str) -> str:
        """What stands in the notice and stops exactly this one; it does nothing else.

        35 letters: address and sentence fit into one text message.
        """
        name = bytes.fromhex(invitation_id.removeprefix(_PREFIX))
        return to_base64url(name + self._mac(invitation_id)).decode()

    def find_by_mark(self, raw_mark: str) -> Invitation | None:
        """The invitation of a notice; None when the mark is not ours."""
        try:
            given = from_base64url(raw_mark.encode("ascii", "replace"))
        except ValueError:
            return None
        invitation_id = f"{_PREFIX}{given[:_ID_BYTES].hex()}"
        if not hmac.compare_digest(given[_ID_BYTES:], self._mac(invitation_id)):
            return None
        with self.database.read() as connection:
            return find_invitation(connection, invitation_id)

    def _mac(self, invitation_id: str) -> bytes:
        message = f"stop invitation\x00{invitation_id}".encode()
        return self.sealer.mac(MacPurpose.TOKEN, message)[:_MAC_BYTES]

    def _open_in(self, tx: Transaction, account_id: AccountId, *, now: datetime) -> Invitation:
        for one in list_invitations(tx.connection, account_id):
            if one.is_open(now=now):
                return one
        raise InvitationRefused("nothing_open")

    def _record(
        self,
        tx: Transaction,
        type_: EventType,
        row: AccountRow,
        invitation: Invitation,
        *,
        by: AccountRow | str,
        now: datetime,
    ) -> None:
        event = Event(
            type_,
            account_id=row.account_id,
            facts={
                "invitation_id": invitation.invitation_id,
                "reason": invitation.reason.value,
                "controller": invitation.controller_id,
                "by": by if isinstance(by, str) else by.account_id,
            },
        )
        self.log.record(tx, event, data_key=row.data_key, now=now)


def _lock(tx: Transaction, account_id: AccountId) -> AccountRow:
    row = find_row(tx.connection, account_id, is_locked=True)
    if row is None:
        raise AccountUnknown
    if row.is_organisation:
        raise InvitationRefused("not_a_person")
    if not row.is_active:
        raise InvitationRefused("account_not_active")
    return row
