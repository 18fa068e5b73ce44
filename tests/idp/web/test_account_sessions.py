"""The first page of an account, and the page of its browser sessions, through HTTP."""

from __future__ import annotations

import pytest

from idp.storage.sessions import live_sessions
from tests.support.provider import Provider
from tests.support.provider_browser import Browser, form_of
from tests.support.provider_seeds import ANH, BINH

_PLACE = "/account/sessions"
_PHONE = "Mozilla/5.0 (Linux; Android 14; SM-A546E) AppleWebKit/537.36 Chrome/126.0 Mobile"


def _phone(provider: Provider) -> Browser:
    browser = Browser(provider)
    send = browser.http.open
    browser.http.open = lambda *given, **named: send(  # type: ignore[method-assign]  # a client that says what it is
        *given, **{**named, "headers": {"User-Agent": _PHONE}}
    )
    return browser


def _sessions(provider: Provider) -> list[str]:
    assert ANH.account_id is not None
    with provider.services.database.read() as connection:
        found = live_sessions(connection, ANH.account_id, now=provider.now)
    return [one.session_id for one in found]


def test_the_first_page_asks_who_it_is_and_leads_on(browser: Browser) -> None:
    page = browser.answer_all(browser.get("/account"))
    assert page.place == "/account"
    assert page.shows("account-sessions")
    assert page.shows("account-consents")
    assert not page.shows("account-passkeys"), "nothing is signed here"
    assert "Ứng dụng xác thực, mã qua tin nhắn" in page.page


def test_the_list_says_where_what_and_which_is_this_one(
    provider: Provider, browser: Browser
) -> None:
    _phone(provider).tokens()
    provider.clock.advance(minutes=7)
    page = browser.answer_all(browser.get(_PLACE))
    assert page.page.count("<span>Thiết bị này</span>") == 1
    assert page.page.index("Thiết bị này") < page.page.index("Chrome trên thiết bị Android")
    assert "Cổng portal" in page.page
    assert "SM-A546E" not in page.page
    assert "192.0.2" not in page.page


def test_signing_in_at_a_portal_is_the_last_use(provider: Provider, browser: Browser) -> None:
    browser.answer_all(browser.get(_PLACE))
    provider.clock.advance(hours=2)
    browser.tokens()
    shown = browser.get(_PLACE).page
    assert "11:04" in shown, "when the session began"
    assert "13:04" in shown, "when the portal was entered"


def test_one_session_is_ended_and_its_portals_are_told(
    provider: Provider, browser: Browser
) -> None:
    """OpenID Connect Back-Channel Logout 1.0 §2.3; the row is in the outbox with the act."""
    other = Browser(provider)
    tokens = other.tokens("portal")
    page = browser.answer_all(browser.get(_PLACE))
    page = browser.press(page, "session-end-1")
    assert "Đã đăng xuất." in page.page
    assert not page.shows("session-end-1")
    assert [one["client_id"] for one in provider.logouts_due()] == ["portal"]
    assert provider.userinfo(tokens["access_token"]).status_code == 401
    assert other.get("/").shows("home-account") is False
    assert provider.events().count("account:session:ended") == 1


def test_ending_the_session_in_hand_signs_out(provider: Provider, browser: Browser) -> None:
    page = browser.press(browser.answer_all(browser.get(_PLACE)), "session-end-0")
    assert page.place == "/logout/done"
    assert browser.cookie("session") is None
    assert _sessions(provider) == []


def test_all_others_end_and_this_one_stays(provider_on_both: Provider) -> None:
    provider = provider_on_both
    browser = Browser(provider)
    first, second = Browser(provider), Browser(provider)
    offline = first.tokens("portal", scope="openid offline_access")
    second.tokens()
    page = browser.answer_all(browser.get(_PLACE))
    page = browser.press(page, "sessions-end-others")
    assert page.place.startswith(_PLACE)
    assert page.page.count('class="card"') == 1
    assert not page.shows("sessions-end-others")
    assert len(_sessions(provider)) == 1
    assert provider.userinfo(offline["access_token"]).status_code == 401
    assert provider.events().count("account:session:others_ended") == 1


def test_all_end(provider: Provider, browser: Browser) -> None:
    Browser(provider).tokens("portal")
    page = browser.press(browser.answer_all(browser.get(_PLACE)), "sessions-end-all")
    assert page.place == "/logout/done"
    assert _sessions(provider) == []
    assert len(provider.logouts_due()) == 1


def test_a_session_of_somebody_else_is_not_found(provider: Provider, browser: Browser) -> None:
    page = browser.answer_all(browser.get(_PLACE))
    action, _fields = form_of(page.page, "session-end-0")
    stranger = Browser(provider)
    own = stranger.answer_all(stranger.get(_PLACE), who=BINH)
    _action, fields = form_of(own.page, "session-end-0")
    for place in (action, f"{_PLACE}/ses_khong_co/end"):
        assert stranger.submit(place, fields).response.status_code == 404
    assert len(_sessions(provider)) == 1


@pytest.mark.parametrize("button", ["session-end-1", "sessions-end-others", "sessions-end-all"])
def test_a_form_of_another_site_ends_nothing(
    provider: Provider, browser: Browser, button: str
) -> None:
    Browser(provider).tokens()
    page = browser.answer_all(browser.get(_PLACE))
    action, fields = form_of(page.page, button)
    for token in ({}, {"csrf_token": "x"}, {"csrf_token": fields["csrf_token"][::-1]}):
        assert browser.submit(action, token).response.status_code == 403
    assert len(_sessions(provider)) == 2


def test_a_form_sent_twice_ends_nothing_more(provider: Provider, browser: Browser) -> None:
    Browser(provider).tokens("portal")
    page = browser.answer_all(browser.get(_PLACE))
    action, fields = form_of(page.page, "session-end-1")
    for _ in range(2):
        assert browser.submit(action, fields).place.startswith(_PLACE)
    assert len(provider.logouts_due()) == 1
    assert provider.events().count("account:session:ended") == 1


def test_whose_session_was_ended_elsewhere_ends_nothing(
    provider: Provider, browser: Browser
) -> None:
    """A stolen cookie that the person has ended is worth nothing."""
    thief = Browser(provider)
    stolen = thief.answer_all(thief.get(_PLACE))
    browser.press(browser.answer_all(browser.get(_PLACE)), "sessions-end-others")
    answer = thief.press(stolen, "sessions-end-all")
    assert answer.shows("login-submit")
    assert len(_sessions(provider)) == 1
