"""`antin backup`: a copy of the database, made while the service runs.

What lives here: the command.  Not here: what a backup is (`idp/backup.py`), how a database is
copied (`idp/storage/copies*.py`), the way back (`idp/cli/restore.py`).
"""

from __future__ import annotations

import json
from pathlib import Path

import click
import msgspec

from idp.backup import make_backup
from idp.cli.context import open_database, read_settings
from idp.clock import utc_now
from idp.keks import open_service_ring, service_kek_file
from idp.pki import ended_certificates_file
from idp.settings import Settings
from idp.storage.copies import Copies
from idp.storage.schema import head_revision
from keystore.purposes import MacPurpose
from keystore.sealing import Sealer


@click.command()
@click.argument("folder", type=click.Path(path_type=Path))
@click.option("--json", "as_json", is_flag=True, help="For programs.")
def backup(folder: Path, *, as_json: bool) -> None:
    """Copy the database into FOLDER, which must not exist yet; the service may run.

    The root key and the list of destroyed data keys are not in it.  Keep copies of both, apart from
    the backups: without the root key a backup cannot be opened, and without the list a restored
    backup brings back who was erased.
    """
    settings = read_settings()
    database = open_database(settings)
    try:
        ring = open_service_ring(settings)
        # no other key: what is damaged elsewhere must not keep anybody from a backup
        sealer = Sealer.open(database, kek=ring, now=utc_now(), purposes=(MacPurpose.BACKUP,))
    finally:
        database.close()
    made = make_backup(
        folder.absolute(),
        open_copies(settings),
        sealer=sealer,
        kek_id=ring.kek_id,
        revision=head_revision(),
        now=utc_now(),
    )
    if as_json:
        click.echo(json.dumps(msgspec.to_builtins(made), default=str))
        return
    click.echo(
        f"{folder}: {made.size_bytes} bytes, {made.log_rows} rows of the log, under root key "
        f"{made.kek_id}"
    )
    kept = service_kek_file(settings)
    if kept is not None:
        click.echo(f"not in it, keep copies apart from it: {kept}")
    for listed in (settings.effective_destruction_list, ended_certificates_file(settings)):
        click.echo(f"not in it, keep copies apart from it: {listed}")


def open_copies(settings: Settings) -> Copies:
    """What copies the database of the settings."""
    url = settings.effective_database_url
    if url.startswith("sqlite"):
        from idp.storage.copies_sqlite import SqliteCopies

        return SqliteCopies(url)
    from idp.storage.copies_postgresql import PostgresqlCopies

    return PostgresqlCopies(url)
