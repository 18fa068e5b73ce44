"""Refused sign-ins, counted for the log: one number per account, minute and factor.

What lives here: noting a refusal, and moving finished minutes into the log.  An event for each
refusal would let anybody fill the log; a number per minute says the same.  Notes are kept in the
ephemeral store, so the numbers are those of all workers together and survive the death of any.
Refusals for identifiers that nobody has cost the same steps and become one number a minute in all.
`antin work` calls `flush` once a minute; when it was away for longer than two hours, the minutes
before are lost to the log (their limits held all the same).
"""

from __future__ import annotations

from collections import Counter
from datetime import datetime, timedelta
from typing import Final

from idp.ids import AccountId
from idp.model import Factor
from idp.storage.accounts import find_row
from idp.storage.database import Database
from idp.storage.ephemeral import EphemeralStore
from keystore.clock import from_ms, to_ms
from keystore.log.events import Event, EventType
from keystore.log.record import LogWriter
from keystore.purposes import MacPurpose
from keystore.sealing import Sealer

_MINUTE_MS: Final = 60_000
_KEEP: Final = timedelta(hours=2)
_LOOK_BACK_MINUTES: Final = 110
_GRACE_MINUTES: Final = 2
"""A refusal is noted under the minute in which its request came in, and checking takes time."""
_FLUSHED: Final = "refused-flushed"


class RefusedSignIns:
    """Counts refusals and writes them to the log."""

    def __init__(self, store: EphemeralStore, *, sealer: Sealer) -> None:
        self._store = store
        self._sealer = sealer

    def note(
        self, account_id: AccountId | None, *, subject: str, factor: Factor, now: datetime
    ) -> None:
        """Count one refusal.

        Takes   account_id: None when nobody has the identifier; subject: what was typed, used for
                a keyed name only.
        """
        minute = to_ms(now) // _MINUTE_MS
        name = self._sealer.mac(MacPurpose.SOURCE, f"refused\x00{subject}".encode()).hex()
        counter = f"refused:{minute}:{factor}:{name}"
        if self._store.count(counter, window=_KEEP, now=now) == 1:
            place = self._store.count(f"refused-many:{minute}", window=_KEEP, now=now)
            entry = f"{factor}:{name}:{account_id or ''}".encode()
            self._store.put(f"refused-entry:{minute}:{place}", entry, lifetime=_KEEP, now=now)

    def flush(self, database: Database, *, log: LogWriter, now: datetime) -> int:
        """Write the finished minutes that have not been written; how many events there were.

        One caller at a time (the periodic work has one consumer).  Dying between the commit and
        the mark writes a minute twice, never not at all.
        """
        last = to_ms(now) // _MINUTE_MS - _GRACE_MINUTES
        done = self._store.get(_FLUSHED, now=now)
        first = max(int(done) + 1 if done else 0, last - _LOOK_BACK_MINUTES)
        written = 0
        for minute in range(first, last + 1):
            written += self._flush_minute(minute, database=database, log=log, now=now)
            self._store.put(_FLUSHED, b"%d" % minute, lifetime=_KEEP, now=now)
        return written

    def _flush_minute(
        self, minute: int, *, database: Database, log: LogWriter, now: datetime
    ) -> int:
        counts: Counter[tuple[str, str]] = Counter()
        many = self._store.count(f"refused-many:{minute}", window=_KEEP, now=now, by=0)
        for place in range(1, many + 1):
            entry = self._store.get(f"refused-entry:{minute}:{place}", now=now)
            if entry is not None:
                factor, name, account_id = entry.decode().split(":")
                counter = f"refused:{minute}:{factor}:{name}"
                counts[account_id, factor] += self._store.count(
                    counter, window=_KEEP, now=now, by=0
                )
        if not counts:
            return 0
        with database.transaction() as tx:
            for (account_id, factor), refused in sorted(counts.items()):
                row = find_row(tx.connection, AccountId(account_id)) if account_id else None
                event = Event(
                    EventType.LOGIN_REFUSED_MANY,
                    account_id=account_id or None,
                    client_id=None,
                    facts={
                        "factor": factor,
                        "count": refused,
                        "minute": from_ms(minute * _MINUTE_MS).isoformat(timespec="minutes"),
                    },
                )
                log.record(tx, event, data_key=row.data_key if row else None, now=now)
        return len(counts)
