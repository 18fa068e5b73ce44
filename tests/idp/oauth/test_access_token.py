"""Access tokens: five minutes, one audience, nothing personal."""

from __future__ import annotations

import json

import pytest

from idp.oauth.errors import InvalidToken
from keystore.jose import sign_jwt
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


def test_a_key_that_has_left_the_jwk_set_makes_no_access_token(provider: Provider) -> None:
    """RFC 9068 §4: the signature MUST be that of a key which the issuer publishes.

    Whoever finds an old private half some day must not come in with it; the hint of a logout, which
    opens nothing, may still be as old as it likes (RP-Initiated Logout §2).
    """
    services = provider.services
    old = services.keyring.signing_key("ES256", now=provider.now)
    genuine = services.access_tokens.issue_for_client(
        "portal", scopes=(), audience=None, now=provider.now
    )
    services.keyring.rotate(provider.now)
    provider.clock.advance(days=2)
    issued_at = int(provider.now.timestamp())
    claims = claims_of(genuine) | {"iat": issued_at, "exp": issued_at + 300}
    forged = sign_jwt(claims, key=old, typ="at+jwt")
    with pytest.raises(InvalidToken):
        services.access_tokens.verify(forged, expected_audience=None, now=provider.now)
    hint = sign_jwt(claims, key=old, typ="JWT")
    assert services.id_tokens.read_hint(hint, expected_client=None, now=provider.now)
