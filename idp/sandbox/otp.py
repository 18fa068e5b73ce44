"""`antin otp IDENTITY`: the one-time code that an invented person's app shows now.

Works on public sandbox secrets only; it opens no database.
"""

from __future__ import annotations

from datetime import UTC, datetime

import click

from idp.accounts.totp import code_at
from idp.sandbox.invented_people import PEOPLE


@click.command()
@click.argument("identity")
def otp(identity: str) -> None:
    """Print the present one-time code of a sandbox IDENTITY (its number or its name)."""
    for person in PEOPLE:
        if identity in {person.identifier, person.name} and person.has_totp:
            now = datetime.now(UTC)
            click.echo(code_at(person.totp_secret, now=now))
            left = 30 - int(now.timestamp()) % 30
            if left < 5:
                click.echo(f"runs out in {left} s; the next one follows", err=True)
            return
    raise click.ClickException("nobody in the sandbox has this number, or no authenticator app")
