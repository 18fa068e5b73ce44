"""Until when algorithms are good enough, by the table and for certificates."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from cryptography import x509

from signing.formats.algorithm_lifetimes import TS_119_312, certificate_end, earliest, key_end
from tests.support.signatory import SigningPki

_2029 = datetime(2029, 1, 1, tzinfo=UTC)
_LONG_AGO = datetime(2012, 8, 1, tzinfo=UTC)


@pytest.mark.parametrize(
    ("name", "end"),
    [
        ("sha256", None),
        ("sha3_512", None),
        ("sha224", _2029),
        ("sha1", _LONG_AGO),
        ("md5", _LONG_AGO),
    ],
)
def test_a_hash_ends_when_the_table_says_so(name: str, end: datetime | None) -> None:
    """ETSI TS 119 312, hash functions; what it does not name has ended."""
    assert TS_119_312.hash_end(name) == end


@pytest.mark.parametrize(
    ("kind", "bits", "end"),
    [
        ("ecdsa", 256, None),
        ("ecdsa", 384, None),
        ("ecdsa", 192, _LONG_AGO),
        ("rsa-pss", 3072, None),
        ("rsa-pss", 2048, _2029),
        ("rsa-pss", 1024, _LONG_AGO),
        ("rsa-pkcs1", 4096, _2029),
        ("dsa", 3072, _LONG_AGO),
    ],
)
def test_a_kind_of_signature_ends_by_the_size_of_its_key(
    kind: str, bits: int, end: datetime | None
) -> None:
    """ETSI TS 119 312, signature algorithms."""
    assert TS_119_312.signature_end(kind, bits=bits) == end


def test_what_we_issue_has_no_end_that_is_known(signing_pki: SigningPki) -> None:
    for der in (signing_pki.tsa.der, signing_pki.citizen_rsa.issued.der, *signing_pki.chain):
        certificate = x509.load_der_x509_certificate(der)
        assert key_end(certificate, lifetimes=TS_119_312) is None
        assert certificate_end(certificate, lifetimes=TS_119_312) is None


def test_the_earliest_end_decides() -> None:
    assert earliest([None, _2029, _LONG_AGO]) == _LONG_AGO
    assert earliest([None]) is None
