"""Where everything of one sandbox is, and what its processes are told.

What lives here: the plan of a start: settings, addresses of the portals, secrets of the clients,
which are those of the start before.  Source: architecture, "Sandbox".
Not here: starting anything (`command.py`), what is said of it (`facts.py`).
"""

from __future__ import annotations

import json
import os
import secrets
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec

from clients.registry.document import RegistryDocument, parse_document
from idp.cli.beside_sandbox import read_told
from idp.clock import utc_now
from idp.sandbox.certificate import make_certificate
from idp.sandbox.register_plan import RegisterPlan
from idp.sandbox.registry import BUSINESS, CITIZEN, RESOURCE, TOOLS, sandbox_document
from idp.sandbox.trust import make_signer_log_key
from idp.settings import Settings
from idp.settings_loading import SANDBOX_MARK, load_settings


@dataclass(frozen=True, slots=True)
class Plan:
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

    def registry_documents(self) -> list[RegistryDocument]:
        """The registry of this sandbox: its own portals and services, then those that were given.

        Raises  ImportInvalid: one that was given.
        """
        own = sandbox_document(
            issuer=self.settings.issuer,
            citizen_url=self.citizen_url,
            business_url=self.business_url,
            secrets=self.secrets,
        )
        given = [(own, "sandbox"), *((file.read_bytes(), file.name) for file in self.client_files)]
        return [parse_document(raw, file=name, for_sandbox=True) for raw, name in given]

    def told(
        self, *, witness: str | None = None, registers: RegisterPlan | None = None
    ) -> dict[str, str]:
        """The settings of this sandbox that are not everybody's, as variables.

        Takes   witness: the log's witness as a setting names it; registers: those that it asks.
        """
        names = {
            "ISSUER": self.settings.issuer,
            "HOST": self.settings.host,
            "PORT": str(self.settings.port),
            "TSA_ENABLED": "true",
            "LOG_ORIGIN": self.settings.log_origin,
            "SIGNER_LOG_KEYS": make_signer_log_key(self.settings),
            "SIGNER_VERIFIER_KEYS": str(self.verifier_keys),
            "VERIFIER_ADDRESS": self.settings.verifier_address,
        }
        if witness is not None:
            names["LOG_WITNESSES"] = witness
        if self.settings.tls_certificate is not None:
            names["TLS_CERTIFICATE"] = str(self.settings.tls_certificate.absolute())
            names["TLS_KEY"] = str(self.settings.tls_key)
        told = {f"ANTIN_{name}": value for name, value in names.items()}
        return told if registers is None else {**told, **registers.told}

    def environment(
        self, *, witness: str | None = None, registers: RegisterPlan | None = None
    ) -> dict[str, str]:
        """What the child processes are told; `witness` and `registers` as in `told`."""
        # a terminal is no place for every line; nobody waits for a sandbox to drain, nor three days
        # until a new authenticator confirms a signature
        usual = {
            "ANTIN_LOG_LEVEL": "WARNING",
            "ANTIN_DRAIN_S": "0",
            "ANTIN_VERIFIER_CONFIRMS_AT_ONCE": "true",
        }
        var = {"ANTIN_VAR": str(self.settings.var.absolute())}
        told = self.told(witness=witness, registers=registers)
        return {**usual, **os.environ, **told, **var, SANDBOX_MARK: "1"}


def make_plan(port: int, *, tls: bool, client_files: tuple[Path, ...]) -> Plan:
    """What `antin sandbox` will start; makes the folder, and the certificate of `tls`."""
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
    if not settings.log_origin:
        # a log keeps its name, also where its sandbox is started on another port
        origin = read_told(settings.var).get("ANTIN_LOG_ORIGIN") or settings.effective_log_origin
        settings = msgspec.structs.replace(settings, log_origin=origin)
    return Plan(
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
