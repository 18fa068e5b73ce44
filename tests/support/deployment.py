"""A deployment as in production: several `antin serve`, `antin work`, PostgreSQL and Redis.

What lives here: `Deployment`, whose processes stand behind one address and may be killed.  It is
stamped a sandbox only so that http on this machine is allowed.
Not here: the servers under it (`tests/support/servers.py`), who signs in (`quick_browser.py`).
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from http.client import HTTPConnection, HTTPException
from pathlib import Path
from string import Template
from typing import Final

import pytest

from clients.registry.document import parse_document
from clients.registry.editing import RegistryEditor
from idp.registration import Registration
from idp.services import Services, build_services
from idp.settings_loading import SANDBOX_MARK, load_settings
from idp.storage.database import Database
from idp.storage.deployment import stamp
from idp.storage.schema import upgrade
from keystore.kek import create_kek_file
from tests.support.invented import Inventor
from tests.support.one_address import OneAddress
from tests.support.ports import free_port
from tests.support.quick_browser import QuickClient
from tests.support.sandbox import process_environ, stop_group
from tests.support.servers import PostgresqlServer, RedisServer, wait_until

SECRET: Final = "mot-chuoi-bi-mat-cua-cong-thu-0123456789abcdef"
_START_TIMEOUT_S: Final = 120
_DOCUMENT: Final = Template("""
[[controllers]]
controller_id = "agency"
name_vi = "Cơ quan"
name_en = "Agency"
dpo_email = "dpo@agency.example"

[[sectors]]
sector_id = "land"
controller_id = "agency"
name_vi = "Đất đai"
name_en = "Land"

[[resource_servers]]
identifier = "$issuer/userinfo"
name_vi = "Thông tin"
name_en = "Userinfo"
sector_id = "land"
client_id = "portal-ES256"
""")
_CLIENT: Final = Template("""
[[clients]]
client_id = "portal-$algorithm"
client_secret = "$secret"
name_vi = "Cổng $algorithm"
name_en = "Portal $algorithm"
sector_id = "land"
redirect_uris = ["http://localhost:1/callback"]
grant_types = ["authorization_code", "refresh_token"]
scopes = ["openid"]
id_token_signed_response_alg = "$algorithm"
backchannel_logout_uri = "$receiver/$algorithm"
""")


@dataclass(slots=True)
class Killable:
    """A process of the provider with everything it started."""

    process: subprocess.Popen[bytes]
    log: Path
    port: int = 0

    def kill(self) -> None:
        """`kill -9` for it and its children, at once."""
        os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()


@dataclass(slots=True)
class Deployment:
    """Everything of one deployment; `services` are those of this process over the same state."""

    folder: Path
    address: OneAddress
    environ: Mapping[str, str]
    services: Services
    inventor: Inventor
    running: list[Killable] = field(default_factory=list)

    def client(self, algorithm: str = "ES256") -> QuickClient:
        """A client by the algorithm of its ID tokens."""
        return QuickClient(f"portal-{algorithm}", SECRET, "http://localhost:1/callback")

    def serve(self, servers: int) -> list[Killable]:
        """Start web servers, each with one worker process, behind the address."""
        started = [self._start("serve", port=free_port()) for _ in range(servers)]
        for one in started:
            wait_until(partial(_is_up, one), what="antin serve", timeout_s=_START_TIMEOUT_S)
        self.address.ports = (*self.address.ports, *(one.port for one in started))
        return started

    def work(self) -> Killable:
        """Start a worker of deferred work."""
        return self._start("work")

    def signer(self) -> Killable:
        """Start `antin signer`."""
        return self._start("signer")

    def verifier(self) -> Killable:
        """Start `antin verifier`."""
        return self._start("verifier")

    def logs(self) -> str:
        """What every process wrote so far."""
        return "\n".join(
            file.read_text(encoding="utf-8", errors="replace")
            for file in sorted(self.folder.glob("*.log"))
        )

    def _start(self, command: str, *, port: int = 0) -> Killable:
        log = self.folder / f"{command}-{len(self.running)}.log"
        with log.open("wb") as output:
            process = subprocess.Popen(
                [str(Path(sys.executable).with_name("antin")), command],
                cwd=self.folder,
                env={**self.environ, **({"ANTIN_PORT": str(port)} if port else {})},
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        made = Killable(process, log, port)
        self.running.append(made)
        return made


@contextmanager
def open_deployment(
    folder: Path,
    *,
    postgresql: PostgresqlServer,
    redis: RedisServer,
    receiver: str,
    settings: Mapping[str, str] | None = None,
    more: str = "",
) -> Iterator[Deployment]:
    """A deployment with a fresh state and no process yet; all that it starts ends with it.

    Takes   receiver: where back-channel logouts go, without a slash at the end; more: registered
            beside the two portals, TOML in which `$issuer`, `$secret` and `$receiver` are filled.
    """
    address = OneAddress()
    name = postgresql.make_database()
    var = folder / "var"
    var.mkdir()
    given = {
        "ANTIN_ISSUER": f"http://localhost:{address.port}",
        "ANTIN_VAR": str(var),
        "ANTIN_DATABASE_URL": postgresql.url(name),
        "ANTIN_EPHEMERAL_URL": redis.url,
        "ANTIN_QUEUE_URL": redis.url.removesuffix("/0") + "/1",
        "ANTIN_DRAIN_S": "0",
        **(settings or {}),
    }
    services = _set_up(given, receiver=receiver, more=Template(more))
    deployment = Deployment(
        folder=folder,
        address=address,
        environ={**process_environ(folder), **given, SANDBOX_MARK: "1"},
        services=services,
        inventor=Inventor(services),
    )
    try:
        yield deployment
    finally:
        for one in deployment.running:
            stop_group(one.process)
        address.close()
        services.close()
        postgresql.drop_database(name)


def _set_up(given: Mapping[str, str], *, receiver: str, more: Template) -> Services:
    settings = load_settings(given)
    create_kek_file(settings.effective_kek_file)
    database = Database(settings.effective_database_url, pool_size=4)
    upgrade(database)
    stamp(database, is_sandbox=True)
    services = build_services(settings, database=database, is_sandbox=True)
    with services.database.transaction() as tx:
        RegistryEditor(services.registry).ensure_defaults(tx, now=services.time())
    clients = [
        _CLIENT.substitute(algorithm=algorithm, secret=SECRET, receiver=receiver)
        for algorithm in ("ES256", "RS256")
    ]
    filled = {"issuer": settings.issuer, "secret": SECRET, "receiver": receiver}
    text = "".join((_DOCUMENT.substitute(filled), *clients, more.substitute(filled)))
    Registration(services.database, registry=services.registry, log=services.log).take_document(
        parse_document(text.encode(), file="tests", for_sandbox=True),
        operator="tests",
        now=services.time(),
    )
    return services


def _is_up(server: Killable) -> bool:
    if server.process.poll() is not None:
        pytest.fail(f"antin serve ended: {server.log.read_text(errors='replace')[-3000:]}")
    connection = HTTPConnection("127.0.0.1", server.port, timeout=120)
    try:
        connection.request("GET", "/healthz")
        return connection.getresponse().status == 200
    except (OSError, HTTPException):
        return False
    finally:
        connection.close()
