"""A token for the client itself, about no person."""

from __future__ import annotations

from dataclasses import replace

import pytest

from clients.registry.editing import RegistryEditor
from idp.registration import Registration
from tests.support.provider import ISSUER, Provider, assert_error, claims_of, header_of
from tests.support.provider_seeds import API, FOREIGN_API


def ask(provider: Provider, client_id: str = "portal", **form: str) -> dict[str, str]:
    answer = provider.token(client_id, grant_type="client_credentials", **form)
    assert answer.status_code == 200, answer.get_data(as_text=True)
    found = answer.get_json()
    assert isinstance(found, dict)
    return found


def test_the_token_names_the_client_and_nobody_else(provider: Provider) -> None:
    """RFC 9068 §2.2: sub is the client; RFC 6749 §4.4.3: no refresh token."""
    found = ask(provider, "files")
    assert set(found) == {"access_token", "token_type", "expires_in", "scope"}
    claims = claims_of(found["access_token"])
    assert header_of(found["access_token"])["typ"] == "at+jwt"
    assert (claims["sub"], claims["client_id"], claims["aud"]) == ("files", "files", ISSUER)
    assert claims["scope"] == found["scope"] == "ghost"
    assert "grant_id" not in claims


@pytest.mark.parametrize("scope", ["openid", "profile", "identity", "doc.read openid", "nothing"])
def test_scopes_about_a_person_are_refused(provider: Provider, scope: str) -> None:
    """RFC 6749 §3.3, §5.2 invalid_scope: no person is here to agree."""
    answer = provider.token("portal", grant_type="client_credentials", scope=scope)
    assert_error(answer, "invalid_scope")


def test_a_scope_belongs_to_the_resource_that_the_token_is_for(provider: Provider) -> None:
    """RFC 6749 §3.3, RFC 8707 §2: its audience is who understands its scope."""
    found = ask(provider, "files", resource=API, scope="doc.write")
    assert found["scope"] == claims_of(found["access_token"])["scope"] == "doc.write"
    assert ask(provider, "files", resource=API)["scope"] == "doc.read doc.write"
    assert ask(provider, "files", resource=FOREIGN_API)["scope"] == "doc.read tax.read"


@pytest.mark.parametrize(
    ("scope", "resource"),
    [
        ("tax.read", {"resource": API}),
        ("doc.read tax.read", {"resource": API}),
        ("doc.write", {"resource": FOREIGN_API}),
        ("ghost", {"resource": API}),
        ("doc.read", {}),
        ("ghost doc.read", {}),
    ],
)
def test_a_scope_of_another_resource_is_refused(
    provider: Provider, scope: str, resource: dict[str, str]
) -> None:
    """RFC 6749 §3.3, §5.2 invalid_scope; RFC 8707 §2."""
    answer = provider.token("files", grant_type="client_credentials", scope=scope, **resource)
    assert_error(answer, "invalid_scope")


def test_a_token_without_any_scope_names_none(provider: Provider) -> None:
    """RFC 6749 §3.3: a scope is one name at least, so none is said."""
    found = ask(provider)
    assert "scope" not in found
    assert "scope" not in claims_of(found["access_token"])


def test_the_only_resource_of_a_client_is_meant_when_none_is_named(provider: Provider) -> None:
    services = provider.services
    client = services.registry.find_client("files", now=provider.now)
    assert client is not None
    with services.database.transaction() as tx:
        RegistryEditor(services.registry).change_client(
            tx, replace(client, resources=frozenset({API})), now=provider.now
        )
    found = ask(provider, "files")
    assert claims_of(found["access_token"])["aud"] == API
    assert found["scope"] == "doc.read doc.write"
    refused = provider.token("files", grant_type="client_credentials", scope="ghost")
    assert_error(refused, "invalid_scope")


def test_scopes_that_one_resource_alone_knows_mean_that_resource(provider: Provider) -> None:
    """RFC 8707 §2: without a `resource` the server may choose by what is asked for."""
    found = ask(provider, "files", scope="doc.write")
    assert (claims_of(found["access_token"])["aud"], found["scope"]) == (API, "doc.write")
    found = ask(provider, "files", scope="tax.read doc.read")
    assert claims_of(found["access_token"])["aud"] == FOREIGN_API


def test_a_resource_that_is_not_registered_is_refused(provider: Provider) -> None:
    """RFC 8707 §2 invalid_target: the client names it, but nobody answers for it."""
    services = provider.services
    gone = "https://gone.example/"
    client = services.registry.find_client("files", now=provider.now)
    assert client is not None
    with services.database.transaction() as tx:
        RegistryEditor(services.registry).change_client(
            tx, replace(client, resources=frozenset({gone})), now=provider.now
        )
    for named in ({"resource": gone}, {}):
        answer = provider.token("files", grant_type="client_credentials", **named)
        assert_error(answer, "invalid_target")


def test_a_resource_of_the_client_becomes_the_audience(provider: Provider) -> None:
    """RFC 8707 §2."""
    found = ask(provider, resource=API)
    assert claims_of(found["access_token"])["aud"] == API
    assert provider.introspect(found["access_token"])["client_id"] == "portal"


def test_a_resource_of_somebody_else_is_refused(provider: Provider) -> None:
    """RFC 8707 §2 invalid_target."""
    answer = provider.token("sibling", grant_type="client_credentials", resource=API)
    assert_error(answer, "invalid_target")
    headers, _ = provider.credentials("portal")
    raw = f"grant_type=client_credentials&resource={API}&resource={FOREIGN_API}".encode()
    assert_error(provider.post("/token", raw, headers=headers), "invalid_target")


def test_a_client_that_may_not_is_told(provider: Provider) -> None:
    """RFC 6749 §4.4: MUST only be used by confidential clients."""
    for client_id in ("narrow", "native"):
        answer = provider.token(client_id, grant_type="client_credentials")
        assert_error(answer, "unauthorized_client")


def test_userinfo_knows_nobody_behind_it(provider: Provider) -> None:
    assert provider.userinfo(ask(provider)["access_token"]).status_code == 401


def test_the_token_of_a_disabled_client_is_inactive(provider: Provider) -> None:
    token = ask(provider, resource=API)["access_token"]
    assert provider.introspect(token)["active"] is True
    services = provider.services
    registration = Registration(services.database, registry=services.registry, log=services.log)
    registration.disable_client("portal", operator="first", now=provider.now)
    assert provider.introspect(token) == {"active": False}
