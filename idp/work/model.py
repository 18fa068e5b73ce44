"""What a handler of deferred work answers, and what a periodic duty is.

Not here: the row that a job is (`idp.storage.outbox`), when anything runs (`worker`).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol

from idp.storage.outbox import Job

__all__ = ["Done", "Duty", "GiveUp", "Handler", "Job", "Outcome", "RecordGivenUp", "Retry"]


@dataclass(frozen=True, slots=True)
class Done:
    """The duty is fulfilled."""


@dataclass(frozen=True, slots=True)
class Retry:
    """Not this time.

    `error` is a stable code of at most 64 letters.  `is_lane_down` says that whatever else waits
    for the same receiver would fail as well, so that it rests for a while, which grows up to
    `longest_rest` (None: the worker's).  `is_attempt` False says
    that nothing is wrong with the duty, whoever takes it could not or may not yet: it is asked for
    until it expires, however often that is.
    """

    error: str
    is_lane_down: bool = False
    is_attempt: bool = True
    longest_rest: timedelta | None = None


@dataclass(frozen=True, slots=True)
class GiveUp:
    """It will never work; `error` is a stable code of at most 64 letters."""

    error: str


Outcome = Done | Retry | GiveUp


class Handler(Protocol):
    """Fulfils one kind of duty; called from several threads, possibly twice for one duty.

    An exception counts as `Retry`, so a handler catches only what it can judge.  It must come back
    well within the lease of a minute.
    """

    def __call__(self, job: Job, *, now: datetime) -> Outcome:
        """Fulfil the duty once, or say why not."""


class RecordGivenUp(Protocol):
    """Puts a duty on record that will never be fulfilled; called before its row is closed."""

    def __call__(self, job: Job, *, error: str, now: datetime) -> None:
        """Write it down; `error` is the stable code of why."""


@dataclass(frozen=True, slots=True)
class Duty:
    """Something to do again and again, whether or not anybody asked.

    `act` receives the time; with several hosts one of them does it in each period, and if it dies
    in the middle the next period makes up for it: acts must bear being cut off and repeated.
    """

    name: str
    every: timedelta
    act: Callable[[datetime], object]
