"""The authorization endpoint around its checks: silent requests stay silent, outages are pages."""

from __future__ import annotations

from dataclasses import replace

import pytest

from idp.errors import StorageUnavailable
from idp.oauth.authorization import Gathered, SessionOvertaken
from tests.support.provider import ISSUER, Provider
from tests.support.provider_browser import Browser


class Overtaken:
    """The use case, after another request has raised or ended the session."""

    def __init__(self, genuine: object) -> None:
        self._genuine = genuine

    def __getattr__(self, name: str) -> object:
        return getattr(self._genuine, name)

    def complete(self, gathered: Gathered, *, opened: object, decision: object) -> str:
        raise SessionOvertaken


def overtaken(provider: Provider) -> Provider:
    services = replace(
        provider.services,
        authorizations=Overtaken(provider.services.authorizations),
    )
    return Provider(services, provider.clock, provider.keys)


def test_prompt_none_shows_no_page_even_when_a_session_changes_under_it(
    provider: Provider,
) -> None:
    """OpenID Connect Core §3.1.2.1 prompt=none: MUST NOT display any interface."""
    browser = Browser(provider)
    browser.tokens()
    other = Browser(overtaken(provider))
    other.set_cookie("session", browser.cookie("session") or "")
    assert other.authorize(prompt="none").error == "login_required"
    assert "code" in browser.authorize(prompt="none").fields


class Away:
    """A store that does not answer."""

    def __init__(self, genuine: object) -> None:
        self._genuine = genuine

    def __getattr__(self, name: str) -> object:
        return getattr(self._genuine, name)

    def find(self, *_arguments: object, **_options: object) -> object:
        raise StorageUnavailable

    begin = take = find


@pytest.mark.parametrize("what", ["sessions", "interactions"])
def test_a_store_that_is_gone_is_a_page_and_never_a_sign_in(provider: Provider, what: str) -> None:
    """Refused with 503 and a sentence; by itself again once it is back."""
    browser = Browser(provider)
    browser.tokens()
    services = replace(provider.services, **{what: Away(getattr(provider.services, what))})
    away = Browser(Provider(services, provider.clock, provider.keys))
    away.set_cookie("session", browser.cookie("session") or "")
    prompt = "login" if what == "interactions" else None
    landing = away.authorize(prompt=prompt)
    assert landing.response.status_code == 503
    assert landing.response.headers["Retry-After"]
    assert landing.response.mimetype == "text/html"
    assert "code" in browser.authorize(prompt="none").fields


def test_an_unknown_address_is_a_page(browser: Browser) -> None:
    for path in ("/authorize/x/y", "/authorize/req_" + "0" * 32, "/interaction"):
        assert browser.http.get(path, base_url=ISSUER).status_code in {404, 410}
