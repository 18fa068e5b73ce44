"""The arithmetic of levels."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from idp.model import AuthLevel, Factor, ProvenFactor
from idp.oauth.assurance import Assurance, acr_for, assess, demanded_level, proven_at

_MINUTE = timedelta(minutes=1)


def judged(
    now: datetime,
    *factors: tuple[Factor, timedelta],
    max_age: timedelta | None = None,
    began: timedelta = timedelta(0),
    only_since_start: bool = False,
) -> Assurance:
    """Factors as how long ago they were proven."""
    return assess(
        [ProvenFactor(factor, now - ago) for factor, ago in factors],
        now=now,
        max_age=max_age,
        started_at=now - began,
        only_since_start=only_since_start,
    )


def test_a_password_is_level_one_and_two_factors_are_two(now: datetime) -> None:
    one = judged(now, (Factor.PASSWORD, _MINUTE))
    assert (one.level, one.amr) == (AuthLevel.ONE, ("pwd",))
    two = judged(now, (Factor.PASSWORD, 5 * _MINUTE), (Factor.OTP, _MINUTE))
    assert (two.level, two.amr) == (AuthLevel.TWO, ("pwd", "otp", "mfa"))


def test_a_passkey_that_verified_its_user_is_two_factors_at_once(now: datetime) -> None:
    """RFC 8176 §2; never more than level 2, however much was proven."""
    one = judged(now, (Factor.VERIFIED_PASSKEY, _MINUTE))
    assert (one.level, one.amr) == (AuthLevel.TWO, ("pop", "user", "mfa"))
    factors = [(factor, _MINUTE) for factor in Factor]
    assert judged(now, *factors).level is AuthLevel.TWO


def test_a_passkey_whose_user_was_only_there_is_one_of_two(now: datetime) -> None:
    assert judged(now, (Factor.PASSKEY, _MINUTE)).level is None
    assert judged(now, (Factor.PASSKEY, _MINUTE), (Factor.OTP, _MINUTE)).level is None
    two = judged(now, (Factor.PASSWORD, 2 * _MINUTE), (Factor.PASSKEY, _MINUTE))
    assert (two.level, two.amr) == (AuthLevel.TWO, ("pwd", "pop", "user", "mfa"))
    assert two.auth_time == now - 2 * _MINUTE


def test_of_two_ways_to_a_level_the_younger_is_told(now: datetime) -> None:
    """OpenID Connect Core §2 auth_time."""
    old = ((Factor.PASSWORD, 9 * _MINUTE), (Factor.OTP, _MINUTE))
    found = judged(now, *old, (Factor.VERIFIED_PASSKEY, 5 * _MINUTE))
    assert (found.auth_time, found.amr) == (now - 5 * _MINUTE, ("pop", "user", "mfa"))


def test_auth_time_is_the_oldest_factor_used(now: datetime) -> None:
    """OpenID Connect Core §2 auth_time: never later than what the level rests on."""
    found = judged(now, (Factor.PASSWORD, 5 * _MINUTE), (Factor.OTP, _MINUTE))
    assert found.auth_time == now - 5 * _MINUTE


def test_a_code_alone_is_nothing(now: datetime) -> None:
    found = judged(now, (Factor.OTP, _MINUTE))
    assert (found.level, found.auth_time, found.amr) == (None, None, ())
    assert found.has_otp


def test_what_is_older_than_max_age_does_not_count(now: datetime) -> None:
    """OpenID Connect Core §3.1.2.1 max_age: MUST attempt to actively re-authenticate."""
    assert judged(now, (Factor.PASSWORD, _MINUTE), max_age=_MINUTE).level is AuthLevel.ONE
    older = _MINUTE + timedelta(milliseconds=1)
    assert judged(now, (Factor.PASSWORD, older), max_age=_MINUTE).level is None
    mixed = judged(now, (Factor.PASSWORD, _MINUTE), (Factor.OTP, older), max_age=_MINUTE)
    assert mixed.level is AuthLevel.ONE


def test_max_age_zero_accepts_what_was_proven_in_the_interaction_itself(now: datetime) -> None:
    """A person who reads the consent page for a minute is not sent back to the password."""
    found = judged(now, (Factor.PASSWORD, _MINUTE), max_age=timedelta(0), began=2 * _MINUTE)
    assert found.level is AuthLevel.ONE
    before = judged(now, (Factor.PASSWORD, _MINUTE), max_age=timedelta(0), began=timedelta(0))
    assert before.level is None


def test_prompt_login_counts_nothing_from_before(now: datetime) -> None:
    """OpenID Connect Core §3.1.2.1 prompt=login: SHOULD prompt for re-authentication."""
    factors = ((Factor.PASSWORD, _MINUTE), (Factor.OTP, 10 * _MINUTE))
    found = judged(now, *factors, began=2 * _MINUTE, only_since_start=True)
    assert (found.level, found.has_otp) == (AuthLevel.ONE, False)


def test_the_clocks_of_two_hosts_may_be_five_seconds_apart(now: datetime) -> None:
    second = timedelta(seconds=1)
    assert proven_at(now, started_at=now - second) == now
    assert proven_at(now, started_at=now + 5 * second) == now + 5 * second
    assert proven_at(now, started_at=now + 6 * second) == now, "no clock may be that wrong"


@pytest.mark.parametrize(
    ("acr_values", "acr_claim", "client_level", "must", "wish"),
    [
        ((), None, 1, 1, 1),
        ((), None, 2, 2, 2),
        (("urn:vn:auth:2",), None, 1, 1, 2),
        (("urn:vn:auth:1", "urn:vn:auth:2"), None, 1, 1, 1),
        (("what-is-this", "urn:vn:auth:2"), None, 1, 1, 2),
        (("urn:vn:auth:4",), None, 1, 1, 2),
        (("LoA1",), None, 1, 1, 1),
        ((), {"essential": True, "value": "urn:vn:auth:2"}, 1, 2, 2),
        ((), {"essential": True, "values": ["urn:vn:auth:3", "urn:vn:auth:2"]}, 1, 2, 2),
        ((), {"essential": True, "value": "urn:vn:auth:3"}, 1, 3, 3),
        ((), {"essential": True, "value": "what-is-this"}, 1, 3, 3),
        ((), {"essential": True}, 1, 1, 1),
        ((), {"value": "urn:vn:auth:2"}, 1, 1, 2),
        ((), {"values": ["urn:vn:auth:4"]}, 1, 1, 2),
        ((), {"values": ["urn:vn:auth:1"]}, 2, 2, 2),
    ],
)
def test_what_is_demanded(
    acr_values: tuple[str, ...],
    acr_claim: dict[str, Any] | None,
    client_level: int,
    must: int,
    wish: int,
) -> None:
    """OpenID Connect Core §5.5.1.1: an essential acr that cannot be met is a failed attempt."""
    found = demanded_level(
        acr_values=acr_values, acr_claim=acr_claim, client_level=client_level, own_level=1
    )
    assert (found.must, found.wish) == (must, wish)


def test_what_the_account_holder_set_is_a_must() -> None:
    found = demanded_level(acr_values=(), acr_claim=None, client_level=1, own_level=2)
    assert (found.must, found.wish) == (2, 2)


def test_the_alias_is_only_for_clients_that_may_have_it_and_asked() -> None:
    asked: dict[str, Any] = {"acr_values": ("LoA1",), "acr_claim": None}
    assert acr_for(AuthLevel.ONE, **asked, may_alias=True) == "LoA1"
    assert acr_for(AuthLevel.ONE, **asked, may_alias=False) == "urn:vn:auth:1"
    plain: dict[str, Any] = {"acr_values": (), "acr_claim": None}
    assert acr_for(AuthLevel.ONE, **plain, may_alias=True) == "urn:vn:auth:1"
    both: dict[str, Any] = {"acr_values": ("LoA1", "urn:vn:auth:1"), "acr_claim": None}
    assert acr_for(AuthLevel.ONE, **both, may_alias=True) == "urn:vn:auth:1"


@given(
    st.lists(st.tuples(st.sampled_from(Factor), st.integers(0, 10_000)), max_size=4),
    st.none() | st.integers(0, 10_000),
    st.integers(0, 10_000),
    st.booleans(),
)
def test_the_level_never_says_more_than_what_happened(
    factors: list[tuple[Factor, int]], max_age: int | None, began: int, only_since_start: bool
) -> None:
    now = datetime.fromisoformat("2026-11-21T03:04:05+00:00")
    found = judged(
        now,
        *((factor, timedelta(seconds=ago)) for factor, ago in factors),
        max_age=None if max_age is None else timedelta(seconds=max_age),
        began=timedelta(seconds=began),
        only_since_start=only_since_start,
    )
    proven = {factor for factor, _ in factors}
    if found.level is AuthLevel.TWO:
        assert Factor.VERIFIED_PASSKEY in proven or (Factor.PASSWORD in proven and len(proven) > 1)
    if found.level is not None:
        assert proven & {Factor.PASSWORD, Factor.VERIFIED_PASSKEY}
        assert found.auth_time is not None
        age_s = (now - found.auth_time).total_seconds()
        assert age_s <= began or (not only_since_start and (max_age is None or age_s <= max_age))


@pytest.mark.parametrize(
    ("factor", "amr"),
    [(Factor.SMS_CODE, ("pwd", "sms", "mfa")), (Factor.EMAIL_CODE, ("pwd", "otp", "mfa"))],
)
def test_a_code_by_message_is_one_of_two_and_never_alone(
    now: datetime, factor: Factor, amr: tuple[str, ...]
) -> None:
    """RFC 8176 §2: `sms`, `otp`."""
    two = judged(now, (Factor.PASSWORD, _MINUTE), (factor, _MINUTE))
    assert (two.level, two.amr) == (AuthLevel.TWO, amr)
    assert judged(now, (factor, _MINUTE)).level is None


def test_a_recovery_code_raises_nothing(now: datetime) -> None:
    """It lets its owner back into the account, and is told to no portal."""
    one = judged(now, (Factor.PASSWORD, _MINUTE), (Factor.RECOVERY_CODE, _MINUTE))
    assert (one.level, one.amr) == (AuthLevel.ONE, ("pwd",))
    assert judged(now, (Factor.RECOVERY_CODE, _MINUTE)).level is None
