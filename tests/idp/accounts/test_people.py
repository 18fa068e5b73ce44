"""What the protocol side asks about people."""

from __future__ import annotations

from idp.accounts.credentials import Totp
from idp.accounts.model import Address, IdentifierKind
from idp.accounts.people import People
from idp.ids import AccountId
from idp.storage.accounts import find_row
from idp.storage.credentials import replace_totps

NUMBER = "003091000017"


def test_the_second_factor_and_the_data_key_of_a_person(house) -> None:
    people = People(house.database, sealer=house.sealer)
    me = house.add_citizen(NUMBER).account_id
    assert not people.has_totp(me)
    with house.database.transaction() as tx:
        row = find_row(tx.connection, me)
        assert row is not None
        replace_totps(tx, row, Totp("otp_1", b"secret", house.now), sealer=house.sealer)
    assert people.has_totp(me)
    assert people.data_key_of(me) == row.data_key
    house.lifecycle.erase(me, reason="asked", now=house.now)
    assert people.data_key_of(me) is None
    assert people.data_key_of(AccountId("acc_nobody")) is None


def test_an_account_tells_its_kind_and_shows_nothing(house) -> None:
    me = house.add_citizen(NUMBER)
    firm = house.add_organisation("9900000016")
    assert firm.is_organisation
    assert not me.is_organisation
    assert me.find_identifier(IdentifierKind.PASSPORT_NUMBER) is None
    for shown in (repr(me), repr(firm), repr(Address("1 phố Mẫu"))):
        assert NUMBER not in shown
        assert "Thử Nghiệm" not in shown
        assert "phố" not in shown
