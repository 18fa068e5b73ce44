"""The signatures that a PDF has, taken out of it and verified.

What lives here: their CMS, cut out of the document by us at the place where whoever reads documents
says it is; and whether each is about the octets that it says to be about.
Source: ISO 32000-2 §12.8.1; ETSI EN 319 142-1 §5.4.3 and §6.3; RFC 5652 §5.4; RFC 3161 §2.4.2.
**Not here: whether anybody is to be trusted, what a later increment changed, and a verdict.**
"""

from __future__ import annotations

import binascii
import hashlib
import hmac
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Final

from keystore.pki.der import OCTET_STRING, wrap
from signing.errors import DocumentRefused, ParsingFailed, TimestampUnavailable
from signing.formats.chains import order_chain
from signing.formats.cms import timestamp_imprint
from signing.formats.cms_augmenting import VerifiedSigner, verify_signer
from signing.formats.der import DerMalformed
from signing.formats.material import ValidationMaterial
from signing.formats.signed_data import (
    MESSAGE_DIGEST,
    SIGNATURE_TIMESTAMP,
    SignedData,
    read_signed_data,
)
from signing.formats.timestamps import VerifiedTimestamp, imprint_hash, verify_timestamp
from signing.isolation.blob import Blob
from signing.isolation.task import Isolation
from signing.messages.pdf_signature import (
    FIND_SIGNATURES,
    MOST_HOLE_BYTES,
    FoundSignature,
    SignaturesAsked,
)

_CADES_LIKE: Final = frozenset({"ETSI.CAdES.detached", "adbe.pkcs7.detached"})


@dataclass(frozen=True, slots=True)
class PdfCms:
    """The CMS of a signature or of a document timestamp, DER, and where it stood."""

    found: FoundSignature
    der: bytes = field(repr=False)

    @property
    def is_timestamp(self) -> bool:
        """Whether it is a document timestamp."""
        return self.found.is_timestamp


@dataclass(frozen=True, slots=True)
class PdfSignatures:
    """All of a document in the order of signing, and its security store."""

    entries: tuple[PdfCms, ...]
    store: ValidationMaterial

    @property
    def signatures(self) -> tuple[PdfCms, ...]:
        """Without the timestamps."""
        return tuple(one for one in self.entries if not one.is_timestamp)

    @property
    def timestamps(self) -> tuple[PdfCms, ...]:
        """The document timestamps alone."""
        return tuple(one for one in self.entries if one.is_timestamp)


@dataclass(frozen=True, slots=True)
class VerifiedEntry:
    """A signature that is over its octets: its chain, as far as it is there, and its timestamps."""

    signer: VerifiedSigner
    chain: tuple[bytes, ...] = field(repr=False)
    timestamps: tuple[VerifiedTimestamp, ...] = field(repr=False)


def read_signatures(document: Blob, *, isolation: Isolation) -> PdfSignatures:
    """Take them out; **nothing is verified**.

    Raises  DocumentRefused; ParsingFailed, also for a place where no CMS can stand.
    """
    asked = SignaturesAsked()
    answered, written = isolation.run(FIND_SIGNATURES, asked, inputs=(document,))
    written.close()
    store = ValidationMaterial(answered.certificates, answered.ocsp_responses, answered.crls)
    with document.view() as view:
        entries = tuple(PdfCms(found, _cut(view, found)) for found in answered.signatures)
    return PdfSignatures(entries, store)


def verify_pdf_signature(
    document: Blob, entry: PdfCms, *, store: ValidationMaterial, roots: tuple[bytes, ...] = ()
) -> VerifiedEntry:
    """A signature that is over its octets, by the certificate that it names.

    1. A detached CMS with one signature, which is its certificate's.
    2. The digest that it signed is that of its octets.
    3. A signature timestamp counts when it is over the signature value.

    Raises  DocumentRefused (not_cades, several_signatures, signature_broken); SignatureForeign.
    """
    if entry.found.sub_filter not in _CADES_LIKE:
        raise DocumentRefused("not_cades")
    try:
        data = read_signed_data(entry.der)
        # 1
        signer = verify_signer(data)
        # 2
        _check_digest(document, entry, data=data, hash_name=signer.hash_name)
        # 3
        heap = (*store.certificates, *data.certificates)
        tokens = data.signers[0].unsigned_values(SIGNATURE_TIMESTAMP)
        stamped = _stamps(tokens, signer=signer, roots=(*roots, *heap))
    except DerMalformed as malformed:
        raise DocumentRefused("not_cades") from malformed
    chain = order_chain(signer.certificate, among=heap, roots=roots)
    return VerifiedEntry(signer, chain, stamped)


def verify_pdf_timestamp(
    document: Blob, entry: PdfCms, *, store: ValidationMaterial, roots: tuple[bytes, ...] = ()
) -> VerifiedTimestamp:
    """A document timestamp that is over its octets.

    Raises  DocumentRefused: timestamp_broken.
    """
    try:
        hash_name = imprint_hash(entry.der)
        digest = _digest(document, entry, hash_name=hash_name)
        return verify_timestamp(
            entry.der, digest=digest, hash_name=hash_name, roots=(*roots, *store.certificates)
        )
    except (DerMalformed, TimestampUnavailable) as broken:
        raise DocumentRefused("timestamp_broken") from broken


def _stamps(
    tokens: Sequence[bytes], *, signer: VerifiedSigner, roots: tuple[bytes, ...]
) -> tuple[VerifiedTimestamp, ...]:
    """Those that are over the signature value, under whichever hash; others are as good as none."""
    stamped = []
    for token in tokens:
        with suppress(TimestampUnavailable):
            hash_name = imprint_hash(token)
            digest = timestamp_imprint(signer.signature, hash_name=hash_name)
            stamped.append(verify_timestamp(token, digest=digest, hash_name=hash_name, roots=roots))
    return tuple(stamped)


def _check_digest(document: Blob, entry: PdfCms, *, data: SignedData, hash_name: str) -> None:
    if data.content is not None:
        raise DocumentRefused("not_cades")
    expected = wrap(OCTET_STRING, _digest(document, entry, hash_name=hash_name))
    values = data.signers[0].signed_values(MESSAGE_DIGEST)
    if len(values) != 1 or not hmac.compare_digest(values[0], expected):
        raise DocumentRefused("signature_broken")


def _digest(document: Blob, entry: PdfCms, *, hash_name: str) -> bytes:
    hashed = hashlib.new(hash_name)
    _, start, end, rest = entry.found.byte_range
    with document.view() as view:
        hashed.update(view[:start])
        hashed.update(view[end : end + rest])
    return hashed.digest()


def _cut(document: memoryview, found: FoundSignature) -> bytes:
    """The DER between the brackets, without the zeroes behind it."""
    first, start, end, rest = found.byte_range
    is_inside = first == 0 and 0 < start < end and rest >= 0 and end + rest <= len(document)
    if not is_inside or end - start > 2 * MOST_HOLE_BYTES + 2:
        raise ParsingFailed("contradiction")
    content = bytes(document[start:end])
    if not (content.startswith(b"<") and content.endswith(b">")):
        raise ParsingFailed("contradiction")
    try:
        padded = binascii.unhexlify(content[1:-1].translate(None, b" \t\r\n\f\0"))
    except binascii.Error as malformed:
        raise ParsingFailed("contradiction") from malformed
    return padded[: _der_size(padded)]


def _der_size(padded: bytes) -> int:
    """How long the first element is, by its header (X.690 §8.1.3); anything else is cut later."""
    if len(padded) < 2 or padded[1] < 0x80:
        return 2 + padded[1] if len(padded) >= 2 else 0
    octets = padded[1] & 0x7F
    return 2 + octets + int.from_bytes(padded[2 : 2 + octets], "big")
