"""The OpenID certification modules: which provider a module runs against, and how it is named.

What lives here: the providers (ours, and node-oidc-provider as the proof of the tests), and the
names: the test of module `oidcc-server` is `…[oidcc-server]`; `-form_post` and `-peer` follow where
it runs once more with that response mode or against the peer.  `modules.tsv` lists the modules of
the four plans; `test_every_module.py` holds the tests against it.
Not here: what a module demands: that is each test's docstring and body.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import pytest

from tests.conformance.waiting import Waiting, begin_waiting
from tests.relying_party.certificates import Certificates, make_certificates
from tests.relying_party.flow import RelyingParty
from tests.relying_party.providers import Provider, make_clients, run_antin, run_peer
from tests.relying_party.receiver import BACKCHANNEL_PATH, Receiver
from tests.support.pii_alarm import PiiAlarm

_PRINTED: Final = re.compile(r"people \(number.*?all of it", re.DOTALL)
"""What the sandbox says on its terminal on purpose."""


def pytest_configure(config: pytest.Config) -> None:
    """Announce the marker that names a module."""
    config.addinivalue_line(
        "markers",
        "module(name, form_post=False, peer=True): the OpenID certification module of this test; "
        "form_post: it belongs to the basic plan; peer: why it cannot run there, if it cannot",
    )


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """One test per module, response mode and provider."""
    marker = metafunc.definition.get_closest_marker("module")
    if marker is None:
        return
    name = marker.args[0]
    modes = [None, "form_post"] if marker.kwargs.get("form_post") else [None]
    providers = ["antin"] if isinstance(marker.kwargs.get("peer"), str) else ["antin", "peer"]
    cases = []
    for provider in providers:
        for mode in modes:
            parts = [name, mode, None if provider == "antin" else provider]
            cases.append(
                pytest.param(
                    provider,
                    mode,
                    id="-".join(part for part in parts if part is not None),
                )
            )
    metafunc.parametrize(("provider", "response_mode"), cases, indirect=["provider"])


@pytest.fixture(scope="session")
def certificates(tmp_path_factory: pytest.TempPathFactory) -> Certificates:
    """A throw-away authority and a certificate under it."""
    return make_certificates(tmp_path_factory.mktemp("certificates"))


@pytest.fixture(scope="session")
def receiver(certificates: Certificates) -> Iterator[Receiver]:
    """The relying party's own server."""
    receiver = Receiver(certificates)
    yield receiver
    receiver.close()


@pytest.fixture(scope="session")
def antin(
    tmp_path_factory: pytest.TempPathFactory, certificates: Certificates, receiver: Receiver
) -> Iterator[Provider]:
    """Our provider, as `antin sandbox --tls --client FILE` starts it."""
    clients = make_clients(backchannel_logout_uri=f"{receiver.origin}{BACKCHANNEL_PATH}/antin")
    folder: Path = tmp_path_factory.mktemp("antin")
    # The receiver listens on loopback, where the egress door goes only when the operator says so.
    private = json.dumps({clients["backchannel"].client_id: ["127.0.0.0/8"]})
    with run_antin(
        folder,
        clients=clients,
        trusted=certificates,
        settings={"ANTIN_EGRESS_PRIVATE": private},
    ) as provider:
        yield provider
    _check_log(provider)


def _check_log(provider: Provider) -> None:
    """What our processes wrote names neither the person nor a secret."""
    written = _PRINTED.sub("", provider.log.read_text(encoding="utf-8"))
    person = provider.person
    forbidden = [person.identifier, person.password, person.totp_secret]
    forbidden += [client.client_secret for client in provider.clients.values()]
    for value in forbidden:
        assert value is None or value not in written, "personal data or a secret is in the log"


@pytest.fixture(scope="session")
def peer(
    tmp_path_factory: pytest.TempPathFactory, certificates: Certificates, receiver: Receiver
) -> Iterator[Provider]:
    """node-oidc-provider 9."""
    clients = make_clients(backchannel_logout_uri=f"{receiver.origin}{BACKCHANNEL_PATH}/peer")
    folder: Path = tmp_path_factory.mktemp("peer")
    with run_peer(folder, clients=clients, certificates=certificates) as provider:
        yield provider


@pytest.fixture(scope="session")
def waiting_rooms() -> dict[str, dict[str | None, Waiting]]:
    """What was begun for the modules that wait, by provider and response mode."""
    return {}


@pytest.fixture
def provider(
    request: pytest.FixtureRequest, waiting_rooms: dict[str, dict[str | None, Waiting]]
) -> Provider:
    """The provider of this case."""
    # Together, so that their half minutes pass together.
    awaited: set[str] = {
        str(item.callspec.params["provider"])
        for item in request.session.items
        if isinstance(item, pytest.Function) and "waiting" in item.fixturenames
    }
    for name in sorted(awaited - set(waiting_rooms)):
        waiting_rooms[name] = {}  # stays empty when beginning fails: tests then say why
        waiting_rooms[name] = begin_waiting(request.getfixturevalue(name))
    provider: Provider = request.getfixturevalue(request.param)
    return provider


@pytest.fixture
def waiting(
    provider: Provider,
    response_mode: str | None,
    waiting_rooms: dict[str, dict[str | None, Waiting]],
) -> Waiting:
    """A sign-in that was begun when the provider started; another where its token is too old."""
    if waiting_rooms[provider.name][response_mode].is_stale():
        waiting_rooms[provider.name] = begin_waiting(provider)
    return waiting_rooms[provider.name][response_mode]


@pytest.fixture
def rp(
    provider: Provider, response_mode: str | None, pii_alarm: PiiAlarm
) -> Iterator[RelyingParty]:
    """The relying party of this case, with a browser that nobody is signed in at."""
    relying_party = RelyingParty(
        provider, provider.clients["main"], response_mode=response_mode, watch=pii_alarm.watch
    )
    yield relying_party
    relying_party.browser.close()
