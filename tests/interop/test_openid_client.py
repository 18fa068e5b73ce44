"""openid-client, a certified relying party, completes every step with a provider.

Source: OpenID Connect Core §3.1, §12; RFC 7636; RFC 9207; RP-Initiated Logout 1.0.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import pytest

from tests.relying_party.browser import Browser
from tests.relying_party.certificates import Certificates
from tests.relying_party.person import Arrival, Visit
from tests.relying_party.providers import ROOT, Provider, RegisteredClient

_SCRIPT: Final = ROOT / "tests" / "node" / "openid_client.mjs"
_SCOPE: Final = "openid profile offline_access"


class OpenidClient:
    """The co-process: one command, one answer."""

    def __init__(self, provider: Provider, *, authority: Path) -> None:
        """Start it; nothing is asked yet."""
        node = shutil.which("node")
        assert node is not None, "node is missing: `make test` installs it"
        self._process = subprocess.Popen(
            [node, str(_SCRIPT)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env={**os.environ, "NODE_EXTRA_CA_CERTS": str(authority)},
            text=True,
        )
        self.provider = provider

    def close(self) -> None:
        """End it."""
        self._process.communicate(timeout=600)

    def try_(self, command: str, **given: Any) -> dict[str, Any]:
        """Run a command; an error is an answer."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(json.dumps({"do": command, **given}) + "\n")
        self._process.stdin.flush()
        answer: dict[str, Any] = json.loads(self._process.stdout.readline())
        return answer

    def run(self, command: str, **given: Any) -> dict[str, Any]:
        """Run a command that must succeed."""
        answer = self.try_(command, **given)
        assert "error" not in answer, answer["error"]
        return answer

    def discover(self, client: RegisteredClient, *, foreign_keys: bool = False) -> None:
        """Read the metadata and be this client."""
        found = self.run(
            "discover",
            issuer=self.provider.issuer,
            client_id=client.client_id,
            client_secret=client.client_secret,
            auth_method=client.auth_method,
            algorithm=client.algorithm,
            redirect_uri=client.redirect_uri,
            foreign_keys=foreign_keys,
        )
        assert found["issuer"] == self.provider.issuer


@pytest.fixture
def openid_client(provider: Provider, certificates: Certificates) -> Iterator[OpenidClient]:
    """openid-client, which trusts the certificate of the peer."""
    client = OpenidClient(provider, authority=certificates.authority)
    yield client
    client.close()


def _go(browser: Browser, provider: Provider, url: str, *, home: str) -> Arrival:
    """Lead a person through the provider's pages to the relying party."""
    visit = Visit(browser, provider.person, home=home)
    end = visit.follow(browser.get(url))
    if not isinstance(end, Arrival):
        confirm = end.page.find_button("logout-confirm")
        assert confirm is not None, f"{end.answer.status} {end.page.headings} {end.page.text[:300]}"
        end = visit.follow(browser.press(end.page, confirm))
    assert isinstance(end, Arrival)
    return end


@pytest.mark.parametrize("name", ["main", "post", "default-algorithm"])
def test_openid_client_completes_every_step(openid_client: OpenidClient, name: str) -> None:
    """Discovery, code with PKCE, refresh, userinfo and logout.

    By ES256 and RS256, with the client secret in the header and in the body.
    """
    provider = openid_client.provider
    client = provider.clients[name]
    browser = Browser(provider.context)
    openid_client.discover(client)
    url = openid_client.run("authorize", scope=_SCOPE)["url"]
    arrival = _go(browser, provider, url, home=client.redirect_uri)
    signed_in = openid_client.run("callback", url=arrival.url)
    assert signed_in["refresh_token"] is True
    refreshed = openid_client.run("refresh")
    assert refreshed["changed"] is True
    if refreshed["claims"] is not None:
        assert refreshed["claims"]["sub"] == signed_in["claims"]["sub"]
    userinfo = openid_client.run("userinfo")["claims"]
    assert userinfo["sub"] == signed_in["claims"]["sub"]
    assert userinfo["name"]
    home = client.post_logout_redirect_uri
    leave = openid_client.run("end_session", post_logout_redirect_uri=home, state="over")
    left = _go(browser, provider, leave["url"], home=home)
    assert left.fields == {"state": "over"}
    browser.close()


@pytest.mark.parametrize("name", ["main", "default-algorithm"])
def test_openid_client_refuses_a_foreign_signature(openid_client: OpenidClient, name: str) -> None:
    """With other keys under the same kids the very same sign-in fails: its check is on.

    OpenID Connect Core §3.1.3.7 (6).
    """
    provider = openid_client.provider
    client = provider.clients[name]
    browser = Browser(provider.context)
    openid_client.discover(client, foreign_keys=True)
    url = openid_client.run("authorize", scope=_SCOPE)["url"]
    arrival = _go(browser, provider, url, home=client.redirect_uri)
    error = openid_client.try_("callback", url=arrival.url)["error"]
    assert "signature verification failed" in error["cause"], error
    browser.close()
