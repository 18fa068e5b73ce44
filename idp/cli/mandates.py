"""`antin accounts represent`, `charter`, `mandates` and `end-mandate`: who may act for whom.

What lives here: the commands.  Not here: what a mandate is (`idp.accounts.mandates`), giving many
at once (`antin accounts import`), what representatives give by themselves
(`idp/accounts/delegation.py`).
"""

from __future__ import annotations

from datetime import datetime, timedelta

import click

from clients.registry.model import CIVIL_TIME
from idp.accounts.mandates import EndReason, add_legal_representative
from idp.accounts.model import EVERYBODY, Mandate
from idp.cli.context import open_services
from idp.cli.naming import find_named, operator_option, plain_word, told_refusals
from idp.ids import MandateId

_MOST_AGREEMENTS = 20
_DATE = "%Y-%m-%d"


@click.command()
@click.argument("person")
@click.argument("organisation")
@click.option("--source", prompt=True, callback=plain_word, help="The register that says so.")
@click.option(
    "--last-day",
    type=click.DateTime(formats=[_DATE]),
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


@click.command()
@click.argument("organisation")
@click.option(
    "--agreements",
    prompt="How many others have to agree (a number, or all)",
    help="How many other legal representatives have to agree to a mandate: a number, or `all`.",
)
@click.option("--source", prompt=True, callback=plain_word, help="The charter, by a short word.")
@operator_option
def charter(organisation: str, agreements: str, source: str, operator: str) -> None:
    """Keep what the charter of ORGANISATION demands when a representative gives a mandate."""
    if agreements == "all":
        wanted = EVERYBODY
    elif agreements.isdecimal() and int(agreements) <= _MOST_AGREEMENTS:
        wanted = int(agreements)
    else:
        raise click.UsageError(f"a number up to {_MOST_AGREEMENTS}, or all")
    with open_services() as services:
        named = find_named(services, organisation)
        with told_refusals():
            services.mandates.charters.set(
                named.account_id,
                agreements=wanted,
                source=source,
                log=services.log.in_name_of(operator),
                now=services.time(),
            )


@click.command()
@click.argument("account", default="-")
def mandates(account: str) -> None:
    """List what ACCOUNT holds, and what is held to act for it: id, kind, state, who, until when."""
    with open_services() as services:
        named = find_named(services, account)
        for one in services.mandates.own.all_of(named.account_id):
            click.echo(_line(one))


def _line(one: Mandate) -> str:
    until = "" if one.valid_to is None else one.valid_to.astimezone(CIVIL_TIME).strftime(_DATE)
    words = [
        one.mandate_id,
        one.kind.value,
        one.status.value,
        one.holder_id,
        one.principal_id,
        f"from={one.valid_from.astimezone(CIVIL_TIME).strftime(_DATE)}",
        f"until={until or '-'}",
        f"scopes={','.join(one.scopes) or '-'}",
        f"portals={','.join(one.portals) or '-'}",
    ]
    if one.given_under is not None:
        words.append(f"under={one.given_under}")
    if one.ended_why:
        words.append(f"ended={one.ended_why}")
    return " ".join(words)


@click.command("end-mandate")
@click.argument("mandate")
@operator_option
def end_mandate_command(mandate: str, operator: str) -> None:
    """End MANDATE (mdt_…), of any kind, at once and for good, with everything that stands on it."""
    with open_services() as services:
        if services.people.find_mandate(MandateId(mandate)) is None:
            raise click.ClickException("mandate_unknown")
        ending = services.mandates.ending.in_name_of(operator)
        if not ending.end(MandateId(mandate), why=EndReason.OPERATOR, now=services.time()):
            raise click.ClickException("mandate_ended_before")
