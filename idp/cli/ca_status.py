"""`antin ca crl`: the revocation lists that are published, and publishing them now.

What lives here: one command of the group `ca`.  Lists come by themselves (a duty of `antin work`);
this is for looking, and for whoever cannot wait a minute.
Not here: the list of a root, which needs the root's key.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import datetime
from typing import Any, Final

import click

from idp.certificate_status import build_status
from idp.cli.context import open_services
from idp.errors import SettingsInvalid
from idp.pki import build_pki, pki_deployment
from idp.services import Services
from keystore.pki.crl_publishing import CrlPublisher
from keystore.pki.errors import CaUnknown
from keystore.pki.storage.crls import CrlHead


@click.command("crl")
@click.argument("ca_id", required=False)
@click.option("--publish", is_flag=True, help="Sign and publish new lists now.")
@click.option("--json", "as_json", is_flag=True, help="For programs.")
def crl_command(ca_id: str | None, *, publish: bool, as_json: bool) -> None:
    """The newest revocation list of each authority and partition, or of one authority.

    Exit status 1 when one of them has ended: whoever checks certificates refuses it.
    """
    with open_services() as services:
        now = services.time()
        publisher = _open_publisher(services)
        if publish:
            publisher.publish_all(now, ca_id=ca_id)
        heads = publisher.published(ca_id)
        if ca_id is not None and not heads:
            raise CaUnknown(ca_id)
        click.echo(_as_json(heads) if as_json else _as_text(heads, now=now))
        if any(head.next_update <= now for head in heads):
            raise click.exceptions.Exit(1)


STATUS_COMMANDS: Final = (crl_command,)
"""What the group `ca` has from here."""


def _open_publisher(services: Services) -> CrlPublisher:
    deployment = pki_deployment(services.settings, is_sandbox=services.is_sandbox)
    if deployment is None:
        raise SettingsInvalid("ANTIN_PKI_ORGANISATION", reason="is not set: there is no authority")
    pki = build_pki(
        deployment, database=services.database, sealer=services.sealer, log=services.log
    )
    status = build_status(
        pki, settings=services.settings, database=services.database, log=services.log
    )
    return status.publisher


def _as_text(heads: Sequence[CrlHead], *, now: datetime) -> str:
    if not heads:
        return "no list was published yet"
    rows = [("AUTHORITY", "PARTITION", "ENTRIES", "PUBLISHED", "ENDS", "")]
    rows += [
        (
            head.ca_id,
            "all" if head.shard is None else str(head.shard),
            str(head.entries),
            f"{head.this_update:%F %T}Z",
            f"{head.next_update:%F %T}Z",
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
    listed: list[dict[str, Any]] = [
        {
            "ca_id": head.ca_id,
            "partition": head.shard,
            "number": head.number,
            "entries": head.entries,
            "this_update": head.this_update.isoformat(),
            "next_update": head.next_update.isoformat(),
            "sha256": head.der_sha256.hex(),
        }
        for head in heads
    ]
    return json.dumps(listed, indent=2)
