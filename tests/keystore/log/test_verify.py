"""Whatever was changed, removed, added or made anew is found, and named."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import delete, insert, select, update

from idp.storage.database import Database
from keystore.errors import SealBroken
from keystore.log.checkpoint_storage import find_checkpoint
from keystore.log.entries import Tree
from keystore.log.errors import ChainStuck
from keystore.log.findings import FindingKind, Findings
from keystore.log.merkle import hash_leaf
from keystore.log.record import HASHED, LogWriter, log_chain, log_event, row_hash_of
from keystore.log.sequencer import Sequencer
from keystore.log.tree_storage import read_entries
from keystore.log.tree_tables import log_checkpoint, log_entry, log_tile, log_tree
from keystore.log.verify import KeptCheckpoint, LogReport
from keystore.sealing import Sealer
from tests.support.log_trees import ORIGINS, RawLogKeys, write_rows

_TABLES = (log_event, log_chain, log_tree, log_tile, log_entry, log_checkpoint)


def _found(report: LogReport) -> set[tuple[str, str]]:
    return {(one.kind.value, one.entry) for one in report.findings}


@pytest.fixture
def grown(
    database: Database, sequencer: Sequencer, write: Callable[..., None], now: datetime
) -> str:
    """A log of several tiles with checkpoints on the way; returns its only writer."""
    for second, count in enumerate((3, 300, 17)):
        at = timedelta(seconds=second)
        write(private=count, public=count, later=at)
        sequencer.run(now + at)
    with database.read() as connection:
        return connection.execute(select(log_chain.c.writer)).scalar_one()


def _change_row(database: Database, seq: int, *, fixes_hash: bool = False, **values: Any) -> None:
    with database.transaction() as tx:
        row = tx.connection.execute(select(log_event).where(log_event.c.seq == seq)).one()
        changed = {**row._mapping, **values}
        if fixes_hash:
            changed["row_hash"] = row_hash_of(tuple(changed[name] for name in HASHED))
        tx.connection.execute(update(log_event).where(log_event.c.seq == seq).values(**changed))


def _place(database: Database, seq: int) -> str:
    with database.read() as connection:
        row = connection.execute(select(log_entry).where(log_entry.c.seq == seq)).one()
    return f"{row.tree}:{row.position}"


def test_a_whole_log_is_whole(grown: str, whole: Callable[..., LogReport]) -> None:
    read: list[int] = []
    report = whole(progress=read.append)
    assert report.is_whole, report.findings
    assert (report.rows, report.chains, report.pending) == (640, 1, 0)
    assert report.sizes == report.signed == {Tree.PRIVATE: 320, Tree.PUBLIC: 320}
    assert report.checkpoints == 6
    assert sum(read) == 2 * 640


def test_an_empty_log_is_whole(database: Database, whole: Callable[..., LogReport]) -> None:
    assert whole().is_whole


def test_new_rows_are_pending(
    grown: str, write: Callable[..., None], whole: Callable[..., LogReport]
) -> None:
    write(private=2, later=timedelta(seconds=3))
    report = whole()
    assert report.is_whole
    assert report.pending == 2


@pytest.mark.parametrize(
    "values",
    [
        {"facts": '{"n":2}'},
        {"type": "account:session:ended"},
        {"account_id": "acc_other"},
        {"at_ms": 1},
        {"sealed": b"nothing"},
        {"leaf": bytes(32)},
    ],
)
def test_one_changed_row_is_named(
    database: Database, grown: str, whole: Callable[..., LogReport], values: dict[str, Any]
) -> None:
    """Shown by: a single changed row is found by `antin log verify`, which names the entry."""
    _change_row(database, 2, **values)
    assert ("changed", f"{grown}/2") in _found(whole())


def test_a_changed_row_with_a_hash_that_fits_is_named_by_its_tree(
    database: Database, grown: str, whole: Callable[..., LogReport]
) -> None:
    _change_row(database, 2, fixes_hash=True, facts='{"n":2}')
    found = _found(whole())
    assert ("changed", _place(database, 2)) in found
    assert ("unlinked", f"{grown}/3") in found


def test_a_chain_that_was_made_anew_from_a_row_on_is_named_by_its_tree(
    database: Database, grown: str, whole: Callable[..., LogReport]
) -> None:
    _remake_chain(database, first=639, facts='{"n":9}')
    report = whole()
    assert {(one.kind, one.entry) for one in report.findings} == {
        (FindingKind.CHANGED, _place(database, seq)) for seq in (639, 640)
    }
    assert {one.detail for one in report.findings} == {f"{grown}/639", f"{grown}/640"}


def _remake_chain(database: Database, *, first: int, **values: Any) -> None:
    """Change one row and make every later hash of its chain anew."""
    with database.transaction() as tx:
        rows = tx.connection.execute(
            select(log_event).where(log_event.c.seq >= first).order_by(log_event.c.seq)
        ).all()
        last_hash = rows[0].prev_hash
        for row in rows:
            changed = {**row._mapping, **(values if row.seq == first else {})}
            changed["prev_hash"] = last_hash
            changed["row_hash"] = last_hash = row_hash_of(tuple(changed[name] for name in HASHED))
            tx.connection.execute(
                update(log_event).where(log_event.c.seq == row.seq).values(**changed)
            )
        tx.connection.execute(update(log_chain).values(last_hash=last_hash))


def test_one_removed_row_is_named(
    database: Database, grown: str, whole: Callable[..., LogReport]
) -> None:
    """Shown by: a single removed row is found, which names the entry."""
    place = _place(database, 7)
    with database.transaction() as tx:
        tx.connection.execute(delete(log_event).where(log_event.c.seq == 7))
    assert _found(whole()) == {("removed", f"{grown}/7"), ("removed", place)}


def test_rows_cut_off_at_the_end_of_a_chain_are_named(
    database: Database, grown: str, whole: Callable[..., LogReport]
) -> None:
    places = {("removed", _place(database, seq)) for seq in (639, 640)}
    with database.transaction() as tx:
        tx.connection.execute(delete(log_event).where(log_event.c.seq >= 639))
    assert _found(whole()) == places


def test_a_row_removed_together_with_its_place_is_named(
    database: Database, grown: str, whole: Callable[..., LogReport]
) -> None:
    place = _place(database, 640)
    with database.transaction() as tx:
        tx.connection.execute(delete(log_event).where(log_event.c.seq == 640))
        tx.connection.execute(delete(log_entry).where(log_entry.c.seq == 640))
    assert ("removed", place) in _found(whole())


def test_one_added_row_is_named(
    database: Database,
    grown: str,
    sealer: Sealer,
    now: datetime,
    whole: Callable[..., LogReport],
) -> None:
    """Shown by: a single added row is found, which names the entry."""
    before = now - timedelta(hours=1)
    write_rows(database, LogWriter(sealer, writer_id="intruder"), before, private=1)
    ((kind, entry),) = _found(whole())
    assert kind == "added"
    assert entry.startswith("intruder.")


def test_a_row_slipped_in_behind_what_was_integrated_is_named(
    database: Database, grown: str, whole: Callable[..., LogReport]
) -> None:
    with database.transaction() as tx:
        last = select(log_event).where(log_event.c.seq == 640)
        row = dict(tx.connection.execute(last).one()._mapping)
        row |= {"seq": 641, "at_ms": 1}
        tx.connection.execute(insert(log_event), row)
    found = _found(whole())
    assert {("added", f"{grown}/641"), ("changed", f"{grown}/641")} <= found


def test_a_chain_in_another_order_is_found(
    database: Database, grown: str, whole: Callable[..., LogReport]
) -> None:
    with database.transaction() as tx:
        for before, after in ((5, 9_999), (6, 5), (9_999, 6)):
            tx.connection.execute(
                update(log_event).where(log_event.c.seq == before).values(seq=after)
            )
    found = _found(whole())
    assert {("changed", f"{grown}/5"), ("changed", f"{grown}/6")} <= found


def _swap_places(tx: Any) -> None:
    for before, after in ((0, 9_999), (1, 0), (9_999, 1)):
        tx.connection.execute(
            update(log_entry)
            .where(log_entry.c.tree == "private", log_entry.c.position == before)
            .values(position=after)
        )


def test_places_that_were_exchanged_are_named(
    database: Database, grown: str, whole: Callable[..., LogReport]
) -> None:
    with database.transaction() as tx:
        _swap_places(tx)
    assert _found(whole()) == {("changed", "private:0"), ("changed", "private:1")}


def test_a_tile_that_was_changed_is_named(
    database: Database, grown: str, whole: Callable[..., LogReport]
) -> None:
    with database.transaction() as tx:
        where = (log_tile.c.tree == "public", log_tile.c.level == 1)
        tx.connection.execute(update(log_tile).where(*where).values(hashes=bytes(32)))
    report = whole()
    assert [(one.kind, one.detail) for one in report.findings] == [
        (FindingKind.CHANGED, "tile 1/0")
    ]


def test_a_leaf_that_was_changed_together_with_its_row_is_found_by_its_checkpoint(
    database: Database, grown: str, whole: Callable[..., LogReport]
) -> None:
    """The hashes fit together again; what was signed does not."""
    _remake_chain(database, first=640, facts='{"n":9}')
    with database.transaction() as tx:
        (entry,) = read_entries(tx.connection, Tree.PUBLIC, start=319, end=320)
        where = (log_tile.c.tree == "public", log_tile.c.level == 0, log_tile.c.tile == 1)
        hashes = tx.connection.execute(select(log_tile.c.hashes).where(*where)).scalar_one()
        hashes = hashes[:-32] + hash_leaf(entry)
        tx.connection.execute(update(log_tile).where(*where).values(hashes=hashes))
    found = _found(whole())
    # between the checkpoint of 303 entries, which fits, and that of 320, which does not
    assert ("rewritten", "public:303-319") in found
    assert ("changed", "public:root") in found


@pytest.mark.parametrize(
    ("values", "problem"),
    [
        ({"root": bytes(32)}, "differs"),
        ({"note": "nothing"}, "no_signatures"),
        ({"cosignatures": "— w AAAA\n"}, "signature_line"),
        ({"witnessed_ms": 1}, "too_few_witnesses"),
    ],
)
def test_a_checkpoint_that_was_touched_is_named(
    database: Database,
    grown: str,
    whole: Callable[..., LogReport],
    values: dict[str, Any],
    problem: str,
) -> None:
    with database.transaction() as tx:
        where = (log_checkpoint.c.tree == "private", log_checkpoint.c.size == 303)
        tx.connection.execute(update(log_checkpoint).where(*where).values(**values))
    report = whole(quorum=1)
    assert [(one.kind, one.detail) for one in report.findings] == [
        (FindingKind.CHECKPOINT, f"checkpoint 303: {problem}")
    ]


def _keep(database: Database, tree: Tree) -> KeptCheckpoint:
    with database.read() as connection:
        checkpoint = find_checkpoint(connection, tree)
    assert checkpoint is not None
    return KeptCheckpoint("kept.txt", checkpoint.whole_note.encode())


def _begin_anew(
    database: Database, log: LogWriter, keys: RawLogKeys, now: datetime, *, private: int
) -> None:
    """Whoever has the database and the key of the log makes another history."""
    with database.transaction() as tx:
        for table in _TABLES:
            tx.connection.execute(delete(table))
    write_rows(database, log, now, private=private)
    Sequencer(database, origins=ORIGINS, keys=keys).run(now)


@pytest.mark.parametrize(
    ("private", "kind", "entry"),
    [(320, "rewritten", "private:0-319"), (20, "rolled_back", "private:20-319")],
)
def test_a_full_rewrite_with_the_key_is_found_by_a_checkpoint_kept_elsewhere(
    database: Database,
    grown: str,
    sealer: Sealer,
    log_keys: RawLogKeys,
    now: datetime,
    whole: Callable[..., LogReport],
    private: int,
    kind: str,
    entry: str,
) -> None:
    """A larger history that does not begin with the old one, and a smaller one."""
    kept = _keep(database, Tree.PRIVATE)
    assert whole(against=[kept]).is_whole
    _begin_anew(database, LogWriter(sealer, writer_id="anew"), log_keys, now, private=private)
    assert whole().is_whole  # nothing inside of the database shows it
    report = whole(against=[kept])
    assert _found(report) == {(kind, entry)}
    assert report.findings[0].detail == "kept.txt"


def test_a_kept_checkpoint_of_a_log_key_that_is_gone_is_a_finding(
    database: Database,
    grown: str,
    whole: Callable[..., LogReport],
    now: datetime,
) -> None:
    kept = _keep(database, Tree.PRIVATE)
    report = whole(against=[kept], log_keys=RawLogKeys().by_tree(now))
    assert ("checkpoint", "kept.txt") in _found(report)


@pytest.mark.parametrize("raw", [b"", b"nonsense", "other.example\n1\nAAAA\n\n— a b\n".encode()])
def test_a_file_that_is_no_checkpoint_of_this_log_is_a_finding(
    whole: Callable[..., LogReport], raw: bytes
) -> None:
    report = whole(against=[KeptCheckpoint("file", raw)])
    assert [(one.entry, one.detail) for one in report.findings] == [("file", "another_log")]


def test_a_row_that_was_forged_well_is_found_by_opening_it(
    database: Database, grown: str, whole: Callable[..., LogReport]
) -> None:
    _remake_chain(database, first=640, sealed=b"what no key of ours has sealed")

    def opener(values: Any) -> bool:
        if values["sealed"] == b"what no key of ours has sealed":
            raise SealBroken
        return values["seq"] % 2 == 0

    report = whole(opener=opener)
    assert ("forged", f"{grown}/640") in _found(report)
    assert report.opened == 319


def test_a_thousand_findings_are_kept_and_all_are_counted() -> None:
    findings = Findings()
    for number in range(1_500):
        findings.add(FindingKind.REMOVED, f"w/{number}")
    assert (len(findings.kept), findings.count) == (1_000, 1_500)


def test_a_stuck_chain_is_named(
    database: Database,
    grown: str,
    sequencer: Sequencer,
    write: Callable[..., None],
    now: datetime,
    whole: Callable[..., LogReport],
) -> None:
    write(private=2, later=timedelta(seconds=5))
    _change_row(database, 641, facts="{}")
    with pytest.raises(ChainStuck):
        sequencer.run(now)
    assert {("stuck", f"{grown}/641"), ("changed", f"{grown}/641")} <= _found(whole())
