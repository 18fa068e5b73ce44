"""What the verifier remembers outlives it, is shared by its processes, and is nobody's word."""

from __future__ import annotations

import sqlite3
import stat
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from keystore.second_factor.errors import ClockSetBack, RequestMalformed
from keystore.second_factor.memory import LIMITS, UNUSED_LIFETIME, Matched, VerifierMemory
from keystore.second_factor.model import CodeOutcome
from keystore.strongroom.errors import MemoryUnusable
from tests.support.racing import race

_ME = "acc_1"
_SOON = timedelta(minutes=5)


@pytest.fixture
def memory(tmp_path: Path) -> VerifierMemory:
    """An empty one."""
    return VerifierMemory(tmp_path / "memory.db")


def _made(memory: VerifierMemory, now: datetime, *, code: str = "", totp_id: str = "otp_1") -> None:
    memory.add(totp_id, _ME, activation_code=code, now=now)


def test_a_code_is_taken_once_and_after_a_start_too(
    memory: VerifierMemory, tmp_path: Path, now: datetime
) -> None:
    """RFC 6238 §5.2: the second attempt of an accepted code must not be accepted."""
    right = Matched("otp_1", 7)
    assert memory.take_code(_ME, right, now=now) == CodeOutcome("right")
    assert memory.take_code(_ME, right, now=now) == CodeOutcome("wrong")
    memory.close()
    again = VerifierMemory(tmp_path / "memory.db")
    assert again.take_code(_ME, right, now=now) == CodeOutcome("wrong")
    assert again.take_code(_ME, Matched("otp_1", 8), now=now) == CodeOutcome("right")
    assert not stat.S_IMODE((tmp_path / "memory.db").stat().st_mode) & 0o077


def test_of_fifty_at_once_one_takes_it(tmp_path: Path, now: datetime) -> None:
    memories = [VerifierMemory(tmp_path / "memory.db") for _ in range(5)]
    right = Matched("otp_1", 7)
    runners = [
        lambda one=memories[number % 5]: one.take_code(_ME, right, now=now).outcome
        for number in range(50)
    ]
    outcomes = race(runners)
    assert outcomes.count("right") == 1
    assert "right" not in {one.take_code(_ME, right, now=now).outcome for one in memories}


def test_wrong_codes_are_counted_and_the_limit_ends_by_itself(
    memory: VerifierMemory, now: datetime
) -> None:
    """NIST SP 800-63B-3 §5.2.2."""
    (window, most), _day = LIMITS
    for _ in range(most):
        assert memory.take_code(_ME, None, now=now) == CodeOutcome("wrong")
    refused = memory.take_code(_ME, Matched("otp_1", 7), now=now)
    assert refused.outcome == "too_many"
    later = now + window
    assert refused.retry_ms <= int(later.timestamp() * 1000)
    assert memory.take_code("acc_2", Matched("otp_2", 7), now=now).outcome == "right"
    assert memory.take_code(_ME, Matched("otp_1", 7), now=later).outcome == "right"


def test_right_codes_use_up_no_limit(memory: VerifierMemory, now: datetime) -> None:
    (_window, most), _day = LIMITS
    for step in range(2 * most):
        assert memory.take_code(_ME, Matched("otp_1", step), now=now).outcome == "right"


def test_a_day_has_a_limit_of_its_own(memory: VerifierMemory, now: datetime) -> None:
    (window, most), (_day, most_a_day) = LIMITS
    at = now.replace(hour=0, minute=0, second=0, microsecond=0)
    tried = 0
    while tried < most_a_day:
        for _ in range(min(most, most_a_day - tried)):
            assert memory.take_code(_ME, None, now=at).outcome == "wrong"
            tried += 1
        at += window
    assert memory.take_code(_ME, Matched("otp_1", 7), now=at).outcome == "too_many"


def test_an_expected_activation_code_makes_one_authenticator_a_proofed_one(
    memory: VerifierMemory, now: datetime
) -> None:
    memory.expect_activation(_ME, "CODE", expires_at=now + _SOON, now=now)
    _made(memory, now, code="CODE", totp_id="otp_1")
    _made(memory, now, code="CODE", totp_id="otp_2")
    _made(memory, now, code="CODE", totp_id="otp_3")
    assert memory.take_code(_ME, Matched("otp_2", 7), now=now).outcome == "right"
    for late in ("otp_1", "otp_3"):
        assert memory.take_code(_ME, Matched(late, 7), now=now).outcome == "wrong"
    _made(memory, now, code="CODE", totp_id="otp_4")
    assert memory.take_code(_ME, Matched("otp_4", 7), now=now).outcome == "wrong"
    found = [memory.find(one, account_id=_ME) for one in ("otp_1", "otp_2")]
    assert [one.is_bound_at_proofing for one in found if one] == [False, True]
    assert [one.standing for one in found if one] == ["waiting", "announced"]


@pytest.mark.parametrize("code", ["", "OTHER"])
def test_a_code_that_no_keeper_announced_proofs_nothing(
    memory: VerifierMemory, now: datetime, code: str
) -> None:
    memory.expect_activation(_ME, "CODE", expires_at=now + _SOON, now=now)
    memory.expect_activation("acc_2", "OTHER", expires_at=now + _SOON, now=now)
    _made(memory, now, code=code)
    memory.take_code(_ME, Matched("otp_1", 7), now=now)
    found = memory.find("otp_1", account_id=_ME)
    assert found is not None
    assert not found.is_bound_at_proofing


def test_what_was_decided_with_the_first_code_is_never_changed(
    memory: VerifierMemory, now: datetime
) -> None:
    _made(memory, now, code="CODE")
    memory.take_code(_ME, Matched("otp_1", 7), now=now)
    memory.expect_activation(_ME, "CODE", expires_at=now + _SOON, now=now)
    memory.take_code(_ME, Matched("otp_1", 8), now=now)
    found = memory.find("otp_1", account_id=_ME)
    assert found is not None
    assert not found.is_bound_at_proofing
    for is_proofed in (True, False):
        with pytest.raises(RequestMalformed, match="totp_id"):
            memory.add_known("otp_1", _ME, is_proofed=is_proofed, now=now)
    with pytest.raises(RequestMalformed, match="totp_id"):
        _made(memory, now, code="CODE")


def test_what_is_not_remembered_is_as_young_as_this_instant(
    memory: VerifierMemory, now: datetime
) -> None:
    memory.learn("otp_1", account_id=_ME, now=now)
    memory.learn("otp_1", account_id=_ME, now=now + _SOON)
    found = memory.find("otp_1", account_id=_ME)
    assert found is not None
    assert (found.made_ms, found.standing) == (int(now.timestamp() * 1000), "waiting")
    assert memory.find("otp_1", account_id="acc_2") is None


def test_what_nobody_confirmed_and_what_ran_out_is_forgotten(
    memory: VerifierMemory, now: datetime
) -> None:
    memory.expect_activation(_ME, "CODE", expires_at=now + _SOON, now=now)
    _made(memory, now, code="CODE")
    later = now + UNUSED_LIFETIME + timedelta(minutes=2)
    memory.take_code(_ME, None, now=later)
    assert memory.find("otp_1", account_id=_ME) is None
    _made(memory, later, code="CODE")
    memory.take_code(_ME, Matched("otp_1", 7), now=later)
    found = memory.find("otp_1", account_id=_ME)
    assert found is not None
    assert not found.is_bound_at_proofing


def test_a_clock_that_is_set_back_takes_no_code(memory: VerifierMemory, now: datetime) -> None:
    memory.take_code(_ME, Matched("otp_1", 7), now=now)
    with pytest.raises(ClockSetBack):
        memory.take_code(_ME, Matched("otp_1", 8), now=now - timedelta(minutes=6))
    memory.trust_clock(now - timedelta(minutes=6))
    said = memory.take_code(_ME, Matched("otp_1", 8), now=now - timedelta(minutes=6))
    assert said.outcome == "right"


def test_whoever_trusts_the_clock_stands_in_the_memory(
    memory: VerifierMemory, tmp_path: Path, now: datetime
) -> None:
    earlier = now - timedelta(days=1)
    memory.take_code(_ME, Matched("otp_1", 7), now=now)
    memory.trust_clock_of("can.bo", now=earlier)
    assert memory.take_code(_ME, Matched("otp_1", 8), now=earlier).outcome == "right"
    memory.close()
    with sqlite3.connect(tmp_path / "memory.db") as opened:
        rows = opened.execute("SELECT at_ms, operator FROM trusted").fetchall()
    assert rows == [(int(earlier.timestamp() * 1000), "can.bo")]


@pytest.mark.parametrize(
    ("content", "mode", "reason"),
    [(b"", 0o644, "readable_by_others"), (b"no database at all" * 99, 0o600, "damaged")],
)
def test_a_file_that_cannot_be_it_is_refused_by_name(
    tmp_path: Path, content: bytes, mode: int, reason: str
) -> None:
    file = tmp_path / "memory.db"
    file.write_bytes(content)
    file.chmod(mode)
    with pytest.raises(MemoryUnusable, match=reason) as refused:
        VerifierMemory(file)
    assert refused.value.file == file
    with pytest.raises(MemoryUnusable, match="unreadable"):
        VerifierMemory(tmp_path / "nowhere" / "memory.db")


def test_of_an_account_it_keeps_a_hash(
    memory: VerifierMemory, tmp_path: Path, now: datetime
) -> None:
    _made(memory, now, code="CODE")
    memory.expect_activation(_ME, "CODE", expires_at=now + _SOON, now=now)
    memory.take_code(_ME, Matched("otp_1", 7), now=now)
    memory.take_code(_ME, None, now=now)
    memory.close()
    assert _ME.encode() not in b"".join(one.read_bytes() for one in tmp_path.iterdir())
