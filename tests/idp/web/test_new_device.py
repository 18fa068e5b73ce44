"""A sign-in from a browser that the account does not know is told to its owner, once."""

from __future__ import annotations

from datetime import timedelta

from idp.accounts.notices import Notice
from idp.model import Factor
from idp.sessions import open_session
from tests.support.left_notices import left_notices
from tests.support.provider import Provider
from tests.support.provider_browser import Browser
from tests.support.provider_seeds import ANH, BINH, Somebody
from tests.support.reset_hands import NEW, ResetHands

_AGENT = "Mozilla/5.0 (Linux; Android 15) AppleWebKit/537.36 Chrome/142.0 Mobile Safari/537.36"


def told(provider: Provider, who: Somebody = ANH) -> list[dict[str, str]]:
    services = provider.services
    left = left_notices(services.database, services.sealer, who.account_id)
    return [facts for notice, facts in left if notice is Notice.NEW_DEVICE]


def browser_of(provider: Provider) -> Browser:
    browser = Browser(provider)
    send = browser.http.open
    browser.http.open = lambda *given, **named: send(  # type: ignore[method-assign]  # a client that says what it is
        *given, **{**named, "headers": {"User-Agent": _AGENT}}
    )
    return browser


def test_the_first_sign_in_of_a_browser_is_told_and_the_second_is_not(provider: Provider) -> None:
    """NIST SP 800-63B-4 §4.6; from where and with what, never in the clear."""
    browser = browser_of(provider)
    browser.tokens()
    assert told(provider) == [{"device": "android chrome", "source": "192.0.2.7"}]
    for name in ("session", "browser"):
        browser.set_cookie(name, "")
    browser.tokens()
    assert len(told(provider)) == 1


def test_each_account_has_devices_of_its_own(provider: Provider) -> None:
    browser = browser_of(provider)
    browser.log_in(browser.authorize())
    browser.set_cookie("session", "")
    browser.log_in(browser.authorize("level2"), who=BINH)
    assert (len(told(provider)), len(told(provider, BINH))) == (1, 1)


def test_a_wrong_password_is_not_a_sign_in(provider: Provider) -> None:
    browser = browser_of(provider)
    browser.log_in(browser.authorize(), password="khong-phai-mat-khau")
    assert told(provider) == []


def test_a_password_that_is_followed_by_no_code_is_told_as_well(provider: Provider) -> None:
    """Whoever has the password alone gets no further, and its owner knows."""
    browser = browser_of(provider)
    landing = browser.log_in(browser.authorize("level2"), who=BINH)
    assert landing.shows("otp-submit")
    assert len(told(provider, BINH)) == 1
    browser.give_code(landing, who=BINH)
    assert len(told(provider, BINH)) == 1


def test_a_mark_that_we_did_not_make_is_none(provider: Provider) -> None:
    known = browser_of(provider)
    known.log_in(known.authorize())
    stranger = browser_of(provider)
    mark = known.cookie("device")
    assert mark is not None
    stranger.set_cookie("device", f"{mark[:2]}{'A' * 22}{mark[24:]}")
    stranger.log_in(stranger.authorize())
    assert len(told(provider)) == 2


def test_after_half_a_year_a_browser_is_new_again(provider: Provider) -> None:
    browser = browser_of(provider)
    browser.log_in(browser.authorize())
    provider.clock.advance(days=181)
    browser.set_cookie("session", "")
    browser.log_in(browser.authorize())
    assert len(told(provider)) == 2


def test_a_sign_in_that_is_of_no_use_to_its_portal_is_told_as_well(provider: Provider) -> None:
    """Otherwise whoever has the password would make a browser known without anybody hearing."""
    sessions, account_id = provider.services.sessions, ANH.account_id
    assert account_id is not None
    for address in (None, "192.0.2.7"):
        opened = open_session(
            account_id,
            factor=Factor.PASSWORD,
            now=provider.now,
            lifetime=timedelta(hours=1),
            new_device_at=address,
        )
        sessions.tell_alone(opened, now=provider.now)
    assert told(provider) == [{"device": "", "source": "192.0.2.7"}]


def test_after_this_was_not_me_no_browser_is_known(provider: Provider) -> None:
    """Whoever it was is told of as somebody new, however often they were there."""
    browser = browser_of(provider)
    browser.log_in(browser.authorize())
    provider.services.recovering.not_me.report(ANH.account_id, session_id=None, now=provider.now)
    hands = ResetHands(provider)
    hands.choose(browser, hands.both(browser))
    provider.clock.advance(days=1)
    for _ in range(2):
        browser.set_cookie("session", "")
        browser.log_in(browser.authorize(), password=NEW)
    assert len(told(provider)) == 2, "once more, and then it is known again"
