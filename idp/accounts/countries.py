"""Countries to which text messages are sent.

What lives here: whether a number is in one of them.  Whoever may have codes sent to any number in
the world has them sent to numbers that are paid for, a thousand at a time, from a thousand
addresses: no limit per number or source sees that, and the operator pays.
Source: ITU-T E.164 §6 (country codes); NIST SP 800-63B-4 §3.1.3.3.
Not here: which they are (`ANTIN_SMS_COUNTRIES`), how many are sent (`sending_limits`).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from idp.accounts.channels import Channel, Destination
from idp.errors import AntinError

VIET_NAM: Final = "84"


class CountryNotServed(AntinError):
    """No text message is sent to numbers of that country from here."""

    code = "country_not_served"


@dataclass(frozen=True, slots=True)
class Countries:
    """Takes   beginnings: of numbers in E.164, without the plus; none of them begins with 0."""

    beginnings: tuple[str, ...] = (VIET_NAM,)

    def serve(self, to: Destination) -> bool:
        """Whether anything may be sent there; e-mail knows no country."""
        return to.channel is not Channel.SMS or to.address.removeprefix("+").startswith(
            self.beginnings
        )
