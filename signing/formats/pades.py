"""A signature in a PDF, in two halves: what has to be signed, and the increments around it.

What lives here: PAdES B-B, B-T, B-LT and B-LTA.  Whoever reads documents writes the increment with
a hole; here it is checked, hashed together with the document, and filled with a CMS of ours.
Source: ETSI EN 319 142-1 §6.3; EN 319 122-1; ISO 32000-2 §12.8.
Not here: raising a signature that exists (`pades_augment`); what it looks like
(`signing/appearance`); keys.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta, timezone
from itertools import chain
from typing import Final, Literal

from signing.errors import DocumentRefused, StatusUnavailable, TimestampUnavailable
from signing.formats.chains import check_validity
from signing.formats.cms import (
    PreparedCms,
    finish_cms,
    prepare_cms,
    timestamp_imprint,
    verify_signature,
)
from signing.formats.material import Level, Signatory, StatusSource, ToBeSigned
from signing.formats.pades_material import append_material
from signing.formats.pades_revisions import Revisions, fill_hole
from signing.formats.pades_room import MeasuredTimestamps, cms_bytes
from signing.formats.pades_timestamp import append_timestamp
from signing.formats.status_material import gather_material
from signing.formats.timestamps import verify_timestamp
from signing.isolation.blob import Blob
from signing.isolation.task import Isolation
from signing.messages.pdf_signature import ADD_SIGNATURE, Appearance, SignatureAsked

VIETNAM_TIME: Final = timezone(timedelta(hours=7))
"""How the time is written that everybody reads (NĐ 30/2020/NĐ-CP, Annex I)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PdfSignature:
    """What a signature says beside its certificate, and where it goes.

    Takes   field_name: an empty field of the document, None for a new one;
            certify: what may follow a first signature (1 nothing, 2 filling in and signing, 3 notes
            too), None to certify nothing;
            place: where it is seen, None when it is not; what is seen there is handed in apart;
            organisation: in whose name, which the CMS says, as the dictionary has no place for it.
    """

    name: str | None = field(default=None, repr=False)
    reason: str | None = field(default=None, repr=False)
    location: str | None = field(default=None, repr=False)
    contact: str | None = field(default=None, repr=False)
    field_name: str | None = None
    certify: Literal[1, 2, 3] | None = None
    place: Appearance | None = None
    organisation: str = field(default="", repr=False)


_PLAIN: Final = PdfSignature()


@dataclass(frozen=True, slots=True)
class PreparedPades:
    """A signature that waits for its value; can be stored, as long as its document is.

    `increment` has a hole from `hole_start` to `hole_end`; `document_digest` is of the document
    that came, by the signatory's hash.
    """

    cms: PreparedCms
    level: Level
    field_name: str
    document_digest: bytes
    increment: bytes = field(repr=False)
    hole_start: int
    hole_end: int

    @property
    def to_be_signed(self) -> ToBeSigned:
        """What the signatory's key has to sign."""
        return self.cms.to_be_signed


@dataclass(frozen=True, slots=True)
class PadesParties:
    """Whom a level asks: who reads documents, who stamps, who knows the status.

    Takes   roots: DER, to complete the chains of timestamps.
    """

    isolation: Isolation
    timestamps: MeasuredTimestamps | None = None
    status: StatusSource | None = None
    roots: tuple[bytes, ...] = field(default=(), repr=False)

    def get_timestamps(self) -> MeasuredTimestamps:
        """The authority; a level that needs one is not asked for without."""
        if self.timestamps is None:
            raise TimestampUnavailable
        return self.timestamps

    def get_status(self) -> StatusSource:
        """Who knows the status; a level that needs it is not asked for without."""
        if self.status is None:
            raise StatusUnavailable
        return self.status


def prepare_pades(
    document: Blob,
    *,
    parties: PadesParties,
    signatory: Signatory,
    now: datetime,
    level: Level = Level.B,
    signature: PdfSignature = _PLAIN,
    drawn: Blob | None = None,
) -> PreparedPades:
    """The increment of a signature, and what has to be signed.

    Takes   now: aware, what the signature says as its time; drawn: a PDF of one page, what is seen
            at `signature.place`.
    Raises  DocumentRefused with a code of its own for what the document forbids; ParsingFailed;
            TimestampUnavailable: the room for a timestamp is that of one that was asked for;
            CertificateRefused: expired, not_yet_valid.
    """
    check_validity(signatory.certificate, now=now)
    token_bytes = 0
    if level.has_timestamp:
        token_bytes = parties.get_timestamps().token_bytes(signatory.hash_name)
    organisation = signature.organisation
    hole_bytes = cms_bytes(signatory, token_bytes=token_bytes, organisation=organisation)
    asked = SignatureAsked(
        hole_bytes=hole_bytes,
        signed_at=now.astimezone(VIETNAM_TIME).replace(microsecond=0),
        name=signature.name,
        reason=signature.reason,
        location=signature.location,
        contact=signature.contact,
        field=signature.field_name,
        certify=signature.certify,
        appearance=signature.place if drawn is not None else None,
    )
    inputs = (document,) if drawn is None else (document, drawn)
    revisions = Revisions(document)
    hole, written = parties.isolation.run(ADD_SIGNATURE, asked, inputs=inputs)
    with written:
        room = 2 * hole_bytes + (0 if drawn is None else 2 * drawn.size)
        increment = revisions.take(written, beside=room)
    revisions.check_hole(hole, increment=increment, hole_bytes=hole_bytes)
    hash_name = signatory.hash_name
    digest = revisions.digest_around(hole, increment=increment, hash_name=hash_name)
    return PreparedPades(
        cms=prepare_cms(
            signatory, content_digest=digest, signing_time=None, organisation=organisation
        ),
        level=level,
        field_name=hole.field,
        document_digest=revisions.hashed(hash_name).digest(),
        increment=increment,
        hole_start=hole.start,
        hole_end=hole.end,
    )


def finish_pades(
    prepared: PreparedPades,
    document: Blob,
    *,
    signature: bytes,
    parties: PadesParties,
    now: datetime,
) -> tuple[bytes, ...]:
    """The increments that make the document a signed one, in order: it is followed by them.

    1. The document is the one that was prepared, and the signature is the signatory's over it.
    2. B-T: a timestamp over it goes into the same hole.
    3. B-LT: the evidence for both chains.
    4. B-LTA: a timestamp over everything.

    Raises  SignatureForeign; TimestampUnavailable; StatusUnavailable; CertificateRefused;
            DocumentRefused (document_changed, timestamp_too_large); ParsingFailed.  Nothing comes
            out then.
    Source  ETSI EN 319 142-1 §6.3.
    """
    # 1
    signatory = prepared.cms.signatory
    revisions = Revisions(document)
    if revisions.hashed(signatory.hash_name).digest() != prepared.document_digest:
        raise DocumentRefused("document_changed")
    # 2
    cms, token_chain = _finish_cms(prepared, signature=signature, parties=parties, now=now)
    start, end = prepared.hole_start, prepared.hole_end
    try:
        revisions.append(fill_hole(prepared.increment, start=start, end=end, content=cms))
    except ValueError as too_large:  # only the authority's token can have grown
        raise DocumentRefused("timestamp_too_large") from too_large
    if not prepared.level.has_material:
        return revisions.increments
    # 3
    chains = ((signatory.certificate, *signatory.chain), token_chain)
    material = gather_material(parties.get_status(), chains=chains, now=now)
    append_material(revisions, material, isolation=parties.isolation)
    # 4
    if prepared.level is Level.LTA:
        append_timestamp(
            revisions, isolation=parties.isolation, timestamps=parties.get_timestamps()
        )
    return revisions.increments


def join(document: Blob, increments: tuple[bytes, ...]) -> Blob:
    """The document followed by its increments; the caller closes both."""
    return Blob.of_chunks(chain(document.chunks(), increments))


def _finish_cms(
    prepared: PreparedPades, *, signature: bytes, parties: PadesParties, now: datetime
) -> tuple[bytes, tuple[bytes, ...]]:
    """The CMS, and the chain of the timestamp in it, if it has one."""
    if not prepared.level.has_timestamp:
        return finish_cms(prepared.cms, signature=signature), ()
    # before anything is stamped
    verify_signature(prepared.cms, signature=signature)
    signatory = prepared.cms.signatory
    # stamped after its end, a certificate proves nothing
    check_validity(signatory.certificate, now=now)
    imprint = timestamp_imprint(signature, hash_name=signatory.hash_name)
    token = parties.get_timestamps().stamp(imprint, hash_name=signatory.hash_name)
    cms = finish_cms(prepared.cms, signature=signature, timestamp=token, is_verified=True)
    if not prepared.level.has_material:
        return cms, ()
    roots = (*signatory.chain, *parties.roots)
    return cms, verify_timestamp(
        token, digest=imprint, hash_name=signatory.hash_name, roots=roots
    ).chain
