"""A file with a secret is read only when it is private, and replaced as a whole."""

from __future__ import annotations

import os
import stat
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from keystore.errors import KekInvalid
from keystore.private_files import add_private_file, read_private_file, replace_private_file


@pytest.fixture
def file(tmp_path: Path) -> Path:
    made = tmp_path / "secret"
    assert add_private_file(made, b"1\n")
    return made


def test_a_file_that_is_there_stays_as_it_is(file: Path) -> None:
    assert not add_private_file(file, b"2\n")
    assert read_private_file(file) == b"1\n"


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o777])
def test_a_file_that_others_may_touch_is_neither_read_nor_replaced(file: Path, mode: int) -> None:
    file.chmod(mode)
    with pytest.raises(KekInvalid, match="readable_by_others"):
        read_private_file(file)
    with pytest.raises(KekInvalid, match="readable_by_others"):
        replace_private_file(file, lambda written: written)


def test_a_file_longer_than_any_secret_is_refused(file: Path) -> None:
    """A device or a log named by mistake is not read to its end."""
    file.write_bytes(bytes(4097))
    with pytest.raises(KekInvalid, match="malformed"):
        read_private_file(file)
    with pytest.raises(KekInvalid, match="unreadable"):
        read_private_file(file.parent)


def test_of_many_changes_none_is_lost_and_no_reader_sees_half(file: Path) -> None:
    def change(number: int) -> None:
        replace_private_file(file, lambda written: written + b"%d\n" % number)
        assert read_private_file(file).endswith(b"\n")

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(change, range(40)))
    assert len(read_private_file(file).splitlines()) == 41
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert [one.name for one in file.parent.iterdir()] == ["secret"]


def test_a_change_that_fails_leaves_the_file_and_nothing_else(file: Path) -> None:
    def fail(_written: bytes) -> bytes:
        raise RuntimeError("no")

    with pytest.raises(RuntimeError):
        replace_private_file(file, fail)
    assert read_private_file(file) == b"1\n"
    assert [one.name for one in file.parent.iterdir()] == ["secret"]


def test_what_root_replaces_still_belongs_to_the_service(file: Path) -> None:
    if os.geteuid() == 0:
        os.chown(file, 1234, 1234)
    replace_private_file(file, lambda _written: b"2\n")
    owner = 1234 if os.geteuid() == 0 else os.geteuid()
    assert file.stat().st_uid == owner
