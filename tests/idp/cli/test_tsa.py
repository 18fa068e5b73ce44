"""`antin tsa` as an operator types it."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from datetime import timedelta

import click
import msgspec
import pytest
from click.testing import CliRunner, Result
from sqlalchemy import select

from idp.cli import cli
from idp.cli.tsa import tsa
from idp.clock import utc_now
from idp.services import Services
from idp.timestamps import make_watch, this_host
from keystore.log.record import log_event
from keystore.time.latch import Stop, release_clock, stop_clock
from keystore.time.majority import Leap, Measurement
from keystore.time.storage import read_checks, write_attempt, write_passed
from tests.support.clocks import NtpServer
from tests.support.provider import Provider

Run = Callable[..., Result]


@pytest.fixture
def sources() -> Iterator[list[NtpServer]]:
    """Three servers; one of them is off by seven hours."""
    with ExitStack() as stack:
        yield [stack.enter_context(NtpServer(timedelta(hours=hours))) for hours in (0, 7, 0)]


@pytest.fixture
def watched(provider: Provider, sources: list[NtpServer]) -> Services:
    """The provider's services with time sources."""
    names = tuple(server.name for server in sources)
    settings = msgspec.structs.replace(provider.services.settings, time_sources=names)
    return replace(provider.services, settings=settings)


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch) -> Run:
    """Run a command over services."""

    def invoke(services: Services, *arguments: str, typed: str = "", status: int = 0) -> Result:
        @contextmanager
        def opened() -> Iterator[Services]:
            yield services

        monkeypatch.setattr("idp.cli.tsa.open_services", opened)
        result = CliRunner().invoke(tsa, arguments, input=typed)
        assert result.exit_code == status, (result.output, result.exception)
        return result

    return invoke


def _stop(services: Services) -> None:
    stop_clock(
        services.database,
        Stop("drift", 2_500_000),
        host="web-1",
        log=services.log,
        now=services.time(),
    )


def test_it_is_a_command_of_the_house() -> None:
    assert cli.get_command(click.Context(cli), "tsa") is tsa


def test_a_clock_that_nobody_watches_is_said_so(provider: Provider, run: Run) -> None:
    shown = run(provider.services, "status").output
    assert shown.startswith("timestamps are not stopped\nnobody says whether this clock is right")
    assert json.loads(run(provider.services, "status", "--json").output)["watched"] is False


def test_what_hosts_heard_and_what_sources_say_is_shown(watched: Services, run: Run) -> None:
    watch = make_watch(watched.settings, database=watched.database, log=watched.log)
    assert watch is not None
    watch.check()
    shown = run(watched, "status", "--ask").output
    assert f"{this_host()} " in shown
    assert "2 of 3 sources" in shown
    assert shown.count("leap none") == 3
    told = json.loads(run(watched, "status", "--ask", "--json").output)
    assert told["checks"][0]["agreeing"] == 2
    assert max(abs(one["offset_ms"]) for one in told["sources"]) > 25_000_000


def test_a_stop_is_shown_and_ends_the_command_with_1(provider: Provider, run: Run) -> None:
    _stop(provider.services)
    shown = run(provider.services, "status", status=1).output
    since = f"{provider.services.time():%F %T}Z"
    assert f"STOPPED since {since} by web-1: drift, +2500 ms to the truth" in shown
    told = json.loads(run(provider.services, "status", "--json", status=1).output)
    assert (told["stopped"], told["stops"][0]["offset_ms"]) == (True, 2500)


@pytest.fixture
def giving(watched: Services) -> Services:
    """The same, and timestamps are meant to be given."""
    settings = msgspec.structs.replace(watched.settings, tsa_enabled=True)
    return replace(watched, settings=settings)


def test_clocks_that_nobody_ever_confirmed_give_no_timestamps_and_end_with_1(
    giving: Services, run: Run
) -> None:
    """ETSI EN 319 421 §7.7.2: whoever looks must see that /tsa refuses, and why."""
    assert "NO TIMESTAMPS: unchecked, no host" in run(giving, "status", status=1).output
    assert json.loads(run(giving, "status", "--json", status=1).output)["unchecked"] is None


def test_a_check_that_holds_no_more_gives_no_timestamps_and_ends_with_1(
    giving: Services, run: Run
) -> None:
    """ETSI EN 319 421 §7.7.2: the same limit as the clock's, to the millisecond."""
    watch = make_watch(giving.settings, database=giving.database, log=giving.log)
    assert watch is not None
    watch.check()
    with giving.database.read() as connection:
        (check,) = read_checks(connection)
    assert check.checked_at is not None
    limit = check.checked_at + timedelta(minutes=10)
    at_limit = replace(giving, time=lambda: limit)
    assert "NO TIMESTAMPS" not in run(at_limit, "status").output
    late = replace(giving, time=lambda: limit + timedelta(milliseconds=1))
    shown = run(late, "status", status=1).output
    assert f"NO TIMESTAMPS by {this_host()}: unchecked since {check.checked_at:%F %T}Z" in shown
    told = json.loads(run(late, "status", "--json", status=1).output)
    assert told["unchecked"][0]["host"] == this_host()
    not_given = msgspec.structs.replace(giving.settings, tsa_enabled=False)
    run(replace(late, settings=not_given), "status")


def test_after_a_release_nothing_is_given_until_a_check_passed(giving: Services, run: Run) -> None:
    watch = make_watch(giving.settings, database=giving.database, log=giving.log)
    assert watch is not None
    watch.check()
    release_clock(giving.database, log=giving.log, now=giving.time())
    shown = run(giving, "status", status=1).output
    assert "unchecked since the last release" in shown


def _heard(services: Services, host: str, *, ago: timedelta) -> None:
    """A check of a host that passed then; it was not heard of since."""
    then = services.time() - ago
    measured = Measurement(-1000, 1000, agreeing=3, asked=3, is_authenticated=False, leap=Leap.NONE)
    with services.database.transaction() as tx:
        write_attempt(tx.connection, host=host, now=then)
        write_passed(tx.connection, host=host, measured=measured, leap_at=None, now=then)


@pytest.mark.parametrize("is_released", [False, True])
def test_a_host_that_is_gone_is_listed_apart_and_does_not_count(
    giving: Services, run: Run, *, is_released: bool
) -> None:
    """It gives no timestamps because it is not there, which is no reason to wake anybody."""
    giving = replace(giving, time=utc_now)  # as the watch goes by
    _heard(giving, "web-old", ago=timedelta(hours=25))
    _heard(giving, "web-ill", ago=timedelta(hours=23))
    if is_released:
        release_clock(giving.database, log=giving.log, now=giving.time())
    watch = make_watch(giving.settings, database=giving.database, log=giving.log)
    assert watch is not None
    assert watch.check_due()
    told = json.loads(run(giving, "status", "--json", status=1).output)
    assert [one["host"] for one in told["unchecked"]] == ["web-ill"]
    assert [one["host"] for one in told["gone"]] == ["web-old"]
    assert {one["host"] for one in told["checks"]} == {"web-ill", this_host()}
    assert run(giving, "forget", "web-ill").output == "forgotten: web-ill\n"
    assert "web-old                  gone, last heard of" in run(giving, "status").output
    assert "it is there" in run(giving, "forget", this_host(), status=1).output
    assert "no such host" in run(giving, "forget", "web-ill", status=1).output


def test_hosts_that_are_all_gone_give_no_timestamps(giving: Services, run: Run) -> None:
    _heard(giving, "web-old", ago=timedelta(days=2))
    assert "NO TIMESTAMPS by web-old" in run(giving, "status", status=1).output


def test_a_host_that_is_gone_is_forgotten_after_a_release_too(giving: Services) -> None:
    """A release makes every host ask anew; it makes nobody younger."""
    _heard(giving, "web-old", ago=timedelta(days=20))
    release_clock(giving.database, log=giving.log, now=giving.time())
    later = giving.time() + timedelta(days=11)
    with giving.database.transaction() as tx:
        write_attempt(tx.connection, host="web-1", now=later)
        assert [one.host for one in read_checks(tx.connection)] == ["web-1"]


def test_a_release_asks_and_names_what_follows(provider: Provider, run: Run) -> None:
    _stop(provider.services)
    release = ("release", "--operator", "op1")
    refused = run(provider.services, *release, typed="n\n", status=1)
    assert "every host signs the time that its clock shows" in refused.output
    run(provider.services, "status", status=1)
    assert "released: web-1, drift" in run(provider.services, *release, typed="y\n").output
    run(provider.services, "status")
    assert run(provider.services, *release, typed="").output == "nothing is stopped\n"


def test_a_release_checks_this_host_at_once_and_names_its_operator(
    watched: Services, run: Run
) -> None:
    _stop(watched)
    shown = run(watched, "release", "--operator", "op1", "--yes").output
    assert "2 of 3 sources" in shown
    with watched.database.read() as connection:
        facts = connection.execute(
            select(log_event.c.facts).where(log_event.c.type == "time:tsa:released")
        ).scalar_one()
    assert json.loads(facts)["operator"] == "op1"


def test_a_release_of_a_clock_that_is_still_wrong_does_not_last(
    watched: Services, sources: list[NtpServer], run: Run
) -> None:
    for server in sources:
        server.offset = timedelta(seconds=3)
    _stop(watched)
    shown = run(watched, "release", "--operator", "op1", "--yes").output
    assert "last attempt: drift" in shown
    assert f"by {this_host()}: drift" in run(watched, "status", status=1).output
