"""SQL of a fixed shape that goes to the database past SQLAlchemy.

What lives here: `Statement`, which SQLAlchemy writes once per kind of database, and whose execution
is a call of the driver and nothing around it.  What SQLAlchemy and psycopg's cursors do around a
statement costs ten times what the statement does: a result that finds out its columns anew each
time, a context for events that nobody listens to, a generator for each step of the protocol.  On
PostgreSQL the call is libpq's own (`psycopg.pq`), on SQLite the connection's `execute`.

The same as with SQLAlchemy: the SQL itself, what types values come back in, transactions, and
errors, which are SQLAlchemy's.  PostgreSQL plans a statement once for each connection that uses it
a second time.

Not here: SQL whose text depends on what is asked (an IN of varying length, optional conditions),
which stays with `connection.execute`; SQL of any table.
"""

from __future__ import annotations

from collections import namedtuple
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from sqlalchemy import Boolean, Connection, Dialect, Insert, LargeBinary
from sqlalchemy.exc import DBAPIError, MultipleResultsFound
from sqlalchemy.sql.base import Executable
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.types import NullType, TypeEngine

from keystore.postgresql_wire import BOOL, BYTEA, Wire, WireStatement, for_wire, say

__all__ = ["Statement", "command"]

_Parameters = Mapping[str, Any]
_Convert = Callable[[Any], Any]
_NOTHING: Final[dict[str, Any]] = {}


@dataclass(frozen=True, slots=True)
class _Compiled:
    """A statement for one kind of database."""

    sql: str
    order: tuple[str, ...]
    """Which parameter each place of the statement takes."""
    required: frozenset[str]
    constants: dict[str, Any]
    """Values that stand in the statement itself, as the driver takes them."""
    incoming: tuple[tuple[str, _Convert], ...]
    """Conversions of parameters, for those that have one."""
    make_row: Callable[[Sequence[Any]], Any] | None
    """From what the driver gives; None where the statement answers without rows."""
    on_wire: WireStatement | None
    """For libpq; None on SQLite."""


class Statement:
    """One SQL statement whose text never changes, made once where its module is loaded.

    Takes   statement: a select, insert, update or delete of SQLAlchemy (or a text with `columns`),
            with a `bindparam` for each value that varies.  An INSERT without `values` is of those
            columns that its parameters name.
    Raises  from every method: SQLAlchemy's errors, as `connection.execute` would (the driver's is
            `orig`); KeyError: a parameter is missing, or the statement has none of this name.

    Rows are named tuples: `row.account_id`, `row[0]`.  What has no name of its own has a place.
    """

    __slots__ = ("_by_dialect", "_by_parameters", "_statement")

    def __init__(self, statement: Executable) -> None:
        if isinstance(statement, Insert) and not statement.exported_columns:
            statement = statement.inline()  # nobody asks which number the row got
        self._statement: Any = statement
        self._by_dialect: dict[str, _Compiled] = {}
        self._by_parameters: dict[tuple[str, frozenset[str]], _Compiled] = {}

    def all(self, connection: Connection, parameters: _Parameters = _NOTHING) -> list[Any]:
        """Every row."""
        compiled, rows = self._execute(connection, parameters, is_counted=False)
        make_row = compiled.make_row
        if make_row is None:
            raise TypeError("statement_without_rows")
        return [make_row(row) for row in rows]

    def first(self, connection: Connection, parameters: _Parameters = _NOTHING) -> Any:
        """The first row, or None; the others are read all the same: say `limit(1)`."""
        rows = self.all(connection, parameters)
        return rows[0] if rows else None

    def one_or_none(self, connection: Connection, parameters: _Parameters = _NOTHING) -> Any:
        """The only row, or None.

        Raises  MultipleResultsFound.
        """
        rows = self.all(connection, parameters)
        if len(rows) > 1:
            raise MultipleResultsFound("several rows where one was asked for")
        return rows[0] if rows else None

    def scalar_or_none(self, connection: Connection, parameters: _Parameters = _NOTHING) -> Any:
        """The first column of the only row, or None.

        Raises  MultipleResultsFound.
        """
        row = self.one_or_none(connection, parameters)
        return None if row is None else row[0]

    def count(self, connection: Connection, parameters: _Parameters = _NOTHING) -> int:
        """How many rows were added, changed or removed."""
        count: int
        _, count = self._execute(connection, parameters, is_counted=True)
        return count

    def _execute(
        self, connection: Connection, parameters: _Parameters, *, is_counted: bool
    ) -> tuple[_Compiled, Any]:
        """Run it.  Returns the rows, not yet named, or their number."""
        dialect = connection.dialect
        compiled = self._by_dialect.get(dialect.name)
        if compiled is None or parameters.keys() != compiled.required:
            compiled = self._compile(dialect, frozenset(parameters))
        if compiled.constants or compiled.incoming:
            parameters = {**parameters, **compiled.constants}
            for name, convert in compiled.incoming:
                parameters[name] = convert(parameters[name])
        values = [parameters[name] for name in compiled.order]
        pooled = connection.connection
        try:
            if compiled.on_wire is not None:
                wire = pooled.info.get(Wire)
                if wire is None:
                    wire = pooled.info[Wire] = Wire(pooled.driver_connection)
                rows, count = wire.execute(compiled.on_wire, values)
            else:
                driver: Any = pooled.driver_connection
                cursor = driver.execute(compiled.sql, values)
                # SQLite's own count of what it returns is right when all of it is read
                rows = None if compiled.make_row is None else cursor.fetchall()
                count = cursor.rowcount if rows is None else len(rows)
        except dialect.loaded_dbapi.Error as failure:
            raise _translated(failure, connection, sql=compiled.sql) from failure
        except Exception:
            raise
        except BaseException:
            # interrupted in the middle of an answer: nobody knows what is read next
            connection.invalidate()
            raise
        return compiled, count if is_counted else rows

    def _compile(self, dialect: Dialect, names: frozenset[str]) -> _Compiled:
        """The first time, and where an INSERT is asked for other columns than before."""
        compiled = self._by_parameters.get((dialect.name, names))
        if compiled is None:
            compiled = _compile(self._statement, dialect, names=names)
            if names != compiled.required:
                raise KeyError(*sorted(compiled.required ^ names))
            self._by_parameters[dialect.name, names] = compiled
        self._by_dialect[dialect.name] = compiled
        return compiled


def command(connection: Connection, sql: str) -> None:
    """Say something without parameters and without an answer: a savepoint, for example.

    Raises  SQLAlchemy's errors.
    """
    pooled = connection.connection
    driver: Any = pooled.driver_connection
    try:
        if connection.dialect.driver == "psycopg":
            say(driver.pgconn, sql.encode())
        else:
            driver.execute(sql)
    except connection.dialect.loaded_dbapi.Error as failure:
        raise _translated(failure, connection, sql=sql) from failure


def _translated(failure: Any, connection: Connection, *, sql: str) -> Any:
    """The error that SQLAlchemy would raise; a connection that broke is given up."""
    dialect = connection.dialect
    is_gone = dialect.is_disconnect(failure, connection.connection, None)
    if is_gone:
        connection.invalidate(failure)
    return DBAPIError.instance(
        sql,
        None,  # parameters are nobody's business
        failure,
        dialect.loaded_dbapi.Error,
        hide_parameters=True,
        connection_invalidated=is_gone,
        dialect=dialect,
    )


def _compile(statement: Any, dialect: Dialect, *, names: frozenset[str]) -> _Compiled:
    """Let SQLAlchemy write the statement, and note how its values are converted.

    Raises  ValueError: a parameter of varying length, a value that Python would have to fill in;
            TypeError: a parameter without a type.
    """
    columns = sorted(names) if isinstance(statement, Insert) else None
    compiled: SQLCompiler = statement.compile(dialect=dialect, column_keys=columns)
    if compiled.insert_prefetch or compiled.update_prefetch:
        raise ValueError("default_of_python")
    required = frozenset(bind.key for bind in compiled.bind_names if bind.required)
    expanded = compiled.construct_expanded_state(dict.fromkeys(required))
    constants = dict(expanded.parameters)
    incoming: list[tuple[str, _Convert]] = []
    types: dict[str, TypeEngine[Any]] = {}
    by_name = {name: bind for bind, name in compiled.bind_names.items()}  # one may stand twice
    for name, bind in by_name.items():
        if isinstance(bind.type, NullType):
            raise TypeError(f"parameter_without_type: {name}")
        convert = bind.type.dialect_impl(dialect).bind_processor(dialect)
        if dialect.driver == "psycopg" and isinstance(bind.type, LargeBinary):
            convert = None  # a wrapper for psycopg's own cursors
        places = expanded.parameter_expansion.get(name, [name])
        types |= dict.fromkeys(places, bind.type)
        if bind.required:
            if name in expanded.parameter_expansion:
                raise ValueError(f"parameter_of_varying_length: {name}")
            del constants[name]
            if convert is not None:
                incoming.append((name, convert))
        elif convert is not None:
            constants |= {place: convert(constants[place]) for place in places}
    order: Sequence[str] = expanded.positiontup or ()
    on_wire = None
    if dialect.driver == "psycopg":
        oids = {name: _oid(kind) for name, kind in types.items()}
        order, on_wire = for_wire(expanded.statement, types=oids)
    return _Compiled(
        sql=expanded.statement,
        order=tuple(order),
        required=required,
        constants=constants,
        incoming=tuple(incoming),
        make_row=_make_row(getattr(statement, "exported_columns", {}), dialect),
        on_wire=on_wire,
    )


def _oid(kind: TypeEngine[Any]) -> int:
    if isinstance(kind, LargeBinary):
        return BYTEA
    return BOOL if isinstance(kind, Boolean) else 0


def _make_row(columns: Any, dialect: Dialect) -> Callable[[Sequence[Any]], Any] | None:
    if not columns:
        return None
    class_of: Any = namedtuple  # noqa: PYI024 - which names it has is known here, not to mypy
    make: Callable[[Any], Any] = class_of("Row", columns.keys(), rename=True)._make
    outgoing = [
        (place, convert)
        for place, column in enumerate(columns.values())
        if (convert := column.type.dialect_impl(dialect).result_processor(dialect, None))
    ]
    if not outgoing:
        return make

    def converted(values: Sequence[Any]) -> Any:
        changed = list(values)
        for place, convert in outgoing:
            changed[place] = convert(changed[place])
        return make(changed)

    return converted
