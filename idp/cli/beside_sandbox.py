"""Commands that are typed beside a running sandbox are of that sandbox.

What lives here: the file in `var` in which `antin sandbox` writes what it tells its own processes
(its address, whose log rows count, where its witness is), and when a command believes it.  Only
beside a database that is stamped as a sandbox's: a file that was left behind changes nothing about
a service with real people.  Variables that are given win.
Source: architecture, "Sandbox".  Not here: what stands in it (`idp/sandbox/command.py`).
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Final

import msgspec

from idp.errors import StorageUnavailable
from idp.settings import Settings
from idp.settings_loading import SANDBOX_MARK, load_settings
from idp.storage.database import Database
from idp.storage.deployment import find_stamp

SANDBOX_SETTINGS: Final = "sandbox-settings.json"
"""Variables and their values, in the folder of `ANTIN_VAR`."""

_SQLITE: Final = "sqlite:///"


def settings_beside_sandbox(
    settings: Settings, *, environ: Mapping[str, str], file: Path | None
) -> Settings:
    """The settings of the sandbox whose database `settings` name; of no sandbox, `settings`.

    Takes   environ, file: from which `settings` were read.
    Raises  SettingsInvalid: what the sandbox wrote and what was given do not go together.
    """
    if SANDBOX_MARK in environ:  # a process of the sandbox was told all of it
        return settings
    told = read_told(settings.var)
    if not told or not _is_of_sandbox(settings):
        return settings
    return load_settings({**told, **environ}, file=file)


def read_told(var: Path) -> dict[str, str]:
    """What the sandbox of this folder told its processes at its last start; {} when none ran."""
    try:
        return msgspec.json.decode((var / SANDBOX_SETTINGS).read_bytes(), type=dict[str, str])
    except (OSError, msgspec.DecodeError):
        return {}


def _is_of_sandbox(settings: Settings) -> bool:
    from idp.storage.schema import is_set_up  # Alembic: nobody but commands of a sandbox needs it

    url = settings.effective_database_url
    if url.startswith(_SQLITE) and not Path(url.removeprefix(_SQLITE)).exists():
        return False  # asking would make an empty one
    database = Database(settings.effective_database_url, pool_size=1)
    try:
        return is_set_up(database) and find_stamp(database) is True
    except StorageUnavailable:  # the command itself will say so
        return False
    finally:
        database.close()
