"""Certification requests: reading those of others, making our own.

What lives here: PKCS #10 from bytes of anybody to a key whose possession was shown, and the two
halves of making one when the private key is a process away: what has to be signed, and the request
once it is.  Nothing of a request but the key ends up in a certificate.
Source: RFC 2986 §4; RFC 5280 §4.1.2.4 (comparison of names).  Not here: who may have a certificate.
"""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass, field
from typing import Final

from cryptography import x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from cryptography.x509.oid import SignatureAlgorithmOID

from keystore.pki.der import SEQUENCE, SIGNATURE_ALGORITHMS, wrap
from keystore.pki.errors import CsrRefused
from keystore.pki.public_key import check_strength

_LONGEST: Final = 16 * 1024
_BIT_STRING: Final = 0x03
_VERSION_1: Final = b"\x02\x01\x00"
_NO_ATTRIBUTES: Final = b"\xa0\x00"
_HASHES: Final = (
    hashes.SHA256,
    hashes.SHA384,
    hashes.SHA512,
    hashes.SHA3_256,
    hashes.SHA3_384,
    hashes.SHA3_512,
)


@dataclass(frozen=True, slots=True)
class VerifiedCsr:
    """A request whose signature verified: whoever sent it has the private key.

    `public_spki` is the DER SubjectPublicKeyInfo; `der` the request itself.
    """

    public_spki: bytes = field(repr=False)
    der: bytes = field(repr=False)


def verify_csr(raw_csr: bytes, *, expected_name: x509.Name) -> VerifiedCsr:
    """Read a PKCS #10 request, PEM or DER.

    1. It is short, and parses.
    2. The key is of a kind that we certify, and strong.
    3. The signature is made with a hash of today, and verifies.
    4. It does not ask to become an authority.  Other wishes are not refused, and not granted.
    5. What its subject says is what the account's name says; it may say less, or nothing.

    Raises  CsrRefused (carries the reason, and the attribute of the name).
    """
    # 1
    if len(raw_csr) > _LONGEST:
        raise CsrRefused("too_large")
    try:
        csr = _load(raw_csr)
        key, subject, extensions = csr.public_key(), csr.subject, csr.extensions
    except (ValueError, TypeError, UnsupportedAlgorithm, x509.DuplicateExtension) as malformed:
        raise CsrRefused("malformed") from malformed
    # 2
    strong = check_strength(key)
    # 3
    _check_signature(csr)
    # 4
    for extension in extensions:
        if isinstance(extension.value, x509.BasicConstraints) and extension.value.ca:
            raise CsrRefused("extension")
    # 5
    _check_name(subject, expected=expected_name)
    spki = strong.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    return VerifiedCsr(spki, csr.public_bytes(Encoding.DER))


def csr_info(*, name: x509.Name, public_spki: bytes) -> bytes:
    """What the private key has to sign: DER CertificationRequestInfo."""
    return wrap(SEQUENCE, _VERSION_1, name.public_bytes(), public_spki, _NO_ATTRIBUTES)


def finish_csr(info: bytes, *, algorithm: str, signature: bytes) -> bytes:
    """The request; DER.

    Takes   info: as `csr_info` returned it; algorithm: of the key, as `keystore/key_types.py`
            names it; signature: in the form of X.509.
    Raises  CsrRefused when the signature is not one of this key over this.
    """
    identifier = SIGNATURE_ALGORITHMS.get(algorithm)
    if identifier is None:
        raise CsrRefused("key_type")
    csr = wrap(SEQUENCE, info, identifier, wrap(_BIT_STRING, b"\x00", signature))
    try:
        _check_signature(x509.load_der_x509_csr(csr))
    except ValueError as malformed:
        raise CsrRefused("malformed") from malformed
    return csr


def _load(raw_csr: bytes) -> x509.CertificateSigningRequest:
    if raw_csr.lstrip().startswith(b"-----"):
        return x509.load_pem_x509_csr(raw_csr)
    return x509.load_der_x509_csr(raw_csr)


def _check_signature(csr: x509.CertificateSigningRequest) -> None:
    try:
        digest = csr.signature_hash_algorithm
        has_no_hash = csr.signature_algorithm_oid == SignatureAlgorithmOID.ED25519
        if not isinstance(digest, _HASHES) and not has_no_hash:
            raise CsrRefused("signature_algorithm")
        is_valid = csr.is_signature_valid
    except (UnsupportedAlgorithm, ValueError, TypeError, InvalidSignature) as unusable:
        raise CsrRefused("signature_algorithm") from unusable
    if not is_valid:
        raise CsrRefused("signature")


def _check_name(unverified_name: x509.Name, *, expected: x509.Name) -> None:
    wanted = {(attribute.oid, _comparable(attribute.value)) for attribute in expected}
    for attribute in unverified_name:
        if (attribute.oid, _comparable(attribute.value)) not in wanted:
            # the object identifier, not what stands there: that may be anybody's name
            raise CsrRefused("name", field=attribute.oid.dotted_string)


def _comparable(value: str | bytes) -> str | bytes:
    if isinstance(value, bytes):
        return value
    return unicodedata.normalize("NFC", " ".join(value.split()))
