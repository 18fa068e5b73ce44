"""What the log says of the level of an account: when it was capped, and when raised.

What lives here: questions over the log, for processes that may read no more of an account.
Not here: what counts as a proofing (`idp/accounts/proofing.py`).
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Final

from sqlalchemy import Connection

from idp.accounts.model import AccountLevel
from idp.ids import AccountId
from keystore.log.events import EventType
from keystore.log.on_record import find_on_record

_ONE: Final = {"level": str(int(AccountLevel.ONE))}
_TWO: Final = {"level": str(int(AccountLevel.TWO))}
OPENED_ALONE: Final = {"source": "population"}
"""What stands in the row of an account that was opened on the net, by whoever knew its data."""


@dataclass(frozen=True, slots=True)
class LevelRecords:
    """The newest change to level 1 and the newest to level 2; None where there was none."""

    capped_at: datetime | None
    raised_at: datetime | None

    @property
    def is_capped(self) -> bool:
        """Whether the account was capped, and its holder not proofed again since."""
        return self.capped_at is not None and (
            self.raised_at is None or self.raised_at <= self.capped_at
        )


def find_level_records(connection: Connection, account_id: AccountId) -> LevelRecords:
    """What is on record of an account's level, whatever its row says."""
    event = EventType.ACCOUNT_LEVEL_CHANGED
    return LevelRecords(
        find_on_record(connection, event, account_id=account_id, facts=_ONE),
        find_on_record(connection, event, account_id=account_id, facts=_TWO),
    )


def was_only_opened(connection: Connection, account_id: AccountId) -> bool:
    """Whether an account was opened on the net and nobody has proofed its holder since.

    Who signs in to such an account has shown no more than that they opened it.
    """
    opened = find_on_record(
        connection, EventType.ACCOUNT_ADDED, account_id=account_id, facts=OPENED_ALONE
    )
    return opened is not None and find_level_records(connection, account_id).raised_at is None
