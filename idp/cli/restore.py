"""`antin restore`: a backup takes the place of the database, and who was erased stays erased.

What lives here: the command, step by step.  1. The backup is whole and of this kind of database.
2. Nobody has the database open.  3. The operator is told what will be lost, and asked.  4. The copy
is put beside the database and opened: tables, root key, sheet, log.  5. What was revoked, suspended
or destroyed since is so again, and whoever was erased since is erased again.  6. The copy takes the
place of the database, which is kept under another name.  What is wrong in 4 and 5 leaves the
database as it was.
Not here: the lists that are kept apart (`idp/cli/restore_lists.py`), ending again
(`idp/cli/restore_endings.py`), erasing again (`idp/accounts/destroyed_again.py`).
"""

from __future__ import annotations

import time as clock
from pathlib import Path
from typing import Final

import click
from tqdm import tqdm

from idp.accounts.destroyed_again import DestroyedAgain, destroy_again
from idp.accounts.lifecycle import AccountLifecycle
from idp.backup import Backup, read_backup
from idp.cli.backup import open_copies
from idp.cli.context import read_settings
from idp.cli.log_parts import open_log
from idp.cli.naming import operator_option
from idp.cli.restore_endings import end_again
from idp.cli.restore_lists import Lists, read_destroyed_keys, read_ended_certificates
from idp.clock import utc_now
from idp.errors import StorageUnavailable
from idp.services import Services, build_services
from idp.settings import Settings
from idp.storage.copies import Copies, CopyFailed, read_log_state
from idp.storage.database import Database
from idp.storage.deployment import find_stamp
from idp.storage.replaced import Replaced, read_replaced
from idp.storage.schema import head_revision, is_set_up, upgrade
from keystore.destruction import DestructionList
from keystore.log.events import MADE_FORM, Event, EventType
from keystore.log.verify import verify_log

_BROKEN_LOG: Final = 1
_PROBE_EVERY_S: Final = 0.1
_file: Final = click.Path(exists=True, dir_okay=False, path_type=Path)


@click.command()
@click.argument("folder", type=click.Path(exists=True, file_okay=False, path_type=Path))
@click.option(
    "--destroyed",
    "destroyed",
    type=_file,
    multiple=True,
    help="A further list of destroyed data keys, of another host.",
)
@click.option(
    "--revoked",
    "revoked",
    type=_file,
    multiple=True,
    help="A further list of revoked and suspended certificates, of another host.",
)
@click.option("--yes", is_flag=True, help="Do not ask.")
@click.option(
    "--force", is_flag=True, help="Also while the database is in use, or with a changed list."
)
@click.option(
    "--wait",
    "patience_s",
    type=click.FloatRange(min=0),
    default=10.0,
    show_default=True,
    metavar="SECONDS",
    help="How long the last user of the database may take to leave it.",
)
@operator_option
def restore(
    folder: Path,
    destroyed: tuple[Path, ...],
    revoked: tuple[Path, ...],
    operator: str,
    *,
    patience_s: float,
    yes: bool,
    force: bool,
) -> None:
    """Put the backup in FOLDER in the place of the database; stop the service before.

    Exit status 1: the backup was refused and the database is what it was, or its log is broken.
    """
    settings = read_settings()
    copies = open_copies(settings)
    # 1
    backup = read_backup(folder.absolute())
    info = backup.unverified_info
    if info.kind != copies.kind:
        raise CopyFailed(f"a backup of {info.kind} cannot become a database of {copies.kind}")
    if info.revision > head_revision():
        raise CopyFailed("the backup was made by a newer version")
    # 2
    if not force and (users := _find_staying_users(copies, patience_s=patience_s)):
        raise CopyFailed(f"the database is in use, stop the service first: {', '.join(users)}")
    # 3
    before = _look(settings)
    if not yes:
        _warn(backup, before)
        click.confirm("Put the backup in its place?", abort=True)
    try:
        # 4, 5
        is_whole = _stage(
            settings,
            copies,
            backup,
            before=before,
            lists=Lists(destroyed, revoked),
            operator=operator,
            force=force,
        )
        # 6
        kept = copies.accept(now=utc_now())
    except BaseException:
        copies.give_up()
        raise
    click.echo(f"restored: the database is that of {info.made_at:%F %T}Z")
    if kept is not None:
        click.echo(f"the database before is kept: {kept}")
    if not is_whole:
        raise SystemExit(_BROKEN_LOG)


def _find_staying_users(copies: Copies, *, patience_s: float) -> tuple[str, ...]:
    """Who has the database open and does not leave it.

    A server lets go of a connection a little after the process that had it has ended.
    """
    deadline = clock.monotonic() + patience_s
    while (users := copies.find_users()) and clock.monotonic() < deadline:
        clock.sleep(_PROBE_EVERY_S)
    return users


def _stage(
    settings: Settings,
    copies: Copies,
    backup: Backup,
    *,
    before: Replaced,
    lists: Lists,
    operator: str,
    force: bool,
) -> bool:
    """Steps 4 and 5; whether the log of the copy is whole."""
    staged = Database(copies.stage(backup.data), pool_size=2)
    try:
        with staged.read() as connection:
            state = read_log_state(connection)
        upgrade(staged, is_in_use=False)
        services = build_services(settings, database=staged, is_sandbox=find_stamp(staged) is True)
        try:
            info = backup.verify(sealer=services.sealer)
            if (state.rows, state.heads_sha256) != (info.log_rows, info.log_heads_sha256):
                raise CopyFailed("the log of the copy is not the log that was backed up")
            is_whole = _check_log(services)
            digests = read_destroyed_keys(services, lists=lists.destroyed, is_forced=force)
            listed = read_ended_certificates(services, lists=lists.revoked, is_forced=force)
            ended = end_again(
                services, before=before, digests=digests, listed=listed, operator=operator
            )
            done = _erase_again(services, before=before, digests=digests, operator=operator)
            facts: dict[str, str | int | bool] = {
                "made": f"{info.made_at:{MADE_FORM}}",
                "erased_again": len(done.erased),
                "revoked_again": ended.certificates,
                "lists_kept": ended.lists,
                "destroyed_again": ended.keys,
                "personal_again": ended.personal_keys,
            }
            with services.database.transaction() as tx:
                event = Event(EventType.BACKUP_RESTORED, facts=facts)
                services.log.in_name_of(operator).record(
                    tx, event, data_key=None, now=services.time()
                )
        finally:
            services.clock.close()
            services.ephemeral.close()
    finally:
        staged.close()
    return is_whole


def _look(settings: Settings) -> Replaced:
    """What is there now; a database that cannot be read has nothing to say."""
    database = Database(settings.effective_database_url, pool_size=1)
    try:
        if not is_set_up(database):
            return Replaced()
        with database.read() as connection:
            return read_replaced(connection)
    except StorageUnavailable:
        return Replaced()
    finally:
        database.close()


def _warn(backup: Backup, before: Replaced) -> None:
    info = backup.unverified_info
    click.echo(f"The backup is of {info.made_at:%F %T}Z, with {info.log_rows} rows of the log.")
    if before.accounts:
        click.echo(
            f"The database that is there has {before.accounts} accounts. What was written to it "
            "since the backup will be lost: new accounts, passwords and authenticators, consents, "
            "certificates. What was revoked, suspended or destroyed stays so. Sessions and tokens "
            "that ended since live again until they expire. Witnesses of the log will say that it "
            "went back, which is true."
        )


def _check_log(services: Services) -> bool:
    parts = open_log(services)
    with tqdm(unit=" rows", disable=None, desc="log") as bar:

        def advance(rows: int) -> None:
            bar.update(rows)

        report = verify_log(
            services.database,
            log_keys=parts.log_keys((), now=services.time()),
            witness_keys=parts.witness_keys,
            quorum=parts.quorum,
            marks=parts.row_marks,
            progress=advance,
        )
    if not report.is_whole:
        click.echo(f"the log has {report.count} faults: `antin log verify` names them", err=True)
    return report.is_whole


def _erase_again(
    services: Services, *, before: Replaced, digests: frozenset[bytes], operator: str
) -> DestroyedAgain:
    own = services.settings.effective_destruction_list
    lifecycle = AccountLifecycle(
        services.database,
        sealer=services.sealer,
        log=services.log.in_name_of(operator),
        sign_out=services.sessions.in_name_of(operator).end_all_in,
        mandates=services.mandates.ending.in_name_of(operator),
        destructions=DestructionList(own, sealer=services.sealer),
        signing_means=services.signing_means(log=services.log.in_name_of(operator)),
    )
    with tqdm(unit=" accounts", disable=None, desc="destroyed keys") as bar:
        done = destroy_again(
            services.database,
            lifecycle,
            digests=digests,
            erased_before=before.erased,
            sealer=services.sealer,
            now=services.time(),
            progress=bar.update,
        )
    if digests or before.erased:
        click.echo(f"{len(done.erased)} people who had been erased were erased again")
    for account_id in done.damaged:
        click.echo(f"damaged, its data key does not open: {account_id}", err=True)
    return done
