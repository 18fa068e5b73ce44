"""The two clocks of a machine, read together.

What lives here: the pair of readings that everything else in this package compares.  The clock of
the calendar can be set; the other only counts.  Both are slewed alike, so the difference between
them changes only when the first is set, or when the machine stood still.
Not here: what a difference means (`keystore/time/trusted_clock.py`).
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_GOOD_SPREAD_NS: Final = 1_000_000
_ATTEMPTS: Final = 5


@dataclass(frozen=True, slots=True)
class Sample:
    """Both clocks at one instant, in nanoseconds; `spread_ns` is how long reading them took."""

    wall_ns: int
    ticks_ns: int
    spread_ns: int

    @property
    def instant(self) -> datetime:
        """The calendar's clock, aware UTC, rounded down to the microsecond."""
        return _EPOCH + timedelta(microseconds=self.wall_ns // 1000)


@dataclass(frozen=True, slots=True)
class MachineClock:
    """Where the two clocks are read.

    Takes   wall_ns: nanoseconds since 1970; ticks_ns: nanoseconds of a clock that nobody can set.
    """

    wall_ns: Callable[[], int] = time.time_ns
    ticks_ns: Callable[[], int] = time.monotonic_ns

    def sample(self) -> Sample:
        """Read both; a thread that was put aside in between tries again."""
        best: Sample | None = None
        for _ in range(_ATTEMPTS):
            before = self.ticks_ns()
            wall = self.wall_ns()
            after = self.ticks_ns()
            spread = after - before
            if best is None or spread < best.spread_ns:
                best = Sample(wall, ticks_ns=before + spread // 2, spread_ns=spread)
            if spread <= _GOOD_SPREAD_NS:
                break
        assert best is not None  # noqa: S101 - there was at least one attempt
        return best
