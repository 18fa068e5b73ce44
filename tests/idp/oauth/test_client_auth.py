"""Who calls: one way per request, the registered one, and one answer to every failure."""

from __future__ import annotations

import base64
import json
from datetime import timedelta
from typing import Any
from urllib.parse import quote_plus

import pytest
from werkzeug.test import TestResponse

from idp.registration import Registration
from tests.support.provider import ISSUER, Provider, assert_error, basic
from tests.support.provider_seeds import SECRET

_GRANT = {"grant_type": "client_credentials"}


def ask(
    provider: Provider,
    form: dict[str, str] | None = None,
    *,
    address: str = "192.0.2.7",
    **headers: str,
) -> TestResponse:
    return provider.post("/token", {**_GRANT, **(form or {})}, headers=headers, address=address)


def raw_basic(pair: str) -> dict[str, str]:
    return {"Authorization": "Basic " + base64.b64encode(pair.encode()).decode()}


# -- secrets ---------------------------------------------------------------------------------------


def test_basic_and_post_open_what_registered_them(provider: Provider) -> None:
    assert ask(provider, **basic("portal")).status_code == 200
    assert ask(provider, {"client_id": "post", "client_secret": SECRET}).status_code == 200


def test_every_failure_reads_alike(provider: Provider) -> None:
    """RFC 6749 §5.2 invalid_client: nobody learns which clients there are."""
    bodies = {
        ask(provider, **headers).get_data(as_text=True)
        for headers in (
            basic("nobody"), basic("portal", "wrong"), basic("post"), basic("keyed"),
            basic("native"), basic("legacy"),
        )
    }  # fmt: skip
    assert len(bodies) == 1
    answer = ask(provider, **basic("portal", "wrong"))
    assert_error(answer, "invalid_client", status=401)
    assert answer.headers["WWW-Authenticate"] == 'Basic realm="token"'


def test_a_failure_without_the_header_has_no_challenge(provider: Provider) -> None:
    """RFC 6749 §5.2: WWW-Authenticate answers the Authorization header."""
    answer = ask(provider, {"client_id": "post", "client_secret": "wrong"})
    assert_error(answer, "invalid_client", status=401)
    assert "WWW-Authenticate" not in answer.headers


def test_two_ways_at_once_are_refused(provider: Provider) -> None:
    """RFC 6749 §2.3: the client MUST NOT use more than one authentication method."""
    secret = {"client_id": "portal", "client_secret": SECRET}
    assert_error(ask(provider, secret, **basic("portal")), "invalid_request")
    assertion = provider.assertion("keyed")
    assert_error(ask(provider, {**assertion, "client_secret": SECRET}), "invalid_request")
    assert_error(ask(provider, assertion, **basic("portal")), "invalid_request")


def test_the_client_id_beside_the_header_has_to_be_the_same(provider: Provider) -> None:
    assert ask(provider, {"client_id": "portal"}, **basic("portal")).status_code == 200
    answer = ask(provider, {"client_id": "sibling"}, **basic("portal"))
    assert_error(answer, "invalid_client", status=401)


def test_the_registered_way_is_the_only_one(provider: Provider) -> None:
    """OpenID Connect Core §9; RFC 7591 §2 token_endpoint_auth_method."""
    for client_id in ("portal", "keyed", "native"):
        form = {"client_id": client_id, "client_secret": SECRET}
        assert_error(ask(provider, form), "invalid_client", status=401)
    assert_error(ask(provider, {"client_id": "portal"}), "invalid_client", status=401)
    assert_error(ask(provider), "invalid_client", status=401)


def test_basic_is_form_encoded_before_it_is_put_together(provider: Provider) -> None:
    """RFC 6749 §2.3.1, Appendix B: `%3A`, `+` and `%2B` mean what they mean in a form."""
    services = provider.services
    registration = Registration(services.database, registry=services.registry, log=services.log)
    secret = registration.rotate_secret(
        "portal", overlap=timedelta(0), operator="first", now=provider.now
    )
    encoded = "".join(f"%{ord(sign):02X}" for sign in secret.raw)
    assert ask(provider, **raw_basic(f"portal:{encoded}")).status_code == 200
    assert ask(provider, **raw_basic(f"%70ortal:{quote_plus(secret.raw)}")).status_code == 200
    assert_error(ask(provider, **raw_basic(f"portal:{secret.raw}+")), "invalid_client", status=401)


@pytest.mark.parametrize(
    "header",
    [
        "Basic", "Basic ", "Basic !!!!", "Basic YQ", "basic", "Bearer x", "Negotiate abc",
        "Basic " + base64.b64encode(b"portal").decode(),
        "Basic " + base64.b64encode(b":").decode(),
        "Basic " + base64.b64encode(b"portal:").decode(),
        "Basic " + base64.b64encode(b"\xff\xfe:x").decode(),
        "Basic " + base64.b64encode(b"portal:%ff").decode(),
        "Basic \xe9\xe9", "Basic cG9ydGFs, Basic cG9ydGFs",
    ],
)  # fmt: skip
def test_a_broken_header_is_refused_and_breaks_nothing(provider: Provider, header: str) -> None:
    """RFC 7617 §2."""
    assert_error(ask(provider, Authorization=header), "invalid_client", status=401)


def test_two_secrets_live_while_one_is_replaced(provider: Provider) -> None:
    services = provider.services
    registration = Registration(services.database, registry=services.registry, log=services.log)
    new = registration.rotate_secret(
        "portal", overlap=timedelta(hours=1), operator="first", now=provider.now
    )
    assert ask(provider, **basic("portal")).status_code == 200
    assert ask(provider, **basic("portal", new.raw)).status_code == 200
    provider.clock.advance(hours=1)
    assert_error(ask(provider, **basic("portal")), "invalid_client", status=401)
    assert ask(provider, **basic("portal", new.raw)).status_code == 200


def test_a_disabled_client_is_refused_at_once(provider: Provider) -> None:
    services = provider.services
    registration = Registration(services.database, registry=services.registry, log=services.log)
    registration.disable_client("portal", operator="first", now=provider.now)
    assert_error(ask(provider, **basic("portal")), "invalid_client", status=401)


def test_a_legacy_client_calls_from_where_it_said(provider: Provider) -> None:
    form = {"client_id": "legacy", "client_secret": SECRET}
    from_inside = ask(provider, form, address="192.0.2.200")
    assert_error(from_inside, "unauthorized_client")  # it has no client credentials, but is known
    for address in ("198.51.100.7", "2001:db8::7", "not an address"):
        assert_error(ask(provider, form, address=address), "invalid_client", status=401)
    spoofed = ask(provider, form, address="198.51.100.7", **{"X-Forwarded-For": "192.0.2.9"})
    assert_error(spoofed, "invalid_client", status=401)


# -- private_key_jwt -------------------------------------------------------------------------------


def test_an_assertion_opens_with_issuer_or_token_endpoint_as_audience(provider: Provider) -> None:
    """OpenID Connect Core §9; RFC 7523 §3; issuer alone for FAPI 2.0 §5.3.2.1."""
    for audience in (ISSUER, f"{ISSUER}/token"):
        assert ask(provider, provider.assertion("keyed", aud=audience)).status_code == 200
    assert ask(provider, provider.assertion("fapi")).status_code == 200
    answer = ask(provider, provider.assertion("fapi", aud=f"{ISSUER}/token"))
    assert_error(answer, "invalid_client", status=401)


@pytest.mark.parametrize(
    "changed",
    [
        {"aud": [ISSUER]},
        {"aud": [ISSUER, "https://other.example"]},
        {"aud": "https://other.example"},
        {"aud": ISSUER + "/"},
        {"aud": None},
        {"aud": 1},
        {"iss": "fapi"},
        {"iss": "nobody"},
        {"iss": None},
        {"iss": 7},
        {"sub": "fapi"},
        {"sub": None},
        {"jti": None},
        {"exp": None},
        {"exp": "soon"},
        {"exp": True},
        {"exp": 1},
        {"exp": 99_999_999_999},
        {"nbf": 99_999_999_999},
        {"iat": 99_999_999_999},
    ],
)
def test_an_assertion_with_a_wrong_claim_is_refused(
    provider: Provider, changed: dict[str, Any]
) -> None:
    """RFC 7523 §3 points 1 to 7; a list as audience lets one server replay it at another."""
    answer = ask(provider, provider.assertion("keyed", **changed))
    assert_error(answer, "invalid_client", status=401)


@pytest.mark.parametrize("exp", ["NaN", "Infinity", "-Infinity", "1e400", "1e18"])
def test_an_expiry_that_is_no_time_is_refused(provider: Provider, exp: str) -> None:
    """RFC 7519 §2 NumericDate.  joserfc up to 1.7.4 took NaN and Infinity (style §3.7)."""
    now_s = int(provider.now.timestamp())
    claims = json.dumps(
        {"iss": "keyed", "sub": "keyed", "aud": ISSUER, "iat": now_s, "jti": "j", "exp": 0}
    ).replace('"exp": 0', f'"exp": {exp}')
    form = provider.assertion("keyed")
    form["client_assertion"] = provider.keys["keyed"].sign(claims)
    assert_error(ask(provider, form), "invalid_client", status=401)


@pytest.mark.parametrize("payload", ["[]", '["a"]', '"text"', "null", "1", "", "{"])
def test_a_payload_that_is_no_object_is_refused(provider: Provider, payload: str) -> None:
    """RFC 7519 §7.2.  joserfc up to 1.7.4 died of a list (style §3.7)."""
    form = provider.assertion("keyed")
    form["client_assertion"] = provider.keys["keyed"].sign(payload)
    assert_error(ask(provider, form), "invalid_client", status=401)


@pytest.mark.parametrize(
    "header", [{"alg": "none"}, {"alg": "HS256"}, {"alg": "RS256"}, {"crit": ["x"]}]
)
def test_another_algorithm_than_the_keys_is_refused(
    provider: Provider, header: dict[str, Any]
) -> None:
    """RFC 8725 §3.1, §3.2; RFC 7515 §4.1.11 crit."""
    form = provider.assertion("keyed")
    now_s = int(provider.now.timestamp())
    claims = {"iss": "keyed", "sub": "keyed", "aud": ISSUER, "exp": now_s + 60, "jti": "j"}
    signed = provider.keys["keyed"].sign(claims, **header)
    for raw in (signed, signed.rpartition(".")[0] + "."):
        form["client_assertion"] = raw
        assert_error(ask(provider, form), "invalid_client", status=401)


def test_the_key_of_another_client_is_refused(provider: Provider) -> None:
    form = provider.assertion("keyed")
    now_s = int(provider.now.timestamp())
    claims = {"iss": "keyed", "sub": "keyed", "aud": ISSUER, "exp": now_s + 60, "jti": "j"}
    form["client_assertion"] = provider.keys["fapi"].sign(claims)
    assert_error(ask(provider, form), "invalid_client", status=401)


def test_an_assertion_is_taken_once(provider_on_both: Provider) -> None:
    """RFC 7523 §3 point 7 jti; OpenID Connect Core §9: MUST be used once."""
    provider = provider_on_both
    form = provider.assertion("keyed")
    assert ask(provider, form).status_code == 200
    assert_error(ask(provider, form), "invalid_client", status=401)
    provider.clock.advance(seconds=89)  # still within expiry and leeway
    assert_error(ask(provider, form), "invalid_client", status=401)


def test_the_type_of_an_assertion_is_named(provider: Provider) -> None:
    """RFC 7523 §2.2."""
    form = provider.assertion("keyed")
    form["client_assertion_type"] = "urn:ietf:params:oauth:client-assertion-type:saml2-bearer"
    assert_error(ask(provider, form), "invalid_request")
    del form["client_assertion_type"]
    assert_error(ask(provider, form), "invalid_request")


def test_somebody_elses_client_id_beside_an_assertion_is_refused(provider: Provider) -> None:
    form = provider.assertion("keyed")
    assert_error(ask(provider, {**form, "client_id": "portal"}), "invalid_client", status=401)


def test_an_expired_assertion_has_half_a_minute_for_clocks(provider: Provider) -> None:
    now_s = int(provider.now.timestamp())
    assert ask(provider, provider.assertion("keyed", exp=now_s - 29)).status_code == 200
    answer = ask(provider, provider.assertion("keyed", exp=now_s - 31))
    assert_error(answer, "invalid_client", status=401)
