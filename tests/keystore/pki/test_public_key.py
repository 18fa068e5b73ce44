"""Which public keys are certified."""

from __future__ import annotations

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, rsa, x25519
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from keystore.pki.errors import CsrRefused
from keystore.pki.public_key import check_public_key
from tests.support.real_pki import new_spki


def _spki(key) -> bytes:
    return key.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)


def test_a_strong_key_comes_back() -> None:
    raw = new_spki()
    key = check_public_key(raw)
    assert key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo) == raw


@pytest.mark.parametrize(
    ("make", "reason"),
    [
        (lambda: b"", "malformed"),
        (lambda: new_spki()[:-1], "malformed"),
        (lambda: b"\x30" * 3_000, "too_large"),
        (lambda: _spki(rsa.generate_private_key(65537, 2048)), "weak_key"),
        (lambda: _spki(rsa.generate_private_key(3, 3072)), "weak_key"),
        (lambda: _spki(ec.generate_private_key(ec.SECP224R1())), "weak_key"),
        (lambda: _spki(x25519.X25519PrivateKey.generate()), "key_type"),
    ],
)
def test_other_keys_are_refused_by_name(make, reason: str) -> None:
    with pytest.raises(CsrRefused) as refused:
        check_public_key(make())
    assert refused.value.reason == reason


def test_a_second_spelling_of_a_key_is_not_another_key() -> None:
    """A compressed point would give one key two hashes, and so two owners."""
    key = ec.generate_private_key(ec.SECP256R1()).public_key()
    whole = key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    point = key.public_bytes(Encoding.X962, PublicFormat.CompressedPoint)
    head = whole[:-66]
    body = head[2:] + bytes((0x03, len(point) + 1, 0)) + point
    spelled = bytes((0x30, len(body) - 0)) + body
    with pytest.raises(CsrRefused) as refused:
        check_public_key(spelled)
    assert refused.value.reason == "malformed"
