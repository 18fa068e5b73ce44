"""`antin sandbox`: everything at once, with invented people.

What lives here: setting the sandbox up in `var`, starting its processes, saying where everything is
(on the terminal and in `var/sandbox.json`), and ending them together.
"""

from __future__ import annotations

import json
import os
import secrets
import signal
import socket
import subprocess
import sys
import time as clock
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import click
import msgspec

from clients.registry.document import parse_document
from clients.registry.editing import RegistryEditor
from idp.cli.beside_sandbox import SANDBOX_SETTINGS
from idp.cli.verifier import write_public_keys
from idp.clock import utc_now
from idp.registration import Registration
from idp.sandbox.certificate import make_certificate
from idp.sandbox.people import PEOPLE, seed_people
from idp.sandbox.registry import BUSINESS, CITIZEN, RESOURCE, TOOLS, sandbox_document
from idp.sandbox.signing_keys import make_signing_keys, set_specimens
from idp.sandbox.trust import make_authority, make_signer_log_key, make_witness
from idp.services import Services, build_services
from idp.settings import Settings
from idp.settings_loading import SANDBOX_MARK, load_settings
from idp.storage.database import Database
from idp.storage.deployment import stamp
from idp.storage.schema import upgrade
from keystore.kek import create_kek_file
from keystore.second_factor.client import VerifierClient
from keystore.second_factor.errors import VerifierUnavailable
from keystore.signer.client import SignerClient
from keystore.signer.errors import SignerUnavailable

_START_WITHIN_S = 120


@dataclass(frozen=True, slots=True)
class _Plan:
    """Where everything of one sandbox is."""

    settings: Settings
    citizen_url: str
    business_url: str
    secrets: dict[str, str]
    certificate: Path | None
    client_files: tuple[Path, ...]

    @property
    def witness_folder(self) -> Path:
        """Where the sandbox's witness remembers what it saw."""
        return self.settings.var / "witness"

    @property
    def verifier_keys(self) -> Path:
        """The public key of the second-factor verifier, for the signer."""
        return self.settings.var.absolute() / "verifier-keys.json"

    def told(self, *, witness: str | None = None) -> dict[str, str]:
        """The settings of this sandbox that are not everybody's, as variables.

        Takes   witness: the log's witness as a setting names it.
        """
        names = {
            "ISSUER": self.settings.issuer,
            "HOST": self.settings.host,
            "PORT": str(self.settings.port),
            "TSA_ENABLED": "true",
            "SIGNER_LOG_KEYS": make_signer_log_key(self.settings),
            "SIGNER_VERIFIER_KEYS": str(self.verifier_keys),
            "VERIFIER_ADDRESS": self.settings.verifier_address,
        }
        if witness is not None:
            names["LOG_WITNESSES"] = witness
        if self.settings.tls_certificate is not None:
            names["TLS_CERTIFICATE"] = str(self.settings.tls_certificate.absolute())
            names["TLS_KEY"] = str(self.settings.tls_key)
        return {f"ANTIN_{name}": value for name, value in names.items()}

    def environment(self, *, witness: str | None = None) -> dict[str, str]:
        """What the child processes are told; `witness` as in `told`."""
        # a terminal is no place for every line; nobody waits for a sandbox to drain, nor three days
        # until a new authenticator confirms a signature
        usual = {
            "ANTIN_LOG_LEVEL": "WARNING",
            "ANTIN_DRAIN_S": "0",
            "ANTIN_VERIFIER_CONFIRMS_AT_ONCE": "true",
        }
        var = {"ANTIN_VAR": str(self.settings.var.absolute())}
        return {**usual, **os.environ, **self.told(witness=witness), **var, SANDBOX_MARK: "1"}


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
    plan = _make_plan(port, tls=tls, client_files=tuple(client_files))
    ports = [port] if no_portals else [port, port + 1, port + 2]
    for one in ports:
        _refuse_taken(one)
    _prepare(plan)
    children = [_start_one(plan.environment(), one) for one in ("verifier", "signer")]
    try:
        vkeys = _set_up(plan, rooms=children)
        children += _start(plan, vkeys=vkeys, with_portals=not no_portals)
        wait_until_up(ports, children)
        _say(plan, with_portals=not no_portals)
        _watch(children)
    finally:
        _stop(children)


def _make_plan(port: int, *, tls: bool, client_files: tuple[Path, ...]) -> _Plan:
    scheme = "https" if tls else "http"
    defaults: dict[str, Any] = {"issuer": f"{scheme}://localhost:{port}", "port": port}
    given = {name: value for name, value in os.environ.items() if name != "ANTIN_PORT"}
    settings = load_settings(given, defaults=defaults)
    settings.var.mkdir(parents=True, exist_ok=True)
    certificate: Path | None = None
    if tls:
        certificate, key = make_certificate(settings.var, now=utc_now())
        settings = load_settings(
            given, defaults={**defaults, "tls_certificate": certificate, "tls_key": key.absolute()}
        )
    if not settings.verifier_address:
        address = settings.effective_verifier_address
        settings = msgspec.structs.replace(settings, verifier_address=address)
    return _Plan(
        settings=settings,
        citizen_url=f"http://localhost:{port + 1}",
        business_url=f"http://localhost:{port + 2}",
        secrets=_secrets(settings.var / "sandbox.json"),
        certificate=certificate,
        client_files=client_files,
    )


def _secrets(known: Path) -> dict[str, str]:
    """Client secrets: those of the last start, or new ones."""
    before: dict[str, str] = {}
    if known.is_file():
        clients = json.loads(known.read_text(encoding="utf-8"))["clients"]
        before = {one["client_id"]: one["client_secret"] for one in clients}
    return {
        client_id: before.get(client_id) or secrets.token_urlsafe(32)
        for client_id in (CITIZEN, BUSINESS, TOOLS, RESOURCE)
    }


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


def _prepare(plan: _Plan) -> None:
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


def _set_up(plan: _Plan, *, rooms: Sequence[subprocess.Popen[bytes]]) -> tuple[str, ...]:
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


def _register(services: Services, plan: _Plan) -> None:
    documents = [
        parse_document(
            sandbox_document(
                issuer=plan.settings.issuer,
                citizen_url=plan.citizen_url,
                business_url=plan.business_url,
                secrets=plan.secrets,
            ),
            file="sandbox",
            for_sandbox=True,
        ),
        *(
            parse_document(file.read_bytes(), file=file.name, for_sandbox=True)
            for file in plan.client_files
        ),
    ]
    registration = Registration(services.database, registry=services.registry, log=services.log)
    now = services.time()
    with services.database.transaction() as tx:
        RegistryEditor(services.registry).ensure_defaults(tx, now=now)
    for document in documents:
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
    plan: _Plan, *, vkeys: tuple[str, ...], with_portals: bool
) -> list[subprocess.Popen[bytes]]:
    port = str(_free_port())
    folder = str(plan.witness_folder.absolute())
    witness = " ".join((f"http://127.0.0.1:{port}", *vkeys))
    environment = plan.environment(witness=witness)
    write_whole(plan.settings.var / SANDBOX_SETTINGS, json.dumps(plan.told(witness=witness)))
    children = [_start_one(environment, command) for command in ("serve", "work")]
    children.append(_start_one(environment, "witness", "serve", folder, "--port", port))
    if with_portals:
        file = plan.settings.var / "portals.json"
        write_whole(file, json.dumps(_portal_settings(plan)))
        children.append(_start_module(environment, "idp.sandbox.portals", str(file)))
    return children


def _free_port() -> int:
    """For what nobody but a process of this sandbox asks."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        found: int = probe.getsockname()[1]
    return found


def _portal_settings(plan: _Plan) -> list[dict[str, Any]]:
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


def sandbox_facts(plan: _Plan, *, with_portals: bool) -> dict[str, Any]:
    """The members of `var/sandbox.json`.  Architecture, "Contracts"."""
    portals = [
        {"name": "Cổng dịch vụ công", "url": plan.citizen_url},
        {"name": "Cổng doanh nghiệp", "url": plan.business_url},
    ]
    return {
        "issuer": plan.settings.issuer,
        "ca_file": None if plan.certificate is None else str(plan.certificate.absolute()),
        "portals": portals if with_portals else [],
        "clients": _client_facts(plan),
        "people": [
            {
                "identifier": person.identifier,
                "password": person.password,
                "totp_secret": person.totp_text if person.has_totp else None,
                "name": person.name,
                "account_level": int(person.level),
                "organizations": [
                    {"enterprise_code": one.code, "name": one.name} for one in person.organisations
                ],
            }
            for person in PEOPLE
        ],
    }


def _client_facts(plan: _Plan) -> list[dict[str, Any]]:
    document = parse_document(
        sandbox_document(
            issuer=plan.settings.issuer,
            citizen_url=plan.citizen_url,
            business_url=plan.business_url,
            secrets=plan.secrets,
        ),
        file="sandbox",
        for_sandbox=True,
    )
    entries = list(document.clients)
    for file in plan.client_files:
        entries += parse_document(file.read_bytes(), file=file.name, for_sandbox=True).clients
    return [
        {
            "client_id": entry.client.client_id,
            "client_secret": entry.raw_secret,
            "token_endpoint_auth_method": entry.client.token_endpoint_auth_method.value,
            "redirect_uris": list(entry.client.redirect_uris),
            "post_logout_redirect_uris": list(entry.client.post_logout_redirect_uris),
            "profile": entry.client.profile.value,
            "pkce": entry.client.pkce.value,
        }
        for entry in entries
    ]


def _say(plan: _Plan, *, with_portals: bool) -> None:
    facts = sandbox_facts(plan, with_portals=with_portals)
    file = plan.settings.var / "sandbox.json"
    write_whole(file, json.dumps(facts, ensure_ascii=False, indent=2))
    lines = ["", "Ấn Tín SANDBOX", f"  provider  {facts['issuer']}"]
    lines += [f"  portal    {one['url']}  {one['name']}" for one in facts["portals"]]
    antin = os.path.relpath(sys.argv[0])  # as it can be typed from here
    lines += ["", "  people (number, password, name):"]
    lines += [
        f"    {person['identifier']}  {person['password']:24}  {person['name']}"
        for person in facts["people"]
    ]
    lines += ["", f"  one-time code:         {antin} otp {PEOPLE[0].identifier}"]
    lines += [
        f"  activation code for {person.name}, who has no app yet:\n"
        f"                         {antin} accounts activation-code {person.identifier}"
        for person in PEOPLE
        if not person.has_totp
    ]
    lines += ["", f"  all of it, for programs: {file}", "  Ctrl-C ends everything", ""]
    click.echo("\n".join(lines))


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


def write_whole(file: Path, text: str) -> None:
    """Write `file`, readable by its owner alone; nobody ever reads half of it."""
    draft = file.with_name(f".{file.name}.{os.getpid()}")
    with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as out:
        out.write(text.encode())
    draft.replace(file)


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
