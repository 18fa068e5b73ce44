"""The counter through HTTP: two people, two acts, and codes that stand in one answer alone."""

from __future__ import annotations

import re

import pytest

from idp.accounts.official_duties import Duty
from idp.accounts.officials import NotAnOfficial
from tests.support.provider import Provider
from tests.support.provider_browser import Browser, Landing
from tests.support.provider_seeds import ANH, BINH, CHI, DUNG, Somebody

_SEEN = {
    "document": "identity_card",
    "document_tail": "3142",
    "name": CHI.name,
    "birthdate": "01/03/1979",
    "face": "compared",
}
_NEW_PASSWORD = "Ghế-Mây-7-Tím-Khoai"


def _appoint(provider: Provider, *people: Somebody) -> None:
    for who in people:
        provider.services.desks.officials.add(
            who.account_id, duty=Duty.PROOFING, controller_id="agency", now=provider.now
        )


def _at_desk(provider: Provider, who: Somebody = ANH) -> tuple[Browser, Landing]:
    browser = Browser(provider)
    return browser, browser.answer_all(browser.get("/counter"), who=who)


def _look_up(browser: Browser, desk: Landing, who: Somebody = CHI) -> Landing:
    return browser.press(desk, "counter-find", {"identifier": who.identifier})


def _code(page: Landing, element: str) -> str:
    found = re.search(rf'id="{element}">([0-9A-Z-]+)<', page.page)
    assert found is not None, page.describe()
    return found[1]


def test_an_official_and_the_person_do_it_on_two_devices(provider: Provider) -> None:
    _appoint(provider, ANH)
    browser, desk = _at_desk(provider)
    person = _look_up(browser, desk)
    assert re.fullmatch(r"/counter/[0-9a-f]{32}", person.place)
    assert CHI.name not in person.page
    assert "V… V… C… M…" in person.page
    code = _code(browser.press(person, "counter-start", _SEEN), "handed-code")
    own = Browser(provider)
    page = own.answer_all(own.get("/account/proofing"), who=CHI)
    assert "Cơ quan" in page.page
    wrong = own.press(page, "proofing-confirm", {"code": "0000-0000"})
    assert wrong.response.status_code == 422
    done = own.press(wrong, "proofing-confirm", {"code": code.lower().replace("-", " ")})
    assert done.shows("activation-code")
    assert not browser.get(person.place).shows("activation-code")
    history = own.get("/account/history").page
    for said in ("Cán bộ tra cứu tài khoản", "Đã xác minh danh tính tại quầy"):
        assert said in history
    # what that code is for: the first second factor
    activation = _code(done, "activation-code")
    link = re.search(r'id="activation-next"[^>]*href="([^"]+)"', done.page)
    assert link is not None
    step = own.get(link[1])
    assert step.shows("activation-submit")
    assert own.press(step, "activation-submit", {"activation_code": activation}).shows(
        "totp-secret"
    )


def test_a_second_official_confirms_and_the_first_one_cannot(provider: Provider) -> None:
    _appoint(provider, ANH, BINH)
    browser, desk = _at_desk(provider)
    person = _look_up(browser, desk)
    browser.press(person, "counter-start", _SEEN)
    again = browser.get(person.place)
    assert again.shows("counter-stop")
    assert not again.shows("counter-confirm")
    other, desk = _at_desk(provider, BINH)
    theirs = _look_up(other, desk)
    assert theirs.shows("counter-confirm")
    done = other.press(theirs, "counter-confirm", _SEEN)
    assert done.shows("activation-code")
    assert other.get(f"{theirs.place}/confirm").place == theirs.place


def test_somebody_without_an_account_goes_home_with_one(provider: Provider) -> None:
    _appoint(provider, ANH, BINH)
    number, name, born = "009099000011", "Ngô Mới Đến", "06/05/1999"
    seen = {**_SEEN, "name": name, "birthdate": born}
    browser, _desk = _at_desk(provider)
    form = browser.get("/counter/open")
    typed = {"kind": "citizen", "identifier": number, "name": name, "birthdate": born}
    person = browser.press(form, "counter-open", typed)
    first = _code(browser.press(person, "counter-start", seen), "handed-code")
    taken = browser.press(browser.get("/counter/open"), "counter-open", typed)
    assert "đã có tài khoản" in taken.page
    other, desk = _at_desk(provider, BINH)
    theirs = other.press(desk, "counter-find", {"identifier": number})
    second = _code(other.press(theirs, "counter-confirm", seen), "activation-code")
    own = Browser(provider)
    page = own.get("/first-password")
    fields = {
        "identifier": number,
        "counter_code": first,
        "activation_code": second,
        "new_password": _NEW_PASSWORD,
        "new_password_again": _NEW_PASSWORD,
    }
    refused = own.press(page, "first-password-choose", {**fields, "counter_code": second})
    assert "không khớp" in refused.page
    assert own.press(refused, "first-password-choose", fields).shows("login-submit")
    who = Somebody(number, _NEW_PASSWORD, name)
    assert own.log_in(own.get("/account"), who=who).place == "/account"


def test_nobody_but_an_official_with_both_factors_sees_it(provider: Provider) -> None:
    """Deny by default: without the duty there is no such page."""
    browser = Browser(provider)
    assert browser.get("/counter").shows("login-submit")
    _appoint(provider, ANH)
    page = browser.log_in(browser.get("/counter"))
    assert page.shows("otp-submit")
    other = Browser(provider)
    assert other.answer_all(other.get("/counter"), who=DUNG).response.status_code == 404
    desk, _ = _at_desk(provider)
    provider.clock.advance(minutes=31)
    assert desk.get("/counter").shows("login-submit")


def test_a_look_up_serves_its_official_alone_and_for_a_while(provider: Provider) -> None:
    _appoint(provider, ANH, BINH)
    browser, desk = _at_desk(provider)
    person = _look_up(browser, desk)
    other, _desk = _at_desk(provider, BINH)
    assert other.get(person.place).response.status_code == 404
    provider.clock.advance(minutes=29)
    assert browser.get(person.place).shows("counter-start")
    provider.clock.advance(minutes=1)
    assert not browser.get(person.place).shows("counter-start")


@pytest.mark.parametrize(
    ("typed", "said"),
    [
        ("", "Chưa nhập số định danh"),
        ("009079083199", "Không có tài khoản nào"),
        (ANH.identifier, "tài khoản của chính mình"),
    ],
)
def test_who_is_not_found_is_said(provider: Provider, typed: str, said: str) -> None:
    _appoint(provider, ANH)
    browser, desk = _at_desk(provider)
    answer = browser.press(desk, "counter-find", {"identifier": typed})
    assert answer.response.status_code == 422
    assert said in answer.page


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"document": ""}, "Chưa chọn loại giấy tờ"),
        ({"name": ""}, "Chưa nhập họ tên"),
        ({"birthdate": "31/02/1990"}, "Ngày sinh chưa đúng"),
        ({"face": ""}, "so sánh khuôn mặt"),
        ({"name": "Ai Khác"}, "khác với tài khoản này"),
    ],
)
def test_what_was_not_seen_is_not_proven(
    provider: Provider, changed: dict[str, str], said: str
) -> None:
    _appoint(provider, ANH)
    browser, desk = _at_desk(provider)
    answer = browser.press(_look_up(browser, desk), "counter-start", {**_SEEN, **changed})
    assert answer.response.status_code == 422
    assert said in answer.page
    assert "account:proofing:started" not in provider.events()


def test_look_ups_are_counted_and_told(provider: Provider) -> None:
    _appoint(provider, ANH)
    browser, desk = _at_desk(provider)
    for _ in range(60):
        page = browser.press(desk, "counter-find", {"identifier": "009079083199"})
    assert "Không có tài khoản nào" in page.page
    assert "quá nhiều lần" in _look_up(browser, desk).page
    assert provider.events().count("account:official:found_nobody") == 60
    provider.clock.advance(hours=2)
    browser, desk = _at_desk(provider)
    _look_up(browser, desk)
    assert provider.events().count("account:official:looked_up") == 1


def test_forms_of_another_place_do_nothing(provider: Provider) -> None:
    _appoint(provider, ANH)
    browser, desk = _at_desk(provider)
    person = _look_up(browser, desk)
    answer = browser.submit(f"{person.place}/start", {**_SEEN, "csrf_token": "x"})
    assert answer.response.status_code == 403
    assert "account:proofing:started" not in provider.events()


def test_a_duty_that_ends_in_the_middle_of_an_act_is_no_failure_of_ours(provider: Provider) -> None:
    """There is no such page, as for everybody else without the duty."""
    with provider.app.test_request_context("/counter", method="POST"):
        answer = provider.app.make_response(provider.app.handle_user_exception(NotAnOfficial()))
    assert answer.status_code == 404
