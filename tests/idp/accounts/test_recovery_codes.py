"""Recovery codes: ten, shown once, each taken once, and what using one costs."""

from __future__ import annotations

import pytest
from sqlalchemy import select

from idp.accounts.errors import FactorNotFresh, LastFactor
from idp.accounts.login import LoginRefused, OtpAccepted, RefusalReason
from idp.storage.recovery_codes import recovery_code
from tests.support.factor_house import HERE, FactorHouse
from tests.support.racing import race
from tests.support.sent_messages import notices_of


@pytest.fixture
def codes(factor_house: FactorHouse) -> tuple[str, ...]:
    factor_house.give_totp()
    return factor_house.factors.recovery_codes.make(factor_house.me, now=factor_house.now)


def _use(house: FactorHouse, code: str) -> OtpAccepted | LoginRefused:
    return house.build().recovery_codes.use(house.me, raw_code=code, source=HERE, now=house.now)


def test_there_are_ten_and_none_of_them_is_kept(
    factor_house: FactorHouse, codes: tuple[str, ...]
) -> None:
    assert len(set(codes)) == 10
    with factor_house.database.read() as connection:
        kept = repr(connection.execute(select(recovery_code)).all())
    assert not any(code in kept or code.replace("-", "") in kept for code in codes)
    left = factor_house.factors.recovery_codes.left(factor_house.me)
    assert (left.count, left.made_at) == (10, factor_house.now)
    assert notices_of(factor_house.database) == ["recovery_codes_made"]


def test_one_is_taken_once_however_it_is_typed(
    factor_house: FactorHouse, codes: tuple[str, ...]
) -> None:
    typed = codes[3].lower().replace("-", " ").replace("0", "o").replace("1", "l")
    assert isinstance(_use(factor_house, typed), OtpAccepted)
    again = _use(factor_house, codes[3])
    assert isinstance(again, LoginRefused)
    assert again.reason is RefusalReason.WRONG
    assert factor_house.factors.recovery_codes.left(factor_house.me).count == 9


def test_using_one_caps_the_account_and_tells_the_person(
    factor_house: FactorHouse, codes: tuple[str, ...]
) -> None:
    """Architecture, decision 10."""
    _use(factor_house, codes[0])
    assert factor_house.caps.causes == ["recovery_code"]
    assert "account:recovery_codes:used" in factor_house.events()
    assert "recovery_code_used" in notices_of(factor_house.database)


def test_of_many_who_type_it_at_once_one_gets_in(
    factor_house: FactorHouse, codes: tuple[str, ...]
) -> None:
    outcomes = race([lambda: _use(factor_house, codes[0])] * 4)
    assert sum(isinstance(one, OtpAccepted) for one in outcomes) == 1
    assert factor_house.caps.causes == ["recovery_code"]


def test_new_ones_void_those_before(factor_house: FactorHouse, codes: tuple[str, ...]) -> None:
    new = factor_house.factors.recovery_codes.make(factor_house.me, now=factor_house.now)
    assert isinstance(_use(factor_house, codes[0]), LoginRefused)
    assert isinstance(_use(factor_house, new[0]), OtpAccepted)
    assert factor_house.factors.recovery_codes.left(factor_house.me).count == 9


def test_guessing_ends(factor_house: FactorHouse, codes: tuple[str, ...]) -> None:
    for _ in range(5):
        refused = _use(factor_house, "0000-0000-0000")
        assert isinstance(refused, LoginRefused)
    late = _use(factor_house, codes[0])
    assert isinstance(late, LoginRefused)
    assert late.reason is RefusalReason.TOO_MANY
    assert factor_house.caps.causes == []


def test_who_has_no_second_factor_gets_none(factor_house: FactorHouse) -> None:
    """They are a way back to something; a stolen password must not become two factors by them."""
    with pytest.raises(FactorNotFresh):
        factor_house.factors.recovery_codes.make(factor_house.me, now=factor_house.now)


def test_they_go_with_the_last_factor(factor_house: FactorHouse, codes: tuple[str, ...]) -> None:
    (totp,) = factor_house.factors.authenticators.list_of(factor_house.me)
    factor_house.demand_second_factor()
    with pytest.raises(LastFactor):
        factor_house.factors.authenticators.remove(
            factor_house.me, totp.totp_id, now=factor_house.now
        )
    assert factor_house.factors.recovery_codes.left(factor_house.me).count == 10
    factor_house.choose()
    factor_house.factors.authenticators.remove(factor_house.me, totp.totp_id, now=factor_house.now)
    assert factor_house.factors.recovery_codes.left(factor_house.me).count == 10


def test_they_go_with_the_last_factor_when_nobody_demands_one(
    factor_house: FactorHouse, codes: tuple[str, ...]
) -> None:
    (totp,) = factor_house.factors.authenticators.list_of(factor_house.me)
    assert factor_house.factors.authenticators.remove(
        factor_house.me, totp.totp_id, now=factor_house.now
    )
    assert isinstance(_use(factor_house, codes[0]), LoginRefused)
    assert "totp_removed" in notices_of(factor_house.database)
