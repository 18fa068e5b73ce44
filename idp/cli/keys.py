"""`antin keys`: the signing keys of tokens.

What lives here: listing and rotating.  Private halves are never shown.
"""

from __future__ import annotations

import click

from idp.cli.context import open_services


@click.group()
def keys() -> None:
    """Signing keys."""


@keys.command("list")
def list_command() -> None:
    """Every key with its state."""
    with open_services() as services:
        now = services.time()
        for record in services.keyring.records(now):
            click.echo(f"{record.kid}  {record.algorithm:6}  {record.state_at(now)}")


@keys.command("rotate")
def rotate_command() -> None:
    """Publish the next keys; they sign once every client has had time to see them."""
    with open_services() as services:
        for record in services.keyring.rotate(services.time()):
            click.echo(f"{record.kid}  {record.algorithm}  signs from {record.active_from:%F %T}Z")
