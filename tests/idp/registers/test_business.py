"""The business register through its simulator.  Source: as for the population service."""

from __future__ import annotations

import json
from datetime import date, timedelta
from pathlib import Path
from typing import Final

import pytest

from idp.accounts.model import Identifier, IdentifierKind
from idp.registers import (
    Asker,
    BusinessRegister,
    BusinessStatus,
    Purpose,
    RegisterNonsense,
    RegisterUnavailable,
)
from idp.registers.breaker import FAILURES
from idp.sandbox.register_people import Standing
from idp.sandbox.register_simulators import Answered, Mode
from tests.support.provider import Provider
from tests.support.provider_seeds import ANH
from tests.support.registers import BUSINESS_URL, RegisterDoor, make_door, registers_of

_ASKER = Asker(Purpose.MANDATE, ANH.account_id)
_CODE = "9900000016"


@pytest.fixture
def door() -> RegisterDoor:
    return make_door()


@pytest.fixture
def register(provider: Provider, door: RegisterDoor, tmp_path: Path) -> BusinessRegister:
    return registers_of(provider.services, door, folder=tmp_path).business


_REGISTERED: Final = (
    (_CODE, BusinessStatus.ACTIVE, IdentifierKind.PERSONAL_ID_NUMBER),
    ("9900000023", BusinessStatus.ACTIVE, IdentifierKind.LEGACY_ID_9),
    ("9900000048", BusinessStatus.DISSOLVED, IdentifierKind.PERSONAL_ID_NUMBER),
    ("9900000055", BusinessStatus.SUSPENDED, IdentifierKind.PERSONAL_ID_NUMBER),
    ("9900000111", BusinessStatus.ACTIVE, None),
)


def test_both_forms_tell_status_and_representatives(
    provider: Provider, register: BusinessRegister
) -> None:
    assert register.is_there
    for code, status, kind in _REGISTERED:
        found = register.find(code, asked_by=_ASKER, now=provider.now)
        assert found is not None
        assert (found.enterprise_code, found.status, found.source) == (code, status, "business")
        assert found.representatives[0].document_kind is kind
        assert found.valid_until == provider.now + timedelta(hours=1)


def test_the_representative_is_who_has_the_registered_number(
    provider: Provider, register: BusinessRegister
) -> None:
    found = register.find("9900000023", asked_by=_ASKER, now=provider.now)

    assert found is not None
    old = Identifier(IdentifierKind.LEGACY_ID_9, "003123456", provider.now, provider.now)
    assert found.find_representative([old]) is not None
    other = Identifier(IdentifierKind.PERSONAL_ID_NUMBER, "005085000027", provider.now)
    assert found.find_representative([other]) is None


def test_nothing_under_a_code_is_nothing(
    provider: Provider, register: BusinessRegister, door: RegisterDoor
) -> None:
    assert register.find("9900000079", asked_by=_ASKER, now=provider.now) is None
    door.raw = Answered(404, "text/plain", b"")
    assert register.find("9900000079", asked_by=_ASKER, now=provider.now) is None


def test_it_asks_as_the_register_is_asked(
    provider: Provider, register: BusinessRegister, door: RegisterDoor
) -> None:
    register.find(_CODE, asked_by=_ASKER, now=provider.now)

    (asked,) = door.asked
    headers = {"Accept": "application/json", "Authorization": "Bearer simulated"}
    assert asked == (f"{BUSINESS_URL}?msdn={_CODE}", None, headers)
    assert provider.events().count("account:register:asked") == 1


def test_an_answer_holds_for_an_hour_and_not_longer(
    provider: Provider, register: BusinessRegister, door: RegisterDoor
) -> None:
    """NĐ 47/2020 Art. 41–42; whoever uses a kept answer is on record as well (Art. 45)."""
    first = register.find(_CODE, asked_by=_ASKER, now=provider.now)
    door.registers.set_standing(_CODE, Standing.DISSOLVED)
    provider.clock.advance(seconds=3599)
    assert register.find(_CODE, asked_by=_ASKER, now=provider.now) == first
    assert len(door.asked) == 1
    assert provider.events().count("account:register:asked") == 2
    provider.clock.advance(seconds=1)
    found = register.find(_CODE, asked_by=_ASKER, now=provider.now)
    assert found is not None
    assert not found.may_act


def test_an_answer_never_outlives_the_day_on_which_the_status_changes(
    provider: Provider, register: BusinessRegister, door: RegisterDoor
) -> None:
    """Law on Enterprises Art. 206: suspended from a day on, in Viet Nam."""
    one = door.registers.enterprises["9900000055"]
    told = json.loads(door.registers.answer_business(
        "msdn=9900000055", headers={"authorization": "Bearer simulated"}
    ).body)  # fmt: skip
    told["GetEntCert"][0]["TinhTrangPhapLy"] = [
        {"TinhTrang": "Đang hoạt động", "NgayBatDauTamNgung": "22/11/2026"}
    ]
    door.raw = Answered(200, "application/json", json.dumps(told).encode())
    provider.clock.advance(hours=12, minutes=30)  # half past eleven in the evening there
    found = register.find(one.code, asked_by=_ASKER, now=provider.now)

    assert found is not None
    assert found.may_act
    assert found.valid_until - provider.now < timedelta(minutes=30)
    assert found.valid_until.date() == date(2026, 11, 21)
    assert found.valid_until.hour == 17


def test_a_register_that_fails_is_not_asked_for_a_while(
    provider: Provider, door: RegisterDoor, tmp_path: Path
) -> None:
    for mode, error in (
        (Mode.AWAY, RegisterUnavailable),
        (Mode.SLOW, RegisterUnavailable),
        (Mode.NONSENSE, RegisterNonsense),
        (Mode.CONTRADICTS_ITSELF, RegisterNonsense),
    ):
        register = registers_of(provider.services, door, folder=tmp_path).business
        door.registers.business_mode = mode
        door.asked.clear()
        for _ in range(FAILURES):
            with pytest.raises(error):
                register.find(_CODE, asked_by=_ASKER, now=provider.now)
        with pytest.raises(RegisterUnavailable, match="not_asked"):
            register.find(_CODE, asked_by=_ASKER, now=provider.now)
        assert len(door.asked) == FAILURES


def test_what_is_kept_is_used_while_the_register_is_away(
    provider: Provider, register: BusinessRegister, door: RegisterDoor
) -> None:
    first = register.find(_CODE, asked_by=_ASKER, now=provider.now)
    door.failure = "unreachable"
    assert register.find(_CODE, asked_by=_ASKER, now=provider.now) == first
