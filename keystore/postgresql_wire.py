"""Statements on a connection of psycopg, by libpq's own calls.

What lives here: how values become what libpq takes, how its answers become rows or errors, and what
one connection has prepared.  psycopg's cursors do the same with a generator for each step of the
protocol, and take several times as long as libpq.  Not here: SQL, SQLAlchemy, transactions.
Source: PostgreSQL 18, 32.3 "Command Execution Functions"; psycopg 3, `psycopg.pq`.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import psycopg
from psycopg import pq
from psycopg.adapt import Transformer
from psycopg.errors import error_from_result

BOOL: Final = 16
BYTEA: Final = 17
_TEXT_FORMAT: Final = int(pq.Format.TEXT)
_BINARY_FORMAT: Final = int(pq.Format.BINARY)
_ROWS: Final = int(pq.ExecStatus.TUPLES_OK)
_DONE: Final = int(pq.ExecStatus.COMMAND_OK)
_FORGOTTEN: Final = {b"26000", b"0A000"}
"""SQLSTATE: no statement of this name; a cached plan whose columns have changed."""
_PLACE: Final = re.compile(r"%(?:\((\w+)\)s|%)")


@dataclass(frozen=True, slots=True)
class WireStatement:
    """What libpq takes beside the values: octets go as they are, all else as text."""

    sql: bytes
    encode: tuple[Callable[[Any], bytes | None], ...]
    types: list[int]
    """0: what PostgreSQL itself finds out from the cast or the column beside it."""
    formats: list[int]


class Wire:
    """One connection to PostgreSQL: what it has prepared, and how it reads answers."""

    def __init__(self, driver: Any) -> None:
        self._pgconn: Any = driver.pgconn
        self._reader = Transformer(driver)
        self._prepared: dict[bytes, bytes] = {}
        self._numbers = itertools.count(1)

    def execute(
        self, statement: WireStatement, values: Sequence[Any]
    ) -> tuple[list[tuple[Any, ...]] | None, int]:
        """Rows (None from a statement that gives none) and their number.

        Raises  psycopg.Error.
        """
        encoded = [encode(value) for encode, value in zip(statement.encode, values, strict=True)]
        result = self._ask(statement, encoded)
        if result.status not in {_ROWS, _DONE} and self._has_forgotten(result):
            result = self._ask(statement, encoded)
        status = result.status
        if status == _ROWS:
            count = result.ntuples
            self._reader.set_pgresult(result)
            return self._reader.load_rows(0, count, tuple), count
        if status == _DONE:
            return None, result.command_tuples or 0
        raise _error(self._pgconn, result)

    def _ask(self, statement: WireStatement, encoded: list[bytes | None]) -> Any:
        sql, formats = statement.sql, statement.formats
        name = self._prepared.get(sql)
        if name is None:
            self._prepared[sql] = b""  # whoever asks once pays for no preparation
            return self._pgconn.exec_params(sql, encoded, statement.types, formats, _BINARY_FORMAT)
        if not name:
            name = b"antin_%d" % next(self._numbers)
            answer = self._pgconn.prepare(name, sql, statement.types)
            if answer.status != _DONE:
                raise _error(self._pgconn, answer)
            self._prepared[sql] = name
        return self._pgconn.exec_prepared(name, encoded, formats, _BINARY_FORMAT)

    def _has_forgotten(self, result: Any) -> bool:
        """Whether the statement did not run because of what was prepared, and can be asked anew.

        In a transaction it cannot: that is broken by then.
        """
        if result.error_field(pq.DiagnosticField.SQLSTATE) not in _FORGOTTEN:
            return False
        self._prepared.clear()
        return bool(self._pgconn.transaction_status == pq.TransactionStatus.IDLE)


def say(pgconn: Any, sql: bytes) -> bytes:
    """A command without parameters and rows.

    Returns what PostgreSQL says was done: COMMIT is answered with ROLLBACK where a statement of the
            transaction had failed.
    Raises  psycopg.Error.
    """
    result = pgconn.exec_(sql)
    if result.status != _DONE:
        raise _error(pgconn, result)
    return bytes(result.command_status or b"")


def for_wire(sql: str, *, types: Mapping[str, int]) -> tuple[tuple[str, ...], WireStatement]:
    """Number the places of a statement.

    Takes   sql: with `%(name)s` and `%%`; types: of each name, `BYTEA`, `BOOL` or 0.
    Returns the names in the order of their numbers, and the statement for libpq.
    """
    numbers: dict[str, int] = {}

    def numbered(found: re.Match[str]) -> str:
        name = found[1]
        return "%" if name is None else f"${numbers.setdefault(name, len(numbers) + 1)}"

    written = _PLACE.sub(numbered, sql).encode()
    in_order = [types[name] for name in numbers]
    return tuple(numbers), WireStatement(
        sql=written,
        encode=tuple(_octets if kind == BYTEA else _letters for kind in in_order),
        types=in_order,
        formats=[_BINARY_FORMAT if kind == BYTEA else _TEXT_FORMAT for kind in in_order],
    )


def _octets(value: Any) -> bytes | None:
    return value if value is None or isinstance(value, bytes) else bytes(memoryview(value))


def _letters(value: Any) -> bytes | None:
    if value is None:
        return None
    if isinstance(value, str):
        encoded = value.encode()
        if b"\0" in encoded:  # libpq would take it for the end of the value
            raise psycopg.DataError("text with a zero in it")
        return encoded
    if value is True or value is False:
        return b"t" if value else b"f"
    if isinstance(value, int):
        return b"%d" % value
    raise TypeError(f"no value for a statement: {type(value).__name__}")


def _error(pgconn: Any, result: Any) -> psycopg.Error:
    if pgconn.status != pq.ConnStatus.OK:
        return psycopg.OperationalError(result.get_error_message("utf-8"))
    return error_from_result(result, "utf-8")
