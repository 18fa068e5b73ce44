"""What the databases hold about one person: found and read by what the tables declare.

What lives here: which rows of which table are a person's, reading them in portions with whatever is
sealed in them opened, and deleting them.  Nothing here knows a table by name: a new one takes part
by its declaration (`idp/storage/declared.py`), and one that leaves a question open is refused by a
test (`find_gaps`).
Source: Law 91/2025/QH15 Art. 4 (to view, to be given, to have deleted).
Not here: who may ask (`idp/own_export.py`), what else erasing does (`idp/accounts/lifecycle.py`).
"""

from __future__ import annotations

import base64
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from enum import Enum, auto
from functools import cache
from typing import Any, Final

import msgspec
from sqlalchemy import (
    ColumnElement,
    LargeBinary,
    MetaData,
    Table,
    and_,
    delete,
    false,
    or_,
    select,
    tuple_,
)

from idp.ids import AccountId
from idp.storage.accounts import AccountRow, account
from idp.storage.database import Database, Transaction
from idp.storage.declared import ERASED, EXPORT, SEALED, WITHHELD
from idp.storage.table_modules import declared_metadata
from keystore.clock import from_ms
from keystore.errors import SealBroken
from keystore.purposes import SealPurpose
from keystore.sealing import Sealer

Value = Any
"""What JSON has: numbers, texts, lists, members; None."""

_PORTION: Final = 500
_PERSON: Final = "person"
_NONCE_BYTES: Final = 32
_MILLISECONDS: Final = "_ms"
_ANOTHER: Final = {"withheld": "somebody else's"}
_SECRET: Final = {"withheld": "secret"}
_NOT_OPENED: Final = {"withheld": "sealed for somebody else"}


@dataclass(frozen=True, slots=True)
class HeldTable:
    """One table that holds data about people.

    `not_given` says why no row of it is given to anybody, and is empty otherwise; `kept` what stays
    readable in it of somebody who was erased, `kept_legal` by which rule and `kept_until` when.
    """

    name: str
    purpose: str
    retention: str
    legal: str
    legal_from: str
    not_given: str = ""
    kept: str = ""
    kept_legal: str = ""
    kept_until: str = ""


@dataclass(frozen=True, slots=True)
class Person:
    """Whose rows are looked for; `data_key` is wrapped."""

    account_id: AccountId
    account_key: int
    data_key: bytes = field(repr=False)

    @classmethod
    def of(cls, row: AccountRow) -> Person:
        """The person of an account."""
        return cls(row.account_id, row.account_key, row.data_key)


def held_tables() -> tuple[HeldTable, ...]:
    """Every table about people, by name."""
    return tuple(
        HeldTable(
            name=str(name),
            not_given=_export(table).get("not_given", ""),
            kept=table.info.get(ERASED, {}).get("kept", ""),
            kept_legal=table.info.get(ERASED, {}).get("legal", ""),
            kept_until=table.info.get(ERASED, {}).get("until", ""),
            **{part: table.info[part] for part in ("purpose", "retention", "legal", "legal_from")},
        )
        for name, table in sorted(_tables().items())
    )


def read_held(
    database: Database, name: str, *, person: Person, sealer: Sealer
) -> Iterator[Mapping[str, Value]]:
    """The rows of one table that are a person's, in an order that does not change.

    A portion at a time, each in a statement of its own: memory does not grow with the rows, and no
    connection is held while somebody slow reads.
    Times are ISO 8601 in UTC; what is sealed is opened; what is secret is named and not given.
    """
    table = _tables()[name]
    if "not_given" in _export(table):
        return
    order = [table.c[one] for one in _order(table)]
    wanted = select(table).where(_is_theirs(table, person)).order_by(*order).limit(_PORTION)
    after: tuple[Any, ...] | None = None
    while True:
        query = wanted
        if after is not None:
            # the first condition is the one that an index is entered by
            query = query.where(order[0] >= after[0], tuple_(*order) > tuple_(*after))
        with database.read() as connection:
            rows = connection.execute(query).mappings().all()
        for row in rows:
            yield _given(table, row, person=person, sealer=sealer)
        if len(rows) < _PORTION:
            return
        after = tuple(rows[-1][column.name] for column in order)


def delete_held(tx: Transaction, person: Person) -> Mapping[str, int]:
    """Delete every row of a person that no rule keeps and nothing else empties.

    Returns how many rows went, by name of the table.
    """
    doomed = [table for table in _by_dependency() if ERASED not in table.info]
    gone = {}
    for table in doomed:
        if "not_given" in _export(table):
            continue
        keys = list(table.primary_key.columns)
        key = keys[0] if len(keys) == 1 else tuple_(*keys)
        theirs = select(*keys).where(_is_theirs(table, person))
        done = tx.connection.execute(delete(table).where(key.in_(theirs)))
        if done.rowcount:
            gone[table.name] = done.rowcount
    return gone


def find_gaps(*metadatas: MetaData) -> Iterator[str]:
    """What tables about people do not declare, as sentences for whoever made them."""
    tables = {table.name: table for one in metadatas for table in one.tables.values()}
    for table in tables.values():
        if table.info.get("subject") == _PERSON:
            yield from _gaps(table, tables)


def _gaps(table: Table, tables: Mapping[str, Table]) -> Iterator[str]:
    declared = _export(table)
    named: Iterable[str] = declared.get("by") or ()
    through = declared.get("through")
    if "not_given" in declared:
        if ERASED not in table.info:
            yield f"{table.name}: is not given, so it says what erasing does with it"
        return
    if not named and through is None and not _default_by(table):
        yield f"{table.name}: whose its rows are: found_by, found_through or not_given"
    yield from (f"{table.name}: has no column {one}" for one in named if one not in table.c)
    if through is not None and through not in tables:
        yield f"{table.name}: there is no table {through}"
    for column in table.columns:
        is_open = {SEALED, WITHHELD} & set(column.info) or column.info.get("data") == "secret"
        if column.name.endswith("sealed") and not is_open:
            yield f"{table.name}.{column.name}: how it is opened: sealed or withheld"


@cache
def _tables() -> Mapping[str, Table]:
    return {
        table.name: table
        for metadata in declared_metadata()
        for table in metadata.tables.values()
        if table.info.get("subject") == _PERSON
    }


def _by_dependency() -> Sequence[Table]:
    """Tables whose rows are found through others before those; then as foreign keys ask."""
    found: list[Table] = []
    for metadata in declared_metadata():
        found += reversed([one for one in metadata.sorted_tables if one.name in _tables()])
    depth = {table.name: _depth(table) for table in found}
    return sorted(found, key=lambda table: -depth[table.name])


def _depth(table: Table) -> int:
    through = _export(table).get("through")
    return 0 if through is None else 1 + _depth(_tables()[through])


def _export(table: Table) -> Mapping[str, Any]:
    declared: Mapping[str, Any] = table.info.get(EXPORT, {})
    return declared


def _default_by(table: Table) -> tuple[str, ...]:
    return tuple(name for name in ("account_id", "account_key") if name in table.c)[:1]


def _order(table: Table) -> tuple[str, ...]:
    return _export(table).get("order") or tuple(one.name for one in table.primary_key.columns)


def _is_theirs(table: Table, person: Person) -> ColumnElement[bool]:
    declared = _export(table)
    through = declared.get("through")
    if through is not None:
        other = _tables()[through]
        mine = [table.c[name] for name in declared["on"]]
        theirs = [other.c[name] for name in declared["on"].values()]
        found = select(*theirs).where(_is_theirs(other, person))
        present = and_(*(one.is_not(None) for one in mine))
        return and_(present, (mine[0] if len(mine) == 1 else tuple_(*mine)).in_(found))
    names = declared.get("by") or _default_by(table)
    return or_(
        false(),
        *(
            table.c[name] == (person.account_key if _is_key(table, name) else person.account_id)
            for name in names
        ),
    )


def _is_key(table: Table, name: str) -> bool:
    if table is account:
        return name == "account_key"
    return any(key.column is account.c.account_key for key in table.c[name].foreign_keys) or (
        name == "account_key"
    )


def _given(
    table: Table, row: Mapping[Any, Any], *, person: Person, sealer: Sealer
) -> Mapping[str, Value]:
    return {
        shown: _value(kind, detail, row[name], row=row, person=person, sealer=sealer)
        for name, shown, kind, detail in _plan(table)
    }


class _Kind(Enum):
    """What is done with what stands in a column."""

    AS_IT_IS = auto()
    INSTEAD = auto()
    SEALED = auto()
    WHOSE = auto()
    TIME = auto()
    OCTETS = auto()


@cache
def _plan(table: Table) -> tuple[tuple[str, str, _Kind, Any], ...]:
    """For each column: its name, the name it is given under, what is done, and with what."""
    return tuple(
        (str(column.name), str(column.name).removesuffix(_MILLISECONDS), *_kind(table, column.name))
        for column in table.columns
        if not (table is account and column.name == "account_key")
    )


def _kind(table: Table, name: str) -> tuple[_Kind, Any]:
    info = table.c[name].info
    if info.get("data") == "secret":
        return _Kind.INSTEAD, _SECRET
    if WITHHELD in info:
        return _Kind.INSTEAD, {"withheld": info[WITHHELD]}
    if SEALED in info:
        return _Kind.SEALED, info[SEALED]
    if _is_key(table, name):
        return _Kind.WHOSE, None
    if name.endswith(_MILLISECONDS):
        return _Kind.TIME, None
    is_octets = isinstance(table.c[name].type, LargeBinary)
    return (_Kind.OCTETS if is_octets else _Kind.AS_IT_IS), None


def _value(
    kind: _Kind,
    detail: Any,
    stored: Any,
    *,
    row: Mapping[Any, Any],
    person: Person,
    sealer: Sealer,
) -> Value:
    if stored is None:
        return None
    match kind:
        case _Kind.INSTEAD:
            return detail
        case _Kind.SEALED:
            return _opened(detail, stored, row=row, person=person, sealer=sealer)
        case _Kind.WHOSE:
            # internal keys never leave; whose else it is, is not this person's to know from here
            return person.account_id if stored == person.account_key else _ANOTHER
        case _Kind.TIME:
            return from_ms(stored).isoformat(timespec="milliseconds").replace("+00:00", "Z")
        case _Kind.OCTETS:
            return _bytes(stored)
        case _Kind.AS_IT_IS:
            is_json = isinstance(stored, str) and stored[:1] in {"{", "["}
            return _json(stored.encode()) if is_json else stored


def _opened(
    how: tuple[str, Any, str],
    stored: bytes,
    *,
    row: Mapping[Any, Any],
    person: Person,
    sealer: Sealer,
) -> Value:
    scheme, context_of, form = how
    known = {"account_id": person.account_id, **row}
    context = context_of(known) if callable(context_of) else context_of.format_map(known)
    try:
        plain = _unsealed(scheme, stored, context=context, person=person, sealer=sealer)
    except SealBroken:
        return _NOT_OPENED  # sealed for somebody else, or damaged: the rest is given all the same
    if scheme == "log":
        nonce, personal = plain[:_NONCE_BYTES], plain[_NONCE_BYTES:]
        return {"nonce": _bytes(nonce), "personal": _json(personal) if personal else {}}
    return _formed(plain, form)


def _unsealed(scheme: str, stored: bytes, *, context: str, person: Person, sealer: Sealer) -> bytes:
    if scheme == "document":
        return sealer.unseal(SealPurpose.DOCUMENT, stored, context=context)
    try:
        return sealer.unseal_personal(person.data_key, stored, context=context)
    except SealBroken:
        if scheme != "log":
            raise
    # what was recorded where nobody's key was at hand is under the log's own
    return sealer.unseal(SealPurpose.LOG, stored, context=context)


def _formed(plain: bytes, form: str) -> Value:
    if not plain:
        return ""
    if form == "json":
        return _json(plain)
    if form == "msgpack":
        return _plain_of(msgspec.msgpack.decode(plain))
    return plain.decode() if form == "text" else _bytes(plain)


def _json(raw: bytes) -> Value:
    try:
        return msgspec.json.decode(raw)
    except msgspec.DecodeError:
        return raw.decode("utf-8", "replace")


def _plain_of(value: Any) -> Value:
    if isinstance(value, bytes):
        return _bytes(value)
    if isinstance(value, dict):
        return {str(name): _plain_of(one) for name, one in value.items()}
    return [_plain_of(one) for one in value] if isinstance(value, list) else value


def _bytes(value: bytes) -> Value:
    return {"base64": base64.b64encode(value).decode()}
