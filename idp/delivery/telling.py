"""The handler of one notice: a message to each channel of the person, and to whom else it goes.

What lives here: `TellPerson`, and how often a new device is told by text message: whoever has a
password could have any number of them sent, and paid for.  The messages are rows of their own, so
that one channel that is down neither keeps the others waiting nor has them told twice; they are
written in one transaction, and a notice that is handled again finds them there.
Source: NIST SP 800-63B-4 §4.6.  Not here: which acts leave a notice (`idp/accounts/notices.py`).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from idp.accounts.channels import Channel, Destination, verified_channels
from idp.accounts.messages import Messages, Template, check_destination
from idp.accounts.model import AccountKind
from idp.accounts.notices import Notice, open_along
from idp.accounts.people import People
from idp.ids import AccountId
from idp.storage.database import Database
from idp.storage.ephemeral import EphemeralStore
from idp.storage.outbox import OutboxId
from idp.work.model import Done, GiveUp, Job, Outcome
from keystore.errors import SealBroken
from keystore.purposes import MacPurpose
from keystore.sealing import Sealer

_A_DAY: Final = timedelta(days=1)
NEW_DEVICES_BY_SMS: Final = 5
"""In a day; by e-mail all of them are told, and every other notice on every channel."""


@dataclass(frozen=True, slots=True)
class TellPerson:
    """Safe to share between threads.  Takes   can_send: whether a gateway takes what goes there."""

    database: Database
    sealer: Sealer
    people: People
    counts: EphemeralStore
    messages: Messages
    can_send: Callable[[Destination], bool]

    def __call__(self, job: Job, *, now: datetime) -> Outcome:
        """See `Handler`."""
        account_id = AccountId(job.payload["account_id"])
        account, row = self.people.find_account(account_id), self.people.find_row(account_id)
        if account is None or row is None:
            return Done()  # erased meanwhile
        try:
            along = open_along(job.payload, sealer=self.sealer, data_key=row.data_key)
        except SealBroken:
            return GiveUp("seal_broken")
        also_to = (Destination(channel, address) for channel, address in along.also_to)
        told = dict.fromkeys(
            to for to in (*verified_channels(account), *also_to) if self._reaches(to)
        )
        notice = str(job.payload["notice"])
        if notice == Notice.NEW_DEVICE and self._is_too_often(account_id, now=now):
            told = {to: None for to in told if to.channel is not Channel.SMS}
        facts = {
            **along.facts,
            "notice": notice,
            "at_ms": str(job.payload["at_ms"]),
        }
        if account.kind is AccountKind.FOREIGNER:
            facts["in_english"] = "yes"
        with self.database.transaction() as tx:
            for number, to in enumerate(told):
                self.messages.queue(
                    tx,
                    to=to,
                    template=Template.NOTICE,
                    facts=facts,
                    now=now,
                    expires=job.expires_at,
                    person=row,
                    outbox_id=OutboxId(f"{job.outbox_id}-{number}"),
                )
        return Done()

    def _is_too_often(self, account_id: AccountId, *, now: datetime) -> bool:
        name = self.sealer.mac(MacPurpose.SOURCE, f"told\x00{account_id}".encode()).hex()
        return self.counts.count(f"told:{name}", window=_A_DAY, now=now) > NEW_DEVICES_BY_SMS

    def _reaches(self, to: Destination) -> bool:
        try:
            check_destination(to)
        except ValueError:
            return False  # of a register that was imported: nobody can be reached there
        return self.can_send(to)
