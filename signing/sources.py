"""Timestamps and the status of certificates, asked of whoever stands in the certificates.

What lives here: `StatusSource`, and the way to a timestamp authority, over a transport that carries
bytes to an address.  Status comes by OCSP where a certificate names a responder, by its revocation
list otherwise or when the responder gives nothing.  What is not the signer's own is remembered for
a few minutes: an authority is asked about itself once, not once for each document.
Source: RFC 3161 §3.4; RFC 6960 appendix A; RFC 5280 §4.2.1.13, §4.2.2.1; ETSI EN 319 102-1 §5.2.5.
Not here: the way there (the provider's egress door, or its own endpoints in this process); judging
what comes (`signing/formats/timestamp_client`, `signing/formats/status_material`).
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import lru_cache
from itertools import pairwise
from typing import Final, Protocol

from cryptography import x509
from cryptography.hazmat.primitives.hashes import SHA1
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509 import ocsp
from cryptography.x509.oid import AuthorityInformationAccessOID

from signing.errors import StatusUnavailable, TimestampUnavailable
from signing.formats.chains import find_extension, parse_certificate
from signing.formats.material import ValidationMaterial
from signing.formats.status_material import MAX_CRL_BYTES, MAX_OCSP_BYTES, check_material
from signing.formats.timestamp_client import REQUEST_TYPE

_OCSP: Final = "application/ocsp-request"
_REMEMBERED_FOR: Final = timedelta(minutes=5)
_MOST_REMEMBERED: Final = 256


class Unreachable(Exception):
    """An address gave no answer, or none that says something."""


class Transport(Protocol):
    """Carries bytes to an address and brings back what was answered."""

    def exchange(self, url: str, *, body: bytes | None, content_type: str) -> bytes:
        """Post `body`, or fetch where it is None.

        Raises  Unreachable: also for every status but 200.
        """


def asked_by(transport: Transport, *, url: str) -> Callable[[bytes], bytes]:
    """The way to a timestamp authority at an address, as `TimestampClient` wants it."""

    def send(request: bytes) -> bytes:
        try:
            return transport.exchange(url, body=request, content_type=REQUEST_TYPE)
        except Unreachable as away:
            raise TimestampUnavailable from away

    return send


@dataclass(frozen=True, slots=True)
class _Remembered:
    material: ValidationMaterial
    until: datetime


class AskedStatus:
    """The status of certificates, from the addresses in them; safe to share between threads."""

    def __init__(self, transport: Transport) -> None:
        self._transport = transport
        self._remembered: dict[bytes, _Remembered] = {}
        self._lock = threading.Lock()

    def material(self, chain: Sequence[bytes], *, now: datetime) -> ValidationMaterial:
        """See `StatusSource`."""
        found = ValidationMaterial(tuple(chain))
        for at, (certificate, issuer) in enumerate(pairwise(chain)):
            # the signer's own is asked at each signature: it may have been revoked a second ago
            known = self._recall(certificate, now=now) if at else None
            if known is None:
                known = self._ask(certificate, issuer, now=now)
                if at:
                    self._remember(certificate, known, now=now)
            found = found.with_others(known)
        return found

    def _ask(self, certificate: bytes, issuer: bytes, *, now: datetime) -> ValidationMaterial:
        """Evidence about one certificate, looked at: the first address that gives some.

        Raises  StatusUnavailable; CertificateRefused.
        """
        for material in self._offers(parse_certificate(certificate), parse_certificate(issuer)):
            try:
                check_material(material, chain=(certificate, issuer), now=now)
            except StatusUnavailable:
                continue
            return material
        raise StatusUnavailable

    def _offers(
        self, certificate: x509.Certificate, issuer: x509.Certificate
    ) -> Iterator[ValidationMaterial]:
        for url in _responders(certificate):
            body = _question(certificate, issuer)
            answer = self._fetch(url, body=body, at_most=MAX_OCSP_BYTES)
            if answer is not None:
                yield ValidationMaterial(_inside(answer), ocsp_responses=(answer,))
        for url in _lists(certificate):
            answer = self._fetch(url, body=None, at_most=MAX_CRL_BYTES)
            if answer is not None:
                yield ValidationMaterial(crls=(answer,))

    def _fetch(self, url: str, *, body: bytes | None, at_most: int) -> bytes | None:
        try:
            answer = self._transport.exchange(url, body=body, content_type=_OCSP)
        except Unreachable:
            return None
        return answer if 0 < len(answer) <= at_most else None

    def _recall(self, certificate: bytes, *, now: datetime) -> ValidationMaterial | None:
        known = self._remembered.get(certificate)
        return known.material if known is not None and now < known.until else None

    def _remember(self, certificate: bytes, material: ValidationMaterial, *, now: datetime) -> None:
        with self._lock:
            if len(self._remembered) >= _MOST_REMEMBERED:
                self._remembered.clear()
            self._remembered[certificate] = _Remembered(material, now + _REMEMBERED_FOR)


@lru_cache(maxsize=256)
def _question(certificate: x509.Certificate, issuer: x509.Certificate) -> bytes:
    """How that certificate is, DER; without a nonce, so the same each time."""
    request = ocsp.OCSPRequestBuilder().add_certificate(
        certificate,
        issuer,
        SHA1(),  # noqa: S303 - RFC 6960 §4.1.1 CertID: what every responder knows
    )
    return request.build().public_bytes(Encoding.DER)


def _responders(certificate: x509.Certificate) -> Iterator[str]:
    access = find_extension(certificate, x509.AuthorityInformationAccess)
    for one in () if access is None else access.value:
        is_responder = one.access_method == AuthorityInformationAccessOID.OCSP
        if is_responder and isinstance(one.access_location, x509.UniformResourceIdentifier):
            yield one.access_location.value


def _lists(certificate: x509.Certificate) -> Iterator[str]:
    points = find_extension(certificate, x509.CRLDistributionPoints)
    for point in () if points is None else points.value:
        for name in point.full_name or ():
            if isinstance(name, x509.UniformResourceIdentifier):
                yield name.value


@lru_cache(maxsize=256)
def _inside(answer: bytes) -> tuple[bytes, ...]:
    """The certificates of an answer, which are evidence as well."""
    try:
        found = ocsp.load_der_ocsp_response(answer)
        if found.response_status is not ocsp.OCSPResponseStatus.SUCCESSFUL:
            return ()
        return tuple(one.public_bytes(Encoding.DER) for one in found.certificates)
    except ValueError:
        return ()  # what cannot be read is found out when the evidence is looked at
