"""The watch over the clock of one host: it asks others, and stops the authority when they differ.

What lives here: one check, when it is due, and the thread that does so.  Any number of processes of
a host may run a watch: one of them asks in each period.  Several hosts watch one clock each.
  * The sources agree, and our clock with them: the check passes.
  * They agree, and our clock differs: drift, a stop.
  * They say that they do not know themselves (leap alarm): a stop, if we went by them before.
  * They do not answer, or do not agree, or only so vaguely that the promise could be broken: the
    check fails.  Nothing is stopped, but after `check_lifetime` no time is told until one passes.
Source: RFC 3161 §2.1 (1); ETSI EN 319 421 §7.7.2.
Not here: the sources (`ntp.py`, `chrony.py`), what a reading costs (`trusted_clock.py`).
"""

from __future__ import annotations

import threading
from datetime import UTC, datetime, time, timedelta
from typing import Final

import structlog

from keystore.log.record import LogWriter
from keystore.storage import DatabaseLike, lock_until_commit
from keystore.time.errors import NoMajority, SourcesUnsynchronised, SourceUnavailable
from keystore.time.latch import Stop, stop_clock
from keystore.time.limits import ClockLimits
from keystore.time.machine import MachineClock
from keystore.time.majority import Leap, Measurement, TimeReference
from keystore.time.storage import (
    CheckRecord,
    find_check,
    write_attempt,
    write_failure,
    write_passed,
)

_LOOK_EVERY_S: Final = 1.0
_MICROSECOND: Final = timedelta(microseconds=1)

_log = structlog.get_logger("antin.clock")


class ClockWatch:
    """The watch of one process.

    Takes   host: as `host_name` writes it; reference: who is asked.
    """

    def __init__(
        self,
        database: DatabaseLike,
        *,
        host: str,
        log: LogWriter,
        limits: ClockLimits,
        reference: TimeReference,
        machine: MachineClock | None = None,
    ) -> None:
        self._database = database
        self._host = host
        self._log = log
        self._limits = limits
        self._reference = reference
        self._machine = machine or MachineClock()

    def run(self, stopping: threading.Event, *, look_every_s: float = _LOOK_EVERY_S) -> None:
        """Check whenever it is due, until `stopping` is set; the body of a thread.

        A database that is away is no reason to end: without checks no time is told.  What fails is
        said once, by its type alone, and so is that it is over.
        """
        failing: str | None = None
        while not stopping.wait(look_every_s):
            before, failing = failing, self._look()
            if failing is not None and failing != before:
                _log.error("clock_watch_failing", host=self._host, error=failing)
            elif failing is None and before is not None:
                _log.info("clock_watch_recovered", host=self._host)

    def _look(self) -> str | None:
        """Check if it is due; the type of what went wrong, or None."""
        try:
            self.check_due()
        except Exception as failure:  # noqa: BLE001 - the watch goes on after anything
            return type(failure).__name__
        return None

    def check_due(self) -> bool:
        """Check if no process of this host did so for `check_every`; whether it was done here."""
        now = self._machine.sample().instant
        with self._database.read() as connection:
            if self._is_recent(find_check(connection, host=self._host), now=now):
                return False
        with self._database.transaction() as tx:
            lock_until_commit(tx, name=f"clock_check:{self._host}")
            if self._is_recent(find_check(tx.connection, host=self._host), now=now):
                return False
            write_attempt(tx.connection, host=self._host, now=now)
        self._check()
        return True

    def check(self) -> None:
        """Check now, whenever the last time was."""
        now = self._machine.sample().instant
        with self._database.transaction() as tx:
            lock_until_commit(tx, name=f"clock_check:{self._host}")
            write_attempt(tx.connection, host=self._host, now=now)
        self._check()

    def _is_recent(self, check: CheckRecord | None, *, now: datetime) -> bool:
        # an attempt later than now is one from before the clock was set back
        return check is not None and timedelta(0) <= now - check.tried_at < self._limits.check_every

    def _check(self) -> None:
        failure = "drift"
        try:
            measured = self._reference.measure()
            if abs(measured.offset_us) <= self._limits.drift // _MICROSECOND:
                failure = self._accept(measured)
            else:
                self._stop(Stop("drift", measured.offset_us))
        except SourcesUnsynchronised:
            failure = "leap_alarm"
            if self._went_by_them():
                self._stop(Stop(failure))
        except NoMajority:
            failure = "no_majority"
        except SourceUnavailable as unavailable:
            failure = unavailable.reason
        if failure:
            with self._database.transaction() as tx:
                write_failure(tx.connection, host=self._host, failure=failure)

    def _accept(self, measured: Measurement) -> str:
        """Write that the check passed, and return nothing; or what keeps it from passing."""
        if measured.worst_us > self._limits.worst // _MICROSECOND:
            return "too_uncertain"
        now = self._machine.sample().instant
        with self._database.transaction() as tx:
            write_passed(
                tx.connection,
                host=self._host,
                measured=measured,
                leap_at=None if measured.leap is Leap.NONE else _end_of_day(now),
                now=now,
            )
        return ""

    def _went_by_them(self) -> bool:
        with self._database.read() as connection:
            check = find_check(connection, host=self._host)
        return check is not None and check.checked_at is not None

    def _stop(self, stop: Stop) -> None:
        now = self._machine.sample().instant
        stop_clock(self._database, stop, host=self._host, log=self._log, now=now)


def _end_of_day(now: datetime) -> datetime:
    return datetime.combine(now.date() + timedelta(days=1), time(), tzinfo=UTC)
