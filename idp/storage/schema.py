"""All tables of the house, and bringing a database up to date.

What lives here: the one list of all metadata, and Alembic behind two functions. Migrations stand in
`idp/storage/migrations`.
"""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Callable
from pathlib import Path
from typing import Final

from alembic import command
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import MetaData

import clients.registry
import idp.storage
import keystore
import signing.storage
from clients.registry.storage import metadata as registry_metadata
from idp.storage.database import Database
from idp.storage.database import metadata as provider_metadata
from idp.storage.upgrading import LOCK, Stage, say_nothing, upgrade_in_use
from keystore.storage import lock_until_commit
from keystore.storage import metadata as keystore_metadata
from signing.storage import metadata as signing_metadata

_MIGRATIONS: Final = Path(__file__).parent / "migrations"


def all_metadata() -> tuple[MetaData, ...]:
    """The tables of every package, each storage file having been read."""
    for package in (idp.storage, clients.registry, keystore, signing.storage):
        for found in pkgutil.walk_packages(package.__path__, f"{package.__name__}."):
            if ".migrations" not in found.name and ".web" not in found.name:
                importlib.import_module(found.name)
    return (provider_metadata, registry_metadata, keystore_metadata, signing_metadata)


def upgrade(
    database: Database,
    *,
    is_in_use: bool = True,
    tell: Callable[[Stage], None] = say_nothing,
) -> None:
    """Bring the database to the newest revision; nothing happens when it is there already.

    A new database is made in one transaction: of several hosts that do so together one works and
    the others wait for it.  One of PostgreSQL that has rows goes from revision to revision, while
    it is used; there the others are refused.
    Takes   is_in_use: False for a copy that nobody else has open.
    Raises  UpgradeRunning, TablesBusy: both of PostgreSQL in use alone; StorageUnavailable.
    """
    if not database.is_sqlite and is_in_use and is_set_up(database):
        scripts = ScriptDirectory.from_config(alembic_config())
        upgrade_in_use(database, scripts=scripts, tell=tell)
    else:
        _upgrade_at_once(database)


def _upgrade_at_once(database: Database) -> None:
    config = alembic_config()
    with database.transaction() as tx:
        if not database.is_sqlite:
            tx.connection.exec_driver_sql("SET LOCAL statement_timeout = 0")
        lock_until_commit(tx, name=LOCK)
        config.attributes["connection"] = tx.connection
        command.upgrade(config, "head")


def is_current(database: Database) -> bool:
    """Whether the database has the newest revision."""
    head = ScriptDirectory.from_config(alembic_config()).get_current_head()
    with database.read() as connection:
        return MigrationContext.configure(connection).get_current_revision() == head


def head_revision() -> str:
    """The newest revision that this version knows."""
    return ScriptDirectory.from_config(alembic_config()).get_current_head() or ""


def is_set_up(database: Database) -> bool:
    """Whether the database has tables of ours, of whatever revision."""
    with database.read() as connection:
        return MigrationContext.configure(connection).get_current_revision() is not None


def alembic_config() -> Config:
    """Alembic's configuration; the caller puts an open connection into `attributes`."""
    config = Config()
    config.set_main_option("script_location", str(_MIGRATIONS).replace("%", "%%"))
    return config
