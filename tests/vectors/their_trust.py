"""Whom the makers of a set of files trust, and when they looked, out of the files themselves.

What lives here: anchors from the certificates that come with files, as a trusted list names them:
authorities, authorities for timestamps, responders; and the time at which a file was last added to.
For tests alone: whoever signs a file decides about its certificates.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace
from datetime import datetime, timedelta

from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509 import ocsp

from signing.isolation.blob import Blob
from signing.isolation.task import Isolation
from signing.validation.certificate_extensions import OCSP_SIGNING
from signing.validation.certificates import find_certificate
from signing.validation.context import pool_of
from signing.validation.found import FoundDocument
from signing.validation.kinds import kind_of
from signing.validation.known_anchors import KnownAnchors, anchor_of
from signing.validation.paths import AnchorPurpose, TrustAnchor
from signing.validation.readers import READERS
from signing.validation.timestamp_token import read_token

_TIMESTAMPING = "1.3.6.1.5.5.7.3.8"
_LATER = timedelta(minutes=1)


def read(document: Blob, *, isolation: Isolation) -> FoundDocument:
    """What a file holds, before anybody judges."""
    reader = READERS.get(kind_of(document))
    return FoundDocument("unknown") if reader is None else reader(document, (), isolation)


def anchors_in(found: Iterable[FoundDocument]) -> KnownAnchors:
    """Everybody in the files who would stand on the trusted list of their makers."""
    ders = dict.fromkeys(
        der
        for document in found
        for der in (*pool_of(document).certificates, *_of_answers(document))
    )
    return KnownAnchors(anchor for der in ders for anchor in _anchors(der))


def moment_of(found: FoundDocument) -> datetime | None:
    """A minute after the newest time that a file speaks of; None when it speaks of none."""
    stamps = [*found.timestamps, *(one for each in found.signatures for one in each.timestamps)]
    times = [one.claimed_time for one in found.signatures]
    times += [read_token(one.token, identity=one.identity).generated_at for one in stamps]
    times += [one.produced_at_utc for one in _answers(found)]
    known = [one for one in times if one is not None]
    return max(known) + _LATER if known else None


def _anchors(der: bytes) -> Iterator[TrustAnchor]:
    certificate, anchor = find_certificate(der), anchor_of(der, source="their list")
    if certificate is None or anchor is None:
        return
    purposes = certificate.extensions.purposes or ()
    if certificate.is_authority:
        yield anchor
    elif _TIMESTAMPING in purposes:
        yield replace(anchor, purpose=AnchorPurpose.TIMESTAMPS)
    elif OCSP_SIGNING in purposes:
        yield replace(anchor, purpose=AnchorPurpose.STATUS)


def _answers(found: FoundDocument) -> Iterator[ocsp.OCSPResponse]:
    for raw in pool_of(found).ocsp_responses:
        try:
            answer = ocsp.load_der_ocsp_response(raw)
        except ValueError:
            continue
        if answer.response_status is ocsp.OCSPResponseStatus.SUCCESSFUL:
            yield answer


def _of_answers(found: FoundDocument) -> Iterator[bytes]:
    for answer in _answers(found):
        yield from (one.public_bytes(Encoding.DER) for one in answer.certificates)
