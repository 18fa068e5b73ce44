"""Metadata is used whole or not at all, and only over https or the loopback interface."""

from __future__ import annotations

import json
from typing import Any

import pytest

from clients.sdk import HttpAnswer, MetadataInvalid, Portal, ProviderUnavailable, SettingsInvalid
from clients.sdk.discovery import check_address
from tests.clients.sdk.provider import ISSUER, make_portal


def test_metadata_comes_from_the_well_known_place(portal, provider) -> None:
    """OIDC Discovery 1.0 §4.1."""
    assert portal.metadata().token_endpoint == f"{ISSUER}/token"
    assert provider.requests[0].url == f"{ISSUER}/.well-known/openid-configuration"


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"issuer": "https://other.example"}, "issuer_differs"),
        ({"issuer": ISSUER + "/"}, "issuer_differs"),
        ({"issuer": None}, "issuer_differs"),
        ({"response_types_supported": ["id_token"]}, "code_flow_not_offered"),
        ({"response_types_supported": "code"}, "code_flow_not_offered"),
        ({"code_challenge_methods_supported": ["plain"]}, "pkce_s256_not_offered"),
        ({"token_endpoint": "http://dang-nhap.example/token"}, "token_endpoint_not_https"),
        ({"jwks_uri": None}, "jwks_uri_missing"),
        ({"authorization_endpoint": "javascript:1"}, "authorization_endpoint_unreadable"),
        ({"userinfo_endpoint": "https://a@dang-nhap.example/"}, "userinfo_endpoint_unreadable"),
        ({"end_session_endpoint": "https://x/#a"}, "end_session_endpoint_unreadable"),
        ({"jwks_uri": "https://[::1/"}, "jwks_uri_unreadable"),
    ],
)
def test_metadata_with_a_fault_is_refused(portal, provider, change: Any, reason: str) -> None:
    """OIDC Discovery 1.0 §3, §4.3: the issuer MUST be identical."""
    provider.metadata |= change
    with pytest.raises(MetadataInvalid) as caught:
        portal.start_login()
    assert caught.value.reason == reason


@pytest.mark.parametrize("body", [b"", b"<html>", b"[]", b"7", b"[" * 5_000])
def test_what_is_no_metadata_is_refused(portal, provider, body: bytes) -> None:
    provider.answers["metadata"] = HttpAnswer(status=200, headers={}, body=body)
    with pytest.raises(MetadataInvalid):
        portal.metadata()


@pytest.mark.parametrize("status", [301, 404, 500])
def test_another_status_is_an_outage(portal, provider, status: int) -> None:
    body = json.dumps(provider.metadata).encode()
    provider.answers["metadata"] = HttpAnswer(status=status, headers={}, body=body)
    with pytest.raises(ProviderUnavailable):
        portal.metadata()


@pytest.mark.parametrize(
    "url",
    [
        "https://a.example/x",
        "http://localhost:8000",
        "http://127.0.0.1:1",
        "http://[::1]:1",
        "http://a.localhost/",
    ],
)
def test_addresses_that_pass(url: str) -> None:
    check_address(url, name="url")


@pytest.mark.parametrize(
    "url",
    [
        "http://a.example",
        "http://localhost.example",
        "http://10.0.0.1",
        "ftp://localhost",
        "https://",
        "",
        "//a.example",
        "http://127.0.0.1.example",
    ],
)
def test_addresses_that_do_not_pass(url: str) -> None:
    """OIDC Core §16.17: TLS is a MUST."""
    with pytest.raises(MetadataInvalid):
        check_address(url, name="url")


def test_a_portal_without_https_is_refused_at_its_start(provider) -> None:
    with pytest.raises(SettingsInvalid):
        make_portal(provider, redirect_uri="http://cong.example/callback")
    with pytest.raises(SettingsInvalid):
        Portal("http://dang-nhap.example", client_id="a", redirect_uri="https://cong.example/")


@pytest.mark.parametrize(
    "settings",
    [
        {"id_token_alg": "HS256"},
        {"id_token_alg": "none"},
        {"client_secret": None, "token_endpoint_auth_method": "client_secret_post"},
        {"token_endpoint_auth_method": "none"},
        {"private_key": "no key"},
        {"client_secret": None, "private_key": {"kty": "EC"}},
        {"client_secret": None, "private_key": "x", "private_key_algorithm": "HS256"},
    ],
)
def test_settings_that_do_not_go_together_are_refused(provider, settings: Any) -> None:
    with pytest.raises(SettingsInvalid):
        make_portal(provider, **settings)


def test_a_public_key_cannot_sign_for_the_portal(provider) -> None:
    key = provider.keys["k1"].as_dict(private=False)
    with pytest.raises(SettingsInvalid) as caught:
        make_portal(provider, client_secret=None, private_key=key)
    assert caught.value.name == "private_key"


def test_a_key_of_another_curve_cannot_sign_for_the_portal(provider) -> None:
    key = provider.keys["k1"].as_dict(private=True)
    with pytest.raises(SettingsInvalid):
        make_portal(provider, client_secret=None, private_key=key, private_key_algorithm="ES384")
