"""An act and its row are one, and no row can be touched unseen."""

from __future__ import annotations

import os
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from datetime import datetime
from threading import Barrier

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import Connection, delete, insert, select, text, update

from idp.errors import StorageUnavailable
from idp.storage.database import Database
from keystore.errors import LogChainBroken
from keystore.kek import Kek
from keystore.log.events import Event, EventType, canonical_event
from keystore.log.record import (
    GENESIS,
    HASHED,
    ChainHead,
    LogWriter,
    find_writers,
    leaf_hash,
    log_event,
    row_hash_of,
    verify_chain,
)
from keystore.purposes import SealPurpose
from keystore.sealing import Sealer
from keystore.storage import Transaction
from tests.support.asked import listening

_EVENT = Event(EventType.SESSION_STARTED, account_id="acc_1", client_id="portal", facts={"n": 1})


def _write(database: Database, log: LogWriter, now: datetime, count: int = 1) -> None:
    for _ in range(count):
        with database.transaction() as transaction:
            log.record(transaction, _EVENT, data_key=None, now=now)


def _only_writer(connection: Connection) -> str:
    (writer,) = find_writers(connection)
    return writer


def _verify_all(database: Database) -> dict[str, ChainHead]:
    with database.read() as connection:
        return {writer: verify_chain(connection, writer) for writer in find_writers(connection)}


def test_what_an_operator_does_says_so_on_the_same_chain(
    database: Database, log: LogWriter, now: datetime
) -> None:
    _write(database, log, now)
    _write(database, log.in_name_of("can.bo"), now)
    _write(database, log, now)
    (head,) = _verify_all(database).values()
    assert head.seq == 3
    with database.read() as connection:
        facts = connection.execute(select(log_event.c.facts).order_by(log_event.c.seq)).scalars()
        assert list(facts) == ['{"n":1}', '{"n":1,"operator":"can.bo"}', '{"n":1}']


def test_rows_follow_one_another(database: Database, log: LogWriter, now: datetime) -> None:
    _write(database, log, now, count=5)
    (head,) = _verify_all(database).values()
    assert head.seq == 5
    assert head.writer.startswith("test.")


def test_a_chain_longer_than_one_portion_is_walked_to_its_end(
    database: Database, log: LogWriter, now: datetime
) -> None:
    with database.transaction() as transaction:
        for _ in range(1_001):
            log.record(transaction, _EVENT, data_key=None, now=now)
    assert [head.seq for head in _verify_all(database).values()] == [1_001]


def test_several_events_of_one_transaction_stay_together(
    database: Database, log: LogWriter, now: datetime
) -> None:
    with database.transaction() as transaction:
        for _ in range(3):
            log.record(transaction, _EVENT, data_key=None, now=now)
    assert [head.seq for head in _verify_all(database).values()] == [3]


def test_no_act_no_record(database: Database, log: LogWriter, now: datetime) -> None:
    _write(database, log, now)
    with suppress(ZeroDivisionError), database.transaction() as transaction:
        log.record(transaction, _EVENT, data_key=None, now=now)
        raise ZeroDivisionError
    _write(database, log, now)
    assert [head.seq for head in _verify_all(database).values()] == [2]


def test_a_commit_whose_answer_was_lost_does_not_break_the_chain(
    database: Database, log: LogWriter, now: datetime
) -> None:
    """The database had committed, but to us it looked like a rollback."""
    with database.engine.begin() as connection:
        transaction = Transaction(connection)
        log.record(transaction, _EVENT, data_key=None, now=now)
    transaction.rolled_back()
    _write(database, log, now)
    assert [head.seq for head in _verify_all(database).values()] == [2]


def test_a_transaction_that_commits_later_does_not_hold_up_another(
    database: Database, log: LogWriter, now: datetime
) -> None:
    if database.is_sqlite:
        _write(database, log, now, count=2)  # there one writer waits for another anyway
    else:
        with database.transaction() as slow:
            log.record(slow, _EVENT, data_key=None, now=now)
            with database.transaction() as quick:
                log.record(quick, _EVENT, data_key=None, now=now)
    assert sum(head.seq for head in _verify_all(database).values()) == 2


def test_threads_write_whole_chains_and_few_of_them(
    database: Database, log: LogWriter, now: datetime
) -> None:
    barrier = Barrier(4)

    def work(_number: int) -> None:
        barrier.wait(60)
        _write(database, log, now, count=10)

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(work, range(4)))
    heads = _verify_all(database)
    assert sum(head.seq for head in heads.values()) == 40
    assert len(heads) <= 4


def test_writers_of_one_name_have_chains_of_their_own(
    database: Database, sealer: Sealer, now: datetime
) -> None:
    for _ in range(3):
        _write(database, LogWriter(sealer, writer_id="web-1"), now)
    assert Counter(head.seq for head in _verify_all(database).values()) == {1: 3}


def test_a_forked_process_does_not_continue_its_parents_chain(
    database: Database, log: LogWriter, now: datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    _write(database, log, now)
    monkeypatch.setattr(os, "getpid", lambda: -1)
    _write(database, log, now)
    assert len(_verify_all(database)) == 2


def test_steady_state_is_one_insert_and_nothing_else(
    database: Database, log: LogWriter, now: datetime
) -> None:
    _write(database, log, now)
    (before,) = _verify_all(database).values()
    with listening() as asked:
        _write(database, log, now)
    (after,) = _verify_all(database).values()
    assert after.seq == before.seq + 1
    assert [statement.split()[0] for statement in asked] == ["BEGIN", "INSERT", "COMMIT"]


def test_a_database_that_goes_away_under_the_log_row_is_unavailable(
    fresh_postgresql_url: str, kek: Kek, now: datetime
) -> None:
    """The row goes past SQLAlchemy: the driver's word stops here, and so does the connection."""
    database = Database(fresh_postgresql_url, pool_size=2)
    log = LogWriter(Sealer.open(database, kek=kek, now=now), writer_id="test")
    _write(database, log, now)

    def act() -> None:
        with database.transaction() as tx:
            pid = tx.connection.execute(text("SELECT pg_backend_pid()")).scalar_one()
            with database.read() as another:
                another.execute(text("SELECT pg_terminate_backend(:pid)"), {"pid": pid})
            log.record(tx, _EVENT, data_key=None, now=now)

    with pytest.raises(StorageUnavailable):
        act()
    for _ in range(3):
        _write(database, log, now)
    (head,) = _verify_all(database).values()
    assert head.seq == 4
    database.close()


def test_personal_facts_are_sealed_and_the_leaf_proves_the_event(
    database: Database, log: LogWriter, sealer: Sealer, now: datetime
) -> None:
    data_key = sealer.make_data_key(context="acc_1")
    told = Event(
        EventType.SESSION_STARTED, account_id="acc_1", personal={"address": "198.51.100.7"}
    )
    with database.transaction() as transaction:
        log.record(transaction, told, data_key=data_key, now=now)
    with database.read() as connection:
        row = connection.execute(select(log_event)).mappings().one()
    assert not any("198.51" in str(value) for value in row.values())
    context = f"log:{row['writer']}/{row['seq']}"
    opened = sealer.unseal_personal(data_key, row["sealed"], context=context)
    assert opened[32:] == b'{"address":"198.51.100.7"}'
    assert leaf_hash(opened[:32], canonical_event(told, now=now)) == row["leaf"]


def test_the_nonce_of_an_event_of_nobody_is_sealed_too(
    database: Database, log: LogWriter, sealer: Sealer, now: datetime
) -> None:
    _write(database, log, now)
    with database.read() as connection:
        row = connection.execute(select(log_event)).mappings().one()
    opened = sealer.unseal(
        SealPurpose.LOG, row["sealed"], context=f"log:{row['writer']}/{row['seq']}"
    )
    assert leaf_hash(opened, canonical_event(_EVENT, now=now)) == row["leaf"]


def test_personal_facts_without_a_data_key_are_refused(
    database: Database, log: LogWriter, now: datetime
) -> None:
    told = Event(EventType.SESSION_STARTED, personal={"address": "198.51.100.7"})
    with (
        pytest.raises(ValueError, match="personal_facts_without_data_key"),
        database.transaction() as transaction,
    ):
        log.record(transaction, told, data_key=None, now=now)


# --- tampering ----------------------------------------------------------------------------------


def _break(database: Database) -> LogChainBroken:
    with database.read() as connection, pytest.raises(LogChainBroken) as broken:
        verify_chain(connection, _only_writer(connection))
    return broken.value


def test_a_removed_row_is_found(database: Database, log: LogWriter, now: datetime) -> None:
    _write(database, log, now, count=5)
    with database.transaction() as transaction:
        transaction.connection.execute(delete(log_event).where(log_event.c.seq == 3))
    found = _break(database)
    assert (found.seq, found.reason) == (3, "removed")


def test_exchanged_rows_are_found(database: Database, log: LogWriter, now: datetime) -> None:
    _write(database, log, now, count=5)
    with database.transaction() as transaction:
        for old, new in ((2, 99), (3, 2), (99, 3)):
            transaction.connection.execute(
                update(log_event).where(log_event.c.seq == old).values(seq=new)
            )
    assert _break(database).seq == 2


def test_a_row_of_another_chain_is_found(database: Database, sealer: Sealer, now: datetime) -> None:
    """Rehashed or not: a row stands on the row before it."""
    for _ in range(2):
        _write(database, LogWriter(sealer, writer_id="w"), now, count=2)
    with database.transaction() as transaction:
        one, other = find_writers(transaction.connection)
        row = transaction.connection.execute(
            select(log_event).where(log_event.c.writer == other, log_event.c.seq == 2)
        ).mappings()
        values = dict(row.one()) | {"writer": one, "seq": 3}
        transaction.connection.execute(insert(log_event).values(values))
    with database.read() as connection, pytest.raises(LogChainBroken) as broken:
        verify_chain(connection, one)
    assert broken.value.seq == 3


def test_a_row_that_was_changed_and_hashed_anew_is_found_at_the_next(
    database: Database, log: LogWriter, now: datetime
) -> None:
    _write(database, log, now, count=4)
    with database.transaction() as transaction:
        row = transaction.connection.execute(select(log_event).where(log_event.c.seq == 2))
        values = dict(row.mappings().one()) | {"client_id": "another"}
        values["row_hash"] = row_hash_of(tuple(values[name] for name in HASHED))
        transaction.connection.execute(update(log_event).where(log_event.c.seq == 2).values(values))
    found = _break(database)
    assert (found.seq, found.reason) == (3, "reordered")


def test_a_cut_tail_is_found_with_a_head_kept_elsewhere(
    database: Database, log: LogWriter, now: datetime
) -> None:
    _write(database, log, now, count=5)
    (kept,) = _verify_all(database).values()
    _write(database, log, now, count=2)
    with database.read() as connection:
        assert verify_chain(connection, kept.writer, expected_head=kept).seq == 7
    with database.transaction() as transaction:
        transaction.connection.execute(delete(log_event).where(log_event.c.seq >= 4))
    with database.read() as connection:
        assert verify_chain(connection, kept.writer).seq == 3, "a chain alone cannot know"
        with pytest.raises(LogChainBroken, match="truncated"):
            verify_chain(connection, kept.writer, expected_head=kept)


def test_a_chain_written_anew_is_found_with_a_head_kept_elsewhere(
    database: Database, log: LogWriter, now: datetime
) -> None:
    _write(database, log, now, count=2)
    (kept,) = _verify_all(database).values()
    forged = ChainHead(kept.writer, seq=2, row_hash=bytes(32))
    with database.read() as connection, pytest.raises(LogChainBroken, match="modified"):
        verify_chain(connection, kept.writer, expected_head=forged)


def test_a_writer_that_never_wrote_has_the_empty_chain(database: Database) -> None:
    with database.read() as connection:
        assert verify_chain(connection, "nobody") == ChainHead("nobody", seq=0, row_hash=GENESIS)


_CHANGES: dict[str, st.SearchStrategy[object]] = {
    "prev_hash": st.binary(min_size=32, max_size=32),
    "row_hash": st.binary(min_size=32, max_size=32),
    "leaf": st.binary(min_size=32, max_size=32),
    "at_ms": st.integers(0, 2**52),
    "type": st.sampled_from([one.value for one in EventType]),
    "version": st.integers(0, 9),
    "account_id": st.none() | st.from_regex(r"acc_[0-9a-f]{4}", fullmatch=True),
    "client_id": st.none() | st.from_regex(r"[a-z]{1,8}", fullmatch=True),
    "facts": st.from_regex(r'\{"n":[0-9]\}', fullmatch=True),
    "sealed": st.binary(max_size=100),
}


@settings(max_examples=40)
@given(data=st.data(), seq=st.integers(1, 4), column=st.sampled_from(sorted(_CHANGES)))
def test_any_change_of_any_column_is_found(
    database: Database,
    sealer: Sealer,
    now: datetime,
    *,
    data: st.DataObject,
    seq: int,
    column: str,
) -> None:
    with database.transaction() as transaction:
        transaction.connection.execute(delete(log_event))
    _write(database, LogWriter(sealer, writer_id="w"), now, count=4)
    of_row = log_event.c.seq == seq
    value = data.draw(_CHANGES[column])
    with database.transaction() as transaction:
        before = transaction.connection.execute(
            select(log_event.c[column]).where(of_row)
        ).scalar_one()
        transaction.connection.execute(update(log_event).where(of_row).values({column: value}))
    if value == before:
        _verify_all(database)
        return
    found = _break(database)
    assert found.seq == seq
