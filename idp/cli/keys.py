"""`antin keys`: the service's own signing keys, of every purpose, and its root keys.

What lives here: listing, rotating and destroying signing keys.  Private halves are never shown.
Not here: root keys (`idp/cli/keys_kek.py`), keys of persons (`idp/cli/keys_personal.py`), how keys
are written out (`idp/cli/key_text.py`).
"""

from __future__ import annotations

import click

from idp.cli.context import open_services
from idp.cli.key_text import ListedKey, keys_as_json, keys_as_table, what_stops
from idp.cli.keys_kek import (
    add_kek_command,
    remove_kek_command,
    root_keys_command,
    rotate_kek_command,
)
from idp.cli.keys_personal import personal
from idp.cli.naming import operator_option
from idp.services import Services
from keystore.backends.errors import KeyKept, KeySuccession, TokenUnavailable
from keystore.errors import KeyUnavailable
from keystore.pki.storage.authorities import read_cas
from keystore.purposes import CA_ISSUING, KEY_PURPOSES, TOKENS

_purposes = click.Choice(sorted(KEY_PURPOSES))


@click.group()
def keys() -> None:
    """Signing keys of the service, and the root keys that everything is under."""


for command in (root_keys_command, add_kek_command, rotate_kek_command, remove_kek_command):
    keys.add_command(command)
keys.add_command(personal)


@keys.command("list")
@click.option("--purpose", type=_purposes, help="Only the keys of this purpose.")
@click.option("--json", "as_json", is_flag=True, help="For programs.")
def list_command(purpose: str | None, *, as_json: bool) -> None:
    """Every key with its state; a key whose stored form does not open is named as damaged."""
    with open_services() as services:
        listed = _listed(services, purpose=purpose)
        now = services.time()
    click.echo(keys_as_json(listed, now=now) if as_json else keys_as_table(listed, now=now))


@keys.command("rotate")
@click.argument("purpose", type=_purposes, default=TOKENS.name)
@operator_option
def rotate_command(purpose: str, operator: str) -> None:
    """Publish the next keys of PURPOSE; they sign once everybody has had time to see them.

    A key that needs a certificate signs once it has one, which `antin work` sees to.
    """
    with open_services() as services:
        keyring = services.keyrings.in_name_of(operator).of(KEY_PURPOSES[purpose])
        try:
            coming = keyring.rotate(services.time())
        except KeySuccession as beside:
            raise click.ClickException(
                f"keys of {beside.purpose} stand beside one another: `antin ca` makes them"
            ) from beside
    for record in coming:
        click.echo(f"{record.kid}  {record.algorithm}  signs from {record.active_from:%F %T}Z")


# one in sixty-four thumbprints begins with a hyphen, which is no option then
@keys.command("destroy", context_settings={"ignore_unknown_options": True})
@click.argument("kid")
@click.option("--yes", is_flag=True, help="Do not ask.")
@operator_option
def destroy_command(kid: str, operator: str, *, yes: bool) -> None:
    """Erase the private half of the key KID now; the public half stays.

    Running processes stop using it within 30 seconds.  A key that has run out is erased by `antin
    work` without being asked.
    """
    with open_services() as services:
        now = services.time()
        listed = _listed(services, purpose=None)
        found = next((one for one in listed if one.record.kid == kid), None)
        if found is None or found.record.private_sealed is None:
            raise click.ClickException("there is no such key, or it was destroyed before")
        others = [
            one
            for one in listed
            if one is not found
            and one.record.purpose == found.record.purpose
            and one.record.algorithm == found.record.algorithm
        ]
        for sentence in what_stops(found, others=others, now=now):
            click.echo(sentence)
        if not yes:
            click.confirm("Destroy it?", abort=True)
        keyrings = services.keyrings.in_name_of(operator)
        try:
            keyring = keyrings.of(KEY_PURPOSES[found.record.purpose])
            keyring.destroy(kid, now=now)
            if keyring.purpose.rotate_after is not None:
                keyring.ensure(now)
        except KeyUnavailable as gone:
            raise click.ClickException("somebody else has just destroyed it") from gone
        except (KeyKept, TokenUnavailable) as kept:
            raise click.ClickException(
                "it signs nothing of this service any more, but was NOT erased: what holds it is "
                "not configured here, or does not answer; run the command again where it does"
            ) from kept
    click.echo(f"{kid} destroyed")


def _listed(services: Services, *, purpose: str | None) -> list[ListedKey]:
    keyrings, now = services.keyrings, services.time()
    software = keyrings.backends[-1]
    with services.database.read() as connection:
        names = {ca.kid: ca.ca_id for ca in read_cas(connection) if ca.kid is not None}
    listed = []
    for one in KEY_PURPOSES.values():
        if purpose not in {None, one.name}:
            continue
        keyring = keyrings.of(one)
        damaged = keyring.damaged(now)
        listed += [
            ListedKey(
                record,
                is_damaged=record.kid in damaged,
                is_in_token=not software.holds(record.private_sealed or b""),
                named_by=(names[record.kid],)
                if one.name == CA_ISSUING.name and record.kid in names
                else (),
            )
            for record in keyring.records(now)
        ]
    return listed
