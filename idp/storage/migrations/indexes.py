"""Indexes over tables that have rows already, built beside those who write.

What lives here: how a revision names such an index (`INDEXES`), and the two ways to it: inside of
the revision's transaction, for a database that nobody uses yet and for SQLite, or CONCURRENTLY on
PostgreSQL, before the revision's transaction begins (`idp/storage/upgrading.py`).  An index built
in a transaction keeps everybody from writing until it is there, and over years of the log that is
an hour in which nobody signs in.

Source: PostgreSQL, CREATE INDEX, "Building Indexes Concurrently".
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import sqlalchemy as sa
from alembic import op
from sqlalchemy.schema import CreateIndex

_IS_VALID: Final = sa.text(
    "SELECT indisvalid AND indisready FROM pg_index WHERE indexrelid = to_regclass(:name)"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class AddedIndex:
    """An index that a revision adds to a table of an earlier one; of columns of earlier ones, too.

    `name` and `table` are plain lower-case names; `where` is what a partial index is of.
    """

    name: str
    table: str
    columns: tuple[str, ...]
    where: str | None = None


def make_indexes(indexes: Sequence[AddedIndex]) -> None:
    """Inside of a revision: make those that are not there.

    On PostgreSQL in use they all are: they were built before the revision's transaction began.
    """
    inspector = sa.inspect(op.get_bind())
    for index in indexes:
        if index.name not in {one["name"] for one in inspector.get_indexes(index.table)}:
            condition = None if index.where is None else sa.text(index.where)
            op.create_index(
                index.name,
                index.table,
                list(index.columns),
                sqlite_where=condition,
                postgresql_where=condition,
            )


def is_built(connection: sa.Connection, index: AddedIndex) -> bool | None:
    """Whether PostgreSQL uses the index: no where a build of it broke off, None without any."""
    found: bool | None = connection.execute(_IS_VALID, {"name": index.name}).scalar_one_or_none()
    return found


def build_beside(connection: sa.Connection, index: AddedIndex) -> None:
    """Build it while others go on reading and writing; what a broken build left is dropped first.

    Takes   connection: to PostgreSQL, with no transaction around its statements and no end to how
            long one takes; this waits for every transaction that began before it.
    """
    state = is_built(connection, index)
    if state:
        return
    if state is not None:
        quoted = connection.dialect.identifier_preparer.quote(index.name)
        connection.exec_driver_sql(f"DROP INDEX CONCURRENTLY {quoted}")
    table = sa.Table(index.table, sa.MetaData(), *(sa.Column(name) for name in index.columns))
    built = sa.Index(
        index.name,
        *table.columns,
        postgresql_concurrently=True,
        postgresql_where=None if index.where is None else sa.text(index.where),
    )
    connection.execute(CreateIndex(built))
