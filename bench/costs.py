"""What one thing costs beside one raw signature: the table of what is measured without HTTP.

What lives here: time and processor time of one thing, its targets, medians of rounds, the lines.
Every round measures a raw signature of `cryptography` as well; multiples of it are of processor
time and taken within the round, so they hold on a machine that does other work.  Rates and
milliseconds are by the clock.
"""

from __future__ import annotations

import math
import statistics
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Final, Self

_SLICES: Final = 20
"""Parts that a measurement is cut into, so that what is compared takes turns."""


class Measure(StrEnum):
    """What a target is about."""

    RATE = "/s"
    MS = "ms"
    TIMES = "× raw"


@dataclass(frozen=True, slots=True)
class Bound:
    """What the design asks for: so many in a second at least, so many ms or multiples at most."""

    value: float
    of: Measure

    def __str__(self) -> str:
        """As the table says it."""
        if self.of is Measure.RATE:
            return f"≥ {self.value:,.0f}/s"
        return f"{'<' if self.of is Measure.MS else '≤'} {self.value:g} {self.of}"

    def is_met(self, value: float) -> bool:
        """Whether a measured value of this kind is good enough."""
        match self.of:
            case Measure.RATE:
                return value >= self.value
            case Measure.MS:
                return value < self.value
            case Measure.TIMES:
                return value <= self.value


@dataclass(frozen=True, slots=True)
class Spent:
    """What one thing took by the clock and used of the processor, in milliseconds."""

    ms: float
    cpu_ms: float

    @property
    def rate(self) -> float:
        """How many go into a second; a difference of two measurements may be nothing."""
        return 1000 / self.ms if self.ms > 0 else math.inf


@dataclass(frozen=True, slots=True)
class Cost:
    """One line of the table: round by round, what was measured and the raw signature beside it."""

    name: str
    rounds: tuple[tuple[Spent, Spent], ...]
    bound: Bound | None = None

    def value(self, of: Measure) -> float:
        """The median of the rounds."""
        match of:
            case Measure.RATE:
                return statistics.median(ours.rate for ours, _ in self.rounds)
            case Measure.MS:
                return statistics.median(ours.ms for ours, _ in self.rounds)
            case Measure.TIMES:
                return statistics.median(ours.cpu_ms / raw.cpu_ms for ours, raw in self.rounds)

    def is_met(self) -> bool | None:
        """Whether the target is reached; None where there is none."""
        return None if self.bound is None else self.bound.is_met(self.value(self.bound.of))


class Stopwatch:
    """Clock and processor time of this thread, over all the stretches that were timed."""

    def __init__(self) -> None:
        self._wall_s = self._cpu_s = 0.0
        self._begun = (0.0, 0.0)
        self._done = 0

    def __enter__(self) -> Self:
        """Begin a stretch."""
        self._begun = (time.perf_counter(), time.thread_time())
        return self

    def __exit__(self, *_: object) -> None:
        """End it."""
        self._wall_s += time.perf_counter() - self._begun[0]
        self._cpu_s += time.thread_time() - self._begun[1]

    def count(self, done: int) -> None:
        """So many things were done in the stretches so far."""
        self._done += done

    def spent(self) -> Spent:
        """For one of them."""
        return Spent(self._wall_s * 1000 / self._done, self._cpu_s * 1000 / self._done)


def take_turns(
    calls: Mapping[str, Callable[[], Any]],
    *,
    seconds: float,
    check: Mapping[str, Callable[[Any], None]],
    slices: int = _SLICES,
) -> dict[str, Spent]:
    """Run calls in turn, a short stretch of each, each for `seconds` altogether.

    Takes   check: raises for a wrong result; asked, off the clock, about the last of each stretch;
            slices: fewer where one call takes longer than a stretch.
    """
    often = {name: _repeat_for(call, seconds / slices) for name, call in calls.items()}
    watches = {name: Stopwatch() for name in calls}
    for _ in range(slices):
        for name, call in calls.items():
            result = None
            with watches[name]:
                for _ in range(often[name]):
                    result = call()
            watches[name].count(often[name])
            check[name](result)
    return {name: watch.spent() for name, watch in watches.items()}


def make_cost_table(costs: Sequence[Cost]) -> str:
    """One line for each, as Markdown, and how much of its core the yardstick had."""
    head = ("what", "a second", "ms for one", "CPU ms", "× raw", "target", "")
    lines = [head, ("---", *["--:"] * 4, "---", "---"), *map(_line, costs)]
    table = "\n".join("| " + " | ".join(line) + " |" for line in lines)
    had = statistics.median(raw.cpu_ms / raw.ms for cost in costs for _, raw in cost.rounds)
    return (
        f"{table}\n\nThe raw signature had {had:.0%} of its core; what other work took of it makes "
        "rates and ms worse by as much, or more.\n"
    )


def _repeat_for(call: Callable[[], Any], seconds: float) -> int:
    """How often a call goes into so many seconds."""
    begin, done = time.perf_counter(), 0
    while (elapsed := time.perf_counter() - begin) < seconds:
        call()
        done += 1
    return max(1, round(done * seconds / elapsed))


def _line(cost: Cost) -> tuple[str, ...]:
    rate, times = cost.value(Measure.RATE), cost.value(Measure.TIMES)
    cpu_ms = statistics.median(ours.cpu_ms for ours, _ in cost.rounds)
    return (
        cost.name,
        f"{rate:,.0f}" if rate >= 100 else f"{rate:.1f}",
        f"{cost.value(Measure.MS):.3g}",
        f"{cpu_ms:.3g}",
        f"{times:,.0f}" if times >= 100 else f"{times:.2f}",
        "" if cost.bound is None else str(cost.bound),
        {True: "met", False: "missed", None: ""}[cost.is_met()],
    )
