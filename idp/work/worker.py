"""The worker: takes rows of the outbox, calls their handlers, settles them.

What lives here: retries with growing pauses, resting what is down, giving up what has expired, and
the tick that finds what nobody was woken for.  Everything is at least once: a row is settled after
its handler came back, and a worker killed before that lets the lease end.
Not here: threads and signals (`process`), what a kind means (its handler).
"""

from __future__ import annotations

import secrets
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

import structlog

from idp.errors import AntinError
from idp.storage import outbox
from idp.storage.database import Database
from idp.storage.ephemeral import EphemeralStore
from idp.storage.outbox import Job, OutboxId
from idp.work.clock import Clock
from idp.work.model import Done, Duty, GiveUp, Handler, Outcome, RecordGivenUp, Retry
from keystore.errors import KeystoreError

LEASE: Final = timedelta(seconds=60)
_BATCH: Final = 8
"""Times the five seconds that a receiver may take, this stays within the lease."""
_FIRST_PAUSE: Final = timedelta(seconds=5)
_LONGEST_PAUSE: Final = timedelta(hours=1)
_LONGEST_REST: Final = timedelta(minutes=5)
_MOST_ATTEMPTS: Final = 100
"""A row that takes its worker down with it each time must end as well."""

_log = structlog.get_logger("antin.work")


@dataclass(frozen=True, slots=True)
class _Rest:
    failures: int
    until: datetime


class Worker:
    """Does deferred work; its methods are called by the threads of one process.

    Takes   handlers: by kind; duties: what is done periodically; clock: hints to and from other
            processes; marks: where several hosts agree who does a duty in a period;
            time: the time now; lease: how long a taken row stays with this worker;
            record_given_up: puts on record that a duty will never be fulfilled.
    """

    def __init__(
        self,
        database: Database,
        *,
        clock: Clock,
        marks: EphemeralStore,
        handlers: Mapping[str, Handler],
        duties: Sequence[Duty] = (),
        time: Callable[[], datetime],
        lease: timedelta = LEASE,
        threads: int = 4,
        record_given_up: RecordGivenUp | None = None,
    ) -> None:
        self.clock = clock
        self.threads = threads
        self._database = database
        self._marks = marks
        self._handlers = dict(handlers)
        self._duties = {duty.name: duty for duty in duties}
        self._time = time
        self._lease = lease
        self._record_given_up = record_given_up
        self._rests: dict[str, _Rest] = {}
        self._rests_lock = threading.Lock()
        self._slots: dict[str, int] = {}
        self._stopping = threading.Event()
        clock.answer(wake=self.run_these, sweep=self.run_due, duty=self.run_duty)

    def stop(self) -> None:
        """Finish what is under way and give back what is not; for every thread."""
        self._stopping.set()

    def tick(self) -> None:
        """Once a second: call for hands if rows are due that nobody was woken for; start duties.

        Costs one indexed read when there is nothing to do.
        """
        now = self._time()
        for duty in self._duties.values():
            slot = (now - datetime.min.replace(tzinfo=now.tzinfo)) // duty.every
            if self._slots.get(duty.name) != slot:
                self._slots[duty.name] = slot
                self.clock.start_duty(duty.name)
        with self._database.read() as connection:
            due = outbox.count_due(connection, now=now, at_most=_BATCH * self.threads)
        if due:
            hands = min(self.threads, -(-due // _BATCH)) - self.clock.count_waiting()
            for _ in range(hands):
                self.clock.sweep()

    def run_these(self, *ids: str) -> None:
        """Take and run the rows that somebody was woken for."""
        self._run_leased(only=tuple(OutboxId(one) for one in ids))

    def run_due(self) -> None:
        """Take and run what is due, batch after batch, until there is none."""
        while not self._stopping.is_set() and self._run_leased() == _BATCH:
            pass

    def run_duty(self, name: str) -> None:
        """Do a periodic duty, unless another host does it in this period."""
        duty = self._duties.get(name)
        if duty is None:
            return
        now = self._time()
        slot = (now - datetime.min.replace(tzinfo=now.tzinfo)) // duty.every
        try:
            is_ours = self._marks.first_use(f"duty:{name}:{slot}", lifetime=2 * duty.every, now=now)
            if is_ours:
                duty.act(now)
        except Exception as failure:  # noqa: BLE001  the next period makes up for it
            _log.error("work_duty_failed", duty=name, reason=_code_of(failure))

    def _run_leased(self, only: tuple[OutboxId, ...] | None = None) -> int:
        limit = _BATCH if only is None else len(only)
        jobs = outbox.lease(
            self._database, now=self._time(), duration=self._lease, limit=limit, only=only
        )
        for job in jobs:
            self._run(job)
        return len(jobs)

    def _run(self, job: Job) -> None:
        now = self._time()
        if self._stopping.is_set():
            outbox.postpone(self._database, job, due=now)
            return
        if job.expires_at <= now or job.attempts > _MOST_ATTEMPTS:
            error = "expired" if job.expires_at <= now else "too_many_attempts"
            self._settle(job, GiveUp(error), now=now)
            return
        rest = self._rests.get(job.lane)
        if rest is not None and now < rest.until:
            outbox.postpone(self._database, job, due=rest.until)
            return
        self._settle(job, self._call(job, now=now), now=self._time())

    def _call(self, job: Job, *, now: datetime) -> Outcome:
        handler = self._handlers.get(job.kind)
        if handler is None:
            return Retry("no_handler")  # a newer version wrote it; one that knows it will come
        try:
            return handler(job, now=now)
        except Exception as failure:  # noqa: BLE001  its row must be settled
            return Retry(_code_of(failure))

    def _settle(self, job: Job, outcome: Outcome, *, now: datetime) -> None:
        facts = {"kind": job.kind, "job": job.outbox_id, "attempts": job.attempts}
        match outcome:
            case Done():
                outbox.done(self._database, job, now=now)
                _log.info("work_done", **facts)
            case GiveUp(error):
                if self._record_given_up is not None:
                    self._record_given_up(job, error=error, now=now)
                outbox.give_up(self._database, job, error=error, now=now)
                _log.error("work_given_up", error=error, **facts)
            case Retry(error, is_attempt=is_attempt):
                pause = pause_after(job.attempts) if is_attempt else pause_at(now - job.created_at)
                outbox.retry(
                    self._database, job, due=now + pause, error=error, is_attempt=is_attempt
                )
                _log.warning("work_retried", error=error, **facts)
        if job.lane:
            self._judge_lane(job.lane, outcome, now=now)

    def _judge_lane(self, lane: str, outcome: Outcome, *, now: datetime) -> None:
        with self._rests_lock:
            before = self._rests.get(lane)
            if not (isinstance(outcome, Retry) and outcome.is_lane_down):
                self._rests.pop(lane, None)
                return
            if before is not None and now < before.until:
                return  # it failed beside another; one failure, not two
            failures = before.failures + 1 if before else 1
            longest = outcome.longest_rest or _LONGEST_REST
            until = now + min(longest, _FIRST_PAUSE * 2 ** min(failures - 1, 10))
            self._rests[lane] = _Rest(failures, until)
        outbox.rest_lane(self._database, lane, until=until)


def pause_after(attempts: int) -> timedelta:
    """How long to wait after an attempt: 5 s, doubled each time up to an hour, ± a fifth.

    The random part keeps what failed together from coming back together.
    """
    return _varied(min(_LONGEST_PAUSE, _FIRST_PAUSE * 2 ** min(attempts - 1, 20)))


def pause_at(age: timedelta) -> timedelta:
    """How long to wait after what counts as no attempt: as long again as it has waited already.

    From 5 s up to an hour, ± a fifth, so that nobody is asked more often than once an hour whatever
    the duty is told for a year.
    """
    return _varied(min(_LONGEST_PAUSE, max(_FIRST_PAUSE, age)))


def _varied(pause: timedelta) -> timedelta:
    return pause * (0.8 + secrets.randbelow(401) / 1000)


def _code_of(failure: Exception) -> str:
    if isinstance(failure, AntinError | KeystoreError):
        return failure.code
    return type(failure).__name__
