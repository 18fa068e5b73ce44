"""Userinfo speaks of the person of the ID token, or is not used."""

from __future__ import annotations

import pytest
from joserfc.jwk import ECKey

from clients.sdk import (
    AccessTokenRefused,
    HttpAnswer,
    NotOffered,
    ProviderUnavailable,
    UserinfoInvalid,
)
from tests.clients.sdk.provider import CLIENT_ID, ISSUER, make_portal, sign_in
from tests.support.pii_alarm import SEEDED


def signed(provider, **changes) -> HttpAnswer:
    claims = provider.userinfo | {"iss": ISSUER, "aud": CLIENT_ID} | changes
    body = provider.sign(claims).encode()
    return HttpAnswer(status=200, headers={"content-type": "application/jwt"}, body=body)


def refused(portal, provider) -> str:
    with pytest.raises(UserinfoInvalid) as caught:
        portal.userinfo(sign_in(portal, provider))
    return caught.value.reason


def test_the_claims_of_the_person_come_back(portal, provider) -> None:
    login = sign_in(portal, provider)
    assert portal.userinfo(login)["name"] == SEEDED.name
    sent = provider.requests[-1]
    assert sent.headers["Authorization"] == f"Bearer {login.tokens.access_token.reveal()}"
    assert "?" not in sent.url


@pytest.mark.parametrize("sub", ["p-2", None, 1])
def test_another_subject_is_refused(portal, provider, sub) -> None:
    """OIDC Core §5.3.2: `sub` MUST exactly match, or the values MUST NOT be used."""
    provider.userinfo["sub"] = sub
    assert refused(portal, provider) == "sub"


def test_a_signed_answer_is_verified(portal, provider) -> None:
    provider.answers["userinfo"] = signed(provider)
    assert portal.userinfo(sign_in(portal, provider))["name"] == SEEDED.name


def test_a_signed_answer_of_another_key_is_refused(portal, provider) -> None:
    """OIDC Core §5.3.4."""
    good, provider.signer = provider.signer, ("ES256", ECKey.generate_key("P-256"))
    provider.answers["userinfo"] = signed(provider)
    provider.signer = good
    assert refused(portal, provider) == "signature"


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"iss": "https://other.example"}, "issuer"),
        ({"iss": None}, "issuer"),
        ({"aud": "other"}, "audience"),
        ({"aud": [CLIENT_ID, "other"]}, "audience"),
        ({"sub": "p-2"}, "sub"),
    ],
)
def test_a_signed_answer_for_somebody_else_is_refused(portal, provider, changes, reason) -> None:
    """OIDC Core §5.3.2."""
    provider.answers["userinfo"] = signed(provider, **changes)
    assert refused(portal, provider) == reason


@pytest.mark.parametrize(
    ("media_type", "body", "reason"),
    [
        ("text/html", b"{}", "media_type"),
        ("", b"{}", "media_type"),
        ("application/json", b"no", "not_json"),
        ("application/json; charset=utf-8", b"[]", "not_an_object"),
        ("application/jwt", b"\xff", "signature"),
        ("application/jwt", b"a.b.c", "signature"),
    ],
)
def test_what_is_no_userinfo_is_refused(portal, provider, media_type, body, reason) -> None:
    headers = {"content-type": media_type}
    provider.answers["userinfo"] = HttpAnswer(status=200, headers=headers, body=body)
    assert refused(portal, provider) == reason


@pytest.mark.parametrize(
    ("status", "error"),
    [(401, AccessTokenRefused), (403, AccessTokenRefused), (500, ProviderUnavailable)],
)
def test_other_statuses_say_what_to_do(portal, provider, status, error) -> None:
    provider.answers["userinfo"] = HttpAnswer(status=status, headers={}, body=b"")
    with pytest.raises(error):
        portal.userinfo(sign_in(portal, provider))


def test_a_provider_without_userinfo_says_so(provider) -> None:
    del provider.metadata["userinfo_endpoint"]
    portal = make_portal(provider)
    with pytest.raises(NotOffered):
        portal.userinfo(sign_in(portal, provider))
