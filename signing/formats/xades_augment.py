"""Taking a XAdES signature that exists to a higher level.

What lives here: finding the signature with the help of the process behind the walls, verifying that
it is the certificate's over its ds:SignedInfo, and writing what the level adds into it.  What was
signed stays as it is: not a byte is changed or taken away.
Source: ETSI EN 319 132-1 §5.1 (unsigned properties), §6.3; EN 319 102-1 §5.3.
Not here: whether the document is still what the references say (that is validation).
"""

from __future__ import annotations

import hashlib
from datetime import datetime
from typing import Final

from keystore.backends.errors import DigestRefused, SignatureRefused
from keystore.errors import KeystoreError
from keystore.key_types import get_key_type
from keystore.signature_forms import in_der
from keystore.verifying import verify_digest
from signing.errors import DocumentRefused, ParsingFailed, SignatureForeign
from signing.formats.cades import Sources
from signing.formats.material import HASH_OF, Level
from signing.formats.xades import unsigned_properties
from signing.formats.xades_levels import Stamp, Standing, raise_level
from signing.formats.xades_place import insert
from signing.formats.xades_prepared import spki_of
from signing.formats.xml_encoding import Encoding, find_encoding
from signing.formats.xml_names import SIGNATURES
from signing.formats.xml_text import canonical
from signing.isolation.blob import Blob
from signing.isolation.task import Isolation
from signing.messages.xml_signature import FIND_SIGNATURE, FindSignature, FoundSignature

MOST_BYTES: Final = 64 << 20
_UNSIGNED: Final = "UnsignedSignatureProperties"
_QUALIFYING: Final = "QualifyingProperties"


def augment_xades(
    document: Blob,
    *,
    level: Level,
    now: datetime,
    sources: Sources,
    isolation: Isolation,
    signature_id: str = "",
) -> Blob:
    """A document or signature file with one of its signatures at a higher level.

    1. The process behind the walls finds the signature and the place where more can be written.
    2. The certificate that stands first in it signed its ds:SignedInfo.
    3. At that place there is the end tag that was named.
    4. What the level adds is written before it; nothing for a level that is reached.

    Takes   signature_id: the Id of the ds:Signature; empty where there is only one;
            sources: `roots` among them, where the chains end.
    Returns a blob that the caller closes.
    Raises  DocumentRefused; ParsingFailed("contradiction"); SignatureForeign; TimestampUnavailable;
            StatusUnavailable; CertificateRefused.
    """
    # 1
    encoding = _encoding(document)
    found, output = isolation.run(
        FIND_SIGNATURE, FindSignature(signature_id=signature_id), inputs=[document]
    )
    with output:
        signed_info = output.read()
    # 2
    hash_name = _verify(found, signed_info=signed_info)
    # 3
    _check_place(document, found, encoding=encoding)
    # 4
    added = raise_level(
        Standing(
            found.value_text,
            hash_name,
            found.certificates,
            tuple(map(Stamp, found.tokens, found.token_ids)),
            has_material=found.has_material,
        ),
        level=level,
        now=now,
        sources=sources,
    )
    if not added:
        return Blob.of_chunks(document.chunks())
    if found.has_unsigned:
        text = "".join(canonical(one) for one in added)
    else:
        text = canonical(unsigned_properties(*added))
    return insert(document, offset=found.offset, replaced_bytes=0, written=encoding.encode(text))


def _encoding(document: Blob) -> Encoding:
    if document.size > MOST_BYTES:
        raise DocumentRefused("too_large")
    with document.view() as view:
        encoding = find_encoding(view)
    if encoding is None:
        raise DocumentRefused("encoding_unknown")
    return encoding


def _verify(found: FoundSignature, *, signed_info: bytes) -> str:
    """The name of the hash of a signature that is right.

    Raises  SignatureForeign.
    """
    if not found.certificates:
        raise SignatureForeign
    for algorithm, method in SIGNATURES.items():
        if method == found.method and _is_signed(
            found, algorithm=algorithm, signed_info=signed_info
        ):
            return HASH_OF[algorithm]
    raise SignatureForeign


def _is_signed(found: FoundSignature, *, algorithm: str, signed_info: bytes) -> bool:
    kind = get_key_type(algorithm)
    try:
        in_form = (
            in_der(found.value, size_bytes=kind.size_bytes) if kind.family == "ec" else found.value
        )
        verify_digest(
            spki_of(found.certificates[0]),
            algorithm=algorithm,
            digest=hashlib.new(kind.hash_name, signed_info).digest(),
            hash_name=kind.hash_name,
            signature=in_form,
        )
    except (SignatureRefused, DigestRefused, KeystoreError, ValueError):
        return False
    return True


def _check_place(document: Blob, found: FoundSignature, *, encoding: Encoding) -> None:
    wanted = _UNSIGNED if found.has_unsigned else _QUALIFYING
    tag = encoding.encode(f"</{found.closing}")
    with document.view() as view:
        there = bytes(view[found.offset : found.offset + len(tag)]) if found.offset > 0 else b""
    if there != tag or found.closing.rpartition(":")[2] != wanted:
        raise ParsingFailed("contradiction")
