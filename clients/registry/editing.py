"""Changing the registry: what an operator can do, each act in the caller's transaction.

What lives here: the rules that need the database (does the sector exist, is the id free) around
those that do not (`validation.py`).  The caller writes the log row in the same transaction.  Not
here: SQL, and approving statutory bases (`bases.py`).
"""

from __future__ import annotations

import hmac
from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Final

from clients.registry import storage
from clients.registry.errors import AlreadyRegistered, ClientInvalid, NotRegistered
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
)
from clients.registry.registry import Registry
from clients.registry.secrets import MAX_LIVE_SECRETS, NewSecret, hash_secret, make_secret
from clients.registry.storage import TransactionLike
from clients.registry.validation import (
    verify_client,
    verify_controller,
    verify_resource_server,
    verify_sector,
)

_MOST_SPENT_SECRETS: Final = 5
"""Secrets out of use that are remembered, so that none of them comes back by an old import file."""


class RegistryEditor:
    """Writes; lookups of `registry` see a change once its transaction is committed."""

    def __init__(self, registry: Registry) -> None:
        self._registry = registry

    # -- clients -----------------------------------------------------------------------------------

    def add_client(self, tx: TransactionLike, client: Client, *, now: datetime) -> None:
        """Register a client, without secrets: `rotate_secret` or `set_secret` gives it one.

        Raises  AlreadyRegistered; ClientInvalid (names the field).
        """
        self._verify(tx, client)
        if storage.find_client(tx.connection, client.client_id) is not None:
            raise AlreadyRegistered("client", key=client.client_id)
        storage.insert_client(tx.connection, replace(client, secrets=()), now=now)
        tx.on_commit(self._registry.forget)

    def change_client(self, tx: TransactionLike, client: Client, *, now: datetime) -> None:
        """Replace everything of a client except its secrets, sector and time of creation.

        When it is not to authenticate with a secret any more, its secrets end at once.
        Raises  NotRegistered; ClientInvalid (names the field).
        """
        self._verify(tx, client)
        before = self._lock_client(tx, client.client_id)
        if before.sector_id != client.sector_id:
            raise ClientInvalid(
                "sector_id", reason="it cannot change: everybody would become somebody else to it"
            )
        storage.update_client(tx.connection, client, now=now)
        if client.token_endpoint_auth_method not in SECRET_METHODS:
            ended = _end(before.secrets, now=now)
            storage.replace_secrets(tx.connection, client.client_id, secrets=ended)
        tx.on_commit(self._registry.forget)

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
        known = next(
            (held for held in client.secrets if hmac.compare_digest(held.digest, digest)), None
        )
        if known is not None:
            if known.is_live(now=now):
                return False
            raise ClientInvalid("client_secret", reason="it was taken out of use; choose another")
        self._put_secret(tx, client, raw_secret=raw_secret, overlap=overlap, now=now)
        return True

    # -- controllers, sectors, resource servers ----------------------------------------------------

    def save_controller(self, tx: TransactionLike, saved: Controller, *, now: datetime) -> bool:
        """Add or change a controller; False when it was so already.

        Raises  ClientInvalid (names the field).
        """
        verify_controller(saved)
        if storage.find_controller(tx.connection, saved.controller_id) == saved:
            return False
        storage.save_controller(tx.connection, saved, now=now)
        tx.on_commit(self._registry.forget)
        return True

    def save_sector(self, tx: TransactionLike, saved: Sector, *, now: datetime) -> bool:
        """Add or change a sector; False when it was so already.

        Raises  ClientInvalid (names the field).
        """
        verify_sector(saved)
        if storage.find_controller(tx.connection, saved.controller_id) is None:
            raise ClientInvalid("controller_id", reason=f"no controller {saved.controller_id}")
        if storage.find_sector(tx.connection, saved.sector_id) == saved:
            return False
        storage.save_sector(tx.connection, saved, now=now)
        tx.on_commit(self._registry.forget)
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
        tx.on_commit(self._registry.forget)
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
        tx.on_commit(self._registry.forget)
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
        live = sorted(
            (secret for secret in client.secrets if secret.is_live(now=now)),
            key=lambda secret: (secret.created_at, secret.expires_at is None),
        )
        spent = [secret for secret in client.secrets if not secret.is_live(now=now)]
        staying = live[-(MAX_LIVE_SECRETS - 1) :]
        spent += _end(live[: -len(staying)], now=now)
        staying = [
            replace(secret, expires_at=min(secret.expires_at or now + overlap, now + overlap))
            for secret in staying
        ]
        new = ClientSecret(digest=hash_secret(raw_secret), created_at=now)
        storage.replace_secrets(
            tx.connection, client.client_id, secrets=[*spent[-_MOST_SPENT_SECRETS:], *staying, new]
        )
        tx.on_commit(self._registry.forget)


def _end(secrets: Iterable[ClientSecret], *, now: datetime) -> list[ClientSecret]:
    return [
        replace(secret, expires_at=now) if secret.is_live(now=now) else secret for secret in secrets
    ]
