"""Marks of rows: what a database alone cannot make."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from sqlalchemy import update

from idp.storage.database import Database
from keystore.log.acceptance import accept_unmarked, find_unmarked
from keystore.log.errors import ChainStuck
from keystore.log.findings import RemarkKind
from keystore.log.record import LogWriter, log_event
from keystore.log.row_marks import RowMarks
from keystore.log.sequencer import Sequencer
from keystore.log.verify import LogReport
from keystore.purposes import MacPurpose
from keystore.sealing import Sealer
from keystore.signer.log_sealing import RecipientSealer, public_log_key
from tests.support.log_trees import ORIGINS, RawLogKeys


def test_only_the_mark_of_this_row_by_one_of_ours_is_believed(
    sealer: Sealer, now: datetime, log: LogWriter
) -> None:
    key = Ed25519PrivateKey.generate()
    signer = RecipientSealer(key)
    marks = RowMarks(sealer, signer_keys=[public_log_key(key)])
    row, other = bytes(32), b"\x01" * 32
    for made in (marks.make(row), signer.mac(MacPurpose.LOG, row)):
        assert marks.is_ours(row, mark=made)
        assert not marks.is_ours(other, mark=made)
        assert not marks.is_ours(row, mark=made[:-1] + bytes((made[-1] ^ 1,)))
    stranger = RecipientSealer(Ed25519PrivateKey.generate())
    for foreign in (None, b"", bytes(32), bytes(64), stranger.mac(MacPurpose.LOG, row)):
        assert not marks.is_ours(row, mark=foreign)
    sealer.replace_key(MacPurpose.LOG, log=log, now=now)
    assert marks.is_ours(row, mark=marks.make(row))


def test_a_key_replaced_by_another_process_is_found(
    database: Database, sealer: Sealer, kek: bytes, now: datetime, log: LogWriter
) -> None:
    other = Sealer.open(database, kek=kek, now=now)
    other.replace_key(MacPurpose.LOG, log=log, now=now)
    assert RowMarks(sealer).is_ours(bytes(32), mark=RowMarks(other).make(bytes(32)))


def test_rows_of_before_are_taken_in_by_an_operators_act_and_by_no_duty(
    database: Database,
    sealer: Sealer,
    log_keys: RawLogKeys,
    write: Callable[..., None],
    whole: Callable[..., LogReport],
    now: datetime,
) -> None:
    marks = RowMarks(sealer)
    sequencer = Sequencer(database, origins=ORIGINS, keys=log_keys, marks=marks)
    write(private=3, public=3)
    with database.transaction() as tx:
        tx.connection.execute(update(log_event).values(mark=None))
    assert whole(marks=marks).is_whole
    with pytest.raises(ChainStuck):
        sequencer.run(now)
    assert not whole(marks=marks).is_whole
    with database.read() as connection:
        unmarked = find_unmarked(connection)
    assert unmarked is not None
    assert (unmarked.rows, unmarked.chains) == (6, 1)
    by = LogWriter(sealer, writer_id="desk").in_name_of("anh")
    assert accept_unmarked(database, marks=marks, log=by, now=now) == 6
    assert sequencer.run(now) == 7
    report = whole(marks=marks)
    assert report.is_whole
    (remark,) = report.remarks
    assert (remark.kind, remark.entry) == (RemarkKind.MARKED, "6 rows")
    assert remark.detail.startswith("by anh, desk.")
    assert accept_unmarked(database, marks=marks, log=by, now=now) == 0
    with database.read() as connection:
        assert find_unmarked(connection) is None
