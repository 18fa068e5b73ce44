"""The page on which a person takes a consent back."""

from __future__ import annotations

from idp.storage.consents import consents_of
from tests.support.provider import Provider
from tests.support.provider_browser import Browser, form_of
from tests.support.provider_seeds import ANH, BINH

_PLACE = "/account/consents"


def test_what_was_agreed_to_is_listed_with_its_receipt(
    provider: Provider, browser: Browser
) -> None:
    browser.tokens(scope="openid email")
    page = browser.get(_PLACE)
    assert page.response.status_code == 200
    assert "Cổng portal" in page.page
    assert "Thư điện tử" in page.page
    with provider.services.database.read() as connection:
        (given,) = consents_of(connection, ANH.account_id)
    assert f'href="{_PLACE}/{given.consent_id}"' in page.page


def test_a_consent_is_taken_back_with_one_button(provider: Provider, browser: Browser) -> None:
    """Law 91/2025/QH15 Art. 9: consent may be withdrawn at any time."""
    tokens = browser.tokens()
    page = browser.press(browser.get(_PLACE), "consent-withdraw-0")
    assert page.place == f"{_PLACE}?told=withdrawn"
    assert "phải hỏi lại khi cần" in page.page
    assert not page.shows("consent-withdraw-0")
    assert "Đã rút lại lúc" in page.page
    assert provider.userinfo(tokens["access_token"]).status_code == 401
    assert browser.authorize(prompt="none").error == "consent_required"


def test_a_form_of_another_site_takes_nothing_back(provider: Provider, browser: Browser) -> None:
    browser.tokens()
    action, fields = form_of(browser.get(_PLACE).page, "consent-withdraw-0")
    for token in ({}, {"csrf_token": "x"}, {"csrf_token": fields["csrf_token"][::-1]}):
        assert browser.submit(action, token).response.status_code != 303
        assert browser.get(_PLACE).shows("consent-withdraw-0")
    assert "oauth:consent:withdrawn" not in provider.events()


def test_nobody_else_sees_or_takes_it_back(provider: Provider, browser: Browser) -> None:
    browser.tokens()
    action, _fields = form_of(browser.get(_PLACE).page, "consent-withdraw-0")
    stranger = Browser(provider)
    assert stranger.get(_PLACE).shows("login-submit")
    assert stranger.submit(action, {}).response.status_code == 403
    stranger.tokens(who=BINH, scope="openid profile")
    own = stranger.get(_PLACE)
    _action, fields = form_of(own.page, "consent-withdraw-0")
    assert stranger.submit(action, fields).response.status_code == 404
    assert browser.get(_PLACE).shows("consent-withdraw-0")


def test_the_first_page_leads_there_when_somebody_is_signed_in(browser: Browser) -> None:
    assert not browser.get("/").shows("home-account")
    browser.tokens()
    assert 'href="/account"' in browser.get("/").page


def test_what_is_in_force_comes_before_what_was_taken_back(browser: Browser) -> None:
    browser.tokens()
    browser.press(browser.get(_PLACE), "consent-withdraw-0")
    browser.tokens("sibling")
    browser.tokens(scope="openid email")
    page = browser.get(_PLACE).page
    assert page.index('id="consent-withdraw-1"') < page.index("Không còn hiệu lực")
    assert page.count("Không còn hiệu lực") == 1


def test_who_is_not_signed_in_comes_back_after_signing_in(browser: Browser) -> None:
    page = browser.answer_all(browser.get(_PLACE))
    assert page.place == _PLACE
    assert browser.get(f"{_PLACE}/cns_nothing").response.status_code == 404
