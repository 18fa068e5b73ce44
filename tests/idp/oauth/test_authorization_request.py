"""The checks of the authorization request, one by one and in their order."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st

from idp.oauth.authorization_request import (
    CHECKS,
    ReturnAddress,
    check_authorization_request,
)
from idp.oauth.errors import UnauthorizedClient
from idp.oauth.parameters import Parameters
from idp.registration import Registration
from tests.support.provider import ISSUER, Provider, claims_of
from tests.support.provider_browser import Browser
from tests.support.provider_seeds import ANH, API, BINH, FOREIGN_API


def refused_on_a_page(browser: Browser, parameters: dict[str, str] | bytes) -> int:
    """The status of an error page; nothing was redirected."""
    raw = parameters.decode() if isinstance(parameters, bytes) else urlencode(parameters)
    response = browser.http.get(f"/authorize?{raw}", base_url=ISSUER)
    assert "Location" not in response.headers
    assert response.mimetype == "text/html"
    return response.status_code


# -- who asks, and where the answer goes -----------------------------------------------------------


@pytest.mark.parametrize("client_id", ["", "nobody", "portal ", "x" * 5000, "PORTAL"])
def test_an_unknown_client_is_never_redirected_to(browser: Browser, client_id: str) -> None:
    """RFC 6749 §4.1.2.1: MUST NOT automatically redirect to the invalid redirection URI."""
    assert refused_on_a_page(browser, browser.request(client_id=client_id)) == 400


@pytest.mark.parametrize(
    "uri",
    [
        None,
        "https://portal.example/callback/",
        "https://portal.example/callback?x=1",
        "https://portal.example/Callback",
        "https://PORTAL.example/callback",
        "https://portal.example:443/callback",
        "https://portal.example/callback#x",
        "https://portal.example/a/../callback",
        "https://portal.example@evil.example/callback",
        "https://evil.example/callback",
        "http://portal.example/callback",
        "//portal.example/callback",
        "javascript:alert(1)",
        "https://sibling.example/callback",
    ],
)
def test_a_redirect_uri_is_compared_character_by_character(
    browser: Browser, uri: str | None
) -> None:
    """RFC 9700 §4.1.3: exact string matching; OpenID Connect Core §3.1.2.1: it is REQUIRED."""
    assert refused_on_a_page(browser, browser.request(redirect_uri=uri)) == 400


@pytest.mark.parametrize("name", ["client_id", "redirect_uri"])
def test_who_asks_twice_is_shown_a_page(browser: Browser, name: str) -> None:
    """RFC 6749 §3.1: with two of them it is not known where an answer may go."""
    raw = urlencode([*browser.request().items(), (name, "again")])
    assert refused_on_a_page(browser, raw.encode()) == 400


@pytest.mark.parametrize("raw", [b"state=%ff", b"state=%0d%0ax", b"a" * 200 + b"=1"])
def test_what_cannot_be_read_is_shown_a_page(browser: Browser, raw: bytes) -> None:
    status = refused_on_a_page(
        browser, urlencode(browser.request(state=None)).encode() + b"&" + raw
    )
    assert status in {400, 413}


def test_a_disabled_client_is_like_an_unknown_one(provider: Provider, browser: Browser) -> None:
    services = provider.services
    Registration(services.database, registry=services.registry, log=services.log).disable_client(
        "portal", operator="first", now=provider.now
    )
    assert refused_on_a_page(browser, browser.request()) == 400


def test_a_native_app_may_listen_on_any_port(browser: Browser) -> None:
    """RFC 8252 §7.3."""
    landing = browser.sign_in("native", redirect_uri="http://127.0.0.1:51004/callback")
    assert landing.url is not None
    assert landing.url.startswith("http://127.0.0.1:51004/callback?code=")
    landing = browser.sign_in("native", redirect_uri="vn.example.app:/callback")
    assert landing.url is not None
    assert landing.url.startswith("vn.example.app:/callback?code=")


# -- errors that go back to the portal -------------------------------------------------------------


@pytest.mark.parametrize(
    ("changed", "error"),
    [
        ({"response_type": None}, "invalid_request"),
        ({"response_type": "token"}, "unsupported_response_type"),
        ({"response_type": "id_token"}, "unsupported_response_type"),
        ({"response_type": "code id_token"}, "unsupported_response_type"),
        ({"response_mode": "fragment"}, "invalid_request"),
        ({"response_mode": "jwt"}, "invalid_request"),
        ({"scope": None}, "invalid_scope"),
        ({"scope": "profile"}, "invalid_scope"),
        ({"scope": "OpenID"}, "invalid_scope"),
        ({"prompt": "none login"}, "invalid_request"),
        ({"prompt": "create"}, "invalid_request"),
        ({"prompt": "NONE"}, "invalid_request"),
        ({"max_age": "-1"}, "invalid_request"),
        ({"max_age": "1.5"}, "invalid_request"),
        ({"max_age": "٣"}, "invalid_request"),
        ({"max_age": "9" * 11}, "invalid_request"),
        ({"request": "eyJhbGciOiJub25lIn0.e30."}, "request_not_supported"),
        ({"request_uri": "https://portal.example/request"}, "request_uri_not_supported"),
        ({"registration": "{}"}, "registration_not_supported"),
        ({"resource": "https://unknown.example"}, "invalid_target"),
        ({"claims": "{"}, "invalid_request"),
        ({"claims": "[]"}, "invalid_request"),
        ({"claims": '{"userinfo": []}'}, "invalid_request"),
        ({"claims": '{"userinfo": {"email": 1}}'}, "invalid_request"),
        ({"claims": '{"id_token": {"acr": NaN}}'}, "invalid_request"),
        ({"claims": "[" * 4000}, "invalid_request"),
        ({"claims": '{"userinfo":{"a":' * 400}, "invalid_request"),
        ({"id_token_hint": "what-is-this"}, "invalid_request"),
        ({"antin_capacity": "king"}, "invalid_request"),
        ({"antin_capacity": "12345"}, "invalid_request"),
        ({"antin_procedure": "a b"}, "invalid_request"),
        ({"code_challenge": None, "code_challenge_method": None}, "invalid_request"),
    ],
)
def test_each_check_says_no_by_its_own_code(
    browser: Browser, changed: dict[str, str | None], error: str
) -> None:
    """OpenID Connect Core §3.1.2.2, §3.1.2.6; RFC 6749 §4.1.2.1; RFC 8707 §2."""
    landing = browser.authorize(**changed)
    assert landing.error == error
    assert landing.fields["state"] == "st-1"
    assert landing.fields["iss"] == ISSUER
    assert set(landing.fields) == {"error", "error_description", "state", "iss"}


def test_an_error_repeats_nothing_that_was_sent(browser: Browser) -> None:
    landing = browser.authorize(prompt="lap-lanh-secret-word", state="s")
    assert "lap-lanh" not in (landing.url or "")


def test_a_repeated_parameter_is_told_to_the_portal(browser: Browser) -> None:
    """RFC 6749 §3.1, §4.1.2.1."""
    raw = urlencode([*browser.request().items(), ("nonce", "again")])
    landing = browser.get(f"/authorize?{raw}")
    assert landing.error == "invalid_request"
    raw = urlencode([*browser.request().items(), ("state", "again")])
    landing = browser.get(f"/authorize?{raw}")
    assert landing.error == "invalid_request"
    assert "state" not in landing.fields


def test_a_parameter_nobody_knows_is_ignored(browser: Browser) -> None:
    """RFC 6749 §3.1: MUST ignore unrecognized request parameters."""
    assert browser.authorize(what_is_this="1").shows("login-submit")


def test_the_checks_run_in_the_order_of_their_list(browser: Browser) -> None:
    """The tuple reads like OpenID Connect Core §3.1.2.2: the first that says no is told."""
    wrong = {
        "request": "x", "response_type": "token", "scope": "profile", "prompt": "x",
        "max_age": "x", "code_challenge_method": "plain", "claims": "{", "resource": "https://x.example",
        "id_token_hint": "x", "antin_capacity": "x",
    }  # fmt: skip
    expected = (
        "request_not_supported", "unsupported_response_type", "invalid_scope", "invalid_request",
        "invalid_request", "invalid_request", "invalid_request", "invalid_target",
        "invalid_request", "invalid_request",
    )  # fmt: skip
    assert len(CHECKS) == 12
    for error, name in zip(expected, tuple(wrong), strict=True):
        assert browser.authorize(**wrong).error == error, name
        del wrong[name]
    assert browser.authorize(**wrong).shows("login-submit")


def test_a_client_that_may_not_use_the_code_flow_is_told(
    provider: Provider, browser: Browser
) -> None:
    """RFC 6749 §4.1.2.1 unauthorized_client."""
    client = provider.services.registry.find_client("portal", now=provider.now)
    assert client is not None
    without = replace(client, grant_types=frozenset())
    with pytest.raises(UnauthorizedClient):
        check_authorization_request(
            Parameters(browser.request().items()),
            to=ReturnAddress(without, client.redirect_uris[0], "query", None),
            hints=provider.services.hints,
            now=provider.now,
        )


# -- what is left of a request ---------------------------------------------------------------------


def test_scopes_that_are_unknown_or_not_the_clients_are_left_out(browser: Browser) -> None:
    """OpenID Connect Core §3.1.2.1: scope values that are not understood SHOULD be ignored."""
    tokens = browser.tokens("narrow", scope="openid what-is-this profile email identity profile")
    assert tokens["scope"] == "openid profile"


def test_offline_access_is_ignored_where_it_leads_to_no_refresh_token(browser: Browser) -> None:
    """OpenID Connect Core §11."""
    tokens = browser.tokens("narrow", scope="openid offline_access")
    assert tokens["scope"] == "openid"
    assert "refresh_token" not in tokens


@pytest.mark.parametrize(
    "claims",
    [
        {"userinfo": {"email": {"value": 10**30}}},
        {"userinfo": {"email": {"essential": True, "x": {"y": [10**25]}}}},
        {"id_token": {"acr": {"values": [10**25, "urn:vn:auth:1"]}}},
        {"id_token": {"what-is-this": {"value": "x"}}, "elsewhere": {"email": None}},
        {"userinfo": None, "id_token": {"auth_time": {"essential": True}}},
    ],
)
def test_members_of_claims_that_nobody_knows_are_ignored(
    browser: Browser, claims: dict[str, Any]
) -> None:
    """OpenID Connect Core §5.5: members that are not understood MUST be ignored."""
    assert "access_token" in browser.tokens(claims=json.dumps(claims))


def test_claims_that_are_remembered_are_those_we_have(provider: Provider, browser: Browser) -> None:
    asked = {"userinfo": {"email": {"essential": True}, "shoe_size": None}}
    tokens = browser.tokens(scope="openid", claims=json.dumps(asked))
    found = provider.userinfo(tokens["access_token"]).get_json()
    assert set(found) == {"sub", "email"}


def test_long_language_tags_do_not_reach_the_table(provider_on_both: Provider) -> None:
    """A column of PostgreSQL refuses what is too long; RFC 5646 §4.4.1 asks for 35 characters."""
    browser = Browser(provider_on_both)
    tags = " ".join(
        ["vi-" + "x" * 8 + "-abcdefgh" * 40, *["vi-abcdefgh-abcdefgh-abcdefgh-abcdef"] * 9]
    )
    assert "access_token" in browser.tokens(claims_locales=tags, ui_locales=tags)


def test_the_nonce_may_be_long_and_comes_back_unchanged(provider_on_both: Provider) -> None:
    """OpenID Connect Core §2: the value is passed through unmodified."""
    nonce = "ă b+c/" + "n" * 2000
    tokens = Browser(provider_on_both).tokens(nonce=nonce)
    assert claims_of(tokens["id_token"])["nonce"] == nonce


def test_the_nonce_may_be_missing(browser: Browser) -> None:
    """OpenID Connect Core §3.1.2.1: OPTIONAL in the code flow."""
    assert "nonce" not in claims_of(browser.tokens(nonce=None)["id_token"])


def test_an_unknown_display_is_shown_as_a_page(browser: Browser) -> None:
    for display in ("page", "popup", "touch", "wap", "what-is-this"):
        assert browser.authorize(display=display).shows("login-submit")


def test_the_resource_becomes_the_audience(provider: Provider, browser: Browser) -> None:
    """RFC 8707 §2."""
    token = browser.tokens(resource=API)["access_token"]
    assert claims_of(token)["aud"] == API
    assert provider.userinfo(token).status_code == 401
    assert provider.introspect(token)["active"] is True


def test_one_resource_at_a_time(browser: Browser) -> None:
    """RFC 8707 §2: invalid_target when the requested resources cannot be served."""
    raw = urlencode([*browser.request().items(), ("resource", API), ("resource", FOREIGN_API)])
    assert browser.get(f"/authorize?{raw}").error == "invalid_target"


def test_a_resource_of_another_client_is_refused(browser: Browser) -> None:
    assert browser.authorize("sibling", resource=API).error == "invalid_target"


# -- response --------------------------------------------------------------------------------------


def test_the_answer_keeps_the_query_of_the_registered_address(browser: Browser) -> None:
    """RFC 6749 §3.1.2: the query component MUST be retained."""
    uri = "https://portal.example/with?kept=1&also=%20"
    landing = browser.sign_in(redirect_uri=uri)
    assert (landing.url or "").startswith(f"{uri}&code=")


def test_form_post_sends_a_form_and_nothing_in_the_address(browser: Browser) -> None:
    """OAuth 2.0 Form Post Response Mode §2."""
    landing = browser.sign_in(response_mode="form_post")
    assert landing.url == "https://portal.example/callback"
    assert set(landing.fields) == {"code", "state", "iss"}
    assert landing.fields["iss"] == ISSUER
    policy = landing.response.headers["Content-Security-Policy"]
    assert "form-action 'self' https://portal.example;" in policy
    error = browser.authorize(response_mode="form_post", prompt="none", scope="openid email phone")
    assert error.url == "https://portal.example/callback"
    assert error.error == "consent_required"


def test_an_error_honours_form_post_too(browser: Browser) -> None:
    landing = browser.authorize(response_mode="form_post", scope="profile")
    assert (landing.url, landing.error) == ("https://portal.example/callback", "invalid_scope")


@given(state=st.text(st.characters(exclude_categories=["Cs", "Cc"]), min_size=1, max_size=60))
def test_any_state_comes_back_and_breaks_nothing(browser: Browser, state: str) -> None:
    """RFC 6749 §4.1.2: the exact value; nothing of it can become a header or a parameter."""
    landing = browser.authorize(prompt="none", state=state)
    parts = urlsplit(landing.url or "")
    assert parts.netloc == "portal.example"
    pairs = parse_qsl(parts.query, keep_blank_values=True, strict_parsing=True)
    assert dict(pairs)["state"] == state
    assert [name for name, _ in pairs] == ["error", "error_description", "state", "iss"]


# -- whom a hint names -----------------------------------------------------------------------------


def test_a_hint_of_the_person_who_is_signed_in_changes_nothing(browser: Browser) -> None:
    """OpenID Connect Core §3.1.2.1 id_token_hint."""
    hint = browser.tokens()["id_token"]
    assert "code" in browser.authorize(prompt="none", id_token_hint=hint).fields


def test_a_hint_of_somebody_else_asks_for_a_sign_in(provider: Provider, browser: Browser) -> None:
    """OpenID Connect Core §3.1.2.1: otherwise it MUST return an error, such as login_required."""
    other = Browser(provider).tokens(who=BINH)["id_token"]
    browser.tokens(who=ANH)
    assert browser.authorize(prompt="none", id_token_hint=other).error == "login_required"
    landing = browser.authorize(id_token_hint=other)
    assert landing.shows("login-submit")
    assert "code" in browser.answer_all(landing, who=BINH).fields


def test_a_wrong_person_who_signs_in_again_is_told_to_the_portal(
    provider: Provider, browser: Browser
) -> None:
    """OpenID Connect Core §3.1.2.1: MUST return an error, not the same page for ever."""
    other = Browser(provider).tokens(who=BINH)["id_token"]
    landing = browser.authorize(id_token_hint=other)
    assert browser.log_in(landing, who=ANH).error == "login_required"
    assert "code" in browser.sign_in(who=BINH, id_token_hint=other).fields


def test_a_hint_signed_by_a_retired_key_is_taken(provider: Provider, browser: Browser) -> None:
    """OpenID Connect Core §3.1.2.1: the provider need not be listed as an audience, nor live."""
    hint = browser.tokens()["id_token"]
    keyring = provider.services.keyring
    for _ in range(3):
        keyring.rotate(provider.now)
        provider.clock.advance(hours=2)
    keyring.destroy_retired(provider.now)
    assert "code" in browser.authorize(prompt="none", id_token_hint=hint).fields


def test_a_hint_for_another_client_is_refused(provider: Provider, browser: Browser) -> None:
    hint = browser.tokens("sibling")["id_token"]
    assert browser.authorize(id_token_hint=hint).error == "invalid_request"


def test_a_foreign_or_changed_hint_is_refused(provider: Provider, browser: Browser) -> None:
    hint = browser.tokens()["id_token"]
    head, body, signature = hint.split(".")
    foreign = provider.keys["keyed"].sign(claims_of(hint))
    for raw in (f"{head}.{body}.{signature[::-1]}", f"{head}.{body}.", foreign):
        assert browser.authorize(id_token_hint=raw).error == "invalid_request"


def test_an_access_token_is_no_hint(browser: Browser) -> None:
    token = browser.tokens()["access_token"]
    assert browser.authorize(id_token_hint=token).error == "invalid_request"


def sub_claim(sub: str) -> str:
    return json.dumps({"id_token": {"sub": {"value": sub}}})


def test_a_sub_in_claims_names_the_only_person_who_may_answer(
    provider_on_both: Provider,
) -> None:
    """OpenID Connect Core §3.1.2.2, §5.5.1: MUST only answer for that subject."""
    browser = Browser(provider_on_both)
    sub = claims_of(browser.tokens()["id_token"])["sub"]
    assert "code" in browser.authorize(prompt="none", claims=sub_claim(sub)).fields
    for other in ("x", "\x00", "a" * 43, sub.swapcase()):
        landing = browser.authorize(prompt="none", claims=sub_claim(other))
        assert landing.error == "login_required"


def test_a_sub_of_another_sector_names_nobody(provider: Provider, browser: Browser) -> None:
    """OpenID Connect Core §8.1: a pairwise identifier means nothing elsewhere."""
    elsewhere = claims_of(browser.tokens("other")["id_token"])["sub"]
    browser.tokens()
    landing = browser.authorize(prompt="none", claims=sub_claim(elsewhere))
    assert landing.error == "login_required"


def test_hint_and_claims_that_name_two_people_are_refused(
    provider: Provider, browser: Browser
) -> None:
    other = claims_of(Browser(provider).tokens(who=BINH)["id_token"])["sub"]
    hint = browser.tokens()["id_token"]
    landing = browser.authorize(id_token_hint=hint, claims=sub_claim(other))
    assert landing.error == "invalid_request"


# -- by POST ---------------------------------------------------------------------------------------


def test_a_request_by_post_is_kept_and_followed_by_a_redirect(browser: Browser) -> None:
    """OpenID Connect Core §3.1.2.1: MUST support POST; the session cookie only comes by GET."""
    browser.tokens()
    response = browser.http.post("/authorize", base_url=ISSUER, data=browser.request())
    assert response.status_code == 303
    parked = response.headers["Location"]
    assert "portal" not in parked
    assert "code" in browser.get(parked).fields
    assert browser.get(parked).response.status_code == 410


def test_a_wrong_request_by_post_is_refused_at_once(browser: Browser) -> None:
    response = browser.http.post(
        "/authorize", base_url=ISSUER, data=browser.request(scope="profile")
    )
    assert "error=invalid_scope" in response.headers["Location"]
    response = browser.http.post("/authorize", base_url=ISSUER, json=browser.request())
    assert response.status_code == 400
