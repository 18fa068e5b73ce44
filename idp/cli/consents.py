"""`antin consents`: what a person agreed to, and taking it back at the person's request.

What lives here: the two commands, for people who come to a counter instead of a page.  Printed are
portals, scopes and times, nothing of the person.  Not here: what a withdrawal ends
(`idp.oauth.consent_withdrawal`).  Source: Law 91/2025/QH15 Art. 9.
"""

from __future__ import annotations

from dataclasses import replace

import click

from clients.registry.model import CIVIL_TIME
from idp.cli.context import open_services
from idp.cli.naming import account_argument, find_named, operator_option
from idp.ids import ConsentId
from idp.model import Consent
from idp.oauth.errors import ConsentUnknown
from idp.storage.consents import consents_of


@click.group()
def consents() -> None:
    """What people agreed to share: look, take back.

    ACCOUNT is an account id (acc_…) or a number; with a hyphen it is asked for, so that it stays
    out of the shell's history.
    """


@consents.command("list")
@account_argument
def list_consents(account: str) -> None:
    """What ACCOUNT agreed to or was told of, newest first."""
    with open_services() as services:
        found = find_named(services, account)
        with services.database.read() as connection:
            given = consents_of(connection, found.account_id)
    for one in given:
        click.echo("\n  ".join((f"{one.consent_id}  {one.client_id}  {one.kind}", *_details(one))))


@consents.command()
@click.argument("account")
@click.argument("consent_id")
@operator_option
def withdraw(account: str, consent_id: str, operator: str) -> None:
    """Take back CONSENT_ID of ACCOUNT, with every other consent to the same portal.

    The portal's tokens for this person end; it asks again at the next sign-in.
    """
    with open_services() as services:
        found = find_named(services, account)
        log = services.log.in_name_of(operator)
        withdrawal = replace(services.consent_withdrawal, log=log)
        try:
            ended = withdrawal.withdraw(
                ConsentId(consent_id), account_id=found.account_id, now=services.time()
            )
        except ConsentUnknown as unknown:
            raise click.ClickException(unknown.code) from unknown
    click.echo(f"{ended} grants ended")


def _details(one: Consent) -> tuple[str, ...]:
    lines = [
        f"scopes:    {' '.join(one.scopes)}",
        f"shared:    {' '.join(one.shared) or '-'}",
        f"given:     {one.given_at.astimezone(CIVIL_TIME).isoformat(timespec='seconds')}",
    ]
    if one.withdrawn_at is not None:
        until = one.withdrawn_at.astimezone(CIVIL_TIME).isoformat(timespec="seconds")
        lines.append(f"withdrawn: {until}")
    return tuple(lines)
