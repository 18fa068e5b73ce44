"""The periodic duties of `antin work`."""

from __future__ import annotations

from datetime import datetime, timedelta
from pathlib import Path
from types import SimpleNamespace

import pytest
from sqlalchemy import func, select, update

from idp import duties
from idp.egress import Egress
from idp.keyrings import open_keyrings
from idp.sandbox.trust import make_authority, make_witness
from idp.services import build_services
from idp.settings import Settings
from idp.storage import outbox
from idp.storage.database import Database
from idp.storage.ephemeral_sql import SqlEphemeralStore, ephemeral
from idp.trust import build_trust
from keystore.backends.errors import KeyKept
from keystore.kek import Kek
from keystore.log.entries import Tree
from keystore.log.record import LogWriter
from keystore.purposes import OCSP, TOKENS
from keystore.sealing import Sealer
from keystore.signing_keys import signing_key
from tests.support.provider import KEK

DAY = timedelta(days=1)


def _do(
    name: str,
    *,
    database: Database,
    store: SqlEphemeralStore,
    now: datetime,
    var: Path = Path("unused"),
) -> None:
    sealer = Sealer.open(database, kek=Kek(bytes(32)), now=now)
    log = LogWriter(sealer, writer_id="test")
    settings = Settings(var=var)
    keyrings = open_keyrings(settings, database=database, sealer=sealer, log=log)
    services = SimpleNamespace(
        database=database,
        ephemeral=store,
        sealer=sealer,
        log=log,
        sessions=SimpleNamespace(end_expired=None),
        keyrings=keyrings,
        time=lambda: now,
        trust=build_trust(settings, keyrings=keyrings, egress=Egress(), is_sandbox=False),
        signing=None,
        foreign_trust=SimpleNamespace(duties=tuple),
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


def test_every_duty_of_a_deployment_with_an_authority_can_be_done_twice(
    database: Database, tmp_path: Path, now: datetime
) -> None:
    """Acts must bear being repeated; afterwards the log is signed and every list is there."""
    settings = Settings(var=tmp_path, kek=KEK, tsa_enabled=True)
    services = build_services(settings, time=lambda: now, database=database, is_sandbox=True)
    make_authority(services, now=now)
    make_witness(services, folder=tmp_path / "witness", now=now)
    names = set()
    for _ in range(2):
        for duty in duties.make_duties(services):
            duty.act(now)
            names.add(duty.name)
    assert {"integrate_log", "publish_crl", "sign_status_ahead", "rotate_keys"} <= names
    assert services.trust.status is not None
    (crl,) = services.trust.status.publisher.published()
    assert crl.next_update > now
    checkpoint = services.trust.log.proofs.checkpoint(Tree.PUBLIC)
    assert checkpoint is not None
    assert checkpoint.size > 0
    services.clock.close()
    services.ephemeral.close()


def test_a_keyring_that_fails_does_not_keep_the_others_from_their_duty(
    database: Database, tmp_path: Path, now: datetime
) -> None:
    """The oldest key is in a module that is not configured; the next purpose's is erased."""
    sealer = Sealer.open(database, kek=Kek(bytes(32)), now=now)
    log = LogWriter(sealer, writer_id="test")
    keyrings = open_keyrings(
        Settings(var=Path("unused")), database=database, sealer=sealer, log=log
    )
    for purpose in (TOKENS, OCSP):
        keyring = keyrings.of(purpose)
        keyring.ensure(now)
        for record in keyring.records(now):
            keyring.retire(record.kid, now=now)
    with database.transaction() as tx:
        tx.connection.execute(
            update(signing_key)
            .where(signing_key.c.purpose == TOKENS.name)
            .values(private_sealed=b"P1 elsewhere")
        )
    store = SqlEphemeralStore(f"sqlite:///{tmp_path / 'marks.db'}")
    with pytest.raises(KeyKept):
        _do("destroy_keys", database=database, store=store, now=now + DAY, var=tmp_path)
    store.close()
    kept = {
        purpose.name: {one.private_sealed for one in keyrings.of(purpose).records(now + DAY)}
        for purpose in (TOKENS, OCSP)
    }
    assert kept == {TOKENS.name: {b"P1 elsewhere"}, OCSP.name: {None}}
