"""A sealer and a store of documents for the tests of signing."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

import pytest

from idp.storage.database import Database
from keystore.log.record import LogWriter
from keystore.sealing import Sealer, load_kek
from signing.blobs import DocumentStore


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
