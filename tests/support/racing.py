"""Many at once: callables that start together in threads of their own.

What lives here: `race`, and `Twins` to race at.  Not here: what is raced for.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TypeVar

from tests.support.provider import Clock, Provider

T = TypeVar("T")


def race(runners: Sequence[Callable[[], T]]) -> list[T]:
    """Start all at the same moment and return what each returned; the first error is raised."""
    gate = threading.Barrier(len(runners))

    def started(runner: Callable[[], T]) -> T:
        gate.wait(120)
        return runner()

    with ThreadPoolExecutor(len(runners)) as threads:
        return list(threads.map(started, runners))


@dataclass(frozen=True, slots=True)
class Twins:
    """Two of the provider: nothing is shared but what is stored, and the time."""

    one: Provider
    other: Provider
    clock: Clock

    @property
    def both(self) -> tuple[Provider, Provider]:
        """Both, to take turns."""
        return self.one, self.other
