"""The discovery documents: all members, and what is listed works."""

from __future__ import annotations

from typing import Any

import pytest
from werkzeug.test import Client

from idp.oauth.discovery import discovery_members
from idp.web.front import Front
from tests.support.provider import ISSUER, Provider, claims_of, header_of
from tests.support.provider_browser import Browser

_REQUIRED = (
    "issuer", "authorization_endpoint", "token_endpoint", "jwks_uri", "response_types_supported",
    "subject_types_supported", "id_token_signing_alg_values_supported",
)  # fmt: skip


@pytest.fixture
def members() -> dict[str, Any]:
    return discovery_members(ISSUER)


def test_the_required_members_are_there(members: dict[str, Any]) -> None:
    """OpenID Connect Discovery §3; RFC 8414 §2."""
    assert all(name in members for name in _REQUIRED)
    assert members["issuer"] == ISSUER
    assert "RS256" in members["id_token_signing_alg_values_supported"]
    assert "none" not in members["id_token_signing_alg_values_supported"]
    assert members["authorization_response_iss_parameter_supported"] is True
    assert members["code_challenge_methods_supported"] == ["S256"]
    assert members["claims_parameter_supported"] is True
    assert members["request_uri_parameter_supported"] is False, "its default is true: §3"
    assert members["backchannel_logout_session_supported"] is True


def test_every_address_that_is_listed_is_answered(
    provider: Provider, members: dict[str, Any]
) -> None:
    client = Client(Front(provider.app, services=provider.services))
    for name, url in members.items():
        if not (name.endswith(("_endpoint", "_uri")) or name == "service_documentation"):
            continue
        assert url.startswith(f"{ISSUER}/")
        path = url.removeprefix(ISSUER)
        statuses = {
            client.open(path, method=method, base_url=ISSUER).status_code
            for method in ("GET", "POST")
        }
        assert statuses != {404}, name


def test_what_is_listed_works(provider: Provider, members: dict[str, Any]) -> None:
    for mode in members["response_modes_supported"]:
        assert "code" in Browser(provider).sign_in(response_mode=mode).fields
    for acr in members["acr_values_supported"]:
        tokens = Browser(provider).tokens(acr_values=acr)
        assert claims_of(tokens["id_token"])["acr"] == acr
    for prompt in members["prompt_values_supported"]:
        landing = Browser(provider).authorize(prompt=prompt)
        assert landing.fields.get("error") in {None, "login_required"}
    for display in members["display_values_supported"]:
        assert Browser(provider).authorize(display=display).shows("login-submit")
    for grant in members["grant_types_supported"]:
        answer = provider.token("portal", grant_type=grant)
        assert answer.get_json().get("error") != "unsupported_grant_type"


def test_every_scope_that_is_listed_is_known(provider: Provider, members: dict[str, Any]) -> None:
    for scope in members["scopes_supported"]:
        if scope in {"openid", "vnconnect", "offline_access"}:
            continue
        tokens = Browser(provider).tokens(scope=f"openid {scope}")
        assert scope in tokens["scope"].split()


def test_every_algorithm_that_is_listed_signs(provider: Provider, members: dict[str, Any]) -> None:
    used = {
        header_of(Browser(provider).tokens(client)["id_token"])["alg"]
        for client in ("portal", "rs256")
    }
    assert used == set(members["id_token_signing_alg_values_supported"])


def test_both_addresses_give_the_same_document(provider: Provider) -> None:
    """RFC 8414 §5: the OpenID suffix stays in use beside ours."""
    client = Client(Front(provider.app, services=provider.services))
    answers = [
        client.get(f"/.well-known/{name}", base_url=ISSUER)
        for name in ("openid-configuration", "oauth-authorization-server")
    ]
    assert answers[0].get_data() == answers[1].get_data()
    assert answers[0].get_json()["issuer"] == ISSUER
    assert {answer.mimetype for answer in answers} == {"application/json"}
