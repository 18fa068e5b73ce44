"""Who may ask: controllers, sectors, clients, resource servers, and the law they ask under.

This package imports nothing of ours: it is handed a database that looks like
`clients.registry.storage.DatabaseLike`.
"""

from __future__ import annotations

from clients.registry.errors import (
    AlreadyRegistered,
    ClientInvalid,
    ImportInvalid,
    NotRegistered,
    RegistryError,
    SecondOperatorRequired,
)
from clients.registry.model import (
    DEFAULT_CONTROLLER_ID,
    DEFAULT_SECTOR_ID,
    ApplicationType,
    AuthMethod,
    Capacities,
    Client,
    ClientSecret,
    ClientStatus,
    Controller,
    GrantType,
    Pkce,
    ProfileName,
    ResourceServer,
    ScopePurpose,
    Sector,
    StatutoryBasis,
)
from clients.registry.profiles import (
    PROFILES,
    AssertionAudience,
    ClaimNaming,
    Profile,
    RefreshRule,
    profile_of,
)
from clients.registry.redirects import is_registered_redirect, origin_of
from clients.registry.registry import Registry
from clients.registry.secrets import NewSecret, is_live_secret

__all__ = [
    "DEFAULT_CONTROLLER_ID",
    "DEFAULT_SECTOR_ID",
    "PROFILES",
    "AlreadyRegistered",
    "ApplicationType",
    "AssertionAudience",
    "AuthMethod",
    "Capacities",
    "ClaimNaming",
    "Client",
    "ClientInvalid",
    "ClientSecret",
    "ClientStatus",
    "Controller",
    "GrantType",
    "ImportInvalid",
    "NewSecret",
    "NotRegistered",
    "Pkce",
    "Profile",
    "ProfileName",
    "RefreshRule",
    "Registry",
    "RegistryError",
    "ResourceServer",
    "ScopePurpose",
    "SecondOperatorRequired",
    "Sector",
    "StatutoryBasis",
    "is_live_secret",
    "is_registered_redirect",
    "origin_of",
    "profile_of",
]
