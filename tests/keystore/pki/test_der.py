"""The pieces of DER that are made by hand, read by the compiled reader."""

from __future__ import annotations

import pytest
from cryptography import x509
from cryptography.hazmat import asn1
from hypothesis import given
from hypothesis import strategies as st

from keystore.key_types import KEY_TYPES
from keystore.pki.der import OCTET_STRING, SIGNATURE_ALGORITHMS, element, wrap


@given(parts=st.lists(st.binary(max_size=200), max_size=4))
def test_what_is_wrapped_is_read_back(parts: list[bytes]) -> None:
    assert asn1.decode_der(bytes, wrap(OCTET_STRING, *parts)) == b"".join(parts)


@pytest.mark.parametrize("size", [0, 1, 127, 128, 255, 256, 65_535, 65_536])
def test_lengths_are_as_short_as_they_can_be(size: int) -> None:
    """X.690 §10.1: the minimum number of octets; the reader refuses any other."""
    assert asn1.decode_der(bytes, wrap(OCTET_STRING, bytes(size))) == bytes(size)


def test_an_element_is_written_as_it_was_read() -> None:
    for encoded in (b"\x05\x00", wrap(0xA1, b"\x02\x01\x05"), wrap(OCTET_STRING, bytes(300))):
        assert asn1.encode_der(element(encoded)) == encoded


def test_every_kind_of_key_that_certifies_has_its_identifier() -> None:
    """RFC 5758, RFC 8410, RFC 9881: no parameters; RFC 4055 §5: NULL with RSA."""
    assert set(SIGNATURE_ALGORITHMS) <= set(KEY_TYPES)
    expected = {
        "ES256": x509.SignatureAlgorithmOID.ECDSA_WITH_SHA256,
        "ES384": x509.SignatureAlgorithmOID.ECDSA_WITH_SHA384,
        "Ed25519": x509.SignatureAlgorithmOID.ED25519,
    }
    for name, oid in expected.items():
        assert SIGNATURE_ALGORITHMS[name] == wrap(0x30, asn1.encode_der(oid))
