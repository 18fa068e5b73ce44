"""A sealer and a store of documents for the tests of signing."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

import pytest

from idp.storage.database import Database
from keystore.log.record import LogWriter
from keystore.sealing import Sealer, load_kek
from signing.blobs import DocumentStore
from signing.isolation.task import Isolation
from signing.model import Role
from signing.requests import SigningRequests
from tests.support.signatory import SigningPki
from tests.support.signing_house import SigningHouse
from tests.support.signing_people import (
    PORTAL,
    FewPeople,
    WorkForLater,
    look_at_first_bytes,
)


@pytest.fixture
def sealer(database: Database, now: datetime) -> Sealer:
    """Purpose keys in an empty database, on SQLite and on PostgreSQL."""
    value = "YSByb290IGtleSBmb3IgdGVzdHMsIDMyIGJ5dGVzISE"
    return Sealer.open(database, kek=load_kek(file=None, value=value), now=now)


@pytest.fixture
def log(sealer: Sealer) -> LogWriter:
    """The log writer of one process."""
    return LogWriter(sealer, writer_id="test")


@pytest.fixture
def documents(database: Database, sealer: Sealer, tmp_path: Path) -> DocumentStore:
    """Documents at rest in a folder of the test."""
    return DocumentStore(database, folder=tmp_path / "documents", sealer=sealer)


@pytest.fixture
def house(
    database: Database,
    sealer: Sealer,
    log: LogWriter,
    documents: DocumentStore,
    isolation: Isolation,
    signing_pki: SigningPki,
    tmp_path: Path,
    now: datetime,
) -> Iterator[SigningHouse]:
    """The whole journey but web and processes, on SQLite and on PostgreSQL."""
    house = SigningHouse(
        database,
        sealer=sealer,
        log=log,
        documents=documents,
        isolation=isolation,
        pki=signing_pki,
        folder=tmp_path,
        now=now,
    )
    yield house
    house.bench.ledger.close()


@pytest.fixture
def people() -> FewPeople:
    """A person, and the same with the seal of her company."""
    people = FewPeople()
    people.add(PORTAL, "sub-1", "acc_1")
    people.add(
        PORTAL,
        "sub-1",
        "acc_1",
        role=Role.SEAL,
        enterprise_code="9900000016",
        organisation_id="acc_9",
    )
    return people


@pytest.fixture
def later() -> WorkForLater:
    """What is left for later."""
    return WorkForLater()


@pytest.fixture
def requests(
    database: Database,
    sealer: Sealer,
    log: LogWriter,
    documents: DocumentStore,
    people: FewPeople,
    later: WorkForLater,
) -> SigningRequests:
    """Requests of documents of a megabyte at most."""
    return SigningRequests(
        database,
        sealer=sealer,
        log=log,
        documents=documents,
        signers=people,
        deferred=later,
        look=look_at_first_bytes,
        largest_bytes=1_000_000,
    )
