"""The SDK signs in at a certified provider: node-oidc-provider 9, over real HTTP.

The peer is `bench/peers/provider.mjs`, with its pages driven as plain forms.
"""

from __future__ import annotations

import json
import re
import select
import shutil
import subprocess
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import timedelta
from http.cookies import SimpleCookie
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from queue import Queue
from typing import Any
from urllib.parse import parse_qs, parse_qsl, urlencode, urljoin, urlsplit

import pytest
import urllib3
from joserfc.jwk import ECKey, RSAKey

from clients.sdk import (
    AuthorizationRefused,
    IdTokenInvalid,
    LogoutTokenInvalid,
    Portal,
    SettingsInvalid,
    TokenRequestRefused,
)
from tests.support.ports import free_port
from tests.support.quiet_server import QuietServer
from tests.support.tree import ROOT

REDIRECT_URI = "http://127.0.0.1:9999/callback"
AFTER_LOGOUT = "http://127.0.0.1:9999/signed-out"
SECRET = "peer-secret-of-the-sdk-tests-0123456789abcdef"
PERSON: dict[str, Any] = {
    "identifier": "peer-person",
    "password": "peer-password",
    "claims": {"name": "Peer Person", "email": "peer@peer.example"},
}
KEY = ECKey.generate_key("P-256", {"kid": "sdk", "use": "sig", "alg": "ES256"})


@dataclass
class Peer:
    """The running provider, its logout tokens, and a browser with cookies of its own."""

    issuer: str
    logout_tokens: Queue[str]
    cookies: dict[str, str] = field(default_factory=dict)

    def open(self, url: str, form: dict[str, str] | None = None) -> Any:
        """One request of the browser, following redirects as long as they stay at the peer."""
        while True:
            answer = urllib3.request(
                "GET" if form is None else "POST",
                url,
                body=None if form is None else urlencode(form),
                headers={
                    "Cookie": "; ".join(f"{name}={value}" for name, value in self.cookies.items()),
                    "Content-Type": "application/x-www-form-urlencoded",
                },
                redirect=False,
                retries=False,
            )
            for line in answer.headers.getlist("set-cookie"):
                for name, morsel in SimpleCookie(line).items():
                    self.cookies[name] = morsel.value
            if answer.status not in {302, 303}:
                return answer
            url, form = urljoin(url, answer.headers["location"]), None
            if not url.startswith(self.issuer):
                return url

    def sign_in(self, url: str, *, decision: str = "accept") -> dict[str, str]:
        """Fill in the pages; returns the parameters that came back to the portal."""
        page = self.open(url)
        while not isinstance(page, str):
            text = page.data.decode()
            action = re.search(r'action="([^"]+)"', text)
            assert action, text
            page = self.open(
                urljoin(self.issuer, action[1]),
                {
                    "identifier": PERSON["identifier"],
                    "password": PERSON["password"],
                    "decision": decision,
                },
            )
        return dict(parse_qsl(urlsplit(page).query))


def client(client_id: str, **changes: Any) -> dict[str, Any]:
    return {
        "client_id": client_id,
        "redirect_uris": [REDIRECT_URI],
        "post_logout_redirect_uris": [AFTER_LOGOUT],
        "grant_types": ["authorization_code", "refresh_token"],
        "application_type": "native",
        "id_token_signed_response_alg": "ES256",
        "scope": "openid profile email offline_access",
    } | changes


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Peer]:
    node = shutil.which("node")
    assert node, "node is missing: `make test` installs it"
    logout_tokens: Queue[str] = Queue()

    class Receiver(BaseHTTPRequestHandler):
        def do_POST(self) -> None:  # the base class names it so
            body = self.rfile.read(int(self.headers["content-length"])).decode()
            logout_tokens.put(parse_qs(body)["logout_token"][0])
            self.send_response(200)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    receiver = QuietServer(("127.0.0.1", 0), Receiver)
    thread = threading.Thread(target=receiver.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    port = free_port()
    file: Path = tmp_path_factory.mktemp("peer") / "config.json"
    backchannel = {
        "backchannel_logout_uri": f"http://127.0.0.1:{receiver.server_port}/backchannel-logout",
        "backchannel_logout_session_required": True,
    }
    clients = [
        client("basic", client_secret=SECRET, **backchannel),
        client("post", client_secret=SECRET, token_endpoint_auth_method="client_secret_post"),
        client("public", token_endpoint_auth_method="none"),
        client(
            "key",
            token_endpoint_auth_method="private_key_jwt",
            token_endpoint_auth_signing_alg="ES256",
            jwks={"keys": [KEY.as_dict(private=False)]},
        ),
        client("rsa", client_secret=SECRET, id_token_signed_response_alg="RS256"),
        client("signed", client_secret=SECRET, userinfo_signed_response_alg="ES256"),
    ]
    file.write_text(
        json.dumps({"host": "127.0.0.1", "port": port, "clients": clients, "people": [PERSON]})
    )
    process = subprocess.Popen(
        [node, str(ROOT / "bench/peers/provider.mjs"), str(file)],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    try:
        assert process.stdout is not None
        is_there, _, _ = select.select([process.stdout], [], [], 60)
        line = process.stdout.readline() if is_there else "nothing within a minute"
        assert line.startswith("ready "), f"the peer did not start: {line}"
        yield Peer(issuer=line.split()[1], logout_tokens=logout_tokens)
    finally:
        process.terminate()
        process.communicate(timeout=600)
        receiver.shutdown()
        thread.join()
        receiver.server_close()


@pytest.fixture
def peer(running: Peer) -> Peer:
    """The peer, with a browser that nobody used before."""
    return Peer(issuer=running.issuer, logout_tokens=running.logout_tokens)


def portal_of(peer: Peer, client_id: str, **settings: Any) -> Portal:
    return Portal(peer.issuer, client_id=client_id, redirect_uri=REDIRECT_URI, **settings)


@pytest.mark.parametrize(
    ("client_id", "settings"),
    [
        ("basic", {"client_secret": SECRET}),
        ("post", {"client_secret": SECRET, "token_endpoint_auth_method": "client_secret_post"}),
        ("public", {}),
        ("key", {"private_key": KEY.as_dict(private=True)}),
        ("rsa", {"client_secret": SECRET, "id_token_alg": "RS256"}),
        ("signed", {"client_secret": SECRET}),
    ],
)
def test_a_whole_sign_in_with_every_way_to_authenticate(peer, client_id, settings) -> None:
    portal = portal_of(peer, client_id, **settings)
    started = portal.start_login(
        scope=["openid", "profile"], acr_values=["urn:vn:auth:1"], max_age=timedelta(minutes=5)
    )
    login = portal.finish_login(peer.sign_in(started.url), started.state_to_keep)
    assert portal.userinfo(login)["name"] == "Peer Person"
    assert login.acr == "urn:vn:auth:1"
    assert login.authenticated_at is not None


def test_a_second_portal_needs_no_password(peer) -> None:
    first, second = (
        portal_of(peer, client_id, client_secret=SECRET, **settings)
        for client_id, settings in [
            ("basic", {}),
            ("post", {"token_endpoint_auth_method": "client_secret_post"}),
        ]
    )
    started = first.start_login()
    one = first.finish_login(peer.sign_in(started.url), started.state_to_keep)
    started = second.start_login()
    assert "password" not in peer.open(started.url).data.decode()
    two = second.finish_login(peer.sign_in(started.url), started.state_to_keep)
    assert one.subject == two.subject


def test_a_refresh_keeps_the_person(peer) -> None:
    portal = portal_of(peer, "basic", client_secret=SECRET)
    started = portal.start_login(scope=["openid", "offline_access"], prompt=["consent"])
    login = portal.finish_login(peer.sign_in(started.url), started.state_to_keep)
    newer = portal.refresh(login)
    assert newer.subject == login.subject
    assert newer.tokens.access_token != login.tokens.access_token
    assert portal.userinfo(newer)["sub"] == login.subject


def test_a_code_works_once(peer) -> None:
    portal = portal_of(peer, "basic", client_secret=SECRET)
    started = portal.start_login()
    response = peer.sign_in(started.url)
    portal.finish_login(response, started.state_to_keep)
    with pytest.raises(TokenRequestRefused) as caught:
        portal.finish_login(response, started.state_to_keep)
    assert caught.value.error == "invalid_grant"


def test_a_wrong_secret_is_refused(peer) -> None:
    portal = portal_of(peer, "basic", client_secret=SECRET[::-1])
    started = portal.start_login()
    with pytest.raises(TokenRequestRefused) as caught:
        portal.finish_login(peer.sign_in(started.url), started.state_to_keep)
    assert caught.value.error == "invalid_client"


@pytest.mark.parametrize(
    ("wishes", "error"),
    [({"prompt": ["none"]}, "login_required"), ({}, "access_denied")],
)
def test_a_refusal_comes_back_as_one(peer, wishes, error: str) -> None:
    portal = portal_of(peer, "basic", client_secret=SECRET)
    started = portal.start_login(**wishes)
    with pytest.raises(AuthorizationRefused) as caught:
        portal.finish_login(peer.sign_in(started.url, decision="deny"), started.state_to_keep)
    assert caught.value.error == error


def test_a_level_that_was_not_reached_is_refused(peer) -> None:
    portal = portal_of(peer, "basic", client_secret=SECRET)
    started = portal.start_login(acr_values=["urn:vn:auth:2"])
    with pytest.raises(IdTokenInvalid) as caught:
        portal.finish_login(peer.sign_in(started.url), started.state_to_keep)
    assert caught.value.step == 12


def test_another_algorithm_than_the_registered_is_refused(peer) -> None:
    portal = portal_of(peer, "rsa", client_secret=SECRET)
    started = portal.start_login()
    with pytest.raises(IdTokenInvalid) as caught:
        portal.finish_login(peer.sign_in(started.url), started.state_to_keep)
    assert caught.value.step == 7


def test_signing_out_reaches_the_portal_by_the_back_channel(peer) -> None:
    portal = portal_of(peer, "basic", client_secret=SECRET)
    started = portal.start_login()
    login = portal.finish_login(peer.sign_in(started.url), started.state_to_keep)
    page = peer.open(
        portal.logout_url(
            id_token=login.tokens.id_token, post_logout_redirect_uri=AFTER_LOGOUT, state="s"
        )
    )
    xsrf = re.search(r'name="xsrf" value="([^"]+)"', page.data.decode())
    action = re.search(r'action="([^"]+)"', page.data.decode())
    assert xsrf
    assert action
    back = peer.open(action[1], {"xsrf": xsrf[1], "logout": "yes"})
    assert back == f"{AFTER_LOGOUT}?state=s"
    token = peer.logout_tokens.get(timeout=120)
    assert portal.receive_backchannel_logout(token).sid == login.sid
    with pytest.raises(LogoutTokenInvalid) as caught:
        portal.receive_backchannel_logout(token)
    assert caught.value.reason == "replayed"


def test_an_rsa_key_does_not_fit_where_es256_is_meant() -> None:
    with pytest.raises(SettingsInvalid):
        Portal(
            "https://dang-nhap.example",
            client_id="key",
            redirect_uri=REDIRECT_URI,
            private_key=RSAKey.generate_key(2048).as_pem(private=True),
        )
