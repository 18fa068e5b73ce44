"""Personal keys go under another root key; what is damaged or changes meanwhile is left alone."""

from __future__ import annotations

import secrets
from collections.abc import Callable
from datetime import datetime

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from sqlalchemy import select, update

from idp.storage.database import Database
from keystore.backends.personal_software import SoftwarePersonalKeys
from keystore.errors import KekInvalid
from keystore.kek import Kek, KekRing
from keystore.kek_rotation import KekRotation
from keystore.log.record import LogWriter, find_writers, verify_chain
from keystore.root_keys import Scope, find_current_kek, follow_current_kek
from keystore.signer.log_sealing import RecipientSealer
from keystore.signer.model import KeyPolicy, encode_policy, wrapping_context
from keystore.signer.rewrapping import PersonalKeyWrappings
from keystore.signer.storage import (
    count_by_kek,
    erase_personal_key,
    insert_personal_key,
    personal_key,
)


@pytest.fixture
def old() -> Kek:
    return Kek(secrets.token_bytes(32))


@pytest.fixture
def new() -> Kek:
    return Kek(secrets.token_bytes(32))


@pytest.fixture
def ring(old: Kek, new: Kek) -> KekRing:
    return KekRing((old, new))


@pytest.fixture
def add(database: Database, now: datetime) -> Callable[..., None]:
    """Makes keys as the signer does."""

    def make(ring: KekRing, *names: str) -> None:
        backend = SoftwarePersonalKeys(ring)
        with database.transaction() as tx:
            follow_current_kek(tx, scope=Scope.PERSONAL, ring=ring, now=now)
            for name in names:
                policy = KeyPolicy(
                    key_id=name,
                    account_id=f"acc_{name}",
                    subject_kind="person",
                    algorithm="ES256",
                    scal=1,
                    rp_id="",
                    credentials=(),
                    recipient=b"\x09" + bytes(31),
                    created_ms=0,
                )
                context = wrapping_context(name, raw_policy=encode_policy(policy))
                made = backend.make("ES256", context=context)
                insert_personal_key(
                    tx,
                    policy,
                    public_spki=made.public_spki,
                    wrapped=made.wrapped,
                    kek_id=made.kek_id,
                )

    return make


@pytest.fixture
def rotate(database: Database, ring: KekRing, now: datetime) -> Callable[[], KekRotation]:
    def make(*, batch: int = 2) -> KekRotation:
        return KekRotation(
            database=database,
            scope=Scope.PERSONAL,
            ring=ring,
            wrappings=(PersonalKeyWrappings(SoftwarePersonalKeys(ring)),),
            log=LogWriter(RecipientSealer(Ed25519PrivateKey.generate()), writer_id="signer"),
            time=lambda: now,
            batch=batch,
        )

    return make


def _counts(database: Database) -> dict[str, int]:
    with database.read() as connection:
        return dict(count_by_kek(connection))


def test_batches_reach_every_key_and_the_bar_counts_them(
    database: Database, add, rotate, ring: KekRing, old: Kek, new: Kek
) -> None:
    add(ring, *(f"key_{number}" for number in range(5)))
    seen: list[int] = []
    done = rotate().run(new.kek_id, progress=seen.append)
    assert sum(seen) == done.rewrapped == 5
    assert max(seen) == 2
    assert _counts(database) == {new.kek_id: 5}
    assert done.left == (old.kek_id,)
    with database.read() as connection:
        for writer in find_writers(connection):
            verify_chain(connection, writer)


@pytest.mark.parametrize("damage", [b"", b"\x02", b"garbage" * 20])
def test_a_damaged_key_is_named_and_the_rest_goes_on(
    database: Database, add, rotate, ring: KekRing, old: Kek, new: Kek, damage: bytes
) -> None:
    add(ring, *(f"key_{number}" for number in range(5)))
    with database.transaction() as tx:
        tx.connection.execute(
            update(personal_key).where(personal_key.c.key_id == "key_1").values(wrapped=damage)
        )
    done = rotate().run(new.kek_id)
    assert (done.rewrapped, done.damaged) == (4, ("key_1",))
    assert _counts(database) == {new.kek_id: 4, old.kek_id: 1}
    with database.read() as connection:
        kept = connection.execute(
            select(personal_key.c.wrapped).where(personal_key.c.key_id == "key_1")
        ).scalar_one()
    assert kept == damage
    assert rotate().run(new.kek_id).damaged == ("key_1",)


def test_a_key_in_the_place_of_another_is_damaged_and_not_wrapped_anew(
    database: Database, add, rotate, ring: KekRing, new: Kek
) -> None:
    """A rotation must not turn a swapped blob into one that opens."""
    add(ring, "key_0", "key_1")
    with database.transaction() as tx:
        of = select(personal_key.c.wrapped).where(personal_key.c.key_id == "key_0")
        other = tx.connection.execute(of).scalar_one()
        tx.connection.execute(
            update(personal_key).where(personal_key.c.key_id == "key_1").values(wrapped=other)
        )
    assert rotate().run(new.kek_id).damaged == ("key_1",)


def test_a_key_destroyed_between_reading_and_writing_stays_destroyed(
    database: Database, add, rotate, ring: KekRing, new: Kek, now: datetime, monkeypatch
) -> None:
    add(ring, "key_0", "key_1")
    rewrap = SoftwarePersonalKeys.rewrap

    def destroyed_meanwhile(self, wrapped: bytes, *, context: str) -> tuple[bytes, str]:
        with database.transaction() as tx:
            erase_personal_key(tx, "key_0", now=now)
        return rewrap(self, wrapped, context=context)

    monkeypatch.setattr(SoftwarePersonalKeys, "rewrap", destroyed_meanwhile)
    assert rotate().run(new.kek_id).rewrapped == 1
    assert _counts(database) == {new.kek_id: 1}


def test_a_damaged_key_that_was_destroyed_meanwhile_hides_no_other(
    database: Database, add, ring: KekRing, new: Kek, now: datetime
) -> None:
    """Counted by name: a difference of numbers would let the root key of `key_1` go."""
    add(ring, "key_0", "key_1")
    wrappings = PersonalKeyWrappings(SoftwarePersonalKeys(ring))
    with database.transaction() as tx:
        assert wrappings.count_left(tx, kek_id=new.kek_id, besides=("key_0",)) == 1
        erase_personal_key(tx, "key_0", now=now)
        assert wrappings.count_left(tx, kek_id=new.kek_id, besides=("key_0",)) == 1
        assert wrappings.count_left(tx, kek_id=new.kek_id) == 1


def test_keys_made_while_it_runs_are_under_the_new_root_key(
    database: Database, add, rotate, ring: KekRing, old: Kek, new: Kek, monkeypatch
) -> None:
    """The signer began with the old one in use; it follows the database."""
    signers = KekRing((old, new))
    add(signers, "key_0", "key_1", "key_2")
    some = PersonalKeyWrappings.rewrap_some
    made: list[str] = []

    def made_meanwhile(self, *given: object, **named: object) -> object:
        if not made:
            made.append("key_00")
            add(signers, "key_00")
        return some(self, *given, **named)

    monkeypatch.setattr(PersonalKeyWrappings, "rewrap_some", made_meanwhile)
    assert rotate().run(new.kek_id).left == (old.kek_id,)
    assert _counts(database) == {new.kek_id: 4}
    assert signers.kek_id == new.kek_id


def test_without_the_root_key_that_keys_are_under_nothing_begins(
    database: Database, add, ring: KekRing, old: Kek, new: Kek, now: datetime
) -> None:
    add(ring, "key_0")
    alone = KekRing((new,))
    rotation = KekRotation(
        database=database,
        scope=Scope.PERSONAL,
        ring=alone,
        wrappings=(PersonalKeyWrappings(SoftwarePersonalKeys(alone)),),
        log=LogWriter(RecipientSealer(Ed25519PrivateKey.generate()), writer_id="signer"),
        time=lambda: now,
    )
    with pytest.raises(KekInvalid, match=f"not_given: {old.kek_id}"):
        rotation.run(new.kek_id)
    with database.read() as connection:
        assert find_current_kek(connection, scope=Scope.PERSONAL) == old.kek_id
    assert _counts(database) == {old.kek_id: 1}
