"""A row about one person in every table that may hold one.

What lives here: `fill_tables`, which makes rows by what the tables declare: whatever column finds
a person is that person's, whatever is sealed holds `MARK`, whatever is secret holds `SECRET`.  A
table that is added tomorrow is filled without anybody thinking of it.
Not here: rows that the person has already, because the account was opened.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any, Final

import msgspec
from sqlalchemy import Boolean, Column, Integer, LargeBinary, Table, insert, select
from sqlalchemy.types import JSON

from idp.storage.accounts import account
from idp.storage.database import Database
from idp.storage.declared import EXPORT, SEALED
from idp.storage.held import Person
from keystore.purposes import SealPurpose
from keystore.sealing import Sealer
from tests.support.stores import all_metadata

MARK: Final = "Người Được Đánh Dấu"
SECRET: Final = b"never-to-be-told"

_AT_MS: Final = 1_700_000_000_000
_NATURAL: Final[Mapping[str, Any]] = {
    "certificate.profile": "citizen",
    "certificate.state": "good",
    "certificate.reason": None,
    "certificate.serial": f"{4711:040x}",
    "certificate.replaces": None,
    "mandate.kind": "delegation",
    "mandate.status": "active",
    "mandate.valid_to_ms": None,
    "mandate.ended_ms": None,
    "personal_key.destroyed_ms": _AT_MS,
    "consent.kind": "consent",
    "consent.withdrawn_ms": None,
    "signing_request.state": "signed",
    "signing_slot.state": "signed",
    "oauth_grant.claims": "{}",
    "oauth_grant.acr": "urn:vn:auth:1",
    "browser_session.factors": "[]",
    "outbox.payload": "{}",
    "outbox.state": "done",
}
"""Values that other code reads when the account ends."""


def person_tables() -> Mapping[str, Table]:
    """Every table about people, by name."""
    return {
        table.name: table
        for metadata in all_metadata()
        for table in metadata.tables.values()
        if table.info["subject"] == "person"
    }


def fill_tables(
    database: Database, person: Person, *, sealer: Sealer, without: Collection[str]
) -> Mapping[str, Mapping[str, Any]]:
    """One row in each table, but those named; the rows by name of the table."""
    made: dict[str, Mapping[str, Any]] = {}
    tables = person_tables()
    with database.transaction() as tx:
        for name in without:
            found = tx.connection.execute(select(tables[name])).mappings().first()
            if found is not None:
                made[name] = dict(found)
        waiting = [table for name, table in tables.items() if name not in without]
        while waiting:
            ready = [one for one in waiting if _needs(one) | _finds(one) <= set(made)]
            # a table may be found through one that refers to it
            ready = ready or [one for one in waiting if _needs(one) <= set(made)]
            for table in ready:
                for parent in _parents(table):
                    if parent.name not in made:
                        made[parent.name] = _row(parent, made, person=person, sealer=sealer)
                        tx.connection.execute(insert(parent), made[parent.name])
                made[table.name] = _row(table, made, person=person, sealer=sealer)
                tx.connection.execute(insert(table), made[table.name])
                waiting.remove(table)
    return made


def _needs(table: Table) -> set[str]:
    targets = {key.column.table.name for key in table.foreign_keys} - {table.name}
    return targets & set(person_tables())


def _parents(table: Table) -> list[Table]:
    """Tables that are about nobody and that this one refers to."""
    found = [key.column.table for key in table.foreign_keys]
    return [one for one in found if one.name not in person_tables()]


def _finds(table: Table) -> set[str]:
    through = table.info.get(EXPORT, {}).get("through")
    return {through} if through else set()


def _row(
    table: Table, made: Mapping[str, Mapping[str, Any]], *, person: Person, sealer: Sealer
) -> dict[str, Any]:
    row: dict[str, Any] = {}
    declared = table.info.get(EXPORT, {})
    names = declared.get("by") or ("account_id", "account_key")
    for column in table.columns:
        target = next(iter(column.foreign_keys), None)
        if column.name in declared.get("on", {}) and declared["through"] in made:
            row[column.name] = made[declared["through"]][declared["on"][column.name]]
        elif target is not None and target.column is account.c.account_key:
            row[column.name] = person.account_key
        elif column.name in names:
            row[column.name] = person.account_id
        elif target is not None:
            row[column.name] = made[target.column.table.name][target.column.name]
        elif (natural := f"{table.name}.{column.name}") in _NATURAL:
            row[column.name] = _NATURAL[natural]
        elif SEALED not in column.info:
            row[column.name] = _value(column)
    for column in table.columns:
        if SEALED in column.info:
            row[column.name] = _sealed(column, row, person=person, sealer=sealer)
    return row


def _value(column: Column[Any]) -> Any:
    if isinstance(column.type, LargeBinary):
        return SECRET if column.info["data"] == "secret" else b"octets of " + column.name.encode()
    if isinstance(column.type, Boolean):
        return True
    if isinstance(column.type, Integer):
        return _AT_MS if column.name.endswith("_ms") else 1
    if isinstance(column.type, JSON):
        return {}
    length = getattr(column.type, "length", None) or 40
    return f"{column.table.name}:{column.name}"[:length]


def _sealed(
    column: Column[Any], row: Mapping[str, Any], *, person: Person, sealer: Sealer
) -> bytes:
    scheme, context_of, form = column.info[SEALED]
    known = {"account_id": person.account_id, **row}
    context = context_of(known) if callable(context_of) else context_of.format_map(known)
    plain = {
        "json": msgspec.json.encode({"said": MARK}),
        "msgpack": msgspec.msgpack.encode({"said": MARK}),
    }.get(form, MARK.encode())
    if scheme == "document":
        return sealer.seal(SealPurpose.DOCUMENT, plain, context=context)
    return sealer.seal_personal(person.data_key, plain, context=context)
