"""Whatever comes in, the SDK answers with one of its own errors (OIDC Core §3.1.2.7, §3.1.3.7)."""

from __future__ import annotations

import base64
import contextlib
import json
from datetime import UTC, datetime
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from clients.sdk import HttpAnswer, Portal, SdkError
from clients.sdk.jose import parse_jwt
from clients.sdk.keys import parse_jwk_set
from tests.clients.sdk.provider import FakeProvider, make_portal, sign_in

NOW = datetime(2026, 11, 21, 3, 4, 5, tzinfo=UTC)
PROVIDER = FakeProvider(lambda: NOW)
PORTAL: Portal = make_portal(PROVIDER)

json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner),
    max_leaves=8,
)
segments = st.one_of(
    st.text(max_size=20),
    st.binary(max_size=40).map(lambda raw: base64.urlsafe_b64encode(raw).decode().rstrip("=")),
    json_values.map(
        lambda value: base64.urlsafe_b64encode(json.dumps(value).encode()).decode().rstrip("=")
    ),
)
claim_names = st.sampled_from(
    ["iss", "sub", "aud", "azp", "exp", "iat", "nbf", "nonce", "acr", "auth_time", "at_hash", "sid"]
)


@given(st.lists(segments, max_size=6).map(".".join))
def test_reading_any_text_as_a_token_is_safe(raw: str) -> None:
    with contextlib.suppress(SdkError):
        parse_jwt(raw)


@given(
    st.binary(max_size=60) | json_values.map(lambda value: json.dumps({"keys": [value]}).encode())
)
def test_reading_any_bytes_as_keys_is_safe(raw: bytes) -> None:
    with contextlib.suppress(SdkError):
        parse_jwk_set(raw)


@given(
    st.lists(st.tuples(st.sampled_from(["state", "code", "iss", "error"]) | st.text(), st.text()))
)
def test_any_response_of_the_browser_is_safe(parameters: list[tuple[str, str]]) -> None:
    started = PORTAL.start_login()
    with contextlib.suppress(SdkError):
        PORTAL.finish_login(
            [("state", started.state_to_keep.state), *parameters], started.state_to_keep
        )


@given(st.dictionaries(claim_names, json_values, min_size=1))
def test_any_signed_claims_are_safe(changes: dict[str, Any]) -> None:
    provider = FakeProvider(lambda: NOW)
    provider.spoil_claims = lambda claims: claims.update(changes)
    with contextlib.suppress(SdkError):
        login = sign_in(make_portal(provider), provider, acr_values=["urn:vn:auth:1"])
        assert isinstance(repr((login.acr, login.sid, login.authenticated_at)), str)


@given(st.dictionaries(claim_names | st.sampled_from(["jti", "events"]), json_values, min_size=1))
def test_any_logout_token_is_safe(changes: dict[str, Any]) -> None:
    with contextlib.suppress(SdkError):
        PORTAL.receive_backchannel_logout(PROVIDER.logout_token(**changes))


@given(st.binary(max_size=60) | json_values.map(lambda value: json.dumps(value).encode()))
def test_any_answer_of_the_token_endpoint_is_safe(body: bytes) -> None:
    provider = FakeProvider(lambda: NOW)
    provider.answers["token"] = HttpAnswer(status=200, headers={}, body=body)
    with contextlib.suppress(SdkError):
        sign_in(make_portal(provider), provider)
