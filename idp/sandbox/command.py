"""`antin sandbox`: everything at once, with invented people.

What lives here: setting the sandbox up in `var`, starting its processes, and ending them together.
Not here: where everything is (`plan.py`), saying so (`facts.py`).
"""

from __future__ import annotations

import json
import signal
import socket
import subprocess
import sys
import time as clock
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import click

from clients.registry.editing import RegistryEditor
from idp.cli.beside_sandbox import SANDBOX_SETTINGS
from idp.cli.verifier import write_public_keys
from idp.registration import Registration
from idp.sandbox.facts import say
from idp.sandbox.files import write_whole
from idp.sandbox.people import seed_people
from idp.sandbox.plan import Plan, make_plan
from idp.sandbox.register_plan import RegisterPlan, make_register_plan
from idp.sandbox.registry import BUSINESS, CITIZEN
from idp.sandbox.signing_keys import make_signing_keys, set_specimens
from idp.sandbox.trust import make_authority, make_witness
from idp.services import Services, build_services
from idp.storage.database import Database
from idp.storage.deployment import stamp
from idp.storage.schema import upgrade
from keystore.kek import create_kek_file
from keystore.second_factor.client import VerifierClient
from keystore.second_factor.errors import VerifierUnavailable
from keystore.signer.client import SignerClient
from keystore.signer.errors import SignerUnavailable

_START_WITHIN_S = 120


@click.command()
@click.option("--port", envvar="PORT", default=8000, show_default=True, help="The portals follow.")
@click.option("--tls", is_flag=True, help="https with a throw-away certificate.")
@click.option(
    "--client", "client_files", multiple=True, metavar="FILE.toml",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="More clients, for outside test suites.",
)  # fmt: skip
@click.option("--no-portals", is_flag=True, help="Leave the two demo portals out.")
def sandbox(port: int, *, tls: bool, client_files: Sequence[Path], no_portals: bool) -> None:
    """Start provider, worker and two portals with invented people."""
    plan = make_plan(port, tls=tls, client_files=tuple(client_files))
    ports = [port] if no_portals else [port, port + 1, port + 2]
    for one in ports:
        _refuse_taken(one)
    _prepare(plan)
    children = [_start_one(plan.environment(), one) for one in ("verifier", "signer")]
    try:
        vkeys = _set_up(plan, rooms=children)
        with _hold_port() as held, _hold_port() as asked:
            registers = make_register_plan(plan.settings.var, port=asked)
            children += _start(
                plan,
                vkeys=vkeys,
                witness=held,
                registers=registers,
                with_portals=not no_portals,
            )
            wait_until_up([*ports, asked], children)
            say(plan, registers=registers.url, with_portals=not no_portals)
            _watch(children)
    finally:
        _stop(children)


def _refuse_taken(port: int) -> None:
    # a second server on the port of a first would start and share its traffic: ask before
    if _is_taken(port):
        raise click.ClickException(
            f"port {port} is taken: stop what runs there, or choose another with PORT=…"
        )


def _is_taken(port: int) -> bool:
    with socket.socket() as probe:
        probe.settimeout(0.5)
        return probe.connect_ex(("127.0.0.1", port)) == 0


def _prepare(plan: Plan) -> None:
    """Root keys, a database of a sandbox, the verifier's public key."""
    create_kek_file(plan.settings.effective_kek_file)
    create_kek_file(plan.settings.effective_verifier_kek_file)
    database = Database(plan.settings.effective_database_url)
    try:
        upgrade(database)
        if not stamp(database, is_sandbox=True):
            raise click.ClickException("this database is not a sandbox's; nothing was changed")
    finally:
        database.close()
    write_public_keys(plan.settings, plan.verifier_keys)


def _set_up(plan: Plan, *, rooms: Sequence[subprocess.Popen[bytes]]) -> tuple[str, ...]:
    """Everything that a first start makes and a second one finds; the witness's keys.

    Takes   rooms: the processes that take the authenticators of the people, and their keys.
    """
    services = build_services(plan.settings, is_sandbox=True)
    try:
        verifier = VerifierClient(plan.settings.verifier_address, patience_s=0.2)
        _wait_for(verifier, rooms, what="second-factor verifier")
        seed_people(services, verifier=services.verifier)
        _register(services, plan)
        now = services.time()
        make_authority(services, now=now)
        _wait_for(
            SignerClient(plan.settings.effective_signer_address, patience_s=0.2),
            rooms,
            what="signer",
        )
        if services.verifier is not None:
            make_signing_keys(services, verifier=services.verifier, now=services.time())
        set_specimens(services, now=services.time())
        return make_witness(services, folder=plan.witness_folder, now=now)
    finally:
        services.close()


def _register(services: Services, plan: Plan) -> None:
    registration = Registration(services.database, registry=services.registry, log=services.log)
    now = services.time()
    with services.database.transaction() as tx:
        RegistryEditor(services.registry).ensure_defaults(tx, now=now)
    for document in plan.registry_documents():
        registration.take_document(document, operator="sandbox", now=now)


def _wait_for(
    client: VerifierClient | SignerClient, rooms: Sequence[subprocess.Popen[bytes]], *, what: str
) -> None:
    deadline = clock.monotonic() + _START_WITHIN_S
    while clock.monotonic() < deadline and all(one.poll() is None for one in rooms):
        try:
            client.kek_ids()
        except (VerifierUnavailable, SignerUnavailable):
            continue
        client.close()
        return
    raise click.ClickException(f"the {what} did not start; see above")


def _start_one(environment: dict[str, str], *arguments: str) -> subprocess.Popen[bytes]:
    """A process of ours: a command of `antin`, with its arguments."""
    return _start_module(environment, "idp.cli", *arguments)


def _start_module(
    environment: dict[str, str], module: str, *arguments: str
) -> subprocess.Popen[bytes]:
    # what it says of itself when all is well nobody needs here
    return subprocess.Popen(
        [sys.executable, "-m", module, *arguments], env=environment, stdout=subprocess.DEVNULL
    )


def _start(
    plan: Plan,
    *,
    vkeys: tuple[str, ...],
    witness: int,
    registers: RegisterPlan,
    with_portals: bool,
) -> list[subprocess.Popen[bytes]]:
    port = str(witness)
    folder = str(plan.witness_folder.absolute())
    named = " ".join((f"http://127.0.0.1:{port}", *vkeys))
    environment = plan.environment(witness=named, registers=registers)
    told = plan.told(witness=named, registers=registers)
    write_whole(plan.settings.var / SANDBOX_SETTINGS, json.dumps(told))
    simulators = str(registers.settings_file)
    children = [_start_one(environment, command) for command in ("serve", "work")]
    children.append(_start_one(environment, "witness", "serve", folder, "--port", port))
    children.append(_start_module(environment, "idp.sandbox.registers", simulators))
    if with_portals:
        file = plan.settings.var / "portals.json"
        write_whole(file, json.dumps(_portal_settings(plan)))
        children.append(_start_module(environment, "idp.sandbox.portals", str(file)))
    return children


@contextmanager
def _hold_port() -> Iterator[int]:
    """A port for what nobody but a process of this sandbox asks.

    It is held, so that no connection takes it before that process listens on it; who sets
    SO_REUSEADDR, as a server does, may listen on what is held in that way.
    """
    with socket.socket() as held:
        held.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        held.bind(("127.0.0.1", 0))
        port: int = held.getsockname()[1]
        yield port


def _portal_settings(plan: Plan) -> list[dict[str, Any]]:
    common = {
        "issuer": plan.settings.issuer,
        "ca_file": None if plan.certificate is None else str(plan.certificate),
    }
    return [
        {
            **common,
            "factory": factory,
            "port": int(url.rsplit(":", 1)[1]),
            "base_url": url,
            "client_id": client_id,
            "client_secret": plan.secrets[client_id],
        }
        for factory, url, client_id in (
            ("create_citizen_portal", plan.citizen_url, CITIZEN),
            ("create_business_portal", plan.business_url, BUSINESS),
        )
    ]


def wait_until_up(
    ports: Sequence[int],
    children: Sequence[subprocess.Popen[bytes]],
    *,
    within_s: float = _START_WITHIN_S,
) -> None:
    """Until every one of `ports` takes connections: what is printed next can be opened.

    Raises  ClickException when one of `children` has ended, or the time is over.
    """
    deadline = clock.monotonic() + within_s
    waiting = list(ports)
    while clock.monotonic() < deadline:
        if any(child.poll() is not None for child in children):
            raise click.ClickException("a process of the sandbox did not start; see above")
        waiting = [port for port in waiting if not _is_taken(port)]
        if not waiting:
            return
        clock.sleep(0.1)
    raise click.ClickException(f"nothing listens on port {waiting[0]} yet; see above")


def _watch(children: Sequence[subprocess.Popen[bytes]]) -> None:
    """Until somebody ends the sandbox, or one of its processes ends."""
    signal.signal(signal.SIGTERM, _interrupt)
    try:
        while all(child.poll() is None for child in children):
            clock.sleep(0.3)
    except KeyboardInterrupt:
        click.echo("ending")
        return
    raise click.ClickException("a process of the sandbox ended by itself; see above")


def _interrupt(_number: int, _frame: object) -> None:
    raise KeyboardInterrupt


def _stop(children: Sequence[subprocess.Popen[bytes]]) -> None:
    for child in children:
        if child.poll() is None:
            child.terminate()
    for child in children:
        try:
            child.wait(timeout=15)
        except subprocess.TimeoutExpired:
            child.kill()
