"""Somebody opens an account at level 1, alone.

Steps: an address of theirs and the code that was sent there; then who they are, a password, and
their consent that it is compared with the population service; then one question to that service,
and an account if it says yes.  Rules:

1. The register is asked only for somebody who is reached at an address, and as often as limits per
   source, number and address allow: nobody tries out other people's data in bulk.
2. Contradicted, unanswered or too young: nothing is kept of who they said they were.
3. That there is an account already is told only to somebody whose data the register has confirmed,
   and the holder is told of it.
4. What is confirmed is the data, not the person: the account is of level 1, and whoever it belongs
   to proves more at a counter.

Source: NĐ 69/2024/NĐ-CP Art. 7 (level 1), Art. 14 (children), Art. 19(3) (consent); NIST SP
800-63A-4 §2.5 (validation); architecture, J5.
Not here: pages (`idp/web/account/opening.py`), how the register is asked (`idp/registers`).
"""

from __future__ import annotations

import secrets
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final

import msgspec

from idp.accounts.addresses import parse_address
from idp.accounts.attempts import NotAdmitted
from idp.accounts.breached_passwords import BreachedPasswords
from idp.accounts.channels import Channel, Destination
from idp.accounts.countries import Countries
from idp.accounts.errors import IdentifierCancelled, IdentifierTaken, TooManyAttempts
from idp.accounts.lifecycle import AccountLifecycle, make_account
from idp.accounts.message_codes import SendingRefused
from idp.accounts.messages import Messages, Template
from idp.accounts.model import Account, AccountKind, AccountLevel, Profile
from idp.accounts.notices import Notice, Notices
from idp.accounts.opening_claims import Claim, OpeningRefused, RawClaim, read_claim
from idp.accounts.opening_state import Opening, Openings
from idp.accounts.password_rules import check_new_password, own_words
from idp.accounts.passwords import Passwords
from idp.accounts.people import People
from idp.accounts.sending_limits import SendingLimits
from idp.accounts.totp import normalise_code
from idp.ids import AccountId, make_id
from idp.registers import Asker, PersonQuery, PopulationRegister, Purpose, Verdict
from idp.registers.time import vietnam_day
from idp.storage.accounts import find_row
from idp.storage.database import Database
from idp.storage.level_records import OPENED_ALONE
from keystore.clock import to_ms
from keystore.log.events import Event, EventType
from keystore.log.record import LogWriter
from keystore.purposes import MacPurpose
from keystore.sealing import Sealer

CONSENT_TEXT: Final = "opening-1"
"""The version of the text that the page shows before the register is asked."""
_DIGITS: Final = 6
_MOST_TRIES: Final = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class AccountOpening:
    """Safe to share between threads.

    Takes   channels, countries: where anything can be sent; sending: how many codes may be sent;
            tries: how often data may be compared.
    """

    database: Database
    openings: Openings
    sealer: Sealer
    log: LogWriter
    lifecycle: AccountLifecycle
    people: People
    passwords: Passwords
    breached: BreachedPasswords
    messages: Messages
    channels: frozenset[Channel]
    countries: Countries
    notices: Notices
    sending: SendingLimits
    tries: SendingLimits
    population: PopulationRegister

    @property
    def is_offered(self) -> bool:
        """Whether accounts are opened here by people themselves."""
        return self.population.is_there and bool(self.channels)

    def find(self, browser: str | None, *, now: datetime) -> Opening | None:
        """What this browser has begun."""
        found = None if browser is None else self.openings.find(browser, now=now)
        return None if found is None else found[0]

    def begin(
        self, browser: str, *, raw_address: str, source: str, way_back: str = "", now: datetime
    ) -> None:
        """Send a code to an address.

        Takes   source: address of the client; way_back: the sign-in it was begun from.
        Raises  OpeningRefused (address_malformed, address_unreached, address_country);
                SendingRefused.
        """
        channel = Channel.EMAIL if "@" in raw_address else Channel.SMS
        address = parse_address(raw_address, channel=channel)
        if address is None:
            raise OpeningRefused("address_malformed")
        if channel not in self.channels:
            raise OpeningRefused("address_unreached")
        to = Destination(channel, address)
        if not self.countries.serve(to):
            raise OpeningRefused("address_country")
        before = self.find(browser, now=now)
        if before is not None and before.address == address and now < before.resend_at:
            raise SendingRefused(before.resend_at)
        self._send(browser, to, source, way_back=way_back, now=now)

    def resend(self, browser: str, *, source: str, now: datetime) -> None:
        """Send another code to the same address; the one before is worth nothing any more.

        Raises  OpeningRefused (nothing_begun); SendingRefused.
        """
        before = self.find(browser, now=now)
        if before is None or before.is_confirmed:
            raise OpeningRefused("nothing_begun")
        if now < before.resend_at:
            raise SendingRefused(before.resend_at)
        self._send(browser, before.destination, source, way_back=before.way_back, now=now)

    def confirm_address(self, browser: str, *, raw_code: str, now: datetime) -> None:
        """Take the code; five tries for each that was sent.

        Raises  OpeningRefused (nothing_begun, code_missing, wrong_code, code_gone).
        """
        found = self.openings.find(browser, now=now)
        if found is None:
            raise OpeningRefused("nothing_begun")
        opening, raw = found
        if opening.is_confirmed:
            return
        code = normalise_code(raw_code)
        if not code:
            raise OpeningRefused("code_missing")
        key = f"{self.openings.key(browser)}:tries:{opening.sent_ms}"
        window = opening.code_expires_at - now
        if now >= opening.code_expires_at:
            raise OpeningRefused("code_gone")
        tried = self.openings.store.count(key, window=window, now=now)
        if tried > _MOST_TRIES:
            raise OpeningRefused("code_gone")
        message = _code_message(opening.account_id, opening.address, code)
        if not self.sealer.is_mac(MacPurpose.TOKEN, message, raw_mac=opening.code_mac):
            raise OpeningRefused("wrong_code", attempts_left=_MOST_TRIES - tried)
        confirmed = msgspec.structs.replace(opening, is_confirmed=True, code_mac=b"")
        if not self.openings.replace(browser, raw, confirmed, now=now):
            raise OpeningRefused("code_gone")

    def give_up(self, browser: str, *, now: datetime) -> None:
        """Forget what was begun."""
        self.openings.consume(browser, now=now)

    def finish(
        self, browser: str, raw: RawClaim, *, raw_password: str, source: str, now: datetime
    ) -> None:
        """Ask the register, and open the account.

        Raises  OpeningRefused; PasswordUnusable; TooManyAttempts; RegisterError (nothing is known,
                later); StorageUnavailable.
        """
        opening = self.find(browser, now=now)
        if opening is None or not opening.is_confirmed:
            raise OpeningRefused("nothing_begun")
        claim = read_claim(raw, today=vietnam_day(now))
        account = _account(claim, opening, now=now)
        check_new_password(raw_password, own=own_words(account), breached=self.breached)
        admitted = self.tries.admit(
            account_id=claim.number.value, address=opening.address, source=source, now=now
        )
        if isinstance(admitted, NotAdmitted):
            raise TooManyAttempts(admitted.retry_at)
        answer = self.population.verify(
            PersonQuery(claim.number, claim.name, claim.birthdate),
            asked_by=Asker(Purpose.OPEN_ACCOUNT, opening.account_id),
            now=now,
        )
        if answer.verdict is not Verdict.MATCHES:
            raise OpeningRefused("contradicts")
        password = self.passwords.hash_new(raw_password)
        if self.openings.consume(browser, now=now) is None:
            raise OpeningRefused("nothing_begun")  # another request of this browser was first
        try:
            self.lifecycle.open(
                account,
                password=password,
                facts={**OPENED_ALONE, "consent": CONSENT_TEXT},
                also=lambda tx, row: self.notices.tell(tx, row, Notice.ACCOUNT_OPENED, now=now),
            )
        except IdentifierCancelled as cancelled:
            # who had the number before is no concern of whoever types it
            raise OpeningRefused("contradicts") from cancelled
        except IdentifierTaken as taken:
            self._tell_holder(claim, now=now)
            raise OpeningRefused("exists") from taken

    def _send(
        self, browser: str, to: Destination, source: str, *, way_back: str, now: datetime
    ) -> None:
        admitted = self.sending.admit(
            account_id=to.address, address=to.address, source=source, now=now
        )
        if isinstance(admitted, NotAdmitted):
            raise SendingRefused(admitted.retry_at)
        code = f"{secrets.randbelow(10**_DIGITS):0{_DIGITS}d}"
        account_id = AccountId(make_id("acc"))
        opening = Opening(
            account_id=account_id,
            channel=to.channel,
            address=to.address,
            code_mac=self.sealer.mac(MacPurpose.TOKEN, _code_message(account_id, to.address, code)),
            sent_ms=to_ms(now),
            way_back=way_back,
        )
        self.openings.put(browser, opening, now=now)
        with self.database.transaction() as tx:
            self.messages.queue(
                tx,
                to=to,
                template=Template.OPENING_CODE,
                facts={"code": code},
                now=now,
                expires=opening.code_expires_at,
            )

    def _tell_holder(self, claim: Claim, *, now: datetime) -> None:
        holder = self.people.find_by_identifier(claim.number)
        if holder is None:
            return
        with self.database.transaction() as tx:
            row = find_row(tx.connection, holder.account_id)
            if row is None:
                return
            event = Event(EventType.OPENING_REFUSED, account_id=row.account_id)
            self.log.record(tx, event, data_key=row.data_key, now=now)
            self.notices.tell(tx, row, Notice.OPENING_TRIED, now=now)


def _account(claim: Claim, opening: Opening, *, now: datetime) -> Account:
    is_email = opening.channel is Channel.EMAIL
    made = make_account(
        kind=AccountKind.CITIZEN,
        level=AccountLevel.ONE,
        profile=Profile(
            name=claim.name,
            birthdate=claim.birthdate,
            email=opening.address if is_email else None,
            is_email_verified=is_email,
            phone=None if is_email else opening.address,
            is_phone_verified=not is_email,
        ),
        identifiers=(claim.number,),
        now=now,
    )
    return replace(made, account_id=opening.account_id)


def _code_message(account_id: AccountId, address: str, code: str) -> bytes:
    return f"opening_code\x00{account_id}\x00{address}\x00{code}".encode("utf-8", "replace")
