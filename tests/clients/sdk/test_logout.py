"""Signing out: where the browser is sent, and which logout tokens are believed."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from urllib.parse import parse_qs, urlsplit

import pytest
from joserfc.jwk import ECKey, RSAKey

from clients.sdk import LogoutTokenInvalid, MemoryReplayStore, NotOffered, ProviderUnavailable
from tests.clients.sdk.provider import CLIENT_ID, EVENT, ISSUER, mac_key, make_portal, sign_in


def refused(portal, token: str) -> tuple[int, str]:
    with pytest.raises(LogoutTokenInvalid) as caught:
        portal.receive_backchannel_logout(token)
    return caught.value.step, caught.value.reason


def test_the_address_of_signing_out_carries_hint_and_way_back(portal, provider) -> None:
    """OIDC RP-Initiated Logout 1.0 §2."""
    login = sign_in(portal, provider)
    url = portal.logout_url(
        id_token=login.tokens.id_token,
        post_logout_redirect_uri="https://cong.example/signed-out",
        state="abc",
        ui_locales=["vi"],
    )
    assert url.startswith(f"{ISSUER}/logout?")
    assert {name: values[0] for name, values in parse_qs(urlsplit(url).query).items()} == {
        "client_id": CLIENT_ID,
        "id_token_hint": login.tokens.id_token.reveal(),
        "post_logout_redirect_uri": "https://cong.example/signed-out",
        "state": "abc",
        "ui_locales": "vi",
    }


def test_only_what_was_given_is_sent(portal) -> None:
    assert portal.logout_url(id_token=None) == f"{ISSUER}/logout?client_id={CLIENT_ID}"


def test_a_provider_without_logout_says_so(provider) -> None:
    del provider.metadata["end_session_endpoint"]
    with pytest.raises(NotOffered):
        make_portal(provider).logout_url(id_token=None)


def test_a_good_logout_token_names_whom_to_sign_out(portal, provider) -> None:
    notice = portal.receive_backchannel_logout(provider.logout_token())
    assert (notice.subject, notice.sid) == ("p-1", "s-1")


@pytest.mark.parametrize("missing", ["sub", "sid"])
def test_sub_or_sid_alone_is_enough(portal, provider, missing: str) -> None:
    """OIDC Back-Channel Logout 1.0 §2.4."""
    notice = portal.receive_backchannel_logout(provider.logout_token(**{missing: None}))
    assert (notice.subject is None) is (missing == "sub")


def test_a_replayed_token_is_refused(portal, provider) -> None:
    """OIDC Back-Channel Logout 1.0 §2.6 step 7."""
    token = provider.logout_token()
    portal.receive_backchannel_logout(token)
    assert refused(portal, token) == (7, "replayed")


def test_a_token_posted_many_times_at_once_is_taken_once(portal, provider) -> None:
    token = provider.logout_token()
    together = threading.Barrier(16)

    def receive(_: int) -> bool:
        together.wait()
        try:
            portal.receive_backchannel_logout(token)
        except LogoutTokenInvalid:
            return False
        return True

    with ThreadPoolExecutor(16) as pool:
        assert sum(pool.map(receive, range(16))) == 1


def test_the_mark_of_a_token_outlives_it(portal, provider, clock) -> None:
    token = provider.logout_token()
    portal.receive_backchannel_logout(token)
    clock.advance(timedelta(seconds=124))
    assert refused(portal, token) == (7, "replayed")
    clock.advance(timedelta(seconds=1))
    assert refused(portal, token) == (3, "expired")


def test_marks_go_when_their_time_is_over(now) -> None:
    store = MemoryReplayStore()
    later = now + timedelta(seconds=10)
    assert store.first_use("a", until=later, now=now)
    assert not store.first_use("a", until=later, now=now)
    assert store.first_use("a", until=later, now=later)


def test_a_refused_token_leaves_no_mark(portal, provider) -> None:
    assert refused(portal, provider.logout_token(jti="j", nonce="n"))[0] == 6
    assert portal.receive_backchannel_logout(provider.logout_token(jti="j")).sid == "s-1"


@pytest.mark.parametrize(
    ("changes", "step", "reason"),
    [
        ({"iss": "https://other.example"}, 3, "issuer"),
        ({"iss": None}, 3, "issuer"),
        ({"aud": "other"}, 3, "audience"),
        ({"aud": [CLIENT_ID, "other"]}, 3, "audience"),
        ({"aud": None}, 3, "audience"),
        ({"iat": None}, 3, "iat_missing"),
        ({"iat": "now"}, 3, "iat_not_a_date"),
        ({"exp": None}, 3, "exp_missing"),
        ({"exp": 1}, 3, "expired"),
        ({"exp": 10**11}, 3, "lives_too_long"),
        ({"iat": 1}, 3, "issued_at"),
        ({"iat": 10**11}, 3, "issued_at"),
        ({"sub": None, "sid": None}, 4, "nobody_named"),
        ({"sub": "", "sid": 7}, 4, "nobody_named"),
        ({"events": None}, 5, "events"),
        ({"events": []}, 5, "events"),
        ({"events": {}}, 5, "events"),
        ({"events": {"other": {}}}, 5, "events"),
        ({"events": {EVENT: True}}, 5, "events"),
        ({"nonce": "n"}, 6, "nonce"),
        ({"nonce": ""}, 6, "nonce"),
        ({"jti": None}, 7, "jti_missing"),
        ({"jti": 7}, 7, "jti_missing"),
    ],
)
def test_a_token_with_a_fault_is_refused(portal, provider, changes, step, reason) -> None:
    """OIDC Back-Channel Logout 1.0 §2.4, §2.6."""
    assert refused(portal, provider.logout_token(**changes)) == (step, reason)


@pytest.mark.parametrize("typ", [None, "JWT", "at+jwt"])
def test_another_kind_of_token_is_no_logout_token(portal, provider, typ) -> None:
    """OIDC Back-Channel Logout 1.0 §2.4; RFC 8725 §3.11."""
    assert refused(portal, provider.logout_token(typ=typ)) == (2, "typ")


def test_an_id_token_signs_nobody_out(portal, provider) -> None:
    token = sign_in(portal, provider).tokens.id_token.reveal()
    assert refused(portal, token) == (2, "typ")


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
    """OIDC Back-Channel Logout 1.0 §2.6 step 2: as ID tokens; `none` MUST NOT be used."""
    provider.signer = (algorithm, key)
    assert refused(portal, provider.logout_token()) == (2, reason)


def test_an_unknown_key_is_refused(portal, provider) -> None:
    provider.spoil_header = lambda header: header.update(kid="nobody")
    assert refused(portal, provider.logout_token()) == (2, "key_unknown")


@pytest.mark.parametrize(
    ("token", "reason"),
    [
        ("", "not_compact"),
        ("x", "not_compact"),
        ("a.b.c.d.e", "encrypted"),
        ("é.é.é", "not_base64url"),
    ],
)
def test_what_is_no_token_is_refused(portal, token: str, reason: str) -> None:
    assert refused(portal, token) == (1, reason)


def test_when_keys_cannot_be_had_the_provider_may_try_again(portal, provider) -> None:
    provider.is_down = True
    with pytest.raises(ProviderUnavailable):
        portal.receive_backchannel_logout(provider.logout_token())
