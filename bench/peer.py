"""node-oidc-provider 9 as a process, where Node is present.

What lives here: its configuration, the same clients and scopes as ours, and codes from the page
that bench/peers/plain.mjs adds for that.  Not here: anything of ours.
"""

from __future__ import annotations

import http.client
import json
import secrets
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

from bench.machine import ROOT, node
from bench.processes import run
from bench.provider import clean_environ
from bench.side import (
    API,
    API_SCOPE,
    CHALLENGE,
    REDIRECT_URI,
    SCOPES,
    Audience,
    Credentials,
    Paths,
    Side,
)
from tests.support.ports import free_port


@contextmanager
def run_peer(*, core: int, folder: Path) -> Iterator[Side | None]:
    """Serve the peer; None where Node or its packages are missing."""
    program = node()
    if program is None:
        yield None
        return
    port = free_port()
    client = Credentials("bench", secrets.token_urlsafe(32))
    file = folder / "peer.json"
    file.touch(mode=0o600)
    config = {
        "port": port,
        "client_id": client.client_id,
        "client_secret": client.secret,
        "redirect_uri": REDIRECT_URI,
        "code_challenge": CHALLENGE,
        "scope": " ".join(SCOPES),
        "api": API,
        "api_scope": API_SCOPE,
    }
    file.write_text(json.dumps(config), encoding="utf-8")
    command = [program, str(ROOT / "bench" / "peers" / "plain.mjs"), str(file)]
    environ = clean_environ() | {"NODE_ENV": "production"}
    with run(command, port=port, core=core, log=folder / "peer.log", environ=environ) as running:
        yield Side(
            name="node-oidc-provider",
            server=running,
            portal=client,
            resource_server=client,
            mint=lambda count, audience: _mint(port, count, audience),
            paths=Paths(userinfo="/me", introspection="/token/introspection"),
            # its JWT access tokens are for resource servers; userinfo and introspection take
            # opaque ones only
            code_audience=Audience.API,
            introspected=Audience.USERINFO,
        )


def _mint(port: int, count: int, audience: Audience) -> list[str]:
    with closing(http.client.HTTPConnection("127.0.0.1", port, timeout=60)) as connection:
        connection.request("GET", f"/bench/codes/{count}/{audience}")
        codes: list[str] = json.loads(connection.getresponse().read())
    return codes
