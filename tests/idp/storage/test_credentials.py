"""Credentials in SQL: sealed under the person, replaced only when they are what was seen."""

from __future__ import annotations

import base64
from datetime import datetime, timedelta

import pytest

from idp.accounts.credentials import ActivationCode, PasswordForm, StoredPassword, Totp
from idp.accounts.identifiers import ParsedIdentifier
from idp.accounts.lifecycle import make_account
from idp.accounts.model import AccountKind, AccountLevel, IdentifierKind, Profile
from idp.storage.accounts import AccountRow, insert_accounts
from idp.storage.credentials import (
    activation_code,
    consume_activation_code,
    find_credentials,
    find_password,
    insert_passwords,
    list_activation_codes,
    list_schemes,
    list_to_wrap,
    list_totps,
    password,
    recount_schemes,
    replace_activation_codes,
    replace_password,
    replace_totps,
    set_password,
    totp,
)
from idp.storage.database import Database
from idp.storage.purge import find_rules, purge_all
from keystore.sealing import Sealer, load_kek

NATIVE = StoredPassword(PasswordForm.NATIVE, "", "", "$argon2id$one")
OTHER = StoredPassword(PasswordForm.NATIVE, "", "", "$argon2id$other")
FOREIGN = StoredPassword(PasswordForm.FOREIGN, "bcrypt:12", "salt", "digest")


@pytest.fixture
def sealer(database: Database, now: datetime) -> Sealer:
    value = base64.urlsafe_b64encode(bytes(range(32))).decode()
    return Sealer.open(database, kek=load_kek(file=None, value=value), now=now)


def number(position: int = 1) -> ParsedIdentifier:
    return ParsedIdentifier(IdentifierKind.PERSONAL_ID_NUMBER, f"00309{position:07d}")


def insert(database, sealer, now, *, position: int = 1) -> AccountRow:
    made = make_account(
        kind=AccountKind.CITIZEN,
        level=AccountLevel.ONE,
        profile=Profile("Người Mẫu"),
        identifiers=(number(position),),
        now=now,
    )
    with database.transaction() as tx:
        return insert_accounts(tx, (made,), sealer=sealer)[made.account_id]


@pytest.fixture
def row(database: Database, sealer: Sealer, now: datetime) -> AccountRow:
    return insert(database, sealer, now)


def test_a_password_is_found_with_its_account_in_one_query(database, sealer, now, row) -> None:
    with database.transaction() as tx:
        insert_passwords(tx, [(row, NATIVE)], sealer=sealer, now=now)
    with database.read() as connection:
        found = find_credentials(connection, (number(9), number()), sealer=sealer)
        assert find_credentials(connection, (number(9),), sealer=sealer) is None
    assert found is not None
    assert (found.account_id, found.password) == (row.account_id, NATIVE)


def test_an_account_may_have_no_password(database, sealer, now, row) -> None:
    with database.read() as connection:
        found = find_credentials(connection, (number(),), sealer=sealer)
        assert find_password(connection, row, sealer=sealer) is None
    assert found is not None
    assert found.password is None


def test_the_likeliest_reading_of_what_was_typed_counts(database, sealer, now, row) -> None:
    other = insert(database, sealer, now, position=2)
    with database.read() as connection:
        first = find_credentials(connection, (number(), number(2)), sealer=sealer)
        second = find_credentials(connection, (number(2), number()), sealer=sealer)
    assert first is not None
    assert second is not None
    assert (first.account_id, second.account_id) == (row.account_id, other.account_id)


def test_a_hash_does_not_lie_open_in_the_database(database, sealer, now, row) -> None:
    with database.transaction() as tx:
        insert_passwords(tx, [(row, NATIVE)], sealer=sealer, now=now)
        stored = tx.connection.execute(password.select()).one()
    assert b"argon2" not in stored.sealed


def test_a_password_is_replaced_only_when_it_is_what_was_seen(database, sealer, now, row) -> None:
    with database.transaction() as tx:
        set_password(tx, row, NATIVE, sealer=sealer, now=now)
        seen = find_password(tx.connection, row, sealer=sealer)
        assert seen is not None
        set_password(tx, row, OTHER, sealer=sealer, now=now)
        assert not replace_password(tx, row, FOREIGN, expected=seen[1], sealer=sealer, now=now)
        current = find_password(tx.connection, row, sealer=sealer)
        assert current is not None
        assert current[0] == OTHER
        assert replace_password(tx, row, FOREIGN, expected=current[1], sealer=sealer, now=now)


def test_schemes_are_counted_and_those_to_wrap_are_listed(database, sealer, now, row) -> None:
    rows = [row, *(insert(database, sealer, now, position=n) for n in (2, 3))]
    with database.transaction() as tx:
        stored = zip(rows, (NATIVE, FOREIGN, FOREIGN), strict=True)
        insert_passwords(tx, list(stored), sealer=sealer, now=now)
        assert list_schemes(tx.connection) == {}
        recount_schemes(tx)
        recount_schemes(tx)
        assert list_schemes(tx.connection) == {"": 1, "bcrypt:12": 2}
        first = list_to_wrap(tx.connection, after=0, limit=1)
        assert first == [(rows[1].account_id, rows[1].account_key)]
        rest = list_to_wrap(tx.connection, after=first[0][1], limit=9)
        assert [account_id for account_id, _key in rest] == [rows[2].account_id]


def test_an_authenticator_takes_the_place_of_those_before(database, sealer, now, row) -> None:
    with database.transaction() as tx:
        assert replace_totps(tx, row, Totp("otp_1", b"first", now), sealer=sealer) == 0
        assert replace_totps(tx, row, Totp("otp_2", b"second", now), sealer=sealer) == 1
        assert list_totps(tx.connection, row.account_id, sealer=sealer) == (
            Totp("otp_2", b"second", now),
        )
        assert b"second" not in tx.connection.execute(totp.select()).one().secret_sealed


def test_an_activation_code_is_spent_once_and_in_time(database, sealer, now, row) -> None:
    code = ActivationCode("act_1", b"m" * 32, now, now + timedelta(days=1))
    with database.transaction() as tx:
        replace_activation_codes(tx, row, code)
        assert list_activation_codes(tx.connection, row.account_id) == (code,)
        assert not consume_activation_code(tx, "act_1", now=now + timedelta(days=1))
        assert consume_activation_code(tx, "act_1", now=now)
        assert not consume_activation_code(tx, "act_1", now=now)


def test_expired_activation_codes_are_purged(database, sealer, now, row) -> None:
    code = ActivationCode("act_1", b"m" * 32, now, now + timedelta(days=1))
    with database.transaction() as tx:
        replace_activation_codes(tx, row, code)
    rules = tuple(
        rule for rule in find_rules(activation_code.metadata) if rule.table is activation_code
    )
    assert len(rules) == 1
    assert not purge_all(database, rules=rules, now=now)
    purged = purge_all(database, rules=rules, now=now + timedelta(days=1))
    assert purged == {"activation_code": 1}
