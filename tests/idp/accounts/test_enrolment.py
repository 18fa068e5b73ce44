"""Enrolling an authenticator: never on a password alone, never twice on one code."""

from __future__ import annotations

import base64
from datetime import timedelta

import pytest

from idp.accounts.activation import LIFETIME, issue_activation_code
from idp.accounts.enrolment import PENDING_LIFETIME, TotpEnrolment
from idp.accounts.errors import (
    AccountUnknown,
    ActivationRefused,
    EnrolmentRefused,
    TooManyAttempts,
)
from idp.accounts.login import LoginRefused, OtpAccepted
from idp.accounts.totp import code_at
from idp.ids import AccountId
from keystore.log.events import EventType
from keystore.log.record import log_event


@pytest.fixture
def me(house) -> AccountId:
    return house.add_citizen("003091000017").account_id


@pytest.fixture
def enrolment(house) -> TotpEnrolment:
    return TotpEnrolment(
        house.database,
        store=house.store,
        sealer=house.sealer,
        log=house.log,
        attempts=house.attempts,
        notices=house.notices,
        issuer="Ấn Tín",
    )


def issue(house, account_id, *, now=None) -> str:
    return issue_activation_code(
        house.database, account_id, sealer=house.sealer, log=house.log, now=now or house.now
    )


def start(enrolment, house, source, account_id, code, *, now=None):
    return enrolment.start(
        account_id,
        raw_activation_code=code,
        label="•••017",
        source=source,
        now=now or house.now,
    )


def secret_of(pending) -> bytes:

    return base64.b32decode(pending.secret)


def confirm(enrolment, house, source, account_id, pending, *, now=None, code=None):
    at = now or house.now
    return enrolment.confirm(
        account_id,
        pending_id=pending.pending_id,
        raw_code=code or code_at(secret_of(pending), now=at),
        source=source,
        now=at,
    )


def events(house) -> list[str]:
    with house.database.read() as connection:
        return [
            row.type for row in connection.execute(log_event.select().order_by(log_event.c.seq))
        ]


def test_an_activation_code_and_a_first_code_enrol(house, enrolment, me, source) -> None:
    pending = start(enrolment, house, source, me, issue(house, me))
    assert not house.login().has_totp(me)
    confirm(enrolment, house, source, me, pending)
    assert house.login().has_totp(me)
    assert EventType.TOTP_ACTIVATION_ISSUED in events(house)
    assert EventType.TOTP_ENROLLED in events(house)


def test_the_new_authenticator_signs_in_with_its_next_code(house, enrolment, me, source) -> None:
    pending = start(enrolment, house, source, me, issue(house, me))
    confirm(enrolment, house, source, me, pending)
    login = house.login()
    for after_s, expected in ((0, LoginRefused), (30, OtpAccepted)):
        at = house.now + timedelta(seconds=after_s)
        code = code_at(secret_of(pending), now=at)
        outcome = login.check_otp(account_id=me, raw_code=code, source=source, now=at)
        assert isinstance(outcome, expected)


@pytest.mark.parametrize("how", ["lower", "blanks", "plain", "alike"])
def test_a_code_may_be_typed_carelessly(house, enrolment, me, source, how) -> None:
    code = issue(house, me)
    typed = {
        "lower": code.lower(),
        "blanks": f" {code.replace('-', ' ')} ",
        "plain": code.replace("-", ""),
        "alike": code.replace("0", "O").replace("1", "l"),
    }[how]
    assert start(enrolment, house, source, me, typed).pending_id


@pytest.mark.parametrize("code", ["", "AAAA-AAAA-AAAA", "x" * 500, "\ud800"])
def test_a_wrong_activation_code_is_refused(house, enrolment, me, source, code) -> None:
    """NIST SP 800-63B-3 §6.1: an authenticator is bound on proof, not on a password."""
    issue(house, me)
    with pytest.raises(ActivationRefused):
        start(enrolment, house, source, me, code)


def test_the_code_of_somebody_else_is_refused(house, enrolment, me, source) -> None:
    other = house.add_citizen("005091000018").account_id
    with pytest.raises(ActivationRefused):
        start(enrolment, house, source, me, issue(house, other))


def test_an_activation_code_runs_out(house, enrolment, me, source) -> None:
    code = issue(house, me)
    with pytest.raises(ActivationRefused):
        start(enrolment, house, source, me, code, now=house.now + LIFETIME)


def test_a_new_activation_code_makes_the_old_one_void(house, enrolment, me, source) -> None:
    old = issue(house, me)
    new = issue(house, me)
    with pytest.raises(ActivationRefused):
        start(enrolment, house, source, me, old)
    assert start(enrolment, house, source, me, new).pending_id


def test_an_activation_code_enrols_once(house, enrolment, me, source) -> None:
    code = issue(house, me)
    first = start(enrolment, house, source, me, code)
    second = start(enrolment, house, source, me, code)
    confirm(enrolment, house, source, me, first)
    with pytest.raises(ActivationRefused):
        confirm(enrolment, house, source, me, second)
    with pytest.raises(ActivationRefused):
        start(enrolment, house, source, me, code)


def test_a_wrong_first_code_enrols_nothing_and_may_be_tried_again(
    house, enrolment, me, source
) -> None:
    pending = start(enrolment, house, source, me, issue(house, me))
    right = code_at(secret_of(pending), now=house.now)
    wrong = f"{(int(right) + 1) % 1_000_000:06d}"
    with pytest.raises(EnrolmentRefused):
        confirm(enrolment, house, source, me, pending, code="12345x" if wrong == right else wrong)
    assert not house.login().has_totp(me)
    shown = enrolment.find_pending(me, pending_id=pending.pending_id, label="•••017", now=house.now)
    assert shown == pending
    confirm(enrolment, house, source, me, pending)


def test_an_enrolment_lapses(house, enrolment, me, source) -> None:
    pending = start(enrolment, house, source, me, issue(house, me))
    later = house.now + PENDING_LIFETIME
    with pytest.raises(EnrolmentRefused):
        confirm(enrolment, house, source, me, pending, now=later)
    assert enrolment.find_pending(me, pending_id=pending.pending_id, label="x", now=later) is None


def test_a_new_authenticator_takes_the_place_of_the_lost_one(house, enrolment, me, source) -> None:
    old = start(enrolment, house, source, me, issue(house, me))
    confirm(enrolment, house, source, me, old)
    new = start(enrolment, house, source, me, issue(house, me))
    confirm(enrolment, house, source, me, new)
    at = house.now + timedelta(seconds=60)
    refused = house.login().check_otp(
        account_id=me, raw_code=code_at(secret_of(old), now=at), source=source, now=at
    )
    assert isinstance(refused, LoginRefused)


def test_activation_codes_are_not_guessed_without_end(house, enrolment, me, source) -> None:
    code = issue(house, me)
    for _ in range(5):
        with pytest.raises(ActivationRefused):
            start(enrolment, house, source, me, "AAAA-AAAA-AAAA")
    with pytest.raises(TooManyAttempts) as refused:
        start(enrolment, house, source, me, code)
    assert refused.value.retry_at > house.now


def test_nobody_gets_an_activation_code_for_nobody(house) -> None:
    with pytest.raises(AccountUnknown):
        issue(house, AccountId("acc_nobody"))


def test_the_secret_does_not_show(house, enrolment, me, source) -> None:
    pending = start(enrolment, house, source, me, issue(house, me))
    assert pending.secret not in repr(pending)


def test_nobody_enrols_for_an_erased_account(house, enrolment, me, source) -> None:
    pending = start(enrolment, house, source, me, issue(house, me))
    house.lifecycle.erase(me, reason="asked", now=house.now)
    with pytest.raises(AccountUnknown):
        confirm(enrolment, house, source, me, pending)
