"""A signer in the test's own process, one as a process of its own, and somebody with a key."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

import pytest

from idp.storage.database import Database
from keystore.kek import Kek, KekRing
from keystore.signer.client import SignerClient
from tests.support.servers import PostgresqlServer
from tests.support.signer import Bench, Person
from tests.support.signer_process import SignerProcess, running_signer


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


@pytest.fixture(scope="module")
def signer(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SignerProcess]:
    """One signer for the tests that leave it running."""
    folder = tmp_path_factory.mktemp("signer")
    with running_signer(folder, f"sqlite:///{folder / 'antin.db'}") as running:
        yield running


@pytest.fixture
def client(signer: SignerProcess) -> Iterator[SignerClient]:
    """What a web worker asks with."""
    client = signer.client()
    yield client
    client.close()


@pytest.fixture
def somebody(signer: SignerProcess, client: SignerClient) -> Person:
    """A person with a key in that signer."""
    return signer.enrol(client)


@pytest.fixture
def owned(signer: SignerProcess) -> Iterator[Database]:
    """The database of that signer, in the hands of an attacker."""
    database = Database(signer.database_url)
    yield database
    database.close()


@pytest.fixture(params=["sqlite", "postgresql"])
def own_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """An empty database for a signer that is killed."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path / 'antin.db'}"
    server: PostgresqlServer = request.getfixturevalue("postgresql_server")
    return server.url(server.make_database())
