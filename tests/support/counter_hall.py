"""A counter with two officials, and the provider behind it.

What lives here: `Hall`, and the fixture's maker.  Not here: what is tried at it.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final

from idp.accounts.attempts import Source
from idp.accounts.birthdates import Birthdate
from idp.accounts.counter_proofings import DocumentKind, Seen
from idp.accounts.model import AccountLevel
from idp.accounts.official_duties import Duty, Official
from idp.ids import AccountId
from idp.official_services import Desks
from keystore.log.events import EventType
from tests.support.provider import Provider
from tests.support.provider_seeds import ANH, BINH, CHI
from tests.support.signer import events

SOURCE: Final = Source("192.0.2.9")
_CHI: Final = Seen(DocumentKind.IDENTITY_CARD, CHI.name, Birthdate(1979, 3, 1), True, "3142")


@dataclass(frozen=True)
class Hall:
    """A counter with two officials, and the provider behind it."""

    provider: Provider
    first: Official
    second: Official

    @property
    def desks(self) -> Desks:
        return self.provider.services.desks

    @property
    def now(self) -> datetime:
        return self.provider.now

    def start(self, who: AccountId | None = None, **seen: object) -> str:
        return self.desks.counter.start(
            self.first, who or CHI.account_id, seen=replace(_CHI, **seen), now=self.now
        )

    def confirm(self, raw_code: str, who: AccountId | None = None) -> str:
        return self.desks.counter.confirm_by_person(
            who or CHI.account_id, raw_code=raw_code, source=SOURCE, now=self.now
        )

    def confirm_second(self, official: Official | None = None, **seen: object) -> str:
        return self.desks.counter.confirm_by_official(
            official or self.second, CHI.account_id, seen=replace(_CHI, **seen), now=self.now
        )

    def level(self, who: AccountId | None = None) -> AccountLevel | None:
        found = self.provider.services.people.find_account(who or CHI.account_id)
        assert found is not None
        return found.level

    def facts(self, type_: EventType) -> list[dict[str, object]]:
        rows = events(self.provider.services.database, type_)
        return [json.loads(row["facts"]) for row in rows]


def make_hall(provider: Provider) -> Hall:
    """Anh and Binh have the duty; Chi comes to them."""
    first, second = (
        provider.services.desks.officials.add(
            who.account_id, duty=Duty.PROOFING, controller_id="agency", now=provider.now
        )
        for who in (ANH, BINH)
    )
    return Hall(provider, first, second)
