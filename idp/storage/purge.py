"""Purging: what has outlived its purpose is deleted, in small batches, by itself.

What lives here: how a table declares its rule (`purged_by`, beside what it declares about its
data), and the deletion.  A batch is one short transaction, so that a purge of millions of rows
never makes a sign-in wait.  Not here: when it runs (`idp.work` and `antin db purge`), and nothing
of the log, which only grows.  Source: architecture, "State".
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from sqlalchemy import (
    ColumnElement,
    Delete,
    MetaData,
    Table,
    bindparam,
    delete,
    select,
    true,
    tuple_,
)

from idp.storage.database import Database
from keystore.clock import to_ms

_INFO: Final = "purge"

Condition = Callable[[Table], ColumnElement[bool]]


@dataclass(frozen=True, slots=True)
class PurgeRule:
    """Rows of `table` go when `column` (epoch milliseconds, null: never) is `keep` ago.

    `only` names what else has to hold of a row, whatever its age.
    """

    table: Table
    column: str
    keep: timedelta
    only: Condition | None = None

    def statement(self) -> Delete:
        """Deletes at most `at_most` rows with `column` at or before `until`, the oldest first."""
        keys = list(self.table.primary_key.columns)
        key = keys[0] if len(keys) == 1 else tuple_(*keys)
        is_done = true() if self.only is None else self.only(self.table)
        old = (
            select(*keys)
            .where(self.table.c[self.column] <= bindparam("until"), is_done)
            .order_by(self.table.c[self.column])
            .limit(bindparam("at_most"))
        )
        return delete(self.table).where(
            key.in_(old), self.table.c[self.column] <= bindparam("until")
        )


def purged_by(
    column: str, *, keep: timedelta = timedelta(0), only: Condition | None = None
) -> dict[str, Any]:
    """Part of a Table's `info`: its rows are deleted `keep` after the instant in `column`.

    Takes   only: makes the condition without which a row stays, however old.
    """
    return {_INFO: (column, keep, only)}


def find_rules(*metadatas: MetaData) -> tuple[PurgeRule, ...]:
    """The rules that the tables declare, tables that refer to others before those."""
    return tuple(
        PurgeRule(table, *table.info[_INFO])
        for metadata in metadatas
        for table in reversed(metadata.sorted_tables)
        if _INFO in table.info
    )


def purge_batch(
    database: Database, *, rules: tuple[PurgeRule, ...], now: datetime, limit: int = 500
) -> Mapping[str, int]:
    """Delete at most `limit` rows from each table, a transaction for each.

    Returns how many rows were deleted, by name of the table, tables without any left out; empty
    when there was nothing to do.
    """
    deleted = {}
    unfinished: set[Table] = set()
    for rule in rules:
        if any(key.column.table is rule.table for one in unfinished for key in one.foreign_keys):
            unfinished.add(rule.table)  # what refers to its rows goes first
            continue
        with database.transaction() as tx:
            until_ms = to_ms(now - rule.keep)
            done = tx.connection.execute(rule.statement(), {"until": until_ms, "at_most": limit})
        if done.rowcount == limit:
            unfinished.add(rule.table)
        if done.rowcount:
            deleted[rule.table.name] = done.rowcount
    return deleted


def purge_all(
    database: Database, *, rules: tuple[PurgeRule, ...], now: datetime, limit: int = 500
) -> Mapping[str, int]:
    """Batch after batch until nothing is left to delete; the sums by name of the table."""
    sums: dict[str, int] = {}
    while deleted := purge_batch(database, rules=rules, now=now, limit=limit):
        for table, number in deleted.items():
            sums[table] = sums.get(table, 0) + number
    return sums
