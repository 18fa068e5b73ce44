"""A handle signs what the X.509 builders build, and has no other way in."""

from __future__ import annotations

import copy
from collections.abc import Callable
from datetime import datetime, timedelta
from functools import partial
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding
from cryptography.hazmat.primitives.asymmetric.utils import Prehashed
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_der_public_key,
)
from cryptography.x509 import ocsp
from cryptography.x509.oid import NameOID

from idp.storage.database import Database
from keystore.errors import KeyPurposeRefused, KeyUnavailable
from keystore.key_handle import SigningKey
from keystore.keyring import Keyring
from keystore.log.record import LogWriter
from keystore.purposes import KeyPurpose
from keystore.sealing import Sealer
from keystore.x509_key import as_private_key, builder_hash

_CONTENT = "x509:certificate"
_NAME = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "SANDBOX")])

Make = Callable[[str], SigningKey]


@pytest.fixture
def make_key(database: Database, sealer: Sealer, log: LogWriter, now: datetime) -> Make:
    """A signing key of any kind."""

    def make(algorithm: str) -> SigningKey:
        purpose = KeyPurpose(
            name=algorithm,
            algorithms=(algorithm,),
            may_sign=frozenset({_CONTENT}),
            rotate_after=None,
        )
        keyring = Keyring(database, sealer, log=log, purpose=purpose)
        keyring.ensure(now)
        return keyring.signing_key(algorithm, now=now)

    return make


def _certificate(key: SigningKey, now: datetime) -> x509.Certificate:
    private: Any = as_private_key(key, content=_CONTENT)
    pss = padding.PSS(padding.MGF1(hashes.SHA256()), 32) if "PS" in key.algorithm else None
    return (
        x509.CertificateBuilder()
        .subject_name(_NAME)
        .issuer_name(_NAME)
        .public_key(private.public_key())
        .serial_number(1)
        .not_valid_before(now)
        .not_valid_after(now + timedelta(days=1))
        .sign(private, builder_hash(key), rsa_padding=pss)
    )


@pytest.mark.parametrize("algorithm", ["ES256", "ES384", "Ed25519", "RS256", "PS256-3072"])
def test_a_certificate_is_signed_by_every_kind(
    make_key: Make, now: datetime, algorithm: str
) -> None:
    key = make_key(algorithm)
    certificate = _certificate(key, now)
    certificate.verify_directly_issued_by(certificate)
    private = as_private_key(key, content=_CONTENT)
    assert private.public_key() == load_der_public_key(key.public_spki)


@pytest.mark.parametrize("algorithm", ["ES256", "ES384", "Ed25519", "RS256"])
def test_lists_requests_and_status_answers_are_signed_too(
    make_key: Make, now: datetime, algorithm: str
) -> None:
    key = make_key(algorithm)
    private: Any = as_private_key(key, content=_CONTENT)
    certificate = _certificate(key, now)
    crl = (
        x509.CertificateRevocationListBuilder()
        .issuer_name(_NAME)
        .last_update(now)
        .next_update(now + timedelta(days=1))
        .sign(private, builder_hash(key))
    )
    assert crl.is_signature_valid(private.public_key())
    request = (
        x509.CertificateSigningRequestBuilder().subject_name(_NAME).sign(private, builder_hash(key))
    )
    assert request.is_signature_valid
    answer = (
        ocsp.OCSPResponseBuilder()
        .add_response(
            cert=certificate,
            issuer=certificate,
            algorithm=hashes.SHA256(),
            cert_status=ocsp.OCSPCertStatus.GOOD,
            this_update=now,
            next_update=now + timedelta(hours=1),
            revocation_time=None,
            revocation_reason=None,
        )
        .responder_id(ocsp.OCSPResponderEncoding.HASH, certificate)
        .sign(private, builder_hash(key))
    )
    assert answer.response_status is ocsp.OCSPResponseStatus.SUCCESSFUL


def test_a_content_that_the_purpose_does_not_list_is_not_signed(
    make_key: Make, now: datetime
) -> None:
    key = make_key("ES256")
    private: Any = as_private_key(key, content="ocsp:response")
    with pytest.raises(KeyPurposeRefused):
        private.sign(b"", ec.ECDSA(hashes.SHA256()))


def test_only_the_hash_and_padding_of_the_kind_are_used(make_key: Make) -> None:
    """Another hash than the certificate says would make a signature that nobody can verify."""
    private: Any = as_private_key(make_key("ES256"), content=_CONTENT)
    for hashed in (hashes.SHA384(), hashes.SHA512(), Prehashed(hashes.SHA256())):
        with pytest.raises(ValueError, match="sha256"):
            private.sign(b"", ec.ECDSA(hashed))
    private = as_private_key(make_key("PS256"), content=_CONTENT)
    with pytest.raises(ValueError, match="pss"):
        private.sign(b"", padding.PKCS1v15(), hashes.SHA256())
    with pytest.raises(ValueError, match="sha256"):
        private.sign(b"", padding.PSS(padding.MGF1(hashes.SHA256()), 32), hashes.SHA384())
    with pytest.raises(ValueError, match="pss"):
        private.sign(b"", padding.PSS(padding.MGF1(hashes.SHA256()), 20), hashes.SHA256())
    private = as_private_key(make_key("RS256"), content=_CONTENT)
    with pytest.raises(ValueError, match="pkcs1"):
        private.sign(b"", padding.PSS(padding.MGF1(hashes.SHA256()), 32), hashes.SHA256())


def test_a_kind_that_the_builders_do_not_know_is_refused(make_key: Make) -> None:
    with pytest.raises(KeyUnavailable):
        as_private_key(make_key("ML-DSA-44"), content=_CONTENT)


@pytest.mark.parametrize("algorithm", ["ES256", "Ed25519", "RS256"])
def test_there_is_no_way_to_the_key(make_key: Make, algorithm: str) -> None:
    private: Any = as_private_key(make_key(algorithm), content=_CONTENT)
    refused: list[Callable[[], object]] = [
        lambda: private.private_bytes(Encoding.DER, PrivateFormat.PKCS8, NoEncryption()),
        partial(copy.copy, private),
        partial(copy.deepcopy, private),
    ]
    if algorithm != "Ed25519":
        refused.append(private.private_numbers)
    if algorithm == "ES256":
        refused.append(lambda: private.exchange(ec.ECDH(), private.public_key()))
        assert private.curve.name == "secp256r1"
        assert private.key_size == 256
    if algorithm == "RS256":
        refused.append(lambda: private.decrypt(b"", padding.PKCS1v15()))
        assert private.key_size == 2048
    if algorithm == "Ed25519":
        refused.append(private.private_bytes_raw)
    for attempt in refused:
        with pytest.raises(TypeError, match="a handle"):
            attempt()
