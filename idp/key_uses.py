"""Where signing keys were used: every signature and every refusal, with proof of each.

What lives here: pages of uses, of all keys of an owner or of one certificate, and the proof of one.
They come from the log: the signer writes a row before a signature leaves it, so that there is no
use without one.  What was signed is told as far as the request is kept; its digests stand in the
row, sealed to the owner, and are opened with the proof.
The rows of one key are picked from those of its owner, so many at a time: a page may be short, and
goes on.
Source: architecture, J5 and decision 11; CEN EN 419 241-1 (audit).
Not here: whose keys somebody may look at (`idp/own_certificates.py`), words and pages.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from idp.history import HistoryPlace, HistoryRow
from idp.ids import AccountId
from idp.own_history import HistoryUnknown, OwnHistory
from idp.storage.database import Database
from idp.storage.key_uses import is_use_of, uses_of
from keystore.sealing import Sealer
from signing.model import Titled
from signing.storage.titles import read_titles

PAGE_ROWS: Final = 20
_PORTIONS: Final = (2 * PAGE_ROWS + 1, 150, 150)
"""So many rows are looked at for those of one key: few where it is the one that is used."""


@dataclass(frozen=True, slots=True)
class UsesPage:
    """Some uses, newest first; `titles` by request; `goes_on`: None at the end."""

    rows: tuple[HistoryRow, ...]
    titles: Mapping[str, Titled] = field(repr=False)
    goes_on: HistoryPlace | None


@dataclass(frozen=True, slots=True)
class KeyUses:
    """Safe for any number of threads."""

    database: Database
    sealer: Sealer
    history: OwnHistory

    def page(
        self, owner_id: AccountId, *, key_id: str | None, before: HistoryPlace | None
    ) -> UsesPage:
        """The uses right before a place, or the newest.

        Takes   key_id: of that key alone; None: of every key of the owner.
        """
        with self.database.read() as connection:
            rows: list[HistoryRow] = []
            goes_on = before
            for limit in (PAGE_ROWS + 1,) if key_id is None else _PORTIONS:
                found = uses_of(connection, owner_id, before=goes_on, limit=limit)
                fitting = (
                    one for one in found if key_id is None or one.facts.get("key_id") == key_id
                )
                rows += fitting
                is_end = len(found) < limit
                goes_on = None if is_end else found[-1].place
                if is_end or len(rows) > PAGE_ROWS:
                    break
            if len(rows) > PAGE_ROWS:
                rows = rows[:PAGE_ROWS]
                goes_on = rows[-1].place
            ids = {str(one.facts["request_id"]) for one in rows if "request_id" in one.facts}
            titles = read_titles(connection, ids, sealer=self.sealer)
        return UsesPage(tuple(rows), titles, goes_on)

    def prove(self, owner_id: AccountId, *, writer: str, seq: int) -> str:
        """The proof of one use, as a text that is checked without us.

        Raises  HistoryUnknown, also for a row of another kind; ProofNotYet.
        """
        with self.database.read() as connection:
            if not is_use_of(connection, owner_id, writer=writer, seq=seq):
                raise HistoryUnknown
        return self.history.prove(owner_id, writer=writer, seq=seq)
