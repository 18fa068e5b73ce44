"""Whether it is on record that somebody was proofed at level 2.

What lives here: which rows of the log say so.  The level in an account's row is what the service
goes by every day; before a certificate names a person, the log has to say where the level came
from as well.  Three kinds of rows do:

1. the account was opened here at level 2 (`account:account:added`, `level` 2);
2. it was raised to level 2 later (`account:level:changed`, `level` 2);
3. an activation code was handed out, which is done where the person was proofed and nowhere else
   (`account:totp:activation_issued`).  So people who came with an imported file, of whom the log
   knows no more than how many there were, have a record once they were at a counter.

A row that says that the level was capped (`account:level:changed`, `level` 1) makes everything
before it count no more, and only the second kind counts after it: a code that somebody hands out
raises nobody.
Source: NĐ 69/2024/NĐ-CP Art. 7 and 10–11 (levels, proofing); ETSI EN 319 411-1 §6.2.2;
architecture, decision 10.
**What it does not prove**: that a row is genuine; see `keystore/log/on_record.py`.
"""

from __future__ import annotations

from datetime import datetime
from typing import Final

from idp.accounts.model import AccountLevel
from idp.ids import AccountId
from idp.storage.database import Database
from idp.storage.level_records import find_level_records
from keystore.log.events import EventType
from keystore.log.on_record import find_on_record

_LEVEL_TWO: Final = {"level": str(int(AccountLevel.TWO))}
_FIRST_RECORDS: Final[tuple[tuple[EventType, dict[str, str]], ...]] = (
    (EventType.ACCOUNT_ADDED, _LEVEL_TWO),
    (EventType.TOTP_ACTIVATION_ISSUED, {}),
)


def find_proofing(database: Database, account_id: AccountId) -> datetime | None:
    """When the person was proofed, by the newest record that counts; None where there is none."""
    with database.read() as connection:
        changed = find_level_records(connection, account_id)
        if changed.capped_at is not None:
            return None if changed.is_capped else changed.raised_at
        found = [
            changed.raised_at,
            *(
                find_on_record(connection, event, account_id=account_id, facts=said)
                for event, said in _FIRST_RECORDS
            ),
        ]
    return max((at for at in found if at is not None), default=None)
