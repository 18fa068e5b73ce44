"""The hashes written beside a token."""

from __future__ import annotations

import pytest

from keystore.jose import half_hash, s256


def test_s256_is_the_published_challenge() -> None:
    """RFC 7636 appendix B."""
    verifier = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk"
    assert s256(verifier) == "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM"
    assert s256(verifier.encode()) == s256(verifier)


def test_half_hash_is_the_published_at_hash() -> None:
    """OpenID Connect Core 1.0 §A.3 (RS256)."""
    token = "jHkWEdUXMU1BwAsC4vtUsZwnNvTIxEl0z9K3vx5KF0Y"
    assert half_hash(token, algorithm="RS256") == "77QmUPtjPfzWtF2AnpK9RQ"


@pytest.mark.parametrize(
    ("algorithm", "length"),
    [("ES256", 22), ("PS256", 22), ("ES384", 32), ("ES512", 43), ("Ed25519", 43), ("EdDSA", 43)],
)
def test_half_hash_is_half_as_long_as_the_hash_of_the_algorithm(
    algorithm: str, length: int
) -> None:
    """OpenID Connect Core 1.0 §3.1.3.6."""
    assert len(half_hash("token", algorithm=algorithm)) == length
