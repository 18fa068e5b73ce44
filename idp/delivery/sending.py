"""The handler of one message: opens it, has a gateway take it, remembers that one did.

What lives here: `SendMessage`.  A gateway that took a message is not asked again: that it did is
marked in the ephemeral store before the row is settled, so that a worker that dies in between
leaves no second message, save in the moment between the answer and the mark.
Nothing of the message reaches an error, a log or the row: reasons are codes of ours.
Not here: which gateway (`gateway.py`), sentences (`idp/accounts/message_texts.py`).
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final, Protocol

from idp.accounts.channels import Channel
from idp.accounts.countries import Countries, CountryNotServed
from idp.accounts.message_texts import write_message
from idp.accounts.messages import Message, open_message
from idp.delivery.gateway import LONGEST_REST, Failing, Gateways, NotSent, Outgoing
from idp.errors import StorageUnavailable
from idp.ids import AccountId
from idp.storage.ephemeral import EphemeralStore
from idp.work.model import Done, GiveUp, Job, Outcome, Retry
from keystore.errors import SealBroken
from keystore.sealing import Sealer

_REMEMBERED: Final = timedelta(days=8)
"""Longer than any message is tried."""


class DataKeys(Protocol):
    """People, as far as this module looks."""

    def data_key_of(self, account_id: AccountId) -> bytes | None:
        """The person's wrapped data key; None when unknown or erased."""


@dataclass(frozen=True, slots=True)
class SendMessage:
    """Safe to share between threads.  Takes   time: the time now."""

    gateways: Gateways
    sealer: Sealer
    people: DataKeys
    marks: EphemeralStore
    issuer: str
    time: Callable[[], datetime]
    countries: Countries

    def __call__(self, job: Job, *, now: datetime) -> Outcome:
        """See `Handler`."""
        data_key = None
        if "account_id" in job.payload:
            data_key = self.people.data_key_of(AccountId(job.payload["account_id"]))
            if data_key is None:
                return Done()  # erased: there is nobody to tell, and nothing that could be opened
        try:
            message = open_message(job.payload, sealer=self.sealer, data_key=data_key)
        except SealBroken:
            return GiveUp("seal_broken")
        if message.expires_at <= now:
            return GiveUp("expired")
        if not self.countries.serve(message.to):
            return GiveUp(CountryNotServed.code)
        mark = f"message:{message.message_id}"
        if self.marks.get(mark, now=now) is not None:
            return Done()
        try:
            self.gateways.send(
                message.to.channel, self._outgoing(message), before=message.expires_at
            )
        except NotSent as failure:
            return _outcome(failure)
        # it is on its way: without the mark it might be sent twice, which is better than never
        with suppress(StorageUnavailable):
            self.marks.put(mark, b"1", lifetime=_REMEMBERED, now=self.time())
        return Done()

    def _outgoing(self, message: Message) -> Outgoing:
        written = write_message(message, issuer=self.issuer)
        is_mail = message.to.channel is Channel.EMAIL
        return Outgoing(
            message.message_id,
            message.to.address,
            subject=written.subject if is_mail else "",
            text=written.mail if is_mail else written.sms,
        )


def _outcome(failure: NotSent) -> Outcome:
    match failure.failing:
        case Failing.NEVER:
            return GiveUp(failure.reason)
        case Failing.DOWN:
            return Retry(failure.reason, is_lane_down=True, longest_rest=LONGEST_REST)
        case Failing.NOT_NOW:
            return Retry(failure.reason)
