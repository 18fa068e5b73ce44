"""Everything goes under another root key, and at no instant is anything under neither."""

from __future__ import annotations

import secrets
from collections.abc import Callable
from datetime import datetime
from pathlib import Path

import pytest
from sqlalchemy import select, update

from idp.storage.database import Database
from keystore.errors import KekInvalid, SealBroken
from keystore.kek import Kek, KekRing, add_kek, create_kek_file, load_kek_ring, named_kek
from keystore.kek_rotation import KekRotation, PurposeKeyWrappings
from keystore.log.events import EventType
from keystore.log.record import LogWriter, find_writers, log_event, verify_chain
from keystore.purpose_keys import purpose_key
from keystore.purposes import MacPurpose, SealPurpose
from keystore.root_keys import Scope, find_current_kek, read_root_keys
from keystore.sealing import Sealer

_EVERY = len(SealPurpose) + len(MacPurpose)


class Killed(BaseException):
    """The process ended here."""


@pytest.fixture
def old() -> Kek:
    return Kek(secrets.token_bytes(32))


@pytest.fixture
def new() -> Kek:
    return Kek(secrets.token_bytes(32))


@pytest.fixture
def service(database: Database, old: Kek, now: datetime) -> Sealer:
    """A database under the old root key."""
    return Sealer.open(database, kek=old, now=now)


@pytest.fixture
def make_rotation(
    database: Database, service: Sealer, now: datetime
) -> Callable[[KekRing], KekRotation]:
    """A rotation of the service's root key, as one process has it."""

    def make(ring: KekRing) -> KekRotation:
        return KekRotation(
            database=database,
            scope=Scope.SERVICE,
            ring=ring,
            wrappings=(PurposeKeyWrappings(ring, scope=Scope.SERVICE),),
            log=LogWriter(service, writer_id="rotation"),
            time=lambda: now,
        )

    return make


def _under(database: Database) -> set[str | None]:
    with database.read() as connection:
        return {
            named_kek(wrapped)
            for wrapped in connection.execute(select(purpose_key.c.wrapped)).scalars()
        }


def test_everything_is_under_the_new_root_key_and_what_was_sealed_opens(
    database: Database, service: Sealer, make_rotation, old: Kek, new: Kek, now: datetime
) -> None:
    sealed = service.seal(SealPurpose.OUTBOX, b"payload", context="outbox:1")
    mac = service.mac(MacPurpose.RECEIPT, b"text")
    done = make_rotation(KekRing((old, new))).run(new.kek_id)
    assert (done.rewrapped, done.damaged, done.left) == (_EVERY, (), (old.kek_id,))
    assert _under(database) == {new.kek_id}
    reopened = Sealer.open(database, kek=new, now=now)
    assert reopened.unseal(SealPurpose.OUTBOX, sealed, context="outbox:1") == b"payload"
    assert reopened.is_mac(MacPurpose.RECEIPT, b"text", raw_mac=mac)
    with pytest.raises(KekInvalid, match="does_not_open"):
        Sealer.open(database, kek=old, now=now)


def test_a_rotation_says_in_the_log_when_it_began_and_when_nothing_was_left(
    database: Database, make_rotation, old: Kek, new: Kek
) -> None:
    make_rotation(KekRing((old, new))).run(new.kek_id)
    with database.read() as connection:
        rows = connection.execute(select(log_event.c.type, log_event.c.facts)).all()
        for writer in find_writers(connection):
            verify_chain(connection, writer)
    assert [row.type for row in rows] == [
        EventType.KEK_ROTATION_STARTED,
        EventType.KEK_ROTATION_FINISHED,
    ]
    assert all(new.kek_id in row.facts and "service" in row.facts for row in rows)


def test_a_second_run_finds_nothing_to_do_and_records_nothing(
    database: Database, make_rotation, old: Kek, new: Kek
) -> None:
    ring = KekRing((old, new))
    make_rotation(ring).run(new.kek_id)
    again = make_rotation(ring).run(new.kek_id)
    assert (again.rewrapped, again.left) == (0, (old.kek_id,))
    with database.read() as connection:
        assert len(connection.execute(select(log_event.c.seq)).all()) == 2


def test_a_run_killed_after_the_turn_goes_on_where_it_was(
    database: Database, make_rotation, old: Kek, new: Kek, now: datetime, monkeypatch
) -> None:
    def killed(*_given: object, **_named: object) -> None:
        raise Killed

    with monkeypatch.context() as patched:
        patched.setattr(PurposeKeyWrappings, "rewrap_some", killed)
        with pytest.raises(Killed):
            make_rotation(KekRing((old, new))).run(new.kek_id)
    assert _under(database) == {old.kek_id}
    with database.read() as connection:
        assert find_current_kek(connection, scope=Scope.SERVICE) == new.kek_id
    both = KekRing((old, new))
    Sealer.open(database, kek=both, now=now)  # a process that starts in the middle
    with pytest.raises(KekInvalid, match=f"not_given: {new.kek_id}"):
        Sealer.open(database, kek=old, now=now)
    assert make_rotation(both).run(new.kek_id).rewrapped == _EVERY
    assert _under(database) == {new.kek_id}


def test_a_process_that_starts_in_the_middle_wraps_new_keys_under_the_new_root_key(
    database: Database, make_rotation, old: Kek, new: Kek, now: datetime, monkeypatch
) -> None:
    with monkeypatch.context() as patched:
        patched.setattr(KekRotation, "_pass", lambda *_given, **_named: (0, ()))
        stopped = make_rotation(KekRing((old, new))).run(new.kek_id)
    assert (stopped.remaining, stopped.left) == (_EVERY, ())
    other_order = KekRing((old, new))
    opened = Sealer.open(database, kek=other_order, now=now)
    opened.replace_key(SealPurpose.OUTBOX, log=LogWriter(opened, writer_id="opened"), now=now)
    assert _under(database) == {old.kek_id, new.kek_id}
    done = make_rotation(KekRing((old, new))).run(new.kek_id)
    assert (done.remaining, done.left) == (0, (old.kek_id,))
    assert _under(database) == {new.kek_id}


def test_a_process_that_runs_on_reads_its_file_again_and_follows(
    database: Database, now: datetime, tmp_path: Path
) -> None:
    """It began with the old root key alone; it opens and makes keys after the rotation."""
    file = tmp_path / "kek"
    create_kek_file(file)
    running = Sealer.open(database, kek=load_kek_ring(file=file), now=now)
    sealed = running.seal(SealPurpose.OUTBOX, b"payload", context="outbox:1")
    added = add_kek(file)
    ring = load_kek_ring(file=file)
    rotation = KekRotation(
        database=database,
        scope=Scope.SERVICE,
        ring=ring,
        wrappings=(PurposeKeyWrappings(ring, scope=Scope.SERVICE),),
        log=(log := LogWriter(running, writer_id="rotation")),
        time=lambda: now,
    )
    rotation.run(added)
    running.reload()
    assert running.unseal(SealPurpose.OUTBOX, sealed, context="outbox:1") == b"payload"
    assert running.replace_key(SealPurpose.OUTBOX, log=log, now=now) == 2
    assert _under(database) == {added}


def test_a_damaged_purpose_key_is_named_and_the_rest_goes_on(
    database: Database, make_rotation, old: Kek, new: Kek, now: datetime
) -> None:
    of_outbox = purpose_key.c.purpose == SealPurpose.OUTBOX
    with database.transaction() as tx:
        wrapped = tx.connection.execute(select(purpose_key.c.wrapped).where(of_outbox)).scalar_one()
        damaged = wrapped[:-1] + bytes((wrapped[-1] ^ 1,))
        tx.connection.execute(update(purpose_key).where(of_outbox).values(wrapped=damaged))
    done = make_rotation(KekRing((old, new))).run(new.kek_id)
    assert done.damaged == ("seal:outbox/1",)
    assert done.rewrapped == _EVERY - 1
    with database.read() as connection:
        kept = connection.execute(select(purpose_key.c.wrapped).where(of_outbox)).scalar_one()
    assert kept == damaged
    with pytest.raises(KekInvalid, match="damaged: seal:outbox/1"):
        Sealer.open(database, kek=KekRing((old, new)), now=now)


def test_a_root_key_that_was_not_given_is_refused_before_anything_is_written(
    database: Database, make_rotation, old: Kek, new: Kek
) -> None:
    with pytest.raises(KekInvalid, match=f"not_given: {new.kek_id}"):
        make_rotation(KekRing((old,))).run(new.kek_id)
    with pytest.raises(KekInvalid, match=f"not_given: {old.kek_id}"):
        make_rotation(KekRing((new,))).run(new.kek_id)
    with database.read() as connection:
        assert find_current_kek(connection, scope=Scope.SERVICE) == old.kek_id
        assert connection.execute(select(log_event.c.seq)).all() == []
    assert _under(database) == {old.kek_id}


def test_a_root_key_that_does_not_open_what_it_wraps_is_refused(
    database: Database, make_rotation, old: Kek
) -> None:
    class Broken(Kek):
        def unwrap(self, wrapped: bytes, *, context: str) -> bytes:
            raise SealBroken

    broken = Broken(secrets.token_bytes(32))
    with pytest.raises(KekInvalid, match=f"does_not_open: {broken.kek_id}"):
        make_rotation(KekRing((old, broken))).run(broken.kek_id)
    assert _under(database) == {old.kek_id}


def test_the_way_back_to_an_older_root_key_is_a_rotation_too(
    database: Database, make_rotation, old: Kek, new: Kek, now: datetime
) -> None:
    ring = KekRing((old, new))
    make_rotation(ring).run(new.kek_id)
    make_rotation(ring).run(old.kek_id)
    assert _under(database) == {old.kek_id}
    with database.read() as connection:
        states = {
            one.kek_id: (one.is_current, one.left_at is not None)
            for one in read_root_keys(connection, scope=Scope.SERVICE)
        }
    assert states == {old.kek_id: (True, False), new.kek_id: (False, True)}
    Sealer.open(database, kek=old, now=now)


def test_a_database_from_before_root_keys_had_names_is_opened_and_rotated(
    database: Database, service: Sealer, make_rotation, old: Kek, new: Kek, now: datetime
) -> None:
    from keystore.aead import AeadKey  # noqa: PLC0415 - how it was done then
    from keystore.root_keys import root_key  # noqa: PLC0415 - and what was not there

    before = AeadKey(old._raw)
    with database.transaction() as tx:
        for row in tx.connection.execute(select(purpose_key)).all():
            name = f"{row.purpose}/{row.version}"
            raw = old.unwrap(row.wrapped, context=name)
            plain = before.encrypt(raw, associated_data=b"antin kek 1\x00" + name.encode())
            tx.connection.execute(
                update(purpose_key)
                .where(purpose_key.c.purpose == row.purpose)
                .values(wrapped=plain)
            )
        tx.connection.execute(root_key.delete())
    sealed = service.seal(SealPurpose.OUTBOX, b"payload", context="outbox:1")
    ring = KekRing((new, old))  # in whatever order the operator wrote them
    Sealer.open(database, kek=ring, now=now)
    with database.read() as connection:
        assert find_current_kek(connection, scope=Scope.SERVICE) == old.kek_id
    assert make_rotation(ring).run(new.kek_id).rewrapped == _EVERY
    reopened = Sealer.open(database, kek=new, now=now)
    assert reopened.unseal(SealPurpose.OUTBOX, sealed, context="outbox:1") == b"payload"


def test_scopes_have_keys_and_root_keys_of_their_own(
    database: Database, service: Sealer, old: Kek, new: Kek, now: datetime
) -> None:
    signer = Sealer.open(
        database, kek=new, now=now, scope=Scope.PERSONAL, purposes=(SealPurpose.LOG,)
    )
    sealed = signer.seal(SealPurpose.LOG, b"nonce", context="log:1")
    with pytest.raises(SealBroken):
        service.unseal(SealPurpose.LOG, sealed, context="log:1")
    with pytest.raises(KekInvalid, match="does_not_open"):
        Sealer.open(database, kek=old, now=now, scope=Scope.PERSONAL, purposes=(SealPurpose.LOG,))
    Sealer.open(database, kek=old, now=now)
