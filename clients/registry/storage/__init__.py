"""Where the registry is kept, and what it needs of the database that keeps it.

What lives here: two Protocols, so that the provider hands in its own engine, and the names of the
files beside this one.  Rules are checked before, caching is done around it (`registry.py`).
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Protocol

from sqlalchemy import Connection

from clients.registry.storage.bases import insert_basis, list_bases_of, lock_basis, update_basis
from clients.registry.storage.clients import (
    find_client,
    insert_client,
    list_clients,
    lock_client,
    replace_secrets,
    update_client,
)
from clients.registry.storage.organisations import (
    find_controller,
    find_resource_server,
    find_sector,
    list_resource_servers,
    list_resource_servers_of,
    save_controller,
    save_resource_server,
    save_sector,
)
from clients.registry.storage.tables import metadata

__all__ = [
    "DatabaseLike",
    "TransactionLike",
    "find_client",
    "find_controller",
    "find_resource_server",
    "find_sector",
    "insert_basis",
    "insert_client",
    "list_bases_of",
    "list_clients",
    "list_resource_servers",
    "list_resource_servers_of",
    "lock_basis",
    "lock_client",
    "metadata",
    "replace_secrets",
    "save_controller",
    "save_resource_server",
    "save_sector",
    "update_basis",
    "update_client",
]


class TransactionLike(Protocol):
    """One open write transaction."""

    @property
    def connection(self) -> Connection:
        """The connection on which everything of the transaction happens."""
        ...

    def on_commit(self, callback: Callable[[], None]) -> None:
        """Run `callback` once the transaction is durable."""
        ...


class DatabaseLike(Protocol):
    """Where the registry lies: the provider's database."""

    def read(self) -> AbstractContextManager[Connection]:
        """A connection for reading."""
        ...

    def transaction(self) -> AbstractContextManager[TransactionLike]:
        """A write transaction: all of it or nothing."""
        ...
