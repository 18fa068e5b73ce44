"""Personal keys at rest, and what a change of their root key finds and replaces."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from datetime import datetime
from functools import partial

import pytest

from idp.storage.database import Database
from keystore.kek import Kek, KekRing
from keystore.recipient import recipient_of
from keystore.signer.errors import KeyRecordChanged
from keystore.signer.model import KeyPolicy, decode_policy, encode_policy
from keystore.signer.resting import resume_row, suspend_row
from keystore.signer.spending import raise_sign_count, spend_activation, spend_if_usable
from keystore.signer.storage import (
    count_by_kek,
    erase_personal_key,
    find_key_and_count,
    find_left,
    find_personal_key,
    insert_counter,
    insert_personal_key,
    read_personal_keys,
    replace_wrapped,
    unlink_personal_keys,
)
from keystore.storage import Transaction
from tests.support.signer import Bench, Person, events


def _policy(number: int) -> KeyPolicy:
    return KeyPolicy(
        key_id=f"pkey_{number:02}",
        account_id="acc_1",
        subject_kind="person",
        algorithm="ES256",
        scal=1,
        rp_id="",
        credentials=(),
        recipient=recipient_of(bytes(32)),
        created_ms=number,
    )


@pytest.fixture
def seven(database: Database) -> Database:
    """Seven keys under the old root key."""
    with database.transaction() as transaction:
        for number in range(7):
            insert_personal_key(
                transaction,
                _policy(number),
                public_spki=b"spki",
                wrapped=b"wrapped %d" % number,
                kek_id="old",
            )
    return database


def test_what_is_left_is_found_in_portions_and_damaged_ones_are_passed(seven: Database) -> None:
    after, met = "", []
    while True:
        with seven.read() as connection:
            left = find_left(connection, kek_id="new", after=after, limit=3)
        if not left:
            break
        after = left[-1].key_id
        met += [one.key_id for one in left]
        with seven.transaction() as transaction:
            for one in left:
                if one.key_id != "pkey_03":  # this one is damaged, say
                    assert replace_wrapped(
                        transaction,
                        one.key_id,
                        expected_wrapped=one.wrapped,
                        wrapped=b"anew",
                        kek_id="new",
                    )
    assert met == [f"pkey_{number:02}" for number in range(7)]
    with seven.read() as connection:
        assert count_by_kek(connection) == {"old": 1, "new": 6}
        (left_over,) = find_left(connection, kek_id="new")
        assert left_over.key_id == "pkey_03"
        assert left_over.kek_id == "old"


def test_a_key_that_was_destroyed_meanwhile_is_not_brought_back(
    seven: Database, now: datetime
) -> None:
    with seven.read() as connection:
        (first, *_) = find_left(connection, kek_id="new")
    with seven.transaction() as transaction:
        assert erase_personal_key(transaction, first.key_id, now=now)
        assert not erase_personal_key(transaction, first.key_id, now=now)
    with seven.transaction() as transaction:
        assert not replace_wrapped(
            transaction,
            first.key_id,
            expected_wrapped=first.wrapped,
            wrapped=b"anew",
            kek_id="new",
        )
    with seven.read() as connection:
        assert first.key_id not in {one.key_id for one in find_left(connection, kek_id="new")}
        assert count_by_kek(connection) == {"old": 6}


def test_a_key_is_wrapped_anew_for_the_same_record(
    database: Database, bench: Bench, person: Person, now: datetime, personal_ring: KekRing
) -> None:
    """What `rotate-kek --personal` does to one row, and the key signs on."""
    old = Kek(b"root key of personal keys, 32 b!")
    new = Kek(b"\x02" * 32)
    bench.ring = KekRing([new, old])
    bench.ledger.close()
    bench.start()
    with database.read() as connection:
        (left,) = find_left(connection, kek_id=new.kek_id)
    wrapped, kek_id = bench.backend.rewrap(left.wrapped, context=left.context)
    with database.transaction() as transaction:
        assert replace_wrapped(
            transaction,
            left.key_id,
            expected_wrapped=left.wrapped,
            wrapped=wrapped,
            kek_id=kek_id,
        )
    bench.ring = KekRing([new])
    bench.ledger.close()
    bench.start()
    assert len(bench.sign(person, now=now)) == 1
    assert personal_ring.ids == (old.kek_id,)


def test_states_change_once(seven: Database, now: datetime) -> None:
    with seven.transaction() as transaction:
        assert not resume_row(transaction, "pkey_00")
        assert suspend_row(transaction, "pkey_00", reason="lost", at=now)
        assert not suspend_row(transaction, "pkey_00", reason="lost", at=now)
        assert not suspend_row(transaction, "pkey_99", reason="lost", at=now)
    with seven.read() as connection:
        key = find_personal_key(connection, "pkey_00")
        assert key is not None
        assert key.suspended_at == now
        assert b"wrapped" not in repr(key).encode()
        assert len(read_personal_keys(connection, account_id="acc_1")) == 7


class _GivenUp(Exception):
    """Ends a transaction that must be given up."""


def _spend(seven: Database, act: Callable[[Transaction], bool | None]) -> bool | None:
    with suppress(_GivenUp), seven.transaction() as transaction:
        spent = act(transaction)
        if spent is not False:
            return spent
        raise _GivenUp
    return False


def test_an_activation_is_spent_once(seven: Database, now: datetime) -> None:
    spend = partial(spend_activation, activation="a" * 64, key_id="k", expires_at=now, now=now)
    assert [_spend(seven, spend) for _ in range(3)] == [True, False, False]


def test_an_activation_is_spent_once_and_for_a_key_that_may_sign(
    seven: Database, now: datetime
) -> None:
    with seven.transaction() as transaction:
        assert suspend_row(transaction, "pkey_01", reason="lost", at=now)
        assert erase_personal_key(transaction, "pkey_02", now=now)
    said = [
        _spend(
            seven,
            partial(
                spend_if_usable,
                activation=f"{at:064}",
                key_id=f"pkey_{at:02}",
                expires_at=now,
                now=now,
            ),
        )
        for at in (0, 0, 1, 2, 99)
    ]
    assert said == [True, False, None, None, None]


def test_a_key_comes_with_what_the_passkey_counted(seven: Database) -> None:
    with seven.transaction() as transaction:
        insert_counter(transaction, key_id="pkey_00", credential_sha256="c", sign_count=3)
        for key_id, credential, expected in (
            ("pkey_00", "c", 3),
            ("pkey_00", "d", None),
            ("pkey_01", "c", None),
        ):
            key, counted = find_key_and_count(
                transaction.connection, key_id, credential_sha256=credential
            )
            assert key == find_personal_key(transaction.connection, key_id)
            assert counted == expected
        assert find_key_and_count(transaction.connection, "pkey_99", credential_sha256="c") == (
            None,
            None,
        )


def test_counters_only_rise(seven: Database) -> None:
    with seven.transaction() as transaction:
        insert_counter(transaction, key_id="pkey_00", credential_sha256="c", sign_count=3)
    for shown, expected in ((3, False), (0, True), (4, True), (4, False), (2, False)):
        with seven.transaction() as transaction:
            found = raise_sign_count(
                transaction, key_id="pkey_00", credential_sha256="c", sign_count=shown
            )
        assert found is expected, shown


def test_a_policy_has_one_spelling() -> None:
    raw = encode_policy(_policy(1))
    assert decode_policy(raw) == _policy(1)
    for other in (raw + b"\n", raw.replace(b":", b": "), raw[:-1] + b',"more":1}', b"x" * 20_000):
        with pytest.raises(ValueError, match=r".*"):
            decode_policy(other)


def test_what_leads_to_an_erased_account_goes_from_its_keys(seven: Database, now: datetime) -> None:
    """From a document by its public half, from a passkey by what is pinned of it."""
    with seven.transaction() as transaction:
        insert_counter(transaction, key_id="pkey_01", credential_sha256="aa", sign_count=1)
        assert erase_personal_key(transaction, "pkey_00", now=now)
        assert unlink_personal_keys(transaction, "acc_2") == 0
        assert unlink_personal_keys(transaction, "acc_1") == 7
        found = find_personal_key(transaction.connection, "pkey_01")
        assert found is not None
        assert (found.public_spki, found.wrapped) == (b"", b"wrapped 1")
        # the signer has still to destroy what it is of
        assert decode_policy(found.raw_policy).key_id == "pkey_01"
        _, counted = find_key_and_count(transaction.connection, "pkey_01", credential_sha256="aa")
        assert counted is None
        assert erase_personal_key(transaction, "pkey_01", now=now)
    with seven.read() as connection:
        for key_id in ("pkey_00", "pkey_01"):
            found = find_personal_key(connection, key_id)
            assert found is not None
            assert (found.raw_policy, found.public_spki, found.wrapped) == (b"", b"", None)
            assert found.algorithm == "ES256"
            assert found.destroyed_at is not None


def test_a_key_of_an_erased_account_signs_nothing_until_it_is_destroyed(
    bench: Bench, now: datetime
) -> None:
    person = bench.enrol(now=now)
    with bench.database.transaction() as transaction:
        assert unlink_personal_keys(transaction, person.account_id) == 1
    with pytest.raises(KeyRecordChanged):
        bench.sign(person, now=now)
    assert bench.desk.destroy(person.key.key_id, reason="account_ended", now=now)
    assert not bench.desk.destroy(person.key.key_id, reason="account_ended", now=now)
    (row,) = events(bench.database, "keys:personal_key:destroyed")
    assert row["account_id"] == person.account_id
