"""Where a client's keys come from, and how seldom its address is called."""

from __future__ import annotations

import json
from datetime import datetime, timedelta

import pytest

from clients.registry.model import AuthMethod, Client
from idp.egress import EgressFailed
from idp.oauth.client_keys import ClientKeyStore
from keystore.errors import JoseError
from tests.support.provider import ClientKey, make_client_key

_CLIENT = Client(
    client_id="fetched",
    name_vi="Cổng",
    name_en="Portal",
    token_endpoint_auth_method=AuthMethod.PRIVATE_KEY_JWT,
    jwks_uri="https://fetched.example/jwks",
)


class Portal:
    """An egress door that leads to one portal."""

    def __init__(self, key: ClientKey) -> None:
        self.body: bytes | None = key.jwks().strip("'").encode()
        self.calls = 0

    def get_json(self, url: str, *, client_id: str) -> bytes:
        assert (url, client_id) == (_CLIENT.jwks_uri, _CLIENT.client_id)
        self.calls += 1
        if self.body is None:
            raise EgressFailed("unreachable")
        return self.body


def kids(store: ClientKeyStore, now: datetime, kid: str | None = "a") -> set[str | None]:
    return {key.kid for key in store.keys_of(_CLIENT, kid=kid, now=now).keys}


def test_a_fetched_set_is_kept_for_ten_minutes(now: datetime) -> None:
    portal = Portal(make_client_key("a"))
    store = ClientKeyStore(portal)
    for minutes in (0, 1, 9):
        assert kids(store, now + timedelta(minutes=minutes)) == {"a"}
    assert portal.calls == 1
    assert kids(store, now + timedelta(minutes=10)) == {"a"}
    assert portal.calls == 2


def test_an_unknown_kid_is_looked_for_once_in_half_a_minute(now: datetime) -> None:
    """RFC 7517 §4.5: a new key is found; made-up ones cause no stream of calls."""
    portal = Portal(make_client_key("a"))
    store = ClientKeyStore(portal)
    assert kids(store, now) == {"a"}
    portal.body = make_client_key("b").jwks().strip("'").encode()
    for _ in range(50):
        assert kids(store, now + timedelta(seconds=29), kid="b") == {"a"}
    assert portal.calls == 1
    assert kids(store, now + timedelta(seconds=30), kid="b") == {"b"}
    for number in range(50):
        kids(store, now + timedelta(seconds=31), kid=f"made-up-{number}")
    assert portal.calls == 2


def test_a_portal_that_is_down_keeps_its_last_keys_for_an_hour(now: datetime) -> None:
    portal = Portal(make_client_key("a"))
    store = ClientKeyStore(portal)
    assert kids(store, now) == {"a"}
    portal.body = None
    assert kids(store, now + timedelta(minutes=59)) == {"a"}
    assert kids(store, now + timedelta(minutes=61)) == set()


def test_a_portal_that_never_answered_has_no_keys_and_is_not_called_in_a_stream(
    now: datetime,
) -> None:
    portal = Portal(make_client_key("a"))
    portal.body = None
    store = ClientKeyStore(portal)
    for _ in range(50):
        assert kids(store, now) == set()
    assert portal.calls == 1
    portal.body = b"[]"
    assert kids(store, now + timedelta(seconds=30)) == set()
    portal.body = make_client_key("a").jwks().strip("'").encode()
    assert kids(store, now + timedelta(seconds=60)) == {"a"}


def test_registered_keys_are_taken_as_they_are(now: datetime) -> None:
    portal = Portal(make_client_key("a"))
    jwks = json.loads(make_client_key("b").jwks().strip("'"))
    client = Client(client_id="x", name_vi="X", name_en="X", jwks=jwks)
    (key,) = ClientKeyStore(portal).keys_of(client, kid=None, now=now).keys
    assert key.kid == "b"
    without = Client(client_id="x", name_vi="X", name_en="X")
    with pytest.raises(JoseError):
        ClientKeyStore(portal).keys_of(without, kid=None, now=now)
    assert portal.calls == 0
