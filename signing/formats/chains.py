"""From a certificate to its root, out of a heap of certificates.

What lives here: which certificate issued which, by name and by signature, and whether one is in
its time.  **Nothing else is checked**: whether they are authorities, or good, is for whoever knows
their status.
Source: RFC 5280 §6.1.3 (a)(1) and (a)(4).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from functools import lru_cache
from typing import Final, TypeVar

from cryptography import x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm

from signing.errors import CertificateRefused

_Kind = TypeVar("_Kind", bound=x509.ExtensionType)
_LONGEST: Final = 8
_UNUSABLE: Final = (ValueError, TypeError, InvalidSignature, UnsupportedAlgorithm)


def order_chain(
    certificate: bytes, *, among: Iterable[bytes], roots: Sequence[bytes] = ()
) -> tuple[bytes, ...]:
    """A certificate and its issuers, the nearest first, as far as they are there.

    Takes   certificate: DER; among, roots: DER, in any order, what cannot be read is left out.
    Returns DER; ends with a certificate that issued itself, if one was found.
    """
    heap = [(one, parsed) for one in (*roots, *among) if (parsed := _find(one)) is not None]
    chain = [certificate]
    last = _find(certificate)
    while last is not None and last.issuer != last.subject and len(chain) < _LONGEST:
        above = next((one for one in heap if is_issued_by(last, one[1])), None)
        last = None
        if above is not None:
            chain.append(above[0])
            last = above[1]
    return tuple(chain)


def parse_certificate(der: bytes) -> x509.Certificate:
    """A certificate; **not verified**.

    Raises  ValueError.
    """
    return _parse(der)


@lru_cache(maxsize=256)
def is_issued_by(certificate: x509.Certificate, issuer: x509.Certificate) -> bool:
    """Whether the name and the signature are this issuer's; remembered, as it never changes."""
    if issuer.subject != certificate.issuer:
        return False
    try:
        certificate.verify_directly_issued_by(issuer)
    except _UNUSABLE:
        return False
    return True


def find_extension(
    certificate: x509.Certificate, kind: type[_Kind]
) -> x509.Extension[_Kind] | None:
    """An extension, if it is there.

    Raises  ValueError when the extensions cannot be read.
    """
    try:
        return certificate.extensions.get_extension_for_class(kind)
    except x509.ExtensionNotFound:
        return None
    except (x509.DuplicateExtension, x509.UnsupportedGeneralNameType) as malformed:
        raise ValueError("extensions") from malformed


def is_self_issued(certificate: bytes) -> bool:
    """Whether subject and issuer are the same, as a root's are."""
    parsed = _find(certificate)
    return parsed is not None and parsed.issuer == parsed.subject


def check_validity(certificate: bytes, *, now: datetime) -> None:
    """The certificate is one that signs now.

    Raises  CertificateRefused: expired, not_yet_valid.
    """
    parsed = _parse(certificate)
    if now < parsed.not_valid_before_utc:
        raise CertificateRefused("not_yet_valid")
    if now > parsed.not_valid_after_utc:
        raise CertificateRefused("expired")


def _find(der: bytes) -> x509.Certificate | None:
    try:
        return _parse(der)
    except ValueError:
        return None


@lru_cache(maxsize=64)
def _parse(der: bytes) -> x509.Certificate:
    # authorities and signatories come again with every signature
    try:
        certificate = x509.load_der_x509_certificate(der)
    except x509.InvalidVersion as malformed:
        raise ValueError("version") from malformed
    # NOTE: names are read when they are asked for; what is wrong with them has to show here
    _ = certificate.subject, certificate.issuer
    return certificate
