"""XAdES: a signature in XML, around a document, inside of it, or beside it.

What lives here: the two halves of a signature at levels B-B, B-T and B-LT.  The text of the
signature is written by us, in its own canonical form (`xml_text`), so what is hashed here is what
every verifier finds; a document that it goes into keeps all its bytes (`xades_place`).
Source: ETSI EN 319 132-1 v1.2.1 §4, §5, §6 (baseline); W3C XML Signature 1.1; RFC 9231.
Not here: adding to a signature that is finished (`xades_augment.py`); containers
(`asic_xades.py`); levels beyond B-LT.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
from collections.abc import Sequence
from datetime import datetime
from typing import Final

from keystore.key_types import HASHES
from signing.errors import DocumentRefused
from signing.formats.cades import Sources
from signing.formats.chains import check_validity, is_self_issued
from signing.formats.material import Level, Signatory
from signing.formats.mime_types import check_mime_type
from signing.formats.xades_levels import Standing, raise_level
from signing.formats.xades_place import (
    MOST_NODES_SHARED,
    EnvelopedPlace,
    find_enveloped_place,
    insert,
)
from signing.formats.xades_prepared import (
    Packaging,
    PreparedXades,
    key_family,
    new_id,
    signature_value,
    verify_signature,
)
from signing.formats.xades_properties import (
    NOTHING_MORE,
    DataFormat,
    Particulars,
    base64_of,
    signed_properties,
)
from signing.formats.xades_references import (
    SignedFile,
    check_files,
    document_reference,
    file_reference,
    object_reference,
    properties_reference,
)
from signing.formats.xml_names import BASE64, EXCLUSIVE_C14N, SIGNATURES
from signing.formats.xml_text import Element, canonical, element
from signing.isolation.blob import Blob
from signing.isolation.task import Isolation

MOST_ENVELOPING_BYTES: Final = 7_000_000
"""In base64 still below what parsers of XML take as one text (libxml2: 10,000,000)."""
DECLARATION: Final = '<?xml version="1.0" encoding="UTF-8"?>\n'


def prepare_xades_enveloped(
    document: Blob,
    *,
    signatory: Signatory,
    signing_time: datetime,
    isolation: Isolation,
    particulars: Particulars = NOTHING_MORE,
    mime_type: str = "application/xml",
    is_alone: bool | None = None,
) -> PreparedXades:
    """A signature inside of an XML document, as the last thing in its root.

    Takes   is_alone: True when nobody else ever signs this document: readers that know no XPath are
            content; False when somebody else will: large documents are refused now rather than
            when the next one signs; None: others may sign, unless the document is too large.
    Raises  DocumentRefused; ParsingFailed.
    """
    check_mime_type(mime_type)
    place = find_enveloped_place(
        document,
        hash_name=signatory.hash_name,
        isolation=isolation,
    )
    is_large = place.nodes > MOST_NODES_SHARED
    if is_large and (is_alone is False or place.has_signatures):
        raise DocumentRefused("too_large_to_share")
    signature_id = new_id("sig")
    reference = document_reference(
        digest=place.canonical_digest,
        reference_id=f"{signature_id}-ref-0",
        hash_name=signatory.hash_name,
        # without XPath the signatures that are there already would be signed, and kept from change
        is_alone=(is_large if is_alone is None else is_alone) and not place.has_signatures,
    )
    return _prepare(
        signatory,
        Packaging.ENVELOPED,
        signature_id,
        (reference,),
        formats=(DataFormat(f"{signature_id}-ref-0", mime_type),),
        signing_time=signing_time,
        particulars=particulars,
        document_digest=document.digest(signatory.hash_name),
        place=place,
    )


def prepare_xades_enveloping(
    document: Blob,
    *,
    signatory: Signatory,
    signing_time: datetime,
    particulars: Particulars = NOTHING_MORE,
    mime_type: str = "application/octet-stream",
) -> PreparedXades:
    """A signature around a document of any kind, which stands in it in base64, byte by byte.

    Raises  DocumentRefused (`too_large`, `mime_type`).
    """
    check_mime_type(mime_type)
    if document.size > MOST_ENVELOPING_BYTES:
        raise DocumentRefused("too_large")
    signature_id, digest = new_id("sig"), document.digest(signatory.hash_name)
    reference = object_reference(
        f"{signature_id}-object",
        digest=digest,
        reference_id=f"{signature_id}-ref-0",
        hash_name=signatory.hash_name,
    )
    return _prepare(
        signatory,
        Packaging.ENVELOPING,
        signature_id,
        (reference,),
        formats=(DataFormat(f"{signature_id}-ref-0", mime_type),),
        signing_time=signing_time,
        particulars=particulars,
        document_digest=digest,
        mime_type=mime_type,
    )


def prepare_xades_detached(
    files: Sequence[SignedFile],
    *,
    signatory: Signatory,
    signing_time: datetime,
    particulars: Particulars = NOTHING_MORE,
) -> PreparedXades:
    """A signature beside files, of which only names and digests have to be known.

    Raises  DocumentRefused: see `check_files`.
    """
    hash_name = signatory.hash_name
    check_files(tuple(files), digest_bytes=HASHES[hash_name].digest_size)
    signature_id = new_id("sig")
    ids = [f"{signature_id}-ref-{number}" for number in range(len(files))]
    return _prepare(
        signatory,
        Packaging.DETACHED,
        signature_id,
        tuple(
            file_reference(file, reference_id=one, hash_name=hash_name)
            for file, one in zip(files, ids, strict=True)
        ),
        formats=tuple(
            DataFormat(one, file.mime_type) for file, one in zip(files, ids, strict=True)
        ),
        signing_time=signing_time,
        particulars=particulars,
        document_digest=files[0].digest if len(files) == 1 else b"",
    )


def finish_xades(
    prepared: PreparedXades,
    *,
    signature: bytes,
    level: Level,
    now: datetime,
    sources: Sources,
    document: Blob | None = None,
) -> Blob:
    """The signed document, or the signature beside it.

    Takes   signature: as the signer gives it; document: the very bytes that were prepared, which a
            detached signature does without; sources: timestamps from B-T on, status at B-LT.
    Returns a blob that the caller closes.
    Raises  SignatureForeign; DocumentRefused (document_changed, level); TimestampUnavailable;
            StatusUnavailable; CertificateRefused; nothing was made then.
    """
    is_detached = prepared.packaging is Packaging.DETACHED
    if (document is None and not is_detached) or not _is_same(prepared, document):
        raise DocumentRefused("document_changed")
    written = write_signature(prepared, signature=signature, level=level, now=now, sources=sources)
    if document is None or is_detached:
        return Blob.of((DECLARATION + canonical(written)).encode())
    if prepared.place is None:
        content = element(
            "ds:Object",
            base64.b64encode(document.read()).decode("ascii"),
            attributes={
                "Encoding": BASE64,
                "Id": f"{prepared.signature_id}-object",
                "MimeType": prepared.mime_type,
            },
        )
        return Blob.of((DECLARATION + canonical(written.holding(content))).encode())
    place = prepared.place
    return insert(
        document,
        offset=place.offset,
        replaced_bytes=place.replaced_bytes,
        written=place.written(canonical(written)),
    )


def write_signature(
    prepared: PreparedXades, *, signature: bytes, level: Level, now: datetime, sources: Sources
) -> Element:
    """The ds:Signature alone, without the document that an enveloping one holds.

    Takes, Raises   as `finish_xades`.
    """
    verify_signature(prepared, signature=signature)
    signatory = prepared.signatory
    certificates = _key_info(signatory)
    value = signature_value(prepared, signature=signature)
    added = raise_level(
        Standing(canonical(value).encode(), signatory.hash_name, certificates),
        level=level,
        now=now,
        sources=Sources(sources.timestamps, sources.status, signatory.chain + sources.roots),
    )
    qualifying = element(
        "xades:QualifyingProperties",
        prepared.signed_properties,
        attributes={"Target": f"#{prepared.signature_id}"},
    )
    if added:
        qualifying = qualifying.holding(unsigned_properties(*added))
    x509_data = element(
        "ds:X509Data", *(element("ds:X509Certificate", base64_of(one)) for one in certificates)
    )
    return element(
        "ds:Signature",
        prepared.signed_info,
        value,
        element("ds:KeyInfo", x509_data),
        element("ds:Object", qualifying),
        attributes={"Id": prepared.signature_id},
    )


def _key_info(signatory: Signatory) -> tuple[bytes, ...]:
    """The certificate, and the issuers below the root whose keys are of the same family.

    xadesjs takes every certificate there for a key of the signature's algorithm and gives up on one
    that is not; at B-LT all of them stand among the unsigned properties.
    """
    family = key_family(signatory.certificate)
    issuers = (
        one for one in signatory.chain if not is_self_issued(one) and key_family(one) == family
    )
    return (signatory.certificate, *issuers)


def unsigned_properties(*added: Element) -> Element:
    """What was added without being signed."""
    of_signature = element("xades:UnsignedSignatureProperties", *added)
    return element("xades:UnsignedProperties", of_signature)


def _prepare(
    signatory: Signatory,
    packaging: Packaging,
    signature_id: str,
    references: tuple[Element, ...],
    *,
    formats: tuple[DataFormat, ...],
    signing_time: datetime,
    particulars: Particulars,
    document_digest: bytes = b"",
    mime_type: str = "",
    place: EnvelopedPlace | None = None,
) -> PreparedXades:
    check_validity(signatory.certificate, now=signing_time)
    properties_id = f"{signature_id}-properties"
    properties = signed_properties(
        signatory,
        properties_id=properties_id,
        signing_time=signing_time,
        formats=formats,
        particulars=particulars,
    )
    hashed = hashlib.new(signatory.hash_name, canonical(properties).encode()).digest()
    method = {"Algorithm": SIGNATURES[signatory.algorithm]}
    signed_info = element(
        "ds:SignedInfo",
        element("ds:CanonicalizationMethod", attributes={"Algorithm": EXCLUSIVE_C14N}),
        element("ds:SignatureMethod", attributes=method),
        *references,
        properties_reference(properties_id, digest=hashed, hash_name=signatory.hash_name),
    )
    return PreparedXades(
        signatory=signatory,
        packaging=packaging,
        signature_id=signature_id,
        signed_info=signed_info,
        signed_properties=properties,
        document_digest=document_digest,
        mime_type=mime_type,
        place=place,
    )


def _is_same(prepared: PreparedXades, document: Blob | None) -> bool:
    if document is None or not prepared.document_digest:
        return True
    digest = document.digest(prepared.signatory.hash_name)
    return hmac.compare_digest(digest, prepared.document_digest)
