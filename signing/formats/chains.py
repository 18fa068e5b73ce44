"""From a certificate to its root, out of a heap of certificates.

What lives here: which certificate issued which, by name and by signature.  **Nothing else is
checked**: whether they are valid, authorities, or good is for whoever knows their status.
Source: RFC 5280 §6.1.3 (a)(1) and (a)(4).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Final

from cryptography import x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm

_LONGEST: Final = 8
_UNUSABLE: Final = (ValueError, TypeError, InvalidSignature, UnsupportedAlgorithm)


def order_chain(
    certificate: bytes, *, among: Iterable[bytes], roots: Sequence[bytes] = ()
) -> tuple[bytes, ...]:
    """A certificate and its issuers, the nearest first, as far as they are there.

    Takes   certificate: DER; among, roots: DER, in any order, what cannot be read is left out.
    Returns DER; ends with a certificate that issued itself, if one was found.
    """
    heap = [parsed for one in (*roots, *among) if (parsed := _parse(one)) is not None]
    chain = [certificate]
    last = _parse(certificate)
    while last is not None and last[1].issuer != last[1].subject and len(chain) < _LONGEST:
        last = next((one for one in heap if _is_issued(last[1], by=one[1])), None)
        if last is not None:
            chain.append(last[0])
    return tuple(chain)


def is_self_issued(certificate: bytes) -> bool:
    """Whether subject and issuer are the same, as a root's are."""
    parsed = _parse(certificate)
    return parsed is not None and parsed[1].issuer == parsed[1].subject


def _parse(der: bytes) -> tuple[bytes, x509.Certificate] | None:
    try:
        return der, x509.load_der_x509_certificate(der)
    except ValueError:
        return None


def _is_issued(certificate: x509.Certificate, *, by: x509.Certificate) -> bool:
    if by.subject != certificate.issuer:
        return False
    try:
        certificate.verify_directly_issued_by(by)
    except _UNUSABLE:
        return False
    return True
