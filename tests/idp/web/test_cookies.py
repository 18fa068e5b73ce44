"""Three cookies, and what a browser is told about each."""

from __future__ import annotations

from collections.abc import Callable

from werkzeug.test import Client, TestResponse

from idp.web.cookies import make_browser_token
from tests.support.provider import ISSUER, Provider
from tests.support.provider_browser import Browser, form_of
from tests.support.provider_seeds import ANH


def set_by(response: TestResponse) -> dict[str, str]:
    """Name and attributes of every cookie that an answer sets."""
    lines = response.headers.getlist("Set-Cookie")
    return {line.partition("=")[0]: line for line in lines}


def sign_in_once(http: Client, *, origin: str, request: dict[str, str]) -> dict[str, str]:
    """Every cookie that is set on the way to a session."""
    found: dict[str, str] = {}
    response = http.get("/authorize", base_url=origin, query_string=request)
    found |= set_by(response)
    place = response.headers["Location"]
    page = http.get(place, base_url=origin).get_data(as_text=True)
    action, fields = form_of(page, "login-submit")
    typed = {"identifier": ANH.identifier, "password": ANH.password}
    response = http.post(action, base_url=origin, data={**fields, **typed})
    return found | set_by(response)


def test_over_https_they_are_host_cookies(provider: Provider, browser: Browser) -> None:
    """RFC 6265bis §4.1.3.2: __Host- means Secure, Path=/, and no Domain."""
    http = Client(provider.app)
    cookies = sign_in_once(http, origin=ISSUER, request=browser.request())
    assert set(cookies) == {"__Host-antin_browser", "__Host-antin_session", "__Host-antin_device"}
    for line in cookies.values():
        assert "Secure" in line
        assert "HttpOnly" in line
        assert "SameSite=Lax" in line
        assert "Path=/" in line
        assert "Domain" not in line
    assert "Max-Age" not in cookies["__Host-antin_session"], "until the browser is closed"
    assert "Max-Age" in cookies["__Host-antin_device"]


def test_over_http_they_have_plain_names(make_provider: Callable[..., Provider]) -> None:
    """Architecture, "Sandbox": any HTTP client can sign in at http://localhost."""
    origin = "http://localhost:8000"
    provider = make_provider(issuer=origin)
    http = Client(provider.app)
    cookies = sign_in_once(http, origin=origin, request=Browser(provider).request())
    assert set(cookies) == {"antin_browser", "antin_session", "antin_device"}
    for line in cookies.values():
        assert "Secure" not in line
        assert "HttpOnly" in line


def test_signing_out_takes_the_session_back(provider: Provider, browser: Browser) -> None:
    browser.tokens()
    page = browser.get("/logout")
    action, fields = form_of(page.page, "logout-confirm")
    response = browser.http.post(action, base_url=ISSUER, data=fields)
    line = set_by(response)["__Host-antin_session"]
    assert "Max-Age=0" in line
    assert browser.cookie("session") is None


def test_a_known_browser_is_not_given_another_token(provider: Provider, browser: Browser) -> None:
    browser.authorize()
    first = browser.cookie("browser")
    browser.authorize()
    assert browser.cookie("browser") == first
    assert len({make_browser_token() for _ in range(50)}) == 50


def test_odd_cookies_break_nothing(provider: Provider) -> None:
    for value in ("", "x" * 4000, "\xff", "a;b", "%00"):
        browser = Browser(provider)
        browser.http.get(
            "/authorize", base_url=ISSUER, query_string=browser.request(),
            headers={"Cookie": f"__Host-antin_session={value}; __Host-antin_browser={value}"},
        )  # fmt: skip
        response = browser.http.get(
            "/authorize",
            base_url=ISSUER,
            query_string=browser.request(prompt="none"),
            headers={"Cookie": f"__Host-antin_session={value}"},
        )
        assert "error=login_required" in response.headers["Location"]
