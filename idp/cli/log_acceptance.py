"""`antin log accept` and `antin log mark-older`: an operator vouches for rows.

What lives here: the two commands, which say what it means before they ask.  Neither is ever needed
where nothing went wrong.  Source: architecture, "Commands" (destructive commands ask, and name what
will stop working).  Not here: what accepting is (`keystore/log/acceptance.py`).
"""

from __future__ import annotations

import click

from idp.cli.context import open_services
from idp.cli.log_parts import open_log
from idp.cli.naming import operator_option
from idp.cli.terminal import tell
from keystore.log.acceptance import (
    UnknownRow,
    UnmarkedRows,
    accept_row,
    accept_unmarked,
    find_unknown_row,
    find_unmarked,
)
from keystore.log.entries import Tree
from keystore.log.errors import EntryUnknown
from keystore.log.proofs import parse_entry_name

_yes_option = click.option("--yes", is_flag=True, help="Do not ask.")


@click.command()
@click.argument("row")
@click.option(
    "--to",
    "last",
    type=click.IntRange(1),
    default=None,
    help="Number of the last row, for several of one chain that follow one another.",
)
@operator_option
@_yes_option
def accept(*, row: str, last: int | None, operator: str, yes: bool) -> None:
    """Take ROW (`WRITER/NUMBER`) into the log although nobody known has marked it.

    For rows whose mark cannot be checked any more, as after the key of a signer's rows was lost
    with its public half.  Where the public half is known, ANTIN_SIGNER_LOG_KEYS is the place for
    it, and nothing has to be accepted.
    """
    writer, first = _parse_row(row)
    with open_services() as services:
        marks = open_log(services).row_marks
        numbers = range(first, (last or first) + 1)
        if not numbers:
            raise click.BadParameter("is before the first", param_hint="--to")
        with services.database.read() as connection:
            found = [find_unknown_row(connection, writer, seq=seq, marks=marks) for seq in numbers]
        for one in found:
            _tell(one)
        click.echo(
            "The mark says that a process of this service or a signer recorded a row. Nobody known "
            "has made that of these, so somebody who may write to the database could have put them "
            "there. With this you vouch for them: they get the mark of the service and go into the "
            "trees for good, and `antin log verify` names them, and you, for ever.",
            err=True,
        )
        if not yes:
            click.confirm(f"Accept {len(found)} rows?", abort=True, err=True)
        for one in found:
            accept_row(
                services.database,
                one.writer,
                seq=one.seq,
                marks=marks,
                log=services.log.in_name_of(operator),
                now=services.time(),
            )
            tell(f"accepted: {one.name}")


@click.command("mark-older")
@operator_option
@_yes_option
def mark_older(*, operator: str, yes: bool) -> None:
    """Mark the rows that were written before rows had marks; once, after the upgrade.

    Until then they stay out of the trees, and `antin log verify` names them.
    """
    with open_services() as services:
        with services.database.read() as connection:
            found = find_unmarked(connection)
        if found is None:
            click.echo("every row has a mark")
            return
        tell_unmarked(found)
        if not yes:
            click.confirm("Mark them?", abort=True, err=True)
        marked = accept_unmarked(
            services.database,
            marks=open_log(services).row_marks,
            log=services.log.in_name_of(operator),
            now=services.time(),
        )
        click.echo(f"{marked} rows marked")


def tell_unmarked(found: UnmarkedRows | None) -> None:
    """Say which rows somebody would vouch for, if there are any."""
    if found is None:
        return
    click.echo(
        f"{found.rows} rows of {found.chains} chains, from {found.first_at:%F %T}Z to "
        f"{found.last_at:%F %T}Z, have no mark. Versions from before there were marks wrote such "
        "rows, and so does whoever may write to the database: read them before. With this you "
        "vouch for them, and `antin log verify` says so for ever.",
        err=True,
    )


def _parse_row(name: str) -> tuple[str, int]:
    """A row as `WRITER/NUMBER`.

    Raises  EntryUnknown, also for an entry of a tree: what lies there is decided already.
    """
    writer, seq = parse_entry_name(name)
    if isinstance(writer, Tree):
        raise EntryUnknown(name)
    return writer, seq


def _tell(row: UnknownRow) -> None:
    """All that it says, but for what is sealed: who vouches for it has to know."""
    mark = "no mark" if row.mark is None else f"a mark of {len(row.mark)} bytes"
    about = "" if row.account_id is None else f", about {row.account_id}"
    tell(f"{row.name}  {row.at:%F %T}Z  {row.type}{about}, with {mark}", is_aside=True)
    tell(f"    facts {row.facts}", is_aside=True)
