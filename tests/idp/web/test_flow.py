"""Whose form it is that a browser sends to an interaction.

What lives here: forms of other sites, of other browsers, and of ours from before somebody signed in
from another tab.  Not here: the tabs themselves (`tests/browser/test_journey_mishaps.py`).
"""

from __future__ import annotations

import pytest

from tests.support.provider_browser import Browser, form_of
from tests.support.provider_seeds import ANH


def typed(**form: str) -> dict[str, str]:
    return {"identifier": ANH.identifier, "password": ANH.password, **form}


@pytest.mark.parametrize("token", ["", "forged", "forged.forged", ".", "ÿ.ÿ", "a.b.c"])
def test_form_from_elsewhere_is_refused_and_does_nothing(provider, browser, token):
    """RFC 9700 §4.7; RFC 6749 §10.12 (CSRF)."""
    landing = browser.authorize()
    refused = browser.submit(f"{landing.place}/login", typed(csrf_token=token))
    assert refused.response.status_code == 403
    assert refused.shows("error-reference")
    assert browser.cookie("session") is None
    assert "account:session:started" not in provider.events()


def test_form_of_another_browser_is_refused(provider, browser):
    """RFC 6749 §10.12: the token is bound to the browser, not only to the site."""
    landing = browser.authorize()
    theirs = Browser(provider).authorize()
    _, fields = form_of(theirs.page, "login-submit")
    refused = browser.submit(f"{landing.place}/login", typed(**fields))
    assert refused.response.status_code == 403
    assert browser.cookie("session") is None


def test_form_of_another_interaction_is_refused(browser):
    one, other = browser.authorize(), browser.authorize("sibling")
    _, fields = form_of(other.page, "login-submit")
    refused = browser.submit(f"{one.place}/login", typed(**fields))
    assert refused.response.status_code == 403


def test_form_older_than_the_session_does_nothing_and_leads_on(provider, browser):
    """Architecture §5.7: the CSRF token is renewed at every rise of level; several tabs work."""
    old = browser.authorize()
    browser.sign_in("sibling")
    session = browser.cookie("session")
    action, fields = form_of(old.page, "login-submit")
    led = browser.submit(action, typed(**fields) | {"password": "not-the-password"})
    assert led.response.status_code in {200, 303}
    assert not led.shows("login-submit"), "the password is not asked for again"
    assert browser.cookie("session") == session
    assert "code" in browser.answer_all(led).fields


def test_consent_given_on_a_form_older_than_the_session_is_not_taken(provider, browser):
    """What was shown to one person is not agreed to by the next who signs in on this browser."""
    landing = browser.answer_all(browser.authorize("level2"))
    if landing.url is not None:
        landing = browser.authorize("level2", prompt="consent")
    action, fields = form_of(landing.page, "consent-accept")
    browser.sign_in("sibling", prompt="login")
    led = browser.submit(action, fields)
    assert led.url is None, "the question is asked again"
    assert led.shows("consent-accept")
