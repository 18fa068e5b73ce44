"""A person's e-mail address and telephone number: shown, changed, and good for codes or not.

What lives here: the use cases.  Rules:

1. An address becomes the account's when a code that was sent there is typed in the session that
   asked for it.  The address before it is told too.
2. Who has a second factor changes it with both factors given just now.  Who has none changes it
   with the password given just now, and what is changed so is never a second factor by it.  Who
   has none because codes by message were switched off waits first: whoever took over the number
   switches them off, and would have the addresses, too, before anybody has read the notice of it.
3. A code sent to an address is a second factor when the person wants that, which they say with both
   factors given just now; a new address only after a waiting time, so that whoever takes over a
   number or a browser for an hour gains nothing while its owner is told.
4. Of two browsers that change the same address the later one is told, and changes nothing.

Source: NIST SP 800-63B-4 §3.1.3, §4.1 (binding), §4.6 (notification); decision 10.
Not here: codes (`message_codes`), signing in with them (`message_sign_in`).
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Final

import msgspec

from idp.accounts.addresses import mask_address, parse_address
from idp.accounts.attempts import Attempts, NotAdmitted, Source
from idp.accounts.channels import Channel, Destination
from idp.accounts.errors import AccountError, AccountUnknown, FactorNotFresh, TooManyAttempts
from idp.accounts.last_factor import settle_removal
from idp.accounts.message_codes import (
    CodeFor,
    CodeOutcome,
    CodePurpose,
    MessageCodes,
    SentCode,
)
from idp.accounts.model import Account, Profile
from idp.accounts.notices import Notice, Notices
from idp.ids import AccountId, SessionId
from idp.storage.account_updates import update_profile
from idp.storage.accounts import AccountRow, find_account, find_row
from idp.storage.contacts import ContactRow, find_switched_off, list_contacts, put_contact
from idp.storage.database import Database, Transaction
from idp.storage.ephemeral import EphemeralStore
from idp.storage.second_factors import find_second_factors
from idp.storage.sessions import has_ended
from keystore.log.events import Event, EventType
from keystore.log.record import LogWriter
from keystore.purposes import MacPurpose, SealPurpose
from keystore.sealing import Sealer

PENDING_LIFETIME: Final = timedelta(minutes=15)
_NONE: Final = b""


class ContactRefused(AccountError):
    """An address is not taken; `reason` is a stable word.

    malformed; unchanged (it is the verified one already); unverified (it cannot be a factor);
    overtaken (somebody changed it meanwhile); nothing_pending; wrong_code; code_gone;
    switched_off (codes by message, lately: worth trying again at `retry_at`).
    """

    code = "contact_refused"

    def __init__(
        self, reason: str, *, attempts_left: int | None = None, retry_at: datetime | None = None
    ) -> None:
        super().__init__(reason)
        self.reason = reason
        self.attempts_left = attempts_left
        self.retry_at = retry_at


@dataclass(frozen=True, slots=True)
class Contact:
    """One address of a person, or none on that channel.

    Takes   mark: names the address in a form without showing it; serves_from: from when on codes
            sent there sign in, None where the person does not want that.
    """

    channel: Channel
    address: str | None = field(repr=False)
    is_verified: bool
    mark: str
    since: datetime
    settled_from: datetime
    serves_from: datetime | None = None
    used_at: datetime | None = None

    @property
    def masked(self) -> str:
        """What of it is shown; empty where there is none."""
        return "" if self.address is None else mask_address(self.address, channel=self.channel)

    def is_settled(self, now: datetime) -> bool:
        """Whether it is verified, and not changed so lately that it proves nothing yet."""
        return self.is_verified and self.settled_from <= now

    def serves(self, now: datetime) -> bool:
        """Whether a code sent there signs in now."""
        return self.is_verified and self.serves_from is not None and self.serves_from <= now


@dataclass(frozen=True, slots=True)
class PendingContact:
    """An address that waits for its code; `sent` None: the code is too old."""

    channel: Channel
    masked: str = field(repr=False)
    sent: SentCode | None = None


class _Pending(msgspec.Struct, frozen=True):
    address: str
    before: bytes

    def __repr__(self) -> str:
        return "_Pending(…)"


_encode: Final = msgspec.msgpack.Encoder().encode
_decode: Final = msgspec.msgpack.Decoder(_Pending).decode


class Contacts:
    """Safe to share between threads.

    Takes   wait: how long a new address is no second factor yet.
    """

    def __init__(
        self,
        database: Database,
        *,
        store: EphemeralStore,
        sealer: Sealer,
        log: LogWriter,
        notices: Notices,
        codes: MessageCodes,
        attempts: Attempts,
        wait: timedelta,
    ) -> None:
        self._database = database
        self._store = store
        self._sealer = sealer
        self._log = log
        self._notices = notices
        self._codes = codes
        self._attempts = attempts
        self._wait = wait

    def of(self, account: Account) -> dict[Channel, Contact]:
        """Both channels of a person."""
        with self._database.read() as connection:
            row = find_row(connection, account.account_id)
            known = {} if row is None else list_contacts(connection, row)
        return {channel: self._contact(account, channel, known.get(channel)) for channel in Channel}

    def reaches(self, to: Destination) -> bool:
        """Whether anything may be sent to an address at all."""
        return self._codes.countries.serve(to)

    def begin(
        self,
        account: Account,
        channel: Channel,
        *,
        raw_address: str,
        session_id: str,
        has_both_factors: bool,
        source: Source,
        now: datetime,
    ) -> None:
        """Send a code to an address that shall become the account's, or be verified.

        Takes   has_both_factors: given just now in this session.
        Raises  ContactRefused (malformed, unchanged, switched_off); CountryNotServed;
                SendingRefused.
        """
        if not has_both_factors:
            with self._database.read() as connection:
                self._refuse_lately(find_switched_off(connection, account.account_id), now=now)
        address = parse_address(raw_address, channel=channel)
        if address is None:
            raise ContactRefused("malformed")
        present, is_verified = _address_of(account.profile, channel)
        if address == present and is_verified:
            raise ContactRefused("unchanged")
        key = _key(session_id, channel)
        pending = _Pending(address, self._mark(account.account_id, channel, present))
        wanted = _code_for(account.account_id, session_id, Destination(channel, address))
        self._codes.send(wanted, source=source.address, now=now)
        self._store.put(
            key,
            self._sealer.seal(
                SealPurpose.INTERACTION, _encode(pending), context=f"{key}:{account.account_id}"
            ),
            lifetime=PENDING_LIFETIME,
            now=now,
        )

    def find_pending(
        self, account_id: AccountId, channel: Channel, *, session_id: str, now: datetime
    ) -> PendingContact | None:
        """The address of this session that waits for its code."""
        pending = self._pending(account_id, channel, session_id=session_id, now=now)
        if pending is None:
            return None
        to = Destination(channel, pending.address)
        sent = self._codes.find_sent(_code_for(account_id, session_id, to), now=now)
        return PendingContact(channel, mask_address(to.address, channel=channel), sent)

    def give_up(self, channel: Channel, *, session_id: str) -> None:
        """Forget what waits."""
        self._store.delete(_key(session_id, channel))

    def resend(
        self,
        account_id: AccountId,
        channel: Channel,
        *,
        session_id: str,
        source: Source,
        now: datetime,
    ) -> None:
        """Send another code to the address that waits.

        Raises  ContactRefused (nothing_pending); CountryNotServed; SendingRefused.
        """
        pending = self._pending(account_id, channel, session_id=session_id, now=now)
        if pending is None:
            raise ContactRefused("nothing_pending")
        to = Destination(channel, pending.address)
        self._codes.send(_code_for(account_id, session_id, to), source=source.address, now=now)

    def confirm(
        self,
        account_id: AccountId,
        channel: Channel,
        *,
        raw_code: str,
        session_id: str,
        has_both_factors: bool,
        source: Source,
        now: datetime,
    ) -> None:
        """Take the code and make the address the account's.

        Takes   has_both_factors: given just now in this session.
        Raises  ContactRefused (nothing_pending, wrong_code, code_gone, overtaken, switched_off);
                TooManyAttempts; FactorNotFresh; LastFactor; AccountUnknown.
        """
        admitted = self._attempts.admit_otp(account_id, source=source, now=now)
        if isinstance(admitted, NotAdmitted):
            raise TooManyAttempts(admitted.retry_at)
        pending = self._pending(account_id, channel, session_id=session_id, now=now)
        if pending is None:
            raise ContactRefused("nothing_pending")
        to = Destination(channel, pending.address)
        said = self._codes.check(_code_for(account_id, session_id, to), raw_code, now=now)
        if said is CodeOutcome.WRONG:
            raise ContactRefused("wrong_code", attempts_left=admitted.attempts_left)
        if said is CodeOutcome.GONE:
            raise ContactRefused("code_gone")
        self._attempts.pass_by(admitted, now=now)
        self.give_up(channel, session_id=session_id)
        with self._database.transaction() as tx:
            row, account = self._locked(tx, account_id)
            if has_ended(tx.connection, SessionId(session_id), now=now):
                raise FactorNotFresh
            present, was_verified = _address_of(account.profile, channel)
            if self._mark(account_id, channel, present) != pending.before:
                raise ContactRefused("overtaken")
            if not has_both_factors:
                if find_second_factors(tx.connection, account_id).has_any:
                    raise FactorNotFresh
                self._refuse_lately(find_switched_off(tx.connection, account_id), now=now)
            self._change(tx, row, account, to=to, is_sure=has_both_factors, now=now)
            settle_removal(tx, row, now=now)
            before = Destination(channel, present) if present and was_verified else None
            self._notices.tell(
                tx,
                row,
                Notice.CONTACT_CHANGED,
                now=now,
                facts={"channel": channel.value},
                also_to=() if before is None or before == to else (before,),
            )

    def choose(
        self, account_id: AccountId, channel: Channel, *, is_factor: bool, mark: str, now: datetime
    ) -> None:
        """Keep whether codes sent to an address are a second factor; both were given just now.

        Takes   mark: of the address that the person saw.
        Raises  ContactRefused (unverified, overtaken); LastFactor; AccountUnknown.
        """
        with self._database.transaction() as tx:
            row, account = self._locked(tx, account_id)
            known = list_contacts(tx.connection, row).get(channel)
            seen = self._contact(account, channel, known)
            if seen.mark != mark:
                raise ContactRefused("overtaken")
            if is_factor and (seen.address is None or not seen.is_verified):
                raise ContactRefused("unverified")
            if is_factor == (seen.serves_from is not None):
                return
            kept = self._row(account, channel, known)
            put_contact(tx, row, replace(kept, is_factor=is_factor))
            settle_removal(tx, row, now=now)
            facts = {"channel": channel.value, "is_factor": is_factor}
            self._record(tx, row, EventType.CONTACT_FACTOR_CHANGED, facts, now=now)
            self._notices.tell(tx, row, Notice.SECOND_FACTOR_CHANGED, now=now)

    def _refuse_lately(self, since: datetime | None, *, now: datetime) -> None:
        """Refuse who has shown the password alone, soon after codes by message were switched off.

        Raises  ContactRefused (switched_off).
        """
        if since is not None and now < since + self._wait:
            raise ContactRefused("switched_off", retry_at=since + self._wait)

    def _change(
        self,
        tx: Transaction,
        row: AccountRow,
        account: Account,
        *,
        to: Destination,
        is_sure: bool,
        now: datetime,
    ) -> None:
        channel = to.channel
        present, _ = _address_of(account.profile, channel)
        known = list_contacts(tx.connection, row).get(channel)
        is_factor = is_sure and self._contact(account, channel, known).serves_from is not None
        changed = _with_address(account.profile, to)
        update_profile(tx, row, changed, sealer=self._sealer, now=now)
        put_contact(
            tx,
            row,
            ContactRow(
                channel,
                self._mark(row.account_id, channel, to.address),
                is_factor,
                since=now,
                serves_from=now + self._wait,
            ),
        )
        facts = {"channel": channel.value, "was": "another" if present else "none"}
        if present == to.address:
            facts["was"] = "unverified"
        self._record(tx, row, EventType.CONTACT_CHANGED, facts, now=now)

    def _contact(self, account: Account, channel: Channel, known: ContactRow | None) -> Contact:
        address, is_verified = _address_of(account.profile, channel)
        kept = self._row(account, channel, known)
        serves = kept.is_factor and is_verified
        return Contact(
            channel=channel,
            address=address,
            is_verified=is_verified,
            mark=self._mark(account.account_id, channel, address).hex(),
            since=kept.since,
            settled_from=kept.serves_from,
            serves_from=kept.serves_from if serves else None,
            used_at=kept.used_at,
        )

    def _row(self, account: Account, channel: Channel, known: ContactRow | None) -> ContactRow:
        address, _ = _address_of(account.profile, channel)
        if known is not None and self._is_of(known, account.account_id, address):
            return known
        mark = self._mark(account.account_id, channel, address)
        if known is None:  # as old as the account: nobody has changed it here
            return _unasked(channel, mark, since=account.created_at, wait=timedelta(0))
        # written by somebody else than the person: as young as that writing
        return _unasked(channel, mark, since=account.changed_at, wait=self._wait)

    def _locked(self, tx: Transaction, account_id: AccountId) -> tuple[AccountRow, Account]:
        row = find_row(tx.connection, account_id, is_locked=True)
        account = find_account(tx.connection, account_id, sealer=self._sealer)
        if row is None or account is None:
            raise AccountUnknown
        return row, account

    def _pending(
        self, account_id: AccountId, channel: Channel, *, session_id: str, now: datetime
    ) -> _Pending | None:
        key = _key(session_id, channel)
        sealed = self._store.get(key, now=now)
        if sealed is None:
            return None
        context = f"{key}:{account_id}"
        return _decode(self._sealer.unseal(SealPurpose.INTERACTION, sealed, context=context))

    def _mark(self, account_id: AccountId, channel: Channel, address: str | None) -> bytes:
        if address is None:
            return _NONE
        return self._sealer.mac(MacPurpose.TOKEN, _named(account_id, channel, address))

    def _is_of(self, known: ContactRow, account_id: AccountId, address: str | None) -> bool:
        named = _named(account_id, known.channel, address or "")
        return self._sealer.is_mac(MacPurpose.TOKEN, named, raw_mac=known.address_mac)

    def _record(
        self,
        tx: Transaction,
        row: AccountRow,
        type_: EventType,
        facts: dict[str, str] | dict[str, str | bool],
        *,
        now: datetime,
    ) -> None:
        event = Event(type_, account_id=row.account_id, facts=facts)
        self._log.record(tx, event, data_key=row.data_key, now=now)


def _unasked(channel: Channel, mark: bytes, *, since: datetime, wait: timedelta) -> ContactRow:
    return ContactRow(channel, mark, is_factor=False, since=since, serves_from=since + wait)


def _address_of(profile: Profile, channel: Channel) -> tuple[str | None, bool]:
    if channel is Channel.SMS:
        return profile.phone, profile.is_phone_verified
    return profile.email, profile.is_email_verified


def _with_address(profile: Profile, to: Destination) -> Profile:
    if to.channel is Channel.SMS:
        return replace(profile, phone=to.address, is_phone_verified=True)
    return replace(profile, email=to.address, is_email_verified=True)


def _named(account_id: AccountId, channel: Channel, address: str) -> bytes:
    return f"contact\x00{account_id}\x00{channel}\x00{address}".encode()


def _code_for(account_id: AccountId, session_id: str, to: Destination) -> CodeFor:
    return CodeFor(CodePurpose.CONTACT, session_id, account_id, to)


def _key(session_id: str, channel: Channel) -> str:
    return f"contact_pending:{channel}:{session_id}"
