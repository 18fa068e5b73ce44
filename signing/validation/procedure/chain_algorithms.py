"""Which algorithms a chain and the evidence about it stand on.

Source: ETSI EN 319 102-1 §5.2.6.4 and §5.1.4.2.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import lru_cache

from signing.validation.algorithm_acceptance import AlgorithmTable
from signing.validation.certificate_path import CertificatePath
from signing.validation.certificates import find_certificate
from signing.validation.found import SignedValue
from signing.validation.procedure.acceptance import (
    HASHING_THEMSELVES,
    AlgorithmUse,
    use_of_hash,
    use_of_key,
)
from signing.validation.revocation import CertificateStatus
from signing.validation.revocation_lists import find_list
from signing.validation.status_answers import find_answer


def uses_of_chain(
    path: CertificatePath, *, statuses: Sequence[CertificateStatus], table: AlgorithmTable
) -> tuple[AlgorithmUse, ...]:
    """Of certificates, of the keys that signed them, and of evidence."""
    found = list(uses_of_certificates(path, table=table))
    for one in statuses:
        found.extend(uses_of_evidence(one.evidence, table=table))
    return tuple(dict.fromkeys(found))


def uses_of_certificates(path: CertificatePath, *, table: AlgorithmTable) -> Iterator[AlgorithmUse]:
    """The anchor is believed as it is, so that only its key counts."""
    if path.is_anchor:
        return
    for certificate in path.certificates:
        yield from uses_of_certificate(certificate, table=table)
    for issuer in path.certificates[1:]:
        key = key_of(issuer)
        if key is not None:
            yield use_of_key("certificate", key, table=table)
    yield use_of_key("certificate", path.anchor.key, table=table)


def uses_of_certificate(certificate: bytes, *, table: AlgorithmTable) -> Iterator[AlgorithmUse]:
    """The hash under which it is signed."""
    parsed = find_certificate(certificate)
    if parsed is not None:
        yield from _uses_of_value("certificate", parsed.signed, table=table)


def uses_of_evidence(evidence: Sequence[bytes], *, table: AlgorithmTable) -> Iterator[AlgorithmUse]:
    """The hashes under which answers and lists are signed."""
    for piece in evidence:
        signed = _signed_evidence(piece)
        if signed is not None:
            yield from _uses_of_value("status", signed, table=table)


def key_of(certificate: bytes) -> bytes | None:
    """The key of a certificate, DER SubjectPublicKeyInfo; None when it cannot be read."""
    parsed = find_certificate(certificate)
    return None if parsed is None else parsed.key


def _uses_of_value(
    what: str, signed: SignedValue, *, table: AlgorithmTable
) -> Iterator[AlgorithmUse]:
    if signed.algorithm.family not in HASHING_THEMSELVES:
        yield use_of_hash(what, signed.algorithm.hash_name, table=table)


@lru_cache(maxsize=256)
def _signed_evidence(piece: bytes) -> SignedValue | None:
    answer = find_answer(piece)
    if answer is not None:
        return answer.signed
    found = find_list(piece)
    return None if found is None else found.signed
