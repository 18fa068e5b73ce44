"""A sequencer over both databases, and a witness that is a process of its own."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from idp.storage.database import Database
from keystore.log.record import LogWriter
from keystore.log.sequencer import Sequencer
from keystore.log.verify import LogReport, verify_log
from keystore.log.witnessing import Witnessing
from tests.support.log_trees import (
    ORIGINS,
    LoopbackTransport,
    RawLogKeys,
    WitnessProcess,
    write_rows,
)


@pytest.fixture(scope="session")
def log_keys() -> RawLogKeys:
    """The keys of the log."""
    return RawLogKeys()


@pytest.fixture
def sequencer(database: Database, log_keys: RawLogKeys) -> Sequencer:
    """The sequencer of one process."""
    return Sequencer(database, origins=ORIGINS, keys=log_keys)


@pytest.fixture
def write(database: Database, log: LogWriter, now: datetime) -> Callable[..., None]:
    """Records events: `write(private=2, public=3)`."""

    def call(*, later: timedelta = timedelta(0), **numbers: int) -> None:
        write_rows(database, log, now + later, **numbers)

    return call


@pytest.fixture
def whole(database: Database, log_keys: RawLogKeys, now: datetime) -> Callable[..., LogReport]:
    """Verifies the log."""

    def call(**changes: object) -> LogReport:
        arguments: dict[str, object] = {"log_keys": log_keys.by_tree(now)}
        return verify_log(database, **(arguments | changes))

    return call


@pytest.fixture
def witness(tmp_path: Path, log_keys: RawLogKeys, now: datetime) -> Iterator[WitnessProcess]:
    """`antin witness serve`, which trusts both trees of the log."""
    logs = tuple(key for keys in log_keys.by_tree(now).values() for key in keys)
    process = WitnessProcess(tmp_path / "witness", name="witness.example/w1", logs=logs)
    yield process
    process.stop()


@pytest.fixture
def witnessing(database: Database, witness: WitnessProcess) -> Witnessing:
    """Asks that witness."""
    return Witnessing(database, witnesses=[witness.config], transport=LoopbackTransport())
