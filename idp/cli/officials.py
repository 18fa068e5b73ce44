"""`antin officials`: who acts at a counter or a helpdesk, and for which agency.

What lives here: one command per act; every one is on record with the operator who did it.  What is
printed names accounts by their ids.  Not here: what a duty allows (`idp.accounts.officials`).
"""

from __future__ import annotations

from datetime import datetime, timedelta

import click

from clients.registry.model import CIVIL_TIME
from idp.accounts.officials import Duty, Official, Officials
from idp.cli.context import open_services
from idp.cli.naming import account_argument, find_named, operator_option, told_refusals


@click.group()
def officials() -> None:
    """People with a duty: `proofing` at a counter, or `helpdesk`.

    ACCOUNT is an account id (acc_…) or a number; without it, or with a hyphen, it is asked for, so
    that it stays out of the shell's history.
    """


@officials.command()
@account_argument
@click.option("--duty", type=click.Choice([duty.value for duty in Duty]), required=True)
@click.option("--controller", required=True, help="The agency, by its id in the registry.")
@click.option(
    "--last-day",
    type=click.DateTime(formats=["%Y-%m-%d"]),
    help="YYYY-MM-DD; without it the duty stays until it is ended.",
)
@operator_option
def add(account: str, duty: str, controller: str, last_day: datetime | None, operator: str) -> None:
    """Give ACCOUNT a duty from now on; prints its id.

    The account has to be a person's, active, of level 2.
    """
    valid_to = None
    if last_day is not None:
        valid_to = (last_day + timedelta(days=1)).replace(tzinfo=CIVIL_TIME)
    with open_services() as services:
        now = services.time()
        if valid_to is not None and valid_to <= now:
            raise click.UsageError("the last day is over")
        if services.registry.find_controller(controller, now=now) is None:
            raise click.ClickException("controller_unknown")
        found = find_named(services, account)
        with told_refusals():
            given = Officials(services.database, services.log.in_name_of(operator)).add(
                found.account_id,
                duty=Duty(duty),
                controller_id=controller,
                valid_to=valid_to,
                now=now,
            )
    click.echo(given.official_id)


@officials.command()
@click.argument("official_id")
@operator_option
def end(official_id: str, operator: str) -> None:
    """End OFFICIAL_ID (ofl_…, as `list` prints it) at once, also for who is at work with it."""
    with open_services() as services:
        log = services.log.in_name_of(operator)
        if not Officials(services.database, log).end(official_id, now=services.time()):
            raise click.ClickException("official_unknown or ended before")


@officials.command("list")
@click.option("--all", "with_ended", is_flag=True, help="Those that are over as well.")
def list_officials(*, with_ended: bool) -> None:
    """Who has which duty for whom, the newest first."""
    with open_services() as services:
        now = services.time()
        known = Officials(services.database, services.log).list_all()
    for one in known:
        standing = _standing(one, now=now)
        if with_ended or standing == "in force":
            line = (one.official_id, one.duty.value, one.controller_id, one.account_id, standing)
            click.echo("  ".join(line))


def _standing(one: Official, *, now: datetime) -> str:
    if one.ended_at is not None:
        return f"ended {one.ended_at.astimezone(CIVIL_TIME).date().isoformat()}"
    if one.valid_to is not None and one.valid_to <= now:
        return f"over {one.valid_to.astimezone(CIVIL_TIME).date().isoformat()}"
    return "in force"
