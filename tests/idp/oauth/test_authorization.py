"""The way from a request to a code, in one write."""

from __future__ import annotations

from tests.support.provider import Provider, claims_of
from tests.support.provider_browser import Browser


def test_a_person_signs_in_agrees_and_the_portal_has_tokens(
    provider_on_both: Provider,
) -> None:
    browser = Browser(provider_on_both)
    tokens = browser.tokens(scope="openid profile email")
    assert claims_of(tokens["id_token"])["acr"] == "urn:vn:auth:1"
    answer = provider_on_both.userinfo(tokens["access_token"])
    assert answer.status_code == 200
    assert answer.get_json()["email_verified"] is True
