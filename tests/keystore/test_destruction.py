"""A destroyed data key is listed before it is gone, and the list cannot be changed unseen."""

from __future__ import annotations

import errno
import fcntl
import os
import secrets
import shutil
import stat
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import select

from idp.storage.database import Database
from keystore.destruction import DataKeyDestruction, DestructionList, find_destroyed
from keystore.errors import DestructionListBroken, SealBroken
from keystore.log.events import EventType
from keystore.log.record import LogWriter, find_writers, log_event, verify_chain
from keystore.purposes import MacPurpose, SealPurpose
from keystore.sealing import Sealer


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "destroyed"


@pytest.fixture
def listed(file: Path, sealer: Sealer) -> DestructionList:
    return DestructionList(file, sealer=sealer)


def _digest() -> bytes:
    return secrets.token_bytes(32)


def test_what_was_added_is_read_in_order(
    listed: DestructionList, file: Path, now: datetime
) -> None:
    digests = [_digest() for _ in range(3)]
    assert listed.read() == ()
    for digest in digests:
        listed.add(digest, now=now)
    assert [(one.number, one.at, one.digest) for one in listed.read()] == [
        (number, now, digest) for number, digest in enumerate(digests, start=1)
    ]
    assert stat.S_IMODE(file.stat().st_mode) == 0o600


def _flip(raw: bytes) -> bytes:
    return raw[:40] + (b"0" if raw[40:41] != b"0" else b"1") + raw[41:]


@pytest.mark.parametrize(
    ("change", "line"),
    [
        (lambda lines: [lines[0], _flip(lines[1]), lines[2]], 2),
        (lambda lines: [lines[0], lines[2]], 2),
        (lambda lines: [lines[1], lines[0], lines[2]], 1),
        (lambda lines: lines[1:], 1),
        (lambda lines: [*lines, lines[2]], 4),
        (lambda lines: [*lines, b"4 " + lines[2].split(b" ", 1)[1]], 4),
        (lambda lines: [lines[0], b"something else", lines[2]], 2),
    ],
)
def test_a_line_changed_moved_added_or_taken_out_is_found(
    listed: DestructionList,
    file: Path,
    now: datetime,
    change: Callable[[list[bytes]], list[bytes]],
    line: int,
) -> None:
    for _ in range(3):
        listed.add(_digest(), now=now)
    file.write_bytes(b"".join(one + b"\n" for one in change(file.read_bytes().splitlines())))
    with pytest.raises(DestructionListBroken) as broken:
        listed.read()
    assert broken.value.line == line
    assert listed.read_unverified()


def test_nothing_is_added_behind_an_end_that_was_changed(
    listed: DestructionList, file: Path, now: datetime
) -> None:
    for _ in range(60):  # longer than what is read of it
        listed.add(_digest(), now=now)
    whole = file.read_bytes()
    *before, last = whole.splitlines()
    for changed in (_flip(last), last.replace(b"60 ", b"61 ", 1), before[0]):
        file.write_bytes(b"\n".join((*before, changed, b"")))
        with pytest.raises(DestructionListBroken):
            listed.add(_digest(), now=now)
    file.write_bytes(whole)
    listed.add(_digest(), now=now)
    assert [one.number for one in listed.read()] == list(range(1, 62))


def test_a_changed_list_is_kept_aside_and_its_lines_go_into_a_new_one(
    listed: DestructionList, file: Path, now: datetime
) -> None:
    digests = [_digest() for _ in range(3)]
    for digest in digests:
        listed.add(digest, now=now)
    changed = file.read_bytes().split(b"\n", 1)[1]
    file.write_bytes(changed)
    kept = listed.begin_anew(listed.read_unverified(), now=now)
    assert kept is not None
    assert kept.read_bytes() == changed
    assert [one.digest for one in listed.read()] == digests[1:]
    file.unlink()
    assert listed.begin_anew((), now=now) is None


@pytest.mark.parametrize("step", ["fsync", "link", "replace"])
@pytest.mark.parametrize("cut", [KeyboardInterrupt(), OSError(errno.ENOSPC, "full")])
def test_who_is_stopped_while_beginning_anew_leaves_the_list_as_it_was(
    listed: DestructionList,
    file: Path,
    now: datetime,
    monkeypatch: pytest.MonkeyPatch,
    step: str,
    cut: BaseException,
) -> None:
    """A list that was cut off would verify, and those it lacks would come back with a backup."""
    for _ in range(5):
        listed.add(_digest(), now=now)
    changed = file.read_bytes().replace(b"2 ", b"7 ", 1)
    file.write_bytes(changed)

    def stopped(*_given: object, **_named: object) -> None:
        raise cut

    with monkeypatch.context() as patched:
        patched.setattr(Path if step == "replace" else os, step, stopped)
        with pytest.raises(type(cut)):
            listed.begin_anew(listed.read_unverified(), now=now)
    assert file.read_bytes() == changed
    with pytest.raises(DestructionListBroken):
        listed.read()
    listed.begin_anew(listed.read_unverified(), now=now + timedelta(seconds=1))
    assert len(listed.read()) == 5
    assert not [one for one in file.parent.iterdir() if one.name.startswith(".")]


def test_who_waits_for_a_list_that_is_begun_anew_writes_into_the_new_one(
    listed: DestructionList, file: Path, sealer: Sealer, now: datetime
) -> None:
    listed.add(_digest(), now=now)
    late = _digest()
    with file.open("rb") as opened, ThreadPoolExecutor(1) as thread:
        fcntl.flock(opened, fcntl.LOCK_EX)
        waiting = thread.submit(DestructionList(file, sealer=sealer).add, late, now=now)
        other = file.with_name("other")
        shutil.copy(file, other)
        while not _is_waited_for(file):
            assert not waiting.done()
        other.replace(file)
        fcntl.flock(opened, fcntl.LOCK_UN)
        waiting.result(60)
    assert [one.digest for one in listed.read()][1:] == [late]


def _is_waited_for(file: Path) -> bool:
    inode = f":{file.stat().st_ino} "
    locks = Path("/proc/locks").read_text(encoding="ascii").splitlines()
    return any("->" in line and inode in line for line in locks)


def test_half_a_line_that_a_kill_left_is_nothing_and_harms_nothing(
    listed: DestructionList, file: Path, now: datetime
) -> None:
    first, second = _digest(), _digest()
    listed.add(first, now=now)
    whole = file.read_bytes()
    for length in range(1, len(whole)):
        file.write_bytes(whole + whole[:length])
        if length < len(whole) - 1:
            assert [one.digest for one in listed.read()] == [first]
    file.write_bytes(whole + whole[:50])
    listed.add(second, now=now)
    assert [one.digest for one in listed.read()] == [first, second]


def test_many_at_once_lose_no_line(listed: DestructionList, now: datetime) -> None:
    digests = [_digest() for _ in range(40)]
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda digest: listed.add(digest, now=now), digests))
    assert {one.digest for one in listed.read()} == set(digests)


def test_a_list_outlives_the_replacement_of_its_key(
    listed: DestructionList, sealer: Sealer, now: datetime, log: LogWriter
) -> None:
    listed.add(_digest(), now=now)
    sealer.replace_key(MacPurpose.DESTRUCTION, log=log, now=now)
    listed.add(_digest(), now=now)
    assert len(listed.read()) == 2


def test_the_digest_stays_with_the_key_however_it_is_wrapped(
    sealer: Sealer, now: datetime, log: LogWriter
) -> None:
    hers, his = sealer.make_data_key(context="acc_1"), sealer.make_data_key(context="acc_2")
    digest = sealer.data_key_digest(hers)
    assert digest != sealer.data_key_digest(his)
    sealer.replace_key(SealPurpose.DATA_KEY, log=log, now=now)
    head = hers[: 2 + len("acc_1")]
    context = f"data_key:{b'acc_1'.hex()}"
    raw = sealer.unseal(SealPurpose.DATA_KEY, hers[len(head) :], context=context)
    again = head + sealer.seal(SealPurpose.DATA_KEY, raw, context=context)
    assert again != hers
    assert sealer.data_key_digest(again) == digest
    assert raw not in digest
    with pytest.raises(SealBroken):
        sealer.data_key_digest(b"no key")


def test_a_destruction_is_recorded_listed_and_done_in_one(
    database: Database, sealer: Sealer, log: LogWriter, listed: DestructionList, now: datetime
) -> None:
    data_key = sealer.make_data_key(context="acc_1")
    ending = DataKeyDestruction(sealer=sealer, log=log, listed=listed)
    gone: list[str] = []
    with database.transaction() as tx:
        ending.destroy(
            tx,
            account_id="acc_1",
            data_key=data_key,
            erase=lambda: gone.append("acc_1"),
            now=now,
        )
        assert [one.digest for one in listed.read()] == [sealer.data_key_digest(data_key)]
    assert gone == ["acc_1"]
    with database.read() as connection:
        assert connection.execute(select(log_event.c.type)).scalars().all() == [
            EventType.DATA_KEY_DESTROYED
        ]
        for writer in find_writers(connection):
            verify_chain(connection, writer)


def test_what_cannot_be_listed_is_not_destroyed(
    database: Database, sealer: Sealer, log: LogWriter, tmp_path: Path, now: datetime
) -> None:
    nowhere = DestructionList(tmp_path / "absent" / "destroyed", sealer=sealer)
    ending = DataKeyDestruction(sealer=sealer, log=log, listed=nowhere)
    data_key = sealer.make_data_key(context="acc_1")
    with pytest.raises(FileNotFoundError), database.transaction() as tx:
        ending.destroy(tx, account_id="acc_1", data_key=data_key, erase=lambda: None, now=now)
    with database.read() as connection:
        assert connection.execute(select(log_event.c.type)).all() == []


def test_destroyed_keys_are_found_among_many_and_damaged_ones_named(sealer: Sealer) -> None:
    keys = {name: sealer.make_data_key(context=name) for name in ("acc_1", "acc_2", "acc_3")}
    digests = {sealer.data_key_digest(keys["acc_2"]), _digest()}
    keys["acc_3"] = keys["acc_3"][:-1]
    damaged: list[str] = []
    found = find_destroyed(keys.items(), digests=digests, sealer=sealer, damaged=damaged.append)
    assert list(found) == ["acc_2"]
    assert damaged == ["acc_3"]
