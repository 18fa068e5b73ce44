"""What an operator can vouch for, and what nobody can."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import datetime

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from sqlalchemy import select, update

from idp.storage.database import Database
from keystore.log.acceptance import accept_row, find_unknown_row
from keystore.log.errors import ChainStuck, EntryUnknown, RowNotAcceptable
from keystore.log.findings import RemarkKind
from keystore.log.record import LogWriter, find_writers, log_event
from keystore.log.row_marks import RowMarks
from keystore.log.sequencer import Sequencer
from keystore.log.verify import LogReport
from keystore.sealing import Sealer
from keystore.signer.log_sealing import RecipientSealer
from tests.support.log_trees import ORIGINS, RawLogKeys, write_rows


@pytest.fixture
def marks(sealer: Sealer) -> RowMarks:
    """Those of a service that knows no signer."""
    return RowMarks(sealer)


@pytest.fixture
def by(sealer: Sealer) -> LogWriter:
    """The log in the name of an operator."""
    return LogWriter(sealer, writer_id="desk").in_name_of("anh")


@pytest.fixture
def writer(database: Database, now: datetime) -> str:
    """Three rows of a signer whose key nobody knows any more."""
    lost = RecipientSealer(Ed25519PrivateKey.generate())
    write_rows(database, LogWriter(lost, writer_id="lost"), now, public=3)
    with database.read() as connection:
        (found,) = find_writers(connection)
    return found


def test_an_accepted_row_goes_into_its_tree_and_is_named_for_ever(
    database: Database,
    writer: str,
    marks: RowMarks,
    by: LogWriter,
    log_keys: RawLogKeys,
    whole: Callable[..., LogReport],
    now: datetime,
) -> None:
    sequencer = Sequencer(database, origins=ORIGINS, keys=log_keys, marks=marks)
    with pytest.raises(ChainStuck, match=f"{writer}/1"):
        sequencer.run(now)
    with database.read() as connection:
        before = connection.execute(select(log_event.c.mark).where(log_event.c.seq == 1)).scalar()
    accepted = accept_row(database, writer, seq=1, marks=marks, log=by, now=now)
    assert (accepted.name, accepted.type) == (f"{writer}/1", "pki:certificate:issued")
    with pytest.raises(ChainStuck, match=f"{writer}/2"):
        sequencer.run(now)
    for seq in (2, 3):
        accept_row(database, writer, seq=seq, marks=marks, log=by, now=now)
    assert sequencer.run(now) > 0
    report = whole(marks=marks)
    assert report.is_whole
    assert [(one.kind, one.entry) for one in report.remarks] == [
        (RemarkKind.ACCEPTED, f"{writer}/{seq}") for seq in (1, 2, 3)
    ]
    assert report.remarks[0].detail.startswith("by anh, desk.")
    assert before is not None
    assert _facts(database)[0] == {
        "mark": f"x{before.hex()}",
        "operator": "anh",
        "row_hash": _facts(database)[0]["row_hash"],
        "seq": 1,
        "writer": writer,
    }


def test_a_row_that_was_changed_is_never_accepted(
    database: Database, writer: str, marks: RowMarks, by: LogWriter, now: datetime
) -> None:
    _change(database, seq=2, facts="{}")
    with pytest.raises(RowNotAcceptable, match="changed"):
        accept_row(database, writer, seq=2, marks=marks, log=by, now=now)
    assert _facts(database) == []


def test_a_row_that_does_not_stand_on_the_one_before_is_never_accepted(
    database: Database, writer: str, marks: RowMarks, by: LogWriter, now: datetime
) -> None:
    _change(database, seq=1, row_hash=bytes(32))
    with pytest.raises(RowNotAcceptable, match="unlinked"):
        accept_row(database, writer, seq=2, marks=marks, log=by, now=now)


def test_a_row_of_ours_and_one_that_is_not_there_need_no_operator(
    database: Database, writer: str, marks: RowMarks, by: LogWriter, log: LogWriter, now: datetime
) -> None:
    write_rows(database, log, now, private=1)
    with database.read() as connection:
        (ours,) = set(find_writers(connection)) - {writer}
        for name, seq in ((writer, 4), ("nobody", 1)):
            with pytest.raises(EntryUnknown):
                find_unknown_row(connection, name, seq=seq, marks=marks)
    with pytest.raises(RowNotAcceptable, match="recorded"):
        accept_row(database, ours, seq=1, marks=marks, log=by, now=now)


def test_an_acceptance_that_somebody_else_wrote_is_no_acceptance(
    database: Database,
    writer: str,
    marks: RowMarks,
    whole: Callable[..., LogReport],
    log_keys: RawLogKeys,
    now: datetime,
) -> None:
    """Whoever has the database writes the event as well, and has no key to mark it."""
    forger = LogWriter(RecipientSealer(Ed25519PrivateKey.generate()), writer_id="forger")
    Sequencer(database, origins=ORIGINS, keys=log_keys).run(now)
    accept_row(database, writer, seq=1, marks=marks, log=forger, now=now)
    report = whole(marks=marks)
    assert not report.is_whole
    assert report.remarks == ()


def _facts(database: Database) -> list[dict[str, object]]:
    with database.read() as connection:
        found = connection.execute(
            select(log_event.c.facts)
            .where(log_event.c.type == "operation:log:row_accepted")
            .order_by(log_event.c.seq)
        ).scalars()
        return [json.loads(one) for one in found]


def _change(database: Database, *, seq: int, **values: object) -> None:
    with database.transaction() as tx:
        tx.connection.execute(update(log_event).where(log_event.c.seq == seq).values(values))
