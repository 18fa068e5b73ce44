"""Userinfo: one token, sent in one way, and what its grant gives."""

from __future__ import annotations

from urllib.parse import urlencode

import pytest
from werkzeug.test import TestResponse

from idp.accounts.lifecycle import AccountLifecycle
from tests.support.pii_alarm import SEEDED
from tests.support.provider import ISSUER, Provider, claims_of, header_of
from tests.support.provider_browser import Browser
from tests.support.provider_seeds import ANH

_ALL = "openid profile email phone address identity"


def refused(
    answer: TestResponse, *, status: int = 401, error: str | None = "invalid_token"
) -> None:
    """RFC 6750 §3: the challenge."""
    assert answer.status_code == status
    challenge = answer.headers["WWW-Authenticate"]
    assert challenge.startswith("Bearer")
    assert ("error=" in challenge) == (error is not None)
    if error is not None:
        assert f'error="{error}"' in challenge
    assert answer.headers["Cache-Control"] == "no-store"


def test_the_claims_of_every_scope(provider_on_both: Provider) -> None:
    """OpenID Connect Core §5.1, §5.3.2, §5.4."""
    tokens = Browser(provider_on_both).tokens(scope=_ALL)
    answer = provider_on_both.userinfo(tokens["access_token"])
    assert answer.mimetype == "application/json"
    found = answer.get_json()
    assert found["sub"] == claims_of(tokens["id_token"])["sub"]
    assert found["name"] == SEEDED.name
    assert found["family_name"] == SEEDED.name.split()[0]
    assert found["given_name"] == SEEDED.name.split()[-1]
    assert found["birthdate"] == SEEDED.birth_date
    assert (found["email"], found["email_verified"]) == (SEEDED.email, True)
    assert (found["phone_number"], found["phone_number_verified"]) == (SEEDED.phone, False)
    assert found["address"] == {"formatted": SEEDED.address, "country": "VN"}
    assert found["personal_id_number"] == SEEDED.citizen_number
    assert isinstance(found["updated_at"], int)
    assert "passport_number" not in found, "what is not known is left out: §5.3.2"
    assert "org" not in found


def test_only_what_was_granted_is_said(provider: Provider, browser: Browser) -> None:
    token = browser.tokens(scope="openid")["access_token"]
    assert set(provider.userinfo(token).get_json()) == {"sub"}


def ask(provider: Provider, method: str, **options: object) -> TestResponse:
    return provider.http.open("/userinfo", method=method, base_url=ISSUER, **options)


def test_header_and_body_are_taken_by_get_and_post(provider: Provider, browser: Browser) -> None:
    """OpenID Connect Core §5.3.1: GET and POST; RFC 6750 §2.1, §2.2."""
    token = browser.tokens()["access_token"]
    header = {"Authorization": f"Bearer {token}"}
    assert ask(provider, "GET", headers=header).status_code == 200
    assert ask(provider, "GET", headers={"Authorization": f"bearer {token}"}).status_code == 200
    assert ask(provider, "POST", headers=header).status_code == 200
    assert ask(provider, "POST", data={"access_token": token}).status_code == 200


def test_a_token_in_the_query_is_not_taken(provider: Provider, browser: Browser) -> None:
    """RFC 9700 §4.3.2: MUST NOT be passed in URI query parameters."""
    token = browser.tokens()["access_token"]
    refused(ask(provider, "GET", query_string={"access_token": token}), error=None)


def test_two_tokens_are_refused(provider: Provider, browser: Browser) -> None:
    """RFC 6750 §2: MUST NOT use more than one method in each request."""
    token = browser.tokens()["access_token"]
    header = {"Authorization": f"Bearer {token}"}
    answer = ask(provider, "POST", headers=header, data={"access_token": token})
    refused(answer, status=400, error="invalid_request")
    raw = urlencode([("access_token", token), ("access_token", token)]).encode()
    answer = ask(provider, "POST", data=raw, content_type="application/x-www-form-urlencoded")
    refused(answer, status=400, error="invalid_request")


def test_no_token_is_told_how_and_nothing_else(provider: Provider) -> None:
    """RFC 6750 §3.1: without authentication information no error code is given."""
    for method in ("GET", "POST"):
        refused(ask(provider, method), error=None)


@pytest.mark.parametrize(
    "header", ["Bearer", "Bearer ", "Bearer x", "Bearer a.b.c", "Basic cG9ydGFs", "Bearer \xe9"]
)
def test_what_is_no_token_is_refused(provider: Provider, header: str) -> None:
    """RFC 6750 §3.1 invalid_token."""
    refused(ask(provider, "GET", headers={"Authorization": header}))


def test_other_tokens_of_ours_are_refused(provider: Provider, browser: Browser) -> None:
    """RFC 9068 §4: the audience and the type decide."""
    tokens = browser.tokens()
    for name in ("id_token", "refresh_token"):
        refused(provider.userinfo(tokens[name]))
    of_a_client = provider.token("portal", grant_type="client_credentials").get_json()
    refused(provider.userinfo(of_a_client["access_token"]))


def test_an_expired_token_is_refused(provider: Provider, browser: Browser) -> None:
    token = browser.tokens()["access_token"]
    provider.clock.advance(seconds=331)
    refused(provider.userinfo(token))


def test_a_revoked_token_is_refused_at_once(provider_on_both: Provider) -> None:
    """Architecture, "State": at most five seconds stale, dropped on write."""
    provider = provider_on_both
    token = Browser(provider).tokens()["access_token"]
    assert provider.userinfo(token).status_code == 200
    assert provider.revoke(token).status_code == 200
    refused(provider.userinfo(token))


def test_what_changed_elsewhere_is_seen_after_five_seconds(provider_on_both: Provider) -> None:
    provider = provider_on_both
    token = Browser(provider).tokens()["access_token"]
    assert provider.userinfo(token).status_code == 200
    services = provider.services
    lifecycle = AccountLifecycle(services.database, sealer=services.sealer, log=services.log)
    lifecycle.lock(ANH.account_id, reason="test", now=provider.now)
    provider.clock.advance(seconds=5)
    refused(provider.userinfo(token))


def test_a_client_that_registered_so_gets_a_signed_answer(
    provider: Provider, browser: Browser
) -> None:
    """OpenID Connect Core §5.3.2: signed, it MUST contain iss and aud."""
    tokens = browser.tokens("rs256", scope="openid email")
    answer = provider.userinfo(tokens["access_token"])
    assert answer.mimetype == "application/jwt"
    raw = answer.get_data(as_text=True)
    assert header_of(raw)["alg"] == "RS256"
    found = claims_of(raw)
    assert (found["iss"], found["aud"]) == (ISSUER, "rs256")
    assert found["sub"] == claims_of(tokens["id_token"])["sub"]
    assert found["email"] == SEEDED.email


def test_pages_of_other_origins_may_ask(provider: Provider) -> None:
    """OpenID Connect Core §5.3: CORS SHOULD be supported; no cookie is ever read here."""
    answer = ask(provider, "OPTIONS")
    assert answer.status_code == 204
    assert "Authorization" in answer.headers["Access-Control-Allow-Headers"]
    assert "Access-Control-Allow-Credentials" not in answer.headers


def test_a_body_that_cannot_be_read_is_refused(provider: Provider) -> None:
    answer = ask(
        provider, "POST", data=b"access_token=%ff", content_type="application/x-www-form-urlencoded"
    )
    refused(answer, status=400, error="invalid_request")
