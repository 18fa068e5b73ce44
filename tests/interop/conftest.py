"""Other people's software against a provider that runs: openid-client and python-jose.

What lives here: our sandbox over http, as a developer of a portal first meets it, and the peer as
the proof that the tests ask for the right things.  Not here: what a module of the certification
asks (`tests/conformance`).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import pytest

from tests.relying_party.certificates import Certificates, make_certificates
from tests.relying_party.providers import (
    Provider,
    RegisteredClient,
    make_clients,
    run_antin,
    run_peer,
)

_CALLBACK = "http://localhost:9999/callback"
_SIGNED_OUT = "http://localhost:9999/signed-out"


@pytest.fixture(scope="session")
def outside_clients() -> Mapping[str, RegisteredClient]:
    """Clients on a developer's own machine; PKCE is demanded of them."""
    return make_clients(
        redirect_uri=_CALLBACK, post_logout_redirect_uri=_SIGNED_OUT, pkce="required"
    )


@pytest.fixture(scope="session")
def certificates(tmp_path_factory: pytest.TempPathFactory) -> Certificates:
    """A throw-away authority and a certificate under it."""
    return make_certificates(tmp_path_factory.mktemp("certificates"))


@pytest.fixture(scope="session")
def antin(
    tmp_path_factory: pytest.TempPathFactory, outside_clients: Mapping[str, RegisteredClient]
) -> Iterator[Provider]:
    """Our sandbox over http."""
    folder = tmp_path_factory.mktemp("antin")
    with run_antin(folder, clients=outside_clients, tls=False) as provider:
        yield provider


@pytest.fixture(scope="session")
def peer(
    tmp_path_factory: pytest.TempPathFactory,
    outside_clients: Mapping[str, RegisteredClient],
    certificates: Certificates,
) -> Iterator[Provider]:
    """node-oidc-provider 9 over https."""
    folder = tmp_path_factory.mktemp("peer")
    with run_peer(folder, clients=outside_clients, certificates=certificates) as provider:
        yield provider


@pytest.fixture(params=["antin", "peer"])
def provider(request: pytest.FixtureRequest) -> Provider:
    """Both, one after the other."""
    provider: Provider = request.getfixturevalue(request.param)
    return provider
