"""Accounts in SQL: sealed at rest, found by keyed hashes, one account for a number."""

from __future__ import annotations

import base64
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime

import pytest
from sqlalchemy import update

from idp.accounts.birthdates import Birthdate
from idp.accounts.errors import IdentifierCancelled, IdentifierTaken
from idp.accounts.identifiers import ParsedIdentifier
from idp.accounts.lifecycle import make_account
from idp.accounts.model import (
    Account,
    AccountKind,
    AccountLevel,
    Address,
    Identifier,
    IdentifierKind,
    Profile,
)
from idp.storage.accounts import (
    account,
    add_identifier,
    drop_identifier,
    end_identifier,
    find_account,
    find_cancelled,
    find_keys,
    find_row,
    identifier,
    insert_accounts,
)
from idp.storage.database import Database
from keystore.errors import SealBroken
from keystore.log.record import LogWriter
from keystore.purposes import MacPurpose
from keystore.sealing import Sealer, load_kek
from tests.support.pii_alarm import SEEDED

NUMBER = ParsedIdentifier(IdentifierKind.PERSONAL_ID_NUMBER, SEEDED.citizen_number)
OTHER = ParsedIdentifier(IdentifierKind.PERSONAL_ID_NUMBER, SEEDED.other_citizen_number)


@pytest.fixture
def sealer(database: Database, now: datetime) -> Sealer:
    value = base64.urlsafe_b64encode(bytes(range(32))).decode()
    return Sealer.open(database, kek=load_kek(file=None, value=value), now=now)


def person(now: datetime, *numbers: ParsedIdentifier, name: str = SEEDED.name) -> Account:
    return make_account(
        kind=AccountKind.CITIZEN,
        level=AccountLevel.ONE,
        profile=Profile(
            name,
            birthdate=Birthdate(1983, 2, 17),
            email=SEEDED.email,
            phone=SEEDED.phone,
            address=Address(SEEDED.address),
        ),
        identifiers=numbers,
        now=now,
    )


def insert(database: Database, sealer: Sealer, *accounts: Account) -> None:
    with database.transaction() as tx:
        insert_accounts(tx, accounts, sealer=sealer)


def found(database: Database, sealer: Sealer, one: Account) -> Account | None:
    with database.read() as connection:
        return find_account(connection, one.account_id, sealer=sealer)


def test_what_belongs_to_a_person_is_sealed_at_rest(database, sealer, now) -> None:
    """The fixture searches the whole file afterwards for every seeded value."""
    one = person(
        now,
        NUMBER,
        ParsedIdentifier(IdentifierKind.LEGACY_ID_9, SEEDED.old_number),
        ParsedIdentifier(IdentifierKind.PASSPORT_NUMBER, SEEDED.passport),
    )
    insert(database, sealer, one)
    whole = found(database, sealer, one)
    assert whole is not None
    assert whole.profile == one.profile
    assert set(whole.identifiers) == set(one.identifiers)


def test_a_profile_moved_to_another_account_does_not_open(database, sealer, now) -> None:
    one, other = person(now, NUMBER), person(now, OTHER, name=SEEDED.other_name)
    insert(database, sealer, one, other)
    with database.transaction() as tx:
        stolen = tx.connection.execute(
            account.select().where(account.c.account_id == other.account_id)
        ).one()
        tx.connection.execute(
            update(account)
            .where(account.c.account_id == one.account_id)
            .values(profile_sealed=stolen.profile_sealed, data_key=stolen.data_key)
        )
    with pytest.raises(SealBroken):
        found(database, sealer, one)


def test_a_number_is_found_exactly_and_by_its_kind_only(database, sealer, now) -> None:
    one = person(now, NUMBER)
    insert(database, sealer, one)
    same_digits = ParsedIdentifier(IdentifierKind.FOREIGNER_ID, NUMBER.value)
    with database.read() as connection:
        keys = find_keys(connection, (NUMBER, OTHER, same_digits), sealer=sealer)
        assert find_keys(connection, (), sealer=sealer) == {}
    assert {asked: account_id for asked, (account_id, _key) in keys.items()} == {
        NUMBER: one.account_id
    }


def test_a_number_has_one_active_row(database, sealer, now) -> None:
    insert(database, sealer, person(now, NUMBER))
    with pytest.raises(IdentifierTaken):
        insert(database, sealer, person(now, OTHER), person(now, NUMBER))
    with database.read() as connection:
        assert len(connection.execute(account.select()).all()) == 1
        assert len(connection.execute(identifier.select()).all()) == 1


def test_of_many_who_open_one_number_at_once_one_succeeds(database, sealer, now) -> None:
    def attempt(_: int) -> bool:
        try:
            insert(database, sealer, person(now, NUMBER))
        except IdentifierTaken:
            return False
        return True

    with ThreadPoolExecutor(4) as pool:
        assert sum(pool.map(attempt, range(12))) == 1


def test_a_past_alias_frees_the_number_and_stays_with_its_account(database, sealer, now) -> None:
    """NĐ 70/2024/NĐ-CP Art. 12: old numbers stay known."""
    one = person(now, NUMBER)
    insert(database, sealer, one)
    with database.transaction() as tx:
        row = find_row(tx.connection, one.account_id, is_locked=True)
        assert row is not None
        kind = IdentifierKind.PERSONAL_ID_NUMBER
        assert end_identifier(tx, row, kind=kind, now=now)
        assert not end_identifier(tx, row, kind=kind, now=now)
        add_identifier(tx, row, number=Identifier(kind, OTHER.value, now), sealer=sealer)
    whole = found(database, sealer, one)
    assert whole is not None
    assert [(one.value, one.is_active) for one in whole.identifiers] == [
        (OTHER.value, True),
        (NUMBER.value, False),
    ]
    with database.read() as connection:
        assert find_keys(connection, (NUMBER,), sealer=sealer) == {}


def test_a_cancelled_personal_number_goes_to_nobody_else(database, sealer, now) -> None:
    """Law 26/2023/QH15 Art. 12; NĐ 70/2024/NĐ-CP Art. 11: never repeated for another person."""
    one, two = person(now, NUMBER), person(now, OTHER, name=SEEDED.other_name)
    insert(database, sealer, one, two)
    kind = IdentifierKind.PERSONAL_ID_NUMBER
    number = Identifier(kind, NUMBER.value, now)
    with database.transaction() as tx:
        first = find_row(tx.connection, one.account_id, is_locked=True)
        second = find_row(tx.connection, two.account_id, is_locked=True)
        assert first is not None
        assert second is not None
        end_identifier(tx, first, kind=kind, now=now)
        end_identifier(tx, second, kind=kind, now=now)
        assert find_cancelled(tx.connection, (NUMBER,), sealer=sealer) == {NUMBER: one.account_id}
        with pytest.raises(IdentifierCancelled):
            add_identifier(tx, second, number=number, sealer=sealer)
        add_identifier(tx, first, number=number, sealer=sealer)
    with database.read() as connection:
        assert set(find_keys(connection, (NUMBER, OTHER), sealer=sealer)) == {NUMBER}


@pytest.mark.parametrize(
    ("kind", "value"),
    [
        (IdentifierKind.LEGACY_ID_9, SEEDED.old_number),
        (IdentifierKind.PASSPORT_NUMBER, SEEDED.passport),
    ],
)
def test_other_numbers_may_be_given_out_again(database, sealer, now, kind, value) -> None:
    """Old cards were issued by provinces, passports by countries: nobody promises it of them."""
    parsed = ParsedIdentifier(kind, value)
    one, two = person(now, NUMBER, parsed), person(now, OTHER, name=SEEDED.other_name)
    insert(database, sealer, one, two)
    with database.transaction() as tx:
        first = find_row(tx.connection, one.account_id, is_locked=True)
        second = find_row(tx.connection, two.account_id, is_locked=True)
        assert first is not None
        assert second is not None
        end_identifier(tx, first, kind=kind, now=now)
        assert find_cancelled(tx.connection, (parsed,), sealer=sealer) == {}
        add_identifier(tx, second, number=Identifier(kind, value, now), sealer=sealer)


def test_a_mistyped_number_is_free_for_whom_it_belongs_to(database, sealer, now) -> None:
    one, two = person(now, NUMBER), person(now, OTHER, name=SEEDED.other_name)
    insert(database, sealer, one, two)
    kind = IdentifierKind.PERSONAL_ID_NUMBER
    with database.transaction() as tx:
        first = find_row(tx.connection, one.account_id, is_locked=True)
        second = find_row(tx.connection, two.account_id, is_locked=True)
        assert first is not None
        assert second is not None
        assert drop_identifier(tx, first, kind=kind)
        assert not drop_identifier(tx, first, kind=kind)
        end_identifier(tx, second, kind=kind, now=now)
        add_identifier(tx, second, number=Identifier(kind, NUMBER.value, now), sealer=sealer)


def test_a_number_is_found_after_the_lookup_key_was_replaced(database, sealer, now) -> None:
    """A new key writes new rows; old rows are found under the old one."""
    one = person(now, NUMBER)
    insert(database, sealer, one)
    log = LogWriter(sealer, writer_id="test")
    sealer.replace_key(MacPurpose.LOOKUP, log=log, now=now)
    other = person(now, OTHER)
    insert(database, sealer, other)
    with database.read() as connection:
        keys = find_keys(connection, (NUMBER, OTHER), sealer=sealer)
        versions = {row.mac_version for row in connection.execute(identifier.select())}
    assert {account_id for account_id, _key in keys.values()} == {
        one.account_id,
        other.account_id,
    }
    assert versions == {1, 2}
    with database.transaction() as tx:
        row = find_row(tx.connection, other.account_id)
        assert row is not None
        taken = Identifier(IdentifierKind.PERSONAL_ID_NUMBER, NUMBER.value, now)
        with pytest.raises(IdentifierTaken):
            add_identifier(tx, row, number=taken, sealer=sealer)


def test_a_thousand_accounts_go_in_with_two_statements(database, sealer, now) -> None:
    numbers = [
        ParsedIdentifier(IdentifierKind.PERSONAL_ID_NUMBER, f"00309{position:07d}")
        for position in range(1000)
    ]
    made = [person(now, number) for number in numbers]
    with database.transaction() as tx:
        rows = insert_accounts(tx, made, sealer=sealer)
        assert [rows[one.account_id].account_id for one in made] == [one.account_id for one in made]
        for one in (made[0], made[-1]):
            row = find_row(tx.connection, one.account_id)
            assert row is not None
            assert row.account_key == rows[one.account_id].account_key


def test_more_numbers_are_asked_for_than_one_statement_takes(database, sealer, now) -> None:
    """A batch of organisations with a hundred representatives each asks for that many."""
    one = person(now, NUMBER)
    insert(database, sealer, one)
    many = [
        ParsedIdentifier(IdentifierKind.PERSONAL_ID_NUMBER, f"003190{n:06d}") for n in range(66_000)
    ]
    with database.read() as connection:
        known = find_keys(connection, (*many, NUMBER), sealer=sealer)
        assert find_keys(connection, (), sealer=sealer) == {}
    assert {number: account_id for number, (account_id, _key) in known.items()} == {
        NUMBER: one.account_id
    }
