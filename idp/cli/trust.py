"""`antin trust`: whom we trust when documents of others are checked.

What lives here: looking at sources of trust and what came of each, and fetching trusted lists now.
Printed are names of files, addresses, codes and times.
Not here: what is trusted (`signing/validation/trust_sources.py`).
"""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from dataclasses import asdict
from datetime import datetime
from typing import Any

import click

from idp.cli.context import open_services
from signing.validation.trust_sources import SourceState

_REFUSED = 1
_json = click.option("--json", "as_json", is_flag=True, help="For programs.")


@click.group()
def trust() -> None:
    """Roots, folders and trusted lists at which chains of signatures may end."""


@trust.command(name="list")
@_json
def list_sources(*, as_json: bool) -> None:
    """Each source, and how many anchors it gives.

    The exit status is 1 when one of them gives none because something is wrong with it.
    """
    with open_services() as services:
        _show(services.foreign_trust.anchors.states(), as_json=as_json)


@trust.command()
@_json
def refresh(*, as_json: bool) -> None:
    """Fetch the trusted lists now; what is refused leaves the last good one where it was.

    `antin work` does it every hour.  The exit status is 1 when one could not be had or is refused.
    """
    with open_services() as services:
        fetched = services.foreign_trust.refresh()
        _show(fetched, as_json=as_json)


def _show(states: Sequence[SourceState], *, as_json: bool) -> None:
    if as_json:
        click.echo(json.dumps([_as_facts(one) for one in states], indent=2, ensure_ascii=False))
    elif not states:
        click.echo("nothing")
    else:
        for one in states:
            click.echo(_as_line(one))
    if any(one.problem for one in states):
        sys.exit(_REFUSED)


def _as_facts(state: SourceState) -> dict[str, Any]:
    facts = asdict(state)
    return {
        name: value.isoformat() if isinstance(value, datetime) else value
        for name, value in facts.items()
    }


def _as_line(state: SourceState) -> str:
    told = []
    if state.anchors or not state.problem:
        told.append("1 anchor" if state.anchors == 1 else f"{state.anchors} anchors")
    if state.sequence is not None:
        told.append(f"no. {state.sequence}{f' of {state.territory}' if state.territory else ''}")
    if state.issued_at is not None:
        told.append(f"issued {state.issued_at:%F}")
    if state.next_update is not None:
        told.append(f"until {state.next_update:%F %R}Z")
    if state.problem:
        told.append(f"NOT TAKEN: {state.problem}")
    return f"{state.name}  {', '.join(told)}"
