"""The provider's keys: kept as long as it says, fetched again for a new `kid`, never in a rush."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from joserfc.jwk import ECKey, OctKey, RSAKey

from clients.sdk import HttpAnswer, IdTokenInvalid, LogoutTokenInvalid, ProviderUnavailable
from clients.sdk.cache import stated_lifetime
from clients.sdk.keys import parse_jwk_set
from tests.clients.sdk.provider import make_portal, sign_in


def test_keys_are_fetched_once_while_they_are_fresh(portal, provider, clock) -> None:
    for _ in range(3):
        sign_in(portal, provider)
        clock.advance(timedelta(seconds=99))
    assert provider.count("jwks") == 1


def test_keys_are_fetched_again_when_their_time_is_over(portal, provider, clock) -> None:
    """RFC 9111 §4.2: `max-age`."""
    sign_in(portal, provider)
    clock.advance(timedelta(seconds=300))
    sign_in(portal, provider)
    assert provider.count("jwks") == 2


def test_a_key_that_is_withdrawn_stops_verifying(portal, provider, clock) -> None:
    sign_in(portal, provider)
    stolen = provider.keys.pop("k1")
    provider.keys["k2"] = ECKey.generate_key("P-256")
    clock.advance(timedelta(seconds=301))
    provider.signer = ("ES256", stolen)
    provider.spoil_header = lambda header: header.update(kid="k1")
    with pytest.raises(IdTokenInvalid) as caught:
        sign_in(portal, provider)
    assert caught.value.reason == "key_unknown"


def test_keys_rotated_between_the_redirect_and_the_token_still_verify(portal, provider) -> None:
    """OIDC Core §10.1.1: an unknown `kid` means that the set has to be fetched again."""
    sign_in(portal, provider)
    started = portal.start_login()
    response = provider.authorize(started.url)
    provider.keys = {"k2": ECKey.generate_key("P-256")}
    assert portal.finish_login(response, started.state_to_keep).subject == "p-1"
    assert provider.count("jwks") == 2


def test_unknown_kids_fetch_once_per_cooldown(portal, provider, clock) -> None:
    sign_in(portal, provider)
    good = provider.spoil_header
    provider.spoil_header = lambda header: header.update(kid="made-up")
    for _ in range(20):
        with pytest.raises(LogoutTokenInvalid):
            portal.receive_backchannel_logout(provider.logout_token())
    assert provider.count("jwks") == 2
    clock.advance(timedelta(seconds=30))
    provider.spoil_header = good
    provider.keys["k2"] = ECKey.generate_key("P-256")
    assert portal.receive_backchannel_logout(provider.logout_token()).sid == "s-1"
    assert provider.count("jwks") == 3


def test_many_threads_with_a_new_kid_fetch_once(portal, provider) -> None:
    sign_in(portal, provider)
    provider.keys["k2"] = ECKey.generate_key("P-256")
    together = threading.Barrier(16)
    tokens = [provider.logout_token() for _ in range(16)]

    def receive(token: str) -> str | None:
        together.wait()
        return portal.receive_backchannel_logout(token).sid

    with ThreadPoolExecutor(16) as pool:
        assert set(pool.map(receive, tokens)) == {"s-1"}
    assert provider.count("jwks") == 2


def test_many_threads_at_a_cold_start_fetch_once(provider) -> None:
    portal = make_portal(provider)
    together = threading.Barrier(16)
    tokens = [provider.logout_token() for _ in range(16)]

    def receive(token: str) -> str | None:
        together.wait()
        return portal.receive_backchannel_logout(token).sid

    with ThreadPoolExecutor(16) as pool:
        assert set(pool.map(receive, tokens)) == {"s-1"}
    assert (provider.count("metadata"), provider.count("jwks")) == (1, 1)


def test_a_provider_that_failed_is_left_alone_for_a_second(provider, clock) -> None:
    portal = make_portal(provider)
    provider.is_down = True
    for _ in range(5):
        with pytest.raises(ProviderUnavailable):
            portal.start_login()
    assert provider.count("metadata") == 1
    provider.is_down = False
    clock.advance(timedelta(seconds=1))
    assert portal.start_login().url


def test_a_clock_set_back_does_not_keep_old_keys_for_ever(portal, provider, clock) -> None:
    sign_in(portal, provider)
    clock.advance(timedelta(days=-1))
    sign_in(portal, provider)
    assert provider.count("jwks") == 2


@pytest.mark.parametrize(
    ("header", "seconds"),
    [
        ("", 300),
        ("max-age=60", 60),
        ("public, max-age=3600, must-revalidate", 3600),
        ('max-age="15"', 15),
        ("MAX-AGE=15", 15),
        ("max-age=99999999999999999999", 86400),
        ("max-age=9999999999", 86400),
        ("no-store", 0),
        ("no-cache, max-age=60", 0),
        ("s-maxage=5", 300),
        ("max-age=-1", 300),
    ],
)
def test_how_long_an_answer_is_kept(header: str, seconds: int) -> None:
    answer = HttpAnswer(status=200, headers={"cache-control": header}, body=b"")
    assert stated_lifetime(answer) == timedelta(seconds=seconds)


def test_no_store_does_not_mean_a_fetch_per_sign_in(portal, provider) -> None:
    provider.cache_control = "no-store"
    for _ in range(5):
        sign_in(portal, provider)
    assert (provider.count("metadata"), provider.count("jwks")) == (1, 1)


def test_a_token_without_kid_needs_a_set_with_one_fitting_key(portal, provider) -> None:
    """OIDC Core §10.1: with several keys a `kid` MUST be given."""
    provider.spoil_header = lambda header: header.pop("kid")
    provider.keys = {"r1": RSAKey.generate_key(2048), "k1": provider.keys["k1"]}
    assert sign_in(portal, provider).subject == "p-1"
    provider.keys["k2"] = ECKey.generate_key("P-256")
    with pytest.raises(IdTokenInvalid) as caught:
        sign_in(make_portal(provider), provider)
    assert caught.value.reason == "key_unknown"


def test_only_public_signing_keys_of_a_set_are_used(provider) -> None:
    """RFC 7517 §5: what is not understood is ignored."""
    good = provider.public("k1")
    weak = {"kty": "RSA", "n": "AQAB" * 20, "e": "AQAB", "kid": "weak"}
    entries = [
        good,
        good | {"use": "enc", "kid": "enc"},
        {**provider.keys["k1"].as_dict(private=True), "kid": "private"},
        {**OctKey.generate_key(256).as_dict(), "kid": "oct"},
        {"kty": "AKP", "alg": "ML-DSA-65", "pub": "AAAA", "kid": "later"},
        good | {"x": "AAAA", "kid": "off-curve"},
        good | {"crv": "P-999", "kid": "unknown-curve"},
        {"kty": "EC", "kid": "empty"},
        weak,
        "nothing",
    ]
    assert [key.kid for key in parse_jwk_set(provider.json({"keys": entries}).body)] == ["k1"]


def test_a_key_for_another_algorithm_verifies_nothing(portal, provider) -> None:
    provider.answers["jwks"] = provider.json({"keys": [provider.public("k1") | {"alg": "ES384"}]})
    with pytest.raises(IdTokenInvalid) as caught:
        sign_in(portal, provider)
    assert caught.value.reason == "key_unknown"


@pytest.mark.parametrize(
    "body", [b"", b"[]", b"{}", b'{"keys": 7}', b'{"keys": null}', b"\xff", b"[" * 5_000]
)
def test_what_is_no_set_is_an_outage(portal, provider, body: bytes) -> None:
    provider.answers["jwks"] = HttpAnswer(status=200, headers={}, body=body)
    with pytest.raises(ProviderUnavailable):
        sign_in(portal, provider)


def test_an_error_instead_of_a_set_is_an_outage(portal, provider) -> None:
    provider.answers["jwks"] = HttpAnswer(status=500, headers={}, body=b"{}")
    with pytest.raises(ProviderUnavailable):
        sign_in(portal, provider)


def test_a_set_without_end_is_an_outage(portal, provider) -> None:
    provider.answers["jwks"] = provider.json({"keys": [provider.public("k1")] * 101})
    with pytest.raises(ProviderUnavailable):
        sign_in(portal, provider)
