"""What every test may use; each part of the tree adds a conftest.py of its own.

Fixtures: `now`, `clock`; `database`, `ephemeral`, `store_urls` (once per implementation);
`postgresql_url`, `redis_url`, `own_postgresql`, `own_redis`; `seeded`, `pii_alarm`; `isolation`,
`pdf_programs`; `signing_pki`, `hand`, `each_hand`, `timestamps`, `status` and what is away of them;
`sandbox`, which starts on first use.
The files behind them are in `tests/support/`.
"""

from __future__ import annotations

import gc
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import HealthCheck, settings
from hypothesis.database import DirectoryBasedExampleDatabase

from tests.vectors.corpus import what_is_missing

pytest_plugins = (
    "tests.support.isolation",
    "tests.support.loopback",
    "tests.support.order",
    "tests.support.pdf_programs",
    "tests.support.pii_alarm",
    "tests.support.remembered_routes",
    "tests.support.servers",
    "tests.support.signatory",
    "tests.support.stores",
    "tests.support.validation_house",
    "tests.support.sandbox",  # after those it imports: they are rewritten as plugins first
)

# a shared machine makes single examples slow; what takes time is measured by `make bench`.  A whole
# run tries the same examples each time, so that a change is what breaks it; `make fuzz` others
settings.register_profile(
    "house",
    deadline=None,
    max_examples=60,
    derandomize=True,
    database=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture],
)
settings.register_profile(
    "fuzz",
    settings.get_profile("house"),
    max_examples=5_000,
    derandomize=False,
    database=DirectoryBasedExampleDatabase(".hypothesis/examples"),
)
settings.load_profile("house")


class Clock:
    """A clock that moves only when it is told to; call it where a function asks for the time."""

    def __init__(self, start: datetime) -> None:
        self.now = start

    def __call__(self) -> datetime:
        """The time it shows."""
        return self.now

    def advance(self, step: timedelta) -> datetime:
        """Move on by `step` and return the new time."""
        self.now += step
        return self.now


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """The last word on tests that did not run, and what tests want to be read in any case.

    An empty list of tests looks like a success; a table in a passed test is seen by nobody.
    """
    for report in terminalreporter.getreports("passed") + terminalreporter.getreports("failed"):
        for name, told in getattr(report, "user_properties", ()):
            if name == "agreement" and report.when == "call":
                terminalreporter.write_line(str(told))
    if (missing := what_is_missing()) is not None:
        terminalreporter.write_line(missing, red=True, bold=True)


def pytest_collection_finish() -> None:
    """What is there by now stays: the search for garbage need not go through it again and again."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(10_000, 10, 10)


@pytest.fixture
def now() -> datetime:
    """One instant, the same in every run."""
    return datetime(2026, 11, 21, 3, 4, 5, tzinfo=UTC)


@pytest.fixture
def clock(now: datetime) -> Clock:
    """A clock that shows `now` until the test moves it."""
    return Clock(now)
