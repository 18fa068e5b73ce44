"""The operator's list of breached passwords: found by halving, refused when it is no such list."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest

from idp.accounts.breached_passwords import BreachedPasswords, HashList
from idp.accounts.errors import BreachListUnusable

_LOST = [f"Mật khẩu đã lộ số {number}" for number in range(300)]


def _hash(password: str) -> str:
    hashed = hashlib.sha1(password.encode(), usedforsecurity=False)  # noqa: TID251 - their format
    return hashed.hexdigest().upper()


def _write(folder: Path, *, count: bool = True, ending: str = "\r\n", last: str = "") -> Path:
    hashes = sorted(_hash(one) for one in _LOST)
    lines = [f"{one}:{7 ** (place % 13)}" if count else one for place, one in enumerate(hashes)]
    file = folder / "lost.txt"
    file.write_bytes((ending.join(lines) + last).encode())
    return file


@pytest.mark.parametrize("last", ["", "\r\n"])
@pytest.mark.parametrize("count", [True, False])
def test_every_one_is_found_and_no_other(tmp_path: Path, last: str, *, count: bool) -> None:
    known = HashList(_write(tmp_path, count=count, last=last))
    assert all(known.holds(one) for one in _LOST)
    assert not any(known.holds(f"Không có {number}") for number in range(300))


def test_one_line_in_small_letters(tmp_path: Path) -> None:
    file = tmp_path / "one.txt"
    file.write_text(_hash("một").lower())
    assert HashList(file).holds("một")
    assert not HashList(file).holds("hai")


def test_the_same_word_of_another_keyboard_is_found(tmp_path: Path) -> None:
    """NFC is what most systems hashed, NFKC is what ours does."""
    file = tmp_path / "one.txt"
    file.write_text(_hash("mật-khẩu-ﬁ"))
    assert "mật-khẩu-ﬁ" in BreachedPasswords(file)


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", "no_hashes"),
        (b"\n\n", "no_hashes"),
        (b"password\n123456\n", "no_hashes"),
        (b"B" * 40 + b":1\n" + b"A" * 40 + b":1\n", "not_sorted"),
        (b"A" * 32 + b":1\n" + b"B" * 32 + b":1\n", "no_hashes"),
    ],
)
def test_what_is_no_such_list_is_refused_at_the_start(
    tmp_path: Path, content: bytes, reason: str
) -> None:
    file = tmp_path / "lost.txt"
    file.write_bytes(content)
    with pytest.raises(BreachListUnusable) as refused:
        BreachedPasswords(file)
    assert refused.value.reason == reason


def test_a_list_that_is_not_there_is_refused_at_the_start(tmp_path: Path) -> None:
    with pytest.raises(BreachListUnusable) as refused:
        BreachedPasswords(tmp_path / "nothing.txt")
    assert refused.value.reason == "unreadable"
