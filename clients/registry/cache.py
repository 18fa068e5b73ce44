"""Lookups that may be a few seconds old, for many threads.

What lives here: a dictionary with an age, a bound, and a place for "there is no such thing".
Reading takes no lock.  Expiry compares with the caller's `now`: an entry is used from the instant
at which it was read on, and not before it, should the clock step back.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Final, Generic, TypeVar

_V = TypeVar("_V")

_MOST_ENTRIES: Final = 20_000
_MOST_ABSENT: Final = 1_000


class TimedCache(Generic[_V]):
    """Values by key, each for `max_age` at most.

    What does not exist is remembered apart and in small number, so that a caller who invents keys
    fills neither memory nor the room of what exists.
    """

    def __init__(
        self,
        *,
        max_age: timedelta,
        most_entries: int = _MOST_ENTRIES,
        most_absent: int = _MOST_ABSENT,
    ) -> None:
        self._max_age = max_age
        self._most_entries = most_entries
        self._most_absent = most_absent
        self._present: dict[str, tuple[_V, datetime, datetime]] = {}
        self._absent: dict[str, tuple[datetime, datetime]] = {}
        self._generation = 0
        self._lock = threading.Lock()

    def get(self, key: str, load: Callable[[str], _V | None], *, now: datetime) -> _V | None:
        """The value of `key`, from memory or else from `load`, which answers None for nothing."""
        entry = self._present.get(key)
        if entry is not None and entry[1] <= now < entry[2]:
            return entry[0]
        absence = self._absent.get(key)
        if absence is not None and absence[0] <= now < absence[1]:
            return None
        generation = self._generation
        value = load(key)
        with self._lock:
            # A change that committed while we were reading must not be hidden by what we read.
            if generation == self._generation:
                self._keep(key, value, now=now)
        return value

    def drop_all(self) -> None:
        """Forget everything: something was changed."""
        with self._lock:
            self._generation += 1
            self._present.clear()
            self._absent.clear()

    def __len__(self) -> int:
        """How many keys are remembered, absent ones included."""
        return len(self._present) + len(self._absent)

    def _keep(self, key: str, value: _V | None, *, now: datetime) -> None:
        until = now + self._max_age
        self._present.pop(key, None)
        self._absent.pop(key, None)
        if value is None:
            if len(self._absent) >= self._most_absent:
                del self._absent[next(iter(self._absent))]
            self._absent[key] = (now, until)
        else:
            if len(self._present) >= self._most_entries:
                del self._present[next(iter(self._present))]
            self._present[key] = (value, now, until)
