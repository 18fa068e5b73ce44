"""`antin requests`: what people ask about their data, with the clocks of the law.

What lives here: the queue as an operator works it off, what is overdue first.  `list` says nothing
of what people wrote; `show` does, and that is on record for the person to see.
Source: Law 91/2025/QH15 Art. 4; NĐ 356/2025/NĐ-CP Art. 5.
Not here: what may follow what (`idp/accounts/data_requests.py`).
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from typing import Final

import click

from clients.registry.model import CIVIL_TIME
from idp.accounts.data_request_rules import DataRequest
from idp.accounts.data_requests import RequestRefused, RequestUnknown
from idp.cli.account_life import open_lifecycle
from idp.cli.context import open_services
from idp.cli.naming import operator_option

_LONGEST: Final = 4_000


@click.group()
def requests() -> None:
    """What people ask about their data: see, correct, restrict, delete.

    NUMBER is what `list` prints (YC-…).  Longer texts are asked for, so that they stay out of the
    shell's history.
    """


@requests.command("list")
def list_requests() -> None:
    """What waits, overdue first, then by what is due next."""
    with open_services() as services:
        now = services.time()
        for one in services.rights.requests.waiting(now=now):
            mark = "OVERDUE" if one.is_overdue(now) else "       "
            wants = "acknowledge" if one.acknowledged_at is None else "answer"
            click.echo(
                f"{mark}  {one.number}  {one.kind.value:<8}  {wants:<11} by {_time(one.due())}"
                f"  {one.account_id}"
            )


@requests.command()
@click.argument("number")
@operator_option
def show(number: str, operator: str) -> None:
    """What the person wrote, and every step; the person sees that it was read."""
    with open_services() as services, _told():
        own = services.rights.requests.in_name_of(operator)
        one = own.read(number, now=services.time())
    for line in _lines(one):
        click.echo(line)


@requests.command()
@click.argument("number")
@click.option("--by-processor", is_flag=True, help="A processor has to act too: a longer term.")
@operator_option
def acknowledge(number: str, operator: str, *, by_processor: bool) -> None:
    """Tell the person that NUMBER arrived."""
    with open_services() as services, _told():
        own = services.rights.requests.in_name_of(operator)
        own.acknowledge(number, by_processor=by_processor, now=services.time())


@requests.command()
@click.argument("number")
@click.option("--reason", prompt=True, help="For the person; asked for when it is not given.")
@operator_option
def extend(number: str, reason: str, operator: str) -> None:
    """Take the one extension that the rule allows."""
    with open_services() as services, _told():
        own = services.rights.requests.in_name_of(operator)
        due = own.extend(number, reason=reason, now=services.time())
    click.echo(f"due {_time(due)}")


@requests.command()
@click.argument("number")
@click.option("--refuse", is_flag=True, help="It is not done; the text says why.")
@click.option("--text", prompt=True, help="For the person; asked for when it is not given.")
@operator_option
def answer(number: str, text: str, operator: str, *, refuse: bool) -> None:
    """Answer NUMBER: what was done, or with --refuse why not.

    What was done is done before: numbers by `antin accounts renumber`, consents by `antin consents
    withdraw`.
    """
    with open_services() as services, _told():
        own = services.rights.requests.in_name_of(operator)
        own.answer(number, text=text[:_LONGEST], is_refused=refuse, now=services.time())


@requests.command()
@click.argument("number")
@click.option("--yes", is_flag=True, help="Do not ask.")
@operator_option
def erase(number: str, operator: str, *, yes: bool) -> None:
    """Delete the person who asked for it in NUMBER; it cannot be undone.

    Refused before the waiting time in which the person may stop it is over.
    """
    with open_services() as services, _told():
        if not yes:
            click.confirm(f"Delete the person of {number} for good?", abort=True)
        own = services.rights.requests.in_name_of(operator)
        life = open_lifecycle(services, operator)
        own.erase(number, erase=life.erase, now=services.time())
    click.echo("erased")


@contextmanager
def _told() -> Iterator[None]:
    try:
        yield
    except RequestUnknown as unknown:
        raise click.ClickException(unknown.code) from unknown
    except RequestRefused as refused:
        raise click.ClickException(f"{refused.code} ({refused.reason})") from refused


def _time(moment: datetime) -> str:
    return moment.astimezone(CIVIL_TIME).strftime("%Y-%m-%d %H:%M")


def _lines(one: DataRequest) -> Iterator[str]:
    yield f"{one.number}  {one.kind.value}  {one.state}  {one.account_id}"
    yield f"legal:        {one.legal}"
    yield f"asked:        {_time(one.asked_at)}"
    yield f"acknowledge:  by {_time(one.acknowledge_due)}"
    if one.acknowledged_at is not None:
        yield f"acknowledged: {_time(one.acknowledged_at)}"
    yield f"answer:       by {_time(one.answer_due)}"
    if one.extended_at is not None:
        yield f"extended:     {_time(one.extended_at)}: {one.reason or '-'}"
    if one.ended_at is not None:
        yield f"ended:        {_time(one.ended_at)}: {one.answer or '-'}"
    yield f"wish:         {one.wish or '-'}"
