"""`antin accounts represent` and `end-mandate`: who may act for an organisation.

What lives here: the two commands.  Not here: what a mandate is (`idp.accounts.mandates`), giving
many at once (`antin accounts import`).
"""

from __future__ import annotations

from datetime import datetime, timedelta

import click

from clients.registry.model import CIVIL_TIME
from idp.accounts.mandates import add_legal_representative, end_mandate
from idp.cli.context import open_services
from idp.cli.naming import find_named, operator_option, plain_word, told_refusals
from idp.ids import MandateId


@click.command()
@click.argument("person")
@click.argument("organisation")
@click.option("--source", prompt=True, callback=plain_word, help="The register that says so.")
@click.option(
    "--last-day",
    type=click.DateTime(formats=["%Y-%m-%d"]),
    help="YYYY-MM-DD; without it the mandate stays open.",
)
@operator_option
def represent(
    person: str, organisation: str, source: str, last_day: datetime | None, operator: str
) -> None:
    """Let PERSON act for ORGANISATION as its legal representative; prints the mandate.

    Both are account ids or numbers; a hyphen asks for one.
    """
    valid_to = None
    if last_day is not None:
        valid_to = (last_day + timedelta(days=1)).replace(tzinfo=CIVIL_TIME)
    with open_services() as services:
        if valid_to is not None and valid_to <= services.time():
            raise click.UsageError("the last day is over")
        holder, principal = find_named(services, person), find_named(services, organisation)
        with told_refusals():
            given = add_legal_representative(
                services.database,
                holder_id=holder.account_id,
                organisation_id=principal.account_id,
                source=source,
                valid_to=valid_to,
                log=services.log.in_name_of(operator),
                now=services.time(),
            )
    click.echo(given.mandate_id)


@click.command("end-mandate")
@click.argument("mandate")
@operator_option
def end_mandate_command(mandate: str, operator: str) -> None:
    """End MANDATE (mdt_…, as `show` prints it) for good: nobody acts under it from now on."""
    with open_services() as services:
        found = services.people.find_mandate(MandateId(mandate))
        if found is None:
            raise click.ClickException("mandate_unknown")
        if not end_mandate(
            services.database, found, log=services.log.in_name_of(operator), now=services.time()
        ):
            raise click.ClickException("mandate_ended_before")
