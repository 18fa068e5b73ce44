"""Who may ask in the sandbox."""

from __future__ import annotations

import pytest

from clients.registry.document import RegistryDocument, parse_document
from clients.registry.model import GrantType
from idp.sandbox.registry import BUSINESS, CITIZEN, RESOURCE, TOOLS, sandbox_document

_ISSUER = "http://localhost:8000"


@pytest.fixture(scope="module")
def document() -> RegistryDocument:
    raw = sandbox_document(
        issuer=_ISSUER,
        citizen_url="http://localhost:8001",
        business_url="http://localhost:8002",
        secrets={one: f"{one}-secret-of-32-characters-or-so" for one in _ALL},
    )
    return parse_document(raw, file="sandbox", for_sandbox=True)


_ALL = (CITIZEN, BUSINESS, TOOLS, RESOURCE)


@pytest.mark.parametrize("client_id", [CITIZEN, BUSINESS, TOOLS])
def test_portals_and_outside_tools_may_ask_for_signatures(document, client_id: str) -> None:
    (server,) = (one for one in document.resource_servers if one.identifier == f"{_ISSUER}/sign")
    (client,) = (one.client for one in document.clients if one.client.client_id == client_id)
    assert server.scopes == {"sign"}
    assert server.identifier in client.resources
    assert "sign" in client.scopes
    assert GrantType.CLIENT_CREDENTIALS in client.grant_types


def test_every_resource_that_a_client_names_is_there(document) -> None:
    known = {one.identifier for one in document.resource_servers}
    assert all(entry.client.resources <= known for entry in document.clients)


def test_a_sign_in_at_a_portal_goes_on_as_before(document) -> None:
    for entry in document.clients:
        if entry.client.client_id in {CITIZEN, BUSINESS}:
            assert GrantType.AUTHORIZATION_CODE in entry.client.grant_types
            assert GrantType.REFRESH_TOKEN in entry.client.grant_types
