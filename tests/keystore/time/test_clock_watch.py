"""A host asks others whether its clock is right, and stops the authority when it is not."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import replace
from datetime import timedelta

import pytest
import structlog

from idp.storage.database import Database
from keystore.log.record import LogWriter
from keystore.time.clock_watch import ClockWatch
from keystore.time.errors import (
    NoMajority,
    SourcesUnsynchronised,
    SourceUnavailable,
    TimeNotAvailable,
)
from keystore.time.latch import release_clock
from keystore.time.limits import ClockLimits
from keystore.time.machine import MachineClock
from keystore.time.majority import Leap
from keystore.time.ntp import NtpMajority
from keystore.time.storage import CheckRecord, find_check, read_checks, read_standing_stops
from keystore.time.trusted_clock import TrustedClock
from tests.support.clocks import MovableMachine, NtpServer, Saying, off_by
from tests.support.servers import wait_until

_MS = timedelta(milliseconds=1)
_EVERY = timedelta(seconds=64)
_ASKING_ALWAYS = replace(ClockLimits.for_accuracy(timedelta(seconds=1)), check_every=timedelta(0))

MakeClock = Callable[..., TrustedClock]
MakeWatch = Callable[..., ClockWatch]


def _check(database: Database, host: str = "host-1") -> CheckRecord:
    with database.read() as connection:
        found = find_check(connection, host=host)
    assert found is not None
    return found


def _stops(database: Database) -> list[tuple[str, str]]:
    with database.read() as connection:
        return [(stop.host, stop.reason) for stop in read_standing_stops(connection)]


def test_a_check_that_passes_says_what_was_heard(
    make_watch: MakeWatch, machine: MovableMachine, database: Database, saying: Saying
) -> None:
    saying.says = off_by(20 * _MS)
    assert make_watch().check_due() is True
    check = _check(database)
    assert check.checked_at == check.tried_at == machine.now
    assert (check.low_us, check.high_us) == (15_000, 25_000)
    assert (check.agreeing, check.asked, check.failure) == (3, 3, None)
    assert check.leap_at is None


def test_one_process_of_a_host_asks_in_a_period(
    make_watch: MakeWatch, machine: MovableMachine, saying: Saying
) -> None:
    watches = [make_watch() for _ in range(4)]
    with ThreadPoolExecutor(4) as threads:
        assert sum(threads.map(ClockWatch.check_due, watches)) == 1
    machine.pass_time(_EVERY - _MS)
    assert not any(watch.check_due() for watch in watches)
    machine.pass_time(_MS)
    assert [watch.check_due() for watch in watches] == [True, False, False, False]
    assert saying.times_asked == 2
    assert make_watch(host="host-2").check_due() is True


@pytest.mark.parametrize("offset", [401 * _MS, -401 * _MS, timedelta(days=4)])
def test_drift_stops(
    make_watch: MakeWatch, database: Database, saying: Saying, offset: timedelta
) -> None:
    saying.says = off_by(offset)
    make_watch().check_due()
    assert _stops(database) == [("host-1", "drift")]
    assert _check(database).failure == "drift"
    assert _check(database).checked_at is None


def test_a_little_drift_is_what_the_accuracy_is_for(
    make_watch: MakeWatch, database: Database, saying: Saying
) -> None:
    saying.says = off_by(-400 * _MS)
    make_watch().check_due()
    assert _stops(database) == []
    assert _check(database).failure is None


def test_sources_too_vague_for_the_promise_do_not_count(
    make_watch: MakeWatch, database: Database, saying: Saying
) -> None:
    saying.says = off_by(100 * _MS, around_ms=601)
    make_watch().check_due()
    assert _stops(database) == []
    assert _check(database).failure == "too_uncertain"
    assert _check(database).checked_at is None


@pytest.mark.parametrize(
    ("failure", "word"),
    [
        (NoMajority(agreeing=1, asked=3), "no_majority"),
        (SourceUnavailable("chrony", reason="no_answer"), "no_answer"),
        (SourcesUnsynchronised(alarms=2, asked=3), "leap_alarm"),
    ],
)
def test_a_check_that_fails_stops_nothing_and_is_shown(
    make_watch: MakeWatch, database: Database, saying: Saying, failure: Exception, word: str
) -> None:
    saying.says = failure
    make_watch().check_due()
    assert _stops(database) == []
    assert _check(database).failure == word


def test_what_passed_before_a_failure_stays(
    make_watch: MakeWatch, machine: MovableMachine, database: Database, saying: Saying
) -> None:
    make_watch().check_due()
    passed = machine.now
    machine.pass_time(_EVERY)
    saying.says = NoMajority(agreeing=0, asked=3)
    make_watch().check_due()
    check = _check(database)
    assert (check.checked_at, check.failure) == (passed, "no_majority")


def test_a_leap_alarm_of_sources_that_we_went_by_stops(
    make_watch: MakeWatch, machine: MovableMachine, database: Database, saying: Saying
) -> None:
    """RFC 5905 §7.3: leap indicator 3, alarm condition."""
    make_watch().check_due()
    machine.pass_time(_EVERY)
    saying.says = SourcesUnsynchronised(alarms=2, asked=3)
    make_watch().check_due()
    assert _stops(database) == [("host-1", "leap_alarm")]


def test_an_announced_leap_second_is_kept_with_the_end_of_the_day(
    make_watch: MakeWatch, machine: MovableMachine, database: Database, saying: Saying
) -> None:
    saying.says = off_by(timedelta(0), leap=Leap.INSERT)
    make_watch().check_due()
    leap_at = _check(database).leap_at
    assert leap_at is not None
    assert leap_at.isoformat() == "2026-11-22T00:00:00+00:00"


def test_a_release_makes_every_host_ask_anew(
    make_watch: MakeWatch, machine: MovableMachine, database: Database, log: LogWriter
) -> None:
    watches = [make_watch(host=host) for host in ("host-1", "host-2")]
    for watch in watches:
        watch.check_due()
    release_clock(database, log=log, now=machine.now)
    assert _check(database).checked_at is None
    assert all(watch.check_due() for watch in watches)


def test_a_clock_set_back_does_not_keep_the_host_from_asking(
    make_watch: MakeWatch, machine: MovableMachine
) -> None:
    watch = make_watch()
    watch.check_due()
    machine.set_by(timedelta(hours=-1))
    assert watch.check_due() is True


def test_hosts_that_are_gone_are_forgotten(
    make_watch: MakeWatch, machine: MovableMachine, database: Database
) -> None:
    make_watch(host="gone").check_due()
    machine.pass_time(timedelta(days=31))
    make_watch().check_due()
    with database.read() as connection:
        assert [check.host for check in read_checks(connection)] == ["host-1"]


def test_an_operator_can_have_it_check_at_once(make_watch: MakeWatch, saying: Saying) -> None:
    watch = make_watch()
    watch.check()
    watch.check()
    assert saying.times_asked == 2


def test_the_same_doubt_of_the_same_host_is_written_once(
    make_watch: MakeWatch, machine: MovableMachine, database: Database, saying: Saying
) -> None:
    saying.says = off_by(timedelta(seconds=5))
    for host in ("host-1", "host-1", "host-2"):
        make_watch(host=host).check()
    assert sorted(_stops(database)) == [("host-1", "drift"), ("host-2", "drift")]


def test_a_watch_goes_on_after_anything(make_watch: MakeWatch, saying: Saying) -> None:
    saying.says = RuntimeError("nobody thought of this")
    watch, stopping = make_watch(limits=_ASKING_ALWAYS), threading.Event()
    thread = threading.Thread(target=watch.run, args=(stopping,), kwargs={"look_every_s": 0.001})
    thread.start()
    wait_until(lambda: saying.times_asked > 2, what="three attempts")
    stopping.set()
    thread.join()


def test_what_keeps_the_watch_from_checking_is_said_once_until_it_changes(
    make_watch: MakeWatch, saying: Saying
) -> None:
    """ETSI EN 319 421 §7.7.2: a watch that cannot look must not be silent about it."""
    watch, stopping = make_watch(limits=_ASKING_ALWAYS), threading.Event()
    with structlog.testing.capture_logs() as said:
        thread = threading.Thread(
            target=watch.run, args=(stopping,), kwargs={"look_every_s": 0.001}
        )
        saying.says = RuntimeError("nobody thought of this: /var/secret")
        thread.start()
        for then in (ValueError("nor of this"), off_by(timedelta(0))):
            saying.times_asked = 0
            wait_until(lambda: saying.times_asked > 2, what="three attempts")
            saying.says = then
        wait_until(lambda: "recovered" in str(said), what="the good news")
        stopping.set()
        thread.join()
    assert [(one["event"], one.get("error")) for one in said] == [
        ("clock_watch_failing", "RuntimeError"),
        ("clock_watch_failing", "ValueError"),
        ("clock_watch_recovered", None),
    ]
    assert "secret" not in str(said)


def test_real_servers_a_real_clock_and_one_liar(
    make_watch: MakeWatch, make_clock: MakeClock, database: Database
) -> None:
    with ExitStack() as stack:
        servers = [stack.enter_context(NtpServer(timedelta(hours=hours))) for hours in (0, 7, 0)]
        reference = NtpMajority([server.source() for server in servers])
        watch = make_watch(reference=reference, machine=MachineClock())
        stopping = threading.Event()
        thread = threading.Thread(target=watch.run, args=(stopping,))
        thread.start()
        clock = make_clock(requires_checks=True, machine=MachineClock())
        wait_until(clock.is_believed, what="a check")
        first = clock.read()
        stopping.set()
        thread.join()
    assert _check(database).agreeing == 2
    assert clock.read() >= first


def test_real_servers_that_agree_that_we_are_wrong_stop_us(
    make_watch: MakeWatch, make_clock: MakeClock, database: Database
) -> None:
    with ExitStack() as stack:
        servers = [
            stack.enter_context(NtpServer(timedelta(seconds=seconds))) for seconds in (0, 2, 2)
        ]
        reference = NtpMajority([server.source() for server in servers])
        make_watch(reference=reference, machine=MachineClock()).check_due()
    with pytest.raises(TimeNotAvailable) as refused:
        make_clock(machine=MachineClock()).read()
    assert refused.value.reason == "stopped"
    assert _stops(database) == [("host-1", "drift")]
