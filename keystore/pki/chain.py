"""Whether a certificate that another authority issued is the one that we asked for.

What lives here: the checks before such a certificate is kept.  **Revocation is not checked**: the
certificate is minutes old, and its status is what the validation of signatures asks for.
Source: RFC 5280 §6.1.3 and §6.1.4 (signature, validity, basic constraints, path length, key usage).
Not here: validation of other people's signatures and their chains.
"""

from __future__ import annotations

import hmac
import itertools
from collections.abc import Sequence
from datetime import datetime
from typing import Final

from cryptography import x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from cryptography.x509.oid import NameOID

from keystore.pki.errors import ChainRefused, CsrRefused
from keystore.pki.public_key import check_strength

_LONGEST: Final = 64 * 1024
_MOST: Final = 6
_UNUSABLE: Final = (ValueError, TypeError, UnsupportedAlgorithm, x509.DuplicateExtension)


def read_chain(raw: bytes) -> tuple[x509.Certificate, ...]:
    """The certificates of a PEM file, or one DER certificate; **parsed, not verified**.

    Raises  ChainRefused: malformed, too_long.
    """
    if len(raw) > _LONGEST:
        raise ChainRefused("too_long")
    try:
        if raw.lstrip().startswith(b"-----"):
            found = tuple(x509.load_pem_x509_certificates(raw))
        else:
            found = (x509.load_der_x509_certificate(raw),)
    except _UNUSABLE as malformed:
        raise ChainRefused("malformed") from malformed
    if len(found) > _MOST:
        raise ChainRefused("too_long")
    return found


def verify_issued(
    unverified_chain: Sequence[x509.Certificate],
    *,
    anchors: Sequence[x509.Certificate],
    expected_spki: bytes,
    expected_name: x509.Name,
    now: datetime,
) -> tuple[x509.Certificate, ...]:
    """The chain from the certificate that we asked for to an anchor, both included.

    1. The first certificate is for our key, and for our subject's common name.
    2. It is no authority, and its key may sign.
    3. Each certificate is signed by the next one; the last by an anchor, if it is none itself.
    4. Each is valid now.
    5. Each issuer is an authority, may sign certificates, and allows a path of that length.
    6. No key on the way is weak.

    Takes   unverified_chain: the certificate first, then its issuers in order;
            anchors: authorities that the operator trusts for this.
    Raises  ChainRefused.
    """
    if not unverified_chain:
        raise ChainRefused("malformed")
    try:
        chain = _anchored(tuple(unverified_chain), anchors=anchors)
        # 1, 2
        _check_leaf(chain[0], spki=expected_spki, name=expected_name)
        # 3
        for certificate, issuer in itertools.pairwise(chain):
            _check_signature(certificate, issuer=issuer)
        # 4, 6
        for certificate in chain:
            _check_validity(certificate, now=now)
        for certificate in chain[:-1]:
            check_strength(certificate.public_key())
        # 5
        for position, issuer in enumerate(chain[1:]):
            _check_issuer(issuer, below=position)
    except CsrRefused as weak:
        raise ChainRefused("weak_key") from weak
    except _UNUSABLE as malformed:
        raise ChainRefused("malformed") from malformed
    return chain


def check_authorities(
    unverified_chain: Sequence[x509.Certificate], *, now: datetime
) -> tuple[x509.Certificate, ...]:
    """An authority and its issuers up to a root, before an operator trusts them.

    Each is an authority, valid, strong, and signed by the next; the last by itself.  **Whether it
    is the right root nobody can tell from here**: its fingerprint is compared by a person.
    Raises  ChainRefused.
    """
    if not unverified_chain:
        raise ChainRefused("malformed")
    try:
        last = unverified_chain[-1]
        for certificate, issuer in itertools.pairwise((*unverified_chain, last)):
            _check_signature(certificate, issuer=issuer)
        for position, certificate in enumerate(unverified_chain):
            _check_validity(certificate, now=now)
            check_strength(certificate.public_key())
            _check_issuer(certificate, below=position)
    except CsrRefused as weak:
        raise ChainRefused("weak_key") from weak
    except _UNUSABLE as malformed:
        raise ChainRefused("malformed") from malformed
    return tuple(unverified_chain)


def _anchored(
    chain: tuple[x509.Certificate, ...], *, anchors: Sequence[x509.Certificate]
) -> tuple[x509.Certificate, ...]:
    for position, certificate in enumerate(chain):
        if position > 0 and certificate in anchors:
            return chain[: position + 1]  # what comes after an anchor proves nothing
    for anchor in anchors:
        if anchor.subject == chain[-1].issuer:
            return (*chain, anchor)
    raise ChainRefused("no_anchor")


def _check_leaf(leaf: x509.Certificate, *, spki: bytes, name: x509.Name) -> None:
    # 1
    found = leaf.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    if not hmac.compare_digest(found, spki):
        raise ChainRefused("other_key")
    wanted = name.get_attributes_for_oid(NameOID.COMMON_NAME)
    given = leaf.subject.get_attributes_for_oid(NameOID.COMMON_NAME)
    # an authority writes the rest of the name as its own practice says
    if [one.value for one in wanted] != [one.value for one in given]:
        raise ChainRefused("other_name")
    # 2
    if _is_authority(leaf):
        raise ChainRefused("is_a_ca")
    usage = _usage(leaf)
    if usage is not None and not (usage.content_commitment or usage.digital_signature):
        raise ChainRefused("key_usage")


def _check_signature(certificate: x509.Certificate, *, issuer: x509.Certificate) -> None:
    try:
        certificate.verify_directly_issued_by(issuer)
    except (ValueError, TypeError, InvalidSignature, UnsupportedAlgorithm) as other:
        raise ChainRefused("signature") from other


def _check_validity(certificate: x509.Certificate, *, now: datetime) -> None:
    if now < certificate.not_valid_before_utc:
        raise ChainRefused("not_yet_valid")
    if now > certificate.not_valid_after_utc:
        raise ChainRefused("expired")


def _check_issuer(issuer: x509.Certificate, *, below: int) -> None:
    if not _is_authority(issuer):
        raise ChainRefused("not_a_ca")
    usage = _usage(issuer)
    if usage is not None and not usage.key_cert_sign:
        raise ChainRefused("key_usage")
    constraints = issuer.extensions.get_extension_for_class(x509.BasicConstraints).value
    if constraints.path_length is not None and below > constraints.path_length:
        raise ChainRefused("path_length")


def _is_authority(certificate: x509.Certificate) -> bool:
    try:
        found = certificate.extensions.get_extension_for_class(x509.BasicConstraints)
    except x509.ExtensionNotFound:
        return False
    return found.value.ca


def _usage(certificate: x509.Certificate) -> x509.KeyUsage | None:
    try:
        return certificate.extensions.get_extension_for_class(x509.KeyUsage).value
    except x509.ExtensionNotFound:
        return None
