"""How many signatures strangers may cause in a second.

What lives here: a bucket of allowances.  It is per process: what it protects is this processor, and
the token behind the key.
"""

from __future__ import annotations

import threading
from datetime import datetime


class SigningBudget:
    """Allows `per_second` on average, and up to `at_once` after a quiet time."""

    def __init__(self, *, per_second: float, at_once: int) -> None:
        self._per_second = per_second
        self._at_once = float(at_once)
        self._left = float(at_once)
        self._since: datetime | None = None
        self._lock = threading.Lock()

    def spend(self, *, now: datetime) -> bool:
        """Take one allowance; False when there is none."""
        with self._lock:
            if self._since is not None:
                # a clock that was set back takes nothing away and gives nothing
                seconds = max(0.0, (now - self._since).total_seconds())
                self._left = min(self._at_once, self._left + seconds * self._per_second)
            self._since = now
            if self._left < 1:
                return False
            self._left -= 1
            return True
