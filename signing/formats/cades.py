"""CAdES: a CMS signature that says who signed, when, and later why it may be believed.

What lives here: detached and enveloping signatures at B-B, B-T and B-LT, and taking a signature
that exists to a higher level.  A detached one is small and comes as bytes; an enveloping one goes
from blob to blob, its content is read once and held nowhere.
Source: ETSI EN 319 122-1 §5.2 to §5.5 and §6.3.
Not here: documents, which are never looked into; archive timestamps (CAdES B-LTA).
"""

from __future__ import annotations

import itertools
import mmap
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final

from signing.errors import DocumentRefused, StatusUnavailable, TimestampUnavailable
from signing.formats.chains import check_validity, order_chain
from signing.formats.cms import (
    Frame,
    PreparedCms,
    build_signed_data,
    frame_signed_data,
    prepare_cms,
    timestamp_imprint,
)
from signing.formats.cms_augmenting import VerifiedSigner, verify_signer, with_timestamp
from signing.formats.der import DerMalformed
from signing.formats.material import (
    Level,
    Signatory,
    StatusSource,
    Timestamps,
    ValidationMaterial,
)
from signing.formats.mime_types import check_mime_type
from signing.formats.signed_attributes import SignerLocation
from signing.formats.signed_data import SIGNATURE_TIMESTAMP, SignedData, read_signed_data
from signing.formats.status_material import gather_material
from signing.formats.timestamps import VerifiedTimestamp, imprint_hash, verify_timestamp
from signing.isolation.blob import Blob

MAX_FRAME_BYTES: Final = 4 << 20
"""Of a signature that is augmented, its content apart: lists of revoked certificates are long."""
_ARCHIVE_TIMESTAMPS: Final = (
    "0.4.0.1733.2.5",  # long-term-validation
    "0.4.0.1733.2.4",  # archive-time-stamp-v3
    "1.2.840.113549.1.9.16.2.48",  # archive-time-stamp
    "1.2.840.113549.1.9.16.2.27",
)


@dataclass(frozen=True, slots=True)
class Sources:
    """Where a level's evidence comes from.

    Takes   timestamps: from B-T on; status: at B-LT; roots: DER, where the chains of signers and
            timestamp authorities end.
    """

    timestamps: Timestamps | None = None
    status: StatusSource | None = None
    roots: tuple[bytes, ...] = ()


def prepare_cades(
    signatory: Signatory,
    *,
    content_digest: bytes,
    signing_time: datetime,
    mime_type: str | None = None,
    commitment_kind: str | None = None,
    location: SignerLocation | None = None,
    organisation: str = "",
) -> PreparedCms:
    """What has to be signed over a document of which only the digest is needed.

    Takes   content_digest: by `signatory.hash_name`; signing_time: aware, what the signer says;
            mime_type: of the document; commitment_kind: `proof_of_approval` and its like;
            organisation: in whose name the signer says to sign.
    Returns a value that can be stored until the signature is there.
    Raises  DocumentRefused (wrong_digest_length, mime_type, unknown_commitment, empty_location);
            CertificateRefused (expired, not_yet_valid).
    Source  ETSI EN 319 122-1 §6.3, level B-B.
    """
    check_validity(signatory.certificate, now=signing_time)
    return prepare_cms(
        signatory,
        content_digest=content_digest,
        signing_time=signing_time,
        content_mime_type=check_mime_type(mime_type),
        commitment_kind=commitment_kind,
        location=location,
        organisation=organisation,
    )


def finish_cades(
    prepared: PreparedCms, *, signature: bytes, level: Level, now: datetime, sources: Sources
) -> bytes:
    """A detached signature at a level.

    Takes   signature: as the signer gives it; sources: timestamps from B-T on, status at B-LT.
    Returns DER of the ContentInfo.
    Raises  SignatureForeign; TimestampUnavailable; StatusUnavailable; CertificateRefused; nothing
            was made then.
    """
    frame = _finish(
        prepared, signature=signature, content_size=None, level=level, now=now, sources=sources
    )
    return frame.head + frame.tail


def finish_enveloping(
    prepared: PreparedCms,
    *,
    signature: bytes,
    content: Blob,
    level: Level,
    now: datetime,
    sources: Sources,
) -> Blob:
    """As `finish_cades`, with the document inside; the caller closes what it gets.

    Raises  also DocumentRefused (document_changed) when the content is not what was prepared.
    """
    if content.digest(prepared.signatory.hash_name) != prepared.content_digest:
        raise DocumentRefused("document_changed")
    frame = _finish(
        prepared,
        signature=signature,
        content_size=content.size,
        level=level,
        now=now,
        sources=sources,
    )
    return Blob.of_chunks(itertools.chain((frame.head,), content.chunks(), (frame.tail,)))


def augment_cades(raw_signature: Blob, *, level: Level, now: datetime, sources: Sources) -> Blob:
    """A signature of ours or of somebody else, at a higher level; what was signed stays as it is.

    1. A SignedData in DER that is not too large, its content apart.
    2. One signature, the certificate's over its attributes, and no archive timestamp yet.
    3. From B-T on: the timestamps that it has are over its value; where it has none, it gets one.
    4. At B-LT: evidence for the chains of the signer and of each timestamp authority.

    **The content is not compared**: a detached signature is about whatever its digest says.
    Takes   sources: `roots` among them, where the chains end.
    Returns a blob that the caller closes.
    Raises  DocumentRefused (not_cms, too_large, several_signatures, not_cades, already_archived,
            level); SignatureForeign; TimestampUnavailable; StatusUnavailable; CertificateRefused.
    """
    if not raw_signature.size:
        raise DocumentRefused("not_cms")
    # NOTE: unmapped when the last slice is gone; closed by hand, it would hide what was raised
    view = memoryview(mmap.mmap(raw_signature.fd, 0, access=mmap.ACCESS_READ))
    try:
        # 1
        data = read_signed_data(view)
        content = data.content
        size = None if content is None else len(content)
        if len(view) - (size or 0) > MAX_FRAME_BYTES:
            raise DocumentRefused("too_large")
        # 2
        signer = verify_signer(data)
        if any(data.signers[0].unsigned_values(kind) for kind in _ARCHIVE_TIMESTAMPS):
            raise DocumentRefused("already_archived")
        # 3, 4
        data, material = _raise(data, signer=signer, level=level, now=now, sources=sources)
    except DerMalformed as malformed:
        raise DocumentRefused("not_cms") from malformed
    frame = frame_signed_data(data, content_size=size, material=material)
    return Blob.of(frame.head, content or b"", frame.tail)


def _finish(
    prepared: PreparedCms,
    *,
    signature: bytes,
    content_size: int | None,
    level: Level,
    now: datetime,
    sources: Sources,
) -> Frame:
    signatory = prepared.signatory
    data = build_signed_data(prepared, signature=signature)
    data, material = _raise(
        data,
        signer=VerifiedSigner(signatory.certificate, signatory.hash_name, signature),
        level=level,
        now=now,
        sources=replace(sources, roots=signatory.chain + sources.roots),
    )
    return frame_signed_data(data, content_size=content_size, material=material)


def _raise(
    data: SignedData, *, signer: VerifiedSigner, level: Level, now: datetime, sources: Sources
) -> tuple[SignedData, ValidationMaterial | None]:
    """A signature with the timestamp of a level, and the evidence that goes beside it.

    Source  ETSI EN 319 122-1 §5.3 to §5.5, §6.3.
    """
    if level is Level.LTA:
        raise DocumentRefused("level")
    if not level.has_timestamp:
        return data, None
    stamped = _timestamps_of(data, signer=signer, roots=sources.roots)
    if not stamped:
        if sources.timestamps is None:
            raise TimestampUnavailable
        # stamped after its end, a certificate proves nothing
        check_validity(signer.certificate, now=now)
        token = sources.timestamps.stamp(signer.imprint, hash_name=signer.hash_name)
        data = with_timestamp(data, token=token)
        stamped = _timestamps_of(data, signer=signer, roots=sources.roots)
    if not level.has_material:
        return data, None
    if sources.status is None:
        raise StatusUnavailable
    own = order_chain(signer.certificate, among=data.certificates, roots=sources.roots)
    chains = dict.fromkeys((own, *(one.chain for one in stamped)))
    return data, gather_material(sources.status, chains=tuple(chains), now=now)


def _timestamps_of(
    data: SignedData, *, signer: VerifiedSigner, roots: Sequence[bytes]
) -> list[VerifiedTimestamp]:
    """The signature timestamps, each verified to be over the signature value.

    Raises  TimestampUnavailable.
    """
    found = []
    for token in data.signers[0].unsigned_values(SIGNATURE_TIMESTAMP):
        hash_name = imprint_hash(token)
        digest = timestamp_imprint(signer.signature, hash_name=hash_name)
        found.append(
            verify_timestamp(
                token,
                digest=digest,
                hash_name=hash_name,
                among=data.certificates,
                roots=roots,
            )
        )
    return found
