"""The life of an account: opened, locked, closed, renumbered, erased."""

from __future__ import annotations

from datetime import timedelta

import pytest

from idp.accounts.birthdates import Birthdate
from idp.accounts.errors import (
    AccountUnknown,
    IdentifierCancelled,
    IdentifierTaken,
    IdentifierUnknown,
    StatusUnchangeable,
)
from idp.accounts.lifecycle import make_account
from idp.accounts.login import LoginRefused, PasswordAccepted, Source
from idp.accounts.mandates import add_legal_representative
from idp.accounts.model import (
    AccountKind,
    AccountLevel,
    AccountStatus,
    Address,
    Gender,
    IdentifierKind,
    Profile,
)
from idp.ids import AccountId
from idp.storage.accounts import account, identifier
from idp.storage.credentials import password as password_table
from keystore.errors import SealBroken
from keystore.log.events import EventType
from keystore.log.record import find_writers, log_event, verify_chain
from tests.idp.accounts.conftest import parsed

NUMBER = "003091000017"
NEW_NUMBER = "003091000025"
SECRET = "ổ khoá thử nghiệm"

WHOLE = Profile(
    "Người Thử Nghiệm",
    birthdate=Birthdate(1991, 5),
    gender=Gender.FEMALE,
    nationality="VNM",
    email="an@thu.example",
    is_email_verified=True,
    phone="+84900000000",
    address=Address("1 phố Mẫu", province="Mẫu"),
)


def events(house, account_id=None) -> list[str]:
    with house.database.read() as connection:
        rows = connection.execute(log_event.select().order_by(log_event.c.seq)).all()
    return [row.type for row in rows if account_id in {None, row.account_id}]


def signs_in(house, number: str) -> bool:
    outcome = house.login().check_password(
        raw_identifier=number, raw_password=SECRET, source=Source("192.0.2.7"), now=house.now
    )
    assert isinstance(outcome, PasswordAccepted | LoginRefused)
    return isinstance(outcome, PasswordAccepted)


def test_what_is_opened_is_found_whole(house) -> None:
    new = make_account(
        kind=AccountKind.CITIZEN,
        level=AccountLevel.TWO,
        profile=WHOLE,
        identifiers=[
            parsed(NUMBER),
            parsed("012345678", kind=IdentifierKind.LEGACY_ID_9),
            parsed("C1234567", kind=IdentifierKind.PASSPORT_NUMBER),
        ],
        now=house.now,
    )
    house.lifecycle.open(new)
    found = house.directory.find_account(new.account_id)
    assert found is not None
    assert found.profile == WHOLE
    assert set(found.identifiers) == set(new.identifiers)
    for one in new.identifiers:
        assert house.directory.find_by_identifier(parsed(one.value, kind=one.kind)) == found
    assert events(house, new.account_id) == [EventType.ACCOUNT_ADDED]


def test_a_number_has_one_account(house) -> None:
    house.add_citizen(NUMBER)
    with pytest.raises(IdentifierTaken) as taken:
        house.add_citizen(NUMBER)
    assert taken.value.kind == IdentifierKind.PERSONAL_ID_NUMBER
    assert events(house) == [EventType.ACCOUNT_ADDED]


@pytest.mark.parametrize(
    ("kind", "level"), [(AccountKind.ORGANISATION, AccountLevel.ONE), (AccountKind.CITIZEN, None)]
)
def test_an_organisation_has_no_level_and_a_person_has_one(house, kind, level) -> None:
    """NĐ 69/2024/NĐ-CP Art. 7(3)."""
    with pytest.raises(ValueError, match="level_does_not_fit_kind"):
        make_account(kind=kind, level=level, profile=WHOLE, identifiers=[], now=house.now)


def test_the_holder_may_want_a_second_factor_every_time(house) -> None:
    """Architecture, "Pages": the account holder's own setting demands level 2."""
    me = house.add_citizen(NUMBER)
    assert not me.demands_second_factor
    house.lifecycle.demand_second_factor(me.account_id, is_demanded=True, now=house.now)
    found = house.directory.find_account(me.account_id)
    assert found is not None
    assert found.demands_second_factor
    assert events(house, me.account_id)[-1] == EventType.SECOND_FACTOR_CHANGED
    with pytest.raises(AccountUnknown):
        house.lifecycle.demand_second_factor(AccountId("acc_0"), is_demanded=True, now=house.now)


def test_a_new_number_takes_the_place_of_the_cancelled_one(house) -> None:
    """NĐ 70/2024/NĐ-CP Art. 11: the cancelled number stays known and signs nobody in."""
    me = house.add_citizen(NUMBER, password=SECRET)
    later = house.now + timedelta(days=1)
    house.lifecycle.renumber(me.account_id, parsed(NEW_NUMBER), reason="corrected", now=later)
    found = house.directory.find_account(me.account_id)
    assert found is not None
    assert found.find_identifier(IdentifierKind.PERSONAL_ID_NUMBER) == NEW_NUMBER
    active, past = found.identifiers
    assert (active.value, active.valid_from, active.valid_to) == (NEW_NUMBER, later, None)
    assert (past.value, past.valid_from, past.valid_to) == (NUMBER, house.now, later)
    assert house.directory.find_by_identifier(parsed(NUMBER)) is None
    assert signs_in(house, NEW_NUMBER)
    assert not signs_in(house, NUMBER)
    assert events(house, me.account_id)[-2:] == [
        EventType.IDENTIFIER_RETIRED,
        EventType.IDENTIFIER_ADDED,
    ]


def test_renumbering_to_the_number_of_somebody_changes_nothing(house) -> None:
    me = house.add_citizen(NUMBER)
    house.add_citizen(NEW_NUMBER)
    with pytest.raises(IdentifierTaken):
        house.lifecycle.renumber(me.account_id, parsed(NEW_NUMBER), reason="x", now=house.now)
    assert house.directory.find_account(me.account_id) == me


def test_a_cancelled_number_opens_no_account_and_goes_to_nobody_else(house) -> None:
    """Law 26/2023/QH15 Art. 12; NĐ 70/2024/NĐ-CP Art. 11: never repeated for another person."""
    me = house.add_citizen(NUMBER, password=SECRET)
    house.lifecycle.renumber(me.account_id, parsed(NEW_NUMBER), reason="x", now=house.now)
    with pytest.raises(IdentifierCancelled) as refused:
        house.add_citizen(NUMBER)
    assert (refused.value.code, refused.value.kind) == (
        "identifier_cancelled",
        IdentifierKind.PERSONAL_ID_NUMBER,
    )
    other = house.add_citizen("003091000033").account_id
    with pytest.raises(IdentifierCancelled):
        house.lifecycle.renumber(other, parsed(NUMBER), reason="x", now=house.now)
    with pytest.raises(IdentifierCancelled):
        house.lifecycle.add_identifier(other, parsed(NUMBER), now=house.now)
    assert not signs_in(house, NUMBER)
    house.lifecycle.renumber(me.account_id, parsed(NUMBER), reason="x", now=house.now)
    assert signs_in(house, NUMBER), "a cancellation that was an error is undone for its holder"


def test_a_number_that_was_mistyped_is_forgotten_not_cancelled(house) -> None:
    """The digits belong to somebody else, who must not find them taken for good."""
    me = house.add_citizen(NUMBER)
    house.lifecycle.renumber(
        me.account_id, parsed(NEW_NUMBER), reason="x", is_mistyped=True, now=house.now
    )
    found = house.directory.find_account(me.account_id)
    assert found is not None
    assert [one.value for one in found.identifiers] == [NEW_NUMBER]
    house.add_citizen(NUMBER)


def test_only_a_number_that_there_is_can_be_cancelled(house) -> None:
    me = house.add_citizen(NUMBER)
    passport = parsed("C1234567", kind=IdentifierKind.PASSPORT_NUMBER)
    with pytest.raises(IdentifierUnknown):
        house.lifecycle.renumber(me.account_id, passport, reason="x", now=house.now)
    house.lifecycle.add_identifier(me.account_id, passport, now=house.now)
    assert house.directory.find_by_identifier(passport) is not None
    with pytest.raises(IdentifierTaken):
        house.lifecycle.add_identifier(me.account_id, passport, now=house.now)


def test_status_moves_one_way_only(house) -> None:
    me = house.add_citizen(NUMBER).account_id
    life = house.lifecycle
    with pytest.raises(StatusUnchangeable):
        life.unlock(me, reason="x", now=house.now)
    life.lock(me, reason="x", now=house.now)
    with pytest.raises(StatusUnchangeable):
        life.lock(me, reason="x", now=house.now)
    life.unlock(me, reason="x", now=house.now)
    life.lock(me, reason="x", now=house.now)
    life.close(me, reason="x", now=house.now)
    for act in (life.lock, life.unlock, life.close):
        with pytest.raises(StatusUnchangeable):
            act(me, reason="x", now=house.now)
    found = house.directory.find_account(me)
    assert found is not None
    assert found.status is AccountStatus.CLOSED
    assert events(house, me).count(EventType.ACCOUNT_STATUS_CHANGED) == 4


def test_nothing_happens_to_nobody(house) -> None:
    nobody = AccountId("acc_nobody")
    life = house.lifecycle
    for act in (
        lambda: life.lock(nobody, reason="x", now=house.now),
        lambda: life.erase(nobody, reason="x", now=house.now),
        lambda: life.set_password(nobody, house.passwords.hash_new(SECRET), now=house.now),
        lambda: life.renumber(nobody, parsed(NUMBER), reason="x", now=house.now),
    ):
        with pytest.raises(AccountUnknown):
            act()
    assert house.directory.find_account(nobody) is None
    assert events(house) == []


def test_a_password_may_be_set_again(house) -> None:
    me = house.add_citizen(NUMBER, password="mật khẩu trước đây")
    house.lifecycle.set_password(me.account_id, house.passwords.hash_new(SECRET), now=house.now)
    assert signs_in(house, NUMBER)
    assert events(house, me.account_id)[-1] == EventType.PASSWORD_SET


def test_erasing_destroys_the_key_and_leaves_nothing_readable(house) -> None:
    """Law 91/2025/QH15: deletion; architecture, "State": the data key is destroyed."""
    me = house.add_citizen(NUMBER, password=SECRET)
    firm = house.add_organisation("9900000016")
    mandate = add_legal_representative(
        house.database,
        holder_id=me.account_id,
        organisation_id=firm.account_id,
        source="test",
        log=house.log,
        now=house.now,
    )
    with house.database.read() as connection:
        before = connection.execute(account.select()).first()
    assert before is not None
    house.lifecycle.erase(me.account_id, reason="asked", now=house.now)
    assert house.directory.find_account(me.account_id) is None
    assert house.directory.find_by_identifier(parsed(NUMBER)) is None
    assert not signs_in(house, NUMBER)
    kept = house.directory.find_mandate(mandate.mandate_id)
    assert kept is not None
    assert not kept.valid_at(house.now)
    with house.database.read() as connection:
        row = connection.execute(
            account.select().where(account.c.account_id == me.account_id)
        ).one()
        assert (row.data_key, row.profile_sealed, row.level) == (None, None, None)
        assert row.erased_ms is not None
        mine = identifier.select().where(identifier.c.account_key == row.account_key)
        assert connection.execute(mine).first() is None
        assert connection.execute(password_table.select()).first() is None
    with pytest.raises(SealBroken):
        # another person's data key does not open what was sealed under the destroyed one
        house.sealer.unseal_personal(
            house.sealer.make_data_key(context="acc_other"),
            before.profile_sealed,
            context=f"{me.account_id}:profile",
        )


def test_the_number_of_an_erased_person_may_register_anew(house) -> None:
    me = house.add_citizen(NUMBER)
    house.lifecycle.erase(me.account_id, reason="asked", now=house.now)
    again = house.add_citizen(NUMBER)
    assert again.account_id != me.account_id


def test_the_log_of_every_act_holds_together(house) -> None:
    me = house.add_citizen(NUMBER, password=SECRET).account_id
    house.lifecycle.lock(me, reason="x", now=house.now)
    house.lifecycle.erase(me, reason="x", now=house.now)
    with house.database.read() as connection:
        (writer,) = find_writers(connection)
        assert verify_chain(connection, writer).seq == 4
