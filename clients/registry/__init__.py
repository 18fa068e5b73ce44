"""Who may ask: controllers, sectors, clients, resource servers, and the law they ask under.

This package imports nothing of ours: it is handed a database that looks like
`clients.registry.storage.DatabaseLike`.
"""

from __future__ import annotations

from clients.registry.bases import StatutoryBases
from clients.registry.document import ClientEntry, RegistryDocument, parse_document, read_client
from clients.registry.editing import RegistryEditor
from clients.registry.errors import (
    AlreadyRegistered,
    ClientInvalid,
    ImportInvalid,
    NotRegistered,
    RegistryError,
    SecondOperatorRequired,
)
from clients.registry.imports import Act, ImportedEntry, import_document
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
from clients.registry.redirects import find_redirect_problem, is_registered_redirect, origin_of
from clients.registry.registry import Registry
from clients.registry.secrets import NewSecret, is_live_secret
from clients.registry.weakness import Weakness, find_weaknesses

__all__ = [
    "DEFAULT_CONTROLLER_ID",
    "DEFAULT_SECTOR_ID",
    "PROFILES",
    "Act",
    "AlreadyRegistered",
    "ApplicationType",
    "AssertionAudience",
    "AuthMethod",
    "Capacities",
    "ClaimNaming",
    "Client",
    "ClientEntry",
    "ClientInvalid",
    "ClientSecret",
    "ClientStatus",
    "Controller",
    "GrantType",
    "ImportInvalid",
    "ImportedEntry",
    "NewSecret",
    "NotRegistered",
    "Pkce",
    "Profile",
    "ProfileName",
    "RefreshRule",
    "Registry",
    "RegistryDocument",
    "RegistryEditor",
    "RegistryError",
    "ResourceServer",
    "ScopePurpose",
    "SecondOperatorRequired",
    "Sector",
    "StatutoryBases",
    "StatutoryBasis",
    "Weakness",
    "find_redirect_problem",
    "find_weaknesses",
    "import_document",
    "is_live_secret",
    "is_registered_redirect",
    "origin_of",
    "parse_document",
    "profile_of",
    "read_client",
]
