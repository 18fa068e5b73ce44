"""Where a person is written to: by e-mail or by text message.

What lives here: the two channels, a destination, and which ones of an account count.  An address
is personal and never in a `repr`.
Not here: what is written (`notices`), how it gets there.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum

from idp.accounts.model import Account


class Channel(StrEnum):
    """A way by which messages reach somebody."""

    EMAIL = "email"
    SMS = "sms"


@dataclass(frozen=True, slots=True)
class Destination:
    """One address on one channel: an e-mail address, or a telephone number in E.164."""

    channel: Channel
    address: str = field(repr=False)


def verified_channels(account: Account) -> tuple[Destination, ...]:
    """Where the holder of an account is told what happens: what was shown to be theirs."""
    profile = account.profile
    found = []
    if profile.email and profile.is_email_verified:
        found.append(Destination(Channel.EMAIL, profile.email))
    if profile.phone and profile.is_phone_verified:
        found.append(Destination(Channel.SMS, profile.phone))
    return tuple(found)
