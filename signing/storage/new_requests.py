"""A new request with its documents and signers, in SQL.

What lives here: adding one beside others, where PostgreSQL counts what is open and adds every row
in one statement; and alone, when the caller has counted.
Not here: who holds what meanwhile (`hold_room` in `room.py`), what is allowed (`signing/room.py`).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

import msgspec
from sqlalchemy import (
    CTE,
    JSON,
    BigInteger,
    BindParameter,
    ColumnElement,
    Insert,
    LargeBinary,
    Table,
    Text,
    bindparam,
    cast,
    column,
    exists,
    func,
    insert,
    literal_column,
    select,
)

from keystore.clock import to_ms
from keystore.purposes import SealPurpose
from keystore.sealing import Sealer
from keystore.statement import Statement
from keystore.storage import Transaction
from signing.model import Room, SigningRequest, StoredBlob
from signing.storage.blobs import blob_row, document_blob, insert_blobs
from signing.storage.request_reading import text_context
from signing.storage.request_tables import (
    KEPT_AFTER_END,
    signing_document,
    signing_request,
    signing_slot,
)
from signing.storage.room import CLIENT_ID, LIGHT_BYTES, OPEN, waiting_each

_BLOB: Final = tuple(document_blob.c.keys())
_DOCUMENT: Final = (
    *("request_id", "position", "kind", "format", "size_bytes", "hash_name", "digest"),
    *("pages", "original_id"),
)
_SLOT: Final = ("request_id", "position", "account_id", "organisation_id", "role", "state")

_encode: Final = msgspec.msgpack.Encoder().encode
_json: Final = msgspec.json.Encoder().encode

_blobs, _documents, _slots = (
    bindparam(name, type_=Text) for name in ("blobs", "documents", "slots")
)
"""Rows, each time as one parameter in JSON."""


def insert_beside_others(
    tx: Transaction,
    request: SigningRequest,
    stored: Sequence[StoredBlob],
    *,
    room: Room,
    sealer: Sealer,
) -> bool:
    """Keep a new request and the keys of its documents; False, and nothing of it, without room.

    As much has to be free as all could take who are under way: no more than the database has
    connections, each with a light request.  The caller holds the room of the portal, beside others.
    """
    given = {
        **_request_row(request, sealer=sealer),
        "documents": _in_json(_document_rows(request)),
        "slots": _in_json(_slot_rows(request)),
        "blobs": _in_json([blob_row(one) for one in stored]),
        "most_open": room.most_open,
        "most_open_bytes": room.most_open_bytes,
        "most_waiting_each": room.most_waiting_each,
        "now": to_ms(request.created_at),
    }
    return _INSERT_ALL.count(tx.connection, given) == 1


def insert_alone(
    tx: Transaction, request: SigningRequest, stored: Sequence[StoredBlob], *, sealer: Sealer
) -> None:
    """The same, whatever room there is: the caller holds it alone, and has counted."""
    insert_blobs(tx, stored)
    connection = tx.connection
    connection.execute(insert(signing_request), _request_row(request, sealer=sealer))
    connection.execute(insert(signing_document), _document_rows(request))
    connection.execute(insert(signing_slot), _slot_rows(request))


def _request_row(request: SigningRequest, *, sealer: Sealer) -> dict[str, Any]:
    context = text_context(request.request_id)
    return {
        "request_id": request.request_id,
        "client_id": request.client_id,
        "state": request.state,
        "reason": request.reason,
        "level": request.level,
        "window_s": int(request.window.total_seconds()),
        "return_uri": request.return_uri,
        "webhook_uri": request.webhook_uri,
        "text_sealed": sealer.seal(SealPurpose.DOCUMENT, _encode(request.text), context=context),
        "created_ms": to_ms(request.created_at),
        "expires_ms": to_ms(request.expires_at),
        "ended_ms": None,
        "purge_ms": to_ms(request.expires_at + KEPT_AFTER_END),
    }


def _document_rows(request: SigningRequest) -> list[dict[str, Any]]:
    return [
        {
            "request_id": request.request_id,
            "position": one.position,
            "kind": one.kind,
            "format": one.format,
            "size_bytes": one.size_bytes,
            "hash_name": one.hash_name,
            "digest": one.digest,
            "pages": one.pages,
            "original_id": one.original_id,
        }
        for one in request.documents
    ]


def _slot_rows(request: SigningRequest) -> list[dict[str, Any]]:
    return [
        {
            "request_id": request.request_id,
            "position": one.position,
            "account_id": one.account_id,
            "organisation_id": one.organisation_id,
            "role": one.role,
            "state": one.state,
        }
        for one in request.slots
    ]


def _in_json(rows: Sequence[dict[str, Any]]) -> str:
    """Rows as one parameter; octets in base64, as the encoder writes them."""
    return _json(rows).decode()


def _rows_of(table: Table, names: Sequence[str], *, parameter: BindParameter[str]) -> Any:
    """Rows out of one parameter in JSON, with the names and types of a table's columns."""
    columns = [
        column(name, Text() if isinstance(table.c[name].type, LargeBinary) else table.c[name].type)
        for name in names
    ]
    given = cast(parameter, JSON)
    return (
        func.json_to_recordset(given)
        .table_valued(*columns)
        .render_derived(name=f"new_{parameter.key}", with_types=True)
    )


def _insert_rows(
    table: Table, names: Sequence[str], *, parameter: BindParameter[str], only_if: Any
) -> CTE:
    rows = _rows_of(table, names, parameter=parameter)
    values: list[ColumnElement[Any]] = [
        func.decode(rows.c[name], literal_column("'base64'"))
        if isinstance(table.c[name].type, LargeBinary)
        else rows.c[name]
        for name in names
    ]
    return (
        insert(table).from_select(names, select(*values).where(only_if)).cte(f"add_{parameter.key}")
    )


def _insert_all() -> Insert:
    """Every row of a new request, where there is room for it; changes one row, or none.

    Foreign keys are looked at when the statement is over, in whatever order its rows came.
    """
    people = _rows_of(signing_slot, _SLOT, parameter=_slots)
    each = waiting_each(select(people.c.account_id)).subquery()
    open_now = OPEN.cte("open_now")
    # at most so many transactions are under way, this one included
    under_way = cast(func.current_setting(literal_column("'max_connections'")), BigInteger)
    admitted = (
        select(literal_column("1").label("one"))
        .select_from(open_now)
        .where(
            open_now.c.number + under_way <= bindparam("most_open", type_=BigInteger),
            open_now.c.size + under_way * literal_column(str(LIGHT_BYTES))
            <= bindparam("most_open_bytes", type_=BigInteger),
            ~exists(
                select(literal_column("1"))
                .select_from(each)
                .where(each.c.number >= bindparam("most_waiting_each", type_=BigInteger))
            ),
        )
        .cte("admitted")
    )
    is_admitted = exists(select(admitted.c.one))
    columns = signing_request.c
    given = (
        CLIENT_ID if one is columns.client_id else bindparam(one.name, type_=one.type)
        for one in columns
    )
    row = select(*given).where(is_admitted)
    return (
        insert(signing_request)
        .from_select(columns.keys(), row)
        .add_cte(
            _insert_rows(document_blob, _BLOB, parameter=_blobs, only_if=is_admitted),
            _insert_rows(signing_document, _DOCUMENT, parameter=_documents, only_if=is_admitted),
            _insert_rows(signing_slot, _SLOT, parameter=_slots, only_if=is_admitted),
        )
    )


_INSERT_ALL: Final = Statement(_insert_all())
