"""Passwords: what is hashed, what it costs, and what an imported hash becomes."""

from __future__ import annotations

import os
import threading
import unicodedata
from concurrent.futures import ThreadPoolExecutor

import argon2
import bcrypt
import pytest

from idp.accounts.credentials import PasswordForm
from idp.accounts.errors import ForeignHashRefused, PasswordUnusable
from idp.accounts.passwords import Argon2Costs, Hashing, Passwords, prepare
from tests.idp.accounts.conftest import CHEAP, CountingHashing

OLD = bcrypt.hashpw("mật khẩu cũ".encode(), bcrypt.gensalt(4)).decode()


@pytest.fixture
def hashing() -> CountingHashing:
    return CountingHashing()


@pytest.fixture
def passwords(hashing: CountingHashing) -> Passwords:
    made = Passwords(hashing)
    hashing.taken()
    return made


def typed(text: str):
    prepared = prepare(text)
    assert prepared is not None
    return prepared


def test_the_costs_are_those_of_the_design() -> None:
    """OWASP Password Storage Cheat Sheet: argon2id, 19 MiB, two passes, one lane."""
    assert Argon2Costs() == Argon2Costs(memory_kib=19_456, passes=2, lanes=1)
    stored = Passwords(Hashing(Argon2Costs())).hash_new("mật khẩu mới")
    assert stored.secret.startswith("$argon2id$v=19$m=19456,t=2,p=1$")


def test_another_program_verifies_our_hash(passwords) -> None:
    stored = passwords.hash_new("mật khẩu mới")
    assert argon2.PasswordHasher().verify(stored.secret, "mật khẩu mới")


def test_two_keyboards_type_one_password(passwords) -> None:
    """NIST SP 800-63B-3 §5.1.1.2: NFKC before hashing."""
    text = "Trường Sơn ﬁ ２０"
    stored = passwords.hash_new(unicodedata.normalize("NFD", text))
    for form in ("NFC", "NFD", "NFKC", "NFKD"):
        assert passwords.check(stored, typed(unicodedata.normalize(form, text)))
    assert not passwords.check(stored, typed("Truong Son fi 20"))


@pytest.mark.parametrize("raw", ["", "x" * 1025, "ế" * 400, "mật\x00khẩu", "\ud800" * 9])
def test_what_is_no_password_is_told_before_any_work(raw) -> None:
    assert prepare(raw) is None


def test_a_password_of_1024_bytes_is_taken(passwords, hashing) -> None:
    stored = passwords.hash_new("x" * 1024)
    assert passwords.check(stored, typed("x" * 1024))
    assert not passwords.check(stored, typed("x" * 1023))


def test_a_short_text_that_grows_by_normalising_is_refused() -> None:
    """One sign may become eighteen in NFKC: the bound holds for what is hashed."""
    assert prepare("\ufdfa" * 60) is None


@pytest.mark.parametrize(
    ("raw", "reason"),
    [
        ("", "malformed"),
        ("bảy chữ"[:7], "too_short"),
        ("x" * 1025, "too_long"),
        ("mật khẩu\x00", "malformed"),
    ],
)
def test_an_unusable_new_password_is_refused_with_a_reason(passwords, raw, reason) -> None:
    with pytest.raises(PasswordUnusable) as refused:
        passwords.hash_new(raw)
    assert refused.value.reason == reason


def test_checking_costs_one_argon2id_whatever_is_stored(passwords, hashing) -> None:
    foreign = passwords.import_hash(OLD)
    forms = {
        "native": (passwords.hash_new("mật khẩu cũ"), []),
        "foreign": (foreign, ["bcrypt:4"]),
        "wrapped": (passwords.wrap(foreign), ["bcrypt:4"]),
        "nobody": (None, []),
    }
    for stored, before in forms.values():
        for text in ("mật khẩu cũ", "sai mật khẩu"):
            hashing.taken()
            is_right = passwords.check(stored, typed(text))
            assert hashing.taken() == [*before, "argon2id"]
            assert is_right == (stored is not None and text == "mật khẩu cũ")


def test_a_decoy_costs_the_foreign_scheme_too(passwords, hashing) -> None:
    assert not passwords.check(None, typed("mật khẩu"), decoy_scheme="bcrypt:4")
    assert hashing.taken() == ["bcrypt:4", "argon2id"]


def test_wrapping_forgets_the_old_digest(passwords) -> None:
    foreign = passwords.import_hash(OLD)
    wrapped = passwords.wrap(foreign)
    assert foreign.form is PasswordForm.FOREIGN
    assert wrapped.form is PasswordForm.WRAPPED
    assert OLD[-31:] == foreign.secret
    assert OLD[-31:] not in wrapped.secret
    assert passwords.wrap(wrapped) is wrapped
    assert passwords.needs_rehash(wrapped)
    assert passwords.needs_rehash(foreign)


def test_argon2id_at_our_costs_is_taken_as_it_is(passwords, hashing) -> None:
    same = argon2.PasswordHasher(
        memory_cost=CHEAP.memory_kib, time_cost=CHEAP.passes, parallelism=CHEAP.lanes
    ).hash("mật khẩu cũ")
    for encoded in (same, f"argon2{same}"):
        stored = passwords.import_hash(encoded)
        assert stored.form is PasswordForm.DIRECT
        assert passwords.check(stored, typed("mật khẩu cũ"))
        assert not passwords.check(stored, typed("mật khẩu"))
        assert hashing.taken() == ["argon2id", "argon2id"]


def test_argon2id_at_other_costs_is_wrapped_like_the_others(passwords) -> None:
    """Taken as it is it would give away by its time that the account exists."""
    dearer = argon2.PasswordHasher(memory_cost=128, time_cost=1, parallelism=1).hash("mật khẩu cũ")
    stored = passwords.import_hash(dearer)
    assert stored.form is PasswordForm.FOREIGN
    assert passwords.check(passwords.wrap(stored), typed("mật khẩu cũ"))


def test_a_hash_that_is_refused_is_not_repeated(passwords) -> None:
    with pytest.raises(ForeignHashRefused) as refused:
        passwords.import_hash("$2b$04$seeded-secret")
    assert "seeded" not in str(refused.value)


def test_a_hash_made_with_other_costs_is_to_be_made_anew(passwords) -> None:
    stored = passwords.hash_new("mật khẩu mới")
    assert not passwords.needs_rehash(stored)
    dearer = Passwords(CountingHashing(Argon2Costs(memory_kib=64, passes=2)))
    assert dearer.needs_rehash(stored)
    assert dearer.check(stored, typed("mật khẩu mới"))


def test_nothing_secret_shows_in_a_repr(passwords) -> None:
    stored = passwords.import_hash(OLD)
    assert OLD[-31:] not in repr(stored)
    assert "khẩu" not in repr(typed("mật khẩu"))


def test_a_broken_stored_hash_is_wrong_and_no_error(hashing) -> None:
    assert not hashing.verify("$argon2id$nonsense", b"x")


def test_no_more_threads_hash_than_there_are_cores() -> None:
    """Each hash holds 19 MiB: memory must not grow with the number of people who sign in."""
    hashing = Hashing(CHEAP)
    encoded = hashing.hash(b"secret")
    with ThreadPoolExecutor(16) as callers:
        answers = list(callers.map(lambda _: hashing.verify(encoded, b"secret"), range(200)))
    assert all(answers)
    hashers = [one for one in threading.enumerate() if one.name.startswith("antin-hash")]
    assert 1 <= len(hashers) <= len(os.sched_getaffinity(0))


def test_what_a_computation_raises_reaches_the_caller() -> None:
    with pytest.raises(KeyError, match="nobody-knows"):
        Hashing(CHEAP).compute_foreign("nobody-knows:1", salt="", password=b"secret")
