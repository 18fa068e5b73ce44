"""Somebody asked to reset a password: what is sent, if there is anybody to send it to.

What lives here: leaving the duty, and its handler.  The request does the same for everybody: it
looks nobody up, and leaves a sealed row.  The worker looks, and sends to the verified address, or
sends nothing.  So neither the answer nor its time tells whether somebody has an account.
Source: OWASP Cheat Sheet "Forgot Password"; NIST SP 800-63B-4 §4.2.
Not here: the attempt (`reset_attempts.py`), gateways (`idp/delivery`).
"""

from __future__ import annotations

from base64 import b64decode, b64encode
from dataclasses import dataclass
from datetime import datetime
from typing import Final

import msgspec

from idp.accounts.channels import Channel, Destination
from idp.accounts.contacts import Contacts
from idp.accounts.directory import Directory
from idp.accounts.identifiers import IdentifierProblem, parse_login_identifier
from idp.accounts.messages import Messages, Template
from idp.accounts.model import Account
from idp.accounts.reset_attempts import SENT_LIFETIME, Way
from idp.storage.accounts import find_row
from idp.storage.database import Database, Transaction
from idp.work.model import Done, GiveUp, Job, Outcome
from idp.work.outbox import Outbox
from keystore.clock import from_ms, to_ms
from keystore.errors import SealBroken
from keystore.purposes import SealPurpose
from keystore.sealing import Sealer

SEND_RESET: Final = "send_reset"
_CONTEXT: Final = "send_reset"


class _Asked(msgspec.Struct, frozen=True):
    typed: str
    way: Way
    fact: str
    asked_ms: int

    def __repr__(self) -> str:
        return "_Asked(…)"


_encode: Final = msgspec.msgpack.Encoder().encode
_decode: Final = msgspec.msgpack.Decoder(_Asked).decode


def leave_asked(
    tx: Transaction, *, outbox: Outbox, sealer: Sealer, typed: str, way: Way, fact: str,
    now: datetime,
) -> None:  # fmt: skip
    """Have it sent, if there is anybody.

    Takes   typed: the number, normalised; fact: the code, or the whole address of the link.
    """
    sealed = sealer.seal(
        SealPurpose.OUTBOX, _encode(_Asked(typed, way, fact, to_ms(now))), context=_CONTEXT
    )
    payload = {"sealed": b64encode(sealed).decode()}
    outbox.add(tx, SEND_RESET, payload, now=now, expires=now + SENT_LIFETIME)


def find_typed(people: Directory, typed: str) -> Account | None:
    """The person's active account that a number names; None for organisations too."""
    parsed = parse_login_identifier(typed)
    if isinstance(parsed, IdentifierProblem):
        return None
    for candidate in parsed.candidates:
        account = people.find_by_identifier(candidate)
        if account is not None:
            return account if account.is_active and not account.is_organisation else None
    return None


def address_of(
    account: Account, channel: Channel, *, contacts: Contacts, now: datetime
) -> Destination | None:
    """The address of a person on a channel that proves something: verified, and not a new one.

    Whoever changed it a moment ago proves nothing with it, nor anybody where nothing is sent to.
    """
    found = contacts.of(account)[channel]
    if found.address is None or not found.is_settled(now):
        return None
    to = Destination(channel, found.address)
    return to if contacts.reaches(to) else None


@dataclass(frozen=True, slots=True)
class ResetSending:
    """Sends what was asked for; a `Handler`."""

    database: Database
    sealer: Sealer
    people: Directory
    contacts: Contacts
    messages: Messages

    def __call__(self, job: Job, *, now: datetime) -> Outcome:
        """Look who it is, and queue the message; for nobody nothing is done."""
        try:
            plain = self.sealer.unseal(
                SealPurpose.OUTBOX, b64decode(job.payload["sealed"]), context=_CONTEXT
            )
        except SealBroken:
            return GiveUp("seal_broken")
        asked = _decode(plain)
        account = find_typed(self.people, asked.typed)
        if account is None:
            return Done()
        to = address_of(account, asked.way.channel, contacts=self.contacts, now=now)
        if to is None:
            return Done()
        is_link = asked.way is Way.EMAIL_LINK
        with self.database.transaction() as tx:
            row = find_row(tx.connection, account.account_id, is_locked=True)
            if row is not None and row.is_active:
                self.messages.queue(
                    tx,
                    to=to,
                    template=Template.RECOVERY_LINK if is_link else Template.RECOVERY_CODE,
                    facts={"link" if is_link else "code": asked.fact},
                    now=now,
                    expires=from_ms(asked.asked_ms) + SENT_LIFETIME,
                    person=row,
                )
        return Done()
