"""A log and a witness that is a process of its own: what neither the operator can do unseen.

The attacker of these tests has the database and the keys of the log, and not the witness.
"""

from __future__ import annotations

import signal
from collections.abc import Callable
from datetime import datetime, timedelta

import pytest
from sqlalchemy import delete

from idp.storage.database import Database
from keystore.log.checkpoint import verify_checkpoint
from keystore.log.checkpoint_storage import find_checkpoint, read_witness_states
from keystore.log.entries import Tree
from keystore.log.errors import WitnessUnreachable
from keystore.log.record import LogWriter, log_chain, log_event
from keystore.log.sequencer import Sequencer
from keystore.log.tree_tables import log_checkpoint, log_entry, log_tile, log_tree, log_witness
from keystore.log.verify import KeptCheckpoint, LogReport
from keystore.log.witnessing import (
    CONFLICT,
    COSIGNED,
    REFUSED,
    UNREACHABLE,
    Witnessing,
    fetch_latest,
)
from keystore.sealing import Sealer
from tests.support.log_trees import (
    ORIGINS,
    LoopbackTransport,
    RawLogKeys,
    WitnessProcess,
    write_rows,
)

_TABLES = (log_event, log_chain, log_tree, log_tile, log_entry, log_checkpoint, log_witness)
_LATER = timedelta(minutes=1)


def _states(database: Database) -> dict[Tree, tuple[str, int]]:
    with database.read() as connection:
        return {
            tree: (one.state, one.size)
            for tree in Tree
            for one in read_witness_states(connection, tree)
        }


def _seen(witness: WitnessProcess, tree: Tree = Tree.PRIVATE) -> KeptCheckpoint:
    note = fetch_latest(witness.config, origin=ORIGINS[tree], transport=LoopbackTransport())
    assert note is not None
    return KeptCheckpoint("witness", note)


def _forget(database: Database) -> None:
    with database.transaction() as tx:
        for table in _TABLES:
            tx.connection.execute(delete(table))


def test_checkpoints_count_once_the_witness_has_signed(
    database: Database,
    sequencer: Sequencer,
    witness: WitnessProcess,
    witnessing: Witnessing,
    log_keys: RawLogKeys,
    write: Callable[..., None],
    whole: Callable[..., LogReport],
    now: datetime,
) -> None:
    for size in (2, 302, 304):
        write(private=size - (0 if size == 2 else {302: 2, 304: 302}[size]), public=1)
        sequencer.run(now)
        with database.read() as connection:
            newest = find_checkpoint(connection, Tree.PRIVATE, is_witnessed=True)
        assert newest is None or newest.size < size
        witnessing.run(now)
        with database.read() as connection:
            newest = find_checkpoint(connection, Tree.PRIVATE, is_witnessed=True)
        assert newest is not None
        assert newest.size == size
        found = verify_checkpoint(
            newest.whole_note.encode(),
            expected_origin=ORIGINS[Tree.PRIVATE],
            log_keys=log_keys.verifiers(ORIGINS[Tree.PRIVATE], now=now),
            witness_keys=witness.config.keys,
            quorum=1,
        )
        assert found.witnesses == ("witness.example/w1",)
    report = whole(
        against=[_seen(witness, tree) for tree in Tree],
        witness_keys=witness.config.keys,
        quorum=1,
    )
    assert report.is_whole, report.findings
    assert report.witnessed == {Tree.PRIVATE: 304, Tree.PUBLIC: 3}


def test_a_log_that_stands_still_is_cosigned_again(
    sequencer: Sequencer, witnessing: Witnessing, write: Callable[..., None], now: datetime
) -> None:
    """A cosignature says until when nothing larger was hidden."""
    write(private=1)
    sequencer.run(now)
    assert len(witnessing.run(now)) == 2
    assert witnessing.run(now + timedelta(minutes=9)) == ()
    assert [one.state for one in witnessing.run(now + timedelta(minutes=11))] == [COSIGNED] * 2


@pytest.mark.parametrize("size", [40, 20, 10])
def test_a_full_rewrite_with_the_key_of_the_log_is_found(
    database: Database,
    sequencer: Sequencer,
    witness: WitnessProcess,
    witnessing: Witnessing,
    sealer: Sealer,
    log_keys: RawLogKeys,
    write: Callable[..., None],
    whole: Callable[..., LogReport],
    now: datetime,
    size: int,
) -> None:
    """Shown by: a full rewrite with the log key is found; larger, as large, and smaller."""
    write(private=20)
    sequencer.run(now)
    witnessing.run(now)
    _forget(database)
    write_rows(database, LogWriter(sealer, writer_id="anew"), now, private=size)
    Sequencer(database, origins=ORIGINS, keys=log_keys).run(now)
    assert whole().is_whole  # it fits together, and is signed by the log
    witnessing.run(now + _LATER)
    assert _states(database)[Tree.PRIVATE][0] == CONFLICT
    with database.read() as connection:
        assert find_checkpoint(connection, Tree.PRIVATE, is_witnessed=True) is None
    report = whole(against=[_seen(witness)])
    (finding,) = report.findings
    assert finding.kind == ("rolled_back" if size < 20 else "rewritten")
    assert finding.entry == (f"private:{size}-19" if size < 20 else "private:0-19")
    assert bool(witness.folder.evidence()) is (size >= 20)


def test_a_rollback_is_found(
    database: Database,
    witness: WitnessProcess,
    witnessing: Witnessing,
    log: LogWriter,
    log_keys: RawLogKeys,
    whole: Callable[..., LogReport],
    now: datetime,
) -> None:
    """Shown by: an older state of the database, whole in itself, is found through the witness."""
    first = Sequencer(database, origins=ORIGINS, keys=log_keys)
    write_rows(database, log, now, private=10)
    first.run(now)
    with database.read() as connection:
        backup = {table: connection.execute(table.select()).all() for table in _TABLES}
    write_rows(database, log, now, private=5)
    first.run(now)
    witnessing.run(now)
    with database.transaction() as tx:
        for table in _TABLES:
            tx.connection.execute(delete(table))
            rows = [dict(row._mapping) for row in backup[table]]
            if rows:
                tx.connection.execute(table.insert(), rows)
    Sequencer(database, origins=ORIGINS, keys=log_keys).run(now)
    assert whole().is_whole
    witnessing.run(now + _LATER)
    assert _states(database)[Tree.PRIVATE] == (CONFLICT, 15)
    (finding,) = whole(against=[_seen(witness)]).findings
    assert (finding.kind, finding.entry) == ("rolled_back", "private:10-14")


def test_a_fork_is_found(
    database: Database,
    sequencer: Sequencer,
    witness: WitnessProcess,
    witnessing: Witnessing,
    sealer: Sealer,
    log_keys: RawLogKeys,
    write: Callable[..., None],
    whole: Callable[..., LogReport],
    now: datetime,
) -> None:
    """Shown by: one history for the witness, another for whoever reads the database."""
    write(private=10)
    sequencer.run(now)
    with database.read() as connection:
        shared = {table: connection.execute(table.select()).all() for table in _TABLES}
    write(private=5)
    sequencer.run(now)
    witnessing.run(now)
    with database.transaction() as tx:
        for table in _TABLES:
            tx.connection.execute(delete(table))
            rows = [dict(row._mapping) for row in shared[table]]
            if rows:
                tx.connection.execute(table.insert(), rows)
    write_rows(database, LogWriter(sealer, writer_id="branch"), now, private=8)
    Sequencer(database, origins=ORIGINS, keys=log_keys).run(now)
    assert whole().is_whole
    witnessing.run(now + _LATER)
    assert _states(database)[Tree.PRIVATE][0] == CONFLICT
    (finding,) = whole(against=[_seen(witness)]).findings
    assert (finding.kind, finding.entry) == ("rewritten", "private:10-14")


def test_a_witness_that_was_killed_goes_on_where_it_was(
    database: Database,
    sequencer: Sequencer,
    witness: WitnessProcess,
    write: Callable[..., None],
    now: datetime,
) -> None:
    def ask(seconds: int) -> tuple[str, int]:
        sequencer.run(now)
        asking = Witnessing(database, witnesses=[witness.config], transport=LoopbackTransport())
        asking.run(now + timedelta(seconds=seconds))
        return _states(database)[Tree.PRIVATE]

    write(private=3)
    assert ask(0) == (COSIGNED, 3)
    witness.stop(signal.SIGKILL)
    write(private=1)
    assert ask(1) == (UNREACHABLE, 3)
    assert ask(2) == (UNREACHABLE, 3)
    with database.transaction() as tx:
        tx.connection.execute(delete(log_witness))  # and we may forget what it said
    witness.start()
    assert ask(3) == (COSIGNED, 4)


def test_it_ends_when_told_to(witness: WitnessProcess) -> None:
    assert witness.stop() == 0


def test_a_witness_that_lost_what_it_saw_of_a_log_signs_nothing_of_it(
    database: Database,
    sequencer: Sequencer,
    witness: WitnessProcess,
    write: Callable[..., None],
    now: datetime,
) -> None:
    asking = Witnessing(database, witnesses=[witness.config], transport=LoopbackTransport())
    write(private=3)
    sequencer.run(now)
    asking.run(now)
    for state in (witness.folder.path / "state").iterdir():
        state.unlink()
    write(private=3)
    sequencer.run(now)
    asking.run(now + _LATER)
    assert _states(database)[Tree.PRIVATE][0] == REFUSED
    with pytest.raises(WitnessUnreachable):
        fetch_latest(witness.config, origin=ORIGINS[Tree.PRIVATE], transport=LoopbackTransport())
    witness.stop()
    with pytest.raises(pytest.fail.Exception):
        witness.start()
