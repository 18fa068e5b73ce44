"""A verification comes to its end whatever rows hold, and names those that nobody can read."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

import pytest
from sqlalchemy import text, update

from idp.storage.database import Database
from keystore.log.events import Event, EventType, Fact
from keystore.log.openings import open_row
from keystore.log.record import HASHED, LogWriter, log_event, row_hash_of
from keystore.log.row_marks import RowMarks
from keystore.log.sequencer import Sequencer
from keystore.log.tree_tables import log_checkpoint, log_tree
from keystore.log.verify import LogReport
from keystore.sealing import Sealer

_DEEP = "[" * 5000 + "]" * 5000


@pytest.fixture
def verify(whole: Callable[..., LogReport], sealer: Sealer) -> Callable[[], LogReport]:
    """With everything: marks, and every event opened."""

    def opener(values: Mapping[str, Any]) -> bool:
        open_row(values, sealer=sealer, data_key=None)
        return True

    return lambda: whole(marks=RowMarks(sealer), opener=opener)


@pytest.mark.parametrize(
    ("event_type", "facts"),
    [
        (EventType.LOG_ROWS_MARKED, {}),
        (EventType.LOG_ROWS_MARKED, {"rows": "many"}),
        (EventType.LOG_ROW_ACCEPTED, {"writer": "a"}),
        (EventType.LOG_ROW_ACCEPTED, {"writer": "a", "seq": "one"}),
        (EventType.LOG_ROW_ACCEPTED, {"writer": "a", "seq": 1, "operator": 7}),
        (EventType.BACKUP_RESTORED, {}),
        (EventType.BACKUP_RESTORED, {"made": "yesterday"}),
        (EventType.BACKUP_RESTORED, {"made": "0001-01-01T00:00Z"}),
    ],
)
def test_a_row_of_ours_that_says_nothing_readable_is_named(
    database: Database,
    log: LogWriter,
    sequencer: Sequencer,
    verify: Callable[[], LogReport],
    now: datetime,
    event_type: EventType,
    facts: dict[str, Fact],
) -> None:
    """A web worker in other hands has the mark of the service, and writes what it likes."""
    with database.transaction() as tx:
        log.record(tx, Event(event_type, facts=facts), data_key=None, now=now)
    sequencer.run(now)
    report = verify()
    ((kind, entry, detail),) = [(one.kind, one.entry, one.detail) for one in report.findings]
    assert (kind, detail) == ("unreadable", event_type)
    assert entry.startswith("test.")
    assert entry.endswith("/1")


@pytest.mark.parametrize("facts", ["[]", "null", "{", '{"rows":1e999}', '"\\ud800"', _DEEP])
def test_facts_that_are_no_object_end_no_verification(
    database: Database,
    log: LogWriter,
    sequencer: Sequencer,
    sealer: Sealer,
    verify: Callable[[], LogReport],
    now: datetime,
    facts: str,
) -> None:
    with database.transaction() as tx:
        event = Event(EventType.LOG_ROWS_MARKED, facts={"rows": 1})
        log.record(tx, event, data_key=None, now=now)
    sequencer.run(now)
    assert verify().is_whole
    _change(database, sealer, facts=facts)
    assert {"unreadable", "forged"} <= {one.kind.value for one in verify().findings}


@pytest.mark.parametrize("at_ms", [-5, 2**62])
def test_a_row_of_no_time_is_named(
    database: Database,
    write: Callable[..., None],
    sequencer: Sequencer,
    sealer: Sealer,
    verify: Callable[[], LogReport],
    now: datetime,
    at_ms: int,
) -> None:
    write(private=1)
    sequencer.run(now)
    _change(database, sealer, at_ms=at_ms)
    assert "unreadable" in {one.kind.value for one in verify().findings}


def test_what_sqlite_keeps_in_columns_of_another_kind_is_named(
    database: Database,
    write: Callable[..., None],
    sequencer: Sequencer,
    verify: Callable[[], LogReport],
    now: datetime,
) -> None:
    if not database.is_sqlite:
        return  # PostgreSQL takes no such value
    write(private=2)
    sequencer.run(now)
    for column in ("row_hash", "leaf", "sealed", "at_ms", "version", "facts", "writer", "seq"):
        odd = "'odd'" if column not in {"facts", "writer"} else "X'ff'"
        with database.transaction() as tx:
            kept = tx.connection.execute(text("SELECT rowid, * FROM log_event LIMIT 1"))
            rowid, before = (row := kept.mappings().one())["rowid"], row[column]
            put = text(f"UPDATE log_event SET {column} = {odd} WHERE rowid = :row")  # noqa: S608  # constants
            tx.connection.execute(put, {"row": rowid})
        assert "unreadable" in {one.kind.value for one in verify().findings}, column
        with database.transaction() as tx:
            back = text(f"UPDATE log_event SET {column} = :old WHERE rowid = :row")  # noqa: S608  # constants
            tx.connection.execute(back, {"row": rowid, "old": before})
    assert verify().is_whole


def test_a_checkpoint_of_no_time_and_a_tree_of_no_size_end_no_verification(
    database: Database,
    write: Callable[..., None],
    sequencer: Sequencer,
    verify: Callable[[], LogReport],
    now: datetime,
) -> None:
    write(private=2)
    sequencer.run(now)
    with database.transaction() as tx:
        tx.connection.execute(update(log_tree).values(size=2**62))
    found = {(one.kind.value, one.entry) for one in verify().findings}
    assert ("removed", f"private:0-{2**62 - 1}") in found
    with database.transaction() as tx:
        tx.connection.execute(update(log_checkpoint).values(made_ms=2**62))
    assert ("unreadable", "private:root") in {
        (one.kind.value, one.entry) for one in verify().findings
    }


def _change(database: Database, sealer: Sealer, **values: object) -> None:
    """The one row says something else, with a hash that fits and our mark."""
    with database.transaction() as tx:
        row = dict(tx.connection.execute(log_event.select()).mappings().one()) | values
        row_hash = row_hash_of(tuple(row[name] for name in HASHED))
        mark = RowMarks(sealer).make(row_hash)
        tx.connection.execute(update(log_event).values(**values, row_hash=row_hash, mark=mark))
