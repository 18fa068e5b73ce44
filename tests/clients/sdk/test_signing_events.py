"""What is pushed to a portal about its requests, and which of it is believed."""

from __future__ import annotations

from datetime import timedelta

import pytest
from joserfc.jwk import ECKey, RSAKey

from clients.sdk import ProviderUnavailable, SigningEventInvalid, SigningState
from tests.clients.sdk.provider import CLIENT_ID, mac_key, make_portal
from tests.clients.sdk.signing_api import EVENT, FakeSigning


@pytest.fixture
def provider(clock) -> FakeSigning:
    return FakeSigning(clock)


def refused(portal, token: str) -> SigningEventInvalid:
    with pytest.raises(SigningEventInvalid) as caught:
        portal.receive_signing_event(token)
    return caught.value


def test_a_good_event_says_how_a_request_stands(portal, provider, now) -> None:
    said = {"request_id": "sr_1", "state": "failed", "reason": "document_gone"}
    event = portal.receive_signing_event(provider.event_token(jti="e-1", events={EVENT: said}))
    assert (event.event_id, event.request_id) == ("e-1", "sr_1")
    assert (event.state, event.reason) == (SigningState.FAILED, "document_gone")
    assert event.issued_at == now.replace(microsecond=0)


def test_white_space_around_a_token_is_none_of_it(portal, provider) -> None:
    assert portal.receive_signing_event(provider.event_token() + "\n").request_id == "sr_1"


def test_an_event_that_comes_again_is_known_as_such(portal, provider) -> None:
    """RFC 8935 §2: an event may be pushed more than once."""
    portal.receive_signing_event(provider.event_token(jti="e-1"))
    error = refused(portal, provider.event_token(jti="e-1"))
    assert error.is_repeated
    assert (error.step, error.reason) == (6, "repeated")


def test_an_event_that_was_refused_leaves_no_mark(portal, provider) -> None:
    refused(portal, provider.event_token(jti="e-1", events={EVENT: {}}))
    assert portal.receive_signing_event(provider.event_token(jti="e-1")).event_id == "e-1"


def test_an_event_and_a_logout_token_of_one_name_are_two(portal, provider) -> None:
    portal.receive_backchannel_logout(provider.logout_token(jti="j"))
    assert portal.receive_signing_event(provider.event_token(jti="j")).event_id == "j"


def test_the_mark_of_an_event_outlives_it(portal, provider, clock) -> None:
    token = provider.event_token()
    portal.receive_signing_event(token)
    clock.advance(timedelta(minutes=10))
    assert refused(portal, token).is_repeated
    clock.advance(timedelta(seconds=6))
    assert refused(portal, token).reason == "issued_at"


@pytest.mark.parametrize(
    ("changes", "step", "reason", "err"),
    [
        ({"iss": "https://other.example"}, 3, "issuer", "invalid_issuer"),
        ({"aud": "other"}, 3, "audience", "invalid_audience"),
        ({"aud": [CLIENT_ID, "other"]}, 3, "audience", "invalid_audience"),
        ({"aud": None}, 3, "audience", "invalid_audience"),
        ({"iat": None}, 3, "iat_missing", "invalid_request"),
        ({"iat": "now"}, 3, "iat_not_a_date", "invalid_request"),
        ({"iat": 1}, 3, "issued_at", "invalid_request"),
        ({"iat": 10**11}, 3, "issued_at", "invalid_request"),
        ({"nonce": "n"}, 4, "nonce", "invalid_request"),
        ({"exp": 10**10}, 4, "exp", "invalid_request"),
        ({"events": None}, 5, "events", "invalid_request"),
        ({"events": []}, 5, "events", "invalid_request"),
        ({"events": {"other": {}}}, 5, "events", "invalid_request"),
        ({"events": {EVENT: True}}, 5, "events", "invalid_request"),
        ({"events": {EVENT: {"state": "signed"}}}, 5, "request_id", "invalid_request"),
        ({"events": {EVENT: {"request_id": "sr_1"}}}, 5, "state", "invalid_request"),
        (
            {"events": {EVENT: {"request_id": "sr_1", "state": "eaten"}}},
            5,
            "state",
            "invalid_request",
        ),
        ({"jti": None}, 6, "jti_missing", "invalid_request"),
        ({"jti": 7}, 6, "jti_missing", "invalid_request"),
    ],
)
def test_an_event_with_a_fault_is_refused(portal, provider, changes, step, reason, err) -> None:
    """RFC 8417 §2.2, §4; RFC 8935 §2.4 (what is answered)."""
    error = refused(portal, provider.event_token(**changes))
    assert (error.step, error.reason, error.err) == (step, reason, err)
    assert not error.is_repeated


@pytest.mark.parametrize("typ", [None, "JWT", "at+jwt", "logout+jwt"])
def test_another_kind_of_token_is_no_event(portal, provider, typ) -> None:
    """RFC 8417 §2.3; RFC 8725 §3.11."""
    error = refused(portal, provider.event_token(typ=typ))
    assert (error.step, error.reason) == (2, "typ")


@pytest.mark.parametrize(
    ("algorithm", "key", "reason"),
    [
        ("none", None, "algorithm"),
        ("HS256", mac_key(), "algorithm"),
        ("RS256", RSAKey.generate_key(2048), "algorithm"),
        ("ES256", ECKey.generate_key("P-256"), "signature"),
    ],
)
def test_a_foreign_signature_is_refused(portal, provider, algorithm, key, reason) -> None:
    """RFC 8417 §5.1: the signature MUST be validated."""
    provider.signer = (algorithm, key)
    error = refused(portal, provider.event_token())
    assert (error.step, error.reason, error.err) == (2, reason, "invalid_key")


def test_an_unknown_key_is_refused(portal, provider) -> None:
    provider.spoil_header = lambda header: header.update(kid="nobody")
    assert refused(portal, provider.event_token()).reason == "key_unknown"


@pytest.mark.parametrize("token", ["", "x", "a.b.c.d.e", "é.é.é", "a" * 20_000])
def test_what_is_no_token_is_refused(portal, token) -> None:
    error = refused(portal, token)
    assert (error.step, error.err) == (1, "invalid_request")


def test_events_are_es256_whatever_id_tokens_are(provider) -> None:
    portal = make_portal(provider, id_token_alg="RS256")
    assert portal.receive_signing_event(provider.event_token()).request_id == "sr_1"


def test_without_the_keys_nothing_is_judged(portal, provider) -> None:
    token = provider.event_token()
    provider.is_down = True
    with pytest.raises(ProviderUnavailable):
        portal.receive_signing_event(token)
