"""Where a person is written to: by e-mail or by text message.

What lives here: the two channels and a destination.  An address is personal and never in a `repr`.
Not here: what is written (`notices`), how it gets there.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum


class Channel(StrEnum):
    """A way by which messages reach somebody."""

    EMAIL = "email"
    SMS = "sms"


@dataclass(frozen=True, slots=True)
class Destination:
    """One address on one channel: an e-mail address, or a telephone number in E.164."""

    channel: Channel
    address: str = field(repr=False)
