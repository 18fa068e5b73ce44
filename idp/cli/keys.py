"""`antin keys`: the signing keys of tokens.

What lives here: listing and rotating.  Private halves are never shown.
"""

from __future__ import annotations

from datetime import datetime

import click

from idp.cli.context import open_services
from idp.cli.keys_kek import (
    add_kek_command,
    remove_kek_command,
    root_keys_command,
    rotate_kek_command,
)
from keystore.signing_keys import KeyRecord


@click.group()
def keys() -> None:
    """Signing keys."""


for command in (root_keys_command, add_kek_command, rotate_kek_command, remove_kek_command):
    keys.add_command(command)


@keys.command("list")
def list_command() -> None:
    """Every key with its state."""
    with open_services() as services:
        now = services.time()
        for record in services.keyring.records(now):
            click.echo(f"{record.kid}  {record.algorithm:6}  {_state(record, now=now)}")


@keys.command("rotate")
def rotate_command() -> None:
    """Publish the next keys; they sign once every client has had time to see them."""
    with open_services() as services:
        for record in services.keyring.rotate(services.time()):
            click.echo(f"{record.kid}  {record.algorithm}  signs from {record.active_from:%F %T}Z")


def _state(record: KeyRecord, *, now: datetime) -> str:
    """Where the key is in its life, and until when or since when."""
    if record.destroyed_at is not None:
        return f"destroyed {record.destroyed_at:%F %T}Z"
    if now < record.active_from:
        return f"next, signs from {record.active_from:%F %T}Z"
    if record.retired_at is not None and record.retired_at <= now:
        return f"retired {record.retired_at:%F %T}Z"
    return f"active since {record.active_from:%F %T}Z"
