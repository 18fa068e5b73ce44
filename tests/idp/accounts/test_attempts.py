"""Limits: counted first, per subject, source and device, never for good."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest

from idp.accounts.attempts import Admitted, AttemptLimits, Attempts, Limit, NotAdmitted, Source
from idp.errors import StorageUnavailable
from idp.ids import AccountId

QUARTER = timedelta(minutes=15)
TIGHT = AttemptLimits(
    per_subject=(Limit(3, QUARTER), Limit(5, timedelta(days=1))),
    per_source=(Limit(6, QUARTER),),
    per_device=(Limit(2, QUARTER),),
)
NUMBER = "003091000017"


@pytest.fixture
def attempts(quick_store, sealer) -> Attempts:
    return Attempts(quick_store, sealer=sealer, password=TIGHT, otp=TIGHT)


def tried(attempts, now, *, number=NUMBER, address="192.0.2.7"):
    return attempts.admit_password(number, source=Source(address), now=now)


def test_of_many_at_once_no_more_than_the_limit_are_admitted(attempts, now) -> None:
    """NIST SP 800-63B-3 §5.2.2."""

    def attempt(number: int) -> bool:
        return isinstance(tried(attempts, now, address=f"198.51.100.{number}"), Admitted)

    with ThreadPoolExecutor(8) as pool:
        assert sum(pool.map(attempt, range(40))) == 3


def test_the_refusal_says_when_to_try_again_and_then_it_works(attempts, now) -> None:
    for _ in range(3):
        tried(attempts, now)
    refused = tried(attempts, now)
    assert isinstance(refused, NotAdmitted)
    assert now < refused.retry_at <= now + QUARTER
    just_before = refused.retry_at - timedelta(milliseconds=1)
    assert isinstance(tried(attempts, just_before), NotAdmitted)
    assert isinstance(tried(attempts, refused.retry_at), Admitted)


def test_the_limit_of_the_day_ends_with_the_day(attempts, now) -> None:
    at = now
    outcomes = []
    for _ in range(3):
        outcomes += [isinstance(tried(attempts, at), Admitted) for _ in range(3)]
        at += QUARTER
    assert outcomes == [True] * 5 + [False] * 4
    assert isinstance(tried(attempts, now + timedelta(days=1)), Admitted)


def test_refused_attempts_do_not_use_up_the_day(attempts, now) -> None:
    for number in range(30):
        tried(attempts, now, address=f"198.51.100.{number}")
    assert isinstance(tried(attempts, now + QUARTER), Admitted)


def test_a_source_over_its_limit_cannot_use_up_the_attempts_of_others(attempts, now) -> None:
    for number in range(6):
        tried(attempts, now, number=f"other {number}")
    for _ in range(10):
        assert isinstance(tried(attempts, now), NotAdmitted)
    assert tried(attempts, now, address="198.51.100.9").attempts_left == 2


def test_more_attempts_of_a_source_are_no_more_of_an_account(quick_store, sealer, now) -> None:
    """NIST SP 800-63B-3 §5.2.2: the limit of an account stays, whatever the operator sets."""
    wide = Attempts(quick_store, sealer=sealer, password=TIGHT.with_source(50), otp=TIGHT)
    others = (tried(wide, now, number=f"other {number}") for number in range(37))
    assert all(isinstance(one, Admitted) for one in others)
    assert [isinstance(tried(wide, now), Admitted) for _ in range(4)] == [True] * 3 + [False]
    narrow = TIGHT.with_source(1)
    assert (narrow.per_subject, narrow.per_device) == (TIGHT.per_subject, TIGHT.per_device)


@pytest.mark.parametrize(
    ("one", "other", "is_same"),
    [
        ("2001:db8:1:2::1", "2001:db8:1:2:ffff::9", True),
        ("2001:db8:1:2::1", "2001:db8:1:3::1", False),
        ("192.0.2.7", "::ffff:192.0.2.7", True),
        ("192.0.2.7", "192.0.2.8", False),
        ("fe80::1%eth0", "fe80::2", True),
        ("not an address", "", True),
    ],
)
def test_what_counts_as_one_source(attempts, now, one, other, is_same) -> None:
    for number in range(6):
        assert isinstance(tried(attempts, now, number=f"a{number}", address=one), Admitted)
    refused = tried(attempts, now, number="another", address=other)
    assert isinstance(refused, NotAdmitted) is is_same


def test_success_forgets_the_subject_and_gives_back_to_the_source(attempts, now) -> None:
    for _ in range(20):
        admitted = tried(attempts, now)
        assert isinstance(admitted, Admitted)
        attempts.settle(admitted, now=now)


def test_success_on_one_account_does_not_free_a_source_for_others(attempts, now) -> None:
    """An attacker with one account of their own must not reset what they tried on others."""
    for number in range(5):
        tried(attempts, now, number=f"victim {number}")
    for _ in range(5):
        attempts.settle(tried(attempts, now), now=now)
    assert isinstance(tried(attempts, now, number="victim 6"), Admitted)
    assert isinstance(tried(attempts, now, number="victim 7"), NotAdmitted)


def test_passwords_and_codes_have_counters_of_their_own(attempts, now) -> None:
    for _ in range(4):
        tried(attempts, now)
    other = attempts.admit_otp(AccountId(NUMBER), source=Source("192.0.2.7"), now=now)
    assert isinstance(other, Admitted)


def test_no_key_of_a_counter_names_anybody(sealer, now) -> None:
    keys = []

    class Recording:
        def count(self, key, **_named):
            keys.append(key)
            return 1

    Attempts(Recording(), sealer=sealer).admit_password(NUMBER, source=Source("192.0.2.7"), now=now)
    assert keys
    assert not any(NUMBER in key or "192.0.2.7" in key for key in keys)


def test_without_counters_nobody_is_admitted(sealer, now) -> None:
    """Limits fail closed."""

    class Down:
        def count(self, *_args, **_named):
            raise StorageUnavailable

    with pytest.raises(StorageUnavailable):
        Attempts(Down(), sealer=sealer).admit_password(NUMBER, source=Source("192.0.2.7"), now=now)


def test_an_address_does_not_show_in_a_repr() -> None:
    assert "192.0.2.7" not in repr(Source("192.0.2.7", "cookie"))
    assert "cookie" not in repr(Source("192.0.2.7", "cookie"))
