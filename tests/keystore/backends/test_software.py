"""The software backend makes keys that open for their own name alone."""

from __future__ import annotations

import json

import pytest

from keystore.backends.software import SoftwareBackend
from keystore.errors import KeyUnavailable, SealBroken
from keystore.jose import s256
from keystore.sealing import Sealer


@pytest.mark.parametrize(
    "algorithm",
    ["ES256", "ES384", "Ed25519", "RS256", "PS256", "PS256-3072", "ML-DSA-44", "ML-DSA-65"],
)
def test_a_key_signs_after_it_was_stored(sealer: Sealer, algorithm: str) -> None:
    made = SoftwareBackend(sealer).make_key(algorithm=algorithm)
    opened = SoftwareBackend(sealer).open_key(kid=made.kid, algorithm=algorithm, stored=made.stored)
    assert opened.sign(b"message")


def test_the_name_of_a_key_is_the_start_of_its_thumbprint(sealer: Sealer) -> None:
    """RFC 7638 §3."""
    made = SoftwareBackend(sealer).make_key(algorithm="ES256")
    required = {name: made.public_jwk[name] for name in ("crv", "kty", "x", "y")}
    text = json.dumps(required, sort_keys=True, separators=(",", ":"))
    assert made.kid == s256(text)[:22]


def test_an_unknown_algorithm_is_refused(sealer: Sealer) -> None:
    for algorithm in ("HS256", "none", "ES256K"):
        with pytest.raises(KeyUnavailable):
            SoftwareBackend(sealer).make_key(algorithm=algorithm)


def test_a_stored_key_opens_for_its_name_and_algorithm_alone(sealer: Sealer) -> None:
    backend = SoftwareBackend(sealer)
    made = backend.make_key(algorithm="RS256")
    with pytest.raises(SealBroken):
        backend.open_key(kid="other", algorithm="RS256", stored=made.stored)
    with pytest.raises(SealBroken):
        backend.open_key(kid=made.kid, algorithm="PS256", stored=made.stored)
    assert b"RSA" not in made.stored
