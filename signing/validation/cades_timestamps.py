"""What the timestamps of a CAdES signature have to be over.

What lives here: the imprints of all kinds of timestamps that signatures in CMS bear, computed over
what was written, and what each of them proves to have existed.
Source: ETSI EN 319 122-1 §5.2.8 (content), §5.3 (signature), §5.5.2 and §5.5.3 (index, archive v3);
ETSI TS 101 733 V1.7.4 and V1.8.3 §6.3.5, §6.3.6 (references), §6.4.1 (archive, as v1 and v2).
Not here: judging tokens.  NOTE: of archive timestamps of version 2 makers read the standard in
several ways, each of which is over everything; the one that the token agrees with is taken.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Final

from signing.formats.der import SET, header, oid, read_one
from signing.formats.signed_data import SIGNATURE_TIMESTAMP
from signing.validation.cades_archive_index import compare_index, read_index
from signing.validation.cades_attributes import (
    choice_material,
)
from signing.validation.cades_proofs import (
    ARCHIVE_V1,
    ARCHIVE_V2,
    ARCHIVE_V3,
    C_TIMESTAMP,
    CONTENT_TIMESTAMP,
    REFERENCES_TIMESTAMP,
    TOKENS,
    attribute_covers,
    material_covers,
    token_certificates,
    tokens_cover,
)
from signing.validation.content import Content, Octets, digest_octets, new_hash
from signing.validation.found import FoundTimestamp, TimestampKind, object_identity
from signing.validation.signed_parts import Attribute, SignedParts, Signer
from signing.validation.timestamp_info import find_info
from signing.validation.verdict import Reason, because

_P9: Final = "1.2.840.113549.1.9.16.2."
_CERTIFICATE_REFERENCES: Final = f"{_P9}21"
_REVOCATION_REFERENCES: Final = f"{_P9}22"
_ARCHIVES: Final = frozenset({ARCHIVE_V1, ARCHIVE_V2, ARCHIVE_V3})
_NEVER: Final = datetime.max.replace(tzinfo=UTC)
MOST_TIMESTAMPS: Final = 48
"""Of one signature: each is taken apart, and looked for in each that came later."""

DigestOf = Callable[[str], bytes | None]


@dataclass(frozen=True, slots=True)
class Stamped:
    """A signature as its timestamps see it.

    Takes   values: its value as it stands in the file, and as DER; starts: hashes that were fed
            with the content already, which archive timestamps of one signature share.
    """

    parts: SignedParts
    signer: Signer
    content: Content | None
    values: tuple[bytes, ...] = field(repr=False)
    starts: dict[tuple[bytes, str], hashlib._Hash | None] = field(default_factory=dict, repr=False)

    def start(self, head: bytes, named: str) -> hashlib._Hash | None:
        """A hash that was fed with `head` and the content; None when there are only digests.

        Where `head` is what was written around the content and the content in it, it is all.
        """
        key = head, named
        if key not in self.starts:
            hashed = new_hash(named)
            written = self.parts.written
            is_all = written is not None and head == written[0] and self.parts.content is not None
            content = Octets(b"") if is_all else self.content
            chunks = None if content is None else content.chunks()
            if hashed is None or chunks is None:
                self.starts[key] = None
            else:
                hashed.update(head)
                for chunk in chunks:
                    hashed.update(chunk)
                self.starts[key] = hashed
        found = self.starts[key]
        return None if found is None else found.copy()


def read_timestamps(stamped: Stamped, *, identity: str) -> tuple[FoundTimestamp, ...]:
    """All timestamps of a signature, in the order of the times that they say.

    Takes   identity: of the signature; timestamps are named after it (`S-1-T1`).
    """
    signer = stamped.signer
    found = [(CONTENT_TIMESTAMP, token) for token in signer.signed_values(CONTENT_TIMESTAMP)]
    found += [
        (one.kind, token) for one in signer.unsigned for token in one.values if one.kind in TOKENS
    ]
    found.sort(key=lambda one: _said_time(one[1]))
    del found[MOST_TIMESTAMPS:]
    return tuple(
        _found(stamped, kind, token, identity=f"{identity}-T{number}")
        for number, (kind, token) in enumerate(found, start=1)
    )


def _found(stamped: Stamped, kind: str, token: bytes, *, identity: str) -> FoundTimestamp:
    content, signer = stamped.content, stamped.signer
    findings: tuple[Reason, ...] = ()
    digest_of: DigestOf
    covers = frozenset(map(object_identity, stamped.values))
    if kind == CONTENT_TIMESTAMP:
        digest_of, covers = _of_content(content), frozenset()
    elif kind == SIGNATURE_TIMESTAMP:
        digest_of = _of_octets(signer.signature)
    elif kind == C_TIMESTAMP:
        whole = _stamped_references(signer, is_whole=True)
        digest_of = _of_readings(token, *((signer.signature, *one) for one in whole))
        # only what is hashed: of several attributes of a kind that is the first
        stamps = next((one for one in signer.unsigned if one.kind == SIGNATURE_TIMESTAMP), None)
        covers |= tokens_cover(() if stamps is None else stamps.values)
    elif kind == REFERENCES_TIMESTAMP:
        references = _stamped_references(signer, is_whole=False)
        digest_of, covers = _of_readings(token, *references), frozenset()
    elif kind == ARCHIVE_V3:
        return _found_v3(stamped, token, identity=identity)
    else:
        digest_of = _of_archive(stamped, kind, token)
        covers |= _covered_by_archive(stamped, token)
    return FoundTimestamp(
        identity, _kind(kind), token, digest_of, covers, token_certificates(token), findings
    )


def _kind(kind: str) -> TimestampKind:
    return TOKENS.get(kind, TimestampKind.CONTENT)


# References (TS 101 733 §6.3.5, §6.3.6): type and values of the attributes, without what is around


def _stamped_references(signer: Signer, *, is_whole: bool) -> tuple[tuple[bytes, ...], ...]:
    """In the order of the text, and in that in which they stand, as some makers have it."""
    stamps = (SIGNATURE_TIMESTAMP,) if is_whole else ()
    kinds = (*stamps, _CERTIFICATE_REFERENCES, _REVOCATION_REFERENCES)
    first: dict[str, Attribute] = {}
    for one in signer.unsigned:
        if one.kind in kinds:
            first.setdefault(one.kind, one)
    written = list(first.values())
    ordered = sorted(written, key=lambda one: kinds.index(one.kind))
    return tuple(
        tuple(octets for one in each for octets in (oid(one.kind), one.set_of))
        for each in (ordered, written)
    )


def _of_readings(token: bytes, *readings: tuple[bytes, ...]) -> DigestOf:
    """The reading that the token agrees with, else the first."""
    info = find_info(token)

    def digest_of(named: str) -> bytes | None:
        digests = [digest_octets(b"".join(one), named) for one in readings]
        agreed = (one for one in digests if info is not None and one == info.imprint)
        return next(agreed, digests[0])

    return digest_of


# Archive timestamps of version 3 (EN 319 122-1 §5.5.2, §5.5.3)


def _found_v3(stamped: Stamped, token: bytes, *, identity: str) -> FoundTimestamp:
    """An archive timestamp with its index.

    1. The index that the token carries, in its own unsigned attributes.
    2. The imprint: type of the content, its digest, the signature, the index.
    3. What is in the index and here is proved; what is in the index and not here is named.
    """
    parts, signer = stamped.parts, stamped.signer
    certificates = token_certificates(token)
    # 1
    index = read_index(token)
    if index is None:
        return FoundTimestamp(
            identity,
            TimestampKind.ARCHIVE,
            token,
            lambda _: None,
            certificates=certificates,
            findings=(because("archive_index_missing"),),
        )

    # 2
    def digest_of(named: str) -> bytes | None:
        content = None if stamped.content is None else stamped.content.digest(named)
        if content is None:
            return None
        signed = signer.signed_octets
        return digest_octets(
            b"".join(
                (
                    parts.content_type_element,
                    content,
                    signer.version,
                    signer.sid,
                    signer.digest_algorithm,
                    b"" if signed is None else b"\xa0" + signed[1:],
                    signer.signature_algorithm,
                    signer.signature_element,
                    index.der,
                )
            ),
            named,
        )

    # 3
    covers, findings = compare_index(parts, signer, index)
    return FoundTimestamp(
        identity,
        TimestampKind.ARCHIVE,
        token,
        digest_of,
        covers | frozenset(map(object_identity, stamped.values)),
        certificates,
        findings,
        frozenset({index.hash_name}),
    )


# Archive timestamps of versions 1 and 2 (TS 101 733 §6.4.1)


def _of_archive(stamped: Stamped, kind: str, token: bytes) -> DigestOf:
    """Everything before the token, in the reading that the token agrees with."""
    info = find_info(token)

    def digest_of(named: str) -> bytes | None:
        first: bytes | None = None
        for head, *behind in _readings(stamped, kind, token):
            hashed = stamped.start(head, named)
            if hashed is None:
                return None
            for one in behind:
                hashed.update(one)
            digest = hashed.digest()
            first = first or digest
            if info is not None and digest == info.imprint:
                return digest
        return first

    return digest_of


def _readings(stamped: Stamped, kind: str, token: bytes) -> Iterator[tuple[bytes, ...]]:
    """What stands before the content and what behind it, the plainest reading first.

    Readings differ in whether the attributes stand in their tag, whether what is around the
    content and the certificates belongs to it, and in open lengths that were written so.
    """
    parts, signer = stamped.parts, stamped.signer
    signed = signer.signed_octets
    fixed = (
        signer.version,
        signer.sid,
        signer.digest_algorithm,
        *(() if signed is None else (b"\xa0" + signed[1:],)),
        signer.signature_algorithm,
        signer.signature_element,
    )
    plain = tuple(one.whole for one in _earlier(signer, token))
    size = sum(map(len, plain))
    whole = (parts.certificates_element, parts.crls_element)
    around = [(parts.encapsulated_head, whole)]
    if kind == ARCHIVE_V1:
        around.append((b"", whole))
    around += [(head, (_without_head(whole[0]), _without_head(whole[1]))) for head, _ in around]
    if parts.written is not None:
        around.append((parts.written[0], parts.written[1:]))
    for head, sets in around:
        for tag in ((header(0xA1, size),), (header(SET, size),), ()):
            yield (head, *sets, *fixed, *tag, *plain)


def _earlier(signer: Signer, token: bytes) -> list[Attribute]:
    """The unsigned attributes without this token, and without archives that came after it."""
    own = _said_time(token)
    found: list[Attribute] = []
    for one in signer.unsigned:
        is_archive = one.kind in _ARCHIVES
        if not is_archive or all(_said_time(each) < own for each in one.values):
            found.append(one)
    return found


def _covered_by_archive(stamped: Stamped, token: bytes) -> frozenset[str]:
    parts = stamped.parts
    covered = set(map(object_identity, parts.certificates))
    for choice in parts.crls:
        covered |= material_covers(choice_material(choice))
    for attribute in _earlier(stamped.signer, token):
        for value in attribute.values:
            covered |= attribute_covers(attribute.kind, value)
    return frozenset(covered)


def _without_head(raw: bytes) -> bytes:
    return bytes(read_one(raw).content) if raw else b""


def _of_content(content: Content | None) -> DigestOf:
    return lambda named: None if content is None else content.digest(named)


def _of_octets(*octets: bytes) -> DigestOf:
    return lambda named: digest_octets(b"".join(octets), named)


def _said_time(token: bytes) -> datetime:
    info = find_info(token)
    return _NEVER if info is None else info.generated_at
