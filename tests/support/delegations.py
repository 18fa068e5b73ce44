"""Representatives and delegates of the provider of protocol tests, and giving a mandate there.

What lives here: `wish_for` and `Office`.  Bình and Dung represent one organisation; Ánh is the one
to whom they give something.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

from idp.accounts.delegation import Evidence, Wish
from idp.accounts.model import Mandate, MandateKind, Representation
from idp.ids import AccountId, MandateId
from tests.support.provider import Provider
from tests.support.provider_seeds import ANH, BINH, Somebody

FIRM = "9900000016"


def wish_for(provider: Provider, who: Somebody = ANH, **changed: Any) -> Wish:
    """An ordinary wish: half a year, to submit and to sign, at every portal."""
    members: dict[str, Any] = {
        "kind": MandateKind.DELEGATION,
        "number": who.identifier,
        "name": who.name,
        "scopes": ("submit", "sign"),
        "portals": (),
        "valid_from": provider.now,
        "valid_to": provider.now + timedelta(days=180),
        "evidence": Evidence("12/2026/UQ", date(2026, 11, 1)),
        **changed,
    }
    return Wish(**members)


@dataclass(frozen=True)
class Office:
    """The organisation that two people represent."""

    provider: Provider

    def ground(self, who: Somebody = BINH) -> Representation:
        """The mandate by which somebody represents it."""
        found = self.provider.services.people.representations(who.account_id, now=self.provider.now)
        return next(one for one in found if one.enterprise_code == FIRM)

    @property
    def account_id(self) -> AccountId:
        """The organisation's account."""
        return self.ground().organisation

    def give(self, to: Somebody = ANH, *, by: Somebody = BINH, **changed: Any) -> Mandate:
        """Give something in its name."""
        return self.provider.services.mandates.delegations.give(
            by.account_id,
            under=self.ground(by).mandate_id,
            wish=wish_for(self.provider, to, **changed),
            now=self.provider.now,
        )

    def find(self, mandate_id: MandateId) -> Mandate:
        """A mandate as it is now."""
        found = self.provider.services.people.find_mandate(mandate_id)
        assert found is not None
        return found

    def demand(self, agreements: int) -> None:
        """Have the charter demand the agreement of others."""
        services = self.provider.services
        services.mandates.charters.set(
            self.account_id,
            agreements=agreements,
            source="tests",
            log=services.log,
            now=self.provider.now,
        )

    def notices(self, notice: str) -> list[str]:
        """The accounts to which a notice waits to be sent."""
        return [
            one["account_id"]
            for one in self.provider.duties("send_notice")
            if one["notice"] == notice
        ]
