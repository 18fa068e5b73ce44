"""The outbox: nothing is lost, nothing is taken by two at once, and the last taker settles."""

from __future__ import annotations

import threading
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from idp.storage import outbox
from idp.storage.database import Database
from idp.storage.outbox import Job, OutboxId
from idp.storage.purge import find_rules, purge_all
from tests.support.asked import listening

LEASE = timedelta(minutes=1)
DAY = timedelta(days=1)


def _add(database: Database, *, now: datetime, number: int = 1, lane: str = "") -> list[OutboxId]:
    with database.transaction() as tx:
        return [
            outbox.add(tx, "tell", {"n": n}, now=now, expires=now + DAY, lane=lane)
            for n in range(number)
        ]


def _take(database: Database, *, now: datetime, limit: int = 10) -> tuple[Job, ...]:
    return outbox.lease(database, now=now, duration=LEASE, limit=limit)


def test_a_duty_is_written_with_its_act_or_not_at_all(database: Database, now: datetime) -> None:
    def fail_after_writing() -> None:
        with database.transaction() as tx:
            outbox.add(tx, "tell", {}, now=now, expires=now + DAY)
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fail_after_writing()
    assert _take(database, now=now) == ()


def test_a_job_brings_back_what_was_written(database: Database, now: datetime) -> None:
    [outbox_id] = _add(database, now=now, lane="client-a")
    [job] = _take(database, now=now)
    assert job == Job(
        outbox_id=outbox_id,
        kind="tell",
        lane="client-a",
        payload={"n": 0},
        attempts=1,
        created_at=now.replace(microsecond=0),
        expires_at=now.replace(microsecond=0) + DAY,
    )


def test_the_payload_is_not_in_the_repr(database: Database, now: datetime) -> None:
    with database.transaction() as tx:
        outbox.add(tx, "tell", {"sub": "hidden"}, now=now, expires=now + DAY)
    [job] = _take(database, now=now)
    assert "hidden" not in repr(job)


def test_a_taken_row_is_nobody_elses_until_the_lease_is_over(
    database: Database, now: datetime
) -> None:
    [outbox_id] = _add(database, now=now)
    assert len(_take(database, now=now)) == 1
    assert _take(database, now=now + LEASE - timedelta(milliseconds=1)) == ()
    [again] = _take(database, now=now + LEASE)
    assert (again.outbox_id, again.attempts) == (outbox_id, 2)


def test_what_is_not_due_yet_is_not_taken(database: Database, now: datetime) -> None:
    with database.transaction() as tx:
        outbox.add(tx, "tell", {}, now=now, due=now + LEASE, expires=now + DAY)
    assert _take(database, now=now) == ()
    assert len(_take(database, now=now + LEASE)) == 1


def test_the_longest_due_is_taken_first_and_no_more_than_asked(
    database: Database, now: datetime
) -> None:
    for minutes in (3, 1, 2):
        with database.transaction() as tx:
            due = now + timedelta(minutes=minutes)
            outbox.add(tx, "tell", {"n": minutes}, now=now, due=due, expires=now + DAY)
    jobs = _take(database, now=now + timedelta(hours=1), limit=2)
    assert [job.payload["n"] for job in jobs] == [1, 2]


def test_a_worker_takes_only_the_rows_it_was_woken_for(database: Database, now: datetime) -> None:
    ids = _add(database, now=now, number=5)
    jobs = outbox.lease(database, now=now, duration=LEASE, limit=10, only=[ids[1], ids[3]])
    assert {job.outbox_id for job in jobs} == {ids[1], ids[3]}
    assert len(_take(database, now=now)) == 3


def test_no_row_is_taken_by_two_workers_at_once(database: Database, now: datetime) -> None:
    ids = _add(database, now=now, number=120)
    together = threading.Barrier(4)

    def take_all(_: int) -> list[OutboxId]:
        together.wait()
        mine: list[OutboxId] = []
        while jobs := _take(database, now=now, limit=7):
            mine += [job.outbox_id for job in jobs]
        return mine

    with ThreadPoolExecutor(4) as pool:
        taken = Counter(one for mine in pool.map(take_all, range(4)) for one in mine)
    # a racer may find every row locked and stop early, but between them nothing is taken twice
    assert set(taken.values()) == {1}
    assert set(taken) | {job.outbox_id for job in _take(database, now=now, limit=200)} == set(ids)


def test_what_is_done_does_not_come_back_and_its_payload_is_forgotten(
    database: Database, now: datetime
) -> None:
    _add(database, now=now)
    [job] = _take(database, now=now)
    outbox.done(database, job, now=now)
    assert _take(database, now=now + DAY) == ()
    with database.read() as connection:
        [row] = connection.execute(outbox.outbox.select()).all()
    assert (row.state, row.payload) == ("done", "{}")


def test_what_failed_for_now_comes_back_when_it_is_due(database: Database, now: datetime) -> None:
    _add(database, now=now)
    [job] = _take(database, now=now)
    outbox.retry(database, job, due=now + timedelta(seconds=5), error="timed_out")
    assert _take(database, now=now + timedelta(seconds=4)) == ()
    [again] = _take(database, now=now + timedelta(seconds=5))
    assert again.attempts == 2


def test_giving_back_untried_does_not_count_as_an_attempt(
    database: Database, now: datetime
) -> None:
    _add(database, now=now)
    [job] = _take(database, now=now)
    outbox.postpone(database, job, due=now)
    [again] = _take(database, now=now)
    assert again.attempts == 1


def test_who_lost_the_lease_cannot_settle_the_row(database: Database, now: datetime) -> None:
    _add(database, now=now)
    [slow] = _take(database, now=now)
    [quick] = _take(database, now=now + LEASE)
    outbox.give_up(database, slow, error="refused", now=now + LEASE)
    outbox.retry(database, slow, due=now, error="timed_out")
    assert _take(database, now=now + LEASE) == ()
    outbox.done(database, quick, now=now + LEASE)
    with database.read() as connection:
        assert outbox.find_backlog(connection, now=now) == outbox.Backlog(0, 0, 0.0)


def test_a_lane_rests_as_a_whole_and_others_go_on(database: Database, now: datetime) -> None:
    _add(database, now=now, number=3, lane="down")
    _add(database, now=now, number=2, lane="up")
    assert outbox.rest_lane(database, "down", until=now + LEASE) == 3
    assert {job.lane for job in _take(database, now=now)} == {"up"}
    assert len(_take(database, now=now + LEASE)) == 5  # the two leases are over as well


def test_the_backlog_shows_what_waits_how_long_and_what_failed(
    database: Database, now: datetime
) -> None:
    _add(database, now=now, number=3)
    [job] = _take(database, now=now, limit=1)
    outbox.give_up(database, job, error="expired", now=now)
    with database.read() as connection:
        backlog = outbox.find_backlog(connection, now=now + timedelta(seconds=90))
        due = outbox.count_due(connection, now=now, at_most=10)
    assert (backlog.waiting, backlog.failed, round(backlog.oldest_age_s)) == (2, 1, 90)
    assert due == 2


def test_the_backlog_is_counted_without_reading_what_is_done(tmp_path: Path) -> None:
    """A day of done work waits for the purge, and metrics are read several times a minute."""
    database = Database(f"sqlite:///{tmp_path / 'antin.db'}")
    outbox.outbox.create(database.engine)
    with database.read() as connection:
        with listening() as asked:
            outbox.find_backlog(connection, now=datetime(2026, 11, 21, tzinfo=UTC))
        plan = connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {asked[-1]}", ("a", "b")).all()
    database.close()
    assert [row[3] for row in plan] == ["SEARCH outbox USING INDEX ix_outbox_due (state=?)"]


def test_rows_go_a_day_after_success_and_thirty_days_after_failure(
    database: Database, now: datetime
) -> None:
    _add(database, now=now, number=3)
    first, second, _ = _take(database, now=now)
    outbox.done(database, first, now=now)
    outbox.give_up(database, second, error="refused", now=now)
    rules = find_rules(outbox.outbox.metadata)
    assert purge_all(database, rules=rules, now=now + DAY - timedelta(seconds=1)) == {}
    assert purge_all(database, rules=rules, now=now + DAY) == {"outbox": 1}
    assert purge_all(database, rules=rules, now=now + 30 * DAY) == {"outbox": 1}
    assert (
        purge_all(database, rules=rules, now=now + 3000 * DAY) == {}
    )  # what waits is never purged
