"""Which new passwords are taken, with Vietnamese words and the person's own data."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from idp.accounts.birthdates import Birthdate
from idp.accounts.breached_passwords import BreachedPasswords, bare_form, common_passwords
from idp.accounts.errors import PasswordUnusable
from idp.accounts.lifecycle import make_account
from idp.accounts.model import AccountKind, AccountLevel, Profile
from idp.accounts.password_rules import (
    LEAST_GUESSES_LOG10,
    check_new_password,
    guesses_log10,
    own_words,
)

_OWN = own_words(
    make_account(
        kind=AccountKind.CITIZEN,
        level=AccountLevel.ONE,
        profile=Profile(
            name="Đặng Thị Lấp Lánh",
            birthdate=Birthdate(1990, 4, 12),
            email="lap.lanh@thu.example",
            phone="+84900000123",
        ),
        identifiers=(),
        now=datetime(2026, 11, 22, tzinfo=UTC),
    )
)
_BREACHED = BreachedPasswords()


@pytest.mark.parametrize(
    ("typed", "reason"),
    [
        ("", "malformed"),
        ("a\x00bcdefghij", "malformed"),
        ("x" * 1025, "too_long"),
        ("ngắn quá", "weak"),
        ("Ba từ 7", "too_short"),
        ("Lấp Lánh 1990", "personal"),
        ("danglaplanh12041990", "personal"),
        ("0900000123", "personal"),
        ("laplanh@1204", "personal"),
        ("matkhau123", "breached"),
        ("Mật Khẩu 123", "breached"),
        ("ANHYEUEM123", "breached"),
        ("P@ssw0rd", "breached"),
        ("nguyenhoang", "weak"),
        ("haiphongoi", "weak"),
        ("aaaaaaaaaaaaaaaaaaaaaaaaaaaa", "weak"),
        ("qwertyuiop[]", "weak"),
    ],
)
def test_a_password_that_would_be_guessed_is_refused(typed: str, reason: str) -> None:
    """NIST SP 800-63B-4 §3.1.1.2."""
    with pytest.raises(PasswordUnusable) as refused:
        check_new_password(typed, own=_OWN, breached=_BREACHED)
    assert refused.value.reason == reason


@pytest.mark.parametrize(
    "typed",
    [
        "con trâu leo cột điện",
        "Ghế-Mây-7-Tím-Khoai",
        "kV9!tq2#Lm",
        "x" * 3 + "Bưởi chạy quanh ấm trà" * 20,
    ],
)
def test_a_good_one_is_taken(typed: str) -> None:
    check_new_password(typed, own=_OWN, breached=_BREACHED)


def test_vietnamese_words_are_no_random_letters() -> None:
    """Without the list each letter of them would count as drawn by lot."""
    assert guesses_log10("hanoisaigon", own=()) < LEAST_GUESSES_LOG10
    assert guesses_log10("hxnpisakgqn", own=()) > LEAST_GUESSES_LOG10


def test_what_is_known_of_the_person_costs_nothing_to_guess() -> None:
    assert guesses_log10("zebukhoxy77", own=("zebukhoxy",)) < guesses_log10("zebukhoxy77", own=())


def test_letters_that_stand_for_others_are_judged_in_bounded_work() -> None:
    """The estimate of the whole would take minutes; in parts each has its bound."""
    check_new_password("4@8({[</369&#!1/|0$5+7%2" * 40, own=_OWN, breached=_BREACHED)


def test_the_short_list_is_in_the_form_that_is_looked_up() -> None:
    assert all(one == bare_form(one) for one in common_passwords())
    assert all(len(one) >= 8 for one in common_passwords()), "shorter ones are refused anyway"
