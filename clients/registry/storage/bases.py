"""How statutory bases are read and written.

What lives here: SQL on an open connection; frozen model objects in and out.
"""

from __future__ import annotations

from typing import Any, Final

from sqlalchemy import Connection, RowMapping, bindparam, insert, select, update

from clients.registry.model import StatutoryBasis
from clients.registry.storage.tables import (
    from_ms,
    from_ms_or_none,
    statutory_basis,
    to_ms,
    to_ms_or_none,
)

_SELECT_BASES_OF: Final = (
    select(statutory_basis)
    .where(statutory_basis.c.client_id == bindparam("key"))
    .order_by(statutory_basis.c.valid_from_ms, statutory_basis.c.basis_id)
)
_SELECT_BASIS: Final = select(statutory_basis).where(statutory_basis.c.basis_id == bindparam("key"))


def list_bases_of(connection: Connection, client_id: str) -> tuple[StatutoryBasis, ...]:
    """Every statutory basis of a client, approved or not, oldest first."""
    rows = connection.execute(_SELECT_BASES_OF, {"key": client_id}).mappings()
    return tuple(_read_basis(row) for row in rows)


def lock_basis(connection: Connection, basis_id: str) -> StatutoryBasis | None:
    """A statutory basis whose row no other transaction can change before this one ends."""
    row = connection.execute(_SELECT_BASIS.with_for_update(), {"key": basis_id}).mappings().first()
    return None if row is None else _read_basis(row)


def insert_basis(connection: Connection, added: StatutoryBasis) -> None:
    """Write a statutory basis that is not there yet."""
    connection.execute(insert(statutory_basis), _write_basis(added))


def update_basis(connection: Connection, changed: StatutoryBasis) -> None:
    """Write a statutory basis again."""
    values = _write_basis(changed)
    del values["basis_id"]
    connection.execute(
        update(statutory_basis)
        .where(statutory_basis.c.basis_id == changed.basis_id)
        .values(**values)
    )


def _write_basis(written: StatutoryBasis) -> dict[str, Any]:
    return {
        "basis_id": written.basis_id,
        "client_id": written.client_id,
        "scope": written.scope,
        "procedure": written.procedure,
        "legal_ref": written.legal_ref,
        "requested_by": written.requested_by,
        "requested_ms": to_ms(written.requested_at),
        "approved_by": written.approved_by,
        "approved_ms": to_ms_or_none(written.approved_at),
        "valid_from_ms": to_ms(written.valid_from),
        "valid_to_ms": to_ms_or_none(written.valid_to),
    }


def _read_basis(row: RowMapping) -> StatutoryBasis:
    return StatutoryBasis(
        basis_id=row["basis_id"],
        client_id=row["client_id"],
        scope=row["scope"],
        procedure=row["procedure"],
        legal_ref=row["legal_ref"],
        requested_by=row["requested_by"],
        requested_at=from_ms(row["requested_ms"]),
        approved_by=row["approved_by"],
        approved_at=from_ms_or_none(row["approved_ms"]),
        valid_from=from_ms(row["valid_from_ms"]),
        valid_to=from_ms_or_none(row["valid_to_ms"]),
    )
