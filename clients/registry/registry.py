"""The registry as a request meets it: lookups from memory.

What lives here: the cache in front of `storage`.  A lookup is at most five seconds old; a change
made in this process is seen at once.  Not here: SQL, and changing anything (`editing.py`).
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final

from clients.registry import storage
from clients.registry.cache import TimedCache
from clients.registry.model import (
    Client,
    Controller,
    ResourceServer,
    Sector,
    StatutoryBasis,
)
from clients.registry.storage import DatabaseLike

_MAX_AGE: Final = timedelta(seconds=5)
_LONGEST_CLIENT_ID: Final = 128
_LONGEST_IDENTIFIER: Final = 2000


class Registry:
    """Clients and what belongs to them, over one database; one object per process, for all threads.

    Takes   database: where the tables lie; max_age: how old a lookup may be at most.
    `find_…`, `audiences_of` and `statutory_basis` answer from memory where they can.
    """

    def __init__(self, database: DatabaseLike, *, max_age: timedelta = _MAX_AGE) -> None:
        self._database = database
        self._clients: TimedCache[Client] = TimedCache(max_age=max_age)
        self._controllers: TimedCache[Controller] = TimedCache(max_age=max_age)
        self._sectors: TimedCache[Sector] = TimedCache(max_age=max_age)
        self._resource_servers: TimedCache[ResourceServer] = TimedCache(max_age=max_age)
        self._audiences: TimedCache[frozenset[str]] = TimedCache(max_age=max_age)
        self._server_scopes: TimedCache[frozenset[str]] = TimedCache(max_age=max_age)
        self._bases: TimedCache[tuple[StatutoryBasis, ...]] = TimedCache(max_age=max_age)

    # -- lookups on the way of a request -----------------------------------------------------------

    def find_client(self, client_id: str, *, now: datetime) -> Client | None:
        """A client that may be used now: registered, not disabled, not past its end date.

        An unknown client and a disabled one look alike to the caller, as they must to the outside.
        """
        client = self.find_registered_client(client_id, now=now)
        return client if client is not None and client.is_usable(now=now) else None

    def find_registered_client(self, client_id: str, *, now: datetime) -> Client | None:
        """A client whatever its status: to name it in a history, never to serve it."""
        if len(client_id) > _LONGEST_CLIENT_ID:
            return None
        return self._clients.get(client_id, self._load_client, now=now)

    def find_controller(self, controller_id: str, *, now: datetime) -> Controller | None:
        """Who answers for the data that a client gets."""
        return self._controllers.get(controller_id, self._load_controller, now=now)

    def find_sector(self, sector_id: str, *, now: datetime) -> Sector | None:
        """A sector by its id."""
        return self._sectors.get(sector_id, self._load_sector, now=now)

    def find_resource_server(self, identifier: str, *, now: datetime) -> ResourceServer | None:
        """The resource server that a `resource` parameter (RFC 8707 §2) names."""
        if len(identifier) > _LONGEST_IDENTIFIER:
            return None
        return self._resource_servers.get(identifier, self._load_resource_server, now=now)

    def audiences_of(self, client_id: str, *, now: datetime) -> frozenset[str]:
        """The identifiers in whose name a client may introspect tokens (RFC 7662 §4)."""
        return self._audiences.get(client_id, self._load_audiences, now=now) or frozenset()

    def scopes_of_resource_servers(self, *, now: datetime) -> frozenset[str]:
        """Every scope that belongs to some resource server."""
        return self._server_scopes.get("", self._load_server_scopes, now=now) or frozenset()

    def statutory_basis(
        self, client_id: str, *, scope: str, procedure: str, now: datetime
    ) -> StatutoryBasis | None:
        """The approved basis in force under which consent need not be asked, if there is one."""
        for basis in self._bases.get(client_id, self._load_bases, now=now) or ():
            if basis.scope == scope and basis.procedure == procedure and basis.is_in_force(now=now):
                return basis
        return None

    # -- lookups of the operator, never from memory ------------------------------------------------

    def list_clients(self) -> tuple[Client, ...]:
        """Every client, whatever its status, by id."""
        with self._database.read() as connection:
            return storage.list_clients(connection)

    def list_bases_of(self, client_id: str) -> tuple[StatutoryBasis, ...]:
        """Every statutory basis of a client, approved or not."""
        with self._database.read() as connection:
            return storage.list_bases_of(connection, client_id)

    def forget(self) -> None:
        """Drop what is remembered: something was committed."""
        self._clients.drop_all()
        self._controllers.drop_all()
        self._sectors.drop_all()
        self._resource_servers.drop_all()
        self._audiences.drop_all()
        self._server_scopes.drop_all()
        self._bases.drop_all()

    # -- from storage when memory has nothing ------------------------------------------------------

    def _load_client(self, client_id: str) -> Client | None:
        if not _could_be_registered(client_id):
            return None
        with self._database.read() as connection:
            return storage.find_client(connection, client_id)

    def _load_controller(self, controller_id: str) -> Controller | None:
        with self._database.read() as connection:
            return storage.find_controller(connection, controller_id)

    def _load_sector(self, sector_id: str) -> Sector | None:
        with self._database.read() as connection:
            return storage.find_sector(connection, sector_id)

    def _load_resource_server(self, identifier: str) -> ResourceServer | None:
        if not _could_be_registered(identifier):
            return None
        with self._database.read() as connection:
            return storage.find_resource_server(connection, identifier)

    def _load_audiences(self, client_id: str) -> frozenset[str]:
        with self._database.read() as connection:
            servers = storage.list_resource_servers_of(connection, client_id)
        return frozenset(server.identifier for server in servers)

    def _load_server_scopes(self, _: str) -> frozenset[str]:
        with self._database.read() as connection:
            servers = storage.list_resource_servers(connection)
        return frozenset(scope for server in servers for scope in server.scopes)

    def _load_bases(self, client_id: str) -> tuple[StatutoryBasis, ...]:
        with self._database.read() as connection:
            return storage.list_bases_of(connection, client_id)


def _could_be_registered(raw: str) -> bool:
    """Whether a key from outside can be put to a database at all; NUL and surrogates cannot."""
    return raw.isascii() and raw.isprintable() and raw != ""
