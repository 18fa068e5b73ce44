"""Sign-ins that are begun early because a module waits half a minute.

What lives here: `begin_waiting`, run once when a provider has started; the module that waits runs
after its kind (`tests/support/order.py`) and sleeps only for what is left.
Not here: what the module then checks.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import Final

from tests.relying_party.flow import RelyingParty, SignIn
from tests.relying_party.providers import Provider

_WAIT_S: Final = 30
_STALE_S: Final = 200
"""Access tokens live five minutes; among other tests a module may come later than that."""


@dataclass(frozen=True, slots=True)
class Waiting:
    """A code that was exchanged, and when that was."""

    relying_party: RelyingParty
    sign_in: SignIn
    exchanged_at: float
    """`time.monotonic()` after the exchange."""

    def is_stale(self) -> bool:
        """Whether the access token may run out before the module has looked at it."""
        return time.monotonic() - self.exchanged_at > _STALE_S

    def wait(self) -> None:
        """Sleep until half a minute has passed since the exchange."""
        time.sleep(max(0.0, self.exchanged_at + _WAIT_S - time.monotonic()))


def begin_waiting(provider: Provider) -> dict[str | None, Waiting]:
    """One sign-in per response mode."""
    begun: dict[str | None, Waiting] = {}
    for mode in (None, "form_post"):
        relying_party = RelyingParty(provider, provider.clients["main"], response_mode=mode)
        sign_in = relying_party.sign_in()
        begun[mode] = Waiting(relying_party, sign_in, time.monotonic())
    return begun
