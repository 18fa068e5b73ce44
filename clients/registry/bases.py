"""Statutory bases: asked for by one operator, approved by another, ended but never rewritten.

What lives here: the acts on them.  Which one is in force is answered by `Registry.statutory_basis`.
The caller writes the log row in the same transaction.  Source: Law 91/2025/QH15 art. 19.
"""

from __future__ import annotations

import secrets
from dataclasses import replace
from datetime import datetime
from typing import Final

from clients.registry import storage
from clients.registry.errors import ClientInvalid, NotRegistered, SecondOperatorRequired
from clients.registry.model import StatutoryBasis
from clients.registry.registry import Registry
from clients.registry.storage import TransactionLike

_LONGEST_TEXT: Final = 500


class StatutoryBases:
    """Writes; lookups of `registry` see a change once its transaction is committed."""

    def __init__(self, registry: Registry) -> None:
        self._registry = registry

    def request(
        self,
        tx: TransactionLike,
        *,
        client_id: str,
        scope: str,
        procedure: str,
        legal_ref: str,
        requested_by: str,
        valid_from: datetime,
        valid_to: datetime | None,
        now: datetime,
    ) -> tuple[StatutoryBasis, bool]:
        """Ask for a basis; it counts for nothing until somebody else approves it.

        Returns the basis and whether it is new: the same request twice is one basis.
        Raises  ClientInvalid (names the field).
        """
        asked = StatutoryBasis(
            basis_id=f"basis_{secrets.token_hex(16)}",
            client_id=client_id,
            scope=scope,
            procedure=procedure,
            legal_ref=legal_ref,
            requested_by=requested_by,
            requested_at=now,
            valid_from=valid_from,
            valid_to=valid_to,
        )
        self._verify(tx, asked)
        for known in storage.list_bases_of(tx.connection, client_id):
            if _content_of(known) == _content_of(asked):
                return known, False
        storage.insert_basis(tx.connection, asked)
        tx.on_commit(self._registry.forget)
        return asked, True

    def approve(
        self, tx: TransactionLike, basis_id: str, *, approved_by: str, now: datetime
    ) -> tuple[StatutoryBasis, bool]:
        """Put a basis in force; one that is approved already stays as it is.

        Returns the basis and whether this changed it.
        Raises  NotRegistered; SecondOperatorRequired.
        """
        basis = self._lock(tx, basis_id)
        if basis.approved_by is not None:
            return basis, False
        if not approved_by.strip() or approved_by.casefold() == basis.requested_by.casefold():
            raise SecondOperatorRequired(basis_id)
        return self._update(tx, replace(basis, approved_by=approved_by, approved_at=now))

    def end(
        self, tx: TransactionLike, basis_id: str, *, now: datetime
    ) -> tuple[StatutoryBasis, bool]:
        """Take a basis out of force from now on; one that has ended already stays as it is.

        Returns the basis and whether this changed it.
        Raises  NotRegistered.
        """
        basis = self._lock(tx, basis_id)
        if basis.valid_to is not None and basis.valid_to <= now:
            return basis, False
        return self._update(tx, replace(basis, valid_to=now))

    def _lock(self, tx: TransactionLike, basis_id: str) -> StatutoryBasis:
        basis = storage.lock_basis(tx.connection, basis_id)
        if basis is None:
            raise NotRegistered("statutory basis", key=basis_id)
        return basis

    def _update(self, tx: TransactionLike, basis: StatutoryBasis) -> tuple[StatutoryBasis, bool]:
        storage.update_basis(tx.connection, basis)
        tx.on_commit(self._registry.forget)
        return basis, True

    def _verify(self, tx: TransactionLike, asked: StatutoryBasis) -> None:
        client = storage.find_client(tx.connection, asked.client_id)
        if client is None:
            raise ClientInvalid("client_id", reason=f"no client {asked.client_id}")
        if asked.scope not in client.scopes:
            raise ClientInvalid("scope", reason=f"{asked.scope} is not a scope of the client")
        for field, text in (
            ("procedure", asked.procedure),
            ("legal_ref", asked.legal_ref),
            ("requested_by", asked.requested_by),
        ):
            if not text.strip() or len(text) > _LONGEST_TEXT or not text.isprintable():
                reason = f"it is not 1 to {_LONGEST_TEXT} printable characters"
                raise ClientInvalid(field, reason=reason)
        if asked.valid_to is not None and asked.valid_to <= asked.valid_from:
            raise ClientInvalid("valid_to", reason="it is not after valid_from")


def _content_of(basis: StatutoryBasis) -> tuple[object, ...]:
    return (
        basis.scope,
        basis.procedure,
        basis.legal_ref,
        basis.valid_from,
        basis.valid_to,
    )
