"""The settings of mandates: how long one lasts, waits, and is believed without asking.

What lives here: part of `Settings`, and what is refused of it.  Not here: what acts on them
(`idp/accounts/delegation.py`, `idp/mandate_register.py`).
"""

from __future__ import annotations

from typing import Final

import msgspec

from idp.errors import SettingsInvalid

BOUNDS: Final = {
    "mandate_longest_days": (1, 3653),
    "mandate_decided_days": (1, 90),
    "mandate_recheck_s": (60, 30 * 24 * 3600),
    "mandate_holds_s": (60, 31 * 24 * 3600),
}


class MandateSettings(msgspec.Struct, frozen=True, kw_only=True):
    """Settings of mandates."""

    mandate_longest_days: int = 730
    """How long a mandate may last that a legal representative gives to somebody."""
    mandate_decided_days: int = 14
    """How long such a mandate waits for other representatives where a charter wants them to agree.
    """
    mandate_recheck_s: int = 24 * 3600
    """How long the business register's word on who represents an organisation is used without
    asking again; whoever uses it later has it asked meanwhile."""
    mandate_holds_s: int = 72 * 3600
    """How long that word holds at most while the register cannot be asked; nobody acts by it
    afterwards."""


def refuse_words_that_are_over(settings: MandateSettings) -> None:
    """Raises  SettingsInvalid: the register's word would be over before it is checked."""
    if settings.mandate_holds_s < settings.mandate_recheck_s:
        raise SettingsInvalid("ANTIN_MANDATE_HOLDS_S", reason="must reach beyond a check")
