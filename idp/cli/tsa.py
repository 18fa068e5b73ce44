"""`antin tsa`: whether timestamps are given, and giving them again after a doubt about a clock.

What lives here: looking at stops, checks and sources, and the release.  Printed are hosts, reasons
and times.  Not here: what stops (`keystore/time`).  Source: ETSI EN 319 421 §7.7.2.
"""

from __future__ import annotations

import json
import sys
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

import click

from idp.cli.context import open_services
from idp.cli.naming import operator_option
from idp.services import Services
from idp.timestamps import (
    find_unchecked,
    is_gone,
    make_reference,
    make_watch,
    may_forget,
    this_host,
)
from keystore.time.latch import release_clock
from keystore.time.majority import Reading
from keystore.time.ntp import NtpMajority
from keystore.time.storage import (
    CheckRecord,
    StopRecord,
    forget_host,
    read_checks,
    read_standing_stops,
)

_REFUSED: Final = 1
_UNWATCHED: Final = (
    "nobody says whether this clock is right: neither ANTIN_TIME_SOURCES nor ANTIN_TIME_CHRONYC"
)


@dataclass(frozen=True, slots=True)
class _State:
    stops: tuple[StopRecord, ...]
    checks: tuple[CheckRecord, ...]
    gone: tuple[CheckRecord, ...]
    unchecked: tuple[CheckRecord, ...] | None
    is_watched: bool
    asked: tuple[dict[str, Any], ...]


@click.group()
def tsa() -> None:
    """Timestamps and the clock behind them."""


@tsa.command()
def serve() -> None:
    """Serve /tsa, and nothing else, on ANTIN_HOST:ANTIN_PORT."""
    from idp.cli.tsa_serve import run_server

    run_server()


@tsa.command()
@click.option("--ask", is_flag=True, help="Ask each source of this host now.")
@click.option("--json", "as_json", is_flag=True, help="For programs.")
def status(*, ask: bool, as_json: bool) -> None:
    """Whether timestamps are given, and what each host last heard about its clock.

    The exit status is 1 while a doubt stops them, and while a host gives none because nobody
    confirmed its clock lately.  A host that was not heard of for a day is gone: it is listed apart,
    counts no more, and is forgotten after 30 days or by `antin tsa forget`.
    """
    with open_services() as services:
        state = _read(services, ask=ask)
        click.echo(_as_json(state) if as_json else _as_text(state, now=services.time()))
    if state.stops or state.unchecked != ():
        sys.exit(_REFUSED)


@tsa.command()
@operator_option
@click.option("--yes", is_flag=True, help="Do not ask.")
def release(operator: str, *, yes: bool) -> None:
    """Give timestamps again, everywhere, once the clock is known to be right.

    Each host asks its sources first; what is still wrong then stops everything again.
    """
    with open_services() as services:
        state = _read(services, ask=False)
        if not state.stops:
            click.echo("nothing is stopped")
            return
        for stop in state.stops:
            click.echo(_stop_line(stop))
        if not yes:
            click.confirm(
                "From the next check on every host signs the time that its clock shows.  Release?",
                abort=True,
            )
        log = services.log.in_name_of(operator)
        for stop in release_clock(services.database, log=log, now=services.time()):
            click.echo(f"released: {stop.host}, {stop.reason}")
        _check_here(services)


@tsa.command()
@click.argument("host")
def forget(host: str) -> None:
    """Forget what HOST heard about its clock: the host is gone."""
    with open_services() as services:
        with services.database.read() as connection:
            (check,) = read_checks(connection, host=host) or (None,)
        if check is None:
            raise click.ClickException("no such host was heard of")
        if not may_forget(services.settings, check, now=services.time()):
            raise click.ClickException("it is there: it has asked within the last minutes")
        with services.database.transaction() as tx:
            forget_host(tx.connection, host=host)
    click.echo(f"forgotten: {host}")


def _check_here(services: Services) -> None:
    watch = make_watch(services.settings, database=services.database, log=services.log)
    if watch is None:
        click.echo(_UNWATCHED)
        return
    watch.check()
    with services.database.read() as connection:
        for check in read_checks(connection, host=this_host()):
            click.echo(_check_line(check, now=services.time()))


def _read(services: Services, *, ask: bool) -> _State:
    reference = make_reference(services.settings)
    asked: list[dict[str, Any]] = []
    if ask and isinstance(reference, NtpMajority):
        asked = [
            {
                "source": one.source,
                "offset_ms": one.offset_us / 1000,
                "uncertainty_ms": one.uncertainty_us / 1000,
                "leap": one.leap.name.lower(),
            }
            if isinstance(one, Reading)
            else {"source": one.source, "failure": one.reason}
            for one in reference.read_each()
        ]
    with services.database.read() as connection:
        stops, checks = read_standing_stops(connection), read_checks(connection)
    now = services.time()
    return _State(
        stops,
        checks=tuple(check for check in checks if not is_gone(check, now=now)),
        gone=tuple(check for check in checks if is_gone(check, now=now)),
        unchecked=find_unchecked(
            services.settings, checks, is_sandbox=services.is_sandbox, now=now
        ),
        is_watched=reference is not None,
        asked=tuple(asked),
    )


def _as_json(state: _State) -> str:
    return json.dumps(
        {
            "stopped": bool(state.stops),
            "watched": state.is_watched,
            "unchecked": None
            if state.unchecked is None
            else [{"host": one.host, "since": _instant(one.checked_at)} for one in state.unchecked],
            "stops": [
                {
                    "host": stop.host,
                    "reason": stop.reason,
                    "offset_ms": None if stop.offset_us is None else stop.offset_us / 1000,
                    "stopped_at": _instant(stop.stopped_at),
                }
                for stop in state.stops
            ],
            "checks": [
                {
                    "host": check.host,
                    "checked_at": _instant(check.checked_at),
                    "low_ms": None if check.low_us is None else check.low_us / 1000,
                    "high_ms": None if check.high_us is None else check.high_us / 1000,
                    "agreeing": check.agreeing,
                    "asked": check.asked,
                    "authenticated": check.is_authenticated,
                    "leap_at": _instant(check.leap_at),
                    "failure": check.failure,
                }
                for check in state.checks
            ],
            "gone": [
                {"host": one.host, "last_heard": _instant(one.tried_at)} for one in state.gone
            ],
            "sources": list(state.asked),
        },
        indent=2,
    )


def _as_text(state: _State, *, now: datetime) -> str:
    lines = [_stop_line(stop) for stop in state.stops] or ["timestamps are not stopped"]
    if state.unchecked is None:
        lines.append("NO TIMESTAMPS: unchecked, no host ever asked whether its clock is right")
    else:
        lines += [_unchecked_line(check) for check in state.unchecked]
    lines += [_check_line(check, now=now) for check in state.checks]
    lines += [f"{one.host:24} gone, last heard of {one.tried_at:%F %T}Z" for one in state.gone]
    for one in state.asked:
        said = one.get("failure") or (
            f"{one['offset_ms']:+.3f} ± {one['uncertainty_ms']:.3f} ms, leap {one['leap']}"
        )
        lines.append(f"{one['source']:24} {said}")
    if not state.is_watched:
        lines.append(_UNWATCHED)
    return "\n".join(lines)


def _stop_line(stop: StopRecord) -> str:
    off = "" if stop.offset_us is None else f", {stop.offset_us / 1000:+.0f} ms to the truth"
    return f"STOPPED since {stop.stopped_at:%F %T}Z by {stop.host}: {stop.reason}{off}"


def _unchecked_line(check: CheckRecord) -> str:
    since = "the last release" if check.checked_at is None else f"{check.checked_at:%F %T}Z"
    return f"NO TIMESTAMPS by {check.host}: unchecked since {since}"


def _check_line(check: CheckRecord, *, now: datetime) -> str:
    said = "no check passed since the last release"
    if check.checked_at and check.low_us is not None and check.high_us is not None:
        age_s = (now - check.checked_at).total_seconds()
        said = (
            f"{check.low_us / 1000:+.1f} to {check.high_us / 1000:+.1f} ms, "
            f"{check.agreeing} of {check.asked} sources{' (NTS)' * check.is_authenticated}, "
            f"{age_s:.0f} s ago"
        )
    if check.leap_at is not None:
        said += f"; leap second {check.leap_at:%F %T}Z"
    if check.failure is not None:
        said += f"; last attempt: {check.failure}"
    return f"{check.host:24} {said}"


def _instant(instant: datetime | None) -> str | None:
    return None if instant is None else instant.isoformat(timespec="milliseconds")
