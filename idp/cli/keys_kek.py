"""`antin keys root-keys`, `add-kek`, `rotate-kek` and `remove-kek`: the life of a root key.

What lives here: the four commands, for the service's root key and (`--personal`) for that of
personal signing keys, which are run as the user of `antin signer`.  They run beside the service.
Not here: what a rotation does, and the procedure (`keystore/kek_rotation.py`).
"""

from __future__ import annotations

import json
import os
import socket
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import click
from tqdm import tqdm

from idp.cli.context import open_database, read_settings
from idp.cli.naming import operator_option
from idp.clock import utc_now
from idp.keks import open_service_ring, open_token_keks, service_kek_file
from idp.settings import Settings
from idp.storage.database import Database
from keystore.kek import KekRing, add_kek, remove_kek
from keystore.kek_rotation import KekRotation, PurposeKeyWrappings, Rotated, Wrappings
from keystore.log.events import Event, EventType
from keystore.log.record import LogWriter
from keystore.purposes import MacPurpose, SealPurpose
from keystore.root_keys import RootKeyRecord, Scope, read_root_keys
from keystore.sealing import Sealer
from keystore.storage import Transaction

_NOT_ALL: Final = 1

personal_option: Final = click.option(
    "--personal", is_flag=True, help="The root key of personal signing keys."
)
json_option: Final = click.option("--json", "as_json", is_flag=True, help="For programs.")
yes_option: Final = click.option("--yes", is_flag=True, help="Do not ask.")


@dataclass(frozen=True, slots=True)
class _RootKeys:
    """What a command works on: one scope, its root keys, where they are kept."""

    scope: Scope
    settings: Settings
    database: Database
    ring: KekRing
    file: Path | None
    token: Any

    def records(self) -> tuple[RootKeyRecord, ...]:
        with self.database.read() as connection:
            return read_root_keys(connection, scope=self.scope)

    def current(self) -> str:
        """The id of the root key that wraps; in a database that has none yet, of the one given."""
        return next((one.kek_id for one in self.records() if one.is_current), self.ring.kek_id)

    def candidates(self) -> tuple[str, ...]:
        """Root keys that were given and have not wrapped anything before, the newest last."""
        used = {one.kek_id for one in self.records()} | {self.current()}
        return tuple(kek_id for kek_id in self.ring.ids if kek_id not in used)

    def add(self) -> str:
        """Make a root key where the others are; returns its id."""
        if self.token is not None:
            made: str = self.token.make().kek_id
        elif self.file is not None:
            made = add_kek(self.file)
        else:
            raise click.ClickException(
                "the root key comes from ANTIN_KEK: add a second one to the variable, with a "
                "comma between them, and start again"
            )
        self.ring.reload()
        return made

    def place(self) -> str:
        """Where root keys are kept, for people."""
        if self.token is None:
            return str(self.file)
        is_personal = self.scope is Scope.PERSONAL
        settings = self.settings
        label = settings.signer_pkcs11_token if is_personal else settings.kek_pkcs11_token
        return f"the token {label}"


@click.command("root-keys")
@personal_option
@json_option
def root_keys_command(*, personal: bool, as_json: bool) -> None:
    """Every root key by its id: which one wraps, and which may be removed."""
    with _opened(is_personal=personal) as keys:
        known = {one.kek_id: _state(one) for one in keys.records()}
        listed = {**known, **{kek_id: "given" for kek_id in keys.ring.ids if kek_id not in known}}
        given = set(keys.ring.ids)
    if as_json:
        rows = [
            {"kek_id": kek_id, "state": state, "is_given": kek_id in given}
            for kek_id, state in listed.items()
        ]
        click.echo(json.dumps(rows))
        return
    for kek_id, state in listed.items():
        said = _SAID[state]
        if kek_id not in given:
            said = "was left, and is gone from here" if state == "left" else f"{said}, not given"
        click.echo(f"{kek_id}  {said}")


@click.command("add-kek")
@personal_option
@operator_option
def add_kek_command(operator: str, *, personal: bool) -> None:
    """Make another root key beside the one there is; nothing uses it until `rotate-kek`.

    Where the root key is in a file and there are several hosts, copy the file to all of them
    before the rotation.
    """
    with _opened(is_personal=personal) as keys:
        made = _add(keys, log=_log(keys).in_name_of(operator))
        click.echo(f"root key {made} added to {keys.place()}: back it up, apart from the data")


@click.command("rotate-kek")
@personal_option
@click.option("--to", "to", help="The root key to go to; otherwise the newest that was given.")
@yes_option
@json_option
@operator_option
def rotate_kek_command(
    to: str | None, operator: str, *, personal: bool, yes: bool, as_json: bool
) -> None:
    """Put everything under another root key, while the service runs.

    Interrupted or killed, the same command goes on where it was.  Exit status 1: something does
    not open, and is named, and the rest was done; or something is left, and it has to run again.
    """
    with _opened(is_personal=personal) as keys:
        log = _log(keys).in_name_of(operator)  # first: it settles which root key wraps
        target = to or _choose(keys, log=log, is_asking=not yes)
        rotation = KekRotation(
            database=keys.database,
            scope=keys.scope,
            ring=keys.ring,
            wrappings=_wrappings(keys),
            log=log,
            time=utc_now,
        )
        with tqdm(
            total=rotation.count_left(target), unit=" keys", disable=None, desc="rotate-kek"
        ) as bar:
            done = rotation.run(target, progress=bar.update)
        _tell(done, keys, as_json=as_json)
    if done.damaged or done.remaining:
        raise SystemExit(_NOT_ALL)


@click.command("remove-kek")
@click.argument("kek_id")
@personal_option
@yes_option
@operator_option
def remove_kek_command(kek_id: str, operator: str, *, personal: bool, yes: bool) -> None:
    """Take a root key away that nothing is under any more."""
    with _opened(is_personal=personal) as keys:
        record = next((one for one in keys.records() if one.kek_id == kek_id), None)
        if record is not None and record.left_at is None:
            raise click.ClickException(
                f"{kek_id} {_SAID[_state(record)]}: `antin keys rotate-kek` first"
            )
        if not yes:
            click.echo(
                f"{kek_id} is taken out of {keys.place()}. Backups of the database that were made "
                "under it cannot be opened without it: keep a copy as long as you keep those."
            )
            click.confirm("Take it away?", abort=True)
        if kek_id not in keys.ring.ids:
            raise click.ClickException(f"{kek_id} is not in {keys.place()}")
        # first said, then done: what a token has lost is never brought back to be recorded
        log = _log(keys).in_name_of(operator)
        with keys.database.transaction() as tx:
            _record(tx, EventType.KEK_REMOVED, keys, kek_id=kek_id, log=log)
        removed = keys.token is not None and keys.token.destroy(kek_id)
        if not removed and keys.file is not None:
            removed = remove_kek(keys.file, kek_id=kek_id)
        if not removed:
            raise click.ClickException(f"{kek_id} is not in {keys.place()}")
    click.echo(f"root key {kek_id} removed")


@contextmanager
def _opened(*, is_personal: bool) -> Iterator[_RootKeys]:
    settings = read_settings()
    if is_personal:
        from idp.signer import signer_settings

        settings = signer_settings(settings)  # run as its user, with its role in the database
    database = open_database(settings)
    try:
        if is_personal:
            from idp.personal_keys import (
                open_personal_ring,
                open_personal_roots,
                signer_kek_file,
            )

            yield _RootKeys(
                Scope.PERSONAL,
                settings,
                database,
                open_personal_ring(settings),
                file=signer_kek_file(settings),
                token=open_personal_roots(settings),
            )
        else:
            yield _RootKeys(
                Scope.SERVICE,
                settings,
                database,
                open_service_ring(settings),
                file=service_kek_file(settings),
                token=open_token_keks(settings),
            )
    finally:
        database.close()


def _choose(keys: _RootKeys, *, log: LogWriter, is_asking: bool) -> str:
    """The root key to go to: where a rotation was going, or the newest given, or a new one."""
    if any(one.is_leaving for one in keys.records()):
        return keys.current()
    if candidates := keys.candidates():
        return candidates[-1]
    if is_asking:
        click.echo(
            f"There is no other root key yet. One is added to {keys.place()} and used at once. "
            "Hosts with a file of their own that do not have it yet keep running, and cannot "
            "start again until they do: on several hosts use `antin keys add-kek` first."
        )
        click.confirm("Add one and go on?", abort=True)
    return _add(keys, log=log)


def _add(keys: _RootKeys, *, log: LogWriter) -> str:
    """Make a root key, on record; returns its id."""
    with keys.database.transaction() as tx:
        made = keys.add()
        _record(tx, EventType.KEK_ADDED, keys, kek_id=made, log=log)
    return made


def _record(
    tx: Transaction, event_type: EventType, keys: _RootKeys, *, kek_id: str, log: LogWriter
) -> None:
    event = Event(event_type, facts={"scope": keys.scope.value, "kek": kek_id})
    log.record(tx, event, data_key=None, now=utc_now())


def _wrappings(keys: _RootKeys) -> Sequence[Wrappings]:
    if keys.scope is Scope.SERVICE:
        return (PurposeKeyWrappings(keys.ring, scope=keys.scope),)
    from idp.personal_keys import open_personal_keys
    from keystore.signer.rewrapping import PersonalKeyWrappings

    return (PersonalKeyWrappings(open_personal_keys(keys.settings, ring=keys.ring)),)


def _log(keys: _RootKeys) -> LogWriter:
    """The log of whoever rotates: the user of the signer does not hold the service's root key."""
    writer_id = f"{socket.gethostname()[:40]}-{os.getpid()}"
    if keys.scope is Scope.PERSONAL:
        from idp.signer_folder import signer_folder
        from idp.signer_log_key import ensure_log_key
        from keystore.signer.log_sealing import RecipientSealer, open_log_key

        made = ensure_log_key(keys.settings)  # where no signer ever ran
        if made is not None:
            click.echo(
                f"key of its rows in the log made, for ANTIN_SIGNER_LOG_KEYS: {made}", err=True
            )
        key = open_log_key(signer_folder(keys.settings))
        return LogWriter(RecipientSealer(key), writer_id=writer_id)
    # the keys of the log alone: another purpose key that is damaged shall be named, not in the way
    purposes = (SealPurpose.LOG, MacPurpose.LOG)
    sealer = Sealer.open(keys.database, kek=keys.ring, now=utc_now(), purposes=purposes)
    return LogWriter(sealer, writer_id=writer_id)


def _tell(done: Rotated, keys: _RootKeys, *, as_json: bool) -> None:
    removable = [kek_id for kek_id in done.left if kek_id in keys.ring.ids]
    if as_json:
        told = {
            "kek_id": done.kek_id,
            "rewrapped": done.rewrapped,
            "damaged": list(done.damaged),
            "remaining": done.remaining,
            "removable": removable,
        }
        click.echo(json.dumps(told))
        return
    if done.remaining:
        said = f"{done.remaining} are left under another root key, run the command again"
    else:
        said = f"everything that opens is under {done.kek_id}"
    click.echo(f"{done.rewrapped} keys wrapped anew; {said}")
    for name in done.damaged:
        click.echo(f"damaged, opens with no root key: {name}", err=True)
    if done.damaged:
        click.echo("restore these from a backup before you destroy an older root key", err=True)
    for kek_id in removable:
        click.echo(f"nothing is under {kek_id} any more: `antin keys remove-kek {kek_id}`")


_SAID: Final = {
    "current": "wraps",
    "leaving": "is being left, and needed until then",
    "left": "may be removed",
    "given": "was given, and wraps nothing yet",
}


def _state(record: RootKeyRecord) -> str:
    if record.is_current:
        return "current"
    return "leaving" if record.is_leaving else "left"
