"""RP-initiated logout plan: who may sign a person out, and where the browser goes then."""

from __future__ import annotations

import json
import secrets
import time
from typing import Any

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec
from jose import jwt

from tests.conformance.test_config import check_endpoints_are_https
from tests.relying_party.flow import RelyingParty, SignIn
from tests.relying_party.person import Arrival, Stopped
from tests.relying_party.tokens import encode_part


def _request(rp: RelyingParty, done: SignIn, **changes: str | None) -> dict[str, str]:
    """A logout request with everything that belongs to it; None leaves a parameter out."""
    parameters: dict[str, str | None] = {
        "id_token_hint": done.id_token.raw,
        "post_logout_redirect_uri": rp.client.post_logout_redirect_uri,
        "state": secrets.token_urlsafe(96),  # 128 signs, to see that none is lost
        **changes,
    }
    return {name: value for name, value in parameters.items() if value is not None}


def _expect_return(rp: RelyingParty, parameters: dict[str, str]) -> None:
    """The browser comes back with the state and nothing else, and nobody is signed in."""
    end = rp.confirm_logout(rp.end_session(parameters))
    assert isinstance(end, Arrival), (
        f"{end.answer.status} {end.page.headings} {end.page.text[:200]}"
    )
    expected = {"state": parameters["state"]} if "state" in parameters else {}
    assert end.fields == expected
    rp.expect_no_session()


def _expect_signed_out_page(rp: RelyingParty, parameters: dict[str, str]) -> None:
    """The person is signed out and told so; the relying party is not called."""
    end = rp.confirm_logout(rp.end_session(parameters))
    assert isinstance(end, Stopped)
    assert end.answer.status == 200, f"{end.answer.status} {end.page.text[:200]}"
    assert end.page.headings
    rp.expect_no_session()


def _expect_refusal(rp: RelyingParty, parameters: dict[str, str]) -> None:
    """An error page or a question comes, without signing anybody out.

    Whatever the person answers, the browser does not go to the relying party.
    """
    end = rp.end_session(parameters)
    assert isinstance(end, Stopped)
    assert end.page.headings
    if end.page.find_button("logout-confirm") is None:
        assert 400 <= end.answer.status < 500
    rp.expect_session()
    assert isinstance(rp.confirm_logout(end), Stopped)


@pytest.mark.module("oidcc-rp-initiated-logout-discovery-endpoint-verification")
def test_discovery(rp: RelyingParty) -> None:
    """The metadata has an end_session_endpoint, and every endpoint is https.

    RP-Initiated Logout 1.0 §2.1.
    """
    assert rp.metadata["end_session_endpoint"].startswith("https://")
    check_endpoints_are_https(rp.metadata)


@pytest.mark.module("oidcc-rp-initiated-logout")
def test_logout(rp: RelyingParty) -> None:
    """With hint, registered address and state, the browser comes back with the state, signed out.

    RP-Initiated Logout 1.0 §2, §3.
    """
    _expect_return(rp, _request(rp, rp.sign_in()))


@pytest.mark.module("oidcc-rp-initiated-logout-no-state")
def test_no_state(rp: RelyingParty) -> None:
    """Without a state the browser comes back without one.

    RP-Initiated Logout 1.0 §2, §3.
    """
    _expect_return(rp, _request(rp, rp.sign_in(), state=None))


@pytest.mark.module("oidcc-rp-initiated-logout-no-post-logout-redirect-uri")
def test_no_post_logout_redirect_uri(rp: RelyingParty) -> None:
    """Without an address to go to, the person is signed out and sees so.

    RP-Initiated Logout 1.0 §2.
    """
    _expect_signed_out_page(rp, _request(rp, rp.sign_in(), post_logout_redirect_uri=None))


@pytest.mark.module("oidcc-rp-initiated-logout-only-state")
def test_only_state(rp: RelyingParty) -> None:
    """With nothing but a state, the person is signed out and sees so.

    RP-Initiated Logout 1.0 §2.
    """
    done = rp.sign_in()
    parameters = _request(rp, done, id_token_hint=None, post_logout_redirect_uri=None)
    _expect_signed_out_page(rp, parameters)


@pytest.mark.module("oidcc-rp-initiated-logout-no-params")
def test_no_params(rp: RelyingParty) -> None:
    """Without any parameter the person is signed out (once they confirm) and sees so.

    RP-Initiated Logout 1.0 §2.
    """
    rp.sign_in()
    first = rp.end_session({})
    assert isinstance(first, Stopped)
    assert first.page.find_button("logout-confirm") is not None, "any page could sign people out"
    rp.expect_session()
    _expect_signed_out_page(rp, {})


@pytest.mark.module("oidcc-rp-initiated-logout-no-id-token-hint")
def test_no_id_token_hint(rp: RelyingParty) -> None:
    """An address without a hint that says whose it is, is not redirected to.

    RP-Initiated Logout 1.0 §2, §3.
    """
    _expect_refusal(rp, _request(rp, rp.sign_in(), id_token_hint=None))


@pytest.mark.module("oidcc-rp-initiated-logout-bad-post-logout-redirect-uri")
def test_bad_post_logout_redirect_uri(rp: RelyingParty) -> None:
    """An address that is not registered is not redirected to.

    RP-Initiated Logout 1.0 §2, §3 (exact match).
    """
    bad = f"{rp.client.post_logout_redirect_uri}/{secrets.token_urlsafe(6)}"
    _expect_refusal(rp, _request(rp, rp.sign_in(), post_logout_redirect_uri=bad))


@pytest.mark.module("oidcc-rp-initiated-logout-query-added-to-post-logout-redirect-uri")
def test_query_added(rp: RelyingParty) -> None:
    """A registered address with a query added is another address.

    RP-Initiated Logout 1.0 §3 (exact match).
    """
    bad = f"{rp.client.post_logout_redirect_uri}?foo=bar"
    _expect_refusal(rp, _request(rp, rp.sign_in(), post_logout_redirect_uri=bad))


@pytest.mark.module("oidcc-rp-initiated-logout-bad-id-token-hint")
def test_bad_id_token_hint(rp: RelyingParty) -> None:
    """A hint signed by somebody else is worth nothing, whatever it says.

    RP-Initiated Logout 1.0 §2, §4.
    """
    done = rp.sign_in()
    now = int(time.time())
    swapped = {
        "iss": rp.client.client_id,
        "aud": rp.provider.issuer,
        "sub": "SubjectID",
        "nonce": "flibble",
        "iat": now,
        "exp": now + 300,
    }
    forged = _signed_by_us(swapped)
    _expect_refusal(rp, _request(rp, done, id_token_hint=forged))
    if rp.browser.cookies_for(rp.provider.issuer):
        rp.sign_in()
    copied = _signed_by_us(done.id_token.claims, kid=done.id_token.header["kid"])
    _expect_refusal(rp, _request(rp, done, id_token_hint=copied))


def _signed_by_us(claims: dict[str, Any], **header: str) -> str:
    key = ec.generate_private_key(ec.SECP256R1()).private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
    signed: str = jwt.encode(claims, key.decode(), algorithm="ES256", headers=header)
    return signed


@pytest.mark.module("oidcc-rp-initiated-logout-modified-id-token-hint")
def test_modified_id_token_hint(rp: RelyingParty) -> None:
    """A hint that was changed to `alg: none` is worth nothing.

    RP-Initiated Logout 1.0 §2, §4.
    """
    done = rp.sign_in()
    header = encode_part(json.dumps({"alg": "none"}).encode())
    payload = done.id_token.raw.split(".")[1]
    _expect_refusal(rp, _request(rp, done, id_token_hint=f"{header}.{payload}."))
