"""Codes by message: for one thing, to one address, once, and not for long."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from idp.accounts.channels import Channel, Destination
from idp.accounts.message_codes import (
    LIFETIME,
    RESEND_AFTER,
    CodeFor,
    CodeOutcome,
    CodePurpose,
    SendingRefused,
)
from idp.ids import AccountId
from tests.support.factor_house import HERE, NEW_PHONE, PHONE, FactorHouse
from tests.support.racing import race
from tests.support.sent_messages import messages_of


@pytest.fixture
def wanted(factor_house: FactorHouse) -> CodeFor:
    to = Destination(Channel.SMS, PHONE)
    return CodeFor(CodePurpose.SIGN_IN, "int_1", factor_house.me, to)


def _send(house: FactorHouse, wanted: CodeFor) -> str:
    house.factors.codes.send(wanted, source=HERE.address, now=house.now)
    return house.last_code(wanted.to.address)


def test_a_code_is_six_digits_and_works_once(factor_house: FactorHouse, wanted: CodeFor) -> None:
    """NIST SP 800-63B-4 §3.1.3.2: SHALL be accepted only once."""
    code = _send(factor_house, wanted)
    assert len(code) == 6
    assert code.isdigit()
    spaced = f" {code[:3]} {code[3:]} "
    codes, now = factor_house.factors.codes, factor_house.now
    assert codes.check(wanted, spaced, now=now) is CodeOutcome.RIGHT
    assert codes.check(wanted, code, now=now) is CodeOutcome.GONE


def test_a_wrong_code_takes_nothing_away(factor_house: FactorHouse, wanted: CodeFor) -> None:
    code = _send(factor_house, wanted)
    wrong = f"{(int(code) + 1) % 10**6:06d}"
    codes, now = factor_house.factors.codes, factor_house.now
    for raw in (wrong, "", code[:5], f"{code}0", "x" * 5000):
        assert codes.check(wanted, raw, now=now) is CodeOutcome.WRONG
    assert codes.check(wanted, code, now=now) is CodeOutcome.RIGHT


def test_a_code_is_worth_nothing_for_anything_else(
    factor_house: FactorHouse, wanted: CodeFor
) -> None:
    code = _send(factor_house, wanted)
    others = (
        replace(wanted, purpose=CodePurpose.CONTACT),
        replace(wanted, place="int_2"),
        replace(wanted, account_id=AccountId("acc_other")),
        replace(wanted, to=Destination(Channel.SMS, NEW_PHONE)),
        replace(wanted, to=Destination(Channel.EMAIL, "a@mau.example")),
    )
    codes, now = factor_house.factors.codes, factor_house.now
    for other in others:
        assert codes.check(other, code, now=now) is not CodeOutcome.RIGHT
    assert codes.check(wanted, code, now=now) is CodeOutcome.RIGHT


def test_a_delayed_code_is_worth_nothing(factor_house: FactorHouse, wanted: CodeFor) -> None:
    """Neither one that comes after its time, nor one whose successor is out."""
    first = _send(factor_house, wanted)
    codes = factor_house.factors.codes
    assert codes.check(wanted, first, now=factor_house.now + LIFETIME) is CodeOutcome.GONE
    factor_house.now += RESEND_AFTER
    second = _send(factor_house, wanted)
    if first != second:
        assert codes.check(wanted, first, now=factor_house.now) is CodeOutcome.WRONG
    assert codes.check(wanted, second, now=factor_house.now) is CodeOutcome.RIGHT


def test_another_one_is_sent_after_a_minute(factor_house: FactorHouse, wanted: CodeFor) -> None:
    _send(factor_house, wanted)
    with pytest.raises(SendingRefused) as refused:
        factor_house.factors.codes.send(
            wanted, source=HERE.address, now=factor_house.now + timedelta(seconds=59)
        )
    assert refused.value.retry_at == factor_house.now + RESEND_AFTER
    assert len(messages_of(factor_house.database, factor_house.sealer)) == 1


def test_however_many_ask_at_once_one_code_is_sent(
    factor_house: FactorHouse, wanted: CodeFor
) -> None:
    def ask() -> bool:
        try:
            factor_house.factors.codes.send(wanted, source=HERE.address, now=factor_house.now)
        except SendingRefused:
            return False
        return True

    assert sum(race([ask] * 8)) == 1
    assert len(messages_of(factor_house.database, factor_house.sealer)) == 1


def test_how_many_are_sent_is_limited_whatever_they_are_for(
    factor_house: FactorHouse, wanted: CodeFor
) -> None:
    for number in range(5):
        _send(factor_house, replace(wanted, place=f"int_{number}"))
    with pytest.raises(SendingRefused) as refused:
        _send(factor_house, replace(wanted, place="int_6", purpose=CodePurpose.CONTACT))
    assert refused.value.retry_at > factor_house.now
    assert len(messages_of(factor_house.database, factor_house.sealer)) == 5


def test_of_many_who_type_it_at_once_one_gets_in(
    factor_house: FactorHouse, wanted: CodeFor
) -> None:
    code = _send(factor_house, wanted)

    def check() -> CodeOutcome:
        return factor_house.build().codes.check(wanted, code, now=factor_house.now)

    assert race([check] * 12).count(CodeOutcome.RIGHT) == 1


def test_nothing_that_is_kept_says_the_code_or_the_number(
    factor_house: FactorHouse, wanted: CodeFor
) -> None:
    code = _send(factor_house, wanted)
    kept = factor_house.store.get("message_code:sign_in:sms:int_1", now=factor_house.now)
    assert kept is not None
    assert code.encode() not in kept
    assert PHONE[1:].encode() not in kept
