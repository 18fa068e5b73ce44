"""The thread that starts processes and lives as long as they may.

What lives here: `Keeper`.  Linux kills a child when the *thread* that started it ends: threads of a
web server come and go, this one stays.  In between it does one thing again and again.
Source: prctl(2), PR_SET_PDEATHSIG.
"""

from __future__ import annotations

import logging
import queue
import threading
import time
from collections.abc import Callable
from concurrent.futures import Future
from typing import Any, TypeVar

_Value = TypeVar("_Value")

_log = logging.getLogger("antin.isolation")


class Keeper:
    """Calls what it is given, one after the other; `tidy` in between.

    Takes   every_s: between two calls of `tidy`.
    """

    def __init__(self, tidy: Callable[[], None], *, every_s: float) -> None:
        self._tidy = tidy
        self._every_s = every_s
        self._orders: queue.SimpleQueue[tuple[Callable[[], Any], Future[Any]] | None]
        self._orders = queue.SimpleQueue()
        self._lock = threading.Lock()
        self._is_closed = False
        self._thread = threading.Thread(target=self._keep, name="isolation-keeper", daemon=True)
        self._thread.start()

    def call(self, function: Callable[[], _Value]) -> _Value:
        """Have the thread call it, and wait.

        Raises  what it raises; RuntimeError after `close`.
        """
        answer: Future[_Value] = Future()
        with self._lock:
            if self._is_closed:
                raise RuntimeError("closed")
            self._orders.put((function, answer))
        return answer.result()

    def close(self) -> None:
        """Let the thread end, and with it whatever it started."""
        with self._lock:
            self._is_closed = True
            self._orders.put(None)
        self._thread.join()

    def _keep(self) -> None:
        tidy_s = time.monotonic() + self._every_s
        while True:
            try:
                order = self._orders.get(timeout=max(tidy_s - time.monotonic(), 0))
            except queue.Empty:
                tidy_s = time.monotonic() + self._every_s
                self._tidy_up()
                continue
            if order is None:
                return
            function, answer = order
            try:
                answer.set_result(function())
            except BaseException as failure:  # noqa: BLE001  it belongs to whoever ordered it
                answer.set_exception(failure)

    def _tidy_up(self) -> None:
        try:
            self._tidy()
        except Exception as failure:  # noqa: BLE001  it is tried again; starting must go on
            _log.warning("tidying_failed reason=%s", type(failure).__name__)
