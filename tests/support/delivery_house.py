"""A worker with handlers of messages, over SQLite, with a clock that the test moves.

What lives here: `DeliveryHouse`: people, their messages and notices, and what the worker does with
them.  Not here: gateways (`gateways.py`).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from idp.accounts.channels import Channel, Destination
from idp.accounts.countries import Countries
from idp.accounts.identifiers import ParsedIdentifier
from idp.accounts.lifecycle import AccountLifecycle, make_account
from idp.accounts.messages import Messages, Template
from idp.accounts.model import AccountKind, AccountLevel, IdentifierKind, Profile
from idp.accounts.notices import Notice, Notices
from idp.accounts.people import People
from idp.accounts.sending_limits import SendingLimits
from idp.delivery.gateway import Gateway
from idp.delivery_services import DeliveryServices, delivery_handlers
from idp.settings import Settings
from idp.storage.accounts import AccountRow
from idp.storage.database import Database
from idp.storage.ephemeral import EphemeralStore
from idp.storage.outbox import outbox
from idp.work import Clock, Outbox, Worker, open_clock
from keystore.destruction import DestructionList
from keystore.kek import load_kek
from keystore.log.record import LogWriter
from keystore.sealing import Sealer
from tests.support.provider import KEK

ISSUER = "https://dangnhap.example.vn"
CODE = "271828"
PHONE = "+84900000017"
MAIL = "nguoi.thu@mail.example"


class DeliveryHouse:
    """Takes   time: the clock of the test."""

    def __init__(
        self,
        database: Database,
        ephemeral: EphemeralStore,
        *,
        time: Callable[[], datetime],
        folder: Path,
    ) -> None:
        self.database = database
        self.store = ephemeral
        self.time = time
        self.sealer = Sealer.open(database, kek=load_kek(file=None, value=KEK), now=time())
        self.log = LogWriter(self.sealer, writer_id="test")
        self.people = People(database, sealer=self.sealer)
        self.clock: Clock = open_clock(f"sqlite:///{folder / 'queue.db'}")
        deferred = Outbox(self.clock.wake)
        self.delivery = DeliveryServices(
            Notices(deferred, self.sealer),
            Messages(deferred, self.sealer),
            SendingLimits(ephemeral, self.sealer),
            frozenset(Channel),
            Countries(),
        )
        self.lifecycle = AccountLifecycle(
            database,
            sealer=self.sealer,
            log=self.log,
            destructions=DestructionList(folder / "destroyed", sealer=self.sealer),
        )
        self.counted: list[tuple[str, str]] = []

    def worker(self, *, mail: Sequence[Gateway] = (), sms: Sequence[Gateway] = ()) -> Worker:
        """One that knows these gateways; another one remembers nothing of it."""
        handlers = delivery_handlers(
            self.delivery,
            {Channel.EMAIL: mail, Channel.SMS: sms},
            settings=Settings(issuer=ISSUER),
            database=self.database,
            ephemeral=self.store,
            sealer=self.sealer,
            people=self.people,
            time=self.time,
            count=lambda gateway, outcome: self.counted.append((gateway, outcome)),
        )
        return Worker(
            self.database, clock=self.clock, marks=self.store, handlers=handlers, time=self.time
        )

    def person(
        self, number: str = "003091000017", *, kind: AccountKind = AccountKind.CITIZEN, **said: Any
    ) -> AccountRow:
        """Somebody with both channels verified, unless it is `said` otherwise."""
        profile: dict[str, Any] = {
            "email": MAIL,
            "is_email_verified": True,
            "phone": PHONE,
            "is_phone_verified": True,
        }
        account = make_account(
            kind=kind,
            level=AccountLevel.TWO,
            profile=Profile("Người Thử Nghiệm", **(profile | said)),
            identifiers=[ParsedIdentifier(IdentifierKind.PERSONAL_ID_NUMBER, number)],
            now=self.time(),
        )
        self.lifecycle.open(account)
        row = self.people.find_row(account.account_id)
        assert row is not None
        return row

    def queue(self, *, to: Channel = Channel.SMS, person: AccountRow | None = None) -> None:
        """A code that counts for ten minutes."""
        now = self.time()
        with self.database.transaction() as tx:
            self.delivery.messages.queue(
                tx,
                to=Destination(to, PHONE if to is Channel.SMS else MAIL),
                template=Template.SIGN_IN_CODE,
                facts={"code": CODE},
                now=now,
                expires=now + timedelta(minutes=10),
                person=person,
            )

    def tell(self, row: AccountRow, notice: Notice, **options: Any) -> None:
        """Leave a notice."""
        with self.database.transaction() as tx:
            self.delivery.notices.tell(tx, row, notice, now=self.time(), **options)

    def rows(self) -> list[Any]:
        """Everything that waits, is done or has failed."""
        with self.database.read() as connection:
            return list(connection.execute(outbox.select().order_by(outbox.c.created_ms)))

    def close(self) -> None:
        """Let go of everything."""
        self.clock.close()
        self.store.close()
        self.database.close()
