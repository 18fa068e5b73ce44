"""What the tests of the registry share: one over each database, and registrations to vary."""

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
    """The public P-256 key of RFC 7515 appendix A.3.1."""
    return dict(_EC_KEY)


@pytest.fixture
def portal() -> Callable[..., Client]:
    """A client that its profile accepts; give the fields in which it is to differ."""

    def make(profile: ProfileName = ProfileName.STANDARD, **changes: Any) -> Client:
        return replace(_PORTAL, profile=profile, **{**_BY_PROFILE[profile], **changes})

    return make


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
def add(
    database: Database, editor: RegistryEditor, portal: Callable[..., Client], now: datetime
) -> Callable[..., Client]:
    """Register the portal, or one that differs from it, in a transaction of its own."""

    def register(profile: ProfileName = ProfileName.STANDARD, **changes: Any) -> Client:
        client = portal(profile, **changes)
        with database.transaction() as tx:
            editor.ensure_defaults(tx, now=now)
            editor.add_client(tx, client, now=now)
        return client

    return register


@pytest.fixture
def edit(
    database: Database, editor: RegistryEditor, bases: StatutoryBases, now: datetime
) -> Callable[..., Any]:
    """Do one act of the editor, or on statutory bases, in a transaction of its own."""

    def act(method: Callable[..., Any], *arguments: Any, **named: Any) -> Any:
        subject = bases if method.__qualname__.startswith("StatutoryBases.") else editor
        with database.transaction() as tx:
            return method(subject, tx, *arguments, **{"now": now, **named})

    return act
