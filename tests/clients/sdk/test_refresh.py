"""A refresh gives new tokens for the same sign-in, and for no other."""

from __future__ import annotations

from datetime import timedelta

import pytest

from clients.sdk import (
    HttpAnswer,
    IdTokenInvalid,
    NotOffered,
    RefreshedIdTokenInvalid,
    TokenRequestRefused,
)
from tests.clients.sdk.provider import sign_in


def test_a_refresh_gives_new_tokens_for_the_same_person(portal, provider, clock) -> None:
    login = sign_in(portal, provider)
    auth_time = login.claims["auth_time"]
    clock.advance(timedelta(minutes=4))
    provider.spoil_claims = lambda claims: claims.update(auth_time=auth_time)
    newer = portal.refresh(login)
    assert newer.subject == login.subject
    assert newer.tokens.access_token != login.tokens.access_token
    assert newer.tokens.refresh_token != login.tokens.refresh_token
    assert newer.authenticated_at == login.authenticated_at


def test_without_a_new_id_token_the_old_one_goes_on(portal, provider) -> None:
    """OIDC Core §12.2: the response might not contain one."""
    login = sign_in(portal, provider)
    provider.spoil_answer = lambda answer: (answer.pop("id_token"), answer.pop("refresh_token"))
    newer = portal.refresh(login)
    assert newer.claims == login.claims
    assert newer.tokens.id_token == login.tokens.id_token
    assert newer.tokens.refresh_token == login.tokens.refresh_token


@pytest.mark.parametrize(
    ("name", "value"), [("sub", "p-2"), ("auth_time", 1), ("nonce", "another"), ("nonce", None)]
)
def test_a_refresh_that_speaks_of_something_else_is_refused(portal, provider, name, value) -> None:
    """OIDC Core §12.2: `sub`, `auth_time` and `nonce` MUST be the same."""
    login = sign_in(portal, provider)
    provider.spoil_claims = lambda claims: claims.update({name: value})
    with pytest.raises(RefreshedIdTokenInvalid) as caught:
        portal.refresh(login)
    assert caught.value.reason == name


@pytest.mark.parametrize(("name", "step"), [("iss", 2), ("aud", 3)])
def test_a_refresh_for_another_portal_is_refused(portal, provider, name, step) -> None:
    """OIDC Core §12.2: `iss` MUST be the same, `aud` MUST include the original."""
    login = sign_in(portal, provider)
    provider.spoil_claims = lambda claims: claims.update({name: "other"})
    with pytest.raises(IdTokenInvalid) as caught:
        portal.refresh(login)
    assert caught.value.step == step


def test_without_a_refresh_token_there_is_nothing_to_refresh(portal, provider) -> None:
    provider.spoil_answer = lambda answer: answer.pop("refresh_token")
    with pytest.raises(NotOffered):
        portal.refresh(sign_in(portal, provider))


def test_a_spent_refresh_token_ends_the_sign_in(portal, provider) -> None:
    login = sign_in(portal, provider)
    body = b'{"error": "invalid_grant"}'
    provider.answers["token"] = HttpAnswer(status=400, headers={}, body=body)
    with pytest.raises(TokenRequestRefused) as caught:
        portal.refresh(login)
    assert caught.value.error == "invalid_grant"


def test_a_narrower_scope_is_seen(portal, provider) -> None:
    provider.spoil_answer = lambda answer: answer.update(scope="openid profile")
    login = sign_in(portal, provider)
    assert portal.refresh(login).tokens.scope == ("openid", "profile")
    provider.spoil_answer = lambda answer: answer.update(scope="openid")
    assert portal.refresh(login).tokens.scope == ("openid",)
