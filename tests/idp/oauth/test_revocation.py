"""Revocation: a client ends its own grant, and nobody else's."""

from __future__ import annotations

import pytest

from tests.support.provider import Provider, assert_error
from tests.support.provider_browser import Browser


@pytest.mark.parametrize("which", ["refresh_token", "access_token"])
def test_either_token_ends_the_whole_grant(provider_on_both: Provider, which: str) -> None:
    """RFC 7009 §2.1."""
    provider = provider_on_both
    tokens = Browser(provider).tokens()
    answer = provider.revoke(tokens[which], token_type_hint="what-is-this")
    assert answer.status_code == 200
    assert provider.userinfo(tokens["access_token"]).status_code == 401
    assert_error(provider.refresh(tokens["refresh_token"]), "invalid_grant")
    assert provider.events().count("oauth:grant:revoked") == 1


def test_a_second_time_is_no_error(provider: Provider, browser: Browser) -> None:
    """RFC 7009 §2.2: an invalid token is answered with 200."""
    token = browser.tokens()["refresh_token"]
    for _ in range(2):
        assert provider.revoke(token).status_code == 200
    assert provider.events().count("oauth:grant:revoked") == 1


@pytest.mark.parametrize("token", ["x", "a.b.c", "A" * 86, "ă"])
def test_an_unknown_token_is_no_error(provider: Provider, token: str) -> None:
    """RFC 7009 §2.2."""
    assert provider.revoke(token).status_code == 200


def test_the_token_of_another_client_is_refused_and_lives(
    provider: Provider, browser: Browser
) -> None:
    """RFC 7009 §2.1: verify that the token was issued to the client making the request."""
    tokens = browser.tokens()
    for name in ("refresh_token", "access_token"):
        assert_error(provider.revoke(tokens[name], client_id="sibling"), "invalid_grant")
    assert provider.refresh(tokens["refresh_token"]).status_code == 200


def test_a_replaced_refresh_token_ends_the_grant_too(provider: Provider, browser: Browser) -> None:
    old = browser.tokens()["refresh_token"]
    new = provider.refresh(old).get_json()["refresh_token"]
    assert provider.revoke(old).status_code == 200
    assert_error(provider.refresh(new), "invalid_grant")


def test_a_code_is_nothing_to_revoke(provider: Provider, browser: Browser) -> None:
    landing = browser.sign_in()
    assert provider.revoke(landing.code).status_code == 200
    assert provider.exchange(landing.code, verifier="v" * 20 + "-._~" + "V" * 40).status_code == 200


def test_a_token_that_cannot_be_revoked_is_said_to_be_one(provider: Provider) -> None:
    """RFC 7009 §2.2.1 unsupported_token_type: nothing is stored of a client's own token."""
    token = provider.token("portal", grant_type="client_credentials").get_json()["access_token"]
    assert_error(provider.revoke(token), "unsupported_token_type")


def test_a_caller_authenticates(provider: Provider, browser: Browser) -> None:
    """RFC 7009 §2.1: first validates the client credentials."""
    token = browser.tokens()["refresh_token"]
    assert_error(provider.post("/revoke", {"token": token}), "invalid_client", status=401)
    headers, _ = provider.credentials("portal")
    assert_error(provider.post("/revoke", {}, headers=headers), "invalid_request")
    assert provider.refresh(token).status_code == 200


def test_a_public_client_revokes_by_its_name(provider: Provider, browser: Browser) -> None:
    token = browser.tokens("native")["refresh_token"]
    assert provider.revoke(token, client_id="native").status_code == 200
    assert_error(provider.refresh(token, client_id="native"), "invalid_grant")
