"""Somebody opens an account at level 1, through HTTP, against the simulated population service.

Source: NĐ 69/2024/NĐ-CP Art. 7, 14, 19(3); architecture, J5.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

import pytest
from sqlalchemy import select

from idp.accounts.identifiers import ParsedIdentifier
from idp.accounts.messages import Template
from idp.accounts.model import Account, AccountLevel, IdentifierKind
from idp.registers.breaker import FAILURES, REST
from idp.sandbox.register_people import Citizen
from idp.sandbox.register_simulators import Mode
from keystore.log.record import log_event
from tests.support.pii_alarm import PiiAlarm
from tests.support.provider import Provider
from tests.support.provider_browser import Browser, Landing
from tests.support.provider_seeds import ANH
from tests.support.registers import RegisterDoor, make_door, register_settings
from tests.support.sent_messages import messages_of, notices_of

_PLACE = "/account/open"
_NEW = "Ghế-Mây-7-Tím-Khoai"
_LOI = {"identifier": "003 199 000 063", "full_name": "Đỗ Thị Mở Lối", "birthdate": "8/3/1999"}


@pytest.fixture
def door(pii_alarm: PiiAlarm) -> RegisterDoor:
    pii_alarm.seed(_NEW, kind="the new password")
    pii_alarm.seed(_LOI["full_name"], kind="the person's name")
    return make_door()


@pytest.fixture
def provider(
    make_provider: Callable[..., Provider], door: RegisterDoor, tmp_path: Path
) -> Provider:
    return make_provider(register_door=door, **register_settings(tmp_path, door))


def _confirmed(
    provider: Provider, browser: Browser, *, address: str = "moi@hop-thu.example"
) -> Landing:
    """An address whose owner typed the code."""
    page = browser.press(browser.get(_PLACE), "opening-begin", {"address": address})
    assert page.shows("opening-code"), page.describe()
    return browser.press(page, "opening-code", {"otp": _code(provider)})


def _code(provider: Provider) -> str:
    """The newest one that was sent."""
    sent = messages_of(provider.services.database, provider.services.sealer)
    return [one.facts["code"] for one in sent if one.template is Template.OPENING_CODE][-1]


def _finish(browser: Browser, page: Landing, **typed: str) -> Landing:
    fields = {
        **_LOI,
        "consent": "yes",
        "new_password": _NEW,
        "new_password_again": _NEW,
        **typed,
    }
    return browser.press(page, "opening-finish", fields)


def _account(provider: Provider, number: str = "003199000063") -> Account | None:
    return provider.services.people.find_by_identifier(
        ParsedIdentifier(IdentifierKind.PERSONAL_ID_NUMBER, number)
    )


def _rows(provider: Provider, type_: str) -> list[tuple[str | None, dict[str, Any]]]:
    with provider.services.database.read() as connection:
        found = connection.execute(
            select(log_event.c.account_id, log_event.c.facts).where(log_event.c.type == type_)
        )
        return [(row.account_id, json.loads(row.facts)) for row in found]


def test_confirmed_data_open_an_account_at_level_one(provider: Provider, browser: Browser) -> None:
    """NĐ 69/2024 Art. 7: level 1 by data that the population service confirms; never more."""
    page = _finish(browser, _confirmed(provider, browser))

    assert page.place == "/account/open/done", page.describe()
    account = _account(provider)
    assert account is not None
    assert account.level is AccountLevel.ONE
    assert (account.profile.email, account.profile.is_email_verified) == (
        "moi@hop-thu.example",
        True,
    )
    assert not provider.services.people.second_factors(account.account_id).has_any
    ((who, facts),) = _rows(provider, "account:register:asked")
    assert (who, facts["purpose"], facts["outcome"]) == (
        account.account_id,
        "open_account",
        "matches",
    )
    added = {"kind": "citizen", "level": "1", "source": "population", "consent": "opening-1"}
    assert (account.account_id, added) in _rows(provider, "account:account:added")

    assert notices_of(provider.services.database) == ["account_opened"]
    page = browser.get("/account")
    assert page.shows("login-submit"), "opening an account signs nobody in"
    typed = {"identifier": "003199000063", "password": _NEW}
    assert browser.press(page, "login-submit", typed).place == "/account"
    assert "Đối chiếu với cơ sở dữ liệu" in browser.get("/account/history").page


def test_it_leads_back_to_the_sign_in_that_it_was_begun_from(
    provider: Provider, browser: Browser
) -> None:
    page = browser.authorize()
    at = page.place
    link = page.page.split('id="login-open" href="')[1].split('"')[0]
    page = browser.press(browser.get(link), "opening-begin", {"address": "0912345678"})
    page = browser.press(page, "opening-code", {"otp": _code(provider)})
    page = _finish(browser, page)
    assert f'href="{at}"' in page.page
    account = _account(provider)
    assert account is not None
    assert account.profile.phone == "+84912345678"


def test_a_contradiction_opens_nothing_and_says_what_to_do(
    provider: Provider, browser: Browser, door: RegisterDoor
) -> None:
    page = _finish(browser, _confirmed(provider, browser), birthdate="09/03/1999")

    assert page.response.status_code == 422
    assert "không khớp với Cơ sở dữ liệu quốc gia về dân cư" in page.page
    assert 'value="Đỗ Thị Mở Lối"' in page.page, "WCAG 2.2 §3.3.7"
    assert _NEW not in page.page
    assert _account(provider) is None
    assert _finish(browser, page).place == "/account/open/done", "put right, it opens one"
    assert len(door.asked) == 2


def test_an_outage_says_try_later_and_keeps_nothing(
    provider: Provider, browser: Browser, door: RegisterDoor
) -> None:
    """A register that is away, slow, nonsense or contradicts itself confirms nobody."""
    page = _confirmed(provider, browser)
    for mode in (Mode.AWAY, Mode.SLOW, Mode.NONSENSE, Mode.CONTRADICTS_ITSELF):
        door.registers.population_mode = mode
        page = _finish(browser, page)
        assert page.response.status_code == 503
        assert "Vui lòng thử lại sau ít phút" in page.page
        assert _account(provider) is None
        assert _NEW not in page.page
    assert len(door.asked) == FAILURES, "who has been away three times is left alone"
    door.registers.population_mode = Mode.NORMAL
    provider.clock.advance(seconds=REST.total_seconds())
    assert _finish(browser, page).place == "/account/open/done"


def test_the_number_before_opens_nothing_and_the_present_one_does(
    provider: Provider, browser: Browser
) -> None:
    """NĐ 70/2024 Art. 11: a cancelled number is nobody's any more."""
    page = _confirmed(provider, browser)
    renumbered = {"full_name": "Ngô Thị Đổi Số", "birthdate": "19/07/1991"}
    page = _finish(browser, page, identifier="003190000107", **renumbered)
    assert "không khớp" in page.page
    page = _finish(browser, page, identifier="003191000107", **renumbered)
    assert page.place == "/account/open/done"


_REFUSED: Final = (
    ({"birthdate": "01/06/2015"}, "Điều 14 Nghị định 69/2024"),
    ({"birthdate": "22/11/2012"}, "Điều 14 Nghị định 69/2024"),
    ({"birthdate": "2012"}, "Điều 14 Nghị định 69/2024"),
    ({"identifier": "C1234567"}, "hộ chiếu"),
    ({"identifier": "003654321"}, "chứng minh nhân dân cũ"),
    ({"identifier": "9900000016"}, "mã số của tổ chức"),
    ({"identifier": "12"}, "đúng 12 chữ số"),
    ({"identifier": " "}, "Chưa nhập số định danh"),
    ({"full_name": ""}, "Chưa nhập họ và tên"),
    ({"full_name": "<b>Ai</b>"}, "chỉ gồm chữ cái"),
    ({"birthdate": ""}, "Chưa nhập ngày sinh"),
    ({"birthdate": "31/02/1999"}, "Ngày sinh chưa đúng"),
    ({"birthdate": "03/1999"}, "Ngày sinh chưa đúng"),
    ({"consent": ""}, "Cần có sự đồng ý"),
    ({"new_password": "", "new_password_again": ""}, "Chưa nhập mật khẩu mới"),
    ({"new_password_again": "khác"}, "không giống nhau"),
    ({"new_password": "Moloi1999", "new_password_again": "Moloi1999"}, "dễ bị đoán"),
)


def test_what_cannot_be_is_refused_before_anybody_is_asked(
    provider: Provider, browser: Browser, door: RegisterDoor
) -> None:
    """NĐ 69/2024 Art. 14(2): under 14 with a guardian; Law 91/2025 Art. 9: no consent, no question.

    The day is 21 November 2026.
    """
    page = _confirmed(provider, browser)
    for typed, says in _REFUSED:
        page = _finish(browser, page, **typed)
        assert page.response.status_code == 422
        assert says in page.page, typed
    assert not door.asked
    assert _account(provider) is None


def test_nobody_is_asked_about_before_an_address_is_confirmed(
    provider: Provider, browser: Browser, door: RegisterDoor
) -> None:
    """Other people's data are not tried out in bulk."""
    page = browser.get(_PLACE)
    token = page.page.split('name="csrf_token" value="')[1].split('"')[0]
    form = {**_LOI, "consent": "yes", "new_password": _NEW, "new_password_again": _NEW}
    answer = browser.submit(f"{_PLACE}/finish", {**form, "csrf_token": token})
    assert answer.shows("opening-begin")
    browser.press(answer, "opening-begin", {"address": "moi@hop-thu.example"})
    answer = browser.submit(f"{_PLACE}/finish", {**form, "csrf_token": token})
    assert not door.asked
    assert _account(provider) is None
    assert answer.response.status_code == 422


def test_that_there_is_an_account_is_told_to_who_knows_the_data_and_to_its_holder(
    provider: Provider, browser: Browser, door: RegisterDoor
) -> None:
    born = provider.services.people.find_account(ANH.account_id)
    assert born is not None
    assert born.profile.birthdate is not None
    known = Citizen(ANH.identifier, born.profile.name, born.profile.birthdate, born.profile.gender)
    door.registers.citizens[ANH.identifier] = known
    typed = {"identifier": ANH.identifier, "full_name": known.name}
    page = _finish(browser, _confirmed(provider, browser), **typed, birthdate="01/01/1970")
    assert "không khớp" in page.page
    assert not _rows(provider, "account:account:opening_refused")

    page = _finish(browser, page, **typed, birthdate=str(known.birthdate))
    assert "đã có tài khoản" in page.page
    assert page.shows("opening-sign-in")
    assert [who for who, _facts in _rows(provider, "account:account:opening_refused")] == [
        ANH.account_id
    ]
    assert notices_of(provider.services.database) == ["opening_tried"]
    again = browser.get(_PLACE)
    assert again.shows("opening-begin"), "the next try needs an address again"
    here = Browser(provider)
    here.answer_all(here.get("/account"))
    assert "Có người định mở thêm một tài khoản" in here.get("/account/history").page


def test_a_code_is_tried_five_times_and_lives_five_minutes(
    provider: Provider, browser: Browser
) -> None:
    """NIST SP 800-63B-4 §3.1.3.2."""
    page = browser.press(browser.get(_PLACE), "opening-begin", {"address": "moi@hop-thu.example"})
    code = _code(provider)
    wrong = f"{(int(code) + 1) % 1_000_000:06d}"
    for left in (4, 3, 2, 1, 0):
        page = browser.press(page, "opening-code", {"otp": wrong})
        assert f"Còn {left} lần thử" in page.page
    page = browser.press(page, "opening-code", {"otp": code})
    assert "không còn hiệu lực" in page.page
    assert "Đã gửi nhiều mã" in browser.press(page, "opening-resend").page
    provider.clock.advance(seconds=60)
    page = browser.press(page, "opening-resend")
    provider.clock.advance(seconds=300)
    page = browser.press(page, "opening-code", {"otp": code})
    assert "không còn hiệu lực" in page.page
    assert browser.press(page, "opening-restart").shows("opening-begin")


def test_a_code_of_one_browser_is_none_in_another(provider: Provider, browser: Browser) -> None:
    browser.press(browser.get(_PLACE), "opening-begin", {"address": "moi@hop-thu.example"})
    provider.clock.advance(seconds=1)
    code, other = _code(provider), Browser(provider)
    page = other.press(other.get(_PLACE), "opening-begin", {"address": "khac@hop-thu.example"})
    is_same = _code(provider) == code  # one time in a million
    page = other.press(page, "opening-code", {"otp": code})
    assert page.shows("opening-finish") is is_same


def test_data_are_compared_as_often_as_the_limits_allow(
    provider: Provider, browser: Browser, door: RegisterDoor
) -> None:
    """Per number, whoever asks: five in a quarter of an hour."""
    page = _confirmed(provider, browser)
    for year in range(1980, 1985):
        page = _finish(browser, page, birthdate=f"01/01/{year}")
        assert page.response.status_code == 422
    page = _finish(browser, page)
    assert page.response.status_code == 429
    assert "quá số lần cho phép" in page.page
    assert len(door.asked) == 5


def test_forms_of_others_do_nothing(provider: Provider, browser: Browser) -> None:
    for step in ("begin", "code", "resend", "restart", "finish"):
        answer = browser.submit(f"{_PLACE}/{step}", {"csrf_token": "x", "address": "a@b.example"})
        assert answer.response.status_code == 403


def test_a_deployment_without_a_register_sends_people_to_the_counter(
    make_provider: Callable[..., Provider],
) -> None:
    browser = Browser(make_provider())

    page = browser.get(_PLACE)
    assert "mang thẻ căn cước đến bộ phận một cửa" in page.page
    assert not page.shows("opening-begin")
    assert not browser.authorize().shows("login-open")


def test_a_code_is_sent_only_where_this_service_sends(
    make_provider: Callable[..., Provider], door: RegisterDoor, tmp_path: Path
) -> None:
    """Without a gateway nobody is asked to wait for a code that never comes."""
    settings = register_settings(tmp_path, door)
    mail_alone = make_provider(register_door=door, **settings, sms_url="")
    browser = Browser(mail_alone)
    page = browser.press(browser.get(_PLACE), "opening-begin", {"address": "0900 000 018"})
    assert page.shows("opening-begin")
    assert "Tại đây chưa gửi được mã bằng cách này" in page.page
    assert messages_of(mail_alone.services.database, mail_alone.services.sealer) == []
    assert _confirmed(mail_alone, browser).shows("opening-finish")


def test_no_code_is_sent_to_another_country(provider: Provider, browser: Browser) -> None:
    page = browser.get(_PLACE)
    refused = browser.press(page, "opening-begin", {"address": "+88213000017"})
    assert "hoặc số của nước khác" in refused.page
    assert messages_of(provider.services.database, provider.services.sealer) == []


def test_without_any_gateway_accounts_are_opened_at_the_counter(
    make_provider: Callable[..., Provider], door: RegisterDoor, tmp_path: Path
) -> None:
    settings = register_settings(tmp_path, door)
    silent = make_provider(register_door=door, **settings, smtp_host="", sms_url="")
    page = Browser(silent).get(_PLACE)
    assert not page.shows("opening-begin")
    assert "bộ phận một cửa" in page.page
