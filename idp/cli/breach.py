"""`antin breach`: the file of a breach of personal data, and its 72 hours.

What lives here: the commands, each on record with the operator.  People are named by the ids of
their accounts.  Source: Law 91/2025/QH15 Art. 23; NĐ 356/2025/NĐ-CP Art. 28, 29.
Not here: clocks and acts (`idp/breaches.py`).
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from typing import Final, TextIO

import click

from clients.registry.model import CIVIL_TIME
from idp.breaches import Breaches, BreachRefused, DataKind, Section
from idp.cli.context import open_services
from idp.cli.naming import operator_option
from idp.ids import AccountId
from idp.services import Services

_MINUTES: Final = "%Y-%m-%d %H:%M"
_text: Final = click.option("--text", prompt=True, help="Asked for when it is not given.")
_number: Final = click.argument("number")


@click.group()
def breach() -> None:
    """A breach of personal data: open its file, work on it, report it in time, close it.

    NUMBER is what `open` and `list` print (SC-…).  Times are those of Viet Nam.
    """


@breach.command("open")
@click.option(
    "--detected", type=click.DateTime([_MINUTES]), help="When it was detected; default: now."
)
@click.option(
    "--data",
    "kinds",
    type=click.Choice([kind.value for kind in DataKind]),
    multiple=True,
    required=True,
    help="What kind of data is affected; may be given several times.",
)
@click.option("--persons", type=click.IntRange(min=0), default=0, show_default=True)
@_text
@operator_option
def open_file(
    detected: datetime | None, kinds: tuple[str, ...], persons: int, text: str, operator: str
) -> None:
    """Open a file; the clock runs from when the breach was detected.  Prints its number."""
    with open_services() as services, _told():
        now = services.time()
        new = _breaches(services, operator).open(
            kinds=[DataKind(kind) for kind in kinds],
            persons=persons,
            text=text,
            detected_at=now if detected is None else detected.replace(tzinfo=CIVIL_TIME),
            now=now,
        )
    click.echo(f"{new.number}  report by {_time(new.report_due)}")


@breach.command()
@_number
@click.option(
    "--section", type=click.Choice([one.value for one in Section]), default=Section.MEASURE.value
)
@click.option("--persons", type=click.IntRange(min=0), help="How many are affected, known now.")
@_text
@operator_option
def add(number: str, section: str, persons: int | None, text: str, operator: str) -> None:
    """Write into a section of the report."""
    with open_services() as services, _told():
        own = _breaches(services, operator)
        own.add(number, Section(section), text=text, persons=persons, now=services.time())


@breach.command()
@_number
@click.argument("accounts", nargs=-1)
@click.option("--file", type=click.File(encoding="ascii"), help="Ids of accounts, one a line.")
@operator_option
def affect(number: str, accounts: tuple[str, ...], file: TextIO | None, operator: str) -> None:
    """List ACCOUNTS (acc_…) as affected."""
    named = [*accounts, *(() if file is None else (line.strip() for line in file))]
    with open_services() as services, _told():
        new = _breaches(services, operator).affect(
            number, [AccountId(one) for one in named if one], now=services.time()
        )
    click.echo(f"{new} listed")


@breach.command()
@_number
@operator_option
def tell(number: str, operator: str) -> None:
    """Tell everybody who is listed and was not told yet, on all their channels."""
    with open_services() as services, _told():
        told, gone = _breaches(services, operator).tell(number, now=services.time())
    click.echo(f"{told} told, {gone} have no account any more")


@breach.command()
@_number
@click.option("--at", type=click.DateTime([_MINUTES]), help="When; default: now.")
@_text
@operator_option
def reported(number: str, at: datetime | None, text: str, operator: str) -> None:
    """Note that the authority was told, how and under which number."""
    with open_services() as services, _told():
        now = services.time()
        when = now if at is None else at.replace(tzinfo=CIVIL_TIME)
        _breaches(services, operator).reported(number, text=text, at=when, now=now)


@breach.command()
@_number
@click.option("--not-reportable", default="", help="Why the authority did not have to be told.")
@operator_option
def close(number: str, not_reportable: str, operator: str) -> None:
    """Close the file; it is kept for five years."""
    with open_services() as services, _told():
        own = _breaches(services, operator)
        own.close(number, not_reportable=not_reportable, now=services.time())


@breach.command("list")
@click.option("--all", "with_closed", is_flag=True, help="Closed ones as well.")
def list_files(*, with_closed: bool) -> None:
    """Files that are open, what is due first in front."""
    with open_services() as services:
        now = services.time()
        for one in _breaches(services, "").list(with_closed=with_closed):
            late = one.late(now)
            mark = f"OVERDUE ({', '.join(late)})" if late else "open"
            if one.closed_at is not None:
                mark = "closed"
            due = "reported" if one.reported_at is not None else f"by {_time(one.report_due)}"
            people = f"{one.told}/{one.persons} told"
            click.echo(f"{one.number}  {mark}  {due}  {people}  {' '.join(one.kinds)}")


@breach.command()
@_number
def report(number: str) -> None:
    """The report in its sections, to be carried over into the official form."""
    with open_services() as services, _told():
        for line in _breaches(services, "").report(number, now=services.time()):
            click.echo(line)


@contextmanager
def _told() -> Iterator[None]:
    try:
        yield
    except BreachRefused as refused:
        raise click.ClickException(f"{refused.code} ({refused.reason})") from refused


def _breaches(services: Services, operator: str) -> Breaches:
    log = services.log.in_name_of(operator) if operator else services.log
    notices = services.delivery.notices
    return Breaches(services.database, services.sealer, log, notices, operator)


def _time(moment: datetime) -> str:
    return moment.astimezone(CIVIL_TIME).strftime(_MINUTES)
