"""`antin clients`: who may ask, as the operator sees and changes it.

What lives here: one command per act.  Secrets are printed once, when they are made, and never
again.  Not here: the rules (`clients.registry`), the transaction and the log row of an act
(`idp/registration.py`), and how a client is written out (`idp/cli/client_text.py`).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import timedelta
from enum import StrEnum
from functools import wraps
from pathlib import Path
from typing import Any, ParamSpec, TypeVar

import click

from clients.registry import (
    ApplicationType,
    AuthMethod,
    Capacities,
    GrantType,
    ImportedEntry,
    NotRegistered,
    Pkce,
    ProfileName,
    RegistryError,
    find_weaknesses,
    parse_document,
    read_client,
)
from idp.cli.client_text import client_as_text, clients_as_json, clients_as_table
from idp.cli.context import open_services
from idp.cli.naming import operator_option
from idp.registration import Registration
from idp.services import Services

_P = ParamSpec("_P")
_R = TypeVar("_R")


def _choice(words: type[StrEnum]) -> click.Choice[str]:
    return click.Choice([word.value for word in words])


def _tell_refusals(command: Callable[_P, _R]) -> Callable[_P, _R]:
    """What the registry refuses is a sentence and exit status 1, not a trace."""

    @wraps(command)
    def run(*arguments: _P.args, **named: _P.kwargs) -> _R:
        try:
            return command(*arguments, **named)
        except RegistryError as refusal:
            raise click.ClickException(str(refusal)) from refusal

    return run


@click.group()
def clients() -> None:
    """Portals and services: who may ask, for what, and what they leave open."""


@clients.command("add")
@click.argument("client_id")
@click.option("--name-vi", required=True, help="Name on the pages, in Vietnamese.")
@click.option("--name-en", required=True, help="Name on the pages, in English.")
@click.option("--profile", type=_choice(ProfileName), default="standard")
@click.option("--sector", "sector_id", help="Sector that it belongs to.")
@click.option("--redirect-uri", "redirect_uris", multiple=True)
@click.option("--post-logout-redirect-uri", "post_logout_redirect_uris", multiple=True)
@click.option("--backchannel-logout-uri")
@click.option("--application-type", type=_choice(ApplicationType))
@click.option("--auth-method", "token_endpoint_auth_method", type=_choice(AuthMethod))
@click.option("--jwks", "jwks_file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--jwks-uri")
@click.option("--pkce", type=_choice(Pkce))
@click.option("--grant", "grant_types", multiple=True, type=_choice(GrantType))
@click.option("--scope", "scopes", multiple=True)
@click.option("--claim", "claims", multiple=True, help="Allow-list; none given: all of the scopes.")
@click.option("--resource", "resources", multiple=True)
@click.option("--required-level", type=int)
@click.option("--capacities", type=_choice(Capacities))
@click.option("--id-token-alg", "id_token_signed_response_alg")
@click.option("--legal-reference")
@click.option("--end-date", type=click.DateTime(["%Y-%m-%d"]))
@click.option("--source", "source_allow_list", multiple=True, help="Address or network.")
@operator_option
@_tell_refusals
def add_command(operator: str, jwks_file: Path | None, **options: Any) -> None:
    """Register a client; what has no option here has a field in an import file."""
    given = {name: value for name, value in options.items() if value not in {None, ()}}
    entry: dict[str, Any] = {
        name: list(value) if isinstance(value, tuple) else value for name, value in given.items()
    }
    if "end_date" in entry:
        entry["end_date"] = entry["end_date"].date()
    if jwks_file is not None:
        entry["jwks"] = jwks_file.read_text(encoding="utf-8")
    with open_services() as services:
        taken = _registration(services).add_client(
            read_client(entry), operator=operator, now=services.time()
        )
        _print_taken(services, [taken])


@clients.command("import")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@operator_option
@_tell_refusals
def import_command(file: Path, operator: str) -> None:
    """Make the registry what FILE says; what FILE does not name stays as it is.

    All of it is taken in, or nothing.  A second time changes nothing.
    """
    with open_services() as services:
        document = parse_document(
            file.read_bytes(), file=str(file), for_sandbox=services.is_sandbox
        )
        imported = _registration(services).take_document(
            document, operator=operator, now=services.time()
        )
        _print_taken(services, imported)


@clients.command("list")
@click.option("--json", "as_json", is_flag=True, help="For programs.")
def list_command(*, as_json: bool) -> None:
    """Every client and what it leaves open."""
    with open_services() as services:
        listed = services.registry.list_clients()
        write = clients_as_json if as_json else clients_as_table
        click.echo(write(listed, now=services.time()))


@clients.command("show")
@click.argument("client_id")
@click.option("--json", "as_json", is_flag=True, help="For programs.")
@_tell_refusals
def show_command(client_id: str, *, as_json: bool) -> None:
    """Everything about one client except its secrets."""
    with open_services() as services:
        now = services.time()
        client = services.registry.find_registered_client(client_id, now=now)
        if client is None:
            raise NotRegistered("client", key=client_id)
        if as_json:
            click.echo(clients_as_json([client], now=now))
        else:
            bases = services.registry.list_bases_of(client_id)
            click.echo(client_as_text(client, bases=bases, now=now))


@clients.command("disable")
@click.argument("client_id")
@operator_option
@_tell_refusals
def disable_command(client_id: str, operator: str) -> None:
    """Stop serving a client; within five seconds everywhere."""
    with open_services() as services:
        changed = _registration(services).disable_client(
            client_id, operator=operator, now=services.time()
        )
    click.echo(f"{client_id} is disabled" if changed else f"{client_id} was disabled already")


@clients.command("enable")
@click.argument("client_id")
@operator_option
@_tell_refusals
def enable_command(client_id: str, operator: str) -> None:
    """Serve a disabled client again."""
    with open_services() as services:
        changed = _registration(services).enable_client(
            client_id, operator=operator, now=services.time()
        )
    click.echo(f"{client_id} is active" if changed else f"{client_id} was active already")


@clients.command("rotate-secret")
@click.argument("client_id")
@click.option(
    "--overlap-hours",
    type=click.FloatRange(0, 24 * 90),
    default=24,
    show_default=True,
    help="How long the secret before it stays live; 0 when it has leaked.",
)
@operator_option
@_tell_refusals
def rotate_secret_command(client_id: str, overlap_hours: float, operator: str) -> None:
    """Give a client a new secret, printed this once."""
    with open_services() as services:
        new = _registration(services).rotate_secret(
            client_id,
            overlap=timedelta(hours=overlap_hours),
            operator=operator,
            now=services.time(),
        )
    _print_secret(client_id, new.raw)


@clients.command("approve-basis")
@click.argument("basis_id")
@operator_option
@_tell_refusals
def approve_basis_command(basis_id: str, operator: str) -> None:
    """Put a statutory basis in force that another operator requested by an import."""
    with open_services() as services:
        basis = _registration(services).approve_basis(
            basis_id, operator=operator, now=services.time()
        )
    click.echo(
        f"{basis.basis_id}: {basis.client_id} gets {basis.scope} in {basis.procedure}"
        f" under {basis.legal_ref}"
    )


@clients.command("end-basis")
@click.argument("basis_id")
@operator_option
@_tell_refusals
def end_basis_command(basis_id: str, operator: str) -> None:
    """Take a statutory basis out of force."""
    with open_services() as services:
        _registration(services).end_basis(basis_id, operator=operator, now=services.time())
    click.echo(f"{basis_id} is out of force")


def _registration(services: Services) -> Registration:
    return Registration(services.database, registry=services.registry, log=services.log)


def _print_taken(services: Services, imported: Iterable[ImportedEntry]) -> None:
    now = services.time()
    for entry in imported:
        click.echo(f"{entry.act}: {entry.table} {entry.key}")
        if entry.new_secret is not None:
            _print_secret(entry.key, entry.new_secret.raw)
        if entry.table != "clients":
            continue
        client = services.registry.find_registered_client(entry.key, now=now)
        for weakness in () if client is None else find_weaknesses(client):
            click.echo(f"  {weakness.code}: {weakness.sentence}", err=True)


def _print_secret(client_id: str, raw_secret: str) -> None:
    click.echo(f"client_id: {client_id}")
    click.echo(f"client_secret: {raw_secret}")
    click.echo("This secret is shown once and cannot be read again.", err=True)
