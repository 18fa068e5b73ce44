"""Signing in, and refusing to: the same for somebody and for nobody."""

from __future__ import annotations

import base64
import hashlib
from dataclasses import replace
from datetime import timedelta

import pytest

from idp.accounts.attempts import PASSWORD_LIMITS, Source
from idp.accounts.credentials import PasswordForm, StoredPassword, Totp
from idp.accounts.login import Login, LoginRefused, OtpAccepted, PasswordAccepted, RefusalReason
from idp.accounts.passwords import Passwords
from idp.accounts.totp import code_at, make_secret
from idp.errors import StorageUnavailable
from idp.ids import AccountId
from idp.storage.accounts import find_row
from idp.storage.credentials import find_password, recount_schemes, replace_totps, set_password

NUMBER = "003091000017"
NOBODY = "005091000018"
RIGHT = "ổ khoá thử nghiệm 1"


def check(house, login: Login, *, number=NUMBER, password=RIGHT, source=None, after=timedelta()):
    return login.check_password(
        raw_identifier=number,
        raw_password=password,
        source=source or Source("192.0.2.7"),
        now=house.now + after,
    )


def give(house, account_id: AccountId, stored: StoredPassword) -> None:
    with house.database.transaction() as tx:
        row = find_row(tx.connection, account_id, is_locked=True)
        assert row is not None
        set_password(tx, row, stored, sealer=house.sealer, now=house.now)


def kept(house, account_id: AccountId) -> StoredPassword:
    with house.database.read() as connection:
        row = find_row(connection, account_id)
        assert row is not None
        found = find_password(connection, row, sealer=house.sealer)
    assert found is not None
    return found[0]


def enrol(house, account_id: AccountId) -> bytes:
    secret = make_secret()
    with house.database.transaction() as tx:
        row = find_row(tx.connection, account_id, is_locked=True)
        assert row is not None
        replace_totps(tx, row, Totp("otp_1", secret, house.now), sealer=house.sealer)
    return secret


def test_the_right_password_signs_in(house) -> None:
    account = house.add_citizen(NUMBER, password=RIGHT)
    accepted = check(house, house.login())
    assert isinstance(accepted, PasswordAccepted)
    assert accepted.account_id == account.account_id


@pytest.mark.parametrize(
    "typed", ["003 091 000 017", "003.091.000.017", "００３０９１０００００１７"]
)
def test_a_number_may_be_typed_with_separators(house, typed) -> None:
    if len(typed) == 13:
        typed = typed.replace("００００１７", "０００１７", 1)
    house.add_citizen(NUMBER, password=RIGHT)
    assert isinstance(check(house, house.login(), number=typed), PasswordAccepted)


def test_every_refusal_reads_alike_and_costs_one_argon2id(house) -> None:
    """NIST SP 800-63B-3 §5.2.2; OWASP ASVS 2.2: accounts cannot be enumerated."""
    house.add_citizen(NUMBER, password=RIGHT)
    bare = house.add_citizen("003091000025")
    locked = house.add_citizen("003091000033", password=RIGHT)
    closed = house.add_citizen("003091000041", password=RIGHT)
    house.lifecycle.lock(locked.account_id, reason="test", now=house.now)
    house.lifecycle.close(closed.account_id, reason="test", now=house.now)
    login = house.login()
    cases = {
        "wrong password": (NUMBER, "sai mật khẩu"),
        "nobody": (NOBODY, RIGHT),
        "no password": ("003091000025", RIGHT),
        "locked": ("003091000033", RIGHT),
        "closed": ("003091000041", RIGHT),
    }
    seen = {}
    for case, (number, password) in cases.items():
        refused = check(house, login, number=number, password=password)
        seen[case] = (refused, house.hashing.taken())
    assert bare.is_active
    refusal = LoginRefused(
        RefusalReason.WRONG, attempts_left=PASSWORD_LIMITS.per_subject[0].attempts - 1
    )
    assert seen == dict.fromkeys(cases, (refusal, ["argon2id"]))


def test_a_locked_account_signs_in_again_after_unlocking(house) -> None:
    account = house.add_citizen(NUMBER, password=RIGHT)
    house.lifecycle.lock(account.account_id, reason="test", now=house.now)
    login = house.login()
    assert isinstance(check(house, login), LoginRefused)
    house.lifecycle.unlock(account.account_id, reason="test", now=house.now)
    assert isinstance(check(house, login), PasswordAccepted)


@pytest.mark.parametrize(
    ("typed", "reason"),
    [
        ("12345", RefusalReason.WRONG),
        ("", RefusalReason.IDENTIFIER_MALFORMED),
        ("111111111111", RefusalReason.IDENTIFIER_MALFORMED),
        ("9900000016", RefusalReason.ORGANISATION_IDENTIFIER),
        ("9900000016-001", RefusalReason.ORGANISATION_IDENTIFIER),
        ("9900000017", RefusalReason.TAX_CODE_MALFORMED),
        ("x" * 5000, RefusalReason.IDENTIFIER_MALFORMED),
    ],
)
def test_what_cannot_be_an_identifier_is_said_so(house, typed, reason) -> None:
    refused = check(house, house.login(), number=typed)
    assert isinstance(refused, LoginRefused)
    assert refused.reason is reason


def test_an_organisation_code_is_answered_alike_whether_known_or_not(house) -> None:
    house.add_organisation("9900000016")
    login = house.login()
    known = check(house, login, number="9900000016")
    unknown = check(house, login, number="9900000023")
    assert known == unknown == LoginRefused(RefusalReason.ORGANISATION_IDENTIFIER)
    assert house.hashing.taken() == []


@pytest.mark.parametrize("password", ["", "x" * 1025, "mật\x00khẩu", "\ud800"])
def test_what_cannot_be_a_password_is_wrong_for_everybody(house, password) -> None:
    house.add_citizen(NUMBER, password=RIGHT)
    login = house.login()
    assert check(house, login, password=password) == check(
        house, login, number=NOBODY, password=password
    )
    assert house.hashing.taken() == []


def test_attempts_past_the_limit_are_refused_even_when_right(house) -> None:
    """NIST SP 800-63B-3 §5.2.2: failed attempts are limited; here also for nobody."""
    house.add_citizen(NUMBER, password=RIGHT)
    login = house.login()
    allowed = PASSWORD_LIMITS.per_subject[0].attempts
    for number in (NUMBER, NOBODY):
        for _ in range(allowed):
            assert check(house, login, number=number, password="sai").reason is RefusalReason.WRONG
    house.hashing.taken()
    refused = check(house, login)
    assert refused == check(house, login, number=NOBODY)
    assert refused.reason is RefusalReason.TOO_MANY
    assert house.hashing.taken() == []
    later = refused.retry_at - house.now
    assert later <= PASSWORD_LIMITS.per_subject[0].window
    assert isinstance(check(house, login, after=later), PasswordAccepted)


def test_a_known_device_gets_in_while_its_owner_is_under_attack(house) -> None:
    house.add_citizen(NUMBER, password=RIGHT)
    login = house.login()
    first = check(house, login)
    for _ in range(PASSWORD_LIMITS.per_subject[0].attempts + 1):
        check(house, login, password="sai", source=Source("198.51.100.9"))
    assert check(house, login).reason is RefusalReason.TOO_MANY
    known = Source("192.0.2.7", first.device)
    assert isinstance(check(house, login, source=known), PasswordAccepted)


def test_a_known_device_has_a_limit_of_its_own(house) -> None:
    house.add_citizen(NUMBER, password=RIGHT)
    login = house.login()
    known = Source("192.0.2.7", check(house, login).device)
    for _ in range(PASSWORD_LIMITS.per_device[0].attempts):
        assert check(house, login, password="sai", source=known).reason is RefusalReason.WRONG
    assert check(house, login, source=known).reason is RefusalReason.TOO_MANY
    assert isinstance(check(house, login), PasswordAccepted)


def test_a_device_known_for_one_person_is_a_stranger_to_another(house) -> None:
    house.add_citizen(NUMBER, password=RIGHT)
    house.add_citizen(NOBODY, password=RIGHT)
    login = house.login()
    known = Source("192.0.2.7", check(house, login).device)
    for _ in range(PASSWORD_LIMITS.per_subject[0].attempts):
        check(house, login, number=NOBODY, password="sai")
    refused = check(house, login, number=NOBODY, source=known)
    assert refused.reason is RefusalReason.TOO_MANY


def test_success_gives_the_attempt_back_to_the_source(house) -> None:
    house.add_citizen(NUMBER, password=RIGHT)
    login = house.login()
    for _ in range(PASSWORD_LIMITS.per_source[0].attempts + 20):
        assert isinstance(check(house, login), PasswordAccepted)


def test_one_source_cannot_spray_over_many_numbers(house) -> None:
    login = house.login()
    allowed = PASSWORD_LIMITS.per_source[0].attempts
    numbers = [f"00309{number:07d}" for number in range(1, allowed + 2)]
    results = [check(house, login, number=number).reason for number in numbers]
    assert results[:-1] == [RefusalReason.WRONG] * allowed
    assert results[-1] is RefusalReason.TOO_MANY
    elsewhere = check(house, login, number=numbers[-1], source=Source("198.51.100.9"))
    assert elsewhere.reason is RefusalReason.WRONG
    assert elsewhere.attempts_left == PASSWORD_LIMITS.per_subject[0].attempts - 1


def test_an_imported_password_becomes_ours_at_the_first_sign_in(house) -> None:
    account = house.add_citizen(NUMBER)
    encoded = "pbkdf2_sha256$1000$c2FsdHNhbHQ$" + _pbkdf2(RIGHT, b"c2FsdHNhbHQ", 1000)
    foreign = house.passwords.import_hash(encoded)
    assert foreign.form is PasswordForm.FOREIGN
    login = house.login()
    for stored in (foreign, house.passwords.wrap(foreign)):
        give(house, account.account_id, stored)
        house.hashing.taken()
        assert isinstance(check(house, login, password="sai"), LoginRefused)
        assert house.hashing.taken() == ["pbkdf2:sha256:1000:32", "argon2id"]
        assert isinstance(check(house, login), PasswordAccepted)
        assert house.hashing.taken() == ["pbkdf2:sha256:1000:32", "argon2id", "argon2id hash"]
        assert kept(house, account.account_id).form is PasswordForm.NATIVE
        assert isinstance(check(house, login), PasswordAccepted)
        assert house.hashing.taken() == ["argon2id"]


def test_a_password_at_other_costs_is_hashed_anew(house) -> None:
    account = house.add_citizen(NUMBER, password=RIGHT)
    old = kept(house, account.account_id)
    dearer = replace(house.hashing.costs, passes=2)
    house.hashing.costs = dearer
    assert isinstance(check(house, house.login()), PasswordAccepted)
    new = kept(house, account.account_id)
    assert new != old
    assert ",t=2," in new.secret


def test_an_unknown_number_costs_what_accounts_cost(house) -> None:
    """When every account has an imported hash, nobody's number costs the old algorithm as well."""
    encoded = "pbkdf2_sha256$1000$c2FsdHNhbHQ$" + _pbkdf2(RIGHT, b"c2FsdHNhbHQ", 1000)
    account = house.add_citizen(NUMBER)
    give(house, account.account_id, house.passwords.wrap(house.passwords.import_hash(encoded)))
    with house.database.transaction() as tx:
        recount_schemes(tx)
    login = house.login()
    check(house, login, password="sai")
    for_somebody = house.hashing.taken()
    check(house, login, number=NOBODY)
    assert house.hashing.taken() == for_somebody == ["pbkdf2:sha256:1000:32", "argon2id"]


def test_a_code_signs_in_once(house, source) -> None:
    """RFC 6238 §5.2: the verifier MUST NOT accept the second attempt of the OTP."""
    account = house.add_citizen(NUMBER, password=RIGHT)
    secret = enrol(house, account.account_id)
    login = house.login()
    assert login.has_totp(account.account_id)

    def enter(code: str):
        return login.check_otp(
            account_id=account.account_id, raw_code=code, source=source, now=house.now
        )

    code = code_at(secret, now=house.now)
    assert isinstance(enter(code), OtpAccepted)
    assert enter(code).reason is RefusalReason.WRONG


def test_codes_and_passwords_are_counted_apart(house, source) -> None:
    account = house.add_citizen(NUMBER, password=RIGHT)
    secret = enrol(house, account.account_id)
    login = house.login()
    for left in (4, 3, 2, 1, 0):
        refused = login.check_otp(
            account_id=account.account_id, raw_code="00000", source=source, now=house.now
        )
        assert refused == LoginRefused(RefusalReason.WRONG, attempts_left=left)
    refused = login.check_otp(
        account_id=account.account_id,
        raw_code=code_at(secret, now=house.now),
        source=source,
        now=house.now,
    )
    assert refused.reason is RefusalReason.TOO_MANY
    assert isinstance(check(house, login), PasswordAccepted)


def test_signing_in_again_gives_no_fresh_counter_of_codes(house) -> None:
    """A device known by its password alone is a stranger where codes are counted."""
    account = house.add_citizen(NUMBER, password=RIGHT)
    enrol(house, account.account_id)
    login = house.login()
    for _ in range(5):
        device = check(house, login).device
        login.check_otp(
            account_id=account.account_id,
            raw_code="000000",
            source=Source("192.0.2.7", device),
            now=house.now,
        )
    device = check(house, login).device
    refused = login.check_otp(
        account_id=account.account_id,
        raw_code="000000",
        source=Source("192.0.2.7", device),
        now=house.now,
    )
    assert refused.reason is RefusalReason.TOO_MANY


def test_a_locked_account_is_not_let_in_by_its_code(house, source) -> None:
    account = house.add_citizen(NUMBER, password=RIGHT)
    secret = enrol(house, account.account_id)
    house.lifecycle.lock(account.account_id, reason="test", now=house.now)
    refused = house.login().check_otp(
        account_id=account.account_id,
        raw_code=code_at(secret, now=house.now),
        source=source,
        now=house.now,
    )
    assert refused.reason is RefusalReason.WRONG


def test_nobody_signs_in_without_being_counted(house) -> None:
    house.add_citizen(NUMBER, password=RIGHT)
    login = house.login()
    house.store.put = _unavailable
    house.store.count = _unavailable
    with pytest.raises(StorageUnavailable):
        check(house, login)
    assert house.hashing.taken() == []


def _unavailable(*_args, **_named):
    raise StorageUnavailable


def _pbkdf2(password: str, salt: bytes, iterations: int) -> str:
    digest = hashlib.pbkdf2_hmac("sha256", password.encode(), salt, iterations)
    return base64.b64encode(digest).decode()


class WhileChecking(Passwords):
    """Something happens to the account after its password was found to be right."""

    def __init__(self, hashing, *, act) -> None:
        super().__init__(hashing)
        self._act = act

    def needs_rehash(self, stored: StoredPassword) -> bool:
        self._act()
        return super().needs_rehash(stored)

    def rehash(self, prepared):
        self._act()
        return super().rehash(prepared)


def login_while(house, act) -> Login:
    return Login(
        house.database,
        store=house.store,
        sealer=house.sealer,
        attempts=house.attempts,
        passwords=WhileChecking(house.hashing, act=act),
    )


def test_an_account_locked_at_the_last_moment_is_not_let_in(house) -> None:
    account = house.add_citizen(NUMBER, password=RIGHT)

    def lock() -> None:
        house.lifecycle.lock(account.account_id, reason="test", now=house.now)

    assert check(house, login_while(house, lock)).reason is RefusalReason.WRONG


def test_hashing_anew_leaves_alone_a_password_that_was_just_changed(house) -> None:
    account = house.add_citizen(NUMBER)
    encoded = "pbkdf2_sha256$1000$c2FsdHNhbHQ$" + _pbkdf2(RIGHT, b"c2FsdHNhbHQ", 1000)
    give(house, account.account_id, house.passwords.import_hash(encoded))
    changed = house.passwords.hash_new("mật khẩu vừa đổi")
    login = login_while(house, lambda: give(house, account.account_id, changed))
    check(house, login)
    assert kept(house, account.account_id) == changed


def test_nobody_costs_the_opening_of_a_sealed_hash_too(house, monkeypatch) -> None:
    """The same cryptography for somebody and for nobody, to the last call."""
    house.add_citizen(NUMBER, password=RIGHT)
    house.add_citizen("003091000025")
    login = house.login()
    opened = []
    unseal = type(house.sealer).unseal_personal

    def counted(self, data_key, sealed, *, context):
        opened.append(context)
        return unseal(self, data_key, sealed, context=context)

    monkeypatch.setattr(type(house.sealer), "unseal_personal", counted)
    for number in (NUMBER, NOBODY, "003091000025"):
        opened.clear()
        check(house, login, number=number, password="sai")
        assert len(opened) == 1
