"""After rows were lost for good there is another log, which says so."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

import pytest
from sqlalchemy import delete, select, update

from idp.storage.database import Database
from keystore.log.begin_anew import begin_log_anew
from keystore.log.checkpoint_storage import find_checkpoint
from keystore.log.entries import Tree
from keystore.log.errors import TreeDamaged
from keystore.log.record import LogWriter, log_chain, log_event
from keystore.log.row_marks import RowMarks
from keystore.log.sequencer import Sequencer
from keystore.log.verify import LogReport
from keystore.sealing import Sealer
from tests.support.log_trees import ORIGINS, RawLogKeys

_NEW = {tree: f"log.example/2/{tree}" for tree in Tree}


def test_what_is_left_gets_trees_under_another_name(
    database: Database,
    sequencer: Sequencer,
    sealer: Sealer,
    log_keys: RawLogKeys,
    write: Callable[..., None],
    whole: Callable[..., LogReport],
    now: datetime,
) -> None:
    write(private=5, public=3)
    sequencer.run(now)
    with database.transaction() as tx:  # what came after the backup
        tx.connection.execute(delete(log_event).where(log_event.c.seq > 6))
    log = LogWriter(sealer, writer_id="restored")
    begin_log_anew(database, origins=_NEW, log=log, now=now)
    assert sequencer.run(now) == 7  # also a process that runs on goes with it
    keys = {tree: log_keys.verifiers(origin, now=now) for tree, origin in _NEW.items()}
    report = whole(log_keys=keys)
    assert report.is_whole, report.findings
    assert report.sizes == {Tree.PRIVATE: 6, Tree.PUBLIC: 1}
    with database.read() as connection:
        newest = find_checkpoint(connection, Tree.PRIVATE)
        facts = connection.execute(
            select(log_event.c.facts).where(log_event.c.type == "operation:log:begun_anew")
        ).scalar_one()
    assert newest is not None
    assert newest.note.startswith("log.example/2/private\n6\n")
    assert facts == '{"private_entries":5,"public_entries":3}'


def test_chains_that_were_left_and_rows_without_marks_go_with_it(
    database: Database,
    sealer: Sealer,
    log_keys: RawLogKeys,
    write: Callable[..., None],
    whole: Callable[..., LogReport],
    now: datetime,
) -> None:
    """A backup of a version that announced no chain and marked no row."""
    marks = RowMarks(sealer)
    write(private=5)
    with database.transaction() as tx:
        tx.connection.execute(delete(log_chain))
        tx.connection.execute(update(log_event).values(mark=None))
    log = LogWriter(sealer, writer_id="restored")
    begin_log_anew(database, origins=_NEW, log=log, marks=marks, now=now)
    assert Sequencer(database, origins=_NEW, keys=log_keys, marks=marks).run(now) == 6
    keys = {tree: log_keys.verifiers(origin, now=now) for tree, origin in _NEW.items()}
    assert whole(log_keys=keys, marks=marks).is_whole
    with database.read() as connection:
        facts = connection.execute(
            select(log_event.c.facts).where(log_event.c.type == "operation:log:begun_anew")
        ).scalar_one()
    assert '"marked":5' in facts


def test_the_same_name_again_would_be_a_fork(
    database: Database,
    sequencer: Sequencer,
    log: LogWriter,
    write: Callable[..., None],
    now: datetime,
) -> None:
    write(private=1)
    sequencer.run(now)
    with pytest.raises(TreeDamaged, match="has that name"):
        begin_log_anew(database, origins=ORIGINS, log=log, now=now)
    assert sequencer.run(now) == 0
