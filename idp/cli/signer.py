"""`antin signer`: the process that alone opens personal signing keys.

What lives here: the command.  It runs as a user of its own, on the hosts of the service or on hosts
of its own: nobody else reads `ANTIN_SIGNER_KEK_FILE`, its folder, or its memory.  systemd (or
whatever watches over it) starts it again when its parent process is killed; children that are
killed it starts again itself.  With exit status 77 the token refused the PIN: it must not be
started again (`RestartPreventExitStatus=77`), because a few wrong PINs lock a token.
Its database role needs no more than: SELECT on `alembic_version` and `deployment`; SELECT, INSERT,
UPDATE on `personal_key`, `personal_key_counter` and `root_key`; SELECT, INSERT, DELETE on
`spent_activation`; SELECT, INSERT on `log_event` and `log_chain`; USAGE on the sequence
`log_chain_chain_id_seq`, where its chains are announced.
Not here: putting it together (`idp/signer.py`).
"""

from __future__ import annotations

import logging
import os
import signal
import socket
import sys
from functools import partial
from typing import NoReturn

import click

from idp.cli.context import check_deployment, drop_own_variables, open_database, read_settings
from idp.cli.operator_name import read_operator
from idp.clock import utc_now
from idp.logs import configure_logging
from idp.personal_keys import open_personal_ring, open_personal_roots, signer_kek_file
from idp.settings import Settings
from idp.settings_loading import SANDBOX_MARK
from idp.storage.deployment import find_stamp
from keystore.backends.errors import TokenPinRefused
from keystore.log.events import Event, EventType


@click.command()
@click.option(
    "--trust-clock",
    is_flag=True,
    help="The clock is right, although it showed a later time before; recorded in the log.",
)
@click.option(
    "--operator",
    envvar="ANTIN_OPERATOR",
    help="Who says so, for the log.  Default: the user of this shell.",
)
def signer(*, trust_clock: bool, operator: str | None) -> None:
    """Open personal signing keys for what their owners confirm, until told to stop."""
    from idp.signer import (
        listening_address,
        listening_group,
        make_signer_server,
        open_ledger,
        signer_settings,
    )
    from idp.signer_log_key import ensure_log_key
    from keystore.strongroom.hardening import harden_process
    from keystore.strongroom.listening import listen
    from keystore.strongroom.processes import RoomProcesses

    settings = read_settings()
    is_marked = os.environ.get(SANDBOX_MARK) == "1"
    drop_own_variables()
    configure_logging(settings.log_level)
    harden_process()
    try:
        _prepare(signer_settings(settings), is_marked=is_marked)
    except TokenPinRefused:
        _end_for_pin()
    made = ensure_log_key(settings)  # before there is a ledger
    if made is not None:
        click.echo(f"key of this signer's rows in the log made, for ANTIN_SIGNER_LOG_KEYS: {made}")
    open_ledger(settings).close()  # one that is damaged is a sentence here, and not every child's
    if trust_clock:
        _trust_clock(settings, operator=read_operator(operator))
    address = listening_address(settings)
    with listen(address, group_id=listening_group(settings)) as listener:
        processes = RoomProcesses(
            listener,
            name="signer",
            make_server=partial(make_signer_server, settings),
            count=settings.signer_processes,
        )
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda *_: processes.stop())
        click.echo(f"antin signer: {address}")
        is_stopped = processes.watch()
    if not is_stopped:
        _end_for_pin()


def _trust_clock(settings: Settings, *, operator: str) -> None:
    """Record that an operator says so, and believe it then: no record, no act."""
    from idp.signer import open_ledger, open_signer_log, signer_settings

    now = utc_now()
    event = Event(EventType.SIGNER_CLOCK_TRUSTED, facts={"host": socket.gethostname()[:64]})
    database = open_database(signer_settings(settings))
    ledger = open_ledger(settings)
    try:
        with database.transaction() as tx:
            open_signer_log(settings).in_name_of(operator).record(tx, event, data_key=None, now=now)
        ledger.trust_clock(now)
    finally:
        ledger.close()
        database.close()


def _end_for_pin() -> NoReturn:
    from keystore.strongroom.processes import PIN_REFUSED

    click.echo("antin: the token refused the PIN; it is not tried again", err=True)
    sys.exit(PIN_REFUSED)


def _prepare(settings: Settings, *, is_marked: bool) -> None:
    from keystore.signer.start import has_root_key, verify_root_keys

    database = open_database(settings)
    try:
        # not as `antin serve` does: the root keys of the service are not here to be looked at
        is_sandbox = check_deployment(settings, stamp=find_stamp(database), is_marked=is_marked)
        if not is_sandbox and os.getuid() in settings.signer_users:
            logging.getLogger("antin.signer").warning("signer_shares_its_user_with_its_callers")
        if not has_root_key(database):
            _make_root_key(settings)
        verify_root_keys(database, ring=open_personal_ring(settings), now=utc_now())
    finally:
        database.close()


def _make_root_key(settings: Settings) -> None:
    from keystore.kek import create_kek_file

    roots, file = open_personal_roots(settings), signer_kek_file(settings)
    if roots is not None and file is None and not roots.find():
        made = roots.make()
        click.echo(f"root key {made.kek_id} of personal keys made in the token")
    if settings.signer_kek_file is None and file is not None and create_kek_file(file):
        click.echo(
            f"root key of personal keys made in {file}: back it up, apart from the data and from "
            "the service's"
        )
