"""One message to one address: a code, or a link that only its owner can use.

What lives here: which messages there are, and how an act leaves one: a row of the outbox, written
in the transaction of the act.  The address and everything that is filled in are sealed: under the
data key of the person where there is one, so that they end with it, otherwise under the key of the
outbox.  A message whose time is over is not sent any more.
Source: architecture, "Deferred work"; NIST SP 800-63B-4 §3.1.3 (codes over another channel).
Not here: sentences (`message_texts.py`), how they get there (`idp/delivery`), how many may be asked
for (`sending_limits.py`), what everybody is told without having asked (`notices.py`).
"""

from __future__ import annotations

import re
from base64 import b64decode, b64encode
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any, Final

import msgspec

from idp.accounts.channels import Channel, Destination
from idp.ids import make_id
from idp.storage.accounts import AccountRow
from idp.storage.database import Transaction
from idp.storage.outbox import OutboxId
from idp.work.outbox import Outbox
from keystore.clock import from_ms, to_ms
from keystore.purposes import SealPurpose
from keystore.sealing import Sealer

SEND_MESSAGE: Final = "send_message"


class Template(StrEnum):
    """Every message; who queues one gives it the facts of `FACTS`."""

    SIGN_IN_CODE = "sign_in_code"
    """The second factor of a sign-in."""
    CONTACT_CODE = "contact_code"
    """That an address is whose it is said to be, before it counts."""
    OPENING_CODE = "opening_code"
    """The same while an account is opened."""
    RECOVERY_CODE = "recovery_code"
    """One of two proofs of somebody who forgot the password."""
    RECOVERY_LINK = "recovery_link"
    """The other one; opened in the browser that asked for it, it goes on there."""
    NOTICE = "notice"
    """What happened to an account; queued by the worker for `Notices.tell`, by nobody else."""


FACTS: Final[Mapping[Template, frozenset[str]]] = {
    Template.SIGN_IN_CODE: frozenset({"code"}),
    Template.CONTACT_CODE: frozenset({"code"}),
    Template.OPENING_CODE: frozenset({"code"}),
    Template.RECOVERY_CODE: frozenset({"code"}),
    Template.RECOVERY_LINK: frozenset({"link"}),
    Template.NOTICE: frozenset({"notice", "at_ms"}),
}
"""What each message needs; until when it counts is the row's `expires`."""

_EMAIL: Final = re.compile(r"[!-~]{1,64}@[0-9A-Za-z.\u00a1-\uffff-]{1,253}")
_NOT_IN_EMAIL: Final = frozenset('<>()[]\\,;:"')
_PHONE: Final = re.compile(r"\+[1-9][0-9]{6,14}", re.ASCII)

_encode: Final = msgspec.json.Encoder().encode


class _Sealed(msgspec.Struct, frozen=True):
    address: str
    facts: dict[str, str]

    def __repr__(self) -> str:
        return "_Sealed(…)"


_decode: Final = msgspec.json.Decoder(_Sealed).decode


@dataclass(frozen=True, slots=True)
class Message:
    """What is sent: opened for the moment of sending.

    `message_id` stays with it however often it is tried; `account_id` None: of nobody's account.
    """

    message_id: str
    to: Destination
    template: Template
    facts: Mapping[str, str] = field(repr=False)
    expires_at: datetime
    account_id: str | None = None


@dataclass(frozen=True, slots=True)
class Messages:
    """Safe to share between threads."""

    deferred: Outbox
    sealer: Sealer

    def queue(
        self,
        tx: Transaction,
        *,
        to: Destination,
        template: Template,
        facts: Mapping[str, str],
        now: datetime,
        expires: datetime,
        person: AccountRow | None = None,
        outbox_id: OutboxId | None = None,
    ) -> OutboxId:
        """Leave a message in the transaction of the act.

        Takes   facts: those of `FACTS`, with a code or a link in the clear: they are sealed here;
                expires: when the code or link ends, after which nothing is sent;
                person: whose account it belongs to, where there is one; outbox_id: the row's, for
                who must not leave the same message twice.
        Raises  ValueError: a fact is missing, or `to` is no address.
        """
        missing = FACTS[template] - facts.keys()
        if missing:
            raise ValueError(f"facts_missing: {sorted(missing)}")
        check_destination(to)
        message_id = make_id("msg")
        plain = _encode(_Sealed(to.address, dict(facts)))
        payload: dict[str, Any] = {
            "message_id": message_id,
            "channel": to.channel.value,
            "template": template.value,
            "expires_ms": to_ms(expires),
        }
        if person is None:
            sealed = self.sealer.seal(SealPurpose.OUTBOX, plain, context=_context(message_id))
        else:
            payload["account_id"] = person.account_id
            sealed = self.sealer.seal_personal(person.data_key, plain, context=_context(message_id))
        payload["sealed"] = b64encode(sealed).decode()
        return self.deferred.add(
            tx,
            SEND_MESSAGE,
            payload,
            now=now,
            expires=expires,
            lane=lane_of(to.channel),
            outbox_id=outbox_id,
        )


def open_message(payload: Mapping[str, Any], *, sealer: Sealer, data_key: bytes | None) -> Message:
    """What `Messages.queue` left in a row.

    Takes   data_key: of the row's `account_id`, if it has one.
    Raises  SealBroken.
    """
    message_id, account_id = payload["message_id"], payload.get("account_id")
    sealed, context = b64decode(payload["sealed"]), _context(message_id)
    if account_id is None or data_key is None:
        plain = sealer.unseal(SealPurpose.OUTBOX, sealed, context=context)
    else:
        plain = sealer.unseal_personal(data_key, sealed, context=context)
    found = _decode(plain)
    return Message(
        message_id=message_id,
        to=Destination(Channel(payload["channel"]), found.address),
        template=Template(payload["template"]),
        facts=found.facts,
        expires_at=from_ms(payload["expires_ms"]),
        account_id=account_id,
    )


def check_destination(to: Destination) -> None:
    """Whether something can be sent there, by its form alone.

    Raises  ValueError: not an address of its channel.  The address is not in it.
    """
    if to.channel is Channel.SMS:
        is_address = _PHONE.fullmatch(to.address) is not None
    else:
        is_address = _EMAIL.fullmatch(to.address) is not None and not (
            _NOT_IN_EMAIL & set(to.address)
        )
    if not is_address:
        raise ValueError("address_malformed")


def lane_of(channel: Channel) -> str:
    """What waits together while no gateway of a channel answers."""
    return f"message:{channel.value}"


def _context(message_id: str) -> str:
    return f"outbox:{message_id}"
