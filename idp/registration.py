"""Acts on the registry together with their log rows: one transaction each, no record, no act.

What lives here: what `antin clients` and the sandbox do to the registry.  Not here: the rules of
profiles (`clients.registry`), and what is printed (`idp/cli/clients.py`).
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Final

from clients.registry import (
    Act,
    AlreadyRegistered,
    ClientEntry,
    ImportedEntry,
    NewSecret,
    Registry,
    RegistryDocument,
    RegistryEditor,
    StatutoryBases,
    StatutoryBasis,
    import_document,
)
from idp.storage.database import Database
from keystore.errors import EventRefused
from keystore.log.events import Event, EventType, Fact, check_event
from keystore.log.record import LogWriter
from keystore.storage import Transaction

_ADDED: Final[Mapping[str, EventType]] = {
    "controllers": EventType.CONTROLLER_ADDED,
    "sectors": EventType.SECTOR_ADDED,
    "clients": EventType.CLIENT_ADDED,
    "resource_servers": EventType.RESOURCE_SERVER_ADDED,
    "statutory_bases": EventType.STATUTORY_BASIS_PROPOSED,
}
_CHANGED: Final[Mapping[str, EventType]] = {
    "controllers": EventType.CONTROLLER_CHANGED,
    "sectors": EventType.SECTOR_CHANGED,
    "clients": EventType.CLIENT_CHANGED,
    "resource_servers": EventType.RESOURCE_SERVER_CHANGED,
    "statutory_bases": EventType.STATUTORY_BASIS_PROPOSED,
}


class Registration:
    """Registers, changes and disables clients in the name of an operator.

    Takes   operator, in every act: a login name, ASCII; it goes into the log.
    """

    def __init__(self, database: Database, *, registry: Registry, log: LogWriter) -> None:
        self._database = database
        self._log = log
        self._registry = registry
        self._editor = RegistryEditor(registry)
        self._bases = StatutoryBases(registry)

    def take_document(
        self, document: RegistryDocument, *, operator: str, now: datetime
    ) -> tuple[ImportedEntry, ...]:
        """Make the registry what an import file says, all of it or nothing.

        Raises  ImportInvalid (file, table, index, field, reason).
        """
        with self._database.transaction() as tx:
            return self._take(tx, document, operator=operator, now=now)

    def add_client(self, entry: ClientEntry, *, operator: str, now: datetime) -> ImportedEntry:
        """Register one client, with a new secret if it uses one and brings none.

        Raises  AlreadyRegistered; ImportInvalid (names the field).
        """
        client_id = entry.client.client_id
        with self._database.transaction() as tx:
            document = RegistryDocument(file=client_id, clients=(entry,))
            (taken,) = self._take(tx, document, operator=operator, now=now)
            if taken.act is not Act.ADDED:
                raise AlreadyRegistered("client", key=client_id)
            return taken

    def disable_client(self, client_id: str, *, operator: str, now: datetime) -> bool:
        """Stop serving a client; False when it was disabled already.

        Raises  NotRegistered.
        """
        with self._database.transaction() as tx:
            changed = self._editor.disable_client(tx, client_id, now=now)
            if changed:
                event = Event(EventType.CLIENT_DISABLED, None, client_id, {"operator": operator})
                self._log.record(tx, event, data_key=None, now=now)
            return changed

    def enable_client(self, client_id: str, *, operator: str, now: datetime) -> bool:
        """Serve a client again; False when it was active already.

        Raises  NotRegistered.
        """
        with self._database.transaction() as tx:
            changed = self._editor.enable_client(tx, client_id, now=now)
            if changed:
                event = Event(EventType.CLIENT_ENABLED, None, client_id, {"operator": operator})
                self._log.record(tx, event, data_key=None, now=now)
            return changed

    def rotate_secret(
        self, client_id: str, *, overlap: timedelta, operator: str, now: datetime
    ) -> NewSecret:
        """Give a client a new secret; the one before it lives on for `overlap`.

        Raises  NotRegistered; ClientInvalid when it does not authenticate with a secret.
        """
        with self._database.transaction() as tx:
            new = self._editor.rotate_secret(tx, client_id, overlap=overlap, now=now)
            facts: dict[str, Fact] = {
                "operator": operator,
                "overlap_s": int(overlap.total_seconds()),
            }
            event = Event(EventType.CLIENT_SECRET_ROTATED, None, client_id, facts)
            self._log.record(tx, event, data_key=None, now=now)
            return new

    def approve_basis(self, basis_id: str, *, operator: str, now: datetime) -> StatutoryBasis:
        """Put a statutory basis in force that another operator requested.

        Raises  NotRegistered; SecondOperatorRequired.
        """
        with self._database.transaction() as tx:
            basis, changed = self._bases.approve(tx, basis_id, approved_by=operator, now=now)
            if changed:
                facts = {"operator": operator, "basis_id": basis_id}
                event = Event(EventType.STATUTORY_BASIS_APPROVED, None, basis.client_id, facts)
                self._log.record(tx, event, data_key=None, now=now)
            return basis

    def end_basis(self, basis_id: str, *, operator: str, now: datetime) -> StatutoryBasis:
        """Take a statutory basis out of force.

        Raises  NotRegistered.
        """
        with self._database.transaction() as tx:
            basis, changed = self._bases.end(tx, basis_id, now=now)
            if changed:
                facts = {"operator": operator, "basis_id": basis_id}
                event = Event(EventType.STATUTORY_BASIS_ENDED, None, basis.client_id, facts)
                self._log.record(tx, event, data_key=None, now=now)
            return basis

    def _take(
        self, tx: Transaction, document: RegistryDocument, *, operator: str, now: datetime
    ) -> tuple[ImportedEntry, ...]:
        imported = import_document(self._registry, document, tx=tx, operator=operator, now=now)
        for entry in imported:
            if entry.act is not Act.UNCHANGED:
                self._log.record(tx, _make_event(entry, operator), data_key=None, now=now)
            if entry.secret_changed and entry.act is not Act.ADDED:
                facts = {"operator": operator}
                event = Event(EventType.CLIENT_SECRET_ROTATED, None, entry.client_id, facts)
                self._log.record(tx, event, data_key=None, now=now)
        return imported


def _make_event(entry: ImportedEntry, operator: str) -> Event:
    kind = (_CHANGED if entry.act is Act.CHANGED else _ADDED)[entry.table]
    facts = {"operator": operator, "table": entry.table, "what": str(entry.act)}
    if entry.key == entry.client_id:
        return Event(kind, None, entry.client_id, facts)
    event = Event(kind, None, entry.client_id, {**facts, "key": entry.key})
    try:
        check_event(event)
    except EventRefused:  # an identifier may have signs, or be a number, that no fact may carry
        digest = hashlib.sha256(entry.key.encode()).hexdigest()
        event = Event(kind, None, entry.client_id, {**facts, "key_sha256": digest})
    return event
