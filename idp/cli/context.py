"""What commands share: the settings of this process, its database, the services over it.

What lives here: reading the settings for a command, opening services for its duration, and the rule
that keeps invented people and real ones apart.  Source: architecture, "Sandbox".
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Final

from idp.cli.beside_sandbox import settings_beside_sandbox
from idp.clock import utc_now
from idp.errors import SettingsInvalid, StorageUnavailable
from idp.keks import open_service_ring
from idp.settings import Settings
from idp.settings_loading import SANDBOX_MARK, load_settings
from idp.storage.database import Database
from idp.storage.deployment import find_stamp
from idp.storage.passkey_party import find_rp_id
from keystore.errors import KekInvalid
from keystore.sealing import Sealer

if TYPE_CHECKING:
    from idp.services import Services

_KEK_SETTINGS: Final = "ANTIN_KEK_FILE"
_REFUSED: Final[Mapping[str, str]] = {
    "missing": "there is no root key",
    "both_given": "a file or ANTIN_KEK, not both",
    "unreadable": "the file with the root key cannot be read",
    "unwritable": "the file with the root key cannot be written",
    "readable_by_others": "others may touch the file with the root key: it must be of mode 0600",
    "malformed": "is no root key: 43 characters of base64url",
    "not_given": "a root key that is needed was not given",
    "does_not_open": "the database is under another root key",
    "damaged": "keys in the database are damaged, restore them from a backup",
}
"""Reasons of `KekInvalid`, for operators."""


def read_settings() -> Settings:
    """The settings of this process: `ANTIN_*`, over the TOML file that `ANTIN_CONFIG` names.

    Beside the database of a sandbox: over what the sandbox tells its own processes, too.
    """
    named = os.environ.get("ANTIN_CONFIG")
    file = Path(named) if named else None
    settings = load_settings(os.environ, file=file)
    return settings_beside_sandbox(settings, environ=os.environ, file=file)


def open_database(settings: Settings) -> Database:
    """The database of this process, at its newest revision.

    Raises  SettingsInvalid when it does not answer, or is not up to date.
    """
    from idp.storage.schema import is_current  # Alembic and its templates: 8 MiB of every server

    database = Database(settings.effective_database_url, pool_size=settings.threads)
    try:
        if is_current(database):
            return database
    except StorageUnavailable as failure:
        raise SettingsInvalid(
            "ANTIN_DATABASE_URL", reason="the database does not answer"
        ) from failure
    raise SettingsInvalid(
        "ANTIN_DATABASE_URL", reason="the tables are not up to date: run `antin db upgrade`"
    )


def check_server_settings(settings: Settings) -> bool:
    """Before `antin serve` and `antin work` start anything; whether this is a sandbox.

    Raises  SettingsInvalid: no database, tables of another version, or a database and settings that
            do not go together, or root keys that do not open it, or passkeys of another RP ID.
    """
    database = open_database(settings)
    try:
        stamp = find_stamp(database)
        is_sandbox = check_deployment(
            settings, stamp=stamp, is_marked=os.environ.get(SANDBOX_MARK) == "1"
        )
        check_root_keys(settings, database)
        _check_rp_id(settings, database)
    finally:
        database.close()
    return is_sandbox


def _check_rp_id(settings: Settings, database: Database) -> None:
    with database.read() as connection:
        settled = find_rp_id(connection)
    if settled not in {None, settings.effective_signer_rp_id}:
        raise SettingsInvalid(
            "ANTIN_SIGNER_RP_ID",
            reason=f"passkeys are enrolled for {settled} and no other",
        )


def check_root_keys(settings: Settings, database: Database) -> None:
    """Whether the database opens with the root keys of the settings; nothing is written when not.

    Here, once, and in one line: every worker that starts finds the same out for itself, and dies.
    Raises  SettingsInvalid.
    """
    try:
        Sealer.open(database, kek=open_service_ring(settings), now=utc_now())
    except KekInvalid as refused:
        raise SettingsInvalid(
            _KEK_SETTINGS, reason=f"{_REFUSED[refused.reason]}{_named(refused)}"
        ) from refused


def _named(refused: KekInvalid) -> str:
    return f": {', '.join(refused.names)}" if refused.names else ""


def check_deployment(settings: Settings, *, stamp: bool | None, is_marked: bool) -> bool:
    """Whether this is a sandbox.

    Takes   stamp: what the database says it is; is_marked: started by `antin sandbox`, which is
            absent from the production image.  Only both together are a sandbox.
    Raises  SettingsInvalid: one without the other, or production without https.
    """
    if stamp is None:
        raise SettingsInvalid(
            "ANTIN_DATABASE_URL", reason="was never set up: run `antin db upgrade`"
        )
    if stamp and not is_marked:
        raise SettingsInvalid(
            "ANTIN_DATABASE_URL", reason="is a sandbox's, full of invented people"
        )
    if is_marked and not stamp:
        raise SettingsInvalid("ANTIN_DATABASE_URL", reason="is not a sandbox's")
    if not stamp and not settings.is_https:
        raise SettingsInvalid("ANTIN_ISSUER", reason="must be https")
    if settings.tsa_enabled or settings.time_sources or settings.time_chronyc:
        from idp.timestamps import check_timestamps

        check_timestamps(settings, is_sandbox=stamp)
    return stamp


def drop_own_variables() -> None:
    """Take our settings out of the environment once they are read.

    Processes that are started from here get what they need otherwise, and have nothing to leak.
    """
    for name in [name for name in os.environ if name.startswith("ANTIN_")]:
        del os.environ[name]


@contextmanager
def open_services() -> Iterator[Services]:
    """The services of this process, closed afterwards."""
    from idp.services import build_services  # a second of imports that parents of servers need not

    settings = read_settings()
    database = open_database(settings)
    is_sandbox = find_stamp(database) is True
    services = build_services(settings, database=database, is_sandbox=is_sandbox)
    try:
        yield services
    finally:
        services.close()
