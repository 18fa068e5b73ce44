"""What commands share: the settings of this process and the services over them.

What lives here: reading the settings for a command, and opening services for its duration.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from idp.errors import SettingsInvalid
from idp.services import Services, build_services
from idp.settings import Settings, load_settings
from idp.storage.database import Database
from idp.storage.deployment import find_stamp
from idp.storage.schema import is_current


def read_settings() -> Settings:
    """The settings of this process: `ANTIN_*`, over the TOML file that `ANTIN_CONFIG` names."""
    file = os.environ.get("ANTIN_CONFIG")
    return load_settings(os.environ, file=Path(file) if file else None)


def open_database(settings: Settings) -> Database:
    """The database of this process, at its newest revision.

    Raises  SettingsInvalid when it is not, or when its stamp and the issuer do not go together.
    """
    database = Database(settings.effective_database_url, pool_size=settings.threads)
    if not is_current(database):
        raise SettingsInvalid(
            "ANTIN_DATABASE_URL", reason="the tables are not up to date: run `antin db upgrade`"
        )
    return database


@contextmanager
def open_services() -> Iterator[Services]:
    """The services of this process, closed afterwards."""
    settings = read_settings()
    database = open_database(settings)
    is_sandbox = find_stamp(database) is True
    services = build_services(settings, database=database, is_sandbox=is_sandbox)
    try:
        yield services
    finally:
        services.close()
