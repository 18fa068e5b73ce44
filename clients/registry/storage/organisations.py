"""How controllers, sectors and resource servers are read and written.

What lives here: SQL on an open connection; frozen model objects in and out.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final

from sqlalchemy import Connection, RowMapping, Table, bindparam, insert, select, update
from sqlalchemy.exc import IntegrityError

from clients.registry.errors import AlreadyRegistered
from clients.registry.model import Controller, ResourceServer, Sector
from clients.registry.storage.tables import controller, resource_server, sector, to_ms

_SELECT_CONTROLLER: Final = select(controller).where(controller.c.controller_id == bindparam("key"))
_SELECT_SECTOR: Final = select(sector).where(sector.c.sector_id == bindparam("key"))
_SELECT_RESOURCE_SERVER: Final = select(resource_server).where(
    resource_server.c.identifier == bindparam("key")
)
_SELECT_RESOURCE_SERVERS_OF: Final = select(resource_server).where(
    resource_server.c.client_id == bindparam("key")
)


def find_controller(connection: Connection, controller_id: str) -> Controller | None:
    """A controller by its id."""
    row = connection.execute(_SELECT_CONTROLLER, {"key": controller_id}).mappings().first()
    return None if row is None else _read_controller(row)


def find_sector(connection: Connection, sector_id: str) -> Sector | None:
    """A sector by its id."""
    row = connection.execute(_SELECT_SECTOR, {"key": sector_id}).mappings().first()
    return None if row is None else _read_sector(row)


def find_resource_server(connection: Connection, identifier: str) -> ResourceServer | None:
    """A resource server by its identifier."""
    row = connection.execute(_SELECT_RESOURCE_SERVER, {"key": identifier}).mappings().first()
    return None if row is None else _read_resource_server(row)


def list_resource_servers_of(connection: Connection, client_id: str) -> tuple[ResourceServer, ...]:
    """The resource servers that introspect as this client."""
    rows = connection.execute(_SELECT_RESOURCE_SERVERS_OF, {"key": client_id}).mappings()
    return tuple(_read_resource_server(row) for row in rows)


def list_resource_servers(connection: Connection) -> tuple[ResourceServer, ...]:
    """Every resource server."""
    rows = connection.execute(select(resource_server)).mappings()
    return tuple(_read_resource_server(row) for row in rows)


def save_controller(connection: Connection, saved: Controller, *, now: datetime) -> None:
    """Write a controller, new or changed."""
    values = {
        "name_vi": saved.name_vi,
        "name_en": saved.name_en,
        "dpo_email": saved.dpo_email,
        "dpo_phone": saved.dpo_phone,
        "privacy_uri": saved.privacy_uri,
    }
    _save(
        connection, controller, key={"controller_id": saved.controller_id}, values=values, now=now
    )


def save_sector(connection: Connection, saved: Sector, *, now: datetime) -> None:
    """Write a sector, new or changed."""
    values = {
        "controller_id": saved.controller_id,
        "name_vi": saved.name_vi,
        "name_en": saved.name_en,
    }
    _save(connection, sector, key={"sector_id": saved.sector_id}, values=values, now=now)


def save_resource_server(connection: Connection, saved: ResourceServer, *, now: datetime) -> None:
    """Write a resource server, new or changed."""
    values = {
        "sector_id": saved.sector_id,
        "client_id": saved.client_id,
        "name_vi": saved.name_vi,
        "name_en": saved.name_en,
        "scopes": sorted(saved.scopes),
    }
    _save(connection, resource_server, key={"identifier": saved.identifier}, values=values, now=now)


def _save(
    connection: Connection,
    table: Table,
    *,
    key: Mapping[str, str],
    values: Mapping[str, Any],
    now: datetime,
) -> None:
    (name, value) = next(iter(key.items()))
    changed = connection.execute(update(table).where(table.c[name] == value).values(**values))
    if changed.rowcount == 0:
        try:
            connection.execute(insert(table), {**key, **values, "created_ms": to_ms(now)})
        except IntegrityError as taken:  # another transaction wrote it since the line above
            raise AlreadyRegistered(table.name, key=value) from taken


def _read_controller(row: RowMapping) -> Controller:
    return Controller(
        controller_id=row["controller_id"],
        name_vi=row["name_vi"],
        name_en=row["name_en"],
        dpo_email=row["dpo_email"],
        dpo_phone=row["dpo_phone"],
        privacy_uri=row["privacy_uri"],
    )


def _read_sector(row: RowMapping) -> Sector:
    return Sector(
        sector_id=row["sector_id"],
        controller_id=row["controller_id"],
        name_vi=row["name_vi"],
        name_en=row["name_en"],
    )


def _read_resource_server(row: RowMapping) -> ResourceServer:
    return ResourceServer(
        identifier=row["identifier"],
        name_vi=row["name_vi"],
        name_en=row["name_en"],
        sector_id=row["sector_id"],
        client_id=row["client_id"],
        scopes=frozenset(row["scopes"]),
    )
