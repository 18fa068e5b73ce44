"""A worker without a process around it, over each database, with a clock that the test moves."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from idp.storage.database import Database
from idp.storage.ephemeral_sql import SqlEphemeralStore
from idp.work import Clock, Outbox, Worker, open_clock


@pytest.fixture
def huey_clock(tmp_path: Path) -> Iterator[Clock]:
    """The queue out of the box, with nobody listening."""
    opened = open_clock(f"sqlite:///{tmp_path / 'queue.db'}")
    yield opened
    opened.close()


@pytest.fixture
def outbox(huey_clock: Clock) -> Outbox:
    return Outbox(huey_clock.wake)


@pytest.fixture
def make_worker(
    database: Database, huey_clock: Clock, tmp_path: Path, clock: Callable[[], datetime]
) -> Iterator[Callable[..., Worker]]:
    """Workers that share a database and marks, as those of several hosts do."""
    marks = SqlEphemeralStore(f"sqlite:///{tmp_path / 'marks.db'}")

    def make(**options: Any) -> Worker:
        options.setdefault("handlers", {})
        return Worker(database, clock=huey_clock, marks=marks, time=clock, **options)

    yield make
    marks.close()
