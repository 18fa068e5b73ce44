"""A PDF that is signed already, ours or somebody else's, raised to a higher level.

What lives here: timestamps and evidence behind the signatures that are there.  Nothing of the
document is touched, a signature's own hole neither: a document timestamp stands for the timestamp
that a signature lacks.
Source: ETSI EN 319 142-1 §6.3 (B-T by a document timestamp, B-LT, B-LTA) and §5.4.
**Not here: whether a signature is worth keeping**; one that is broken is refused, no more.
"""

from __future__ import annotations

from contextlib import suppress
from datetime import datetime

from signing.errors import DocumentRefused
from signing.formats.material import Level
from signing.formats.pades import PadesParties
from signing.formats.pades_material import append_material
from signing.formats.pades_revisions import Revisions
from signing.formats.pades_signatures import (
    PdfCms,
    PdfSignatures,
    VerifiedEntry,
    read_signatures,
    verify_pdf_signature,
    verify_pdf_timestamp,
)
from signing.formats.pades_timestamp import append_timestamp
from signing.formats.status_material import gather_material
from signing.formats.timestamps import VerifiedTimestamp
from signing.isolation.blob import Blob


def augment_pades(
    document: Blob, *, to: Level, parties: PadesParties, now: datetime
) -> tuple[bytes, ...]:
    """The increments that raise every signature of a document.

    1. Each signature is over its octets.
    2. B-T: one document timestamp when any of them has none that counts, inside or behind it.
    3. B-LT: the evidence for every chain.
    4. B-LTA: a timestamp over everything.

    Returns them in order; none when there is nothing to do.
    Raises  DocumentRefused (not_signed, signature_broken, …); TimestampUnavailable;
            StatusUnavailable; CertificateRefused; ParsingFailed.  Nothing comes out then.
    """
    read = read_signatures(document, isolation=parties.isolation)
    if not read.signatures:
        raise DocumentRefused("not_signed")
    # 1
    signers = [
        verify_pdf_signature(document, entry, store=read.store, roots=parties.roots)
        for entry in read.signatures
    ]
    if not to.has_timestamp:
        return ()
    # 2
    revisions = Revisions(document)
    chains = [chain for signer in signers for chain in _chains(signer)]
    newest = _newest_timestamp(document, read, roots=parties.roots)
    stamped_up_to = 0 if newest is None else newest[0].found.start
    if newest is not None:
        chains.append(newest[1].chain)
    if any(
        not signer.timestamps and entry.found.end > stamped_up_to
        for entry, signer in zip(read.signatures, signers, strict=True)
    ):
        chains.append(_stamp(revisions, read, parties=parties))
    # 3
    if to.has_material:
        known = tuple(dict.fromkeys(chains))
        material = gather_material(parties.get_status(), chains=known, now=now)
        append_material(revisions, material, isolation=parties.isolation)
    # 4
    if to is Level.LTA:
        _stamp(revisions, read, parties=parties)
    return revisions.increments


def _stamp(
    revisions: Revisions, read: PdfSignatures, *, parties: PadesParties
) -> tuple[bytes, ...]:
    return append_timestamp(
        revisions,
        isolation=parties.isolation,
        timestamps=parties.get_timestamps(),
        roots=(*parties.roots, *read.store.certificates),
    ).chain


def _chains(signer: VerifiedEntry) -> tuple[tuple[bytes, ...], ...]:
    return (signer.chain, *(one.chain for one in signer.timestamps))


def _newest_timestamp(
    document: Blob, read: PdfSignatures, *, roots: tuple[bytes, ...]
) -> tuple[PdfCms, VerifiedTimestamp] | None:
    """The last document timestamp that counts; those before it had their evidence with it."""
    for entry in reversed(read.timestamps):
        with suppress(DocumentRefused):
            return entry, verify_pdf_timestamp(document, entry, store=read.store, roots=roots)
    return None
