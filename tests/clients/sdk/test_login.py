"""The way out to the provider, and the judgement of what the browser brings back."""

from __future__ import annotations

import base64
import json
from datetime import timedelta
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from joserfc import jwt
from joserfc.jwk import ECKey

from clients.sdk import (
    AuthorizationRefused,
    HttpAnswer,
    IssuerMismatch,
    LoginExpired,
    PendingLogin,
    ProviderUnavailable,
    ResponseMalformed,
    StateMismatch,
    TokenAnswerMalformed,
    TokenRequestRefused,
)
from tests.clients.sdk.provider import CLIENT_ID, ISSUER, REDIRECT_URI, make_portal, sign_in
from tests.support.pii_alarm import SEEDED


def asked(url: str) -> dict[str, str]:
    return {name: values[0] for name, values in parse_qs(urlsplit(url).query).items()}


def test_a_plain_request_has_what_every_request_needs(portal) -> None:
    """OIDC Core §3.1.2.1; RFC 7636 §4.3: S256, never plain."""
    parameters = asked(portal.start_login().url)
    assert parameters | {"state": "", "nonce": "", "code_challenge": ""} == {
        "response_type": "code",
        "client_id": CLIENT_ID,
        "redirect_uri": REDIRECT_URI,
        "scope": "openid",
        "state": "",
        "nonce": "",
        "code_challenge": "",
        "code_challenge_method": "S256",
    }
    assert len({parameters[name] for name in ("state", "nonce", "code_challenge")}) == 3
    assert all(len(parameters[name]) == 43 for name in ("state", "nonce", "code_challenge"))


def test_no_two_sign_ins_share_anything_random(portal) -> None:
    first, second = portal.start_login().state_to_keep, portal.start_login().state_to_keep
    assert first.state != second.state
    assert first.nonce != second.nonce
    assert first.code_verifier != second.code_verifier


def test_every_wish_is_sent_under_its_name(portal) -> None:
    started = portal.start_login(
        scope=["profile", "email"],
        acr_values=["urn:vn:auth:2"],
        claims={"userinfo": {"name": {"essential": True}}},
        prompt=["login", "consent"],
        max_age=timedelta(minutes=5),
        login_hint="a",
        ui_locales=["en", "vi"],
        resource="https://api.example",
        capacity="organisation",
    )
    parameters = asked(started.url)
    assert parameters["scope"] == "openid profile email"
    assert parameters["acr_values"] == "urn:vn:auth:2"
    assert json.loads(parameters["claims"]) == {"userinfo": {"name": {"essential": True}}}
    assert parameters["prompt"] == "login consent"
    assert parameters["max_age"] == "300"
    assert parameters["login_hint"] == "a"
    assert parameters["ui_locales"] == "en vi"
    assert parameters["resource"] == "https://api.example"
    assert parameters["antin_capacity"] == "organisation"


def test_an_essential_level_joins_the_claims_asked_for(portal) -> None:
    """OIDC Core §5.5.1.1."""
    url = portal.start_login(
        acr_values=["urn:vn:auth:2"],
        is_acr_essential=True,
        claims={"id_token": {"auth_time": {"essential": True}}},
    ).url
    assert json.loads(asked(url)["claims"])["id_token"] == {
        "auth_time": {"essential": True},
        "acr": {"essential": True, "values": ["urn:vn:auth:2"]},
    }


def test_max_age_zero_is_a_wish_too(portal) -> None:
    assert asked(portal.start_login(max_age=timedelta(0)).url)["max_age"] == "0"


def test_an_endpoint_with_a_query_of_its_own_keeps_it(portal, provider) -> None:
    """RFC 6749 §3.1."""
    provider.metadata["authorization_endpoint"] += "?tenant=vn"
    assert asked(portal.start_login().url)["tenant"] == "vn"


def test_what_is_kept_survives_being_written_down(portal, provider) -> None:
    started = portal.start_login(acr_values=["urn:vn:auth:2"], max_age=timedelta(minutes=1))
    kept = PendingLogin.from_json(started.state_to_keep.to_json())
    assert kept == started.state_to_keep
    assert portal.finish_login(provider.authorize(started.url), kept).subject == "p-1"


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"state": "a"}', '{"acr_values": 7}'])
def test_what_was_not_kept_by_us_is_refused(text: str) -> None:
    with pytest.raises(ResponseMalformed):
        PendingLogin.from_json(text)


def test_secrets_are_in_no_repr(portal, provider) -> None:
    started = portal.start_login()
    login = portal.finish_login(provider.authorize(started.url), started.state_to_keep)
    shown = repr((started, login, provider.requests))
    for secret in (
        started.state_to_keep.code_verifier,
        started.state_to_keep.state,
        login.tokens.access_token.reveal(),
        login.tokens.id_token.reveal(),
        SEEDED.client_secret,
    ):
        assert secret not in shown


@pytest.mark.parametrize("state", ["", "other", "ü", "\udc80"])
def test_a_foreign_state_is_refused(portal, provider, state: str) -> None:
    """RFC 6749 §10.12."""
    started = portal.start_login()
    with pytest.raises(StateMismatch):
        portal.finish_login(provider.authorize(started.url, state=state), started.state_to_keep)
    assert provider.count("token") == 0


def test_a_response_to_another_tab_is_not_taken_for_this_one(portal, provider) -> None:
    first, second = portal.start_login(), portal.start_login()
    with pytest.raises(StateMismatch):
        portal.finish_login(provider.authorize(second.url), first.state_to_keep)


@pytest.mark.parametrize("iss", ["https://attacker.example", ISSUER + "/", ""])
def test_a_response_of_another_provider_is_refused(portal, provider, iss: str) -> None:
    """RFC 9207 §2.4: mix-up; the code goes nowhere."""
    started = portal.start_login()
    with pytest.raises(IssuerMismatch):
        portal.finish_login(provider.authorize(started.url, iss=iss), started.state_to_keep)
    assert provider.count("token") == 0


def test_a_response_without_iss_is_refused_when_the_provider_sends_it(portal, provider) -> None:
    """RFC 9207 §2.4."""
    started = portal.start_login()
    response = provider.authorize(started.url)
    del response["iss"]
    with pytest.raises(IssuerMismatch):
        portal.finish_login(response, started.state_to_keep)


def test_a_provider_that_does_not_send_iss_is_taken_without(portal, provider) -> None:
    provider.metadata["authorization_response_iss_parameter_supported"] = False
    started = portal.start_login()
    response = provider.authorize(started.url)
    del response["iss"]
    assert portal.finish_login(response, started.state_to_keep).subject == "p-1"


@pytest.mark.parametrize("name", ["state", "code", "iss", "error", "foreign"])
def test_a_repeated_parameter_is_refused(portal, provider, name: str) -> None:
    """RFC 6749 §3.1: MUST NOT be included more than once."""
    started = portal.start_login()
    pairs = [*provider.authorize(started.url).items(), (name, "x"), (name, "x")]
    with pytest.raises(ResponseMalformed):
        portal.finish_login(pairs, started.state_to_keep)


def test_a_refusal_carries_the_code_of_the_protocol(portal) -> None:
    """RFC 6749 §4.1.2.1."""
    started = portal.start_login()
    response = {"error": "access_denied", "state": started.state_to_keep.state, "iss": ISSUER}
    with pytest.raises(AuthorizationRefused) as caught:
        portal.finish_login(response, started.state_to_keep)
    assert caught.value.error == "access_denied"


def test_a_refusal_of_a_stranger_is_no_refusal(portal) -> None:
    started = portal.start_login()
    with pytest.raises(StateMismatch):
        portal.finish_login({"error": "access_denied", "state": "x"}, started.state_to_keep)


def test_text_of_strangers_does_not_get_into_the_error(portal) -> None:
    started = portal.start_login()
    response = {"error": "<b>\n", "state": started.state_to_keep.state, "iss": ISSUER}
    with pytest.raises(AuthorizationRefused) as caught:
        portal.finish_login(response, started.state_to_keep)
    assert str(caught.value) == "unknown_error"


def test_a_response_without_code_and_error_is_refused(portal) -> None:
    started = portal.start_login()
    with pytest.raises(ResponseMalformed):
        portal.finish_login(
            {"state": started.state_to_keep.state, "iss": ISSUER}, started.state_to_keep
        )


def test_a_sign_in_that_took_too_long_has_to_start_again(portal, provider, clock) -> None:
    started = portal.start_login()
    clock.advance(timedelta(hours=1, seconds=1))
    with pytest.raises(LoginExpired):
        portal.finish_login(provider.authorize(started.url), started.state_to_keep)


def test_a_code_used_twice_is_refused_by_the_provider(portal, provider) -> None:
    started = portal.start_login()
    response = provider.authorize(started.url)
    portal.finish_login(response, started.state_to_keep)
    with pytest.raises(TokenRequestRefused) as caught:
        portal.finish_login(response, started.state_to_keep)
    assert (caught.value.error, caught.value.status) == ("invalid_grant", 400)


def token_form(provider: Any) -> dict[str, str]:
    request = next(request for request in provider.requests if request.where == "token")
    return {name: values[0] for name, values in parse_qs((request.body or b"").decode()).items()}


def test_the_resource_asked_for_is_named_at_the_token_endpoint_too(portal, provider) -> None:
    """RFC 8707 §2.2."""
    sign_in(portal, provider, resource="https://api.example")
    assert token_form(provider)["resource"] == "https://api.example"


def test_client_secret_basic_encodes_both_halves(provider) -> None:
    """RFC 6749 §2.3.1."""
    portal = make_portal(provider, client_id="a:b", client_secret="c d+%")
    provider.spoil_claims = lambda claims: claims.update(aud="a:b")
    sign_in(portal, provider)
    request = next(request for request in provider.requests if request.where == "token")
    encoded = request.headers["Authorization"].removeprefix("Basic ")
    assert base64.b64decode(encoded) == b"a%3Ab:c+d%2B%25"
    assert "client_secret" not in token_form(provider)


def test_client_secret_post_puts_it_into_the_body(provider) -> None:
    sign_in(make_portal(provider, token_endpoint_auth_method="client_secret_post"), provider)
    assert token_form(provider)["client_secret"] == SEEDED.client_secret


def test_a_public_client_only_says_who_it_is(provider) -> None:
    sign_in(make_portal(provider, client_secret=None), provider)
    form = token_form(provider)
    assert form["client_id"] == CLIENT_ID
    assert "client_secret" not in form


@pytest.mark.parametrize("form", ["pem", "jwk"])
def test_private_key_jwt_is_for_the_issuer_alone_and_short(provider, clock, form: str) -> None:
    """OIDC Core §9; RFC 7523 §3; the audience is no list."""
    key = ECKey.generate_key("P-256", {"kid": "mine"})
    given = key.as_pem(private=True) if form == "pem" else key.as_dict(private=True)
    sign_in(make_portal(provider, client_secret=None, private_key=given), provider)
    sent = token_form(provider)
    assert sent["client_assertion_type"].endswith(":jwt-bearer")
    token = jwt.decode(sent["client_assertion"], key, algorithms=["ES256"])
    now_s = int(clock().timestamp())
    assert token.header.get("kid") == ("mine" if form == "jwk" else None)
    assert token.claims.pop("jti")
    assert token.claims == {
        "iss": CLIENT_ID,
        "sub": CLIENT_ID,
        "aud": ISSUER,
        "iat": now_s,
        "exp": now_s + 60,
    }


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"access_token": ""}, "access_token"),
        ({"access_token": 7}, "access_token"),
        ({"access_token": "đ"}, "access_token"),
        ({"token_type": "DPoP"}, "token_type"),
        ({"token_type": None}, "token_type"),
        ({"id_token": None}, "id_token"),
        ({"id_token": ""}, "id_token"),
    ],
)
def test_a_token_answer_with_a_fault_is_refused(portal, provider, change, reason) -> None:
    """RFC 6749 §5.1, §7.1; OIDC Core §3.1.3.3."""
    provider.spoil_answer = lambda answer: answer.update(change)
    with pytest.raises(TokenAnswerMalformed) as caught:
        sign_in(portal, provider)
    assert caught.value.reason == reason


def test_the_token_type_is_read_without_regard_to_case(portal, provider) -> None:
    """OIDC Core §3.1.3.3; RFC 6749 §5.1: case insensitive."""
    provider.spoil_answer = lambda answer: answer.update(token_type="bEARER")
    assert sign_in(portal, provider).subject == "p-1"


@pytest.mark.parametrize("expires_in", [None, "300", True, -1, 10**40])
def test_a_strange_lifetime_does_no_harm(portal, provider, expires_in) -> None:
    provider.spoil_answer = lambda answer: answer.update(expires_in=expires_in)
    expires_at = sign_in(portal, provider).tokens.expires_at
    assert expires_at is None or expires_at > provider.clock()


@pytest.mark.parametrize("body", [b"", b"<html>", b"[]", b"\xff\xfe"])
def test_a_200_that_is_no_token_answer_is_refused(portal, provider, body: bytes) -> None:
    provider.answers["token"] = HttpAnswer(status=200, headers={}, body=body)
    with pytest.raises(TokenAnswerMalformed):
        sign_in(portal, provider)


@pytest.mark.parametrize("body", [b"", b"[]", b'{"error": "<script>"}', b'{"error": 7}'])
def test_a_refusal_without_a_code_is_still_a_refusal(portal, provider, body: bytes) -> None:
    provider.answers["token"] = HttpAnswer(status=400, headers={}, body=body)
    with pytest.raises(TokenRequestRefused) as caught:
        sign_in(portal, provider)
    assert caught.value.error == "unknown_error"


@pytest.mark.parametrize("status", [429, 500, 503])
def test_a_provider_in_trouble_is_unavailable(portal, provider, status: int) -> None:
    provider.answers["token"] = HttpAnswer(status=status, headers={}, body=b"{}")
    with pytest.raises(ProviderUnavailable):
        sign_in(portal, provider)
