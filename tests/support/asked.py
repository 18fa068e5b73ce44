"""What a database is asked, whichever way it is asked.

What lives here: the words of every statement that goes to it, through SQLAlchemy, past it
(`keystore/statement.py`), and those around a transaction.  Not here: parameters.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import pytest
from sqlalchemy import Connection, Insert, event

from idp.storage.database import Database
from idp.storage.open_connections import OpenConnection
from keystore import storage
from keystore.statement import Statement, command


@contextmanager
def listening(database: Database) -> Iterator[list[str]]:
    """Every statement from here to the end of the block, in order."""
    asked: list[str] = []

    def note(_connection: Any, _cursor: Any, statement: str, *_rest: Any) -> None:
        asked.append(statement)

    execute = Statement._execute

    def noted_execute(
        self: Statement, connection: Connection, parameters: Mapping[str, Any], **rest: Any
    ) -> Any:
        name = connection.dialect.name
        if name not in self._by_dialect or isinstance(self._statement, Insert):
            self._compile(connection.dialect, frozenset(parameters))
        asked.append(self._by_dialect[name].sql)
        return execute(self, connection, parameters, **rest)

    def noted_command(connection: Connection, sql: str) -> None:
        asked.append(sql)
        command(connection, sql)

    def noted(name: str, word: str) -> Any:
        said = getattr(OpenConnection, name)

        def noted_word(self: OpenConnection) -> None:
            asked.append(word)
            said(self)

        return noted_word

    event.listen(database.engine, "before_cursor_execute", note)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Statement, "_execute", noted_execute)
        patch.setattr(storage, "command", noted_command)
        for name, word in (("begin", "BEGIN"), ("commit", "COMMIT"), ("roll_back", "ROLLBACK")):
            patch.setattr(OpenConnection, name, noted(name, word))
        try:
            yield asked
        finally:
            event.remove(database.engine, "before_cursor_execute", note)
