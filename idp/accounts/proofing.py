"""Whether it is on record that somebody was proofed at level 2.

What lives here: which rows of the log say so.  The level in an account's row is what the service
goes by every day; before a certificate names a person, the log has to say where the level came
from as well.  Three kinds of rows do:

1. the account was opened here at level 2 (`account:account:added`, `level` 2);
2. it was raised to level 2 later (`account:level:changed`, `level` 2);
3. an activation code was handed out, which is done where the person was proofed and nowhere else
   (`account:totp:activation_issued`).  So people who came with an imported file, of whom the log
   knows no more than how many there were, have a record once they were at a counter.

Source: NĐ 69/2024/NĐ-CP Art. 7 and 10–11 (levels, proofing); ETSI EN 319 411-1 §6.2.2.
**What it does not prove**: that a row is genuine; see `keystore/log/on_record.py`.
"""

from __future__ import annotations

from datetime import datetime
from typing import Final

from idp.accounts.model import AccountLevel
from idp.ids import AccountId
from idp.storage.database import Database
from keystore.log.events import EventType
from keystore.log.on_record import find_on_record

_LEVEL_TWO: Final = str(int(AccountLevel.TWO))
_RECORDS: Final[tuple[tuple[EventType, dict[str, str]], ...]] = (
    (EventType.ACCOUNT_ADDED, {"level": _LEVEL_TWO}),
    (EventType.ACCOUNT_LEVEL_CHANGED, {"level": _LEVEL_TWO}),
    (EventType.TOTP_ACTIVATION_ISSUED, {}),
)


def find_proofing(database: Database, account_id: AccountId) -> datetime | None:
    """When the person was proofed, by the newest record of it; None where there is none."""
    with database.read() as connection:
        found = [
            find_on_record(connection, event, account_id=account_id, facts=facts)
            for event, facts in _RECORDS
        ]
    return max((at for at in found if at is not None), default=None)
