"""`antin db`: tables and the purge.

What lives here: bringing the database up to date, and deleting what has expired now instead of by
itself.
"""

from __future__ import annotations

import click

from idp.cli.context import open_services, read_settings
from idp.errors import TablesBusy, UpgradeRunning
from idp.keks import open_token_keks, service_kek_file
from idp.storage.database import Database
from idp.storage.deployment import stamp
from idp.storage.purge import find_rules, purge_all
from idp.storage.schema import all_metadata, upgrade
from idp.storage.upgrading import Stage
from keystore.kek import create_kek_file


@click.group()
def db() -> None:
    """Tables and purge."""


@db.command("upgrade")
def upgrade_command() -> None:
    """Bring the tables up to date, while the version before goes on.

    Makes the root key in `var` when none is set.
    """
    settings = read_settings()
    settings.var.mkdir(parents=True, exist_ok=True)
    database = Database(settings.effective_database_url)
    try:
        _upgrade(database)
        stamp(database, is_sandbox=False)
    finally:
        database.close()
    # not before: a key that was made for a database that never came about looks like one to keep
    token = open_token_keks(settings)
    if token is not None and service_kek_file(settings) is None and not token.find():
        made = token.make()
        click.echo(f"root key {made.kek_id} made in the token {settings.kek_pkcs11_token}")
    if (
        token is None
        and not settings.kek
        and settings.kek_file is None
        and create_kek_file(settings.effective_kek_file)
    ):
        click.echo(
            f"root key made in {settings.effective_kek_file}: back it up, apart from the data"
        )
    click.echo("the tables are up to date")


def _upgrade(database: Database) -> None:
    try:
        upgrade(database, tell=_say)
    except UpgradeRunning as other:
        raise click.ClickException(
            f"somebody else changes the tables already (process {other.backend or 'unknown'} of"
            " PostgreSQL): wait for it, then run this again"
        ) from other
    except TablesBusy as busy:
        raise click.ClickException(
            f"a table that {busy.revision} alters was in use for ten minutes; open longest:"
            f" process {', '.join(map(str, busy.backends)) or 'unknown'} of PostgreSQL. Nothing is"
            " half done: end what holds it, then run this again"
        ) from busy


def _say(stage: Stage) -> None:
    if stage.is_waiting:
        click.echo(f"{stage.revision}: a table is in use, trying again")
    elif stage.index is not None:
        click.echo(f"{stage.revision}: index {stage.index}, built beside those who write")
    else:
        click.echo(f"{stage.revision}: {stage.title}")


@db.command("purge")
@click.option(
    "--batch",
    type=click.IntRange(1, 100_000),
    default=1000,
    show_default=True,
    help="Rows deleted at a time.",
)
def purge_command(batch: int) -> None:
    """Delete what has expired, in batches, until nothing is left."""
    with open_services() as services:
        now = services.time()
        rules = find_rules(*all_metadata())
        for table, rows in purge_all(services.database, rules=rules, now=now, limit=batch).items():
            click.echo(f"{table}: {rows} rows purged")
        rows = 0
        while purged := services.ephemeral.purge(now=now, limit=batch):
            rows += purged
        click.echo(f"ephemeral store: {rows} entries purged")
