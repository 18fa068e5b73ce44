"""The providers that tests are pointed at: ours as anybody starts it, and node-oidc-provider.

What lives here: the clients that outside tests need, written down once for both, and starting and
stopping a provider as a process of its own on free ports.  Source: architecture, "Contracts"
(commands, `var/sandbox.json`).  Not here: what is asked of a provider (`flow.py`).
"""

from __future__ import annotations

import contextlib
import json
import os
import secrets
import shutil
import signal
import socket
import ssl
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import urllib3

from tests.relying_party.certificates import Certificates, trust_authority
from tests.relying_party.person import Person
from tests.support.ports import free_port

ROOT: Final = Path(__file__).parents[2]
REDIRECT_URI: Final = "https://rp.conformance.example/callback"
POST_LOGOUT_REDIRECT_URI: Final = "https://rp.conformance.example/post_logout_redirect"
SCOPES: Final = ("openid", "profile", "email", "phone", "address", "offline_access")
_START_TIMEOUT_S: Final = 120
_PEER_IDENTIFIER: Final = "peer-person"
_PEER_CLAIMS: Final[Mapping[str, Any]] = {
    "name": "Peer Example Person",
    "family_name": "Peer",
    "given_name": "Person",
    "middle_name": "Example",
    "nickname": "Peery",
    "preferred_username": "peer",
    "profile": "https://peer.example/profile",
    "picture": "https://peer.example/picture.png",
    "website": "https://peer.example/",
    "gender": "female",
    "birthdate": "1985-10-16",
    "zoneinfo": "Asia/Ho_Chi_Minh",
    "locale": "vi-VN",
    "updated_at": 1_700_000_000,
    "email": "peer@peer.example",
    "email_verified": True,
    "phone_number": "+84000000000",
    "phone_number_verified": False,
    "address": {"formatted": "1 Example Street", "country": "VN"},
}


@dataclass(frozen=True, slots=True)
class RegisteredClient:
    """A client of the tests, as both providers know it."""

    client_id: str
    client_secret: str = field(repr=False)
    auth_method: str
    algorithm: str
    redirect_uri: str
    post_logout_redirect_uri: str
    pkce: str
    backchannel_logout_uri: str | None = None


@dataclass(frozen=True, slots=True)
class Provider:
    """A running provider."""

    name: str
    issuer: str
    context: ssl.SSLContext | None = field(repr=False)
    metadata: dict[str, Any] = field(repr=False)
    clients: Mapping[str, RegisteredClient] = field(repr=False)
    person: Person
    log: Path


def make_clients(
    *,
    backchannel_logout_uri: str | None = None,
    redirect_uri: str = REDIRECT_URI,
    post_logout_redirect_uri: str = POST_LOGOUT_REDIRECT_URI,
    pkce: str = "if_sent",
) -> dict[str, RegisteredClient]:
    """The clients by what they are for; fresh secrets every time."""

    def client(name: str, **changes: Any) -> RegisteredClient:
        return RegisteredClient(
            client_id=f"conformance-{name}",
            # Signs that RFC 6749 §2.3.1 has to encode: a provider that does not decode them fails.
            client_secret=secrets.token_urlsafe(32) + "/+%&",
            redirect_uri=redirect_uri,
            post_logout_redirect_uri=post_logout_redirect_uri,
            pkce=pkce,
            **{"auth_method": "client_secret_basic", "algorithm": "ES256", **changes},
        )

    return {
        "main": client("main"),
        "second": client("second"),
        "post": client("post", auth_method="client_secret_post"),
        "default-algorithm": client("default-algorithm", algorithm="RS256"),
        "backchannel": client("backchannel", backchannel_logout_uri=backchannel_logout_uri),
    }


def write_toml(clients: Mapping[str, RegisteredClient], file: Path) -> Path:
    """The clients in the registry's import format."""
    lines = []
    for name, client in clients.items():
        facts: dict[str, Any] = {
            "client_id": client.client_id,
            "client_secret": client.client_secret,
            "name_vi": f"Kiểm thử hợp chuẩn {name}",
            "name_en": f"Conformance test {name}",
            "profile": "standard",
            "pkce": client.pkce,
            "required_level": 1,
            "token_endpoint_auth_method": client.auth_method,
            "redirect_uris": [client.redirect_uri],
            "post_logout_redirect_uris": [client.post_logout_redirect_uri],
            "grant_types": ["authorization_code", "refresh_token"],
            "scopes": list(SCOPES),
            "id_token_signed_response_alg": client.algorithm,
        }
        if client.backchannel_logout_uri is not None:
            facts["backchannel_logout_uri"] = client.backchannel_logout_uri
            facts["backchannel_logout_session_required"] = True
        lines.append("[[clients]]")
        # TOML strings, arrays of strings, numbers and booleans are written as JSON writes them.
        lines += [
            f"{key} = {json.dumps(value, ensure_ascii=False)}" for key, value in facts.items()
        ]
        lines.append("")
    file.write_text("\n".join(lines), encoding="utf-8")
    file.chmod(0o600)
    return file


@contextmanager
def run_antin(
    folder: Path,
    *,
    clients: Mapping[str, RegisteredClient],
    tls: bool = True,
    trusted: Certificates | None = None,
    settings: Mapping[str, str] | None = None,
) -> Iterator[Provider]:
    """Start our sandbox in `folder`; everything it starts is stopped at the end.

    Takes   trusted: whose servers it may call (back-channel logout), beside the system's.
    """
    folder.mkdir(parents=True, exist_ok=True)
    var = folder / "var"
    port = free_port()
    # What sets the tests up must not set up the provider as well.
    environ = {k: v for k, v in os.environ.items() if not k.startswith("ANTIN_")}
    environ |= {"ANTIN_VAR": str(var), "PORT": str(port)}
    if trusted is not None:
        environ["SSL_CERT_FILE"] = str(trusted.authority)
    environ |= settings or {}
    command = [str(Path(sys.executable).with_name("antin")), "sandbox"]
    command += ["--no-portals"]
    command += ["--tls"] if tls else []
    command += ["--client", str(write_toml(clients, folder / "clients.toml"))]
    scheme = "https" if tls else "http"
    issuer = f"{scheme}://localhost:{port}"
    log = folder / "antin.log"
    with _process(command, environ=environ, folder=folder, log=log) as process:
        # Written when everything is up.
        sandbox = _wait_for_json(var / "sandbox.json", process=process, log=log)
        context = trust_authority(Path(sandbox["ca_file"])) if tls else None
        metadata = _discover(issuer, context=context, process=process, log=log)
        yield Provider(
            name="antin",
            issuer=issuer,
            context=context,
            metadata=metadata,
            clients=clients,
            person=_choose_person(sandbox["people"]),
            log=log,
        )


def run_command(provider: Provider, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run an `antin` command over the state of a sandbox that `run_antin` started."""
    environ = {k: v for k, v in os.environ.items() if not k.startswith("ANTIN_")}
    environ |= {"ANTIN_VAR": str(provider.log.parent / "var"), "ANTIN_ISSUER": provider.issuer}
    command = [str(Path(sys.executable).with_name("antin")), *arguments]
    return subprocess.run(
        command, env=environ, cwd=provider.log.parent, capture_output=True, text=True, check=False
    )


def _choose_person(people: Sequence[Mapping[str, Any]]) -> Person:
    """The best proofed person who represents nobody, so that no capacity is to be chosen."""
    alone = [one for one in people if not one.get("organizations")]
    best = max(alone, key=lambda one: (one.get("account_level") or 0, bool(one.get("totp_secret"))))
    return Person(best["identifier"], best["password"], best.get("totp_secret"))


@contextmanager
def run_peer(
    folder: Path,
    *,
    clients: Mapping[str, RegisteredClient],
    certificates: Certificates,
) -> Iterator[Provider]:
    """Start node-oidc-provider over https in `folder`."""
    folder.mkdir(parents=True, exist_ok=True)
    port = free_port()
    issuer = f"https://localhost:{port}"
    password = secrets.token_urlsafe(12)
    config = {
        "issuer": issuer,
        "port": port,
        "tls": {"key": str(certificates.key), "cert": str(certificates.certificate)},
        "people": [
            {"identifier": _PEER_IDENTIFIER, "password": password, "claims": dict(_PEER_CLAIMS)}
        ],
        "clients": [_peer_client(client) for client in clients.values()],
    }
    file = folder / "peer.json"
    file.write_text(json.dumps(config), encoding="utf-8")
    # It calls the back-channel receiver, whose certificate only the tests' authority knows.
    environ = {**os.environ, "NODE_EXTRA_CA_CERTS": str(certificates.authority)}
    node = shutil.which("node")
    assert node is not None, "node is missing: `make test` installs it"
    command = [node, str(ROOT / "bench" / "peers" / "provider.mjs"), str(file)]
    log = folder / "peer.log"
    with _process(command, environ=environ, folder=folder, log=log) as process:
        _wait_for_port(port, process=process, log=log)
        context = trust_authority(certificates.authority)
        yield Provider(
            name="peer",
            issuer=issuer,
            context=context,
            metadata=_discover(issuer, context=context, process=process, log=log),
            clients=clients,
            person=Person(_PEER_IDENTIFIER, password),
            log=log,
        )


def _peer_client(client: RegisteredClient) -> dict[str, Any]:
    facts: dict[str, Any] = {
        "client_id": client.client_id,
        "client_secret": client.client_secret,
        "token_endpoint_auth_method": client.auth_method,
        "redirect_uris": [client.redirect_uri],
        "post_logout_redirect_uris": [client.post_logout_redirect_uri],
        "grant_types": ["authorization_code", "refresh_token"],
        # It takes http redirect URIs on loopback from native clients only.
        "application_type": "native" if client.redirect_uri.startswith("http:") else "web",
    }
    # RS256 is what a client gets that says nothing (Dynamic Client Registration 1.0 §2).
    if client.algorithm != "RS256":
        facts["id_token_signed_response_alg"] = client.algorithm
    if client.backchannel_logout_uri is not None:
        facts["backchannel_logout_uri"] = client.backchannel_logout_uri
        facts["backchannel_logout_session_required"] = True
    return facts


@contextmanager
def _process(
    command: Sequence[str], *, environ: Mapping[str, str], folder: Path, log: Path
) -> Iterator[subprocess.Popen[bytes]]:
    with log.open("wb") as output:
        process = subprocess.Popen(
            command,
            cwd=folder,
            env=dict(environ),
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
        try:
            yield process
        finally:
            _stop(process)


def _stop(process: subprocess.Popen[bytes]) -> None:
    if process.poll() is None:
        process.terminate()
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(timeout=15)
    # Whatever it started and left behind is in its process group.
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()


def _check_running(process: subprocess.Popen[bytes], log: Path) -> None:
    if process.poll() is not None:
        tail = log.read_text(errors="replace")[-3000:]
        raise AssertionError(f"{process.args!r} ended with {process.returncode}:\n{tail}")


def _wait_for_port(port: int, *, process: subprocess.Popen[bytes], log: Path) -> None:
    end = time.monotonic() + _START_TIMEOUT_S
    while True:
        _check_running(process, log)
        try:
            with socket.create_connection(("localhost", port), timeout=1):
                return
        except OSError:
            assert time.monotonic() < end, f"nobody listens on {port}: {log.read_text()[-3000:]}"
            time.sleep(0.05)


def _wait_for_json(file: Path, *, process: subprocess.Popen[bytes], log: Path) -> Any:
    end = time.monotonic() + _START_TIMEOUT_S
    while True:
        _check_running(process, log)
        with contextlib.suppress(FileNotFoundError, json.JSONDecodeError):
            return json.loads(file.read_text(encoding="utf-8"))
        assert time.monotonic() < end, f"{file} was not written"
        time.sleep(0.05)


def _discover(
    issuer: str, *, context: ssl.SSLContext | None, process: subprocess.Popen[bytes], log: Path
) -> dict[str, Any]:
    end = time.monotonic() + _START_TIMEOUT_S
    with urllib3.PoolManager(ssl_context=context, retries=False, timeout=120) as pool:
        while True:
            _check_running(process, log)
            try:
                answer = pool.request("GET", f"{issuer}/.well-known/openid-configuration")
                if answer.status == 200:
                    metadata: dict[str, Any] = json.loads(answer.data)
                    return metadata
            except urllib3.exceptions.HTTPError:
                pass
            assert time.monotonic() < end, f"no discovery document at {issuer}"
            time.sleep(0.05)
