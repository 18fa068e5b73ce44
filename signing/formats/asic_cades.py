"""ASiC with CAdES: documents and a signature over them in one file.

What lives here: ASiC-S (one document with its signature, or with a timestamp token alone) and
ASiC-E (several documents, a manifest with their digests, a signature over the manifest).  Several
signatories of an ASiC-E get a manifest and a signature each, neither in the way of the others.
Source: ETSI EN 319 162-1 §4.3 (ASiC-S), §4.4 (ASiC-E), §5 (baseline: CAdES baseline inside).
Not here: reading of containers, ASiC with XAdES (`asic_xades.py`).
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final

from signing.errors import DocumentRefused
from signing.formats.asic_container import (
    ASIC_E,
    ASIC_S,
    META_INF,
    ContainerFile,
    check_name,
    check_names,
    reference,
    write_container,
)
from signing.formats.asic_manifest import ManifestEntry, write_manifest
from signing.formats.cades import Sources, finish_cades, prepare_cades
from signing.formats.cms import PreparedCms, check_digest
from signing.formats.material import Level, Signatory, Timestamps, ToBeSigned
from signing.formats.mime_types import check_mime_type
from signing.formats.signed_attributes import SignerLocation
from signing.isolation.blob import Blob

SIGNATURE_TYPE: Final = "application/pkcs7-signature"
_SIGNATURE_S: Final = f"{META_INF}signature.p7s"
_TIMESTAMP_S: Final = f"{META_INF}timestamp.tst"
_MOST_SIGNATURES: Final = 999


@dataclass(frozen=True, slots=True)
class DocumentDigest:
    """A document as it is prepared: its name in the container and its digest.

    `digest` is by the signatory's hash; `mime_type` as in RFC 6838.
    """

    name: str
    digest: bytes = field(repr=False)
    mime_type: str | None = None


@dataclass(frozen=True, slots=True)
class PreparedAsic:
    """A container that waits for its signature; can be stored.

    `manifest`: over several documents, empty in ASiC-S, where the document itself is signed;
    `number`: of the signature among those of the container, from 1 on.
    """

    cms: PreparedCms
    documents: tuple[DocumentDigest, ...]
    manifest: bytes = field(repr=False)
    number: int = 1

    @property
    def to_be_signed(self) -> ToBeSigned:
        """What the signatory's key has to sign."""
        return self.cms.to_be_signed


@dataclass(frozen=True, slots=True)
class SignedAsic:
    """A finished signature that waits for its container; can be stored.

    `cms`: DER; `names`: of the documents, in their order; `manifest`, `number`: as they were
    prepared.
    """

    cms: bytes = field(repr=False)
    names: tuple[str, ...]
    manifest: bytes = field(repr=False)
    number: int


def prepare_asic_s(
    signatory: Signatory,
    *,
    document: DocumentDigest,
    signing_time: datetime,
    commitment_kind: str | None = None,
    location: SignerLocation | None = None,
    organisation: str = "",
) -> PreparedAsic:
    """What has to be signed over the only document of an ASiC-S.

    Raises  DocumentRefused: wrong_digest_length, name_escapes, name_refused, name_reserved,
            mime_type; CertificateRefused.
    """
    checked = _check([document], signatory=signatory)
    cms = prepare_cades(
        signatory,
        content_digest=document.digest,
        signing_time=signing_time,
        mime_type=document.mime_type,
        commitment_kind=commitment_kind,
        location=location,
        organisation=organisation,
    )
    return PreparedAsic(cms, checked, b"")


def prepare_asic_e(
    signatory: Signatory,
    *,
    documents: Sequence[DocumentDigest],
    signing_time: datetime,
    number: int = 1,
    commitment_kind: str | None = None,
    location: SignerLocation | None = None,
    organisation: str = "",
) -> PreparedAsic:
    """What has to be signed over the documents of an ASiC-E: their manifest.

    Takes   number: 1 for the first signatory, 2 for the next, and so on.
    Raises  as `prepare_asic_s`; DocumentRefused: no_documents, too_many_documents, name_twice,
            too_many_signatures.
    """
    if not 1 <= number <= _MOST_SIGNATURES:
        raise DocumentRefused("too_many_signatures")
    checked = _check(documents, signatory=signatory)
    manifest = write_manifest(
        [ManifestEntry(reference(one.name), one.digest, one.mime_type) for one in checked],
        signed_by=_signature_name(number),
        signature_type=SIGNATURE_TYPE,
        hash_name=signatory.hash_name,
    )
    cms = prepare_cades(
        signatory,
        content_digest=hashlib.new(signatory.hash_name, manifest).digest(),
        signing_time=signing_time,
        mime_type="text/xml",
        commitment_kind=commitment_kind,
        location=location,
        organisation=organisation,
    )
    return PreparedAsic(cms, checked, manifest, number)


def finish_asic(
    prepared: PreparedAsic,
    *,
    signature: bytes,
    contents: Sequence[Blob],
    level: Level,
    now: datetime,
    sources: Sources,
    earlier: Sequence[SignedAsic] = (),
) -> Blob:
    """The container, with the documents in the order in which they were prepared.

    Takes   contents: as many as there were documents; they stay the caller's;
            earlier: signatures of others over the same documents (ASiC-E).
    Returns a blob that the caller closes.
    Raises  DocumentRefused (document_changed); what `sign_asic` and `pack_asic` raise; nothing was
            made then.
    """
    check_contents(prepared, contents=contents)
    signed = sign_asic(prepared, signature=signature, level=level, now=now, sources=sources)
    return pack_asic((*earlier, signed), contents=contents)


def check_contents(prepared: PreparedAsic, *, contents: Sequence[Blob]) -> None:
    """The documents are those that were prepared.

    Raises  DocumentRefused (document_changed).
    """
    if len(contents) != len(prepared.documents):
        raise DocumentRefused("document_changed")
    hash_name = prepared.cms.signatory.hash_name
    for expected, content in zip(prepared.documents, contents, strict=True):
        if content.digest(hash_name) != expected.digest:
            raise DocumentRefused("document_changed")


def sign_asic(
    prepared: PreparedAsic, *, signature: bytes, level: Level, now: datetime, sources: Sources
) -> SignedAsic:
    """The signature alone, as it stands in a container; can be stored until others have signed.

    Raises  what `finish_cades` raises.
    """
    made = finish_cades(prepared.cms, signature=signature, level=level, now=now, sources=sources)
    names = tuple(one.name for one in prepared.documents)
    return SignedAsic(made, names, prepared.manifest, prepared.number)


def pack_asic(signatures: Sequence[SignedAsic], *, contents: Sequence[Blob]) -> Blob:
    """Documents and finished signatures in one container; **verifies nothing**.

    Raises  DocumentRefused: several_signatures, where the form has room for one or two have the
            same number; document_changed, where they are not about the same files.
    """
    first = signatures[0]
    if len({one.names for one in signatures}) != 1 or len(first.names) != len(contents):
        raise DocumentRefused("document_changed")
    documents = [
        ContainerFile(name, content) for name, content in zip(first.names, contents, strict=True)
    ]
    if len({one.number for one in signatures}) != len(signatures):
        raise DocumentRefused("several_signatures")
    if not first.manifest:
        if len(signatures) != 1:
            raise DocumentRefused("several_signatures")
        return write_container(ASIC_S, [*documents, ContainerFile(_SIGNATURE_S, first.cms)])
    evidence = [
        file
        for one in signatures
        for file in (
            ContainerFile(_manifest_name(one.number), one.manifest),
            ContainerFile(_signature_name(one.number), one.cms),
        )
    ]
    return write_container(ASIC_E, [*documents, *evidence])


def stamp_asic_s(
    name: str, *, content: Blob, timestamps: Timestamps, hash_name: str = "sha256"
) -> Blob:
    """An ASiC-S that holds a document and a timestamp over it, and nobody's signature.

    Returns a blob that the caller closes.
    Raises  TimestampUnavailable; DocumentRefused, as `check_name`.
    Source  ETSI EN 319 162-1 §4.3.3.2.
    """
    checked = check_name(name)
    token = timestamps.stamp(content.digest(hash_name), hash_name=hash_name)
    return write_container(
        ASIC_S, [ContainerFile(checked, content), ContainerFile(_TIMESTAMP_S, token)]
    )


def _check(
    documents: Sequence[DocumentDigest], *, signatory: Signatory
) -> tuple[DocumentDigest, ...]:
    names = check_names([one.name for one in documents])
    for one in documents:
        check_digest(one.digest, signatory=signatory)
    return tuple(
        DocumentDigest(name, one.digest, check_mime_type(one.mime_type))
        for name, one in zip(names, documents, strict=True)
    )


def _signature_name(number: int) -> str:
    return f"{META_INF}signature{number:03}.p7s"


def _manifest_name(number: int) -> str:
    return f"{META_INF}ASiCManifest{number:03}.xml"
