"""Authenticator apps beside one another."""

from __future__ import annotations

import base64
from datetime import timedelta

import pytest

from idp.accounts.authenticators import MOST_AUTHENTICATORS, NameUnusable
from idp.accounts.enrolment import PendingTotp, TotpEnrolment
from idp.accounts.errors import EnrolmentRefused, TooManyFactors
from idp.accounts.login import Login, LoginRefused, OtpAccepted
from idp.accounts.passwords import Passwords
from idp.accounts.totp import code_at
from tests.support.factor_house import HERE, FactorHouse
from tests.support.provider_seeds import CHEAP
from tests.support.sent_messages import notices_of


@pytest.fixture
def enrolment(factor_house: FactorHouse) -> TotpEnrolment:
    factor_house.give_totp()
    factor_house.now += timedelta(seconds=1)
    return TotpEnrolment(
        factor_house.database,
        store=factor_house.store,
        sealer=factor_house.sealer,
        log=factor_house.log,
        attempts=factor_house.attempts,
        notices=factor_house.notices,
        issuer="Ấn Tín",
    )


def _start(
    house: FactorHouse, enrolment: TotpEnrolment, name: str = "Điện thoại mới"
) -> PendingTotp:
    return enrolment.start_beside(
        house.me, session_id="ses_1", name=name, label="•••018", now=house.now
    )


def _add(house: FactorHouse, enrolment: TotpEnrolment, name: str = "Điện thoại mới") -> bytes:
    pending = _start(house, enrolment, name)
    secret = base64.b32decode(pending.secret)
    _confirm(house, enrolment, pending)
    return secret


def _confirm(
    house: FactorHouse, enrolment: TotpEnrolment, pending: PendingTotp, session: str = "ses_1"
) -> None:
    enrolment.confirm(
        house.me,
        pending_id=pending.pending_id,
        raw_code=code_at(base64.b32decode(pending.secret), now=house.now),
        session_id=session,
        source=HERE,
        now=house.now,
    )


def _sign_in(house: FactorHouse, code: str) -> OtpAccepted | LoginRefused:
    passwords: Passwords = CHEAP
    login = Login(
        house.database,
        store=house.store,
        sealer=house.sealer,
        attempts=house.attempts,
        passwords=passwords,
    )
    return login.check_otp(account_id=house.me, raw_code=code, source=HERE, now=house.now)


def test_one_more_stays_beside_the_others_with_its_name(
    factor_house: FactorHouse, enrolment: TotpEnrolment
) -> None:
    secret = _add(factor_house, enrolment)
    old, new = factor_house.factors.authenticators.list_of(factor_house.me)
    assert (old.name, new.name, new.used_at) == ("", "Điện thoại mới", None)
    assert notices_of(factor_house.database) == ["totp_enrolled"]
    assert isinstance(_sign_in(factor_house, code_at(bytes(range(20)), now=factor_house.now)),
                      OtpAccepted)  # fmt: skip
    used = factor_house.factors.authenticators.list_of(factor_house.me)
    assert [one.used_at is not None for one in used] == [True, False]
    assert secret not in repr(used).encode()


def test_of_another_session_it_is_confirmed_by_nobody(
    factor_house: FactorHouse, enrolment: TotpEnrolment
) -> None:
    pending = _start(factor_house, enrolment)
    for session in ("ses_2", ""):
        with pytest.raises(EnrolmentRefused):
            _confirm(factor_house, enrolment, pending, session)
    assert len(factor_house.factors.authenticators.list_of(factor_house.me)) == 1


def test_there_is_an_end_to_how_many(factor_house: FactorHouse, enrolment: TotpEnrolment) -> None:
    last = [_start(factor_house, enrolment) for _ in range(MOST_AUTHENTICATORS)]
    for pending in last[:-1]:
        _confirm(factor_house, enrolment, pending)
    with pytest.raises(TooManyFactors):
        _start(factor_house, enrolment)
    with pytest.raises(TooManyFactors):
        _confirm(factor_house, enrolment, last[-1])


def test_renamed_and_removed_it_signs_nobody_in(
    factor_house: FactorHouse, enrolment: TotpEnrolment
) -> None:
    secret = _add(factor_house, enrolment)
    authenticators = factor_house.factors.authenticators
    new = authenticators.list_of(factor_house.me)[1]
    assert authenticators.rename(factor_house.me, new.totp_id, name="  Máy   bàn ")
    assert authenticators.list_of(factor_house.me)[1].name == "Máy bàn"
    for name in ("", " ", "a\u202eb", "x" * 61):
        with pytest.raises(NameUnusable):
            authenticators.rename(factor_house.me, new.totp_id, name=name)
    assert authenticators.remove(factor_house.me, new.totp_id, now=factor_house.now)
    assert not authenticators.remove(factor_house.me, new.totp_id, now=factor_house.now)
    assert not authenticators.rename(factor_house.me, new.totp_id, name="Máy bàn")
    factor_house.now = factor_house.now.replace(year=factor_house.now.year + 1)
    code = code_at(secret, now=factor_house.now)
    assert isinstance(_sign_in(factor_house, code), LoginRefused)
    assert "account:totp:removed" in factor_house.events()
