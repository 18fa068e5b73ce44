"""A signer in the test's own process, and somebody who has a key there."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

import pytest

from idp.storage.database import Database
from keystore.kek import Kek, KekRing
from tests.support.signer import Bench, Person


@pytest.fixture
def personal_ring() -> KekRing:
    """The root keys of personal keys, which are others than the service's."""
    return KekRing([Kek(b"root key of personal keys, 32 b!")])


@pytest.fixture
def bench(database: Database, personal_ring: KekRing, tmp_path: Path) -> Iterator[Bench]:
    """A signer over an empty database, on SQLite and on PostgreSQL."""
    bench = Bench(database, personal_ring, tmp_path / "signer")
    yield bench
    bench.ledger.close()


@pytest.fixture
def person(bench: Bench, now: datetime) -> Person:
    """Somebody with a passkey and a P-256 key."""
    return bench.enrol(now=now)
