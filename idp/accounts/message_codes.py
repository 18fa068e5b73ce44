"""Codes that are sent to somebody: six digits, by text message or e-mail, good for one thing once.

What lives here: making, sending and checking them.  Rules:

1. A code is for one purpose, one place (the sign-in under way, or the session), one account and the
   very address that it was sent to: all of it is in the keyed hash that is kept, and the code is
   kept nowhere.  One that went to an address that has changed meanwhile is worth nothing.
2. It is taken once: of any number of tries at once with the right digits one takes it.
3. It lives five minutes.  A newer one takes its place; the next can be sent after a minute.
4. How many are sent is limited per account, address and source (`sending_limits`); how often one
   may be tried is the caller's (`attempts`).

Source: NIST SP 800-63B-4 §3.1.3 (out of band), §3.1.3.2 (at most ten minutes, once);
RFC 4226 §7.3 (six digits with throttling).
Not here: texts (`message_texts`), gateways (`idp/delivery`), whose address it is (`contacts`).
"""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final

import msgspec

from idp.accounts.attempts import NotAdmitted
from idp.accounts.channels import Destination
from idp.accounts.countries import Countries, CountryNotServed
from idp.accounts.errors import AccountUnknown
from idp.accounts.messages import Messages, Template
from idp.accounts.sending_limits import SendingLimits
from idp.accounts.totp import normalise_code
from idp.errors import AntinError
from idp.ids import AccountId
from idp.storage.accounts import find_row
from idp.storage.database import Database
from idp.storage.ephemeral import EphemeralStore
from keystore.clock import from_ms, to_ms
from keystore.purposes import MacPurpose
from keystore.sealing import Sealer

LIFETIME: Final = timedelta(minutes=5)
RESEND_AFTER: Final = timedelta(seconds=60)
_DIGITS: Final = 6


class CodePurpose(StrEnum):
    """What a code is good for; another purpose does not take it."""

    SIGN_IN = "sign_in"
    CONTACT = "contact"


_TEMPLATES: Final = {
    CodePurpose.SIGN_IN: Template.SIGN_IN_CODE,
    CodePurpose.CONTACT: Template.CONTACT_CODE,
}


class CodeOutcome(StrEnum):
    """What is said of a code that was typed.

    RIGHT: and it is spent.  GONE: there is none to compare with: never sent, taken, or too late.
    """

    RIGHT = "right"
    WRONG = "wrong"
    GONE = "gone"


class SendingRefused(AntinError):
    """No code is sent now; `retry_at` is when it is worth trying again (aware UTC)."""

    code = "sending_refused"

    def __init__(self, retry_at: datetime) -> None:
        super().__init__()
        self.retry_at = retry_at


@dataclass(frozen=True, slots=True)
class CodeFor:
    """What a code is bound to.

    Takes   place: the sign-in under way or the session in which it was asked for.
    """

    purpose: CodePurpose
    place: str
    account_id: AccountId
    to: Destination


@dataclass(frozen=True, slots=True)
class SentCode:
    """That a code is out."""

    sent_at: datetime

    @property
    def expires_at(self) -> datetime:
        """From then on it is worth nothing."""
        return self.sent_at + LIFETIME

    @property
    def resend_at(self) -> datetime:
        """From then on another one can be sent."""
        return self.sent_at + RESEND_AFTER


class _Kept(msgspec.Struct, frozen=True):
    code_mac: bytes
    sent_ms: int


_encode: Final = msgspec.msgpack.Encoder().encode
_decode: Final = msgspec.msgpack.Decoder(_Kept).decode


class MessageCodes:
    """Safe to share between threads.

    Raises  StorageUnavailable from every method: nobody signs in without the mark.
    """

    def __init__(
        self,
        database: Database,
        *,
        store: EphemeralStore,
        sealer: Sealer,
        messages: Messages,
        limits: SendingLimits,
        countries: Countries,
    ) -> None:
        self._database = database
        self._store = store
        self._sealer = sealer
        self._messages = messages
        self._limits = limits
        self.countries = countries

    def send(self, wanted: CodeFor, *, source: str, now: datetime) -> SentCode:
        """Send a code, which takes the place of one that was sent for the same before.

        Takes   source: address of the client.
        Raises  CountryNotServed; SendingRefused; AccountUnknown.
        """
        if not self.countries.serve(wanted.to):
            raise CountryNotServed
        key = _key(wanted)
        if not self._store.first_use(f"{key}:wait", lifetime=RESEND_AFTER, now=now):
            before = self.find_sent(wanted, now=now)
            raise SendingRefused(now + RESEND_AFTER if before is None else before.resend_at)
        admitted = self._limits.admit(
            account_id=wanted.account_id, address=wanted.to.address, source=source, now=now
        )
        if isinstance(admitted, NotAdmitted):
            raise SendingRefused(admitted.retry_at)
        code = f"{secrets.randbelow(10**_DIGITS):0{_DIGITS}d}"
        kept = _Kept(self._sealer.mac(MacPurpose.TOKEN, _message(wanted, code)), to_ms(now))
        self._store.put(key, _encode(kept), lifetime=LIFETIME, now=now)
        with self._database.transaction() as tx:
            row = find_row(tx.connection, wanted.account_id)
            if row is None:
                raise AccountUnknown
            self._messages.queue(
                tx,
                to=wanted.to,
                template=_TEMPLATES[wanted.purpose],
                facts={"code": code},
                now=now,
                expires=now + LIFETIME,
                person=row,
            )
        return SentCode(from_ms(kept.sent_ms))

    def find_sent(self, wanted: CodeFor, *, now: datetime) -> SentCode | None:
        """That a code is out for this; None when there is none that could still be taken."""
        raw = self._store.get(_key(wanted), now=now)
        return None if raw is None else SentCode(from_ms(_decode(raw).sent_ms))

    def check(self, wanted: CodeFor, raw_code: str, *, now: datetime) -> CodeOutcome:
        """Whether this is the code; a right one is spent.

        Takes   wanted: with the address as it is **now**.
        The attempt has been counted by the caller.
        """
        key = _key(wanted)
        raw = self._store.get(key, now=now)
        if raw is None:
            return CodeOutcome.GONE
        message = _message(wanted, normalise_code(raw_code))
        if not self._sealer.is_mac(MacPurpose.TOKEN, message, raw_mac=_decode(raw).code_mac):
            return CodeOutcome.WRONG
        # whoever gets it out took it; what another request put there meanwhile is not this code
        is_taken = self._store.consume(key, now=now) == raw
        return CodeOutcome.RIGHT if is_taken else CodeOutcome.GONE


def _key(wanted: CodeFor) -> str:
    return f"message_code:{wanted.purpose}:{wanted.to.channel}:{wanted.place}"


def _message(wanted: CodeFor, code: str) -> bytes:
    parts = (
        "message_code",
        *(wanted.purpose, wanted.place, wanted.account_id),
        *(wanted.to.channel, wanted.to.address, code),
    )
    return "\x00".join(parts).encode("utf-8", "replace")
