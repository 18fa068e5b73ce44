"""`antin verifier`: the process that alone knows one-time codes and says what they confirm.

What lives here: the command.  It runs as a user of its own: nobody else reads
`ANTIN_VERIFIER_KEK_FILE`, its folder, or its memory.  systemd (or whatever watches over it) starts
it again when its parent process is killed; children that are killed it starts again itself.
Its database role only reads: `alembic_version`, `deployment`, `mandate`, and of `account` and
`log_event` the columns that the operator's guide names.
Not here: putting it together (`idp/verifier.py`).
"""

from __future__ import annotations

import logging
import os
import signal
from functools import partial
from pathlib import Path

import click

from idp.cli.context import check_deployment, drop_own_variables, open_database, read_settings
from idp.cli.operator_name import read_operator
from idp.clock import utc_now
from idp.errors import SettingsInvalid
from idp.logs import configure_logging
from idp.settings import Settings
from idp.settings_loading import SANDBOX_MARK
from idp.storage.deployment import find_stamp

_log = logging.getLogger("antin.verifier")


@click.group(invoke_without_command=True)
@click.option(
    "--trust-clock",
    is_flag=True,
    help="The clock is right, although it showed a later time before; recorded in its folder.",
)
@click.option(
    "--operator",
    envvar="ANTIN_OPERATOR",
    help="Who says so, for that record.  Default: the user of this shell.",
)
@click.pass_context
def verifier(ctx: click.Context, *, trust_clock: bool, operator: str | None) -> None:
    """Check one-time codes, and state what they confirm, until told to stop."""
    if ctx.invoked_subcommand is None:
        _serve(trusted_by=read_operator(operator) if trust_clock else "")


@verifier.command()
@click.option(
    "--output",
    type=click.Path(dir_okay=False, path_type=Path),
    help="Write it to a file instead, which everybody may read.",
)
def key(output: Path | None) -> None:
    """Print the public key of the statements, as `ANTIN_SIGNER_VERIFIER_KEYS` takes it."""
    settings = read_settings()
    if output is not None:
        write_public_keys(settings, output)
        return
    click.echo(_public_keys(settings).decode())


def write_public_keys(settings: Settings, file: Path) -> None:
    """Put the JWK Set of this verifier into a file, whole or not at all; makes keys if need be."""
    public = _public_keys(settings) + b"\n"
    draft = file.with_name(f".{file.name}.{os.getpid()}")
    try:
        draft.write_bytes(public)
        draft.chmod(0o644)
        draft.replace(file)
    except OSError as failure:
        raise click.FileError(str(file), hint=failure.strerror) from failure


def _public_keys(settings: Settings) -> bytes:
    from idp.verifier import open_own_statement_key, open_verifier_ring
    from keystore.second_factor.statement_key import public_key_set

    _make_root_key(settings)
    return public_key_set(open_own_statement_key(settings, ring=open_verifier_ring(settings)))


def _serve(*, trusted_by: str) -> None:
    from idp import strongrooms
    from idp.verifier import make_verifier_server, open_memory, verifier_settings
    from keystore.strongroom.hardening import harden_process
    from keystore.strongroom.listening import listen
    from keystore.strongroom.processes import RoomProcesses

    settings = read_settings()
    is_marked = os.environ.get(SANDBOX_MARK) == "1"
    drop_own_variables()
    configure_logging(settings.log_level)
    harden_process()
    _check(verifier_settings(settings), is_marked=is_marked)
    _public_keys(settings)  # made before anybody asks, and opened: a wrong root key ends here
    memory = open_memory(settings)  # one that is damaged is a sentence here, and not every child's
    try:
        if trusted_by:
            memory.trust_clock_of(trusted_by, now=utc_now())
            _log.warning("verifier_clock_trusted operator=%s", trusted_by)
    finally:
        memory.close()
    address = strongrooms.listening_address(settings, whose="verifier")
    group_id = strongrooms.listening_group(settings, whose="verifier")
    with listen(address, group_id=group_id) as listener:
        processes = RoomProcesses(
            listener,
            name="verifier",
            make_server=partial(make_verifier_server, settings),
            count=settings.verifier_processes,
        )
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda *_: processes.stop())
        click.echo(f"antin verifier: {address}")
        processes.watch()


def _check(settings: Settings, *, is_marked: bool) -> None:
    database = open_database(settings)
    try:
        # not as `antin serve` does: the root keys of the service are not here to be looked at
        is_sandbox = check_deployment(settings, stamp=find_stamp(database), is_marked=is_marked)
    finally:
        database.close()
    if settings.verifier_confirms_at_once and not is_sandbox:
        raise SettingsInvalid(
            "ANTIN_VERIFIER_CONFIRMS_AT_ONCE", reason="is for a sandbox, where nobody signs"
        )
    if not is_sandbox and os.getuid() in settings.verifier_users:
        _log.warning("verifier_shares_its_user_with_its_callers")


def _make_root_key(settings: Settings) -> None:
    from idp import strongrooms
    from keystore.kek import create_kek_file

    folder = strongrooms.private_folder(settings, whose="verifier")
    if settings.verifier_kek_file is not None or any(folder.iterdir()):
        return  # what it sealed is under a root key that was lost; another one opens none of it
    if create_kek_file(settings.effective_verifier_kek_file):
        click.echo(
            f"root key of the verifier made in {settings.effective_verifier_kek_file}: back it up, "
            "apart from the data and from the service's",
            err=True,
        )
