"""How much one portal may have open: nobody fills what is everybody's, or drowns a person.

What lives here: `RoomKeeper`, which holds new requests against the numbers of `Room`.  They are
exact, however many come at once: what is counted when a request is added stays true until it is
committed (docs/adr/0045).
Not here: how often a portal may ask (the door of the API), how large one request may be
(`signing/new_request.py`).
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Final

from keystore.storage import DatabaseLike
from signing.errors import RequestRefused
from signing.model import Room, Slot
from signing.storage.room import LIGHT_BYTES, Counted, count_room

_REMEMBERED: Final = timedelta(minutes=1)


class RoomKeeper:
    """Says whether there is room; safe to share between threads.

    What it remembers, of this process alone, decides how it looks and never what it says: of whom
    there was none lately is counted before anything is done for a request, and whose is nearly full
    adds one at a time.
    """

    def __init__(self, database: DatabaseLike, room: Room) -> None:
        self._database = database
        self.room: Final = room
        self._refused: dict[str, datetime] = {}
        self._nearly_full: dict[str, datetime] = {}

    def check_early(
        self, slots: Sequence[Slot], *, size_bytes: int, client_id: str, now: datetime
    ) -> None:
        """Refuse at once whoever was refused a moment ago, where it still is so.

        Raises  RequestRefused, as `check`.
        """
        if _is_lately(self._refused, client_id, now=now):
            people = frozenset(one.account_id for one in slots)
            with self._database.read() as connection:
                counted = count_room(connection, people, client_id=client_id, now=now)
            self.check(counted, slots, size_bytes=size_bytes, client_id=client_id, now=now)

    def comes_alone(self, client_id: str, *, size_bytes: int, now: datetime) -> bool:
        """Whether a request is to be added while no other of that portal is."""
        return size_bytes > LIGHT_BYTES or _is_lately(self._nearly_full, client_id, now=now)

    def note_nearly_full(self, client_id: str, *, now: datetime) -> None:
        """That portal's room is nearly full."""
        self._nearly_full[client_id] = now

    def check(
        self,
        counted: Counted,
        slots: Sequence[Slot],
        *,
        size_bytes: int,
        client_id: str,
        now: datetime,
    ) -> None:
        """There is room for one more.

        1. A portal has so many requests open, with documents of so many bytes.
        2. Nobody is asked so often by this portal that she overlooks what others ask.

        Raises  RequestRefused (too_many_open; too_many_waiting, with the first signer of whom it is
                so).
        """
        # 1
        room = self.room
        if counted.open >= room.most_open or counted.open_bytes + size_bytes > room.most_open_bytes:
            raise self._refusal("too_many_open", client_id=client_id, now=now)
        # 2
        for at, slot in enumerate(slots):
            if counted.waiting.get(slot.account_id, 0) >= room.most_waiting_each:
                part = f"signers[{at}]"
                raise self._refusal("too_many_waiting", part=part, client_id=client_id, now=now)

    def _refusal(
        self, reason: str, *, part: str = "", client_id: str, now: datetime
    ) -> RequestRefused:
        self._refused[client_id] = now
        return RequestRefused(reason, part=part)


def _is_lately(noted: dict[str, datetime], client_id: str, *, now: datetime) -> bool:
    at = noted.get(client_id)
    return at is not None and now - at < _REMEMBERED
