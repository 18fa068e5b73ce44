"""A case: something that a person reported about their account, and that somebody looks into.

What lives here: the frozen value.  Not here: how it is kept (`idp/storage/cases.py`).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from idp.ids import AccountId


class CaseKind(StrEnum):
    """What was reported."""

    NOT_ME = "not_me"
    """Somebody signed in who was not the person."""
    RESET_STOPPED = "reset_stopped"
    """The password was reset by somebody who was not the person."""


@dataclass(frozen=True, slots=True)
class Case:
    """One report.

    `number` is what people say on the telephone; `facts` are codes, ids and times that whoever
    looks into it needs; `outcome` a short word once it is closed.
    """

    case_id: str
    number: str
    account_id: AccountId
    kind: CaseKind
    facts: Mapping[str, str] = field(repr=False)
    opened_at: datetime
    closed_at: datetime | None = None
    outcome: str = ""

    @property
    def is_open(self) -> bool:
        """Whether somebody still has to look into it."""
        return self.closed_at is None
