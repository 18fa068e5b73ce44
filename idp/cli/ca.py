"""`antin ca`: the certification authority, as its operator sees it.

What lives here: the group, and looking at authorities.  Making them is in `ca_setup.py`, their
certificates in `ca_certificates.py`, those of a licensed authority in `ca_external.py`,
revocation lists in `ca_status.py`.
"""

from __future__ import annotations

import hashlib
import json

import click
from cryptography.hazmat.primitives.serialization import Encoding

from idp.cli.ca_certificates import CERTIFICATE_COMMANDS
from idp.cli.ca_external import EXTERNAL_COMMANDS
from idp.cli.ca_setup import SETUP_COMMANDS
from idp.cli.ca_status import STATUS_COMMANDS
from idp.cli.naming import operator_option
from idp.cli.pki import OpenPki, instant, json_option, open_pki, yes_option
from keystore.pki.model import CaKind, CaRecord


@click.group()
def ca() -> None:
    """Certification authorities and the certificates that they issue."""


for command in (*SETUP_COMMANDS, *CERTIFICATE_COMMANDS, *EXTERNAL_COMMANDS, *STATUS_COMMANDS):
    ca.add_command(command)


@ca.command("list")
@json_option
def list_command(*, as_json: bool) -> None:
    """Every authority with its state."""
    with open_pki() as opened:
        found = [_facts(record, opened=opened) for record in opened.pki.authorities.records()]
    if as_json:
        click.echo(json.dumps(found, ensure_ascii=False, indent=2))
        return
    for one in found:
        click.echo(f"{one['id']:24}  {one['kind']:8}  {one['state']:8}  until {one['not_after']}")


@ca.command("show")
@click.argument("ca_id")
@click.option("--pem", is_flag=True, help="The certificate and nothing else.")
@json_option
def show_command(ca_id: str, *, pem: bool, as_json: bool) -> None:
    """One authority: names, fingerprint, and where its files answer."""
    with open_pki() as opened:
        record = opened.pki.authorities.get(ca_id)
        facts = _facts(record, opened=opened)
        if pem:
            click.echo(record.parsed.public_bytes(Encoding.PEM).decode(), nl=False)
        elif as_json:
            click.echo(json.dumps(facts, ensure_ascii=False, indent=2))
        else:
            for name, value in facts.items():
                if value is not None:
                    click.echo(f"{name:12}  {value}")


@ca.command("retire")
@click.argument("ca_id")
@yes_option
@operator_option
def retire_command(ca_id: str, operator: str, *, yes: bool) -> None:
    """Let an authority issue nothing more; its status answers and lists go on."""
    with open_pki(operator=operator) as opened:
        record = opened.pki.authorities.get(ca_id)
        others = [
            other.ca_id
            for other in opened.pki.authorities.records()
            if other.kind is CaKind.ISSUING
            and other.ca_id != ca_id
            and other.retired_at is None
            and opened.now < other.not_after
        ]
        if record.kind is CaKind.ISSUING and not others:
            click.echo("No other authority can issue: enrolment and renewal stop, and so will")
            click.echo("timestamps and status answers when their certificates end.")
        if not yes:
            click.confirm(f"Retire {ca_id}?", abort=True)
        opened.pki.authorities.retire(ca_id, now=opened.now)
    click.echo(f"{ca_id} issues nothing more.")


def _facts(record: CaRecord, *, opened: OpenPki) -> dict[str, str | int | None]:
    addresses = opened.pki.deployment.addresses
    shard = 0 if record.shards else None
    is_ours = record.kind is not CaKind.EXTERNAL
    return {
        "id": record.ca_id,
        "kind": record.kind.value,
        "state": _state(record, opened=opened),
        "subject": record.parsed.subject.rfc4514_string(),
        "parent": record.parent_id,
        "kid": record.kid,
        "algorithm": record.algorithm,
        "shards": record.shards,
        "not_before": instant(record.not_before),
        "not_after": instant(record.not_after),
        "sha256": hashlib.sha256(record.certificate).hexdigest(),
        "certificate": addresses.certificate(record.ca_id),
        "crl": addresses.crl(record.ca_id, shard=shard) if is_ours else None,
    }


def _state(record: CaRecord, *, opened: OpenPki) -> str:
    if opened.now > record.not_after:
        return "expired"
    if record.retired_at is not None and record.retired_at <= opened.now:
        return "retired"
    return {CaKind.ROOT: "offline", CaKind.ISSUING: "issuing", CaKind.EXTERNAL: "external"}[
        record.kind
    ]
