"""The door of the signing API: whose token opens it, which addresses are a portal's own."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import msgspec
import pytest

from idp.storage.ephemeral_redis import RedisEphemeralStore
from idp.web.sign_door import RegisteredPortals, most_bytes_of_request
from signing.errors import LimitsUnavailable, RequestRefused
from signing.web.ports import CallerRefused, PortalCaller
from tests.support.provider import ISSUER, Provider
from tests.support.provider_browser import Browser

AUDIENCE = f"{ISSUER}/sign"


@pytest.fixture
def door(provider: Provider) -> RegisteredPortals:
    """The door of a provider."""
    return RegisteredPortals(provider.services)


def _token(provider: Provider, client_id: str = "portal", **changed) -> str:
    given = {"scopes": ("sign",), "audience": AUDIENCE, "now": provider.now, **changed}
    return provider.services.access_tokens.issue_for_client(client_id, **given)


def _refusal(door: RegisteredPortals, header: str | None, provider: Provider) -> CallerRefused:
    with pytest.raises(CallerRefused) as refusal:
        door.authenticate(header, now=provider.now)
    return refusal.value


def test_a_portal_with_a_token_of_its_own_comes_in(door, provider):
    caller = door.authenticate(f"Bearer {_token(provider)}", now=provider.now)
    assert caller.client_id == "portal"
    assert door.authenticate(f"bearer  {_token(provider)}", now=provider.now) == caller


def test_without_a_token_it_is_told_how_and_nothing_else(door, provider):
    """RFC 6750 §3.1: no error code where no authentication was tried."""
    refusal = _refusal(door, None, provider)
    assert (refusal.status, refusal.challenge) == (401, 'Bearer realm="sign"')


@pytest.mark.parametrize("header", ["", "Bearer", "Bearer ", "Basic eDp5", "Bearer x.y.z", "x"])
def test_what_is_no_token_is_refused(door, provider, header):
    refusal = _refusal(door, header, provider)
    assert (refusal.status, refusal.error) == (401, "invalid_token")
    assert 'error="invalid_token"' in refusal.challenge


@pytest.mark.parametrize("audience", [f"{ISSUER}/userinfo", ISSUER, f"{ISSUER}/sign/"])
def test_a_token_for_something_else_is_refused(door, provider, audience):
    """RFC 9068 §4: the audience must be this resource."""
    header = f"Bearer {_token(provider, audience=audience)}"
    assert _refusal(door, header, provider).status == 401


def test_a_token_that_ended_is_refused(door, provider):
    token = _token(provider)
    provider.clock.now += timedelta(seconds=400)
    assert _refusal(door, f"Bearer {token}", provider).status == 401


def test_a_token_without_the_scope_may_not_sign(door, provider):
    """RFC 6750 §3.1: insufficient_scope is 403, with the scope that is needed."""
    refusal = _refusal(door, f"Bearer {_token(provider, scopes=('doc.read',))}", provider)
    assert (refusal.status, refusal.error) == (403, "insufficient_scope")
    assert 'scope="sign"' in refusal.challenge


@pytest.mark.parametrize("client_id", ["legacy", "nobody"])
def test_a_legacy_client_and_one_that_is_gone_sign_nothing(door, provider, client_id):
    """Architecture, "Client profiles": legacy clients have no signing."""
    assert _refusal(door, f"Bearer {_token(provider, client_id)}", provider).status == 401


def test_what_a_person_allowed_opens_nothing(door, provider):
    token = Browser(provider).tokens("portal")["access_token"]
    assert _refusal(door, f"Bearer {token}", provider).status == 401


@pytest.mark.parametrize(
    ("uri", "is_own"),
    [
        ("https://portal.example/anything?x=1", True),
        ("https://portal.example", True),
        ("https://portal.example:8443/x", False),
        ("http://portal.example/x", False),
        ("https://portal.example.evil.example/x", False),
        ("https://evil.example/portal.example", False),
        ("https://portal.example@evil.example/x", False),
        ("https://evil.example\\@portal.example/x", False),
        ("https://portal.example/x#fragment", False),
        ("https://user@portal.example/x", False),
        ("https://portal.example/ x", False),
        ("https://portal.example/x\r\nSet-Cookie: a=b", False),
        ("javascript:alert(1)//portal.example", False),
        ("//portal.example/x", False),
        ("/x", False),
        ("https://[::1/x", False),
        ("https://pörtal.example/x", False),
    ],
)
def test_an_address_is_a_portals_own_when_a_redirect_uri_has_its_origin(
    door, provider, uri, is_own
):
    """RFC 9700 §4.11: nobody is sent anywhere in the name of a portal that is not the portal's."""
    assert door.is_own_address(uri, client_id="portal", now=provider.now) is is_own


def test_who_is_no_client_owns_no_address(door, provider):
    uri = "https://portal.example/x"
    assert not door.is_own_address(uri, client_id="nobody", now=provider.now)


def test_only_the_api_takes_large_bodies(provider):
    assert most_bytes_of_request(provider.services.settings) == (200 + 16) << 20


def test_a_portal_is_let_in_so_often_within_a_minute(door, provider):
    """The window is the portal's own, and ends by itself."""
    settings = msgspec.structs.replace(provider.services.settings, signing_requests_per_minute=2)
    door = RegisteredPortals(replace(provider.services, settings=settings))
    for _ in range(2):
        door.admit(PortalCaller("portal"), now=provider.now)
    with pytest.raises(RequestRefused, match="too_many_requests"):
        door.admit(PortalCaller("portal"), now=provider.now)
    door.admit(PortalCaller("another"), now=provider.now)
    door.admit(PortalCaller("portal"), now=provider.now + timedelta(seconds=60))


def test_nobody_is_let_in_uncounted(provider):
    """Architecture, 6: limits fail closed."""
    gone = RedisEphemeralStore("redis://127.0.0.1:1/0")
    door = RegisteredPortals(replace(provider.services, ephemeral=gone))
    with pytest.raises(LimitsUnavailable):
        door.admit(PortalCaller("portal"), now=provider.now)
    gone.close()
