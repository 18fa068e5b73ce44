"""The door for raw signatures takes one key kind, one encoding, one digest length."""

from __future__ import annotations

import hashlib
from contextlib import suppress

import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, mldsa, padding, rsa
from cryptography.hazmat.primitives.asymmetric.utils import Prehashed, decode_dss_signature
from hypothesis import given
from hypothesis import strategies as st

from keystore.backends.errors import DigestRefused, SignatureBroken, SignatureRefused
from keystore.backends.open_keys import generate, open_private
from keystore.errors import KeyUnavailable
from keystore.key_types import KEY_TYPES, get_key_type
from keystore.public_keys import OwnPublicKey, encode_spki, load_spki, public_jwk, spki_of
from keystore.signature_forms import check_der, in_der, in_full
from keystore.verifying import (
    check_own_message,
    check_own_signature,
    verify_digest,
    verify_signature,
)

_EC = ec.generate_private_key(ec.SECP256R1())
_SPKI = encode_spki(_EC.public_key())
_MESSAGE = b"message"
_SIGNATURE = _EC.sign(_MESSAGE, ec.ECDSA(hashes.SHA256()))
_RSA = rsa.generate_private_key(65537, 2048)


@pytest.mark.parametrize("algorithm", sorted(KEY_TYPES))
def test_every_kind_verifies_what_it_signs_and_nothing_else(algorithm: str) -> None:
    kind = get_key_type(algorithm)
    private = generate(kind)
    spki = encode_spki(private.public_key())
    signature = open_private(private, kind=kind).sign(_MESSAGE)
    verify_signature(spki, algorithm=algorithm, message=_MESSAGE, signature=signature)
    check_own_message(private.public_key(), _MESSAGE, kind=kind, signature=signature)
    changed = signature[:-1] + bytes((signature[-1] ^ 1,))
    for message, wrong in ((b"other", signature), (_MESSAGE, changed), (_MESSAGE, b"")):
        with pytest.raises(SignatureRefused):
            verify_signature(spki, algorithm=algorithm, message=message, signature=wrong)
    with pytest.raises(SignatureBroken):
        check_own_message(private.public_key(), _MESSAGE, kind=kind, signature=changed)


@pytest.mark.parametrize("algorithm", [name for name, kind in KEY_TYPES.items() if kind.hash_name])
@pytest.mark.parametrize("hash_name", ["sha256", "sha384", "sha512", "sha3_256", "sha3_512"])
def test_digests_verify_as_the_hash_that_made_them(algorithm: str, hash_name: str) -> None:
    kind = get_key_type(algorithm)
    if kind.bits > 2048:
        kind = get_key_type(algorithm.split("-", maxsplit=1)[0])
    private = generate(kind)
    public: OwnPublicKey = private.public_key()
    digest = hashlib.new(hash_name, _MESSAGE).digest()
    signature = open_private(private, kind=kind).sign_digest(digest, hash_name=hash_name)
    verify_digest(
        encode_spki(public),
        algorithm=kind.name,
        digest=digest,
        hash_name=hash_name,
        signature=signature,
    )
    with pytest.raises(SignatureBroken):
        check_own_signature(
            public, bytes(len(digest)), kind=kind, hash_name=hash_name, signature=signature
        )


@pytest.mark.parametrize(
    ("algorithm", "hash_name", "length"),
    [
        ("ES256", "sha256", 31),
        ("ES256", "sha256", 33),
        ("ES256", "sha1", 20),
        ("ES256", "", 0),
        ("Ed25519", "sha512", 64),
        ("ML-DSA-44", "sha512", 64),
    ],
)
def test_what_is_no_digest_is_refused(algorithm: str, hash_name: str, length: int) -> None:
    spki = encode_spki(generate(get_key_type(algorithm)).public_key())
    with pytest.raises(DigestRefused):
        verify_digest(
            spki,
            algorithm=algorithm,
            digest=bytes(length),
            hash_name=hash_name,
            signature=_SIGNATURE,
        )


def test_a_key_of_another_kind_or_size_is_refused() -> None:
    keys = [
        ec.generate_private_key(ec.SECP384R1()).public_key(),
        ec.generate_private_key(ec.SECP256K1()).public_key(),
        ed25519.Ed25519PrivateKey.generate().public_key(),
        mldsa.MLDSA65PrivateKey.generate().public_key(),
        _RSA.public_key(),
    ]
    for key in keys:
        with pytest.raises(SignatureRefused, match="key"):
            verify_signature(
                encode_spki(key), algorithm="ES256", message=_MESSAGE, signature=_SIGNATURE
            )
    for raw in (b"", _SPKI[:-1], _SPKI + b"\x00", b"\x30\x00"):
        with pytest.raises(SignatureRefused, match="key"):
            verify_signature(raw, algorithm="ES256", message=_MESSAGE, signature=_SIGNATURE)
    with pytest.raises(SignatureRefused, match="key"):
        verify_signature(
            encode_spki(_RSA.public_key()), algorithm="PS256-3072", message=b"", signature=b""
        )
    with pytest.raises(KeyUnavailable):
        verify_signature(_SPKI, algorithm="HS256", message=_MESSAGE, signature=_SIGNATURE)


def test_a_salt_of_another_length_is_refused() -> None:
    """RFC 8017 §9.1; the salt is as long as the hash."""
    for length in (0, 20, padding.PSS.MAX_LENGTH):
        scheme = padding.PSS(mgf=padding.MGF1(hashes.SHA256()), salt_length=length)
        signature = _RSA.sign(bytes(32), scheme, Prehashed(hashes.SHA256()))
        with pytest.raises(SignatureRefused):
            verify_digest(
                encode_spki(_RSA.public_key()),
                algorithm="PS256",
                digest=bytes(32),
                hash_name="sha256",
                signature=signature,
            )


def test_paddings_are_not_exchanged() -> None:
    spki = encode_spki(_RSA.public_key())
    signature = _RSA.sign(_MESSAGE, padding.PKCS1v15(), hashes.SHA256())
    verify_signature(spki, algorithm="RS256", message=_MESSAGE, signature=signature)
    with pytest.raises(SignatureRefused):
        verify_signature(spki, algorithm="PS256", message=_MESSAGE, signature=signature)


def test_only_the_one_encoding_of_a_signature_is_taken() -> None:
    """X.690 §10.1: BER, trailing bytes and needless zeros are other encodings."""
    r, s = decode_dss_signature(_SIGNATURE)
    body = _SIGNATURE[2:]
    wrong = [
        _SIGNATURE + b"\x00",
        b"\x30\x81" + _SIGNATURE[1:],
        b"\x30\x80" + body + b"\x00\x00",
        b"\x30\x00",
        b"",
        b"\x31" + _SIGNATURE[1:],
        b"\x30\x06\x02\x01\x00\x02\x01\x01",
        b"\x30\x06\x02\x01\xff\x02\x01\x01",
    ]
    for raw in wrong:
        with pytest.raises(SignatureRefused):
            verify_signature(_SPKI, algorithm="ES256", message=_MESSAGE, signature=raw)
    assert in_der(in_full(_SIGNATURE, size_bytes=32), size_bytes=32) == _SIGNATURE
    assert r > 0 < s


@given(st.binary(max_size=80))
def test_any_bytes_are_a_signature_or_refused(raw: bytes) -> None:
    with pytest.raises(SignatureRefused):
        verify_signature(_SPKI, algorithm="ES256", message=_MESSAGE, signature=raw)
    with suppress(SignatureRefused):
        check_der(raw)


@given(st.integers(1, 2**256 - 1), st.integers(1, 2**256 - 1))
def test_both_forms_of_a_signature_say_the_same(r: int, s: int) -> None:
    full = r.to_bytes(32, "big") + s.to_bytes(32, "big")
    der = in_der(full, size_bytes=32)
    check_der(der)
    assert in_full(der, size_bytes=32) == full
    with pytest.raises(SignatureRefused):
        in_der(full[1:], size_bytes=32)


@pytest.mark.parametrize("algorithm", sorted(KEY_TYPES))
def test_a_public_half_is_the_same_as_jwk_and_as_spki(algorithm: str) -> None:
    kind = get_key_type(algorithm)
    public = generate(kind).public_key()
    jwk = public_jwk(public, algorithm=algorithm)
    assert spki_of(jwk) == encode_spki(public)
    assert encode_spki(load_spki(encode_spki(public), algorithm=algorithm)) == encode_spki(public)
    assert len(jwk["kid"]) == 22
    assert jwk["alg"] == (kind.jose or kind.name)
    with pytest.raises(KeyUnavailable):
        public_jwk(public, algorithm="ES384" if algorithm != "ES384" else "ES256")
