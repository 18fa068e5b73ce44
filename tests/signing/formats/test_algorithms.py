"""Which signatures of others are believed, by which identifiers."""

from __future__ import annotations

import hashlib
from datetime import timedelta

import pytest
from asn1crypto import algos
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, padding, rsa
from cryptography.hazmat.primitives.hashes import SHA256, SHA384, SHA512
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import NameOID

from signing.formats.algorithms import (
    DIGEST_ALGORITHMS,
    hash_name_of,
    is_signed_by,
    signature_algorithm,
)
from tests.support.signatory import SIGNING_TIME

OCTETS = b"what was signed"
ECDSA_SHA256 = bytes.fromhex("300a06082a8648ce3d040302")
ECDSA_SHA512 = bytes.fromhex("300a06082a8648ce3d040304")
RSA_ALONE = bytes.fromhex("300d06092a864886f70d0101010500")
RSA_SHA256 = bytes.fromhex("300d06092a864886f70d01010b0500")
RSA_SHA1 = bytes.fromhex("300d06092a864886f70d0101050500")
PSS_SHA1 = bytes.fromhex("300b06092a864886f70d01010a")[:-2] + b"\x0a\x30\x00"


def certificate_of(key) -> x509.Certificate:
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "Somebody")])
    start = x509.CertificateBuilder(
        name, name, key.public_key(), 1, SIGNING_TIME, SIGNING_TIME + timedelta(days=1)
    )
    return start.sign(key, None if isinstance(key, ed25519.Ed25519PrivateKey) else SHA256())


@pytest.fixture(scope="module")
def rsa_key() -> rsa.RSAPrivateKey:
    return rsa.generate_private_key(public_exponent=65537, key_size=2048)


def believed(key, signature: bytes, identifier: bytes, hash_name: str | None = None) -> bool:
    return is_signed_by(
        certificate_of(key),
        octets=OCTETS,
        signature=signature,
        identifier=identifier,
        hash_name=hash_name,
    )


def test_ecdsa_with_another_hash_than_the_curve_has_is_believed() -> None:
    key = ec.generate_private_key(ec.SECP256R1())
    signature = key.sign(OCTETS, ec.ECDSA(SHA512()))
    assert believed(key, signature, ECDSA_SHA512, "sha512")
    assert believed(key, signature, ECDSA_SHA512)
    assert not believed(key, signature, ECDSA_SHA256)


def test_the_hash_beside_the_signature_is_the_same() -> None:
    """RFC 5652 §5.4 and RFC 5754 §3: digestAlgorithm and the signature's hash agree."""
    key = ec.generate_private_key(ec.SECP256R1())
    signature = key.sign(OCTETS, ec.ECDSA(SHA256()))
    assert not believed(key, signature, ECDSA_SHA256, "sha512")


def test_rsa_of_others_is_believed_as_they_write_it(rsa_key) -> None:
    """RFC 3370 §3.2: rsaEncryption in SignerInfo, the hash beside it."""
    signature = rsa_key.sign(OCTETS, padding.PKCS1v15(), SHA256())
    assert believed(rsa_key, signature, RSA_SHA256)
    assert believed(rsa_key, signature, RSA_ALONE, "sha256")
    assert not believed(rsa_key, signature, RSA_ALONE, "sha384")
    assert not believed(rsa_key, signature, RSA_ALONE), "no hash is named anywhere"


def test_pss_is_believed_with_its_parameters_only(rsa_key) -> None:
    """RFC 4055 §3.1: absent parameters mean SHA-1, which is not taken."""
    pss = padding.PSS(mgf=padding.MGF1(SHA256()), salt_length=32)
    signature = rsa_key.sign(OCTETS, pss, SHA256())
    assert believed(rsa_key, signature, signature_algorithm("PS256-3072"), "sha256")
    assert not believed(rsa_key, signature, PSS_SHA1, "sha256")
    assert not believed(rsa_key, signature, RSA_SHA256)
    short = padding.PSS(mgf=padding.MGF1(SHA256()), salt_length=20)
    other = rsa_key.sign(OCTETS, short, SHA256())
    assert not believed(rsa_key, other, signature_algorithm("PS256-3072"), "sha256")


def test_sha1_is_never_believed(rsa_key) -> None:
    """Architecture, decision 18."""
    from cryptography.hazmat.primitives.hashes import SHA1  # noqa: PLC0415  # to be refused

    signature = rsa_key.sign(OCTETS, padding.PKCS1v15(), SHA1())  # noqa: S303  # to be refused
    assert not believed(rsa_key, signature, RSA_SHA1)
    assert hash_name_of(bytes.fromhex("300906052b0e03021a0500")) is None


def test_a_key_of_another_kind_is_not_believed(rsa_key) -> None:
    edwards = ed25519.Ed25519PrivateKey.generate()
    assert not believed(edwards, edwards.sign(OCTETS), bytes.fromhex("300506032b6570"))
    other = ec.generate_private_key(ec.SECP521R1())
    assert not believed(other, other.sign(OCTETS, ec.ECDSA(SHA512())), ECDSA_SHA512)
    assert not believed(rsa_key, b"", ECDSA_SHA256)


def test_a_key_that_nobody_can_read_is_not_believed() -> None:
    """A curve of one's own in a certificate is no reason to fall over."""
    key = ec.generate_private_key(ec.SECP256R1())
    raw = certificate_of(key).public_bytes(Encoding.DER)
    curve = bytes.fromhex("06082a8648ce3d030107")
    odd = x509.load_der_x509_certificate(raw.replace(curve, curve[:-1] + b"\x63"))
    signature = key.sign(OCTETS, ec.ECDSA(SHA256()))
    assert not is_signed_by(odd, octets=OCTETS, signature=signature, identifier=ECDSA_SHA256)


@pytest.mark.parametrize("kind", ["ES256", "ES384", "PS256-3072", "PS256-4096"])
def test_what_we_write_others_read(kind: str) -> None:
    found = algos.SignedDigestAlgorithm.load(signature_algorithm(kind), strict=True)
    hash_name = "sha384" if kind == "ES384" else "sha256"
    assert found.hash_algo == hash_name
    assert found.signature_algo == ("ecdsa" if kind.startswith("ES") else "rsassa_pss")


@pytest.mark.parametrize("hash_name", DIGEST_ALGORITHMS)
def test_a_hash_is_known_with_and_without_null(hash_name: str) -> None:
    """RFC 5754 §2: parameters are left out; NULL is understood."""
    bare = DIGEST_ALGORITHMS[hash_name]
    assert hash_name_of(bare) == hash_name
    assert hash_name_of(b"\x30" + bytes((bare[1] + 2,)) + bare[2:] + b"\x05\x00") == hash_name
    assert hashlib.new(hash_name).digest_size in {32, 48, 64}


def test_p384_signs_with_its_own_hash() -> None:
    key = ec.generate_private_key(ec.SECP384R1())
    signature = key.sign(OCTETS, ec.ECDSA(SHA384()))
    assert believed(key, signature, signature_algorithm("ES384"), "sha384")
