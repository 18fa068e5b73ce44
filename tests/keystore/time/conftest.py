"""A machine whose clock can be set, over a database that several processes share."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import pytest

from idp.storage.database import Database
from keystore.log.record import LogWriter
from keystore.time.clock_watch import ClockWatch
from keystore.time.limits import ClockLimits
from keystore.time.trusted_clock import TrustedClock
from tests.support.clocks import MovableMachine, Saying, off_by


@pytest.fixture
def machine(now: datetime) -> MovableMachine:
    """Shows `now`."""
    return MovableMachine(now)


@pytest.fixture
def limits() -> ClockLimits:
    """Of a promise of one second: drift 400 ms, step 200 ms."""
    return ClockLimits.for_accuracy(timedelta(seconds=1))


@pytest.fixture
def saying() -> Saying:
    """Sources that agree with our clock, until a test changes their mind."""
    return Saying(off_by(timedelta(0)))


@pytest.fixture
def make_clock(
    database: Database, log: LogWriter, limits: ClockLimits, machine: MovableMachine
) -> Callable[..., TrustedClock]:
    """The clock of one more process."""

    def make(
        *, host: str = "host-1", requires_checks: bool = False, **changes: Any
    ) -> TrustedClock:
        given: dict[str, Any] = {"log": log, "limits": limits, "machine": machine.clock}
        return TrustedClock(
            database, host=host, requires_checks=requires_checks, **(given | changes)
        )

    return make


@pytest.fixture
def make_watch(
    database: Database,
    log: LogWriter,
    limits: ClockLimits,
    machine: MovableMachine,
    saying: Saying,
) -> Callable[..., ClockWatch]:
    """The watch of one more process."""

    def make(*, host: str = "host-1", **changes: Any) -> ClockWatch:
        given: dict[str, Any] = {
            "log": log,
            "limits": limits,
            "machine": machine.clock,
            "reference": saying,
        }
        return ClockWatch(database, host=host, **(given | changes))

    return make
