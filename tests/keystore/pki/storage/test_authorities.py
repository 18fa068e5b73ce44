"""The table of authorities."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ed25519, rsa
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509 import ocsp

from idp.storage.database import Database
from keystore.pki.model import issuer_names
from keystore.pki.storage.authorities import find_ca, read_cas, replace_offline_crl, retire_ca
from tests.support.pki import ISSUING_ID, ROOT_ID, SmallPki


def test_an_authority_is_found_again_as_it_was(database: Database, now: datetime) -> None:
    pki = SmallPki(now, shards=8)
    pki.store(database)
    with database.read() as connection:
        found = find_ca(connection, ISSUING_ID)
        assert find_ca(connection, "nobody") is None
        everyone = read_cas(connection)
    assert found is not None
    assert found.parsed == pki.issuing.certificate
    assert (found.shards, found.kid) == (8, "test-issuing-key")
    assert {one.ca_id for one in everyone} == {ROOT_ID, ISSUING_ID}


def test_retiring_and_a_newer_crl_are_kept(database: Database, now: datetime) -> None:
    SmallPki(now).store(database)
    with database.transaction() as tx:
        retire_ca(tx.connection, ISSUING_ID, at=now + timedelta(days=1))
        replace_offline_crl(tx.connection, ROOT_ID, crl=b"newer")
    with database.read() as connection:
        issuing, root = find_ca(connection, ISSUING_ID), find_ca(connection, ROOT_ID)
    assert issuing is not None
    assert root is not None
    assert issuing.retired_at == now + timedelta(days=1)
    assert root.offline_crl == b"newer"


def test_the_names_of_an_authority_are_those_that_a_request_uses(now: datetime) -> None:
    """RFC 6960 §4.1.1: hashes of the issuer's name and of its key."""
    pki = SmallPki(now)
    names = issuer_names(pki.ca_record(ISSUING_ID))
    for algorithm, name, key in (
        (hashes.SHA1(), names.name_sha1, names.key_sha1),  # noqa: S303 - the protocol's
        (hashes.SHA256(), names.name_sha256, names.key_sha256),
    ):
        request = ocsp.OCSPRequestBuilder().add_certificate(
            pki.citizen.certificate, pki.issuing.certificate, algorithm
        )
        built = request.build()
        assert (built.issuer_name_hash, built.issuer_key_hash) == (name, key)
    assert x509.Name.public_bytes(pki.issuing.certificate.subject) == names.name_der
    assert replace(pki.ca_record(ISSUING_ID), kid="x").kid == "x"


@pytest.mark.parametrize(
    "make",
    [lambda: rsa.generate_private_key(65537, 2048), ed25519.Ed25519PrivateKey.generate],
)
def test_the_key_of_any_kind_is_hashed_as_its_identifier_is(now: datetime, make) -> None:
    """RFC 5280 §4.2.1.2 (1): SHA-1 of the bit string, as CertID has it too."""
    key, name = make(), x509.Name([])
    digest = hashes.SHA256() if isinstance(key, rsa.RSAPrivateKey) else None
    builder = x509.CertificateBuilder().subject_name(name).issuer_name(name).serial_number(1)
    builder = builder.not_valid_before(now).not_valid_after(now + timedelta(days=1))
    certificate = builder.public_key(key.public_key()).sign(key, digest)
    record = replace(
        SmallPki(now).ca_record(ROOT_ID), certificate=certificate.public_bytes(Encoding.DER)
    )
    expected = x509.SubjectKeyIdentifier.from_public_key(key.public_key()).digest
    assert issuer_names(record).key_sha1 == expected
