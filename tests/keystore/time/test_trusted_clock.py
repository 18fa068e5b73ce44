"""A clock in doubt shows nothing, in every process, until an operator releases it."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import Connection, select

from idp.storage.database import Database
from keystore.log.record import LogWriter, find_writers, log_event, verify_chain
from keystore.storage import Transaction
from keystore.time.clock_watch import ClockWatch
from keystore.time.errors import ReferenceInvalid, TimeNotAvailable
from keystore.time.latch import host_name, release_clock
from keystore.time.limits import ClockLimits
from keystore.time.storage import read_standing_stops
from keystore.time.trusted_clock import TrustedClock
from tests.support.clocks import MovableMachine, Saying, off_by

_MS = timedelta(milliseconds=1)
_SECOND = timedelta(seconds=1)
_HOUR = timedelta(hours=1)

MakeClock = Callable[..., TrustedClock]
MakeWatch = Callable[..., ClockWatch]


def _refusal(clock: TrustedClock) -> str:
    with pytest.raises(TimeNotAvailable) as refused:
        clock.read()
    return refused.value.reason


def _stops(database: Database) -> list[str]:
    with database.read() as connection:
        return [stop.reason for stop in read_standing_stops(connection)]


def _events(database: Database) -> list[tuple[str, dict[str, Any]]]:
    with database.read() as connection:
        rows = connection.execute(select(log_event.c.type, log_event.c.facts)).all()
        for writer in find_writers(connection):
            verify_chain(connection, writer)
    return [(row.type, json.loads(row.facts)) for row in rows]


def test_a_clock_that_goes_on_evenly_is_believed(
    make_clock: MakeClock, machine: MovableMachine
) -> None:
    clock = make_clock()
    for _ in range(5):
        assert clock.read() == machine.now
        machine.pass_time(_HOUR)


@pytest.mark.parametrize(("step", "reason"), [(_SECOND, "step"), (-_SECOND, "set_back")])
def test_a_clock_that_is_set_stops_at_the_next_reading(
    make_clock: MakeClock,
    machine: MovableMachine,
    database: Database,
    step: timedelta,
    reason: str,
) -> None:
    clock = make_clock()
    clock.read()
    machine.set_by(step)
    assert _refusal(clock) == "stopped"
    assert _stops(database) == [reason]
    ((kind, facts),) = _events(database)
    assert kind == "time:tsa:stopped"
    assert facts["reason"] == reason
    assert facts["host"] == "host-1"
    assert facts["offset_ms"] == -1000 * (step // _SECOND)


def test_putting_the_clock_right_again_is_not_enough(
    make_clock: MakeClock, machine: MovableMachine
) -> None:
    clock = make_clock()
    clock.read()
    machine.set_by(-_HOUR)
    assert _refusal(clock) == "stopped"
    machine.set_by(_HOUR)
    machine.pass_time(_HOUR)
    assert _refusal(clock) == "stopped"


def test_a_machine_that_stood_still_stops(make_clock: MakeClock, machine: MovableMachine) -> None:
    """A suspended machine: the calendar went on, the other clock did not."""
    clock = make_clock()
    clock.read()
    machine.set_by(_HOUR)
    assert _refusal(clock) == "stopped"


def test_small_steps_add_up(make_clock: MakeClock, machine: MovableMachine) -> None:
    clock = make_clock()
    clock.read()
    machine.set_by(-150 * _MS)
    clock.read()
    machine.set_by(-150 * _MS)
    assert _refusal(clock) == "stopped"


def test_a_stop_holds_in_other_processes_and_after_a_restart(
    make_clock: MakeClock, machine: MovableMachine
) -> None:
    clock, other, elsewhere = make_clock(), make_clock(), make_clock(host="host-2")
    for one in (clock, other, elsewhere):
        one.read()
    machine.set_by(_SECOND)
    assert _refusal(clock) == "stopped"
    machine.set_by(-_SECOND)
    machine.pass_time(_SECOND)
    assert _refusal(other) == "stopped"
    assert _refusal(elsewhere) == "stopped"
    assert _refusal(make_clock()) == "stopped"


def test_two_processes_that_find_the_same_write_it_once(
    make_clock: MakeClock, machine: MovableMachine, database: Database
) -> None:
    clocks = [make_clock() for _ in range(3)]
    for clock in clocks:
        clock.read()
    machine.set_by(-_SECOND)
    for clock in clocks:
        assert _refusal(clock) == "stopped"
    assert _stops(database) == ["set_back"]


def test_an_operator_releases_it_everywhere(
    make_clock: MakeClock, machine: MovableMachine, database: Database, log: LogWriter
) -> None:
    seen, idle = make_clock(), make_clock()
    seen.read()
    idle.read()
    machine.set_by(-_HOUR)
    assert _refusal(seen) == "stopped"
    (released,) = release_clock(database, log=log.in_name_of("op1"), now=machine.now)
    assert released.reason == "set_back"
    machine.pass_time(_SECOND)
    for clock in (seen, idle, make_clock()):
        assert clock.read() == machine.now
    assert _stops(database) == []
    kinds = [(kind, facts.get("operator")) for kind, facts in _events(database)]
    assert sorted(kinds) == [("time:tsa:released", "op1"), ("time:tsa:stopped", None)]


def test_nothing_to_release_is_nothing_recorded(
    database: Database, log: LogWriter, now: datetime
) -> None:
    assert release_clock(database, log=log, now=now) == ()
    assert _events(database) == []


def test_after_a_release_the_next_doubt_stops_again(
    make_clock: MakeClock, machine: MovableMachine, database: Database, log: LogWriter
) -> None:
    clock = make_clock()
    clock.read()
    for step in (-_HOUR, _HOUR, -_HOUR):
        machine.set_by(step)
        assert _refusal(clock) == "stopped"
        release_clock(database, log=log, now=machine.now)
        machine.pass_time(_SECOND)
        clock.read()


def test_without_a_check_no_time_is_told_where_checks_are_required(
    make_clock: MakeClock, make_watch: MakeWatch, machine: MovableMachine
) -> None:
    clock = make_clock(requires_checks=True)
    assert _refusal(clock) == "unchecked"
    make_watch().check_due()
    machine.pass_time(_SECOND)
    assert clock.read() == machine.now
    elsewhere = make_clock(host="host-2", requires_checks=True)
    assert _refusal(elsewhere) == "unchecked"


def test_a_check_holds_ten_minutes(
    make_clock: MakeClock, make_watch: MakeWatch, machine: MovableMachine
) -> None:
    clock, watch = make_clock(requires_checks=True), make_watch()
    watch.check_due()
    machine.pass_time(timedelta(minutes=10))
    clock.read()
    machine.pass_time(_SECOND)
    assert _refusal(clock) == "unchecked"
    watch.check_due()
    machine.pass_time(_SECOND)
    clock.read()


def test_a_clock_set_back_while_nobody_ran_is_noticed(
    make_clock: MakeClock, make_watch: MakeWatch, machine: MovableMachine, database: Database
) -> None:
    make_watch().check_due()
    machine.set_by(-_HOUR)
    assert _refusal(make_clock(requires_checks=True)) == "stopped"
    assert _stops(database) == ["set_back"]


def test_released_but_still_wrong_it_stops_again(
    make_clock: MakeClock,
    make_watch: MakeWatch,
    machine: MovableMachine,
    database: Database,
    log: LogWriter,
    saying: Saying,
) -> None:
    clock, watch = make_clock(requires_checks=True), make_watch()
    watch.check_due()
    clock.read()
    machine.set_by(-_HOUR)
    assert _refusal(clock) == "stopped"
    release_clock(database, log=log, now=machine.now)
    machine.pass_time(_SECOND)
    assert _refusal(clock) == "unchecked"
    saying.says = off_by(_HOUR)
    assert watch.check_due() is True
    machine.pass_time(_SECOND)
    assert _refusal(clock) == "stopped"
    assert _stops(database) == ["drift"]


def test_an_announced_leap_second_stops_before_it_comes(
    make_clock: MakeClock, make_watch: MakeWatch, machine: MovableMachine, saying: Saying
) -> None:
    """RFC 5905 §7.3: leap indicator 1, at the end of this day."""
    saying.says = off_by(timedelta(0), leap=1)
    clock, watch = make_clock(requires_checks=True), make_watch()
    watch.check_due()
    clock.read()
    midnight = machine.now.replace(hour=0, minute=0, second=0, microsecond=0) + 24 * _HOUR
    machine.pass_time(midnight - machine.now - timedelta(seconds=61))
    watch.check_due()
    clock.read()
    machine.pass_time(_SECOND)
    assert _refusal(clock) == "stopped"


class _Away:
    """A database that does not answer, when told so."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self.is_away = False

    @contextmanager
    def read(self) -> Iterator[Connection]:
        self._refuse()
        with self._database.read() as connection:
            yield connection

    @contextmanager
    def transaction(self) -> Iterator[Transaction]:
        self._refuse()
        with self._database.transaction() as tx:
            yield tx

    def _refuse(self) -> None:
        if self.is_away:
            raise OSError("away")


def test_without_a_database_the_time_is_told_for_ten_seconds(
    database: Database, machine: MovableMachine, limits: ClockLimits, log: LogWriter
) -> None:
    away = _Away(database)
    clock = TrustedClock(
        away, host="h", log=log, limits=limits, requires_checks=False, machine=machine.clock
    )
    clock.read()
    away.is_away = True
    machine.pass_time(10 * _SECOND)
    clock.read()
    machine.pass_time(_SECOND)
    assert _refusal(clock) == "storage"
    away.is_away = False
    machine.pass_time(_SECOND)
    clock.read()


def test_without_a_database_from_the_start_no_time_is_told(
    database: Database, machine: MovableMachine, limits: ClockLimits, log: LogWriter
) -> None:
    away = _Away(database)
    away.is_away = True
    clock = TrustedClock(
        away, host="h", log=log, limits=limits, requires_checks=False, machine=machine.clock
    )
    assert _refusal(clock) == "storage"


def test_a_doubt_that_cannot_be_written_holds_and_is_written_later(
    database: Database, machine: MovableMachine, limits: ClockLimits, log: LogWriter
) -> None:
    away = _Away(database)
    clock = TrustedClock(
        away, host="h", log=log, limits=limits, requires_checks=False, machine=machine.clock
    )
    clock.read()
    away.is_away = True
    machine.set_by(-_SECOND)
    assert _refusal(clock) == "stopped"
    machine.set_by(_SECOND)
    assert _refusal(clock) == "stopped"
    assert _stops(database) == []
    away.is_away = False
    machine.pass_time(_SECOND)
    assert _refusal(clock) == "stopped"
    assert _stops(database) == ["set_back"]


def test_limits_keep_together_what_is_promised() -> None:
    ClockLimits.for_accuracy(timedelta(milliseconds=600))
    with pytest.raises(ReferenceInvalid):
        ClockLimits.for_accuracy(timedelta(milliseconds=500))
    with pytest.raises(ReferenceInvalid):
        ClockLimits(_SECOND, drift=_SECOND / 2, worst=_SECOND, step=_SECOND / 2)


@pytest.mark.parametrize(
    ("raw", "name"),
    [
        ("web-1.example", "web-1.example"),
        ("003091234567", "h-003091234567"),
        ("máy chủ", "m-y-ch-"),
        ("", "unnamed"),
        ("x" * 99, "x" * 60),
    ],
)
def test_a_host_is_named_as_a_log_may_carry_it(raw: str, name: str) -> None:
    assert host_name(raw) == name
