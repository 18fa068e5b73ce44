"""Config plan: the discovery document and the keys it leads to."""

from __future__ import annotations

import base64
from typing import Any, Final
from urllib.parse import urlsplit

import pytest

from tests.relying_party.flow import RelyingParty
from tests.relying_party.tokens import decode_part

_REQUIRED: Final = (
    "issuer",
    "authorization_endpoint",
    "token_endpoint",
    "userinfo_endpoint",
    "jwks_uri",
    "scopes_supported",
    "response_types_supported",
    "subject_types_supported",
    "id_token_signing_alg_values_supported",
    "claims_supported",
)
_PRIVATE_OR_SYMMETRIC: Final = frozenset(["d", "p", "q", "dp", "dq", "qi", "oth", "k"])
_PUBLIC_MEMBERS: Final = {"RSA": ("n", "e"), "EC": ("crv", "x", "y"), "OKP": ("crv", "x")}


@pytest.mark.module("oidcc-discovery-endpoint-verification")
def test_discovery(rp: RelyingParty) -> None:
    """The document is JSON at the well-known place and says what it must.

    Its issuer is this one, its endpoints are https, it supports code, RS256 and public or pairwise
    subjects, and it leads to a JWK set of public keys with distinct kids.

    OpenID Connect Discovery 1.0 §3, §4, §4.3, §7.2; RFC 7517 §4.5; RFC 7518 §6.
    """
    url = f"{rp.provider.issuer}/.well-known/openid-configuration"
    answer = rp.browser.get(url, headers={"Accept": "application/json"})
    assert answer.status == 200
    assert answer.media_type == "application/json"
    metadata: dict[str, Any] = answer.json()
    for name in _REQUIRED:
        assert metadata.get(name), f"{name} is missing"
    assert metadata["issuer"] == rp.provider.issuer
    assert urlsplit(metadata["issuer"]).scheme == "https"
    assert not urlsplit(metadata["issuer"]).query
    check_endpoints_are_https(metadata)
    assert "code" in metadata["response_types_supported"]
    assert set(metadata["subject_types_supported"]) <= {"public", "pairwise"}
    assert "RS256" in metadata["id_token_signing_alg_values_supported"]
    assert "none" not in metadata.get("userinfo_signing_alg_values_supported", [])
    assert "openid" in metadata["scopes_supported"]
    assert "sub" in metadata["claims_supported"]
    # Left out, it means authorization_code and implicit.
    assert "authorization_code" in metadata.get("grant_types_supported", ["authorization_code"])
    # Left out, it means client_secret_basic; the basic plan uses both.
    assert {"client_secret_basic", "client_secret_post"} <= set(
        metadata.get("token_endpoint_auth_methods_supported", ["client_secret_basic"])
    )
    # Left out, it means true, and then request objects would have to be fetched.
    assert isinstance(metadata.get("request_uri_parameter_supported", True), bool)
    assert isinstance(metadata.get("request_parameter_supported", False), bool)
    assert isinstance(metadata.get("claims_parameter_supported", False), bool)
    _check_keys(rp)


def check_endpoints_are_https(metadata: dict[str, Any]) -> None:
    """Every address in the document is https; endpoints have no fragment (RFC 6749 §3.1)."""
    for name, value in metadata.items():
        if name.endswith(("_endpoint", "_uri")):
            parts = urlsplit(value)
            assert parts.scheme == "https", f"{name} is not https"
            assert parts.hostname
            assert not parts.fragment


def _check_keys(rp: RelyingParty) -> None:
    keys = rp.keys()
    assert keys
    kids = [key["kid"] for key in keys]
    assert len(set(kids)) == len(kids), "two keys have one kid"
    signing = [key for key in keys if key.get("use", "sig") == "sig"]
    assert {"RSA", "EC"} <= {key["kty"] for key in signing}, "RS256 and ES256 need a key each"
    for key in keys:
        assert not _PRIVATE_OR_SYMMETRIC & set(key), "a private or symmetric key is published"
        for member in _PUBLIC_MEMBERS[key["kty"]]:
            value = key[member]
            assert value, f"{member} is empty"
            if member != "crv":
                assert decode_part(value)
        if key["kty"] == "RSA":
            assert len(decode_part(key["n"])) * 8 >= 2048
        if key["kty"] == "EC":
            assert len(decode_part(key["x"])) == len(decode_part(key["y"])) == 32
        for certificate in key.get("x5c", []):
            assert base64.b64decode(certificate, validate=True)
