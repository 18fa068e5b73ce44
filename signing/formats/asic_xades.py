"""ASiC with XAdES: documents and a signature in XML over them in one file.

What lives here: ASiC-S (one document) and ASiC-E (several), each with a file of signatures that
references every document by its name.  Several signatories each get a file of their own beside
those of the others, so that no signature is in the way of another.
Source: ETSI EN 319 162-1 §4.3.3.2, §4.4.3.1, §4.4.3.2 and §5 (baseline: XAdES baseline inside);
OASIS OpenDocument 1.2, part 3, §3 (manifest).
Not here: reading of containers; ASiC with CAdES (`asic_cades.py`).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from signing.errors import DocumentRefused
from signing.formats.asic_cades import DocumentDigest
from signing.formats.asic_container import (
    ASIC_E,
    ASIC_S,
    META_INF,
    ContainerFile,
    check_names,
    write_container,
)
from signing.formats.cades import Sources
from signing.formats.material import Level, Signatory, ToBeSigned
from signing.formats.xades import DECLARATION, prepare_xades_detached, write_signature
from signing.formats.xades_prepared import PreparedXades
from signing.formats.xades_properties import NOTHING_MORE, Particulars
from signing.formats.xades_references import SignedFile
from signing.formats.xml_text import Element, canonical, element
from signing.isolation.blob import Blob

_SIGNATURES_S: Final = f"{META_INF}signatures.xml"
_MANIFEST: Final = f"{META_INF}manifest.xml"
_UNKNOWN: Final = "application/octet-stream"
_MOST_SIGNATURES: Final = 999


@dataclass(frozen=True, slots=True)
class PreparedAsicXades:
    """A container that waits for a signature; can be stored.

    `container_type`: `ASIC_S` or `ASIC_E`.
    """

    xades: PreparedXades
    documents: tuple[SignedFile, ...]
    container_type: str

    @property
    def to_be_signed(self) -> ToBeSigned:
        """What the signatory's key has to sign."""
        return self.xades.to_be_signed


def prepare_asic_xades(
    signatory: Signatory,
    *,
    documents: Sequence[DocumentDigest],
    signing_time: datetime,
    is_simple: bool = False,
    particulars: Particulars = NOTHING_MORE,
) -> PreparedAsicXades:
    """What has to be signed over the documents of a container.

    Takes   is_simple: whether it is to be an ASiC-S, which has one document.
    Raises  DocumentRefused: no_documents, too_many_documents, name_twice, name_escapes,
            name_refused, name_reserved, wrong_digest_length, mime_type; CertificateRefused.
    """
    if is_simple and len(documents) > 1:
        raise DocumentRefused("too_many_documents")
    names = check_names([one.name for one in documents])
    files = tuple(
        SignedFile(name, one.mime_type or _UNKNOWN, one.digest)
        for name, one in zip(names, documents, strict=True)
    )
    xades = prepare_xades_detached(
        files, signatory=signatory, signing_time=signing_time, particulars=particulars
    )
    return PreparedAsicXades(xades, files, ASIC_S if is_simple else ASIC_E)


def finish_asic_xades(
    prepared: PreparedAsicXades,
    *,
    signature: bytes,
    contents: Sequence[Blob],
    level: Level,
    now: datetime,
    sources: Sources,
    earlier: Sequence[bytes | Blob] = (),
) -> Blob:
    """The container, with the documents in the order in which they were prepared.

    Takes   contents: as many as there were documents; they stay the caller's;
            earlier: files of signatures over the same documents, from `write_signatures_file`,
            which go in as they are (ASiC-E).
    Returns a blob that the caller closes.
    Raises  DocumentRefused (document_changed, several_signatures); what `finish_xades` raises;
            nothing was made then.
    """
    check_contents(prepared, contents)
    file = write_signatures_file(
        prepared, signature=signature, level=level, now=now, sources=sources
    )
    return pack_asic_xades(prepared, contents=contents, signatures=(*earlier, file))


def write_signatures_file(
    prepared: PreparedAsicXades, *, signature: bytes, level: Level, now: datetime, sources: Sources
) -> bytes:
    """The signature alone, as it stands in a container; can be augmented by `augment_xades`.

    Raises  as `finish_xades`.
    """
    written = write_signature(
        prepared.xades, signature=signature, level=level, now=now, sources=sources
    )
    return (DECLARATION + canonical(element("asic:XAdESSignatures", written))).encode()


def pack_asic_xades(
    prepared: PreparedAsicXades, *, contents: Sequence[Blob], signatures: Sequence[bytes | Blob]
) -> Blob:
    """Documents and finished files of signatures in one container; **verifies nothing**.

    Raises  DocumentRefused("several_signatures").
    Source  ETSI EN 319 162-1 §4.3.3.2 (3), §4.4.3.2 (3): the names.
    """
    documents = [
        ContainerFile(one.name, content)
        for one, content in zip(prepared.documents, contents, strict=True)
    ]
    if prepared.container_type == ASIC_S:
        if len(signatures) != 1:
            raise DocumentRefused("several_signatures")
        return write_container(ASIC_S, [*documents, ContainerFile(_SIGNATURES_S, signatures[0])])
    if len(signatures) > _MOST_SIGNATURES:
        raise DocumentRefused("several_signatures")
    numbered = (
        ContainerFile(f"{META_INF}signatures{number:03}.xml", one)
        for number, one in enumerate(signatures, start=1)
    )
    manifest = ContainerFile(_MANIFEST, _manifest(prepared.documents))
    return write_container(ASIC_E, [*documents, manifest, *numbered])


def check_contents(prepared: PreparedAsicXades, contents: Sequence[Blob]) -> None:
    """The documents are those that were prepared, in the same order.

    Raises  DocumentRefused("document_changed").
    """
    hash_name = prepared.xades.signatory.hash_name
    if [one.digest for one in prepared.documents] != [one.digest(hash_name) for one in contents]:
        raise DocumentRefused("document_changed")


def _manifest(documents: Sequence[SignedFile]) -> bytes:
    """What is in the container, for readers that know OpenDocument; nothing rests on it."""
    entries = [_entry("/", ASIC_E), *(_entry(one.name, one.mime_type) for one in documents)]
    written = element("manifest:manifest", *entries, attributes={"manifest:version": "1.2"})
    return (DECLARATION + canonical(written)).encode()


def _entry(path: str, mime_type: str) -> Element:
    return element(
        "manifest:file-entry",
        attributes={"manifest:full-path": path, "manifest:media-type": mime_type},
    )
