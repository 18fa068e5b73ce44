"""Sealed values open for their own record, under their own purpose, and nowhere else."""

from __future__ import annotations

import secrets
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import delete, func, select, update

from idp.storage.database import Database
from keystore.errors import EventRefused, KekInvalid, SealBroken
from keystore.log.record import LogWriter, log_event
from keystore.purposes import MacPurpose, SealPurpose
from keystore.sealing import Kek, Sealer, load_kek, purpose_key

_OTHER_KEK = "A" * 43


def test_a_sealed_value_opens_for_its_purpose_and_context(sealer: Sealer) -> None:
    sealed = sealer.seal(SealPurpose.OUTBOX, b"payload", context="outbox:1")
    assert b"payload" not in sealed
    assert sealer.unseal(SealPurpose.OUTBOX, sealed, context="outbox:1") == b"payload"


def test_the_same_plaintext_never_looks_the_same(sealer: Sealer) -> None:
    made = {sealer.seal(SealPurpose.OUTBOX, b"", context="outbox:1") for _ in range(100)}
    assert len(made) == 100


def test_a_sealed_value_does_not_open_for_another_record_or_purpose(sealer: Sealer) -> None:
    sealed = sealer.seal(SealPurpose.OUTBOX, b"payload", context="outbox:1")
    with pytest.raises(SealBroken):
        sealer.unseal(SealPurpose.OUTBOX, sealed, context="outbox:2")
    with pytest.raises(SealBroken):
        sealer.unseal(SealPurpose.SESSION, sealed, context="outbox:1")


def test_a_changed_format_version_or_byte_does_not_open(sealer: Sealer) -> None:
    sealed = sealer.seal(SealPurpose.OUTBOX, b"payload", context="outbox:1")
    for position in range(len(sealed)):
        changed = bytearray(sealed)
        changed[position] ^= 1
        with pytest.raises(SealBroken):
            sealer.unseal(SealPurpose.OUTBOX, bytes(changed), context="outbox:1")


@given(garbage=st.binary(max_size=80))
def test_garbage_is_broken_and_nothing_worse(garbage: bytes, sealer: Sealer) -> None:
    data_key = sealer.make_data_key(context="acc_1")
    with pytest.raises(SealBroken):
        sealer.unseal(SealPurpose.OUTBOX, garbage, context="outbox:1")
    with pytest.raises(SealBroken):
        sealer.unseal_personal(data_key, garbage, context="profile")
    with pytest.raises(SealBroken):
        sealer.unseal_personal(garbage, b"\x02" + bytes(60), context="profile")


def test_every_process_reads_what_another_sealed(
    sealer: Sealer, database: Database, kek: Kek, now: datetime
) -> None:
    other = Sealer.open(database, kek=kek, now=now)
    sealed = sealer.seal(SealPurpose.REFRESH, b"token", context="grant:1")
    assert other.unseal(SealPurpose.REFRESH, sealed, context="grant:1") == b"token"
    assert other.mac(MacPurpose.CSRF, b"form") == sealer.mac(MacPurpose.CSRF, b"form")


def test_sealers_that_open_together_make_one_set_of_keys(
    database: Database, kek: Kek, now: datetime
) -> None:
    with ThreadPoolExecutor(4) as pool:
        opened = list(pool.map(lambda _number: Sealer.open(database, kek=kek, now=now), range(4)))
    assert len({sealer.mac(MacPurpose.COOKIE, b"") for sealer in opened}) == 1
    with database.read() as connection:
        count = connection.execute(select(func.count()).select_from(purpose_key)).scalar_one()
    assert count == len(SealPurpose) + len(MacPurpose)


def test_another_root_key_opens_nothing(sealer: Sealer, database: Database, now: datetime) -> None:
    with pytest.raises(KekInvalid, match="does_not_open"):
        Sealer.open(database, kek=load_kek(file=None, value=_OTHER_KEK), now=now)


def test_a_wrong_root_key_is_refused_and_nothing_is_written(
    sealer: Sealer, database: Database, now: datetime
) -> None:
    """Not even a purpose that came with a new version, and has no key yet."""
    rows = select(purpose_key).order_by(purpose_key.c.purpose)
    with database.transaction() as transaction:
        transaction.connection.execute(
            delete(purpose_key).where(purpose_key.c.purpose == SealPurpose.OUTBOX)
        )
        before = transaction.connection.execute(rows).all()
    with pytest.raises(KekInvalid, match="does_not_open"):
        Sealer.open(database, kek=load_kek(file=None, value=_OTHER_KEK), now=now)
    with database.read() as connection:
        assert connection.execute(rows).all() == before


def test_a_wrapped_key_moved_to_another_purpose_is_refused(
    sealer: Sealer, database: Database, kek: Kek, now: datetime
) -> None:
    of = select(purpose_key.c.wrapped).where(purpose_key.c.purpose == SealPurpose.SESSION)
    with database.transaction() as transaction:
        wrapped = transaction.connection.execute(of).scalar_one()
        transaction.connection.execute(
            update(purpose_key)
            .where(purpose_key.c.purpose == SealPurpose.OUTBOX)
            .values(wrapped=wrapped)
        )
    with pytest.raises(KekInvalid, match="damaged: seal:outbox/1"):
        Sealer.open(database, kek=kek, now=now)


def test_personal_data_opens_with_the_persons_key_alone(sealer: Sealer) -> None:
    hers, his = sealer.make_data_key(context="acc_1"), sealer.make_data_key(context="acc_2")
    sealed = sealer.seal_personal(hers, b"a name", context="acc_1/profile")
    assert b"a name" not in sealed
    assert sealer.unseal_personal(hers, sealed, context="acc_1/profile") == b"a name"
    with pytest.raises(SealBroken):
        sealer.unseal_personal(his, sealed, context="acc_1/profile")
    with pytest.raises(SealBroken):
        sealer.unseal_personal(hers, sealed, context="acc_1/phone")


def test_a_data_key_relabelled_for_another_person_does_not_open(sealer: Sealer) -> None:
    hers = sealer.make_data_key(context="acc_1")
    assert b"acc_1" in hers
    with pytest.raises(SealBroken):
        sealer.seal_personal(hers.replace(b"acc_1", b"acc_2"), b"a name", context="profile")


def test_after_a_key_is_replaced_old_values_open_and_new_ones_use_the_new_key(
    sealer: Sealer, database: Database, kek: Kek, now: datetime, log: LogWriter
) -> None:
    other = Sealer.open(database, kek=kek, now=now)
    before = sealer.seal(SealPurpose.OUTBOX, b"before", context="outbox:1")
    assert sealer.replace_key(SealPurpose.OUTBOX, log=log, now=now) == 2
    after = sealer.seal(SealPurpose.OUTBOX, b"after", context="outbox:1")
    assert (before[1:3], after[1:3]) == (b"\0\1", b"\0\2")
    assert sealer.unseal(SealPurpose.OUTBOX, before, context="outbox:1") == b"before"
    # a process that was not told meets the new version and reads it
    assert other.unseal(SealPurpose.OUTBOX, after, context="outbox:1") == b"after"


def test_a_value_under_a_version_that_nobody_made_is_broken(sealer: Sealer) -> None:
    sealed = bytearray(sealer.seal(SealPurpose.OUTBOX, b"", context="outbox:1"))
    for version in (0, 2, 9):
        sealed[1:3] = version.to_bytes(2, "big")
        with pytest.raises(SealBroken):
            sealer.unseal(SealPurpose.OUTBOX, bytes(sealed), context="outbox:1")


def test_a_key_that_was_replaced_is_on_record_or_it_was_not(
    sealer: Sealer, database: Database, now: datetime, log: LogWriter
) -> None:
    sealer.replace_key(MacPurpose.LOG, log=log.in_name_of("anh"), now=now)
    with database.read() as connection:
        rows = connection.execute(select(log_event.c.type, log_event.c.facts)).all()
    assert [tuple(row) for row in rows] == [
        (
            "keys:purpose_key:replaced",
            '{"operator":"anh","purpose":"mac:log","scope":"service","version":2}',
        )
    ]
    with pytest.raises(EventRefused):
        sealer.replace_key(MacPurpose.LOG, log=log.in_name_of("not a name!"), now=now)
    assert sealer.replace_key(MacPurpose.LOG, log=log, now=now) == 3


def test_an_identifier_is_found_by_every_live_version_newest_first(
    sealer: Sealer, now: datetime, log: LogWriter
) -> None:
    before = sealer.lookup_mac("B1234567", kind="passport")
    assert sealer.lookup_macs("B1234567", kind="passport") == (before,)
    sealer.replace_key(MacPurpose.LOOKUP, log=log, now=now)
    after = sealer.lookup_mac("B1234567", kind="passport")
    assert (before.version, after.version) == (1, 2)
    assert after.mac != before.mac
    assert sealer.lookup_macs("B1234567", kind="passport") == (after, before)


def test_kinds_of_identifiers_have_nothing_in_common(sealer: Sealer) -> None:
    assert sealer.lookup_mac("b1", kind="a") != sealer.lookup_mac("1", kind="ab")
    assert len(sealer.lookup_mac("1", kind="a").mac) == 32


def test_a_mac_is_known_again_after_its_key_was_replaced(
    sealer: Sealer, now: datetime, log: LogWriter
) -> None:
    made = sealer.mac(MacPurpose.RECEIPT, b"text")
    sealer.replace_key(MacPurpose.RECEIPT, log=log, now=now)
    assert sealer.is_mac(MacPurpose.RECEIPT, b"text", raw_mac=made)
    assert not sealer.is_mac(MacPurpose.RECEIPT, b"other", raw_mac=made)
    assert not sealer.is_mac(MacPurpose.CSRF, b"text", raw_mac=made)


def test_threads_seal_and_open_while_keys_are_replaced(
    sealer: Sealer, now: datetime, log: LogWriter
) -> None:
    def work(number: int) -> bool:
        if number % 10 == 0:
            sealer.replace_key(SealPurpose.OUTBOX, log=log, now=now)
        plaintext = secrets.token_bytes(20)
        sealed = sealer.seal(SealPurpose.OUTBOX, plaintext, context=f"outbox:{number}")
        opened = sealer.unseal(SealPurpose.OUTBOX, sealed, context=f"outbox:{number}")
        return opened == plaintext

    with ThreadPoolExecutor(4) as pool:
        assert all(pool.map(work, range(80)))


def test_a_destroyed_purpose_key_leaves_nothing_to_read(
    sealer: Sealer, database: Database, kek: Kek, now: datetime
) -> None:
    sealed = sealer.seal(SealPurpose.OUTBOX, b"payload", context="outbox:1")
    with database.transaction() as transaction:
        transaction.connection.execute(
            delete(purpose_key).where(purpose_key.c.purpose == SealPurpose.OUTBOX)
        )
    reopened = Sealer.open(database, kek=kek, now=now)
    with pytest.raises(SealBroken):
        reopened.unseal(SealPurpose.OUTBOX, sealed, context="outbox:1")


def test_a_sealer_does_not_show_its_keys(sealer: Sealer) -> None:
    assert repr(sealer) == "Sealer(…)"
