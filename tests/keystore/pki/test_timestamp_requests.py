"""Everything that can be wrong with a request has an answer, and nothing raises."""

from __future__ import annotations

from pathlib import Path

import pytest
from cryptography.hazmat import asn1
from cryptography.x509 import ObjectIdentifier
from hypothesis import given
from hypothesis import strategies as st
from rfc3161_client import TimestampRequestBuilder

from keystore.pki.timestamp_requests import (
    DIGEST_BYTES,
    MAX_REQUEST_BYTES,
    Failure,
    TimestampRequest,
    read_timestamp_request,
)
from tests.support.timestamps import POLICY, openssl_query

_SHA256 = "300b0609608648016503040201"
_SHA256_NULL = "300d06096086480165030402010500"
_SHA1 = "300906052b0e03021a0500"
_DIGEST = "0420" + "ab" * 32


def _sequence(*parts: str) -> str:
    content = "".join(parts)
    size = len(content) // 2
    if size < 0x80:
        return f"30{size:02x}{content}"
    return f"3081{size:02x}{content}" if size < 0x100 else f"3082{size:04x}{content}"


def _request(
    *behind: str, version: str = "020101", algorithm: str = _SHA256, digest: str = _DIGEST
) -> bytes:
    return bytes.fromhex(_sequence(version, _sequence(algorithm, digest), *behind))


def _asked(raw: bytes) -> TimestampRequest:
    asked = read_timestamp_request(raw)
    assert isinstance(asked, TimestampRequest)
    return asked


def test_what_openssl_asks_is_understood(tmp_path: Path) -> None:
    raw = openssl_query(b"x", "-sha384", "-cert", "-tspolicy", POLICY, folder=tmp_path)
    asked = _asked(raw)
    assert asked.policy == ObjectIdentifier(POLICY)
    assert asked.wants_certificates is True
    assert asked.nonce is not None
    assert len(asked.imprint.hashed_message) == 48


def test_what_rfc3161_client_asks_is_understood() -> None:
    built = TimestampRequestBuilder().data(b"x").nonce(nonce=False).cert_request(cert_request=False)
    asked = _asked(built.build().as_bytes())
    assert (asked.nonce, asked.wants_certificates, asked.policy) == (None, False, None)


def test_parameters_of_the_hash_function_may_be_absent_or_null() -> None:
    """RFC 5754 §2: implementations MUST accept both."""
    assert _asked(_request()).imprint.hash_algorithm.parameters is None
    assert _asked(_request(algorithm=_SHA256_NULL)).imprint.hash_algorithm.parameters is not None


@pytest.mark.parametrize(("written", "wanted"), [("010100", False), ("0101ff", True)])
def test_a_certreq_that_is_written_out_is_read(written: str, *, wanted: bool) -> None:
    assert _asked(_request(written)).wants_certificates is wanted


@pytest.mark.parametrize("nonce", ["0201ff", "020100", "0209" + "00ff" + "00" * 7])
def test_a_nonce_may_be_any_integer(nonce: str) -> None:
    expected = int.from_bytes(bytes.fromhex(nonce[4:]), "big", signed=True)
    assert _asked(_request(nonce)).nonce == expected


def test_the_hash_functions_are_sha2_and_sha3_alone() -> None:
    assert sorted(DIGEST_BYTES.values()) == [32, 32, 48, 48, 64, 64]


@pytest.mark.parametrize(
    ("algorithm", "digest"),
    [
        (_SHA1, "0414" + "ab" * 20),
        ("300c06082a864886f70d02050500", "0410" + "ab" * 16),  # MD5
        ("300b0609608648016503040204", "041c" + "ab" * 28),  # SHA-224
        ("300d0609608648016503040201040" + "0", _DIGEST),  # parameters that are an OCTET STRING
        ("300b060960864801650304020b", "0420" + "ab" * 32),  # SHAKE128
        ("30030601" + "2a", _DIGEST),
    ],
)
def test_a_hash_function_that_is_not_taken_is_a_bad_algorithm(algorithm: str, digest: str) -> None:
    """RFC 3161 §2.4.2: badAlg, unrecognised or unsupported algorithm identifier."""
    assert read_timestamp_request(_request(algorithm=algorithm, digest=digest)) is Failure.BAD_ALG


@pytest.mark.parametrize("version", ["020100", "020102", "0201ff", "0203010001"])
def test_another_version_is_a_bad_request(version: str) -> None:
    """RFC 3161 §2.4.1: version is currently v1."""
    assert read_timestamp_request(_request(version=version)) is Failure.BAD_REQUEST


@pytest.mark.parametrize("digest", ["0400", "041f" + "ab" * 31, "0421" + "ab" * 33])
def test_a_digest_of_another_length_is_a_bad_format(digest: str) -> None:
    """RFC 3161 §2.4.1: the length SHOULD match the hash function."""
    assert read_timestamp_request(_request(digest=digest)) is Failure.BAD_DATA_FORMAT


def _extension(oid: str, *, critical: str = "") -> str:
    return _sequence(oid, critical, "0400")


_UNKNOWN = "06032a0304"
_QC_STATEMENTS = "06082b06010505070103"


@pytest.mark.parametrize("critical", ["", "0101ff"])
def test_an_extension_that_we_do_not_know_is_refused(critical: str) -> None:
    """RFC 3161 §2.4.1: if an extension, critical or not, is not recognised: unacceptedExtension."""
    extensions = _extension(_UNKNOWN, critical=critical)
    raw = _request(f"a0{len(extensions) // 2:02x}{extensions}")
    assert read_timestamp_request(raw) is Failure.UNACCEPTED_EXTENSION


def test_a_statement_that_is_not_to_be_had_is_said_so() -> None:
    """RFC 3161 §2.4.2: addInfoNotAvailable; ETSI EN 319 422 §9.1."""
    extensions = _extension(_QC_STATEMENTS)
    raw = _request(f"a0{len(extensions) // 2:02x}{extensions}")
    assert read_timestamp_request(raw) is Failure.ADD_INFO_NOT_AVAILABLE


def test_extensions_without_one_are_a_bad_format() -> None:
    """RFC 5280 §4.1: SIZE (1..MAX)."""
    assert read_timestamp_request(_request("a000")) is Failure.BAD_DATA_FORMAT


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"\x30\x80\x00\x00",  # indefinite length
        b"\x30\x84\xff\xff\xff\xff",
        b"\x30\x82\x10\x00" * 1_500,  # one inside of the other
        _request() + b"\x00",
        _request()[:-1],
        _request("0200"),  # an integer of no bytes
        _request("02020001"),  # more bytes than it needs
        _request("010101"),  # a boolean that is neither
        _request("020101", "020101"),
        _request("0500"),
        _request("02820100" + "7f" * 256),  # a nonce that is only there to be long
        bytes(MAX_REQUEST_BYTES),
        b"\x30" * (MAX_REQUEST_BYTES + 1),
        b"not ASN.1 at all",
    ],
)
def test_what_is_not_der_of_a_request_is_a_bad_format(raw: bytes) -> None:
    """RFC 3161 §2.4.2: badDataFormat."""
    assert read_timestamp_request(raw) is Failure.BAD_DATA_FORMAT


def test_a_request_as_long_as_is_allowed_is_read_and_one_byte_more_is_not() -> None:
    filler = MAX_REQUEST_BYTES - len(_long(0))
    assert read_timestamp_request(_long(filler)) is Failure.UNACCEPTED_EXTENSION
    assert read_timestamp_request(_long(filler + 1)) is Failure.BAD_DATA_FORMAT


def _long(filler: int) -> bytes:
    value = f"0482{filler + 4000:04x}" + "00" * (filler + 4000)
    extension = f"3082{len(_UNKNOWN + value) // 2:04x}{_UNKNOWN}{value}"
    tagged = f"a082{len(extension) // 2:04x}{extension}"
    return _request(tagged)


@given(raw=st.binary(max_size=MAX_REQUEST_BYTES + 10))
def test_no_bytes_make_it_raise(raw: bytes) -> None:
    assert isinstance(read_timestamp_request(raw), TimestampRequest | Failure)


@given(data=st.data())
def test_no_change_to_a_right_request_makes_it_raise(data: st.DataObject) -> None:
    raw = bytearray(_request("06032a0304", "0204deadbeef", "0101ff", algorithm=_SHA256_NULL))
    for _ in range(data.draw(st.integers(1, 4))):
        place = data.draw(st.integers(0, len(raw) - 1))
        raw[place] = data.draw(st.integers(0, 255))
    assert isinstance(read_timestamp_request(bytes(raw)), TimestampRequest | Failure)


@given(
    nonce=st.integers(-(2**1023), 2**1023),
    policy=st.sampled_from([None, "2.999.1", "1.2.840.113549.1"]),
    wants=st.booleans(),
)
def test_what_is_written_is_read(nonce: int, policy: str | None, *, wants: bool) -> None:
    behind = "" if policy is None else asn1.encode_der(ObjectIdentifier(policy)).hex()
    asked = _asked(_request(behind, asn1.encode_der(nonce).hex(), "0101ff" if wants else ""))
    assert asked.nonce == nonce
    assert asked.policy == (None if policy is None else ObjectIdentifier(policy))
    assert asked.wants_certificates is wants
