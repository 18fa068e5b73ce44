"""Whether this process is alive, and whether it should be sent requests.

What lives here: liveness, which asks nobody, so that a database that is gone does not get every
process restarted; readiness, which is refused while a process drains or a store does not answer.
The public word says no more than that; which store it is stands at the operator's listener.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping
from typing import Final

_KEPT_S: Final = 1.0
"""Anybody may ask, as often as they like: the stores are asked once in that time."""


class Health:
    """Readiness of one process.

    Takes   checks: by name of the store, whether it answers; is_draining: whether the process has
            been told to stop.
    """

    def __init__(
        self,
        checks: Mapping[str, Callable[[], bool]],
        *,
        is_draining: Callable[[], bool],
    ) -> None:
        self._checks = checks
        self.is_draining = is_draining
        self._asking = threading.Lock()
        self._details: Mapping[str, bool] = {}
        self._asked_at = -_KEPT_S

    def details(self) -> Mapping[str, bool]:
        """Which store answers, as of the last second.

        While one thread waits for a store that hangs, the others are told what was true before.
        """
        if time.monotonic() - self._asked_at < _KEPT_S:
            return self._details
        if self._asking.acquire(blocking=not self._details):
            try:
                if time.monotonic() - self._asked_at >= _KEPT_S:
                    self._details = {name: check() for name, check in self._checks.items()}
                    self._asked_at = time.monotonic()
            finally:
                self._asking.release()
        return self._details

    def is_ready(self) -> bool:
        """Whether requests should be sent here."""
        return not self.is_draining() and all(self.details().values())
