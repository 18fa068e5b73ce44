"""The files that declare tables, for processes that answer browsers.

What lives here: the list of them, and reading them all without anything else of their packages: no
Alembic, and nothing that opens keys.  A test compares it with what is found by looking everywhere
(`idp/storage/schema.py`).
"""

from __future__ import annotations

import importlib
import pkgutil
from functools import cache
from typing import Final

from sqlalchemy import MetaData

import idp.storage
import signing.storage
from clients.registry.storage import metadata as registry_metadata
from idp.storage.database import metadata as provider_metadata
from keystore.storage import metadata as keystore_metadata
from signing.storage import metadata as signing_metadata

_OF_OTHERS: Final = (
    "clients.registry.storage.tables",
    "keystore.log.record",
    "keystore.log.tree_tables",
    "keystore.pki.storage.authorities",
    "keystore.pki.storage.certificates",
    "keystore.pki.storage.crls",
    "keystore.pki.storage.enrolments",
    "keystore.pki.storage.responses",
    "keystore.pki.storage.subjects",
    "keystore.purpose_keys",
    "keystore.root_keys",
    "keystore.signer.storage",
    "keystore.signing_keys",
    "keystore.time.storage",
)
_NO_TABLES: Final = ("migrations", "schema", "ephemeral_redis")


@cache
def declared_metadata() -> tuple[MetaData, ...]:
    """The tables of every package, each file that declares some having been read."""
    for package in (idp.storage, signing.storage):
        for found in pkgutil.iter_modules(package.__path__):
            if found.name not in _NO_TABLES:
                importlib.import_module(f"{package.__name__}.{found.name}")
    for name in _OF_OTHERS:
        importlib.import_module(name)
    return (provider_metadata, registry_metadata, keystore_metadata, signing_metadata)
