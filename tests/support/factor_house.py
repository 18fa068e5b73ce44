"""A person with addresses and factors, without pages: the use cases over one database.

What lives here: `FactorHouse`, put together as the service is, and what a test asks of it.
Not here: HTTP; the rest of an account (`tests/idp/accounts/conftest.py`).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Final

from idp.accounts.attempts import Attempts, Source
from idp.accounts.channels import Channel
from idp.accounts.contacts import Contact
from idp.accounts.credentials import Totp
from idp.accounts.lifecycle import AccountLifecycle, make_account
from idp.accounts.model import Account, AccountKind, AccountLevel, Profile
from idp.accounts.notices import Notices
from idp.delivery_services import build_delivery
from idp.factor_services import FactorServices, build_factors
from idp.ids import AccountId, make_id
from idp.settings import Settings
from idp.storage.accounts import AccountRow, find_row
from idp.storage.credentials import replace_totps
from idp.storage.database import Database, Transaction
from idp.storage.ephemeral import EphemeralStore
from idp.work.outbox import Outbox
from keystore.log.record import LogWriter
from keystore.sealing import Sealer
from tests.support.sent_messages import messages_of

PHONE: Final = "+84900000018"
NEW_PHONE: Final = "+84900000027"
MAIL: Final = "nguoi.thu@mau.example"
WAIT: Final = timedelta(hours=72)
HERE: Final = Source("192.0.2.7")
_ID: Final = "003190000018"


@dataclass
class Caps:
    """What was capped, instead of capping it."""

    causes: list[str] = field(default_factory=list)

    def cap(self, tx: Transaction, row: AccountRow, *, cause: str, now: datetime) -> None:
        self.causes.append(cause)


def factors_over(
    database: Database,
    store: EphemeralStore,
    *,
    sealer: Sealer,
    log: LogWriter,
    caps: Caps | None = None,
) -> FactorServices:
    """What the service builds, over these stores; nobody is woken."""
    settings = Settings(issuer="https://dang-nhap.example")
    outbox = Outbox(lambda _ids: None)
    return build_factors(
        settings,
        database=database,
        ephemeral=store,
        sealer=sealer,
        log=log,
        delivery=build_delivery(settings, outbox=outbox, sealer=sealer, ephemeral=store),
        attempts=Attempts(store, sealer=sealer),
        recovery=caps or Caps(),
    )


class FactorHouse:
    """One person with a verified number and address, an authenticator and the time."""

    def __init__(
        self, database: Database, store: EphemeralStore, sealer: Sealer, now: datetime
    ) -> None:
        self.database = database
        self.store = store
        self.sealer = sealer
        self.now = now
        self.caps = Caps()
        self.log = LogWriter(sealer, writer_id="test")
        self.outbox = Outbox(lambda _ids: None)
        self.notices = Notices(self.outbox, sealer)
        self.attempts = Attempts(store, sealer=sealer)
        self.factors = self.build()
        self.me = self._open()

    def build(self) -> FactorServices:
        """As another worker has them."""
        return factors_over(
            self.database, self.store, sealer=self.sealer, log=self.log, caps=self.caps
        )

    def _open(self) -> AccountId:
        account = make_account(
            kind=AccountKind.CITIZEN,
            level=AccountLevel.TWO,
            profile=Profile(
                "Người Thử Nghiệm",
                email=MAIL,
                is_email_verified=True,
                phone=PHONE,
                is_phone_verified=True,
            ),
            identifiers=[],
            now=self.now,
        )
        lifecycle = AccountLifecycle(self.database, sealer=self.sealer, log=self.log)
        return lifecycle.open(account).account_id

    def give_totp(self) -> Totp:
        """An authenticator of the service's."""
        totp = Totp(make_id("otp"), bytes(range(20)), self.now)
        with self.database.transaction() as tx:
            row = find_row(tx.connection, self.me, is_locked=True)
            assert row is not None
            replace_totps(tx, row, totp, sealer=self.sealer)
        return totp

    def demand_second_factor(self) -> None:
        """The person wants one at every sign-in."""
        lifecycle = AccountLifecycle(self.database, sealer=self.sealer, log=self.log)
        lifecycle.demand_second_factor(self.me, is_demanded=True, now=self.now)

    def account(self) -> Account:
        """The person as stored."""
        from idp.accounts.directory import Directory  # noqa: PLC0415 - one word of it

        found = Directory(self.database, sealer=self.sealer).find_account(self.me)
        assert found is not None
        return found

    def contact(self, channel: Channel = Channel.SMS) -> Contact:
        """What is known of an address."""
        return self.factors.contacts.of(self.account())[channel]

    def choose(self, channel: Channel = Channel.SMS, *, is_factor: bool = True) -> None:
        """Codes sent there are a second factor, or not."""
        mark = self.contact(channel).mark
        self.factors.contacts.choose(self.me, channel, is_factor=is_factor, mark=mark, now=self.now)

    def begin(
        self,
        address: str,
        *,
        channel: Channel = Channel.SMS,
        session: str = "ses_1",
        has_both_factors: bool = True,
    ) -> str:
        """Ask for another address; the code that was sent there."""
        self.factors.contacts.begin(
            self.account(), channel, raw_address=address, session_id=session, source=HERE,
            has_both_factors=has_both_factors, now=self.now,
        )  # fmt: skip
        return self.last_code(address)

    def confirm(self, code: str, **changed: Any) -> None:
        """Type the code that came."""
        members: dict[str, Any] = {
            "raw_code": code,
            "session_id": "ses_1",
            "has_both_factors": True,
            "source": HERE,
            "now": self.now,
            **changed,
        }
        channel = members.pop("channel", Channel.SMS)
        self.factors.contacts.confirm(self.me, channel, **members)

    def change(self, address: str, *, channel: Channel = Channel.SMS, **changed: Any) -> None:
        """Both in one."""
        self.confirm(self.begin(address, channel=channel), channel=channel, **changed)

    def last_code(self, address: str) -> str:
        """What the newest message to an address says."""
        found = [
            one for one in messages_of(self.database, self.sealer) if one.to.address == address
        ]
        return found[-1].facts["code"]

    def events(self) -> list[str]:
        """What is on record, sorted."""
        from sqlalchemy import select  # noqa: PLC0415 - one statement of it

        from keystore.log.record import log_event  # noqa: PLC0415 - as above

        with self.database.read() as connection:
            return sorted(row.type for row in connection.execute(select(log_event.c.type)))
