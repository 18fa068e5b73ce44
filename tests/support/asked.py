"""What a database is asked, whichever way it is asked.

What lives here: the words of every statement that goes to a database of this process, through
SQLAlchemy, past it (`keystore/statement.py`), and those around a transaction.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import pytest
from sqlalchemy import Connection, Engine, Insert, event

from idp.storage.open_connections import OpenConnection
from keystore import storage
from keystore.statement import Statement, command


@contextmanager
def listening() -> Iterator[list[str]]:
    """Every statement from here to the end of the block, in order."""
    asked: list[str] = []
    with telling(lambda statement, _values: asked.append(statement)):
        yield asked


@contextmanager
def telling(tell: Callable[[str, Any], None]) -> Iterator[None]:
    """Tell of every statement and its values, as `exec_driver_sql` takes them."""

    def note(_connection: Any, _cursor: Any, statement: str, values: Any, *_rest: Any) -> None:
        tell(statement, values)

    execute = Statement._execute

    def told_execute(
        self: Statement,
        connection: Connection,
        parameters: Mapping[str, Any] | None = None,
        **rest: Any,
    ) -> Any:
        given = parameters or {}
        name = connection.dialect.name
        if name not in self._by_dialect or isinstance(self._statement, Insert):
            self._compile(connection.dialect, frozenset(given))
        compiled = self._by_dialect[name]
        values = {**given, **compiled.constants}
        is_named = compiled.on_wire is not None
        tell(compiled.sql, values if is_named else tuple(values[one] for one in compiled.order))
        return execute(self, connection, given, **rest)

    def told_command(connection: Connection, sql: str) -> None:
        tell(sql, ())
        command(connection, sql)

    def told(name: str, word: str) -> Any:
        said = getattr(OpenConnection, name)

        def told_word(self: OpenConnection) -> None:
            tell(word, ())
            said(self)

        return told_word

    event.listen(Engine, "before_cursor_execute", note)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Statement, "_execute", told_execute)
        patch.setattr(storage, "command", told_command)
        for name, word in (("begin", "BEGIN"), ("commit", "COMMIT"), ("roll_back", "ROLLBACK")):
            patch.setattr(OpenConnection, name, told(name, word))
        try:
            yield
        finally:
            event.remove(Engine, "before_cursor_execute", note)
