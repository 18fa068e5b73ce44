"""The root key is read from one private place or not at all."""

from __future__ import annotations

import base64
import stat
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from keystore.errors import KekInvalid, SealBroken
from keystore.sealing import create_kek_file, load_kek


def test_a_made_file_is_private_and_can_be_read(tmp_path: Path) -> None:
    file = tmp_path / "kek"
    assert create_kek_file(file)
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    kek = load_kek(file=file, value=None)
    assert kek.unwrap(kek.wrap(b"key", context="a"), context="a") == b"key"


def test_a_file_that_is_there_is_never_overwritten(tmp_path: Path) -> None:
    file = tmp_path / "kek"
    create_kek_file(file)
    before = file.read_bytes()
    assert not create_kek_file(file)
    assert file.read_bytes() == before
    assert [found.name for found in tmp_path.iterdir()] == ["kek"]


def test_of_many_that_make_the_file_together_one_does(tmp_path: Path) -> None:
    file = tmp_path / "kek"
    with ThreadPoolExecutor(8) as pool:
        made = list(pool.map(lambda _number: create_kek_file(file), range(32)))
    assert sum(made) == 1
    load_kek(file=file, value=None)


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o620, 0o602, 0o610, 0o601, 0o777])
def test_a_file_that_others_may_touch_is_refused(tmp_path: Path, mode: int) -> None:
    file = tmp_path / "kek"
    create_kek_file(file)
    file.chmod(mode)
    with pytest.raises(KekInvalid) as refused:
        load_kek(file=file, value=None)
    assert refused.value.reason == "readable_by_others"


def test_the_environment_gives_the_same_key_as_the_file(tmp_path: Path) -> None:
    file = tmp_path / "kek"
    create_kek_file(file)
    wrapped = load_kek(file=file, value=None).wrap(b"key", context="a")
    assert load_kek(file=None, value=file.read_text()).unwrap(wrapped, context="a") == b"key"


_GOOD = base64.urlsafe_b64encode(bytes(32)).decode().rstrip("=")


@pytest.mark.parametrize(
    "value", ["", "short", _GOOD + "AA", _GOOD[:-1], _GOOD[:-4] + "  AA", "ấn" * 22, "=" * 44]
)
def test_a_malformed_value_is_refused_and_not_repeated(value: str) -> None:
    with pytest.raises(KekInvalid) as refused:
        load_kek(file=None, value=value)
    assert refused.value.reason == "malformed"
    assert str(refused.value) == "malformed"


def test_one_source_is_needed_and_one_only(tmp_path: Path) -> None:
    with pytest.raises(KekInvalid, match="missing"):
        load_kek(file=None, value=None)
    with pytest.raises(KekInvalid, match="both_given"):
        load_kek(file=tmp_path / "kek", value=_GOOD)
    with pytest.raises(KekInvalid, match="unreadable"):
        load_kek(file=tmp_path / "absent", value=None)


def test_a_wrapped_key_opens_for_its_own_context_alone() -> None:
    kek = load_kek(file=None, value=_GOOD)
    with pytest.raises(SealBroken):
        kek.unwrap(kek.wrap(b"key", context="a"), context="b")
    assert repr(kek) == "Kek(…)"
