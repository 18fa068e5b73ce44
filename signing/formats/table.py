"""The signature formats side by side: one table, so that whoever signs needs to know none of them.

What lives here: how each format takes the documents of a request, what is stored between its two
halves, and what comes out.  A container takes all documents at once, the others one each.
Not here: the formats.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from types import MappingProxyType
from typing import Any, Final

import msgspec

from signing.errors import DocumentRefused
from signing.formats.asic_cades import (
    DocumentDigest,
    PreparedAsic,
    finish_asic,
    prepare_asic_e,
    prepare_asic_s,
)
from signing.formats.asic_xades import (
    PreparedAsicXades,
    finish_asic_xades,
    prepare_asic_xades,
)
from signing.formats.cades import Sources, finish_cades, finish_enveloping, prepare_cades
from signing.formats.cms import PreparedCms
from signing.formats.material import Level, Signatory, StatusSource, Timestamps, ToBeSigned
from signing.formats.pades import (
    PadesParties,
    PdfSignature,
    PreparedPades,
    finish_pades,
    join,
    prepare_pades,
)
from signing.formats.pades_room import MeasuredTimestamps
from signing.formats.xades import (
    finish_xades,
    prepare_xades_detached,
    prepare_xades_enveloped,
    prepare_xades_enveloping,
)
from signing.formats.xades_prepared import PreparedXades
from signing.formats.xades_properties import Particulars, particulars_of
from signing.formats.xades_references import SignedFile
from signing.isolation.blob import Blob
from signing.isolation.task import Isolation, for_tenant
from signing.messages.pdf_signature import Appearance
from signing.model import SignatureFormat


@dataclass(frozen=True, slots=True, kw_only=True)
class Material:
    """One document as a format takes it; `content` is None where only the digest is here."""

    name: str = field(repr=False)
    media_type: str
    content: Blob | None
    digest: bytes = field(repr=False)
    hash_name: str

    def get_content(self) -> Blob:
        """The document itself, for formats that need it.

        Raises  DocumentRefused (content_needed).
        """
        if self.content is None:
            raise DocumentRefused("content_needed")
        return self.content

    def digest_by(self, hash_name: str) -> bytes:
        """Its digest by another hash, where that can be computed.

        Raises  DocumentRefused (hash_not_of_key).
        """
        if hash_name == self.hash_name:
            return self.digest
        if self.content is None:
            raise DocumentRefused("hash_not_of_key")
        return self.content.digest(hash_name)


@dataclass(frozen=True, slots=True, kw_only=True)
class Act:
    """One signature: who signs, when, at which level, and what it says beside.

    Takes   drawn: a PDF of one page, seen at `place`; field_name: the field of a form that is
            filled, None for a new one; only a PDF is signed visibly; organisation: in whose name a
            person signs.
    """

    signatory: Signatory
    level: Level
    now: datetime
    name: str = field(default="", repr=False)
    reason: str = field(default="", repr=False)
    location: str = field(default="", repr=False)
    place: Appearance | None = None
    drawn: Blob | None = None
    field_name: str | None = None
    organisation: str = field(default="", repr=False)

    @property
    def particulars(self) -> Particulars:
        """What a signature in XML says beside: in whose name, as a role that the signer claims."""
        return particulars_of(self.organisation)


@dataclass(frozen=True, slots=True)
class Parties:
    """Whom formats ask: who reads documents, who stamps, who knows the status."""

    isolation: Isolation
    timestamps: MeasuredTimestamps | None = None
    status: StatusSource | None = None
    roots: tuple[bytes, ...] = field(default=(), repr=False)

    @classmethod
    def of(
        cls,
        isolation: Isolation,
        *,
        timestamps: Timestamps | None,
        status: StatusSource | None,
        roots: tuple[bytes, ...] = (),
    ) -> Parties:
        """The same with timestamps that know their size."""
        measured = None if timestamps is None else MeasuredTimestamps(timestamps)
        return cls(isolation, measured, status, roots)

    def for_tenant(self, tenant: str) -> Parties:
        """The same, with whoever reads the documents of that tenant alone."""
        return replace(self, isolation=for_tenant(self.isolation, tenant))

    @property
    def sources(self) -> Sources:
        """As CMS and XML take them."""
        return Sources(timestamps=self.timestamps, status=self.status, roots=self.roots)

    @property
    def for_pdf(self) -> PadesParties:
        """As PDF takes them."""
        return PadesParties(self.isolation, self.timestamps, self.status, self.roots)


class Half(msgspec.Struct, frozen=True):
    """The first half of a signature, to be stored.

    `positions` of the documents that it is over; `digest`, by `hash_name`, is to be signed.
    """

    format: SignatureFormat
    positions: tuple[int, ...]
    digest: bytes
    hash_name: str
    encoded: bytes


Prepare = Callable[[Sequence[Material], Act, Parties], Any]
Finish = Callable[[Any, Sequence[Material], bytes, Act, Parties], Blob]


@dataclass(frozen=True, slots=True)
class _Format:
    prepared: type[Any]
    prepare: Prepare
    finish: Finish


def prepare_half(
    signature_format: SignatureFormat,
    materials: Mapping[int, Material],
    *,
    act: Act,
    parties: Parties,
) -> Half:
    """What has to be signed over these documents (by position), and what is kept until then.

    Raises  DocumentRefused, ParsingFailed, TimestampUnavailable, CertificateRefused.
    """
    found = _FORMATS[signature_format]
    prepared = found.prepare(list(materials.values()), act, parties)
    wanted: ToBeSigned = prepared.to_be_signed
    return Half(
        signature_format,
        tuple(materials),
        wanted.digest,
        wanted.hash_name,
        msgspec.msgpack.encode(prepared),
    )


def increment_of(half: Half) -> bytes | None:
    """What would stand behind a PDF, without the signature itself; None for other formats."""
    if half.format is not SignatureFormat.PADES:
        return None
    return msgspec.msgpack.decode(half.encoded, type=PreparedPades).increment


def finish_half(
    half: Half,
    materials: Sequence[Material],
    *,
    signature: bytes,
    act: Act,
    parties: Parties,
) -> Blob:
    """The signed document, or the signature beside it; the caller closes it.

    Takes   materials: of `half.positions`, in order; signature: of `half.digest`.
    Raises  SignatureForeign, DocumentRefused (document_changed), TimestampUnavailable,
            StatusUnavailable, CertificateRefused, ParsingFailed.  Nothing was made then.
    """
    found = _FORMATS[half.format]
    prepared = msgspec.msgpack.decode(half.encoded, type=found.prepared)
    return found.finish(prepared, materials, signature, act, parties)


def _prepare_pades(materials: Sequence[Material], act: Act, parties: Parties) -> PreparedPades:
    (one,) = materials
    said = PdfSignature(
        name=act.name or None,
        reason=act.reason or None,
        location=act.location or None,
        place=act.place,
        field_name=act.field_name,
        organisation=act.organisation,
    )
    return prepare_pades(
        one.get_content(),
        parties=parties.for_pdf,
        signatory=act.signatory,
        now=act.now,
        level=act.level,
        signature=said,
        drawn=act.drawn,
    )


def _finish_pades(
    prepared: PreparedPades,
    materials: Sequence[Material],
    signature: bytes,
    act: Act,
    parties: Parties,
) -> Blob:
    document = materials[0].get_content()
    increments = finish_pades(
        prepared, document, signature=signature, parties=parties.for_pdf, now=act.now
    )
    return join(document, increments)


def _prepare_cades(materials: Sequence[Material], act: Act, _parties: Parties) -> PreparedCms:
    (one,) = materials
    return prepare_cades(
        act.signatory,
        content_digest=one.digest_by(act.signatory.hash_name),
        signing_time=act.now,
        mime_type=one.media_type or None,
        organisation=act.organisation,
    )


def _finish_detached(
    prepared: PreparedCms,
    _materials: Sequence[Material],
    signature: bytes,
    act: Act,
    parties: Parties,
) -> Blob:
    made = finish_cades(
        prepared, signature=signature, level=act.level, now=act.now, sources=parties.sources
    )
    return Blob.of(made)


def _finish_enveloping(
    prepared: PreparedCms,
    materials: Sequence[Material],
    signature: bytes,
    act: Act,
    parties: Parties,
) -> Blob:
    return finish_enveloping(
        prepared,
        signature=signature,
        content=materials[0].get_content(),
        level=act.level,
        now=act.now,
        sources=parties.sources,
    )


def _prepare_asic_s(materials: Sequence[Material], act: Act, _parties: Parties) -> PreparedAsic:
    (one,) = materials
    return prepare_asic_s(
        act.signatory,
        document=_entry(one, act),
        signing_time=act.now,
        organisation=act.organisation,
    )


def _prepare_asic_e(materials: Sequence[Material], act: Act, _parties: Parties) -> PreparedAsic:
    entries = [_entry(one, act) for one in materials]
    return prepare_asic_e(
        act.signatory,
        documents=entries,
        signing_time=act.now,
        organisation=act.organisation,
    )


def _entry(one: Material, act: Act) -> DocumentDigest:
    one.get_content()
    digest = one.digest_by(act.signatory.hash_name)
    return DocumentDigest(one.name, digest, one.media_type or None)


def _finish_asic(
    prepared: PreparedAsic,
    materials: Sequence[Material],
    signature: bytes,
    act: Act,
    parties: Parties,
) -> Blob:
    return finish_asic(
        prepared,
        signature=signature,
        contents=[one.get_content() for one in materials],
        level=act.level,
        now=act.now,
        sources=parties.sources,
    )


def _prepare_asic_xades(
    materials: Sequence[Material], act: Act, _parties: Parties
) -> PreparedAsicXades:
    entries = [_entry(one, act) for one in materials]
    return prepare_asic_xades(
        act.signatory, documents=entries, signing_time=act.now, particulars=act.particulars
    )


def _finish_asic_xades(
    prepared: PreparedAsicXades,
    materials: Sequence[Material],
    signature: bytes,
    act: Act,
    parties: Parties,
) -> Blob:
    return finish_asic_xades(
        prepared,
        signature=signature,
        contents=[one.get_content() for one in materials],
        level=act.level,
        now=act.now,
        sources=parties.sources,
    )


def _prepare_enveloped(materials: Sequence[Material], act: Act, parties: Parties) -> PreparedXades:
    (one,) = materials
    return prepare_xades_enveloped(
        one.get_content(),
        signatory=act.signatory,
        signing_time=act.now,
        isolation=parties.isolation,
        particulars=act.particulars,
        mime_type=one.media_type or "application/xml",
    )


def _prepare_enveloping(
    materials: Sequence[Material], act: Act, _parties: Parties
) -> PreparedXades:
    (one,) = materials
    return prepare_xades_enveloping(
        one.get_content(),
        signatory=act.signatory,
        signing_time=act.now,
        particulars=act.particulars,
        mime_type=one.media_type or "application/octet-stream",
    )


def _prepare_detached(materials: Sequence[Material], act: Act, _parties: Parties) -> PreparedXades:
    files = [
        SignedFile(
            one.name,
            one.media_type or "application/octet-stream",
            one.digest_by(act.signatory.hash_name),
        )
        for one in materials
    ]
    return prepare_xades_detached(
        files, signatory=act.signatory, signing_time=act.now, particulars=act.particulars
    )


def _finish_xades(
    prepared: PreparedXades,
    materials: Sequence[Material],
    signature: bytes,
    act: Act,
    parties: Parties,
) -> Blob:
    return finish_xades(
        prepared,
        signature=signature,
        level=act.level,
        now=act.now,
        sources=parties.sources,
        document=materials[0].content,
    )


_FORMATS: Final[Mapping[SignatureFormat, _Format]] = MappingProxyType(
    {
        SignatureFormat.PADES: _Format(PreparedPades, _prepare_pades, _finish_pades),
        SignatureFormat.CADES_DETACHED: _Format(PreparedCms, _prepare_cades, _finish_detached),
        SignatureFormat.CADES_ENVELOPING: _Format(PreparedCms, _prepare_cades, _finish_enveloping),
        SignatureFormat.ASIC_S_CADES: _Format(PreparedAsic, _prepare_asic_s, _finish_asic),
        SignatureFormat.ASIC_E_CADES: _Format(PreparedAsic, _prepare_asic_e, _finish_asic),
        SignatureFormat.ASIC_E_XADES: _Format(
            PreparedAsicXades, _prepare_asic_xades, _finish_asic_xades
        ),
        SignatureFormat.XADES_ENVELOPED: _Format(PreparedXades, _prepare_enveloped, _finish_xades),
        SignatureFormat.XADES_ENVELOPING: _Format(
            PreparedXades, _prepare_enveloping, _finish_xades
        ),
        SignatureFormat.XADES_DETACHED: _Format(PreparedXades, _prepare_detached, _finish_xades),
    }
)
