"""What the tests of the registry share: a registry over each database, and registrations to vary."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import date, datetime
from ipaddress import ip_network
from typing import Any

import pytest

from clients.registry import (
    AuthMethod,
    Client,
    GrantType,
    Pkce,
    ProfileName,
    Registry,
    RegistryEditor,
    StatutoryBases,
)
from idp.storage.database import Database

_PORTAL = Client(
    client_id="portal",
    name_vi="Cổng dịch vụ công thử nghiệm",
    name_en="Example service portal",
    redirect_uris=("https://portal.example/callback",),
    post_logout_redirect_uris=("https://portal.example/",),
    backchannel_logout_uri="https://portal.example/signed-out",
)
_EC_KEY = {
    "kty": "EC",
    "crv": "P-256",
    "kid": "k1",
    "x": "f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU",
    "y": "x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0",
}
_BY_PROFILE: dict[ProfileName, dict[str, Any]] = {
    ProfileName.STANDARD: {},
    ProfileName.FAPI2: {
        "token_endpoint_auth_method": AuthMethod.PRIVATE_KEY_JWT,
        "jwks": {"keys": [_EC_KEY]},
    },
    ProfileName.LEGACY: {
        "token_endpoint_auth_method": AuthMethod.POST,
        "pkce": Pkce.IF_SENT,
        "scopes": frozenset({"openid", "vnconnect"}),
        "claims": frozenset({"HoVaTen", "SoDinhDanh"}),
        "legal_reference": "QĐ 31/2021/QĐ-TTg",
        "end_date": date(2027, 12, 31),
        "source_allow_list": (ip_network("192.0.2.0/24"),),
    },
}


@pytest.fixture
def ec_key() -> dict[str, str]:
    """A public P-256 key: the example of RFC 7517 appendix A.1's curve, from RFC 7515 A.3.1."""
    return dict(_EC_KEY)


@pytest.fixture
def portal() -> Callable[..., Client]:
    """A client that its profile accepts; give the fields in which it is to differ."""

    def make(profile: ProfileName = ProfileName.STANDARD, **changes: Any) -> Client:
        return replace(_PORTAL, profile=profile, **{**_BY_PROFILE[profile], **changes})

    return make


@pytest.fixture
def refreshing() -> frozenset[GrantType]:
    """The grants of a portal that refreshes."""
    return frozenset({GrantType.AUTHORIZATION_CODE, GrantType.REFRESH_TOKEN})


@pytest.fixture
def registry(database: Database) -> Registry:
    """A registry over each database."""
    return Registry(database)


@pytest.fixture
def editor(registry: Registry) -> RegistryEditor:
    """Changes to that registry."""
    return RegistryEditor(registry)


@pytest.fixture
def bases(registry: Registry) -> StatutoryBases:
    """Statutory bases of that registry."""
    return StatutoryBases(registry)


@pytest.fixture
def add(database: Database, editor: RegistryEditor, now: datetime) -> Callable[[Client], Client]:
    """Register a client in a transaction of its own."""

    def register(client: Client) -> Client:
        with database.transaction() as tx:
            editor.ensure_defaults(tx, now=now)
            editor.add_client(tx, client, now=now)
        return client

    return register
