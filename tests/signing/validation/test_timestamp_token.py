"""Tokens that `openssl ts` made, and what is read of them."""

from __future__ import annotations

import hashlib
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from signing.isolation.blob import Blob
from signing.validation.cades_references import key_of
from signing.validation.cms import read_cms
from signing.validation.detached import Detached
from signing.validation.found import Form, ObjectKind, ReadToken, TimestampKind
from signing.validation.timestamp_token import read_token
from signing.validation.verify_value import is_value_of
from tests.support.openssl_cms import OpensslSigner

DATA = b"what was there before"


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("tsa")


@pytest.fixture(scope="module")
def authority(folder: Path) -> OpensslSigner:
    return OpensslSigner.make(folder, "tsa", use="timeStamping")


def is_signed(token: ReadToken) -> bool:
    """Whether the authority's signature is right, digest and value."""
    found = token.signature
    assert found.form is Form.TIMESTAMP
    if found.value is None or found.candidate is None or found.malformed:
        return False
    key = key_of(found.candidate)
    return (
        key is not None
        and all(one.is_intact for one in found.objects)
        and is_value_of(key, signed=found.value)
    )


@pytest.mark.parametrize("ess", ["sha1", "sha256"])
@pytest.mark.parametrize("hash_name", ["sha1", "sha512"])
def test_a_token_says_when_and_over_what(
    authority: OpensslSigner, hash_name: str, ess: str
) -> None:
    raw = authority.stamp(DATA, hash_name=hash_name, ess=ess)
    token = read_token(raw, identity="T-1")
    assert is_signed(token)
    assert (token.hash_name, token.imprint) == (hash_name, hashlib.new(hash_name, DATA).digest())
    assert token.policy == "1.2.3.4"
    assert token.accuracy == timedelta(seconds=1, milliseconds=500)
    assert token.generated_at is not None
    assert abs(token.generated_at - datetime.now(UTC)) < timedelta(minutes=5)
    assert token.signature.objects[0].kind is ObjectKind.OTHER
    references = token.signature.references
    assert references is not None
    assert references[0].hash_name == ess
    assert references[0].digest == hashlib.new(ess, authority.certificate).digest()


def test_openssl_says_the_same(authority: OpensslSigner) -> None:
    raw = authority.stamp(DATA)
    at = raw.index(hashlib.sha256(DATA).digest())
    for token in (raw, raw[:at] + bytes([raw[at] ^ 1]) + raw[at + 1 :]):
        assert authority.accepts(token, content=DATA) == is_signed(read_token(token))


def test_a_token_without_certificates_takes_its_own_from_those_beside_it(
    authority: OpensslSigner,
) -> None:
    raw = authority.stamp(DATA, with_certificate=False)
    assert read_token(raw).signature.candidate is None
    assert is_signed(read_token(raw, among=[b"no certificate", authority.certificate]))


def test_a_changed_token_is_not_signed(authority: OpensslSigner) -> None:
    raw = authority.stamp(DATA)
    at = raw.index(hashlib.sha256(DATA).digest())
    changed = raw[:at] + bytes([raw[at] ^ 1]) + raw[at + 1 :]
    token = read_token(changed)
    assert not is_signed(token)
    assert not token.signature.objects[0].is_intact


def test_what_is_no_token_is_malformed(authority: OpensslSigner, folder: Path) -> None:
    signer = OpensslSigner.make(folder, "somebody")
    for raw in (b"", b"0\x03\x02\x01\x01", signer.sign(DATA, "-nodetach")):
        token = read_token(raw)
        assert token.signature.malformed
        assert token.generated_at is None


def test_a_file_that_is_a_token_is_about_the_document_beside_it(authority: OpensslSigner) -> None:
    raw = authority.stamp(DATA)
    answer = b"0\x82" + (len(raw) + 5).to_bytes(2, "big") + b"0\x03\x02\x01\x00" + raw
    digest = hashlib.sha256(DATA).digest()
    for file in (raw, answer):
        with Blob.of(file) as document, Blob.of(b"other") as other, Blob.of(DATA) as data:
            found = read_cms(document, detached=[])
            assert found.kind == "timestamp"
            assert found.timestamps[0].kind is TimestampKind.DOCUMENT
            assert found.timestamps[0].digest_of("sha256") is None
            beside = [Detached("other", other), Detached("data", data)]
            (stamp,) = read_cms(document, detached=beside).timestamps
            assert stamp.digest_of("sha256") == digest
