"""Asking nobody who has just been away.

What lives here: the breaker of one register, in the memory of one process.  Three failures in a row
open it; for half a minute nobody asks, and then one asks for all: an answer closes it, another
failure opens it again.  Every process finds out for itself, at the price of three questions: a
shared state would make the ephemeral store part of every question, and one worker whose way out is
broken would keep all others from asking.
Answers that are nonsense count as failures: what answers is not the register.
Source: architecture, "Egress"; Nygard, *Release It!*, "Circuit Breaker".
"""

from __future__ import annotations

import threading
from datetime import datetime, timedelta
from typing import Final

FAILURES: Final = 3
REST: Final = timedelta(seconds=30)


class Breaker:
    """Counts failures in a row; safe for any number of threads.

    Takes   rest: for how long nobody is asked.
    """

    def __init__(self, *, failures: int = FAILURES, rest: timedelta = REST) -> None:
        self._most = failures
        self._rest = rest
        self._lock = threading.Lock()
        self._failures = 0
        self._rests_until: datetime | None = None

    def may_ask(self, now: datetime) -> bool:
        """Whether the caller may ask; whoever may has to say how it went.

        After the rest one caller may, and nobody else until it has said so or another rest is over.
        """
        with self._lock:
            if self._rests_until is None:
                return True
            if now < self._rests_until:
                return False
            self._rests_until = now + self._rest
            return True

    def answered(self) -> None:
        """It answered, whatever it said."""
        with self._lock:
            self._failures = 0
            self._rests_until = None

    def failed(self, now: datetime) -> None:
        """It did not answer, or not like a register."""
        with self._lock:
            self._failures += 1
            if self._failures >= self._most:
                self._rests_until = now + self._rest
