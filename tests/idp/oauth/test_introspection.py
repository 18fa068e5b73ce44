"""Introspection: only whom the token is for learns anything."""

from __future__ import annotations

import pytest

from tests.support.provider import Provider, assert_error
from tests.support.provider_browser import Browser
from tests.support.provider_seeds import API, BINH

_INACTIVE = {"active": False}


def test_the_audience_learns_what_it_needs(provider_on_both: Provider) -> None:
    """RFC 7662 §2.2."""
    tokens = Browser(provider_on_both).tokens(resource=API)
    said = provider_on_both.introspect(tokens["access_token"])
    assert set(said) == {
        "active", "token_type", "iss", "sub", "aud", "client_id", "scope", "exp", "iat", "jti",
        "auth_time", "acr",
    }  # fmt: skip
    assert (said["active"], said["aud"], said["client_id"]) == (True, API, "portal")


def test_for_whom_the_person_acts_is_said(provider: Provider, browser: Browser) -> None:
    code = BINH.organisations[0]
    tokens = browser.tokens(
        who=BINH, scope="openid organization", resource=API, antin_capacity=code
    )
    assert provider.introspect(tokens["access_token"])["org"]["enterprise_code"] == code


@pytest.mark.parametrize("caller", ["portal", "api-tax", "sibling", "keyed"])
def test_everybody_else_learns_nothing(provider: Provider, browser: Browser, caller: str) -> None:
    """RFC 7662 §4: the response differs by who asks, to keep tokens from being scanned."""
    token = browser.tokens(resource=API)["access_token"]
    assert provider.introspect(token, client_id=caller) == _INACTIVE


def test_what_is_no_live_access_token_is_inactive_and_nothing_else(
    provider: Provider, browser: Browser
) -> None:
    """RFC 7662 §2.2: SHOULD NOT include any additional information."""
    tokens = browser.tokens(resource=API)
    for raw in (tokens["refresh_token"], tokens["id_token"], "x", "a.b.c", "ă" * 100):
        assert provider.introspect(raw) == _INACTIVE
    provider.clock.advance(minutes=6)
    assert provider.introspect(tokens["access_token"]) == _INACTIVE


def test_a_revoked_token_is_inactive_at_once(provider_on_both: Provider) -> None:
    provider = provider_on_both
    tokens = Browser(provider).tokens(resource=API)
    assert provider.introspect(tokens["access_token"])["active"] is True
    provider.revoke(tokens["refresh_token"])
    assert provider.introspect(tokens["access_token"]) == _INACTIVE


def test_a_caller_authenticates(provider: Provider, browser: Browser) -> None:
    """RFC 7662 §2.1: MUST require some form of authorization."""
    token = browser.tokens(resource=API)["access_token"]
    assert_error(provider.post("/introspect", {"token": token}), "invalid_client", status=401)
    answer = provider.post("/introspect", {"token": token, "client_id": "native"})
    assert_error(answer, "invalid_request")
    headers, _ = provider.credentials("api")
    assert_error(provider.post("/introspect", {}, headers=headers), "invalid_request")
