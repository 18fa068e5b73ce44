"""The worker: at least once, never for nothing, and one receiver that is down stops no other."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from idp.errors import StorageUnavailable
from idp.storage.database import Database
from idp.storage.outbox import OutboxId, find_backlog
from idp.storage.outbox import outbox as table
from idp.work import Clock, Done, Duty, GiveUp, Job, Outbox, Outcome, Retry, Worker
from idp.work.worker import pause_after
from keystore.log.errors import HeadsUnusable
from tests.support.log_lines import log_lines

SECOND = timedelta(seconds=1)
DAY = timedelta(days=1)
Make = Callable[..., Worker]


class Recorder:
    """A handler that answers as told and remembers what it was asked."""

    def __init__(self, *outcomes: Outcome | Exception) -> None:
        self.outcomes = list(outcomes)
        self.jobs: list[Job] = []

    def __call__(self, job: Job, *, now: datetime) -> Outcome:
        self.jobs.append(job)
        outcome = self.outcomes.pop(0) if self.outcomes else Done()
        if isinstance(outcome, Exception):
            raise outcome
        return outcome


@pytest.fixture
def add(database: Database, outbox: Outbox, clock: Any) -> Callable[..., OutboxId]:
    def write(**options: Any) -> OutboxId:
        now = clock()
        options = {"expires": now + DAY, "now": now, "lane": ""} | options
        with database.transaction() as tx:
            return outbox.add(tx, "tell", {"n": 1}, **options)

    return write


def _state(database: Database, outbox_id: OutboxId) -> tuple[str, str | None]:
    with database.read() as connection:
        row = connection.execute(table.select().where(table.c.outbox_id == outbox_id)).one()
    return row.state, row.last_error


def test_a_row_wakes_a_worker_once_it_is_durable_and_not_before(
    database: Database, outbox: Outbox, huey_clock: Clock, now: datetime
) -> None:
    with database.transaction() as tx:
        outbox.add(tx, "tell", {}, now=now, expires=now + DAY)
        assert huey_clock.count_waiting() == 0
    assert huey_clock.count_waiting() == 1


def test_an_act_that_did_not_happen_wakes_nobody(
    database: Database, outbox: Outbox, huey_clock: Clock, now: datetime
) -> None:
    def fail() -> None:
        with database.transaction() as tx:
            outbox.add(tx, "tell", {}, now=now, expires=now + DAY)
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fail()
    assert huey_clock.count_waiting() == 0


def test_what_is_due_later_wakes_nobody_now(add, huey_clock: Clock, now: datetime) -> None:
    add(due=now + SECOND)
    assert huey_clock.count_waiting() == 0


def test_a_duty_is_done_once_when_it_works(make_worker: Make, add, database: Database) -> None:
    handler = Recorder()
    worker = make_worker(handlers={"tell": handler})
    outbox_id = add()
    worker.run_these(outbox_id)
    worker.run_these(outbox_id)
    worker.run_due()
    assert [job.outbox_id for job in handler.jobs] == [outbox_id]
    assert _state(database, outbox_id) == ("done", None)


def test_a_hint_about_a_row_that_does_not_exist_is_harmless(make_worker: Make) -> None:
    make_worker().run_these("job_unknown")


def test_what_failed_is_tried_again_after_a_growing_pause(make_worker: Make, add, clock) -> None:
    handler = Recorder(Retry("timed_out"), Retry("timed_out"), Done())
    worker = make_worker(handlers={"tell": handler})
    add()
    waits = []
    while len(handler.jobs) < 3:
        before, begun = len(handler.jobs), clock()
        while len(handler.jobs) == before:
            worker.run_due()
            clock.advance(SECOND / 4)
        waits.append(clock() - begun)
    assert timedelta(seconds=3) < waits[1] < timedelta(seconds=7)
    assert timedelta(seconds=7) < waits[2] < timedelta(seconds=13)


def test_a_handler_that_raises_is_tried_again_and_its_message_goes_nowhere(
    make_worker: Make, add, database: Database
) -> None:
    handler = Recorder(ValueError("something personal"), StorageUnavailable())
    worker = make_worker(handlers={"tell": handler})
    first = add()
    worker.run_due()
    assert _state(database, first) == ("waiting", "ValueError")
    second = add()
    worker.run_due()
    assert _state(database, second) == ("waiting", "temporarily_unavailable")


def test_a_duty_that_will_never_work_is_given_up(make_worker: Make, add, database) -> None:
    worker = make_worker(handlers={"tell": Recorder(GiveUp("client_refused"))})
    outbox_id = add()
    worker.run_due()
    assert _state(database, outbox_id) == ("failed", "client_refused")


def test_a_duty_whose_time_is_over_is_not_even_tried(
    make_worker: Make, add, clock, database: Database
) -> None:
    handler = Recorder()
    worker = make_worker(handlers={"tell": handler})
    outbox_id = add(expires=clock() + SECOND)
    clock.advance(SECOND)
    worker.run_due()
    assert handler.jobs == []
    assert _state(database, outbox_id) == ("failed", "expired")


def test_a_row_that_kills_every_worker_ends_as_failed(
    make_worker: Make, add, clock, database: Database
) -> None:
    class Killed(BaseException):
        """As if the process were gone: nothing after the handler runs."""

    def kill(job: Job, *, now: datetime) -> Outcome:
        raise Killed

    worker = make_worker(handlers={"tell": kill}, lease=SECOND)
    outbox_id = add()
    for _ in range(100):
        with pytest.raises(Killed):
            worker.run_due()
        clock.advance(SECOND)
    worker.run_due()
    assert _state(database, outbox_id) == ("failed", "too_many_attempts")


def test_what_counts_as_no_attempt_is_asked_for_until_it_expires(
    make_worker: Make, add, clock, database: Database
) -> None:
    """Whoever takes it may not for now; a year of that is not a hundred failures."""
    asked: list[datetime] = []

    def refuse(job: Job, *, now: datetime) -> Outcome:
        asked.append(now)
        assert job.attempts == 1
        return Retry("not_yet", is_attempt=False)

    worker = make_worker(handlers={"tell": refuse})
    outbox_id = add(expires=clock() + 20 * DAY)
    end = clock() + 20 * DAY
    while clock() < end:
        worker.run_due()
        clock.advance(5 * SECOND if len(asked) < 10 else timedelta(minutes=10))
    assert len(asked) > 300
    pauses = [later - earlier for earlier, later in itertools.pairwise(asked)]
    assert pauses[0] < timedelta(seconds=15)
    assert timedelta(minutes=45) < min(pauses[20:])
    assert max(pauses) < timedelta(minutes=85)
    assert _state(database, outbox_id) == ("waiting", "not_yet")
    worker.run_due()
    clock.advance(timedelta(hours=2))
    worker.run_due()
    assert _state(database, outbox_id) == ("failed", "expired")


def test_what_counts_as_no_attempt_takes_no_failure_away(make_worker: Make, add, clock) -> None:
    counted = itertools.count(1)

    def act(job: Job, *, now: datetime) -> Outcome:
        turn = next(counted)
        assert job.attempts == (turn + 1) // 2
        return Retry("turned_away", is_attempt=turn % 2 == 0)

    worker = make_worker(handlers={"tell": act})
    add()
    for _ in range(6):
        worker.run_due()
        clock.advance(timedelta(hours=2))
    assert next(counted) == 7


def test_a_kind_that_this_version_does_not_know_waits_for_one_that_does(
    make_worker: Make, add, database: Database, clock
) -> None:
    outbox_id = add()
    make_worker(handlers={}).run_due()
    assert _state(database, outbox_id) == ("waiting", "no_handler")
    clock.advance(timedelta(seconds=10))
    make_worker(handlers={"tell": Recorder()}).run_due()
    assert _state(database, outbox_id)[0] == "done"


def test_one_receiver_that_is_down_costs_the_others_one_attempt(
    make_worker: Make, add, clock, database: Database
) -> None:
    down = Retry("timed_out", is_lane_down=True)

    def handle(job: Job, *, now: datetime) -> Outcome:
        tried.append(job.lane)
        return down if job.lane == "down" else Done()

    tried: list[str] = []
    worker = make_worker(handlers={"tell": handle})
    for _ in range(30):
        add(lane="down")
    for _ in range(10):
        add(lane="up")
    worker.run_due()
    assert tried.count("down") == 1
    assert tried.count("up") == 10
    clock.advance(timedelta(seconds=4))
    worker.run_due()
    assert tried.count("down") == 1
    for _ in range(8):  # the pauses between one attempt and the next grow
        clock.advance(timedelta(minutes=5))
        worker.run_due()
    assert tried.count("down") == 9


def test_a_receiver_that_is_back_gets_everything(make_worker: Make, add, clock) -> None:
    handler = Recorder(Retry("timed_out", is_lane_down=True))
    worker = make_worker(handlers={"tell": handler})
    ids = {add(lane="a") for _ in range(20)}
    worker.run_due()
    clock.advance(timedelta(seconds=10))
    worker.run_due()
    assert {job.outbox_id for job in handler.jobs} == ids
    assert len(handler.jobs) == 21


def test_stopping_gives_back_what_was_taken_and_not_begun(
    make_worker: Make, add, database: Database, clock
) -> None:
    handled: list[OutboxId] = []

    def handle(job: Job, *, now: datetime) -> Outcome:
        handled.append(job.outbox_id)
        worker.stop()
        return Done()

    worker = make_worker(handlers={"tell": handle})
    ids = {add() for _ in range(5)}
    worker.run_due()
    assert len(handled) == 1
    again = Recorder()
    make_worker(handlers={"tell": again}).run_due()
    assert {job.outbox_id for job in again.jobs} == ids - set(handled)
    assert {job.attempts for job in again.jobs} == {1}


def test_a_tick_calls_for_hands_only_when_something_is_due(
    make_worker: Make, add, huey_clock: Clock, clock, now: datetime
) -> None:
    worker = make_worker(handlers={"tell": Recorder()}, threads=4)
    add(due=now + SECOND)
    worker.tick()
    assert huey_clock.count_waiting() == 0
    clock.advance(SECOND)
    worker.tick()
    assert huey_clock.count_waiting() == 1
    worker.tick()
    assert huey_clock.count_waiting() == 1  # no heap of hints about one row


def test_a_backlog_is_shared_by_all_threads(make_worker: Make, add, huey_clock: Clock, now) -> None:
    worker = make_worker(handlers={"tell": Recorder()}, threads=3)
    for _ in range(100):
        add(due=now)
    huey_clock.huey.storage.flush_queue()
    worker.tick()
    assert huey_clock.count_waiting() == 3


def test_a_duty_is_done_once_in_each_period_by_one_of_several_hosts(
    make_worker: Make, clock, huey_clock: Clock
) -> None:
    acts: list[datetime] = []
    duty = Duty("purge", every=timedelta(minutes=1), act=acts.append)
    workers = [make_worker(duties=[duty]) for _ in range(3)]
    for _ in range(180):
        for worker in workers:
            worker.tick()
            worker.run_duty("purge")
        clock.advance(SECOND)
    assert len(acts) in {3, 4}


def test_a_duty_that_fails_does_not_stop_the_worker_and_comes_again(
    make_worker: Make, clock
) -> None:
    def fail(_now: datetime) -> None:
        calls.append(1)
        raise StorageUnavailable

    calls: list[int] = []
    worker = make_worker(duties=[Duty("purge", every=SECOND, act=fail)])
    worker.run_duty("purge")
    clock.advance(SECOND)
    worker.run_duty("purge")
    assert len(calls) == 2


def test_a_duty_of_the_keystore_that_fails_is_named_by_its_code(make_worker: Make) -> None:
    def fail(_now: datetime) -> None:
        raise HeadsUnusable("/var/heads", reason="unreadable")

    worker = make_worker(duties=[Duty("integrate_log", every=SECOND, act=fail)])
    with log_lines("INFO") as lines:
        worker.run_duty("integrate_log")
    (line,) = lines()
    assert (line["event"], line["reason"]) == ("work_duty_failed", "log_heads_unusable")


def test_a_duty_that_nobody_knows_is_ignored(make_worker: Make) -> None:
    make_worker().run_duty("unknown")


@given(st.integers(1, 200))
def test_the_pause_grows_to_an_hour_and_varies_by_a_fifth(attempts: int) -> None:
    base = min(timedelta(hours=1), timedelta(seconds=5) * 2 ** min(attempts - 1, 20))
    assert base * 0.8 <= pause_after(attempts) <= base * 1.2


def test_what_waits_shows_in_the_backlog(make_worker: Make, add, database, clock) -> None:
    worker = make_worker(handlers={"tell": Recorder(GiveUp("no"))})
    add()
    worker.run_due()
    add()
    with database.read() as connection:
        backlog = find_backlog(connection, now=clock() + SECOND)
    assert (backlog.waiting, backlog.failed) == (1, 1)
