"""Whom we trust: anchors out of certificates and trusted lists, as one book to look things up in.

What lives here: `make_book`; what of a trusted list becomes an anchor, for what, and for how long.
Source: ETSI TS 119 612 V2.3.1 §5.5.1 (kinds of services), §5.5.4 (status), §5.6 (history);
TS 119 615 §4.4; EN 319 102-1 §5.1.4.2; RFC 5914 (an anchor is a name and a key).
Not here: reading folders and keeping lists (`trust_sources.py`), whether a list is to be believed
(`trusted_list.py`).
"""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Final

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from signing.messages.trusted_list import ListedService, ListedStatus
from signing.validation.known_anchors import KnownAnchors, anchor_of
from signing.validation.paths import AnchorPurpose, TrustAnchor
from signing.validation.trusted_list import TrustedList

_KINDS: Final = "http://uri.etsi.org/TrstSvc/Svctype/"
_STATUSES: Final = "http://uri.etsi.org/TrstSvc/"
_PURPOSES: Final = {
    "CA/QC": AnchorPurpose.ANYTHING,
    "CA/PKC": AnchorPurpose.ANYTHING,
    "NationalRootCA-QC": AnchorPurpose.ANYTHING,
    "TSA": AnchorPurpose.TIMESTAMPS,
    "TSA/QTST": AnchorPurpose.TIMESTAMPS,
    "TSA/TSS-QC": AnchorPurpose.TIMESTAMPS,
    "TSA/TSS-AdESQCandQES": AnchorPurpose.TIMESTAMPS,
    "Certstatus/OCSP": AnchorPurpose.STATUS,
    "Certstatus/OCSP/QC": AnchorPurpose.STATUS,
    "Certstatus/CRL": AnchorPurpose.STATUS,
    "Certstatus/CRL/QC": AnchorPurpose.STATUS,
}
"""Services that certificates, timestamps or status come from; others vouch for nobody's key."""
_TRUSTED: Final = frozenset(
    {
        "granted",
        "recognisedatnationallevel",
        "setbynationallaw",
        # of the time before regulation (EU) 910/2014
        "accredited",
        "undersupervision",
        "supervisionincessation",
    }
)
_LAST: Final = datetime.max.replace(tzinfo=UTC)


def make_book(anchors: Iterable[TrustAnchor]) -> KnownAnchors:
    """All of them, to look things up in.

    Of one certificate there may be several, for different times and purposes: whoever asks about
    the certificate alone gets the one that says most.
    """
    return KnownAnchors(
        sorted(
            anchors,
            key=lambda one: (one.purpose is AnchorPurpose.ANYTHING, one.trusted_until or _LAST),
            reverse=True,
        )
    )


def anchors_of_list(trusted: TrustedList, *, source: str) -> Iterator[TrustAnchor]:
    """The anchors that a list names, each for the times in which its service was trusted.

    A certificate that cannot be read is left out, as nobody's signature could be verified by it.
    """
    for service in trusted.facts.services:
        spans = tuple(_spans(service))
        for certificate in service.certificates if spans else ():
            anchor = anchor_of(certificate, source=source)
            if anchor is None:
                continue
            for one in spans:
                yield replace(
                    anchor, trusted_from=one.since, trusted_until=one.until, purpose=one.purpose
                )


def read_certificates(raw: bytes) -> tuple[bytes, ...]:
    """The certificates of a file, PEM (several) or DER (one); DER.

    Raises  ValueError when there are none, or one is malformed.
    """
    try:
        if b"-----BEGIN" in raw:
            found = x509.load_pem_x509_certificates(raw)
        else:
            found = [x509.load_der_x509_certificate(raw)]
    except x509.InvalidVersion as malformed:
        raise ValueError("version") from malformed
    return tuple(one.public_bytes(Encoding.DER) for one in found)


@dataclass(frozen=True, slots=True)
class _Span:
    purpose: AnchorPurpose
    since: datetime
    until: datetime | None


def _spans(service: ListedService) -> Iterator[_Span]:
    """When a service was trusted, and for what; what follows without a gap is one span.

    TS 119 612 §5.6: each status holds until the next one begins.
    """
    ordered = sorted(service.statuses, key=lambda one: one.since_s)
    open_now: _Span | None = None
    for one, following in itertools.zip_longest(ordered, ordered[1:]):
        purpose = _purpose(one)
        until = None if following is None else _moment(following.since_s)
        if purpose is None:
            continue
        if open_now is not None:
            if open_now.purpose is purpose and open_now.until == _moment(one.since_s):
                open_now = _Span(purpose, open_now.since, until)
                continue
            yield open_now
        open_now = _Span(purpose, _moment(one.since_s), until)
    if open_now is not None:
        yield open_now


def _purpose(one: ListedStatus) -> AnchorPurpose | None:
    before, _, word = one.status.rpartition("/Svcstatus/")
    if word not in _TRUSTED or not f"{before}/".startswith(_STATUSES):
        return None
    return _PURPOSES.get(one.kind.removeprefix(_KINDS))


def _moment(seconds: int) -> datetime:
    return datetime.fromtimestamp(seconds, UTC)
