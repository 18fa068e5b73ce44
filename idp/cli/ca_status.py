"""`antin ca crls|publish`: the revocation lists that there are, and publishing them now.

What lives here: two commands of the group `ca`.  Lists come by themselves (a duty of `antin work`);
this is for looking, and for whoever cannot wait a minute.  The list of a root is shown beside them:
it comes by hand alone, so its end is pointed out long before.
Not here: signing the list of a root, which needs the root's key (`ca_setup.py`).
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Final

import click

from idp.certificate_status import build_status
from idp.cli.naming import operator_option
from idp.cli.pki import OpenPki, instant, json_option, open_pki
from keystore.pki.crl_publishing import CrlPublisher
from keystore.pki.errors import CaUnknown
from keystore.pki.offline_lists import WARN_BEFORE, read_offline_lists
from keystore.pki.storage.crls import CrlHead


@click.command("crls")
@click.argument("ca_id", required=False)
@json_option
def crls_command(ca_id: str | None, *, as_json: bool) -> None:
    """The newest revocation list of each authority and partition, or of one authority.

    Exit status 1 when one of them has ended, for whoever checks certificates refuses it then; and
    when that of a root ends within 30 days, for `antin ca root-crl` needs the root's key.
    """
    with open_pki() as opened:
        offline = tuple(
            head
            for head in read_offline_lists(opened.pki.authorities.records(), now=opened.now)
            if ca_id in (None, head.ca_id)
        )
        published = _publisher(opened).published(ca_id)
        if ca_id is not None and not (offline or published):
            raise CaUnknown(ca_id)
    heads = (*offline, *published)
    notes = tuple(
        _note(head, now=opened.now, warn_before=WARN_BEFORE if head in offline else timedelta())
        for head in heads
    )
    click.echo(_as_json(heads) if as_json else _as_text(heads, notes=notes))
    if not published and ca_id is None and not as_json:
        click.echo("no list was published yet")
    if any(notes):
        raise click.exceptions.Exit(1)


@click.command("publish")
@click.argument("ca_id", required=False)
@operator_option
@json_option
def publish_command(ca_id: str | None, *, operator: str, as_json: bool) -> None:
    """Sign and publish new revocation lists now, of each authority or of one."""
    with open_pki(operator=operator) as opened:
        heads = _publisher(opened).publish_all(opened.now, ca_id=ca_id)
        if not heads:
            raise CaUnknown(ca_id or "")
    click.echo(_as_json(heads) if as_json else _as_text(heads, notes=("",) * len(heads)))


STATUS_COMMANDS: Final = (crls_command, publish_command)
"""What the group `ca` has from here."""


def _publisher(opened: OpenPki) -> CrlPublisher:
    services = opened.services
    log = services.log if opened.operator is None else services.log.in_name_of(opened.operator)
    return build_status(
        opened.pki, settings=services.settings, database=services.database, log=log
    ).publisher


def _note(head: CrlHead, *, now: datetime, warn_before: timedelta) -> str:
    if head.next_update <= now:
        return "HAS ENDED"
    if head.next_update - now <= warn_before:
        return f"ENDS SOON: antin ca root-crl --root {head.ca_id}"
    return ""


def _as_text(heads: Sequence[CrlHead], *, notes: Sequence[str]) -> str:
    rows = [("AUTHORITY", "PARTITION", "ENTRIES", "PUBLISHED", "ENDS", "")]
    rows += [
        (
            head.ca_id,
            "all" if head.shard is None else str(head.shard),
            str(head.entries),
            str(instant(head.this_update)),
            str(instant(head.next_update)),
            note,
        )
        for head, note in zip(heads, notes, strict=True)
    ]
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    return "\n".join(
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
        for row in rows
    )


def _as_json(heads: Sequence[CrlHead]) -> str:
    listed = [
        {
            "ca_id": head.ca_id,
            "partition": head.shard,
            "number": head.number,
            "entries": head.entries,
            "this_update": instant(head.this_update),
            "next_update": instant(head.next_update),
            "sha256": head.der_sha256.hex(),
        }
        for head in heads
    ]
    return json.dumps(listed, indent=2)
