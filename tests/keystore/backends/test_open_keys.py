"""Open keys in memory: what does not decode, or is of another kind, is refused without a word."""

from __future__ import annotations

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, x25519
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from keystore.backends.errors import DigestRefused
from keystore.backends.open_keys import (
    check_digest,
    decode_private,
    encode_private,
    generate,
    open_private,
)
from keystore.errors import KeyUnavailable, SealBroken
from keystore.key_types import KEY_TYPES, get_key_type
from keystore.public_keys import fits


@pytest.mark.parametrize("algorithm", sorted(KEY_TYPES))
def test_a_key_is_the_same_after_it_was_encoded(algorithm: str) -> None:
    kind = get_key_type(algorithm)
    private = generate(kind)
    again = decode_private(encode_private(private))
    assert again.public_key() == private.public_key()
    assert fits(again.public_key(), kind=kind)


def test_what_does_not_decode_is_refused_without_quoting_it() -> None:
    foreign = x25519.X25519PrivateKey.generate()
    pkcs8 = foreign.private_bytes(Encoding.DER, PrivateFormat.PKCS8, NoEncryption())
    for raw in (b"", b"0", b"secret", pkcs8):
        with pytest.raises(SealBroken) as broken:
            decode_private(raw)
        assert broken.value.__cause__ is None
        assert "secret" not in repr(broken.value)


def test_a_key_of_another_family_is_not_opened() -> None:
    with pytest.raises(KeyUnavailable):
        open_private(ed25519.Ed25519PrivateKey.generate(), kind=get_key_type("ES256"))


def test_digests_are_measured() -> None:
    kind = get_key_type("ES256")
    check_digest(bytes(32), hash_name="sha256", kind=kind)
    for digest, hash_name in ((bytes(32), "sha512"), (b"", "sha256"), (bytes(20), "sha1")):
        with pytest.raises(DigestRefused):
            check_digest(digest, hash_name=hash_name, kind=kind)


def test_an_unknown_kind_has_no_key() -> None:
    assert not fits(ec.generate_private_key(ec.SECP521R1()).public_key(), kind=KEY_TYPES["ES384"])
    with pytest.raises(KeyUnavailable):
        get_key_type("ES521")
