"""Rows become entries, once each; nothing is signed over a tree that somebody touched."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import delete, func, insert, select, update

from idp.storage.database import Database
from keystore.log.chain_storage import find_stuck
from keystore.log.checkpoint import verify_checkpoint
from keystore.log.checkpoint_storage import find_checkpoint, read_checkpoints
from keystore.log.entries import Tree, find_tree, parse_entry
from keystore.log.errors import ChainStuck, NoteMalformed, TreeDamaged
from keystore.log.events import EventType
from keystore.log.merkle import hash_leaf
from keystore.log.record import GENESIS, LogWriter, log_chain, log_event
from keystore.log.sequencer import Sequencer
from keystore.log.tree_storage import find_place, find_row_of, find_tree_state, read_entries
from keystore.log.tree_tables import log_checkpoint, log_entry, log_tile, log_tree
from keystore.sealing import Sealer
from tests.support.asked import listening
from tests.support.log_trees import ORIGINS, RawLogKeys, write_rows
from tests.support.rfc9162 import tree_head

_PUBLIC_AREAS = {"keys", "pki", "sign", "time"}


def _sizes(database: Database) -> dict[Tree, int]:
    with database.read() as connection:
        states = {tree: find_tree_state(connection, tree) for tree in Tree}
    return {tree: -1 if state is None else state.size for tree, state in states.items()}


def test_rows_go_to_the_tree_of_their_area(
    database: Database, sequencer: Sequencer, write: Callable[..., None], now: datetime
) -> None:
    write(private=3, public=2)
    assert sequencer.run(now) == 5
    assert _sizes(database) == {Tree.PRIVATE: 3, Tree.PUBLIC: 2}
    assert sequencer.run(now) == 0


def test_every_type_of_event_has_its_tree() -> None:
    for event_type in EventType:
        is_public = event_type.partition(":")[0] in _PUBLIC_AREAS
        assert (find_tree(event_type) is Tree.PUBLIC) is is_public


def test_roots_are_those_of_the_rows_whatever_the_steps(
    database: Database, sequencer: Sequencer, write: Callable[..., None], now: datetime
) -> None:
    for step in (1, 0, 5, 255, 260, 3):
        write(private=step)
        sequencer.run(now)
    with database.read() as connection:
        state = find_tree_state(connection, Tree.PRIVATE)
        entries = read_entries(connection, Tree.PRIVATE, start=0, end=1_000)
    assert state is not None
    assert state.size == len(entries) == 524
    assert state.root == tree_head(entries)


def test_an_entry_says_the_hour_and_nothing_else(
    database: Database, sequencer: Sequencer, write: Callable[..., None], now: datetime
) -> None:
    write(public=1)
    sequencer.run(now)
    with database.read() as connection:
        (raw,) = read_entries(connection, Tree.PUBLIC, start=0, end=1)
        row = connection.execute(select(log_event)).one()
    entry = parse_entry(raw)
    assert (entry.leaf, entry.row_hash) == (row.leaf, row.row_hash)
    assert entry.hour == int(now.timestamp()) // 3600
    assert entry.to_bytes() == raw
    for wrong in (b"", raw[:-1], b"\x02" + raw[1:]):
        with pytest.raises(NoteMalformed):
            parse_entry(wrong)


def test_a_row_is_found_at_its_place_and_the_place_at_its_row(
    database: Database, sequencer: Sequencer, write: Callable[..., None], now: datetime
) -> None:
    write(private=2)
    sequencer.run(now)
    with database.read() as connection:
        place = find_row_of(connection, Tree.PRIVATE, position=1)
        assert place is not None
        assert place.seq == 2
        assert find_place(connection, writer=place.writer, seq=2) == place
        assert find_place(connection, writer=place.writer, seq=3) is None
        assert find_row_of(connection, Tree.PRIVATE, position=2) is None


def test_limits_are_kept_and_nothing_is_left(
    database: Database, sequencer: Sequencer, write: Callable[..., None], now: datetime
) -> None:
    write(private=7)
    assert [sequencer.integrate(now, limit=3) for _ in range(4)] == [3, 3, 1, 0]


def test_many_sequencers_at_once_integrate_every_row_once(
    database: Database,
    sealer: Sealer,
    log_keys: RawLogKeys,
    now: datetime,
) -> None:
    for number in range(6):
        writer = LogWriter(sealer, writer_id=f"w{number}")
        write_rows(database, writer, now, private=40, public=40)
    sequencers = [Sequencer(database, origins=ORIGINS, keys=log_keys) for _ in range(4)]

    def work(sequencer: Sequencer) -> None:
        for _ in range(60):
            sequencer.integrate(now, limit=17)
            sequencer.sign(now)

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(work, sequencers))
    while sequencers[0].run(now):
        pass
    with database.read() as connection:
        places = connection.execute(select(log_entry.c.chain_id, log_entry.c.seq)).all()
        for tree in Tree:
            state = find_tree_state(connection, tree)
            assert state is not None
            assert state.root == tree_head(read_entries(connection, tree, start=0, end=1_000))
    assert len(places) == 480
    assert set(Counter(places).values()) == {1}


def test_no_row_of_the_log_is_ever_written_again(
    database: Database, sequencer: Sequencer, write: Callable[..., None], now: datetime
) -> None:
    write(private=5)
    with listening() as statements:
        sequencer.run(now)
        sequencer.tidy(now)
    changing = [one for one in statements if one.split()[0] in {"UPDATE", "INSERT", "DELETE"}]
    assert changing
    assert not [one for one in changing if "log_event" in one.split("WHERE")[0]]


def test_what_was_signed_is_signed_by_the_log_and_once(
    database: Database,
    sequencer: Sequencer,
    log_keys: RawLogKeys,
    write: Callable[..., None],
    now: datetime,
) -> None:
    write(private=2, public=1)
    sequencer.run(now)
    sequencer.run(now)
    with database.read() as connection:
        for tree in Tree:
            (stored,) = read_checkpoints(connection, tree)
            found = verify_checkpoint(
                stored.note.encode(),
                expected_origin=ORIGINS[tree],
                log_keys=log_keys.verifiers(ORIGINS[tree], now=now),
            )
            assert (found.size, found.root) == (stored.size, stored.root)
            assert len(found.log_keys) == 1
            assert stored.note.count("\n— ") == 2


def test_a_tree_keeps_the_name_that_it_began_with(
    database: Database,
    sequencer: Sequencer,
    log_keys: RawLogKeys,
    write: Callable[..., None],
    now: datetime,
) -> None:
    write(public=1)
    sequencer.run(now)
    renamed = {tree: f"renamed.example/{tree}" for tree in Tree}
    write(public=1)
    Sequencer(database, origins=renamed, keys=log_keys).run(now)
    with database.read() as connection:
        newest = find_checkpoint(connection, Tree.PUBLIC)
    assert newest is not None
    assert newest.note.startswith("log.example/public\n2\n")


def test_rows_written_before_there_were_trees_are_integrated(
    database: Database, sequencer: Sequencer, write: Callable[..., None], now: datetime
) -> None:
    write(private=3)
    with database.transaction() as tx:
        tx.connection.execute(delete(log_chain))
    assert sequencer.run(now) == 3


def test_a_chain_that_was_closed_is_opened_when_it_has_rows(
    database: Database, sequencer: Sequencer, write: Callable[..., None], now: datetime
) -> None:
    write(private=1)
    sequencer.run(now)
    later = now + timedelta(days=3)
    sequencer.tidy(later)
    with database.read() as connection:
        assert connection.execute(select(log_chain.c.closed_ms)).scalar() is not None
    write(private=1)  # a process that slept for days
    assert sequencer.run(later) == 0
    sequencer.tidy(later)
    assert sequencer.run(later) == 1


def test_a_chain_is_used_for_a_day(
    database: Database, sequencer: Sequencer, write: Callable[..., None]
) -> None:
    for hours in (0, 23, 25, 26):
        write(private=1, later=timedelta(hours=hours))
    with database.read() as connection:
        counts = connection.execute(
            select(func.count(log_event.c.seq))
            .group_by(log_event.c.writer)
            .order_by(func.count(log_event.c.seq))
        ).scalars()
        assert list(counts) == [2, 2]
        assert connection.execute(select(func.count()).select_from(log_chain)).scalar() == 2


@pytest.mark.parametrize("change", ["row_hash", "facts", "prev_hash", "removed"])
def test_a_row_that_does_not_fit_stops_its_chain_alone(
    database: Database,
    sequencer: Sequencer,
    sealer: Sealer,
    write: Callable[..., None],
    now: datetime,
    caplog: pytest.LogCaptureFixture,
    change: str,
) -> None:
    write(private=4)
    with database.transaction() as tx:
        second = log_event.c.seq == 2
        if change == "removed":
            tx.connection.execute(delete(log_event).where(second))
        else:
            value: Any = '{"n":2}' if change == "facts" else bytes(32)
            tx.connection.execute(update(log_event).where(second).values(**{change: value}))
    write_rows(database, LogWriter(sealer, writer_id="other"), now, private=5)
    with caplog.at_level("ERROR"), pytest.raises(ChainStuck):
        sequencer.run(now)
    assert "log_chain_stuck writer=test." in caplog.text
    with pytest.raises(ChainStuck) as stuck:  # as often as it is tried
        sequencer.run(now)
    with database.read() as connection:
        ((writer, seq),) = find_stuck(connection)
        assert len(connection.execute(select(log_entry)).all()) == 6
        assert find_checkpoint(connection, Tree.PRIVATE) is not None
    assert (writer.partition(".")[0], seq) == ("test", 2)
    assert stuck.value.rows == (f"{writer}/2",)


def test_a_chain_that_was_put_right_goes_on(
    database: Database, sequencer: Sequencer, write: Callable[..., None], now: datetime
) -> None:
    write(private=3)
    with database.transaction() as tx:
        second = log_event.c.seq == 2
        good = tx.connection.execute(select(log_event.c.facts).where(second)).scalar()
        tx.connection.execute(update(log_event).where(second).values(facts="{}"))
    with pytest.raises(ChainStuck):
        sequencer.run(now)
    with database.transaction() as tx:
        tx.connection.execute(update(log_event).where(second).values(facts=good))
    sequencer.tidy(now)
    assert sequencer.run(now) == 2


def _touch_tile(tx: Any) -> None:
    tx.connection.execute(update(log_tile).values(hashes=bytes(32 * 3)))


def _touch_root(tx: Any) -> None:
    tx.connection.execute(update(log_tree).values(root=bytes(32)))


def _set_back(tx: Any) -> None:
    """All of it smaller, as a restored backup is, and consistent in itself."""
    first = tx.connection.execute(select(log_tile.c.hashes)).scalar_one()[:32]
    tx.connection.execute(update(log_tile).values(hashes=first))
    tx.connection.execute(update(log_tree).values(root=first, size=1))
    tx.connection.execute(delete(log_entry).where(log_entry.c.position >= 1))
    tx.connection.execute(delete(log_checkpoint))


def _rewrite(tx: Any) -> None:
    """Another tree of the same size, with the checkpoint that was signed left in its place."""
    leaf = hash_leaf(b"another")
    one = tx.connection.execute(select(log_tile.c.hashes)).scalar_one()[32:]
    tx.connection.execute(update(log_tile).values(hashes=leaf + one))
    row = hash_leaf(b"x")
    tx.connection.execute(update(log_tree).values(root=row))


@pytest.mark.parametrize("touch", [_touch_tile, _touch_root, _set_back, _rewrite])
def test_nothing_is_signed_over_a_tree_that_was_touched(
    database: Database,
    sequencer: Sequencer,
    write: Callable[..., None],
    now: datetime,
    touch: Callable[[Any], None],
) -> None:
    """tlog-checkpoint, "Signatures": never a checkpoint inconsistent with an earlier one."""
    with database.transaction() as tx:
        tx.connection.execute(delete(log_tree))
    write(private=3)
    sequencer.run(now)
    with database.transaction() as tx:
        touch(tx)
        count = select(func.count()).select_from(log_checkpoint)
        before = tx.connection.execute(count).scalar()
    write(private=1)
    with pytest.raises(TreeDamaged):
        sequencer.run(now)
    with database.read() as connection:
        assert connection.execute(count).scalar() == before


def test_a_checkpoint_that_the_log_did_not_sign_is_not_built_upon(
    database: Database, sequencer: Sequencer, write: Callable[..., None], now: datetime
) -> None:
    write(private=1, public=1)
    sequencer.run(now)
    stranger = Sequencer(database, origins=ORIGINS, keys=RawLogKeys())
    write(private=1, public=1)
    with pytest.raises(TreeDamaged, match="checkpoint 1"):
        stranger.run(now)


def test_old_checkpoints_are_thinned_to_one_an_hour(
    database: Database, sequencer: Sequencer, write: Callable[..., None], now: datetime
) -> None:
    for minutes in (0, 10, 20, 70, 80, 200, 205):
        write(private=1)
        sequencer.run(now + timedelta(minutes=minutes))
    sequencer.tidy(now + timedelta(minutes=206))
    with database.read() as connection:
        kept = [one.size for one in read_checkpoints(connection, Tree.PRIVATE, batch=2)]
    assert kept == [3, 5, 6, 7]  # of the last hour all are kept


def test_an_announced_chain_without_rows_does_no_harm(
    database: Database, sequencer: Sequencer, now: datetime
) -> None:
    with database.transaction() as tx:
        row = {"writer": "w", "begun_ms": 0, "integrated": 0, "last_hash": GENESIS}
        tx.connection.execute(insert(log_chain), row)
    assert sequencer.run(now) == 0
