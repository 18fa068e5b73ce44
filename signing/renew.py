"""A document at B-LTA is renewed before its newest timestamp loses its worth.

What lives here: until when that timestamp lasts, and the next link of the chain: the evidence for
it, and a timestamp over both.
Source: ETSI EN 319 142-1 §5.4.3 and §6.3 (B-LTA); EN 319 102-1 §5.6.2.4 (proof of existence);
ETSI TS 119 312 (algorithms).
Not here: when it is looked at, and whose documents (a schedule).
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final

from cryptography import x509

from signing.errors import DocumentRefused
from signing.formats.algorithm_lifetimes import (
    TS_119_312,
    Lifetimes,
    certificate_end,
    earliest,
    key_end,
)
from signing.formats.pades import PadesParties
from signing.formats.pades_material import append_material
from signing.formats.pades_revisions import Revisions
from signing.formats.pades_signatures import (
    PdfSignatures,
    read_signatures,
    verify_pdf_timestamp,
)
from signing.formats.pades_timestamp import append_timestamp
from signing.formats.status_material import gather_material
from signing.formats.timestamps import VerifiedTimestamp, imprint_hash
from signing.isolation.blob import Blob

MARGIN: Final = timedelta(days=90)
"""How long before the end it is renewed: an authority that is away for weeks does no harm."""


class End(StrEnum):
    """What ends first."""

    CERTIFICATE = "certificate"
    ALGORITHM = "algorithm"


@dataclass(frozen=True, slots=True)
class Renewal:
    """When a document has to be renewed: from `due_at` on, and before `ends_at`."""

    due_at: datetime
    ends_at: datetime
    because: End


def next_renewal(
    document: Blob,
    *,
    parties: PadesParties,
    lifetimes: Lifetimes = TS_119_312,
    margin: timedelta = MARGIN,
) -> Renewal:
    """When the newest timestamp of a document at B-LTA has to be followed by another.

    Takes   parties: who reads documents, and roots; nobody else is asked.
    Raises  DocumentRefused: not_archived (no document timestamp at its end), timestamp_broken.
    """
    read = read_signatures(document, isolation=parties.isolation)
    stamped = _newest(document, read, roots=parties.roots)
    return _renewal(stamped, lifetimes=lifetimes, margin=margin)


def renew_pades(
    document: Blob,
    *,
    parties: PadesParties,
    now: datetime,
    lifetimes: Lifetimes = TS_119_312,
) -> tuple[bytes, ...]:
    """The increments of a renewal: the evidence for the newest timestamp, and the next one.

    1. The newest timestamp is over everything before it, and still worth something.
    2. The evidence for its chain, as it is now, goes into the security store.
    3. A new timestamp is over all of it.

    Raises  DocumentRefused: not_archived, timestamp_broken, timestamp_ended; StatusUnavailable;
            CertificateRefused; TimestampUnavailable; ParsingFailed.  Nothing comes out then.
    """
    # 1
    read = read_signatures(document, isolation=parties.isolation)
    stamped = _newest(document, read, roots=parties.roots)
    if now >= _renewal(stamped, lifetimes=lifetimes, margin=MARGIN).ends_at:
        raise DocumentRefused("timestamp_ended")
    # 2
    revisions = Revisions(document)
    material = gather_material(parties.get_status(), chains=(stamped.chain,), now=now)
    append_material(revisions, material, isolation=parties.isolation)
    # 3
    append_timestamp(
        revisions,
        isolation=parties.isolation,
        timestamps=parties.get_timestamps(),
        roots=(*parties.roots, *read.store.certificates),
    )
    return revisions.increments


def _newest(document: Blob, read: PdfSignatures, *, roots: tuple[bytes, ...]) -> VerifiedTimestamp:
    """The last entry of all, which is a timestamp and is over everything before it."""
    if not read.entries or not read.entries[-1].is_timestamp:
        raise DocumentRefused("not_archived")
    return verify_pdf_timestamp(document, read.entries[-1], store=read.store, roots=roots)


def _renewal(stamped: VerifiedTimestamp, *, lifetimes: Lifetimes, margin: timedelta) -> Renewal:
    chain = [x509.load_der_x509_certificate(one) for one in stamped.chain]
    expires = min(one.not_valid_after_utc for one in chain)
    weakens = earliest(
        [
            lifetimes.hash_end(imprint_hash(stamped.token)),
            *(key_end(one, lifetimes=lifetimes) for one in chain),
            # what a root says of itself is believed for another reason than its signature
            *(certificate_end(one, lifetimes=lifetimes) for one in chain[:-1]),
        ]
    )
    if weakens is not None and weakens < expires:
        return Renewal(weakens - margin, weakens, End.ALGORITHM)
    return Renewal(expires - margin, expires, End.CERTIFICATE)
