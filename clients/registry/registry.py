"""The registry as the provider uses it: lookups from memory, changes in the caller's transaction.

What lives here: the cache in front of `storage`, and the acts an operator can do.  A lookup is at
most five seconds old; a change made in this process is seen at once.  Not here: SQL, the rules of
profiles, and the log row, which the caller writes in the same transaction.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Final

from clients.registry import storage
from clients.registry.cache import TimedCache
from clients.registry.errors import (
    AlreadyRegistered,
    ClientInvalid,
    NotRegistered,
)
from clients.registry.model import (
    DEFAULT_CONTROLLER_ID,
    DEFAULT_SECTOR_ID,
    SECRET_METHODS,
    Client,
    ClientSecret,
    ClientStatus,
    Controller,
    ResourceServer,
    Sector,
    StatutoryBasis,
)
from clients.registry.secrets import MAX_LIVE_SECRETS, NewSecret, hash_secret, make_secret
from clients.registry.storage import DatabaseLike, TransactionLike
from clients.registry.validation import verify_client, verify_resource_server

_MAX_AGE: Final = timedelta(seconds=5)
_LONGEST_CLIENT_ID: Final = 128
_LONGEST_IDENTIFIER: Final = 2000


class Registry:
    """Clients and what belongs to them, over one database; one object per process, for all threads.

    Takes   database: where the tables lie; max_age: how old a lookup may be at most.
    `find_…` answers from memory where it can; everything that writes takes the transaction first
    and is seen by lookups of this process once that is committed.
    """

    def __init__(self, database: DatabaseLike, *, max_age: timedelta = _MAX_AGE) -> None:
        self._database = database
        self._clients: TimedCache[Client] = TimedCache(max_age=max_age)
        self._controllers: TimedCache[Controller] = TimedCache(max_age=max_age)
        self._sectors: TimedCache[Sector] = TimedCache(max_age=max_age)
        self._resource_servers: TimedCache[ResourceServer] = TimedCache(max_age=max_age)
        self._audiences: TimedCache[frozenset[str]] = TimedCache(max_age=max_age)
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
        return self._clients.get(client_id, self._load_client, now=now)

    def find_controller(self, controller_id: str, *, now: datetime) -> Controller | None:
        """Who answers for the data that a client gets."""
        return self._controllers.get(controller_id, self._load_controller, now=now)

    def find_sector(self, sector_id: str, *, now: datetime) -> Sector | None:
        """A sector by its id."""
        return self._sectors.get(sector_id, self._load_sector, now=now)

    def find_resource_server(self, identifier: str, *, now: datetime) -> ResourceServer | None:
        """The resource server that a `resource` parameter (RFC 8707 §2) names."""
        return self._resource_servers.get(identifier, self._load_resource_server, now=now)

    def audiences_of(self, client_id: str, *, now: datetime) -> frozenset[str]:
        """The identifiers in whose name a client may introspect tokens (RFC 7662 §4)."""
        return self._audiences.get(client_id, self._load_audiences, now=now) or frozenset()

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

    # -- clients -----------------------------------------------------------------------------------

    def add_client(self, tx: TransactionLike, client: Client) -> None:
        """Register a client.

        Raises  AlreadyRegistered; ClientInvalid (names the field).
        """
        self._verify(tx, client)
        if storage.find_client(tx.connection, client.client_id) is not None:
            raise AlreadyRegistered("client", key=client.client_id)
        storage.insert_client(tx.connection, client)
        tx.on_commit(self._forget)

    def change_client(self, tx: TransactionLike, client: Client, *, now: datetime) -> None:
        """Replace everything of a client except its secrets and the time of its creation.

        Raises  NotRegistered; ClientInvalid (names the field).
        """
        self._verify(tx, client)
        self._lock_client(tx, client.client_id)
        storage.update_client(tx.connection, client, now=now)
        tx.on_commit(self._forget)

    def disable_client(self, tx: TransactionLike, client_id: str, *, now: datetime) -> bool:
        """Stop serving a client; False when it was disabled already.

        Raises  NotRegistered.
        """
        return self._set_status(tx, client_id, ClientStatus.DISABLED, now=now)

    def enable_client(self, tx: TransactionLike, client_id: str, *, now: datetime) -> bool:
        """Serve a client again; False when it was active already.

        Raises  NotRegistered.
        """
        return self._set_status(tx, client_id, ClientStatus.ACTIVE, now=now)

    def rotate_secret(
        self, tx: TransactionLike, client_id: str, *, overlap: timedelta, now: datetime
    ) -> NewSecret:
        """Give a client a new secret; the newest of the old ones lives on for `overlap`.

        Returns the secret in clear, for the only time.
        Raises  NotRegistered; ClientInvalid when the client does not authenticate with a secret.
        """
        client = self._lock_client(tx, client_id)
        if client.token_endpoint_auth_method not in SECRET_METHODS:
            raise ClientInvalid(
                "token_endpoint_auth_method",
                reason=f"{client.token_endpoint_auth_method} has no secret to rotate",
            )
        new = make_secret()
        self._put_secret(tx, client, raw_secret=new.raw, overlap=overlap, now=now)
        return new

    def set_secret(
        self,
        tx: TransactionLike,
        client_id: str,
        *,
        raw_secret: str,
        overlap: timedelta,
        now: datetime,
    ) -> bool:
        """Give a client a secret that was chosen elsewhere; False when it is live already.

        Raises  NotRegistered; ClientInvalid when that secret was taken out of use before.
        """
        client = self._lock_client(tx, client_id)
        digest = hash_secret(raw_secret)
        known = next((secret for secret in client.secrets if secret.digest == digest), None)
        if known is not None:
            if known.is_live(now=now):
                return False
            raise ClientInvalid("client_secret", reason="it was taken out of use; choose another")
        self._put_secret(tx, client, raw_secret=raw_secret, overlap=overlap, now=now)
        return True

    # -- controllers, sectors, resource servers ----------------------------------------------------

    def save_controller(self, tx: TransactionLike, saved: Controller, *, now: datetime) -> bool:
        """Add or change a controller; False when it was so already."""
        if storage.find_controller(tx.connection, saved.controller_id) == saved:
            return False
        storage.save_controller(tx.connection, saved, now=now)
        tx.on_commit(self._forget)
        return True

    def save_sector(self, tx: TransactionLike, saved: Sector, *, now: datetime) -> bool:
        """Add or change a sector; False when it was so already.

        Raises  ClientInvalid when its controller is unknown.
        """
        if storage.find_controller(tx.connection, saved.controller_id) is None:
            raise ClientInvalid("controller_id", reason=f"no controller {saved.controller_id}")
        if storage.find_sector(tx.connection, saved.sector_id) == saved:
            return False
        storage.save_sector(tx.connection, saved, now=now)
        tx.on_commit(self._forget)
        return True

    def save_resource_server(
        self, tx: TransactionLike, saved: ResourceServer, *, now: datetime
    ) -> bool:
        """Add or change a resource server; False when it was so already.

        Raises  ClientInvalid (names the field).
        """
        verify_resource_server(saved)
        if storage.find_sector(tx.connection, saved.sector_id) is None:
            raise ClientInvalid("sector_id", reason=f"no sector {saved.sector_id}")
        if saved.client_id is not None:
            client = storage.find_client(tx.connection, saved.client_id)
            if client is None:
                raise ClientInvalid("client_id", reason=f"no client {saved.client_id}")
            if client.is_public:
                raise ClientInvalid("client_id", reason="a public client cannot introspect")
        if storage.find_resource_server(tx.connection, saved.identifier) == saved:
            return False
        storage.save_resource_server(tx.connection, saved, now=now)
        tx.on_commit(self._forget)
        return True

    def ensure_defaults(self, tx: TransactionLike, *, now: datetime) -> None:
        """Make the controller and the sector that a client without either belongs to."""
        if storage.find_controller(tx.connection, DEFAULT_CONTROLLER_ID) is None:
            controller = Controller(
                controller_id=DEFAULT_CONTROLLER_ID,
                name_vi="Cơ quan chủ quản",
                name_en="Responsible agency",
            )
            self.save_controller(tx, controller, now=now)
        if storage.find_sector(tx.connection, DEFAULT_SECTOR_ID) is None:
            sector = Sector(
                sector_id=DEFAULT_SECTOR_ID,
                controller_id=DEFAULT_CONTROLLER_ID,
                name_vi="Lĩnh vực chung",
                name_en="General sector",
            )
            self.save_sector(tx, sector, now=now)

    # -- inside ------------------------------------------------------------------------------------

    def _verify(self, tx: TransactionLike, client: Client) -> None:
        verify_client(client)
        sector = storage.find_sector(tx.connection, client.sector_id)
        if sector is None:
            raise ClientInvalid("sector_id", reason=f"no sector {client.sector_id}")
        if sector.controller_id != client.controller_id:
            raise ClientInvalid(
                "controller_id", reason=f"{client.sector_id} belongs to {sector.controller_id}"
            )

    def _lock_client(self, tx: TransactionLike, client_id: str) -> Client:
        client = storage.lock_client(tx.connection, client_id)
        if client is None:
            raise NotRegistered("client", key=client_id)
        return client

    def _set_status(
        self, tx: TransactionLike, client_id: str, status: ClientStatus, *, now: datetime
    ) -> bool:
        client = self._lock_client(tx, client_id)
        if client.status is status:
            return False
        storage.update_client(tx.connection, replace(client, status=status), now=now)
        tx.on_commit(self._forget)
        return True

    def _put_secret(
        self,
        tx: TransactionLike,
        client: Client,
        *,
        raw_secret: str,
        overlap: timedelta,
        now: datetime,
    ) -> None:
        live = [secret for secret in client.secrets if secret.is_live(now=now)]
        spent = [secret for secret in client.secrets if not secret.is_live(now=now)]
        staying = live[-(MAX_LIVE_SECRETS - 1) :]
        ended = [replace(secret, expires_at=now) for secret in live if secret not in staying]
        ending = [
            replace(secret, expires_at=min(secret.expires_at or now + overlap, now + overlap))
            for secret in staying
        ]
        new = ClientSecret(digest=hash_secret(raw_secret), created_at=now)
        storage.replace_secrets(
            tx.connection, client.client_id, secrets=[*spent, *ended, *ending, new]
        )
        tx.on_commit(self._forget)

    def _forget(self) -> None:
        self._clients.drop_all()
        self._controllers.drop_all()
        self._sectors.drop_all()
        self._resource_servers.drop_all()
        self._audiences.drop_all()
        self._bases.drop_all()

    def _load_client(self, client_id: str) -> Client | None:
        if not 0 < len(client_id) <= _LONGEST_CLIENT_ID or "\x00" in client_id:
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
        if not 0 < len(identifier) <= _LONGEST_IDENTIFIER or "\x00" in identifier:
            return None
        with self._database.read() as connection:
            return storage.find_resource_server(connection, identifier)

    def _load_audiences(self, client_id: str) -> frozenset[str]:
        with self._database.read() as connection:
            servers = storage.list_resource_servers_of(connection, client_id)
        return frozenset(server.identifier for server in servers)

    def _load_bases(self, client_id: str) -> tuple[StatutoryBasis, ...]:
        with self._database.read() as connection:
            return storage.list_bases_of(connection, client_id)
