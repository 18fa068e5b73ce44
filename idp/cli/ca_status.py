"""`antin ca crls|publish`: the revocation lists that there are, and publishing them now.

What lives here: two commands of the group `ca`.  Lists come by themselves (a duty of `antin work`);
this is for looking, and for whoever cannot wait a minute.
Not here: the list of a root, which needs the root's key.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import datetime
from typing import Final

import click

from idp.certificate_status import build_status
from idp.cli.naming import operator_option
from idp.cli.pki import OpenPki, instant, json_option, open_pki
from keystore.pki.crl_publishing import CrlPublisher
from keystore.pki.errors import CaUnknown
from keystore.pki.storage.crls import CrlHead


@click.command("crls")
@click.argument("ca_id", required=False)
@json_option
def crls_command(ca_id: str | None, *, as_json: bool) -> None:
    """The newest revocation list of each authority and partition, or of one authority.

    Exit status 1 when one of them has ended: whoever checks certificates refuses it.
    """
    with open_pki() as opened:
        heads = _publisher(opened).published(ca_id)
        if ca_id is not None and not heads:
            raise CaUnknown(ca_id)
    click.echo(_as_json(heads) if as_json else _as_text(heads, now=opened.now))
    if any(head.next_update <= opened.now for head in heads):
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
    click.echo(_as_json(heads) if as_json else _as_text(heads, now=opened.now))


STATUS_COMMANDS: Final = (crls_command, publish_command)
"""What the group `ca` has from here."""


def _publisher(opened: OpenPki) -> CrlPublisher:
    services = opened.services
    log = services.log if opened.operator is None else services.log.in_name_of(opened.operator)
    return build_status(
        opened.pki, settings=services.settings, database=services.database, log=log
    ).publisher


def _as_text(heads: Sequence[CrlHead], *, now: datetime) -> str:
    if not heads:
        return "no list was published yet"
    rows = [("AUTHORITY", "PARTITION", "ENTRIES", "PUBLISHED", "ENDS", "")]
    rows += [
        (
            head.ca_id,
            "all" if head.shard is None else str(head.shard),
            str(head.entries),
            str(instant(head.this_update)),
            str(instant(head.next_update)),
            "" if now < head.next_update else "HAS ENDED",
        )
        for head in heads
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
