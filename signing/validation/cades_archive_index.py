"""The index of an archive timestamp of version 3: what it lists, and whether it is there.

Source: ETSI EN 319 122-1 §5.5.2 (ats-hash-index-v3, and the two before it).
Not here: what the timestamp is over (`cades_timestamps.py`).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from signing.formats.der import OCTET_STRING, DerMalformed, oid, read_one
from signing.validation.cades_attributes import choice_material
from signing.validation.cades_proofs import attribute_covers, material_covers
from signing.validation.cms_algorithms import hash_name
from signing.validation.content import digest_octets
from signing.validation.found import object_identity
from signing.validation.signed_parts import Attribute, SignedParts, Signer, sequence
from signing.validation.timestamp_info import read_token_parts
from signing.validation.verdict import Reason, because

_INDEXES: Final = ("0.4.0.19122.1.5", "0.4.0.19122.1.4", "0.4.0.1733.2.5")
_MOST_ENTRIES: Final = 4_096


@dataclass(frozen=True, slots=True)
class Index:
    """An ATSHashIndex: `der`, and the digests in its three lists."""

    der: bytes
    hash_name: str
    certificates: frozenset[bytes]
    revocation: frozenset[bytes]
    attributes: frozenset[bytes]


def compare_index(
    parts: SignedParts, signer: Signer, index: Index
) -> tuple[frozenset[str], tuple[Reason, ...]]:
    """What is in the index and here, by its identity; and what is in the index and not here."""
    covered: set[str] = set()
    left = set(index.certificates), set(index.revocation), set(index.attributes)
    for one in parts.certificates:
        digest = digest_octets(one, index.hash_name)
        if digest in index.certificates:
            left[0].discard(digest or b"")
            covered.add(object_identity(one))
    for one in parts.crls:
        digest = digest_octets(one, index.hash_name)
        if digest in index.revocation:
            left[1].discard(digest or b"")
            covered |= material_covers(choice_material(one))
    for attribute in signer.unsigned:
        for value, digests in _attribute_digests(attribute, index.hash_name):
            if index.attributes.isdisjoint(digests):
                continue
            left[2].difference_update(digests)
            covered |= attribute_covers(attribute.kind, value)
    names = ("certificates", "revocation", "attributes")
    missing = [name for name, rest in zip(names, left, strict=True) if rest]
    return frozenset(covered), tuple(
        because("archive_index_entry_unknown", among=name) for name in missing
    )


def _attribute_digests(attribute: Attribute, named: str) -> Iterator[tuple[bytes, set[bytes]]]:
    """Each value, with the digests by which versions of the index mean it.

    The first version has the whole attribute, the third its type with one value.
    """
    kind = oid(attribute.kind)
    whole = digest_octets(attribute.whole, named)
    for value in attribute.values:
        digests = (whole, digest_octets(kind + value, named), digest_octets(value, named))
        yield value, {one for one in digests if one is not None}


def read_index(token: bytes) -> Index | None:
    """The index that a token carries in its own unsigned attributes, if it can be read."""
    try:
        signer = read_token_parts(token).signers[0]
        for kind in _INDEXES:
            for value in signer.unsigned_values(kind):
                fields = list(sequence(read_one(value)).children(most=4))
                named = "sha256"  # the default of the first version
                if len(fields) == 4:
                    named = hash_name(bytes(fields.pop(0).whole))
                lists = [_digests(bytes(one.whole)) for one in fields]
                return Index(value, named, lists[0], lists[1], lists[2])
    except (DerMalformed, ValueError, IndexError):
        return None
    return None


def _digests(raw: bytes) -> frozenset[bytes]:
    found = sequence(read_one(raw)).children(most=_MOST_ENTRIES)
    if any(one.tag != OCTET_STRING for one in found):
        raise DerMalformed
    return frozenset(bytes(one.content) for one in found)
