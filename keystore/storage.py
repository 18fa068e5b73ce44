"""The transaction that an act and its log row share.

What lives here: the one type that crosses package borders when several storage files must commit
together.  The engine belongs to the caller (`idp.storage.database`); this package only writes
through the connection that it is handed.  Not here: SQL of any table.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from sqlalchemy import Connection, MetaData

metadata = MetaData()
"""Tables of the keystore; `idp.storage.migrations` creates them together with all others."""


@dataclass(slots=True)
class Transaction:
    """One write transaction that is open on one connection.

    `connection` is for storage files only.  Callbacks given to `on_commit` run in order after the
    database has answered COMMIT, those given to `on_rollback` after a rollback; neither may raise.
    """

    connection: Connection
    _after_commit: list[Callable[[], None]] = field(default_factory=list)
    _after_rollback: list[Callable[[], None]] = field(default_factory=list)

    def on_commit(self, callback: Callable[[], None]) -> None:
        """Run `callback` once the transaction is durable."""
        self._after_commit.append(callback)

    def on_rollback(self, callback: Callable[[], None]) -> None:
        """Run `callback` if the transaction did not take place."""
        self._after_rollback.append(callback)

    def committed(self) -> None:
        """Run what waited for the commit; called by the owner of the engine only."""
        for callback in self._after_commit:
            callback()

    def rolled_back(self) -> None:
        """Run what waited for a rollback; called by the owner of the engine only."""
        for callback in self._after_rollback:
            callback()
