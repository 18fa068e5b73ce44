"""The SDK's own door refuses what its callers should never ask for (RFC 8725 §3.1)."""

from __future__ import annotations

import pytest
from joserfc.jwk import ECKey, RSAKey

from clients.sdk.errors import JwtMalformed
from clients.sdk.jose import half_hash, parse_jwt, read_private_key, sign_jwt, verify_signature


def test_an_algorithm_beyond_the_list_verifies_nothing() -> None:
    key = ECKey.generate_key("P-256")
    jwt = parse_jwt(sign_jwt({"a": 1}, key=key, algorithm="ES256"))
    assert verify_signature(jwt, key=key, algorithm="ES256") == {"a": 1}
    for algorithm in ("none", "HS256", "ES384"):
        with pytest.raises(JwtMalformed):
            verify_signature(jwt, key=key, algorithm=algorithm)


def test_an_rsa_key_signs_for_a_portal_that_has_one() -> None:
    pem = RSAKey.generate_key(2048).as_pem(private=True)
    key = read_private_key(pem, algorithm="PS256")
    jwt = parse_jwt(sign_jwt({"a": 1}, key=key, algorithm="PS256"))
    assert verify_signature(jwt, key=key, algorithm="PS256") == {"a": 1}


def test_half_hashes_are_those_of_the_standard() -> None:
    """OIDC Core Appendix A.4: the published access token and its `at_hash`."""
    assert half_hash("jHkWEdUXMU1BwAsC4vtUsZwnNvTIxEl0z9K3vx5KF0Y", algorithm="RS256") == (
        "77QmUPtjPfzWtF2AnpK9RQ"
    )
    assert len(half_hash("a", algorithm="ES384")) == 32
