"""Access tokens: five minutes, one audience, nothing personal."""

from __future__ import annotations

import json

import pytest

from idp.oauth.errors import InvalidToken
from tests.support.pii_alarm import SEEDED, PiiAlarm
from tests.support.provider import ISSUER, Provider, claims_of, header_of
from tests.support.provider_browser import Browser


def test_the_claims_are_those_of_the_profile(browser: Browser) -> None:
    """RFC 9068 §2.1, §2.2."""
    token = browser.tokens()["access_token"]
    header, claims = header_of(token), claims_of(token)
    assert set(header) == {"alg", "typ", "kid"}
    assert (header["alg"], header["typ"]) == ("ES256", "at+jwt")
    assert set(claims) == {
        "iss", "sub", "aud", "client_id", "scope", "iat", "exp", "jti", "auth_time", "acr",
        "grant_id",
    }  # fmt: skip
    assert (claims["iss"], claims["aud"]) == (ISSUER, f"{ISSUER}/userinfo")
    assert claims["client_id"] == "portal"
    assert claims["exp"] - claims["iat"] <= 300


def test_no_personal_data_is_in_any_token(browser: Browser, pii_alarm: PiiAlarm) -> None:
    """Architecture, "Tokens": nothing personal; ID tokens only what was asked for."""
    tokens = browser.tokens(scope="openid profile email phone address identity")
    for name in ("access_token", "id_token"):
        text = json.dumps(claims_of(tokens[name]), ensure_ascii=False)
        assert pii_alarm.kinds_in(text) == []
        assert SEEDED.name not in text


def test_every_token_has_a_name_of_its_own(provider: Provider, browser: Browser) -> None:
    """RFC 9068 §2.2 jti."""
    tokens = browser.tokens()
    again = provider.refresh(tokens["refresh_token"]).get_json()
    assert claims_of(tokens["access_token"])["jti"] != claims_of(again["access_token"])["jti"]


def test_what_is_no_access_token_is_refused(provider: Provider, browser: Browser) -> None:
    """RFC 9068 §4: typ, iss, aud, signature and exp, each MUST be validated."""
    tokens = browser.tokens()
    token = tokens["access_token"]
    verify = provider.services.access_tokens.verify
    head, body, signature = token.split(".")
    foreign = provider.keys["keyed"].sign(claims_of(token), typ="at+jwt")
    wrong = (
        tokens["id_token"],
        foreign,
        f"{head}.{body}.",
        f"{head}.{body}.{signature[:-4]}AAAA",
        "x",
        "",
    )
    for raw in wrong:
        with pytest.raises(InvalidToken):
            verify(raw, expected_audience=None, now=provider.now)
    with pytest.raises(InvalidToken):
        verify(token, expected_audience="https://other.example", now=provider.now)
    verify(token, expected_audience=f"{ISSUER}/userinfo", now=provider.now)
    provider.clock.advance(minutes=6)
    with pytest.raises(InvalidToken):
        verify(token, expected_audience=None, now=provider.now)
