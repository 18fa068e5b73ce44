"""What a sequencer still knows after it was started again, whatever the database says."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import delete

from idp.storage.database import Database
from keystore.log.entries import Tree
from keystore.log.errors import HeadsUnusable, TreeDamaged
from keystore.log.note_keys import SignedHead
from keystore.log.record import LogWriter, log_chain, log_event
from keystore.log.sequencer import Sequencer
from keystore.log.signed_heads import HeadFolder
from keystore.log.tree_storage import find_tree_state
from keystore.log.tree_tables import log_checkpoint, log_entry, log_tile, log_tree
from keystore.sealing import Sealer
from tests.support.log_trees import ORIGINS, RawLogKeys, write_rows

_TREES = (log_tree, log_tile, log_entry, log_checkpoint)


@pytest.fixture
def start(database: Database, log_keys: RawLogKeys, tmp_path: Path) -> Callable[[], Sequencer]:
    """A sequencer as it is after a restart."""

    def call() -> Sequencer:
        memory = HeadFolder(tmp_path / "heads")
        return Sequencer(database, origins=ORIGINS, keys=log_keys, memory=memory)

    return call


def test_a_restart_goes_on_with_a_log_that_only_grew(
    start: Callable[[], Sequencer], write: Callable[..., None], now: datetime
) -> None:
    for _ in range(3):
        write(private=2)
        assert start().run(now) == 2
        assert start().run(now) == 0


@pytest.mark.parametrize("keeps_tree", [True, False])
@pytest.mark.parametrize("size", [9, 3])
def test_no_rewritten_tree_is_signed_after_a_restart(
    database: Database,
    start: Callable[[], Sequencer],
    write: Callable[..., None],
    sealer: Sealer,
    log_keys: RawLogKeys,
    now: datetime,
    size: int,
    keeps_tree: bool,
) -> None:
    write(private=5)
    start().run(now)
    with database.transaction() as tx:
        for table in (*_TREES, log_event, log_chain):
            tx.connection.execute(delete(table))
    write_rows(database, LogWriter(sealer, writer_id="anew"), now, private=size)
    if keeps_tree:
        Sequencer(database, origins=ORIGINS, keys=log_keys).run(now)
        with database.transaction() as tx:
            tx.connection.execute(delete(log_checkpoint))
    with pytest.raises(TreeDamaged, match="rolled back from 5"):
        start().run(now + timedelta(seconds=1))


def test_what_another_host_signed_is_remembered_once_it_is_seen(
    database: Database,
    start: Callable[[], Sequencer],
    write: Callable[..., None],
    log_keys: RawLogKeys,
    now: datetime,
) -> None:
    write(private=5)
    Sequencer(database, origins=ORIGINS, keys=log_keys).run(now)
    start().run(now)
    with database.transaction() as tx:
        tx.connection.execute(delete(log_checkpoint))
    with pytest.raises(TreeDamaged, match="rolled back from 5"):
        start().run(now)


def test_the_larger_head_stays_and_a_damaged_one_is_not_forgotten(
    database: Database, tmp_path: Path, now: datetime
) -> None:
    memory = HeadFolder(tmp_path / "heads")
    assert memory.find("log") is None
    for size in (3, 7, 5):
        memory.save(SignedHead("log", size, bytes([size]) * 32))
    assert memory.find("log") == SignedHead("log", 7, bytes([7]) * 32)
    (file,) = (tmp_path / "heads").glob("[0-9a-f]*")
    file.write_text("nothing")
    with pytest.raises(TreeDamaged):
        memory.find("log")
    with database.read() as connection:
        assert find_tree_state(connection, Tree.PRIVATE) is None


def _lock(folder: Path) -> None:
    for file in folder.iterdir():
        file.chmod(0o644)


def _spoil(folder: Path) -> None:
    for file in tuple(folder.iterdir()):
        file.unlink()
        file.mkdir(mode=0o700)


@pytest.mark.parametrize(
    ("spoil", "said"),
    [(_lock, "readable_by_others"), (_spoil, "unreadable")],
)
def test_a_memory_that_cannot_be_used_is_said_in_one_sentence_and_nothing_is_signed(
    start: Callable[[], Sequencer],
    write: Callable[..., None],
    tmp_path: Path,
    now: datetime,
    spoil: Callable[[Path], None],
    said: str,
) -> None:
    write(private=5)
    start().run(now)
    spoil(tmp_path / "heads")
    write(private=5)
    with pytest.raises(HeadsUnusable, match=f"heads/.*: {said}; its folder must belong to"):
        start().run(now)


def test_a_folder_that_cannot_be_made_is_said_in_one_sentence(tmp_path: Path) -> None:
    (tmp_path / "heads").write_text("a file in its place")
    with pytest.raises(HeadsUnusable, match=r"heads/.*: File exists"):
        HeadFolder(tmp_path / "heads").save(SignedHead("log", 1, bytes(32)))
    (tmp_path / "heads").unlink()
    memory = HeadFolder(tmp_path / "heads")
    memory.save(SignedHead("log", 1, bytes(32)))
    (file,) = (tmp_path / "heads").glob("[0-9a-f]*")
    file.write_text("nothing")
    with pytest.raises(TreeDamaged):
        memory.save(SignedHead("log", 2, bytes(32)))
