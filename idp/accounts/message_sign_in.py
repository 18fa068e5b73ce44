"""A code by text message or e-mail as the second factor of a sign-in.

What lives here: sending it to an address that serves as a factor, and checking it.  Only an address
that its owner chose for it, that is verified and that has waited long enough is asked, as it is at
that very moment.  Tries count as tries of one-time codes.  Such a code never confirms a signature:
the second-factor verifier knows nothing of it.
Source: NIST SP 800-63B-4 §3.1.3.3 (telephone network: restricted); architecture, decision 15 of the
domain (text messages are a fallback).
Not here: codes themselves (`message_codes`), which addresses serve (`contacts`).
"""

from __future__ import annotations

from datetime import datetime

from idp.accounts.attempts import Attempts, NotAdmitted, Source
from idp.accounts.channels import Channel, Destination
from idp.accounts.contacts import Contact, Contacts
from idp.accounts.days import start_of_day
from idp.accounts.devices import Devices
from idp.accounts.errors import AccountError
from idp.accounts.login import LoginRefused, OtpAccepted, RefusalReason
from idp.accounts.message_codes import (
    CodeFor,
    CodeOutcome,
    CodePurpose,
    MessageCodes,
    SentCode,
)
from idp.accounts.model import Account
from idp.accounts.refusals import RefusedSignIns
from idp.ids import AccountId
from idp.model import Factor
from idp.storage.accounts import find_account, find_row
from idp.storage.contacts import note_contact_use
from idp.storage.database import Database
from idp.storage.ephemeral import EphemeralStore
from keystore.sealing import Sealer


class ChannelNotOffered(AccountError):
    """No code signs in by that channel now."""

    code = "channel_not_offered"


class MessageSignIn:
    """Safe to share between threads.

    Raises  StorageUnavailable from every method: nobody signs in without being counted.
    """

    def __init__(
        self,
        database: Database,
        *,
        store: EphemeralStore,
        sealer: Sealer,
        contacts: Contacts,
        codes: MessageCodes,
        attempts: Attempts,
    ) -> None:
        self._database = database
        self._sealer = sealer
        self._contacts = contacts
        self._codes = codes
        self._attempts = attempts
        self._devices = Devices(sealer)
        self._refusals = RefusedSignIns(store, sealer=sealer)

    def send(
        self,
        account_id: AccountId,
        channel: Channel,
        *,
        interaction_id: str,
        source: Source,
        now: datetime,
    ) -> None:
        """Send a code; the person has given the password in this sign-in.

        Raises  ChannelNotOffered; CountryNotServed; SendingRefused.
        """
        account, serving = self._serving(account_id, channel, now=now)
        if account is None or serving is None:
            raise ChannelNotOffered
        self._codes.send(
            _code_for(account_id, interaction_id, serving), source=source.address, now=now
        )

    def find_sent(
        self, account: Account, channel: Channel, *, interaction_id: str, now: datetime
    ) -> tuple[str, SentCode | None] | None:
        """The address of that channel, masked, and the code that is out; None: it serves not."""
        serving = self._contacts.of(account)[channel]
        if not serving.serves(now):
            return None
        wanted = _code_for(account.account_id, interaction_id, serving)
        return serving.masked, self._codes.find_sent(wanted, now=now)

    def check(
        self,
        account_id: AccountId,
        channel: Channel,
        *,
        raw_code: str,
        interaction_id: str,
        source: Source,
        now: datetime,
    ) -> OtpAccepted | LoginRefused:
        """Whether the code is the one that was sent, to the address as it is now; it is spent."""
        admitted = self._attempts.admit_otp(account_id, source=source, now=now)
        if isinstance(admitted, NotAdmitted):
            return LoginRefused(RefusalReason.TOO_MANY, retry_at=admitted.retry_at)
        account, serving = self._serving(account_id, channel, now=now)
        if account is None or serving is None:
            return LoginRefused(RefusalReason.CODE_GONE)
        wanted = _code_for(account_id, interaction_id, serving)
        said = self._codes.check(wanted, raw_code, now=now)
        if said is not CodeOutcome.RIGHT or not account.is_active:
            self._refusals.note(account_id, subject=account_id, factor=Factor.OTP, now=now)
            is_gone = said is CodeOutcome.GONE
            return LoginRefused(
                RefusalReason.CODE_GONE if is_gone else RefusalReason.WRONG,
                attempts_left=admitted.attempts_left,
            )
        self._note_use(account_id, channel, now=now)
        self._attempts.pass_by(admitted, now=now)
        device = self._devices.remember(
            source.device, subject=account_id, factor=Factor.OTP, now=now
        )
        return OtpAccepted(now, device)

    def _serving(
        self, account_id: AccountId, channel: Channel, *, now: datetime
    ) -> tuple[Account | None, Contact | None]:
        with self._database.read() as connection:
            account = find_account(connection, account_id, sealer=self._sealer)
        if account is None:
            return None, None
        contact = self._contacts.of(account)[channel]
        return account, contact if contact.serves(now) else None

    def _note_use(self, account_id: AccountId, channel: Channel, *, now: datetime) -> None:
        with self._database.statement() as connection:
            row = find_row(connection, account_id)
            if row is not None:
                note_contact_use(connection, row, channel, since=start_of_day(now), now=now)


def _code_for(account_id: AccountId, interaction_id: str, contact: Contact) -> CodeFor:
    to = Destination(contact.channel, contact.address or "")
    return CodeFor(CodePurpose.SIGN_IN, interaction_id, account_id, to)
