"""A code by message as the second factor: of an address that serves, as it is at that moment."""

from __future__ import annotations

from datetime import timedelta

import pytest

from idp.accounts.attempts import Admitted, NotAdmitted
from idp.accounts.channels import Channel
from idp.accounts.login import LoginRefused, OtpAccepted, RefusalReason
from idp.accounts.message_sign_in import ChannelNotOffered
from idp.accounts.model import AccountStatus
from idp.storage.account_updates import update_status
from idp.storage.accounts import find_row
from tests.support.factor_house import HERE, NEW_PHONE, PHONE, WAIT, FactorHouse
from tests.support.racing import race
from tests.support.sent_messages import messages_of


@pytest.fixture
def chosen(factor_house: FactorHouse) -> FactorHouse:
    factor_house.give_totp()
    factor_house.choose()
    return factor_house


def _send(house: FactorHouse, *, channel: Channel = Channel.SMS, place: str = "int_1") -> str:
    house.factors.by_message.send(
        house.me, channel, interaction_id=place, source=HERE, now=house.now
    )
    return messages_of(house.database, house.sealer)[-1].facts["code"]


def _check(house: FactorHouse, code: str, *, place: str = "int_1") -> OtpAccepted | LoginRefused:
    return house.build().by_message.check(
        house.me, Channel.SMS, raw_code=code, interaction_id=place, source=HERE, now=house.now
    )


def _reason(answer: OtpAccepted | LoginRefused) -> RefusalReason:
    assert isinstance(answer, LoginRefused)
    return answer.reason


def test_a_code_signs_in_once_and_the_use_is_noted(chosen: FactorHouse) -> None:
    code = _send(chosen)
    assert isinstance(_check(chosen, code), OtpAccepted)
    assert _reason(_check(chosen, code)) is RefusalReason.CODE_GONE
    assert chosen.contact().used_at == chosen.now


def test_the_page_says_where_it_went(chosen: FactorHouse) -> None:
    by_message, account = chosen.factors.by_message, chosen.account()
    _send(chosen)
    said = by_message.find_sent(account, Channel.SMS, interaction_id="int_1", now=chosen.now)
    assert said is not None
    masked, sent = said
    assert masked == "•••018"
    assert sent is not None
    assert sent.sent_at == chosen.now
    assert (
        by_message.find_sent(account, Channel.EMAIL, interaction_id="int_1", now=chosen.now) is None
    )


def test_nothing_is_sent_where_nobody_chose_it(chosen: FactorHouse) -> None:
    with pytest.raises(ChannelNotOffered):
        _send(chosen, channel=Channel.EMAIL)
    assert messages_of(chosen.database, chosen.sealer) == []


def test_a_code_sent_to_a_number_that_changed_meanwhile_is_worth_nothing(
    chosen: FactorHouse,
) -> None:
    code = _send(chosen)
    chosen.change(NEW_PHONE)
    assert _reason(_check(chosen, code)) is RefusalReason.CODE_GONE
    with pytest.raises(ChannelNotOffered):
        _send(chosen, place="int_2")
    chosen.now += WAIT
    late = chosen.last_code(PHONE)
    assert isinstance(_check(chosen, late), LoginRefused)
    assert isinstance(_check(chosen, _send(chosen)), OtpAccepted)


def test_a_code_that_was_sent_before_the_choice_was_taken_back_signs_nobody_in(
    chosen: FactorHouse,
) -> None:
    code = _send(chosen)
    chosen.choose(is_factor=False)
    assert _reason(_check(chosen, code)) is RefusalReason.CODE_GONE


def test_a_code_of_another_sign_in_is_worth_nothing(chosen: FactorHouse) -> None:
    code = _send(chosen)
    assert _reason(_check(chosen, code, place="int_2")) is RefusalReason.CODE_GONE


def test_guesses_count_as_tries_of_one_time_codes(chosen: FactorHouse) -> None:
    code = _send(chosen)
    wrong = f"{(int(code) + 1) % 10**6:06d}"
    for left in (4, 3, 2, 1, 0):
        answer = _check(chosen, wrong)
        assert isinstance(answer, LoginRefused)
        assert (answer.reason, answer.attempts_left) == (RefusalReason.WRONG, left)
    assert _reason(_check(chosen, code)) is RefusalReason.TOO_MANY
    assert chosen.attempts.admit_otp(chosen.me, source=HERE, now=chosen.now) is not None


def test_a_right_code_clears_no_counter_of_what_is_guessed(chosen: FactorHouse) -> None:
    """Whoever took over a number would have tries at the app's codes without end.

    NIST SP 800-63B-4 §3.2.2 (rate limiting).
    """
    for _ in range(4):
        chosen.attempts.admit_otp(chosen.me, source=HERE, now=chosen.now)
    assert isinstance(_check(chosen, _send(chosen)), OtpAccepted)
    chosen.change(NEW_PHONE)
    assert isinstance(chosen.attempts.admit_otp(chosen.me, source=HERE, now=chosen.now), Admitted)
    last = chosen.attempts.admit_otp(chosen.me, source=HERE, now=chosen.now)
    assert isinstance(last, NotAdmitted)


def test_a_delayed_code_is_worth_nothing(chosen: FactorHouse) -> None:
    code = _send(chosen)
    chosen.now += timedelta(minutes=5)
    assert _reason(_check(chosen, code)) is RefusalReason.CODE_GONE


def test_of_many_at_once_one_signs_in(chosen: FactorHouse) -> None:
    code = _send(chosen)
    outcomes = race([lambda: _check(chosen, code)] * 5)
    assert sum(isinstance(one, OtpAccepted) for one in outcomes) == 1


def test_a_locked_account_is_refused(chosen: FactorHouse) -> None:
    code = _send(chosen)
    with chosen.database.transaction() as tx:
        row = find_row(tx.connection, chosen.me, is_locked=True)
        assert row is not None
        update_status(tx, row, status=AccountStatus.LOCKED, now=chosen.now)
    assert isinstance(_check(chosen, code), LoginRefused)
