"""Reading OCSP requests: what clients send, and everything else."""

from __future__ import annotations

from datetime import datetime

import pytest
from cryptography.hazmat.primitives import hashes
from hypothesis import given
from hypothesis import strategies as st

from keystore.pki.der import wrap
from keystore.pki.errors import RequestMalformed
from keystore.pki.ocsp_requests import MAX_BYTES, encode_cert_id, parse_request
from tests.support.pki import SmallPki
from tests.support.status import SHA1, issuer_hashes, make_request

NONCE_OID = bytes.fromhex("06092b0601050507300102")
UNKNOWN_OID = bytes.fromhex("06092b060105050730017f")
SHA1_NULL = bytes.fromhex("300906052b0e03021a0500")
CRITICAL = b"\x01\x01\xff"


def cert_id(*, algorithm: bytes = SHA1_NULL, serial: bytes = b"\x02\x01\x05") -> bytes:
    hashed = wrap(4, b"n" * 20) + wrap(4, b"k" * 20)
    return wrap(0x30, algorithm, hashed, serial)


def extension(oid: bytes, value: bytes, *, critical: bytes = b"") -> bytes:
    return wrap(0x30, oid, critical, wrap(4, value))


def request(
    *cert_ids: bytes, version: bytes = b"", single: bytes = b"", extensions: bytes = b""
) -> bytes:
    listed = b"".join(wrap(0x30, one, single) for one in cert_ids)
    return wrap(0x30, wrap(0x30, version, wrap(0x30, listed), extensions))


def with_extensions(*extensions: bytes) -> bytes:
    return request(cert_id(), extensions=wrap(0xA2, wrap(0x30, *extensions)))


def with_nonce(nonce: bytes) -> bytes:
    return with_extensions(extension(NONCE_OID, wrap(4, nonce)))


def reason_of(raw: bytes) -> str:
    with pytest.raises(RequestMalformed) as refused:
        parse_request(raw)
    return refused.value.reason


@pytest.fixture
def pki(now: datetime) -> SmallPki:
    return SmallPki(now)


@pytest.mark.parametrize("algorithm", [SHA1, hashes.SHA256()])
def test_a_request_as_clients_make_it_is_read(
    pki: SmallPki, algorithm: hashes.HashAlgorithm
) -> None:
    serial = pki.citizen.certificate.serial_number
    raw = make_request(pki, serial, algorithm=algorithm, nonce=b"n" * 32)
    read = parse_request(raw)
    assert read.nonce == b"n" * 32
    (asked,) = read.cert_ids
    assert asked.serial == serial
    assert asked.hash_name == algorithm.name
    name, key = issuer_hashes(pki.issuing.certificate, algorithm=algorithm)
    assert (asked.issuer_name_hash, asked.issuer_key_hash) == (name, key)
    assert asked.encoded in raw
    assert asked.encoded == encode_cert_id(
        algorithm.name, name_hash=name, key_hash=key, serial=serial
    )


def test_several_certificates_are_read_in_the_order_asked() -> None:
    numbers = [b"\x02\x01\x05", b"\x02\x01\x03", b"\x02\x01\x05"]
    read = parse_request(request(*(cert_id(serial=one) for one in numbers)))
    assert [one.serial for one in read.cert_ids] == [5, 3, 5]


def test_a_hash_without_parameters_is_echoed_without() -> None:
    asked = cert_id(algorithm=bytes.fromhex("300706052b0e03021a"))
    (read,) = parse_request(request(asked)).cert_ids
    assert read.hash_name == "sha1"
    assert read.encoded == asked


def test_a_hash_that_nobody_knows_is_read_as_such() -> None:
    asked = cert_id(algorithm=wrap(0x30, UNKNOWN_OID, wrap(0x30, b"\x02\x01\x01")))
    (read,) = parse_request(request(asked)).cert_ids
    assert read.hash_name == ""


@pytest.mark.parametrize("size", [16, 32, 33, 128])
def test_a_nonce_of_16_to_128_octets_is_taken(size: int) -> None:
    """RFC 9654 §2.1."""
    assert parse_request(with_nonce(b"n" * size)).nonce == b"n" * size


@pytest.mark.parametrize("size", [1, 15])
def test_a_shorter_nonce_is_ignored(size: int) -> None:
    """RFC 9654 §2.1: a responder may do so below 16 octets."""
    assert parse_request(with_nonce(b"n" * size)).nonce is None


@pytest.mark.parametrize("size", [0, 129, 4_000])
def test_an_empty_or_longer_nonce_refuses_the_request(size: int) -> None:
    """RFC 9654 §2.1: MUST be refused as malformed."""
    assert reason_of(with_nonce(b"n" * size)) == "nonce"


def test_a_nonce_that_is_no_octet_string_refuses_the_request() -> None:
    """RFC 9654 §2.1: Nonce is an OCTET STRING inside the extension's value."""
    assert reason_of(with_extensions(extension(NONCE_OID, b"n" * 16))) == "nonce"


def test_an_unknown_critical_extension_refuses_the_request() -> None:
    """RFC 6960 §4.4: the extension model of RFC 5280 §4.2."""
    critical = extension(UNKNOWN_OID, b"", critical=CRITICAL)
    assert reason_of(with_extensions(critical)) == "critical_extension"
    single = wrap(0xA0, wrap(0x30, critical))
    assert reason_of(request(cert_id(), single=single)) == "critical_extension"


def test_an_unknown_extension_that_is_not_critical_is_ignored() -> None:
    assert parse_request(with_extensions(extension(UNKNOWN_OID, b"whatever"))).nonce is None


def test_the_nonce_may_be_critical() -> None:
    raw = with_extensions(extension(NONCE_OID, wrap(4, b"n" * 16), critical=CRITICAL))
    assert parse_request(raw).nonce == b"n" * 16


def test_an_extension_that_comes_twice_refuses_the_request() -> None:
    """RFC 5280 §4.2: no more than one instance of an extension."""
    nonce = extension(NONCE_OID, wrap(4, b"n" * 16))
    assert reason_of(with_extensions(nonce, nonce)) == "extension_twice"


def test_another_version_refuses_the_request() -> None:
    """RFC 6960 §4.1.1: the version is v1."""
    assert reason_of(request(cert_id(), version=wrap(0xA0, b"\x02\x01\x01"))) == "version"


def test_no_certificate_or_too_many_refuse_the_request() -> None:
    assert reason_of(request()) == "number_of_certificates"
    assert len(parse_request(request(*[cert_id()] * 16)).cert_ids) == 16
    assert reason_of(request(*[cert_id()] * 17)) == "number_of_certificates"


@pytest.mark.parametrize(
    "serial",
    [b"\x02\x01\x00", b"\x02\x01\xff", wrap(2, b"\x00" + b"\xff" * 20), wrap(2, b"\x7f" * 6_000)],
    ids=["zero", "negative", "21_octets", "6000_octets"],
)
def test_a_serial_number_that_no_certificate_has_refuses_the_request(serial: bytes) -> None:
    """RFC 5280 §4.1.2.2: positive, at most 20 octets."""
    assert reason_of(request(cert_id(serial=serial))) == "serial_number"


def test_a_serial_number_of_20_octets_is_read() -> None:
    number = b"\x7f" + b"\xff" * 19
    (read,) = parse_request(request(cert_id(serial=wrap(2, number)))).cert_ids
    assert read.serial == int.from_bytes(number, "big")


def test_a_signed_request_with_a_name_is_read_like_any_other() -> None:
    """RFC 6960 §4.1.1: requestorName and optionalSignature; neither changes the answer."""
    name = wrap(0xA1, wrap(0xA4, wrap(0x30)))
    tbs = wrap(0x30, name, wrap(0x30, wrap(0x30, cert_id())))
    signature = wrap(0xA0, wrap(0x30, SHA1_NULL, wrap(3, b"\x00sig")))
    assert len(parse_request(wrap(0x30, tbs, signature)).cert_ids) == 1


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"0",
        b"\x30\x80\x00\x00",
        b"\x30\x84\xff\xff\xff\xff",
        b"\x30\x88" + b"\xff" * 8,
        b"\x1f" + b"\xff" * 40,
        request(cert_id()) + b"\x00",
        request(cert_id())[:-1],
        request(cert_id(algorithm=b"\x30\x00")),
        request(cert_id(algorithm=wrap(0x30, b"\x06\x00"))),
        request(cert_id(algorithm=wrap(0x30, b"\x05\x00"))),
        b"GET / HTTP/1.1\r\n\r\n",
        b"-----BEGIN OCSP REQUEST-----",
    ],
)
def test_what_is_no_request_is_refused(raw: bytes) -> None:
    """RFC 6960 §2.3: malformedRequest."""
    assert reason_of(raw) in {"syntax", "hash_algorithm"}


def test_a_request_that_is_nested_deeply_costs_nothing() -> None:
    """A bomb of sequences inside each other is never entered."""
    bomb = b""
    while len(bomb) < MAX_BYTES - 500:
        bomb = wrap(0x30, bomb)
    assert reason_of(bomb) == "syntax"
    name = wrap(0xA1, bomb)
    raw = wrap(0x30, wrap(0x30, name, wrap(0x30, wrap(0x30, cert_id()))))
    assert len(parse_request(raw).cert_ids) == 1


def test_a_request_that_is_too_long_is_refused_unread() -> None:
    assert reason_of(with_extensions(extension(UNKNOWN_OID, b"x" * MAX_BYTES))) == "too_long"


@given(st.binary(max_size=400))
def test_whatever_the_bytes_are_nothing_but_a_refusal_comes(raw: bytes) -> None:
    with pytest.raises(RequestMalformed):
        parse_request(raw)


WHOLE = with_extensions(extension(NONCE_OID, wrap(4, b"n" * 16)))


@given(at=st.integers(0, len(WHOLE) - 1), instead=st.binary(max_size=6), drop=st.integers(0, 4))
def test_a_changed_request_is_read_or_refused(at: int, instead: bytes, drop: int) -> None:
    raw = WHOLE[:at] + instead + WHOLE[at + drop :]
    try:
        read = parse_request(raw)
    except RequestMalformed:
        return
    for one in read.cert_ids:
        assert one.encoded in raw
