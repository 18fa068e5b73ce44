"""A token that was verified once is not verified again; it never counts for more than it did."""

from __future__ import annotations

import pytest

from idp.oauth import access_token
from idp.oauth.errors import InvalidToken
from tests.support.provider import ISSUER, Provider
from tests.support.provider_browser import Browser


def test_a_known_token_costs_no_second_verification(
    provider: Provider, browser: Browser, monkeypatch: pytest.MonkeyPatch
) -> None:
    tokens = provider.services.access_tokens
    raw = browser.tokens()["access_token"]
    first = tokens.verify(raw, expected_audience=None, now=provider.now)
    monkeypatch.delattr(access_token, "verify_jwt")
    assert tokens.verify(raw, expected_audience=f"{ISSUER}/userinfo", now=provider.now) is first


def test_a_known_token_expires_like_any_other(provider: Provider, browser: Browser) -> None:
    """RFC 9068 §4: the current time MUST be before exp."""
    tokens = provider.services.access_tokens
    raw = browser.tokens()["access_token"]
    tokens.verify(raw, expected_audience=None, now=provider.now)
    provider.clock.advance(minutes=6)
    with pytest.raises(InvalidToken):
        tokens.verify(raw, expected_audience=None, now=provider.now)


def test_a_known_token_is_for_its_own_audience_only(provider: Provider, browser: Browser) -> None:
    """RFC 9068 §4: the token MUST be rejected if aud does not name the resource server."""
    tokens = provider.services.access_tokens
    raw = browser.tokens()["access_token"]
    tokens.verify(raw, expected_audience=None, now=provider.now)
    with pytest.raises(InvalidToken):
        tokens.verify(raw, expected_audience="https://other.example", now=provider.now)


def test_another_signature_under_known_claims_is_refused(
    provider: Provider, browser: Browser
) -> None:
    """RFC 7515 §5.2: the signature of what was sent is what counts."""
    tokens = provider.services.access_tokens
    raw = browser.tokens()["access_token"]
    tokens.verify(raw, expected_audience=None, now=provider.now)
    head, _, signature = raw.rpartition(".")
    with pytest.raises(InvalidToken):
        tokens.verify(f"{head}.{signature[::-1]}", expected_audience=None, now=provider.now)


def test_only_so_many_tokens_are_remembered(
    provider: Provider, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(access_token, "_MOST_REMEMBERED", 8)
    tokens = provider.services.access_tokens
    for _ in range(20):
        raw = tokens.issue_for_client("portal", scopes=(), audience=None, now=provider.now)
        tokens.verify(raw, expected_audience=None, now=provider.now)
    assert len(tokens._remembered) == 8
