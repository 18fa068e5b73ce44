"""A coroutine run to its end from a test that is not one.

Why not `asyncio.run`: the browser's driver leaves its own event loop running in the thread of the
tests, and a thread has one. The coroutine gets a thread, so that it does not matter which tests
went before.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

_Returned = TypeVar("_Returned")


def run_in_own_loop(make: Callable[[], Coroutine[object, object, _Returned]]) -> _Returned:
    """What the coroutine that `make` makes returns, or raises."""
    with ThreadPoolExecutor(max_workers=1) as thread:
        return thread.submit(lambda: asyncio.run(make())).result()
