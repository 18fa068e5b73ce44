"""The root key is read from one private place or not at all."""

from __future__ import annotations

import base64
import secrets
import stat
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from keystore.errors import KekInvalid, SealBroken
from keystore.kek import (
    Kek,
    KekRing,
    add_kek,
    create_kek_file,
    load_kek,
    load_kek_ring,
    named_kek,
    remove_kek,
)


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


def _kek() -> Kek:
    return Kek(secrets.token_bytes(32))


def test_what_is_wrapped_names_its_root_key_and_nothing_of_it() -> None:
    kek = _kek()
    wrapped = kek.wrap(b"key", context="a")
    assert named_kek(wrapped) == kek.kek_id
    assert kek._raw[:8].hex() not in (kek.kek_id, wrapped.hex())
    assert Kek(kek._raw).kek_id == kek.kek_id
    assert len({_kek().kek_id for _ in range(100)}) == 100


def test_a_ring_wraps_with_one_and_opens_with_each() -> None:
    old, new = _kek(), _kek()
    ring = KekRing((old, new))
    before = ring.wrap(b"key", context="a")
    ring.use(new.kek_id)
    after = ring.wrap(b"key", context="a")
    assert (named_kek(before), named_kek(after)) == (old.kek_id, new.kek_id)
    assert ring.unwrap(before, context="a") == ring.unwrap(after, context="a") == b"key"
    for other in (_kek(), old, new):
        with pytest.raises(SealBroken):
            KekRing((other,)).unwrap(after if other is not new else before, context="a")
    with pytest.raises(SealBroken):
        ring.unwrap(after, context="b")


@given(flipped=st.integers(min_value=0), bit=st.integers(min_value=0, max_value=7))
def test_a_changed_bit_anywhere_does_not_open(flipped: int, bit: int) -> None:
    """The id of the root key included: it is authenticated."""
    ring = KekRing((_kek(), _kek()))
    wrapped = bytearray(ring.wrap(b"key", context="a"))
    wrapped[flipped % len(wrapped)] ^= 1 << bit
    with pytest.raises(SealBroken):
        ring.unwrap(bytes(wrapped), context="a")


@given(garbage=st.binary(max_size=100))
def test_garbage_does_not_open_and_nothing_worse(garbage: bytes) -> None:
    with pytest.raises(SealBroken):
        KekRing((_kek(),)).unwrap(garbage, context="a")


def test_a_ring_uses_only_what_it_was_given() -> None:
    kek, other = _kek(), _kek()
    ring = KekRing((kek,))
    with pytest.raises(KekInvalid, match=f"not_given: {other.kek_id}"):
        ring.use(other.kek_id)
    assert ring.kek_id == kek.kek_id
    with pytest.raises(KekInvalid, match="missing"):
        KekRing(())


def test_a_file_holds_several_root_keys_and_remarks(tmp_path: Path) -> None:
    file = tmp_path / "kek"
    create_kek_file(file)
    first = load_kek(file=file, value=None).kek_id
    second = add_kek(file)
    file.write_text(f"# since last year\n\n{file.read_text()}\n")
    assert load_kek_ring(file=file).ids == (first, second)
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert load_kek_ring(value=file.read_text().replace("# since last year", "")).ids == (
        first,
        second,
    )


def test_a_root_key_is_taken_out_of_its_file_and_the_last_one_stays(tmp_path: Path) -> None:
    file = tmp_path / "kek"
    create_kek_file(file)
    first = load_kek(file=file, value=None).kek_id
    second = add_kek(file)
    file.write_text(f"# made by two people\n{file.read_text()}")
    assert remove_kek(file, kek_id=first)
    assert not remove_kek(file, kek_id=first)
    assert load_kek_ring(file=file).ids == (second,)
    assert "# made by two people" in file.read_text()
    with pytest.raises(KekInvalid, match="missing"):
        remove_kek(file, kek_id=second)
    assert load_kek_ring(file=file).ids == (second,)


def test_a_ring_reads_its_file_again_when_it_meets_an_unknown_root_key(tmp_path: Path) -> None:
    file = tmp_path / "kek"
    create_kek_file(file)
    running = load_kek_ring(file=file)
    added = add_kek(file)
    later = load_kek_ring(file=file)
    later.use(added)
    assert running.unwrap(later.wrap(b"key", context="a"), context="a") == b"key"
    running.use(added)


def test_a_ring_outlives_its_file(tmp_path: Path) -> None:
    """Taken away, readable by everybody or half written: what a process holds still opens."""
    file = tmp_path / "kek"
    create_kek_file(file)
    ring = load_kek_ring(file=file)
    wrapped = ring.wrap(b"key", context="a")
    file.write_text("half")
    ring.reload()
    file.unlink()
    ring.reload()
    assert ring.unwrap(wrapped, context="a") == b"key"
    with pytest.raises(SealBroken):
        ring.unwrap(_kek().wrap(b"key", context="a"), context="a")


def test_too_many_root_keys_are_refused() -> None:
    with pytest.raises(KekInvalid, match="malformed"):
        load_kek_ring(value=",".join(["A" * 43] * 17))


def test_neither_a_root_key_nor_a_ring_shows_itself() -> None:
    kek = _kek()
    assert repr(kek) == "Kek(…)"
    assert repr(KekRing((kek,))) == "KekRing(…)"


def test_a_derived_key_is_another_for_each_label_and_root_key() -> None:
    one, other = _kek(), _kek()
    made = {one.derive("a"), one.derive("b"), other.derive("a"), one._raw}
    assert len(made) == 4
    assert one.derive("a") == Kek(one._raw).derive("a")
