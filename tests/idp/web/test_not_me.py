"""The person's pages for "this was not me" and for cases, through HTTP."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest

from idp.accounts.credentials import StoredPassword
from idp.accounts.passwords import Argon2Costs, Hashing, Passwords
from idp.accounts.reset_attempts import AttemptGone, Way
from tests.support.provider import Provider
from tests.support.provider_browser import Browser
from tests.support.provider_seeds import ANH, BINH
from tests.support.reset_hands import NEW, ResetHands


def test_it_asks_once_locks_and_leads_to_a_new_password(
    provider: Provider, browser: Browser
) -> None:
    thief = Browser(provider)
    thief.answer_all(thief.get("/account"))
    page = browser.answer_all(browser.get("/account/sessions"))
    assert not page.shows("session-not-me-0"), "not beside the session in hand"
    assert page.shows("session-not-me-1")
    page = browser.get(page.page.split('id="session-not-me-1" href="')[1].split('"')[0])
    assert page.shows("not-me-confirm")
    assert "account:case:opened" not in provider.events()
    page = browser.press(page, "not-me-confirm")
    assert page.shows("case-number")
    for one in (thief, browser):
        assert not one.get("/").shows("home-account")
    hands = ResetHands(provider)
    assert not hands.can_sign_in(ANH.password)
    assert hands.choose(browser, hands.both(browser)).shows("reset-continue")
    page = browser.log_in(browser.get("/account/cases"), password=NEW)
    (case,) = provider.services.recovering.cases.list_of(ANH.account_id)
    assert case.number in page.page


def test_a_password_alone_is_enough_to_lock(provider: Provider, browser: Browser) -> None:
    """Whoever lost their telephone has no more."""
    page = browser.log_in(browser.get("/account/not-me"))
    assert browser.press(page, "not-me-confirm").shows("case-number")
    assert provider.events().count("account:case:opened") == 1


def test_a_reset_that_was_begun_before_comes_to_nothing(
    provider: Provider, browser: Browser
) -> None:
    """Whoever gave both proofs already is as much out as whoever was signed in."""
    thief, hands = Browser(provider), ResetHands(provider)
    page = hands.both(thief)
    mine = browser.answer_all(browser.get("/account/not-me"))
    browser.press(mine, "not-me-confirm")
    assert hands.choose(thief, page).response.status_code == 410
    assert not hands.can_sign_in(NEW)
    assert hands.choose(browser, hands.both(browser)).shows("reset-continue")


class _Interrupted(Passwords):
    """Hashing, during which its owner says that it was not them."""

    def __init__(self, report: Callable[[], object]) -> None:
        super().__init__(Hashing(Argon2Costs(memory_kib=64, passes=1)))
        self._report = report

    def hash_new(self, raw_password: str) -> StoredPassword:
        self._report()
        return super().hash_new(raw_password)


def test_a_reset_that_is_just_being_done_comes_to_nothing_too(provider: Provider) -> None:
    """NIST SP 800-63B-4 §4.2: hashing takes long enough for the other request to come between."""
    recovering, now = provider.services.recovering, provider.now
    me = ANH.account_id
    assert me is not None
    attempt_id, _ = recovering.tries.begin(
        typed=ANH.identifier, way=Way.EMAIL_CODE, browser="b", back="", now=now
    )
    attempt = recovering.tries.get(attempt_id, browser="b", now=now)
    attempt = recovering.tries.first_given(attempt, account_id=me, now=now)
    attempt = recovering.tries.second_given(attempt, second="app", now=now)
    between = _Interrupted(lambda: recovering.not_me.report(me, session_id=None, now=now))
    with pytest.raises(AttemptGone):
        replace(recovering.reset, passwords=between).set_password(attempt, raw_new=NEW, now=now)
    assert not ResetHands(provider).can_sign_in(NEW)
    assert "account:password:reset" not in provider.events()


def test_sessions_of_others_are_not_found(provider: Provider, browser: Browser) -> None:
    other = Browser(provider)
    other.answer_all(other.get("/account/sessions"), who=BINH)
    page = browser.answer_all(browser.get("/account/not-me"))
    assert browser.get("/account/not-me?session=ses_0").response.status_code == 404
    answer = browser.press(page, "not-me-confirm", {"session": "ses_0"})
    assert answer.response.status_code == 404
    assert "account:case:opened" not in provider.events()


def test_a_form_from_elsewhere_locks_nobody(provider: Provider, browser: Browser) -> None:
    browser.answer_all(browser.get("/account"))
    browser.submit("/account/not-me", {"csrf_token": "x"})
    assert "account:case:opened" not in provider.events()


def test_nobody_who_is_not_signed_in_sees_cases(browser: Browser) -> None:
    assert browser.get("/account/cases").shows("login-submit")
    assert browser.get("/account/not-me").shows("login-submit")
    assert browser.get("/forgot/locked/x").response.status_code == 404
