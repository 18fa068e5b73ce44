"""Certification requests from anybody: what is taken, what is refused and why, and fuzzing."""

from __future__ import annotations

import subprocess
from contextlib import suppress
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed448, ed25519, rsa
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
)
from cryptography.x509.oid import NameOID
from hypothesis import given, settings
from hypothesis import strategies as st

from keystore.pki.csr import csr_info, finish_csr, verify_csr
from keystore.pki.errors import CsrRefused
from keystore.pki.names import PersonSubject, subject_name
from tests.support.real_pki import make_deployment

_SHA256 = hashes.SHA256()
_KEY = ec.generate_private_key(ec.SECP256R1())
_SPKI = _KEY.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
_NAME = subject_name(
    PersonSubject("Người Mây Suối"), deployment=make_deployment(), opaque_number="0" * 32
)


def _csr(
    key=_KEY, *, attributes=(), extension=None, digest=_SHA256, encoding=Encoding.DER
) -> bytes:
    builder = x509.CertificateSigningRequestBuilder().subject_name(
        x509.Name([x509.NameAttribute(oid, value) for oid, value in attributes])
    )
    if extension is not None:
        builder = builder.add_extension(extension, critical=True)
    return builder.sign(key, digest).public_bytes(encoding)


def _refusal(raw: bytes) -> CsrRefused:
    with pytest.raises(CsrRefused) as refused:
        verify_csr(raw, expected_name=_NAME)
    return refused.value


@pytest.mark.parametrize("encoding", [Encoding.DER, Encoding.PEM])
def test_a_request_without_a_name_is_taken(encoding: Encoding) -> None:
    verified = verify_csr(_csr(encoding=encoding), expected_name=_NAME)
    assert verified.public_spki == _SPKI
    assert x509.load_der_x509_csr(verified.der).is_signature_valid


def test_a_name_may_say_less_than_the_account_but_nothing_else() -> None:
    own = [(NameOID.COUNTRY_NAME, "VN"), (NameOID.COMMON_NAME, "Người Mây  Suối")]
    verify_csr(_csr(attributes=own), expected_name=_NAME)
    for oid, value in (
        (NameOID.COMMON_NAME, "Người Suối Mây"),
        (NameOID.SERIAL_NUMBER, "1" * 32),
        (NameOID.ORGANIZATION_NAME, "Bộ Mây Suối"),
    ):
        refused = _refusal(_csr(attributes=[*own, (oid, value)]))
        assert (refused.reason, refused.field) == ("name", oid.dotted_string)
        assert value not in str(refused)


def test_a_request_that_somebody_else_signed_is_refused() -> None:
    """RFC 2986 §4.2: the signature is the proof of possession."""
    other = ec.generate_private_key(ec.SECP256R1())
    info = csr_info(name=_NAME, public_spki=_SPKI)
    with pytest.raises(CsrRefused, match="signature"):
        finish_csr(info, algorithm="ES256", signature=other.sign(info, ec.ECDSA(hashes.SHA256())))
    raw = bytearray(_csr(attributes=[(NameOID.COUNTRY_NAME, "VN")]))
    place = raw.find(b"VN")
    raw[place : place + 2] = b"VM"
    assert _refusal(bytes(raw)).reason == "signature"


def test_a_request_made_in_two_halves_is_one_that_openssl_accepts(tmp_path: Path) -> None:
    info = csr_info(name=_NAME, public_spki=_SPKI)
    csr = finish_csr(info, algorithm="ES256", signature=_KEY.sign(info, ec.ECDSA(hashes.SHA256())))
    assert verify_csr(csr, expected_name=_NAME).public_spki == _SPKI
    file = tmp_path / "request.der"
    file.write_bytes(csr)
    subprocess.run(
        ["openssl", "req", "-inform", "DER", "-in", file, "-verify", "-noout"],
        check=True,
        capture_output=True,
    )
    with pytest.raises(CsrRefused, match="key_type"):
        finish_csr(info, algorithm="HS256", signature=b"")


@pytest.mark.parametrize(
    ("make", "reason"),
    [
        (lambda: rsa.generate_private_key(65537, 2048), "weak_key"),
        (lambda: ec.generate_private_key(ec.SECP224R1()), "weak_key"),
        (lambda: ec.generate_private_key(ec.SECP256K1()), "key_type"),
        (ed448.Ed448PrivateKey.generate, "key_type"),
    ],
)
def test_weak_keys_and_foreign_kinds_are_refused(make, reason: str) -> None:
    """TT 15/2025/TT-BKHCN, Annex I."""
    key = make()
    digest = None if isinstance(key, ed448.Ed448PrivateKey) else hashes.SHA256()
    assert _refusal(_csr(key, digest=digest)).reason == reason


@pytest.mark.parametrize(
    "make",
    [
        lambda: ec.generate_private_key(ec.SECP384R1()),
        lambda: rsa.generate_private_key(65537, 3072),
        ed25519.Ed25519PrivateKey.generate,
    ],
)
def test_strong_keys_of_several_kinds_are_taken(make) -> None:
    key = make()
    digest = None if isinstance(key, ed25519.Ed25519PrivateKey) else hashes.SHA256()
    verify_csr(_csr(key, digest=digest), expected_name=_NAME)


def test_a_signature_over_an_old_hash_is_refused(tmp_path: Path) -> None:
    """A request over SHA-1 may be a collision."""
    key = tmp_path / "key.pem"
    key.write_bytes(
        _KEY.private_bytes(Encoding.PEM, PrivateFormat.TraditionalOpenSSL, NoEncryption())
    )
    made = subprocess.run(
        ["openssl", "req", "-new", "-key", key, "-sha1", "-subj", "/C=VN", "-outform", "DER"],
        check=True,
        capture_output=True,
    ).stdout
    assert _refusal(made).reason == "signature_algorithm"


def test_nobody_becomes_an_authority_by_asking() -> None:
    """RFC 5280 §4.2.1.9: only the issuer says what is an authority."""
    wish = x509.BasicConstraints(ca=True, path_length=None)
    assert _refusal(_csr(extension=wish)).reason == "extension"
    verify_csr(
        _csr(extension=x509.BasicConstraints(ca=False, path_length=None)), expected_name=_NAME
    )


@pytest.mark.parametrize(
    ("raw", "reason"),
    [
        (b"", "malformed"),
        (b"-----BEGIN CERTIFICATE REQUEST-----\n", "malformed"),
        (b"\x30\x80" + b"\x00" * 64, "malformed"),
        (b"\x30" * 16_000, "malformed"),
        (b"\x30" * 20_000, "too_large"),
        (_csr() + b"\x00", "malformed"),
        (_csr()[:-1], "malformed"),
    ],
)
def test_what_is_no_request_is_refused_by_name(raw: bytes, reason: str) -> None:
    assert _refusal(raw).reason == reason


_WHOLE = _csr(
    attributes=[(NameOID.COUNTRY_NAME, "VN"), (NameOID.COMMON_NAME, "Người Mây Suối")],
    extension=x509.BasicConstraints(ca=False, path_length=None),
)


@given(
    place=st.integers(0, len(_WHOLE) - 1),
    changed=st.binary(max_size=6),
    dropped=st.integers(0, 6),
)
@settings(max_examples=400, deadline=None)
def test_a_damaged_request_is_refused_and_nothing_else_happens(
    place: int, changed: bytes, dropped: int
) -> None:
    raw = _WHOLE[:place] + changed + _WHOLE[place + dropped :]
    verified = None
    with suppress(CsrRefused):
        verified = verify_csr(raw, expected_name=_NAME)
    assert verified is None or verified.public_spki == _SPKI


@given(raw=st.binary(max_size=300))
@settings(max_examples=300, deadline=None)
def test_noise_is_refused(raw: bytes) -> None:
    with pytest.raises(CsrRefused):
        verify_csr(raw, expected_name=_NAME)
