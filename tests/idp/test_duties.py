"""The periodic duties of `antin work`."""

from __future__ import annotations

from datetime import datetime, timedelta
from pathlib import Path
from types import SimpleNamespace

import pytest
from sqlalchemy import func, select

from idp import duties
from idp.storage import outbox
from idp.storage.database import Database
from idp.storage.ephemeral_sql import SqlEphemeralStore, ephemeral

DAY = timedelta(days=1)


def _do(name: str, *, database: Database, store: SqlEphemeralStore, now: datetime) -> None:
    nothing = SimpleNamespace(end_expired=None, rotate_due=None, destroy_retired=None)
    services = SimpleNamespace(
        database=database, ephemeral=store, sealer=None, log=None, sessions=nothing, keyring=nothing
    )
    (duty,) = (one for one in duties.make_duties(services) if one.name == name)
    duty.act(now)


@pytest.fixture(autouse=True)
def _small_batches(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(duties, "_PURGED_AT_ONCE", 3)


def test_a_purge_does_not_fall_behind_what_comes_in(
    database: Database, tmp_path: Path, now: datetime
) -> None:
    """A batch in each half minute is some million rows a day; a country makes more."""
    store = SqlEphemeralStore(f"sqlite:///{tmp_path / 'marks.db'}")
    with database.transaction() as tx:
        for _ in range(10):
            outbox.add(tx, "tell", {}, now=now, expires=now + DAY)
    for job in outbox.lease(database, now=now, duration=DAY, limit=10):
        outbox.done(database, job, now=now)
    _do("purge", database=database, store=store, now=now + 2 * DAY)
    with database.read() as connection:
        left = connection.execute(select(func.count()).select_from(outbox.outbox)).scalar_one()
    assert left == 0
    store.close()


def test_the_ephemeral_store_is_purged_whole_as_well(
    database: Database, tmp_path: Path, now: datetime
) -> None:
    file = f"sqlite:///{tmp_path / 'marks.db'}"
    store = SqlEphemeralStore(file)
    for number in range(10):
        store.put(f"code:{number}", b"", lifetime=timedelta(seconds=60), now=now)
    _do("purge_ephemeral", database=database, store=store, now=now + timedelta(seconds=61))
    reader = Database(file)
    with reader.read() as connection:
        assert connection.execute(select(func.count()).select_from(ephemeral)).scalar_one() == 0
    reader.close()
    store.close()
