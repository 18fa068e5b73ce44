"""Hands for the forgotten password: what the worker sends, and the walk through the pages.

What lives here: `ResetHands` over a provider in this process.  Not here: gateways.
"""

from __future__ import annotations

import json
from base64 import b64decode
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Final

import msgspec
from sqlalchemy import select

from idp.accounts.messages import Message
from idp.accounts.notices import SEND_NOTICE, Along, Notice
from idp.accounts.reset_asked import SEND_RESET
from idp.storage import outbox as queue
from idp.storage.account_updates import update_profile
from idp.storage.accounts import find_account, find_row
from idp.work.model import Done
from tests.support.provider import Provider
from tests.support.provider_browser import Browser, Landing
from tests.support.provider_seeds import ANH, Somebody
from tests.support.sent_messages import messages_of

NEW: Final = "Ghế-Mây-7-Tím-Khoai"
PHONE: Final = "+84900000018"


@dataclass
class ResetHands:
    """What a person, or somebody who is not her, does and reads."""

    provider: Provider

    def verify_phone(self, who: Somebody = ANH) -> None:
        """Have a verified number beside the address."""
        services = self.provider.services
        with services.database.transaction() as tx:
            row = find_row(tx.connection, who.account_id, is_locked=True)
            account = find_account(tx.connection, who.account_id, sealer=services.sealer)
            assert row is not None
            assert account is not None
            profile = replace(account.profile, phone=PHONE, is_phone_verified=True)
            update_profile(tx, row, profile, sealer=services.sealer, now=account.changed_at)

    def deliver(self) -> list[Message]:
        """Let the worker do what was asked for; everything that was queued since the beginning."""
        services, now = self.provider.services, self.provider.now
        jobs = queue.lease(services.database, now=now, duration=timedelta(seconds=60), limit=50)
        for job in jobs:
            if job.kind == SEND_RESET:
                assert services.recovering.sending(job, now=now) == Done()
                queue.done(services.database, job, now=now)
        return messages_of(services.database, services.sealer)

    def told(self, notice: Notice, who: Somebody = ANH) -> dict[str, str]:
        """What went along with the newest notice of a kind."""
        services = self.provider.services
        with services.database.read() as connection:
            row = find_row(connection, who.account_id)
            rows = connection.execute(
                select(queue.outbox.c.payload)
                .where(queue.outbox.c.kind == SEND_NOTICE)
                .order_by(queue.outbox.c.created_ms)
            ).all()
        assert row is not None
        payload = [
            found for one in rows if (found := json.loads(one.payload))["notice"] == notice.value
        ][-1]
        plain = services.sealer.unseal_personal(
            row.data_key, b64decode(payload["sealed"]), context=f"notice:{row.account_id}"
        )
        return msgspec.json.decode(plain, type=Along).facts

    def ask(self, browser: Browser, *, who: Somebody = ANH, way: str = "email_link") -> Landing:
        """From the sign-in page to what was sent."""
        self.provider.clock.advance(seconds=1)  # or nobody could tell which message is the later
        page = browser.get("/forgot")
        return browser.press(page, "forgot-submit", {"identifier": who.identifier, "way": way})

    def link(self) -> str:
        """The path of the link that was sent last."""
        link = self.deliver()[-1].facts["link"]
        return link.removeprefix(self.provider.services.settings.issuer)

    def first_by_link(self, browser: Browser, *, who: Somebody = ANH) -> Landing:
        """The first proof, given; the page of the second."""
        self.ask(browser, who=who)
        return browser.press(browser.get(self.link()), "reset-link-submit")

    def both(self, browser: Browser, *, who: Somebody = ANH) -> Landing:
        """Both proofs, given; the page of the new password."""
        page = self.first_by_link(browser, who=who)
        return browser.press(page, "reset-app-submit", {"otp": browser.next_code(who)})

    def choose(self, browser: Browser, page: Landing, password: str = NEW) -> Landing:
        """The new password."""
        typed = {"new_password": password, "new_password_again": password}
        return browser.press(page, "reset-password-submit", typed)

    def can_sign_in(self, password: str, *, who: Somebody = ANH) -> bool:
        """Whether number and password are taken."""
        browser = Browser(self.provider)
        page = browser.log_in(browser.get("/account"), who=who, password=password)
        return not page.shows("login-submit")
