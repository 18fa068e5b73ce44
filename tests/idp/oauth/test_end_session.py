"""Logout at a portal's wish: the person is asked, and led back only to a registered address."""

from __future__ import annotations

import re
from urllib.parse import urlencode

import pytest
from werkzeug.test import TestResponse

from tests.support.provider import ISSUER, Provider, assert_error, claims_of
from tests.support.provider_browser import Browser, Landing
from tests.support.provider_seeds import BINH

_OUT = "https://portal.example/out"


def logout(browser: Browser, **parameters: str) -> Landing:
    return browser.get(f"/logout?{urlencode(parameters)}")


def refused(landing: Landing) -> TestResponse:
    assert landing.url is None
    assert landing.response.status_code == 400
    assert not landing.shows("logout-confirm")
    return landing.response


def is_signed_in(browser: Browser) -> bool:
    return "code" in browser.authorize(prompt="none", scope="openid").fields


def test_the_person_is_asked_and_led_back_with_the_state(
    provider_on_both: Provider,
) -> None:
    """RP-Initiated Logout §2, §3."""
    browser = Browser(provider_on_both)
    hint = browser.tokens()["id_token"]
    page = logout(browser, id_token_hint=hint, post_logout_redirect_uri=_OUT, state="a b&c=d")
    assert page.shows("logout-confirm")
    assert is_signed_in(browser)
    landing = browser.press(page, "logout-confirm")
    assert (landing.url or "").startswith(f"{_OUT}?state=")
    assert landing.fields == {"state": "a b&c=d"}
    assert not is_signed_in(browser)


def test_who_stays_stays(browser: Browser) -> None:
    browser.tokens()
    landing = browser.press(logout(browser), "logout-stay")
    assert landing.url is None
    assert is_signed_in(browser)


def test_nothing_but_the_person_ends_the_session(browser: Browser) -> None:
    """RP-Initiated Logout §6: a request alone, hint or not, could come from anybody."""
    hint = browser.tokens()["id_token"]
    for parameters in ({}, {"id_token_hint": hint}, {"client_id": "portal"}):
        assert logout(browser, **parameters).shows("logout-confirm")
        assert is_signed_in(browser)


@pytest.mark.parametrize(
    "uri",
    [
        "https://portal.example/out/", "https://portal.example/callback", "https://evil.example/",
        "https://sibling.example/out", "//portal.example/out", "javascript:alert(1)",
        "https://portal.example/out?x=1",
    ],
)  # fmt: skip
def test_an_unregistered_address_is_never_redirected_to(browser: Browser, uri: str) -> None:
    """RP-Initiated Logout §3: MUST NOT perform post-logout redirection."""
    hint = browser.tokens()["id_token"]
    refused(logout(browser, id_token_hint=hint, post_logout_redirect_uri=uri))
    refused(logout(Browser(browser._provider), client_id="portal", post_logout_redirect_uri=uri))
    assert is_signed_in(browser)


def test_an_address_without_a_client_is_refused(browser: Browser) -> None:
    """RP-Initiated Logout §3: nothing confirms that it is one's own."""
    browser.tokens()
    refused(logout(browser, post_logout_redirect_uri=_OUT))


def test_the_client_id_names_the_client_too(browser: Browser) -> None:
    """RP-Initiated Logout §2 client_id."""
    browser.tokens()
    page = logout(browser, client_id="portal", post_logout_redirect_uri=_OUT)
    assert browser.press(page, "logout-confirm").url == _OUT


def test_the_query_of_the_address_is_kept(browser: Browser) -> None:
    browser.tokens()
    uri = f"{_OUT}?kept=1"
    page = logout(browser, client_id="portal", post_logout_redirect_uri=uri, state="s")
    assert browser.press(page, "logout-confirm").url == f"{uri}&state=s"


def test_a_state_alone_leads_nowhere(browser: Browser) -> None:
    browser.tokens()
    landing = browser.press(logout(browser, state="s"), "logout-confirm")
    assert landing.url is None
    assert landing.place == "/logout/done"


def test_a_hint_for_another_client_than_named_is_refused(browser: Browser) -> None:
    """RP-Initiated Logout §2: the OP MUST verify that client_id matches the hint."""
    hint = browser.tokens()["id_token"]
    refused(logout(browser, id_token_hint=hint, client_id="sibling"))
    refused(logout(browser, client_id="nobody"))


def test_a_changed_hint_is_refused(provider: Provider, browser: Browser) -> None:
    """RP-Initiated Logout §4: MUST be an ID token of ours."""
    hint = browser.tokens()["id_token"]
    head, body, signature = hint.split(".")
    foreign = provider.keys["keyed"].sign(claims_of(hint))
    for raw in (f"{head}.{body}.{signature[::-1]}", f"{head}.{body}.", foreign, "x"):
        refused(logout(browser, id_token_hint=raw))


def test_an_old_hint_signed_by_a_retired_key_is_taken(provider: Provider, browser: Browser) -> None:
    """RP-Initiated Logout §2: SHOULD accept ID Tokens when exp has passed."""
    hint = browser.tokens()["id_token"]
    for _ in range(3):
        provider.services.keyring.rotate(provider.now)
        provider.clock.advance(hours=2)
    provider.services.keyring.destroy_retired(provider.now)
    page = logout(browser, id_token_hint=hint, post_logout_redirect_uri=_OUT)
    assert browser.press(page, "logout-confirm").url == _OUT


def test_a_hint_of_another_session_does_not_touch_this_one(
    provider: Provider, browser: Browser
) -> None:
    """RP-Initiated Logout §4: the hint's session is over or elsewhere."""
    other = Browser(provider).tokens(who=BINH)["id_token"]
    browser.tokens()
    landing = logout(browser, id_token_hint=other, post_logout_redirect_uri=_OUT)
    assert landing.url == _OUT
    assert is_signed_in(browser)


def test_nobody_signed_in_is_nothing_to_confirm(browser: Browser) -> None:
    assert logout(browser, client_id="portal", post_logout_redirect_uri=_OUT).url == _OUT
    assert logout(browser).response.status_code == 200


def test_a_request_by_post_is_taken(browser: Browser) -> None:
    """RP-Initiated Logout §2: OPs MUST support GET and POST."""
    hint = browser.tokens()["id_token"]
    form = {"id_token_hint": hint, "post_logout_redirect_uri": _OUT, "state": "s"}
    page = browser.submit("/logout", form)
    assert page.shows("logout-confirm")
    assert browser.press(page, "logout-confirm").url == f"{_OUT}?state=s"


def test_a_form_from_another_site_brings_no_cookie_and_comes_again_by_get(
    provider_on_both: Provider,
) -> None:
    """RFC 9700 §4.2.4: what the form carried stands in no address and in no proxy's log."""
    provider = provider_on_both
    browser, bare = Browser(provider), Browser(provider)
    hint = browser.tokens()["id_token"]
    form = {"id_token_hint": hint, "post_logout_redirect_uri": _OUT, "state": "s"}
    response = bare.http.post("/logout", base_url=ISSUER, data=form)
    assert response.status_code == 303
    place = response.headers["Location"]
    assert re.fullmatch(r"/logout/req_[0-9a-f]{32}", place)
    page = browser.get(place)
    assert page.shows("logout-confirm")
    again = browser.get(place)
    assert again.shows("logout-confirm"), "loaded again: without the portal, but not in vain"
    assert browser.press(again, "logout-stay").url is None
    assert browser.press(page, "logout-confirm").url == f"{_OUT}?state=s"


def test_a_parked_logout_is_gone_after_two_minutes(provider: Provider, browser: Browser) -> None:
    bare = Browser(provider)
    form = {"client_id": "portal", "post_logout_redirect_uri": _OUT}
    place = bare.http.post("/logout", base_url=ISSUER, data=form).headers["Location"]
    provider.clock.advance(minutes=3)
    landing = browser.get(place)
    assert landing.url is None
    assert landing.place == "/logout"


@pytest.mark.parametrize("raw", [b"state=%0d%0ax", b"state=%ff", b"state=a&state=b"])
def test_what_cannot_be_read_is_refused(browser: Browser, raw: bytes) -> None:
    response = browser.http.post(
        "/logout", base_url=ISSUER, data=raw, content_type="application/x-www-form-urlencoded"
    )
    assert response.status_code == 400
    assert "Location" not in response.headers


def test_the_confirmation_is_bound_to_browser_session_and_request(
    provider: Provider, browser: Browser
) -> None:
    """RFC 9700 §4.7: somebody else's form, and a form with another address in it, do nothing."""
    browser.tokens()
    page = logout(browser, client_id="portal", post_logout_redirect_uri=_OUT)
    token = page.page.split('name="csrf_token" value="')[1].split('"')[0]
    nonce, payload, mac = token.split(".")[:3]
    evil = payload.replace(_OUT.encode().hex(), b"https://evil.example/z".hex())
    assert evil != payload
    for forged in ("", "x", f"{nonce}.{evil}.{mac}", f"{nonce}.{payload}.{'A' * 43}", f"..{mac}"):
        landing = browser.submit("/logout", {"decision": "logout", "csrf_token": forged})
        assert landing.response.status_code == 403
    other = Browser(provider)
    other.tokens(who=BINH)
    landing = other.submit("/logout", {"decision": "logout", "csrf_token": token})
    assert landing.response.status_code == 403
    assert is_signed_in(browser)
    assert is_signed_in(other)


def test_every_portal_of_the_session_is_told(provider_on_both: Provider) -> None:
    """Back-Channel Logout §2.3: with the sub and the sid that this portal knows."""
    provider = provider_on_both
    browser = Browser(provider)
    known = {
        client: claims_of(browser.tokens(client)["id_token"])
        for client in ("portal", "sibling", "other", "if-sent")
    }
    Browser(provider).tokens("portal")
    browser.press(logout(browser), "logout-confirm")
    due = provider.logouts_due()
    assert [row["client_id"] for row in due] == ["other", "portal", "sibling"]
    for row in due:
        claims = known[row["client_id"]]
        assert (row["sub"], row["sid"]) == (claims["sub"], claims["sid"])


def test_access_ends_with_the_session(provider: Provider, browser: Browser) -> None:
    tokens = browser.tokens()
    browser.press(logout(browser), "logout-confirm")
    assert provider.userinfo(tokens["access_token"]).status_code == 401
    assert_error(provider.refresh(tokens["refresh_token"]), "invalid_grant")
