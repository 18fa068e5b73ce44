"""The clock that timestamps are made by: it shows the time, or says that it cannot.

What lives here: what every single reading costs, which is little: the two clocks of the machine are
compared, and once a second the state that all processes share is read.
  * A clock that is set by more than a little, forwards or back, is noticed by the next reading: the
    other clock of the machine, which nobody can set, went on evenly.  So is a machine that stood
    still.
  * A clock that was set back while no process ran is noticed by the first reading after: a check
    was already made at a later time.
  * Drift is noticed by the watch (`keystore/time/clock_watch.py`), which asks others.
Once in doubt the clock stays stopped, for everybody, until an operator releases it.
Source: RFC 3161 §2.1 (1) and §4 (5); ETSI EN 319 421 §7.7.2.  Not here: asking others.
"""

from __future__ import annotations

import threading
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from keystore.log.record import LogWriter
from keystore.storage import DatabaseLike
from keystore.time.errors import TimeNotAvailable
from keystore.time.latch import Stop, stop_clock
from keystore.time.limits import ClockLimits
from keystore.time.machine import MachineClock, Sample
from keystore.time.storage import ClockState, read_clock_state

_RELOAD_NS: Final = 1_000_000_000
_OLDEST_STATE_NS: Final = 10_000_000_000
_BEFORE_LEAP: Final = timedelta(seconds=60)
_MICROSECOND: Final = timedelta(microseconds=1)


@dataclass(frozen=True, slots=True)
class _Anchor:
    """The difference of the two clocks, which should stay, and what was known when it was taken."""

    difference_ns: int
    released_at: datetime | None = None
    checked_at: datetime | None = None


class TrustedClock:
    """The watched clock of one process; any thread may read it.

    Takes   host: as `host_name` writes it; requires_checks: whether the time is only told while
            the watch of this host has heard from others, which is always so but in a sandbox.
    """

    def __init__(
        self,
        database: DatabaseLike,
        *,
        host: str,
        log: LogWriter,
        limits: ClockLimits,
        requires_checks: bool,
        machine: MachineClock | None = None,
    ) -> None:
        self._database = database
        self._host = host
        self._log = log
        self._limits = limits
        self._requires_checks = requires_checks
        self._sample = (machine or MachineClock()).sample
        self._step_ns = limits.step // _MICROSECOND * 1000
        self._loading = threading.Lock()
        self._state: ClockState | None = None
        self._loaded_ns = self._failed_ns = -_OLDEST_STATE_NS
        self._pending: Stop | None = None
        first = self._sample()
        self._anchor = _Anchor(first.wall_ns - first.ticks_ns)

    def read(self) -> datetime:
        """The time now, aware UTC.

        1. What all processes share is known, as it was a second ago (ten, without a database).
        2. Nothing is in doubt, and no doubt is found now.
        3. The watch of this host has heard from others, lately and after the last release.

        Raises  TimeNotAvailable.
        """
        # the state before the sample: what is known is never later than the time
        state, sample = self._state, self._sample()
        if state is None or self._is_due(sample) or self._find_doubt(sample, state):
            self._reload()
            state, sample = self._state, self._sample()
        # 1
        if state is None or sample.ticks_ns - self._loaded_ns > _OLDEST_STATE_NS:
            raise TimeNotAvailable("storage")
        # 2
        if self._pending is None:
            self._pending = self._find_doubt(sample, state)
        if self._pending is not None or state.is_stopped:
            raise TimeNotAvailable("stopped")
        now = sample.instant
        # 3
        if self._requires_checks:
            checked_at = _checked_at(state)
            if checked_at is None or now - checked_at > self._limits.check_lifetime:
                raise TimeNotAvailable("unchecked")
        return now

    def is_believed(self) -> bool:
        """Whether `read` would tell the time."""
        try:
            self.read()
        except TimeNotAvailable:
            return False
        return True

    def _is_due(self, sample: Sample) -> bool:
        return self._pending is not None or sample.ticks_ns - self._loaded_ns >= _RELOAD_NS

    def _find_doubt(self, sample: Sample, state: ClockState) -> Stop | None:
        """What is wrong with this reading; nothing more where all is stopped already.

        1. The clock was set, or the machine stood still.
        2. A check was already made, later than now.
        3. An announced leap second is near: what clocks show around it is not one time.
        """
        if state.is_stopped:
            return None
        # 1
        moved_ns = sample.wall_ns - sample.ticks_ns - self._anchor.difference_ns
        if abs(moved_ns) > self._step_ns + sample.spread_ns:
            return Stop("step" if moved_ns > 0 else "set_back", -(moved_ns // 1000))
        check = state.check
        if check is None or check.checked_at is None:
            return None
        # 2
        ahead = check.checked_at - sample.instant
        if ahead > self._limits.step:
            return Stop("set_back", ahead // _MICROSECOND)
        # 3
        if check.leap_at is not None and sample.instant >= check.leap_at - _BEFORE_LEAP:
            return Stop("leap_second")
        return None

    def _reload(self) -> None:
        """Read the shared state anew; where the database is away the old one stays a while.

        A doubt that could not be written holds in this process all the same.
        """
        with self._loading:
            sample = self._sample()
            if sample.ticks_ns - self._failed_ns < _RELOAD_NS:
                return
            state = self._state
            if state and not self._is_due(sample) and not self._find_doubt(sample, state):
                return  # another thread has just done it
            try:
                self._load()
            except Exception:  # noqa: BLE001 - whatever storage raises, the time is in doubt
                self._failed_ns = sample.ticks_ns

    def _load(self) -> None:
        state, sample = self._read_state(), self._sample()
        if self._pending is None:
            if not state.is_stopped and state.released_at != self._anchor.released_at:
                # believed anew by an operator, who may have had the clock set
                self._anchor = _anchor(sample, state)
            self._pending = self._find_doubt(sample, state)
        if self._pending is not None:
            stop_clock(
                self._database, self._pending, host=self._host, log=self._log, now=sample.instant
            )
            state = self._read_state()
            self._pending = None  # it is in the state now
        elif not state.is_stopped and _checked_at(state) not in {None, self._anchor.checked_at}:
            # believed anew because others agree with it
            self._anchor = _anchor(sample, state)
        self._state, self._loaded_ns = state, sample.ticks_ns

    def _read_state(self) -> ClockState:
        with self._database.read() as connection:
            return read_clock_state(connection, host=self._host)


def _anchor(sample: Sample, state: ClockState) -> _Anchor:
    return _Anchor(
        sample.wall_ns - sample.ticks_ns,
        released_at=state.released_at,
        checked_at=_checked_at(state),
    )


def _checked_at(state: ClockState) -> datetime | None:
    return state.check.checked_at if state.check else None
