"""The person's page for another password, through HTTP."""

from __future__ import annotations

import re

import pytest

from idp.accounts.notices import Notice
from idp.storage.accounts import find_row
from idp.storage.credentials import drop_password
from tests.support.left_notices import left_notices
from tests.support.provider import ISSUER, Provider, assert_error
from tests.support.provider_browser import Browser, Landing, form_of
from tests.support.provider_seeds import ANH, CHI, Somebody

_PLACE = "/account/password"
_NEW = "Ghế-Mây-7-Tím-Khoai"


def _open(browser: Browser, who: Somebody = ANH) -> Landing:
    return browser.answer_all(browser.get(_PLACE), who=who)


def _change(browser: Browser, page: Landing, **typed: str) -> Landing:
    fields = {
        "current_password": ANH.password,
        "new_password": _NEW,
        "new_password_again": _NEW,
        **typed,
    }
    return browser.press(page, "password-change", fields)


def _can_sign_in(provider: Provider, who: Somebody, password: str) -> bool:
    browser = Browser(provider)
    page = browser.log_in(browser.get("/account"), who=who, password=password)
    return not page.shows("login-submit")


def test_it_needs_both_factors_fresh_and_ends_everything_else(
    provider: Provider, browser: Browser
) -> None:
    """OWASP ASVS 7.4.3; whoever had the old password has nothing any more."""
    elsewhere = Browser(provider)
    online = elsewhere.tokens()
    offline = elsewhere.tokens("sibling", scope="openid offline_access")
    here = browser.tokens()
    page = _open(browser)
    assert page.place == _PLACE
    assert "otp-submit" in page.asked
    assert page.shows("current_password")
    before = browser.cookie("session")
    page = _change(browser, page)
    assert page.place == "/account?told=password"
    assert "Đã đổi mật khẩu" in page.page
    assert browser.cookie("session") != before
    for client, tokens in (("portal", online), ("sibling", offline), ("portal", here)):
        answer = provider.refresh(tokens["refresh_token"], client_id=client)
        assert_error(answer, "invalid_grant")
    assert not elsewhere.get("/").shows("home-account")
    assert {one["client_id"] for one in provider.logouts_due()} == {"portal", "sibling"}
    assert provider.events().count("account:password:changed") == 1
    told = left_notices(provider.services.database, provider.services.sealer, ANH.account_id)
    assert [notice for notice, _facts in told].count(Notice.PASSWORD_CHANGED) == 1
    assert not _can_sign_in(provider, ANH, ANH.password)
    assert _can_sign_in(provider, ANH, _NEW)


def test_a_stolen_session_alone_changes_nothing(provider: Provider, browser: Browser) -> None:
    """A sign-in with both factors that is older than the setting is asked for again."""
    page = _open(browser)
    provider.clock.advance(seconds=601)
    answer = _change(browser, page)
    assert answer.shows("login-submit")
    assert browser.get(_PLACE).shows("login-submit")
    assert "account:password:changed" not in provider.events()


def test_a_stolen_session_changes_nothing_however_fresh_it_is(
    provider: Provider, browser: Browser
) -> None:
    """OWASP ASVS 6.2.3: the present password with the new one, whatever was proven before."""
    page = _open(browser)
    for guess in ("", "sai-rồi"):
        assert _change(browser, page, current_password=guess).response.status_code == 422
    assert "account:password:changed" not in provider.events()


def test_who_has_no_password_sets_one(provider: Provider, browser: Browser) -> None:
    """It was made void while a passkey or this session went on."""
    page = _open(browser)
    services = provider.services
    with services.database.transaction() as tx:
        row = find_row(tx.connection, ANH.account_id)
        assert row is not None
        drop_password(tx, row)
    page = browser.get(_PLACE)
    assert not page.shows("current_password")
    typed = {"new_password": _NEW, "new_password_again": _NEW}
    assert "Đã đổi" in browser.press(page, "password-change", typed).page
    assert _can_sign_in(provider, ANH, _NEW)


def test_a_stolen_password_alone_changes_nothing(provider: Provider, browser: Browser) -> None:
    """Where there is a second factor, the present password is worth nothing here."""
    page = browser.log_in(browser.get("/account"))
    assert page.place == "/account"
    assert browser.get(_PLACE).shows("otp")
    token = _token_at_level_one(provider, browser)
    form = {"csrf_token": token, "current_password": ANH.password}
    answer = browser.submit(_PLACE, {**form, "new_password": _NEW, "new_password_again": _NEW})
    assert answer.shows("otp")
    assert "account:password:changed" not in provider.events()


def _token_at_level_one(provider: Provider, browser: Browser) -> str:
    """What the page would have put into its form for this very session."""
    from idp.web.cookies import Cookies  # noqa: PLC0415 - one test looks behind the page

    with provider.app.test_request_context(
        headers={"Cookie": f"__Host-antin_session={browser.cookie('session')}"}
    ):
        return Cookies(provider.services).csrf_token(browser.cookie("browser") or "", place=_PLACE)


def test_the_present_password_is_asked_for(provider: Provider, browser: Browser) -> None:
    page = _open(browser, CHI)
    assert page.shows("current_password")
    for wrong, said in (("", "Chưa nhập mật khẩu hiện tại"), ("sai-rồi", "hiện tại không đúng")):
        answer = _change(browser, page, current_password=wrong)
        assert answer.response.status_code == 422
        assert said in answer.page
    assert _can_sign_in(provider, CHI, CHI.password)
    assert "Đã đổi" in _change(browser, page, current_password=CHI.password).page
    assert _can_sign_in(provider, CHI, _NEW)


def test_guessing_the_present_password_is_counted_like_a_sign_in(browser: Browser) -> None:
    page = _open(browser, CHI)
    for _ in range(11):
        answer = _change(browser, page, current_password="sai-rồi")
    assert answer.response.status_code == 429
    assert 'name="current_password"' in answer.page


@pytest.mark.parametrize(
    ("typed", "said"),
    [
        ({"new_password": ""}, "Chưa nhập mật khẩu mới"),
        ({"new_password_again": "khác"}, "không giống nhau"),
        ({"new_password": "matkhau123"}, "đã bị lộ"),
        ({"new_password": "Ba từ"}, "quá ngắn"),
        ({"new_password": ANH.password}, "phải khác"),
    ],
)
def test_a_new_password_that_is_not_taken_is_told_at_its_field(
    provider: Provider, browser: Browser, typed: dict[str, str], said: str
) -> None:
    typed = {"new_password_again": typed.get("new_password", ""), **typed}
    answer = _change(browser, _open(browser), **typed)
    assert answer.response.status_code == 422
    assert said in answer.page
    assert 'aria-invalid="true"' in answer.page
    assert not re.search(r'type="password"[^>]*value="', answer.page)
    assert "account:password:changed" not in provider.events()


def test_a_form_of_another_site_or_sent_twice_changes_nothing(
    provider: Provider, browser: Browser
) -> None:
    page = _open(browser)
    action, fields = form_of(page.page, "password-change")
    typed = {
        "current_password": ANH.password,
        "new_password": _NEW,
        "new_password_again": _NEW,
    }
    assert browser.submit(action, typed).response.status_code == 403
    assert "told=password" in browser.submit(action, {**fields, **typed}).place
    again = {
        **fields,
        "current_password": _NEW,
        "new_password": f"{_NEW}2",
        "new_password_again": f"{_NEW}2",
    }
    assert browser.submit(action, again).response.status_code == 403
    assert provider.events().count("account:password:changed") == 1


def test_of_two_browsers_that_change_it_at_once_the_second_is_signed_out(
    provider: Provider, browser: Browser
) -> None:
    first, second = _open(browser), Browser(provider)
    late = _open(second)
    _change(browser, first)
    assert second.press(
        late, "password-change", {"new_password": "Bưởi chạy 5 ấm", "new_password_again": "x"}
    ).shows("login-submit")
    assert _can_sign_in(provider, ANH, _NEW)


def test_the_page_is_never_kept_by_anybody(browser: Browser) -> None:
    assert browser.http.get(_PLACE, base_url=ISSUER).headers["Cache-Control"] == "no-store"
