"""What is proved to have existed by whatever covers a signature in CMS, or a token.

What lives here: the kinds of timestamps that CAdES knows, and the identities of everything that an
attribute, a token or a whole CMS brings along.
Source: ETSI EN 319 122-1 §5; ETSI EN 319 102-1 §5.6.2.3 (proofs of existence).
Not here: what timestamps have to be over (`cades_timestamps.py`).
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from signing.formats.der import DerMalformed
from signing.formats.material import ValidationMaterial
from signing.formats.signed_data import SIGNATURE_TIMESTAMP
from signing.validation.cades_attributes import (
    attribute_material,
    certificates_of,
    choice_material,
    read_material,
)
from signing.validation.found import TimestampKind, object_identity
from signing.validation.signed_parts import find_parts
from signing.validation.timestamp_info import read_token_parts

_P9: Final = "1.2.840.113549.1.9.16.2."
CONTENT_TIMESTAMP: Final = f"{_P9}20"
C_TIMESTAMP: Final = f"{_P9}25"
REFERENCES_TIMESTAMP: Final = f"{_P9}26"
ARCHIVE_V1: Final = f"{_P9}27"
ARCHIVE_V2: Final = f"{_P9}48"
ARCHIVE_V3: Final = "0.4.0.1733.2.4"
TOKENS: Final = {
    SIGNATURE_TIMESTAMP: TimestampKind.SIGNATURE,
    C_TIMESTAMP: TimestampKind.REFERENCES,
    REFERENCES_TIMESTAMP: TimestampKind.REFERENCES,
    ARCHIVE_V1: TimestampKind.ARCHIVE,
    ARCHIVE_V2: TimestampKind.ARCHIVE,
    ARCHIVE_V3: TimestampKind.ARCHIVE,
}


def token_certificates(token: bytes) -> tuple[bytes, ...]:
    """The certificates that a token brings along."""
    try:
        return certificates_of(read_token_parts(token))
    except (DerMalformed, ValueError):
        return ()


def token_material(token: bytes) -> ValidationMaterial:
    """The certificates and evidence that a token brings along, in itself or in its attributes."""
    try:
        parts = read_token_parts(token)
    except (DerMalformed, ValueError):
        return ValidationMaterial()
    return read_material(parts, parts.signers[0] if parts.signers else None)


def attribute_covers(kind: str, value: bytes) -> set[str]:
    """What is proved of one value of an attribute."""
    if kind in TOKENS or kind == CONTENT_TIMESTAMP:
        return set(tokens_cover([value]))
    return material_covers(attribute_material(kind, value)) | {object_identity(value)}


def tokens_cover(tokens: Iterable[bytes]) -> frozenset[str]:
    """Tokens, with the certificates and evidence inside of them."""
    covered: set[str] = set()
    for token in tokens:
        covered.add(object_identity(token))
        try:
            parts = read_token_parts(token)
        except (DerMalformed, ValueError):
            continue
        covered.update(map(object_identity, certificates_of(parts)))
        for choice in parts.crls:
            covered |= material_covers(choice_material(choice))
        for signer in parts.signers:
            covered.add(object_identity(signer.signature))
            for attribute in signer.unsigned:
                for value in attribute.values:
                    covered |= material_covers(attribute_material(attribute.kind, value))
    return frozenset(covered)


def cms_covers(raw: bytes) -> frozenset[str]:
    """What is proved of a whole CMS that something covers: everything in it."""
    parts = find_parts(raw)
    if parts is None:
        return frozenset()
    covered = set(map(object_identity, certificates_of(parts)))
    for choice in parts.crls:
        covered |= material_covers(choice_material(choice))
    for signer in parts.signers:
        covered.add(object_identity(signer.signature))
        for attribute in (*signer.signed, *signer.unsigned):
            for value in attribute.values:
                covered |= attribute_covers(attribute.kind, value)
    return frozenset(covered)


def material_covers(material: ValidationMaterial) -> set[str]:
    """What is proved of certificates, answers and lists."""
    return {
        object_identity(one)
        for one in (*material.certificates, *material.ocsp_responses, *material.crls)
    }
