"""ID tokens: what a portal learns about the sign-in itself."""

from __future__ import annotations

import json

from keystore.jose import half_hash
from tests.support.provider import ISSUER, Provider, claims_of, header_of
from tests.support.provider_browser import Browser
from tests.support.provider_seeds import ANH, BINH


def test_the_claims_are_those_of_the_sign_in(provider: Provider, browser: Browser) -> None:
    """OpenID Connect Core §2, §3.1.3.6; Back-Channel Logout §2.1 sid."""
    tokens = browser.tokens()
    claims = claims_of(tokens["id_token"])
    assert set(claims) == {
        "iss", "sub", "aud", "exp", "iat", "auth_time", "nonce", "acr", "amr", "sid", "at_hash",
    }  # fmt: skip
    assert (claims["iss"], claims["aud"], claims["nonce"]) == (ISSUER, "portal", "no-1")
    assert claims["iat"] == int(provider.now.timestamp())
    assert claims["exp"] - claims["iat"] == 300
    assert claims["at_hash"] == half_hash(tokens["access_token"], algorithm="ES256")
    assert header_of(tokens["id_token"])["typ"] == "JWT"
    assert len(claims["sub"]) <= 255


def test_personal_claims_are_only_in_it_when_asked_for_by_name(
    provider: Provider, browser: Browser
) -> None:
    """OpenID Connect Core §5.4: with an access token, scopes' claims come from userinfo."""
    assert "email" not in claims_of(browser.tokens(scope="openid email")["id_token"])
    claims = json.dumps({"id_token": {"email": None, "what_is_this": None, "iss": {"value": "x"}}})
    found = claims_of(browser.tokens(scope="openid", claims=claims)["id_token"])
    assert "email" in found
    assert "what_is_this" not in found
    assert found["iss"] == ISSUER


def test_sub_is_pairwise(provider: Provider, browser: Browser) -> None:
    """OpenID Connect Core §8.1: the same within a sector, another one elsewhere."""
    subs = {
        client_id: claims_of(browser.tokens(client_id)["id_token"])["sub"]
        for client_id in ("portal", "sibling", "other")
    }
    assert subs["portal"] == subs["sibling"] != subs["other"]
    again = claims_of(Browser(provider).tokens()["id_token"])["sub"]
    assert again == subs["portal"]
    assert claims_of(Browser(provider).tokens(who=BINH)["id_token"])["sub"] != again


def test_sid_belongs_to_session_and_client(provider: Provider, browser: Browser) -> None:
    """Back-Channel Logout §2.1: portals cannot compare it with each other."""
    first = claims_of(browser.tokens("portal")["id_token"])["sid"]
    assert claims_of(browser.tokens("portal")["id_token"])["sid"] == first
    assert claims_of(browser.tokens("sibling")["id_token"])["sid"] != first
    assert claims_of(Browser(provider).tokens("portal", who=ANH)["id_token"])["sid"] != first


def test_rs256_hashes_and_verifies(provider: Provider, browser: Browser) -> None:
    tokens = browser.tokens("rs256")
    claims = provider.services.id_tokens.read_hint(
        tokens["id_token"], expected_client="rs256", now=provider.now
    )
    assert claims is not None
    assert claims["at_hash"] == half_hash(tokens["access_token"], algorithm="RS256")


def test_a_hint_of_another_issuer_or_kind_is_not_read(provider: Provider, browser: Browser) -> None:
    """OpenID Connect Core §3.1.2.1 id_token_hint: an ID token that we issued."""
    tokens = browser.tokens()
    read = provider.services.id_tokens.read_hint
    assert read(tokens["id_token"], expected_client=None, now=provider.now) is not None
    provider.clock.advance(days=30)
    assert read(tokens["id_token"], expected_client="portal", now=provider.now) is not None
    assert read(tokens["id_token"], expected_client="sibling", now=provider.now) is None
    assert read(tokens["access_token"], expected_client=None, now=provider.now) is None
    signed_info = provider.userinfo(tokens["access_token"]).get_data(as_text=True)
    assert read(signed_info, expected_client=None, now=provider.now) is None
