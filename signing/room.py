"""How much one portal may have open: nobody fills what is everybody's, or drowns a person.

What lives here: `Room`, the numbers and the check of a new request against them.
Not here: how often a portal may ask (the door of the API), how large one request may be
(`signing/new_request.py`).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from keystore.storage import DatabaseLike
from signing.errors import RequestRefused
from signing.model import Slot
from signing.new_request import NewRequest
from signing.storage.room import count_open, count_waiting


@dataclass(frozen=True, slots=True)
class Room:
    """What one portal may have at a time.

    Takes   most_open, most_open_bytes: requests that are open, and all their documents;
            most_waiting_each: requests that wait for the same person.
    """

    most_open: int = 10_000
    most_open_bytes: int = 20_000 << 20
    most_waiting_each: int = 100

    def check_open(self, database: DatabaseLike, new: NewRequest, *, client_id: str) -> None:
        """There is room for one more.

        Raises  RequestRefused (too_many_open).
        """
        with database.read() as connection:
            number, size = count_open(connection, client_id)
        size += sum(one.size_bytes for one in new.documents)
        if number >= self.most_open or size > self.most_open_bytes:
            raise RequestRefused("too_many_open")

    def check_waiting(
        self, database: DatabaseLike, slots: Sequence[Slot], *, client_id: str, now: datetime
    ) -> None:
        """Nobody is asked so often by this portal that she overlooks what others ask.

        Raises  RequestRefused (too_many_waiting, with the first signer of whom it is so).
        """
        people = frozenset(one.account_id for one in slots)
        with database.read() as connection:
            waiting = count_waiting(connection, people, client_id=client_id, now=now)
        for at, slot in enumerate(slots):
            if waiting.get(slot.account_id, 0) >= self.most_waiting_each:
                raise RequestRefused("too_many_waiting", part=f"signers[{at}]")
