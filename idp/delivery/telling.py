"""The handler of one notice: a message to each channel of the person, and to whom else it goes.

What lives here: `TellPerson`.  The messages are rows of their own, so that one channel that is down
neither keeps the others waiting nor has them told twice; they are written in one transaction, and a
notice that is handled again finds them there.
Source: NIST SP 800-63B-4 §4.6.  Not here: which acts leave a notice (`idp/accounts/notices.py`).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from idp.accounts.channels import Channel, Destination, verified_channels
from idp.accounts.messages import Messages, Template, check_destination
from idp.accounts.model import AccountKind
from idp.accounts.notices import open_along
from idp.accounts.people import People
from idp.ids import AccountId
from idp.storage.database import Database
from idp.storage.outbox import OutboxId
from idp.work.model import Done, GiveUp, Job, Outcome
from keystore.errors import SealBroken
from keystore.sealing import Sealer


@dataclass(frozen=True, slots=True)
class TellPerson:
    """Safe to share between threads.  Takes   can_send: whether a channel has a gateway."""

    database: Database
    sealer: Sealer
    people: People
    messages: Messages
    can_send: Callable[[Channel], bool]

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
        facts = {
            **along.facts,
            "notice": str(job.payload["notice"]),
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

    def _reaches(self, to: Destination) -> bool:
        try:
            check_destination(to)
        except ValueError:
            return False  # of a register that was imported: nobody can be reached there
        return self.can_send(to.channel)
