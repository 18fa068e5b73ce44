"""Taking an import file in: the registry becomes what it says, and once more changes nothing.

What lives here: comparing entries with what is registered.  What the file does not name stays; a
disabled client stays disabled; secrets that are live stay live.  All of it happens in the caller's
transaction, so a file is taken in whole or not at all, and the caller writes the log rows.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final, TypeVar

from clients.registry import storage
from clients.registry.bases import StatutoryBases
from clients.registry.document import BasisEntry, ClientEntry, RegistryDocument
from clients.registry.editing import RegistryEditor
from clients.registry.errors import ClientInvalid, ImportInvalid
from clients.registry.model import SECRET_METHODS, Controller, ResourceServer, Sector
from clients.registry.registry import Registry
from clients.registry.secrets import NewSecret
from clients.registry.storage import TransactionLike

_E = TypeVar("_E")

SECRET_OVERLAP: Final = timedelta(days=1)
"""How long the secret before it stays live when a file brings another one."""


class Act(StrEnum):
    """What an entry came to."""

    ADDED = "added"
    CHANGED = "changed"
    UNCHANGED = "unchanged"


@dataclass(frozen=True, slots=True, kw_only=True)
class ImportedEntry:
    """One entry of the file.  `new_secret` is one that was made here, to be shown once.

    `key` is the id of the controller, sector, client or basis, or the identifier of the resource
    server; `client_id` the client that a client or basis is about.
    """

    table: str
    key: str
    act: Act
    client_id: str | None = None
    secret_changed: bool = False
    new_secret: NewSecret | None = field(default=None, repr=False)


def import_document(
    registry: Registry,
    document: RegistryDocument,
    *,
    tx: TransactionLike,
    operator: str,
    now: datetime,
) -> tuple[ImportedEntry, ...]:
    """Make the registry what the file says.

    Statutory bases are only requested, in the operator's name; somebody else approves them.
    Returns one item per entry, in the order controllers, sectors, clients, resource servers, bases.
    Raises  ImportInvalid (file, table, index from 1, field, reason); nothing is to be committed.
    """
    run = _Import(registry, tx=tx, operator=operator, now=now)
    imported: list[ImportedEntry] = []

    def take_all(table: str, entries: Iterable[_E], take: Callable[[_E], ImportedEntry]) -> None:
        for index, entry in enumerate(entries, start=1):
            try:
                imported.append(take(entry))
            except ClientInvalid as wrong:
                raise ImportInvalid(
                    document.file, table=table, index=index, field=wrong.field, reason=wrong.reason
                ) from wrong

    take_all("controllers", document.controllers, run.take_controller)
    take_all("sectors", document.sectors, run.take_sector)
    take_all("clients", document.clients, run.take_client)
    take_all("resource_servers", document.resource_servers, run.take_resource_server)
    take_all("statutory_bases", document.statutory_bases, run.take_basis)
    return tuple(imported)


class _Import:
    """One run of an import: what every entry needs, and what each kind of entry does."""

    def __init__(
        self, registry: Registry, *, tx: TransactionLike, operator: str, now: datetime
    ) -> None:
        self._editor = RegistryEditor(registry)
        self._bases = StatutoryBases(registry)
        self._tx = tx
        self._operator = operator
        self._now = now
        self._editor.ensure_defaults(tx, now=now)

    def take_controller(self, entry: Controller) -> ImportedEntry:
        known = storage.find_controller(self._tx.connection, entry.controller_id)
        changed = self._editor.save_controller(self._tx, entry, now=self._now)
        return _entry("controllers", entry.controller_id, known=known is not None, changed=changed)

    def take_sector(self, entry: Sector) -> ImportedEntry:
        known = storage.find_sector(self._tx.connection, entry.sector_id)
        changed = self._editor.save_sector(self._tx, entry, now=self._now)
        return _entry("sectors", entry.sector_id, known=known is not None, changed=changed)

    def take_resource_server(self, entry: ResourceServer) -> ImportedEntry:
        known = storage.find_resource_server(self._tx.connection, entry.identifier)
        changed = self._editor.save_resource_server(self._tx, entry, now=self._now)
        return _entry(
            "resource_servers", entry.identifier, known=known is not None, changed=changed
        )

    def take_client(self, entry: ClientEntry) -> ImportedEntry:
        wanted = entry.client
        sector = storage.find_sector(self._tx.connection, wanted.sector_id)
        if sector is not None:
            wanted = replace(wanted, controller_id=sector.controller_id)
        known = storage.find_client(self._tx.connection, wanted.client_id)
        if known is None:
            self._editor.add_client(self._tx, wanted, now=self._now)
            changed = True
        else:
            wanted = replace(
                wanted, status=known.status, secrets=known.secrets, created_at=known.created_at
            )
            changed = wanted != known
            if changed:
                self._editor.change_client(self._tx, wanted, now=self._now)
        taken = _entry("clients", wanted.client_id, known=known is not None, changed=changed)
        return self._give_secret(entry, replace(taken, client_id=wanted.client_id))

    def take_basis(self, entry: BasisEntry) -> ImportedEntry:
        basis, is_new = self._bases.request(
            self._tx,
            client_id=entry.client_id,
            scope=entry.scope,
            procedure=entry.procedure,
            legal_ref=entry.legal_ref,
            requested_by=self._operator,
            valid_from=entry.valid_from,
            valid_to=entry.valid_to,
            now=self._now,
        )
        taken = _entry("statutory_bases", basis.basis_id, known=not is_new, changed=is_new)
        return replace(taken, client_id=entry.client_id)

    def _give_secret(self, entry: ClientEntry, taken: ImportedEntry) -> ImportedEntry:
        client_id = entry.client.client_id
        if entry.client.token_endpoint_auth_method not in SECRET_METHODS:
            return taken
        if entry.raw_secret is not None:
            changed = self._editor.set_secret(
                self._tx,
                client_id,
                raw_secret=entry.raw_secret,
                overlap=SECRET_OVERLAP,
                now=self._now,
            )
            return replace(taken, secret_changed=changed)
        client = storage.find_client(self._tx.connection, client_id)
        if client is not None and any(secret.is_live(now=self._now) for secret in client.secrets):
            return taken
        new = self._editor.rotate_secret(self._tx, client_id, overlap=SECRET_OVERLAP, now=self._now)
        return replace(taken, secret_changed=True, new_secret=new)


def _entry(table: str, key: str, *, known: bool, changed: bool) -> ImportedEntry:
    if not changed:
        return ImportedEntry(table=table, key=key, act=Act.UNCHANGED)
    return ImportedEntry(table=table, key=key, act=Act.CHANGED if known else Act.ADDED)
