"""What this database is: stamped once at its creation, never a setting.

What lives here: one row that says whether the database is a sandbox's. Production refuses a sandbox
database and the other way round. Source: architecture, "Sandbox".
"""

from __future__ import annotations

from sqlalchemy import Boolean, Column, Integer, Table, insert, select

from idp.storage.database import Database, metadata
from idp.storage.declared import NONE, holds
from keystore.storage import lock_until_commit

deployment = Table(
    "deployment",
    metadata,
    Column("deployment_id", Integer, primary_key=True, autoincrement=False, info=NONE),
    Column("is_sandbox", Boolean, nullable=False, info=NONE),
    info=holds(
        "none",
        purpose="keeps invented people out of production and real ones out of a sandbox",
        retention="forever",
        legal="none: no personal data",
        legal_from="2026-11-21",
    ),
)


def find_stamp(database: Database) -> bool | None:
    """Whether the database is a sandbox's; None while it is not stamped."""
    with database.read() as connection:
        row = connection.execute(select(deployment.c.is_sandbox)).one_or_none()
    return None if row is None else bool(row.is_sandbox)


def stamp(database: Database, *, is_sandbox: bool) -> bool:
    """Stamp an unstamped database; returns what it is stamped as, now and for good."""
    with database.transaction() as tx:
        lock_until_commit(tx, name="deployment")
        row = tx.connection.execute(select(deployment.c.is_sandbox)).one_or_none()
        if row is not None:
            return bool(row.is_sandbox)
        tx.connection.execute(insert(deployment), {"deployment_id": 1, "is_sandbox": is_sandbox})
    return is_sandbox
