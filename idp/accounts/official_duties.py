"""What an official is, as a frozen value.

What lives here: the duties and one that was given.  Not here: giving and finding (`officials`).
Source: NĐ 69/2024/NĐ-CP Art. 10-11 (who proves an identity), Art. 17 (what is kept of it).
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from idp.ids import AccountId


class Duty(StrEnum):
    """PROOFING states at a counter who somebody is; HELPDESK helps with an account."""

    PROOFING = "proofing"
    HELPDESK = "helpdesk"


@dataclass(frozen=True, slots=True)
class Official:
    """A person who acts for one agency (`controller_id` of the registry) with one duty."""

    official_id: str
    account_id: AccountId
    controller_id: str
    duty: Duty
    valid_from: datetime
    valid_to: datetime | None = None
    ended_at: datetime | None = None
