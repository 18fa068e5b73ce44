"""Certificates in a second: built, signed, stored and recorded, one by one and in batches.

What lives here: `Certificates.issue_many` over PostgreSQL, for people whose keys and names were
prepared off the clock.  Every certificate is verified under the authority's afterwards.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Final

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from bench.costs import Bound, Cost, Measure, Spent, Stopwatch
from bench.population import Person
from bench.signatures import RawSigning
from bench.trust import citizen_request
from idp.services import Services
from keystore.pki.certificates import Certificates, Issued, IssueRequest

_TARGET: Final = Bound(300, Measure.RATE)
_ROWS: Final = (
    ("certificate, one by one", 1, 100, None),
    ("certificate, in batches of 100", 100, 400, _TARGET),
)
"""Name, how many at a time, how many in a round; one by one, each waits for the disk."""


def measure_issuance(
    services: Services, *, people: Sequence[Person], rounds: int, seconds: float
) -> list[Cost]:
    """Both lines; this thread is on its core already."""
    assert services.trust.pki is not None
    templates = [citizen_request(services, person) for person in people[:100]]
    raw = RawSigning()
    return [
        Cost(
            name,
            tuple(
                (
                    _issue(services, _prepare(templates, count), at_once=at_once),
                    raw.measure(seconds=seconds / 4),
                )
                for _ in range(rounds)
            ),
            bound,
        )
        for name, at_once, count, bound in _ROWS
    ]


def _prepare(templates: Sequence[IssueRequest], count: int) -> list[IssueRequest]:
    """Requests for keys that nobody has yet."""
    return [
        replace(templates[number % len(templates)], public_spki=_new_key())
        for number in range(count)
    ]


def _new_key() -> bytes:
    public = ec.generate_private_key(ec.SECP256R1()).public_key()
    return public.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)


def _issue(services: Services, requests: Sequence[IssueRequest], *, at_once: int) -> Spent:
    pki, now, watch = services.trust.pki, services.time(), Stopwatch()
    assert pki is not None
    issued: list[Issued] = []
    with watch:
        for start in range(0, len(requests), at_once):
            issued += pki.certificates.issue_many(requests[start : start + at_once], now=now)
    watch.count(len(requests))
    issuer = pki.authorities.issuer(now=now).ca.parsed
    for one, request in zip(issued, requests, strict=True):
        _check(pki.certificates, one, request, issuer=issuer)
    return watch.spent()


def _check(
    certificates: Certificates, issued: Issued, request: IssueRequest, *, issuer: x509.Certificate
) -> None:
    """What was issued is for this key, verifies, and is what was kept."""
    certificate = x509.load_der_x509_certificate(issued.der)
    certificate.verify_directly_issued_by(issuer)
    spki = certificate.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    assert spki == request.public_spki
    stored = certificates.get(issued.record.serial)
    assert certificates.open(stored, data_key=request.data_key) == issued.der
