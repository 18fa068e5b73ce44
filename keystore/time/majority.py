"""What several sources say together about the time.

What lives here: one reading of a source, and the agreement of more than half of all that were
asked.  A source says within which interval the truth lies; the interval in which most of them meet
is believed, and the others are outvoted however far off they are.
Source: RFC 5905 §11.2.1 (the intersection of intervals), §7.3 (leap indicator).
Not here: asking (`keystore/time/ntp.py`, `keystore/time/chrony.py`).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from enum import IntEnum
from typing import Protocol

from keystore.time.errors import NoMajority, SourcesUnsynchronised


class Leap(IntEnum):
    """The leap indicator of RFC 5905 §7.3."""

    NONE = 0
    INSERT = 1
    """The last minute of this day has 61 seconds."""
    DELETE = 2
    """The last minute of this day has 59 seconds."""
    ALARM = 3
    """The source itself does not know the time."""


@dataclass(frozen=True, slots=True)
class Reading:
    """What one source says: our clock is behind it by `offset_us`, give or take.

    `voice`: what it has in common with other names of the same server; empty: nothing is known.
    """

    source: str
    offset_us: int
    uncertainty_us: int
    leap: Leap = Leap.NONE
    voice: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Measurement:
    """How far our clock is behind the truth: between `low_us` and `high_us`.

    `agreeing` of `asked` sources say so; `is_authenticated`: and what they say is (NTS).
    """

    low_us: int
    high_us: int
    agreeing: int
    asked: int
    leap: Leap = Leap.NONE
    is_authenticated: bool = False

    @property
    def offset_us(self) -> int:
        """The best guess."""
        return (self.low_us + self.high_us) // 2

    @property
    def worst_us(self) -> int:
        """How far off our clock may be, to either side."""
        return max(abs(self.low_us), abs(self.high_us))


class TimeReference(Protocol):
    """Whatever can say how far off our clock is."""

    def measure(self) -> Measurement:
        """Ask now; takes seconds.

        Raises  NoMajority, SourcesUnsynchronised, SourceUnavailable.
        """


def find_majority(readings: Sequence[Reading], *, asked: int) -> Measurement:
    """Where the intervals of more than half of all sources meet.

    1. Sources that do not know the time themselves say nothing about it.
    2. If most say that, nobody knows.
    3. The part of the time line on which most of the others lie must have more than half of all
       that were asked, answered or not, behind it.
    4. A leap second is announced if more than half announce the same.

    Takes   asked: how many sources there are.
    Raises  SourcesUnsynchronised (2), NoMajority (3).
    """
    # 1
    synchronised = [reading for reading in readings if reading.leap is not Leap.ALARM]
    # 2
    alarms = len(readings) - len(synchronised)
    if _is_majority(alarms, asked=asked):
        raise SourcesUnsynchronised(alarms=alarms, asked=asked)
    # 3
    low, high, agreeing = _most_overlapping(synchronised)
    if not _is_majority(agreeing, asked=asked):
        raise NoMajority(agreeing=agreeing, asked=asked)
    # 4
    announced = Counter(reading.leap for reading in synchronised)
    leap = next((one for one, n in announced.items() if _is_majority(n, asked=asked)), Leap.NONE)
    return Measurement(low, high, agreeing=agreeing, asked=asked, leap=leap)


def _is_majority(count: int, *, asked: int) -> bool:
    return 2 * count > asked


def _most_overlapping(readings: Sequence[Reading]) -> tuple[int, int, int]:
    """The interval that lies in most of the intervals, and in how many: low, high, count."""
    edges = [(one.offset_us - one.uncertainty_us, -1) for one in readings]
    edges += [(one.offset_us + one.uncertainty_us, 1) for one in readings]
    edges.sort()  # where one begins at the very end of another, they meet
    best = (0, 0, 0)
    inside = 0
    for place, (at, kind) in enumerate(edges):
        inside -= kind
        if kind < 0 and inside > best[2]:
            best = (at, edges[place + 1][0], inside)
    return best
