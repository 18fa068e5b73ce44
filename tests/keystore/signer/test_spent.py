"""The signer's own memory outlives it, is shared by its processes, and cannot be talked back."""

from __future__ import annotations

import stat
from collections.abc import Iterator
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path

import pytest

from keystore.signer.errors import ClockSetBack
from keystore.signer.spent import SpentLedger
from keystore.strongroom.errors import MemoryUnusable
from tests.support.racing import race


@pytest.fixture
def ledger(tmp_path: Path) -> Iterator[SpentLedger]:
    """An empty one."""
    ledger = SpentLedger(tmp_path / "ledger.db")
    yield ledger
    ledger.close()


def test_what_is_spent_is_spent_once_and_after_a_start_too(
    ledger: SpentLedger, tmp_path: Path, now: datetime
) -> None:
    assert ledger.spend(b"one", expires_at=now, now=now)
    assert not ledger.spend(b"one", expires_at=now, now=now)
    again = SpentLedger(tmp_path / "ledger.db")
    assert not again.spend(b"one", expires_at=now, now=now)
    assert again.is_spent(b"one")
    assert not again.is_spent(b"two")
    again.close()


def test_of_several_processes_one_spends(tmp_path: Path, now: datetime) -> None:
    ledgers = [SpentLedger(tmp_path / "ledger.db") for _ in range(6)]
    spent = race([partial(one.spend, b"m", expires_at=now, now=now) for one in ledgers])
    assert sum(spent) == 1
    for one in ledgers:
        one.close()


def test_it_is_for_its_owner_alone(ledger: SpentLedger, tmp_path: Path, now: datetime) -> None:
    ledger.spend(b"one", expires_at=now, now=now)
    for file in tmp_path.iterdir():
        assert not stat.S_IMODE(file.stat().st_mode) & 0o077, file.name
    (tmp_path / "open.db").touch(0o644)
    (tmp_path / "open.db").chmod(0o644)
    with pytest.raises(MemoryUnusable, match="readable_by_others"):
        SpentLedger(tmp_path / "open.db")


def test_one_that_is_damaged_is_named_and_its_reason(tmp_path: Path) -> None:
    file = tmp_path / "spent.db"
    file.write_bytes(b"no database at all" * 99)
    file.chmod(0o600)
    with pytest.raises(MemoryUnusable, match="damaged") as refused:
        SpentLedger(file)
    assert refused.value.file == file


def test_it_remembers_for_a_day_beyond_the_expiry(ledger: SpentLedger, now: datetime) -> None:
    ledger.spend(b"one", expires_at=now, now=now)
    assert not ledger.spend(b"one", expires_at=now, now=now + timedelta(hours=23, minutes=58))
    assert ledger.spend(b"one", expires_at=now, now=now + timedelta(hours=24, minutes=2))


def test_a_clock_that_is_set_back_is_not_believed(ledger: SpentLedger, now: datetime) -> None:
    assert ledger.spend(b"one", expires_at=now, now=now)
    corrected = now - timedelta(minutes=4)
    assert ledger.spend(b"two", expires_at=now, now=corrected), "clocks are corrected a little"
    with pytest.raises(ClockSetBack):
        ledger.spend(b"three", expires_at=now, now=now - timedelta(minutes=6))
    assert not ledger.is_spent(b"three")
    ledger.trust_clock(now - timedelta(days=2))
    assert ledger.spend(b"three", expires_at=now, now=now - timedelta(days=2))
    assert not ledger.spend(b"one", expires_at=now, now=now - timedelta(days=2))


def test_what_is_buried_stays_buried(ledger: SpentLedger, tmp_path: Path, now: datetime) -> None:
    assert not ledger.is_buried("pkey_1")
    assert ledger.bury("pkey_1", per_hour=1, now=now)
    assert ledger.bury("pkey_1", per_hour=1, now=now)
    again = SpentLedger(tmp_path / "ledger.db")
    assert again.is_buried("pkey_1")
    again.close()


def test_not_more_is_buried_within_an_hour_than_may_be(
    ledger: SpentLedger, tmp_path: Path, now: datetime
) -> None:
    assert ledger.bury("pkey_1", per_hour=2, now=now)
    later = now + timedelta(minutes=30)
    assert ledger.bury("pkey_2", per_hour=2, now=later)
    again = SpentLedger(tmp_path / "ledger.db")
    assert not again.bury("pkey_3", per_hour=2, now=later), "counted for all processes"
    assert not again.is_buried("pkey_3")
    assert again.bury("pkey_1", per_hour=2, now=later), "what is buried already costs nothing"
    assert again.bury("pkey_3", per_hour=2, now=now + timedelta(hours=1))
    assert not again.bury("pkey_4", per_hour=0, now=now + timedelta(days=1))
    again.close()


def test_a_suspension_is_remembered_until_it_is_lifted(ledger: SpentLedger, tmp_path: Path) -> None:
    ledger.suspend("pkey_1")
    ledger.suspend("pkey_1")
    again = SpentLedger(tmp_path / "ledger.db")
    assert again.is_suspended("pkey_1")
    assert not again.is_suspended("pkey_2")
    again.resume("pkey_1")
    again.resume("pkey_2")
    assert not ledger.is_suspended("pkey_1")
    again.close()
