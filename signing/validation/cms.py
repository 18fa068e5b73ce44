"""Signatures in CMS and CAdES, into what the procedure of the standard reads.

What lives here: `read_cms` for a file that is one, and `read_signer` for a CMS that stands in
something else (a PDF, a container).  Whatever comes in, the outcome is what was found.
Source: RFC 5652 §5; RFC 7468 (PEM); RFC 3161 §2.4.2; ETSI EN 319 122-1; ETSI TS 101 733 (what
older files bear).
Not here: judging; walls: what is read is taken apart in this process by a reader of few steps that
hands out slices.
"""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Sequence
from dataclasses import replace
from itertools import islice
from typing import Final

from keystore.pki.der import SEQUENCE
from signing.formats.der import DerMalformed, oid, read_one
from signing.formats.signed_data import MESSAGE_DIGEST, SIGNED_DATA, TST_INFO
from signing.isolation.blob import Blob
from signing.isolation.task import Isolation
from signing.validation.cades_proofs import token_certificates
from signing.validation.cms_algorithms import hash_name
from signing.validation.cms_signers import Place, read_with_countersignatures, unreadable
from signing.validation.content import Content, DigestsOnly, Octets, Stretch
from signing.validation.detached import Detached
from signing.validation.found import (
    Form,
    FoundDocument,
    FoundSignature,
    FoundTimestamp,
    Packaging,
    TimestampKind,
)
from signing.validation.signed_parts import SignedParts, find_parts, sequence
from signing.validation.timestamp_info import find_info
from signing.validation.verdict import Reason, because

_MOST_SIGNATURES: Final = 256
_LARGEST_COPY: Final = 64 << 20
_LINES: Final = re.compile(rb"-----BEGIN [A-Z0-9 #]{1,40}-----(.*?)-----END", re.DOTALL)
_BASE64: Final = re.compile(rb"[A-Za-z0-9+/=\s]+")
_HEAD: Final = 32
_KIND: Final = oid(SIGNED_DATA)
_MALFORMED: Final = because("cms_malformed")


def read_cms(
    document: Blob, *, detached: Sequence[Detached], isolation: Isolation | None = None
) -> FoundDocument:
    """The signatures of a file that is a CMS, in DER, BER, PEM or base64, or a timestamp.

    Takes   detached: documents that it may be about, when it carries none.
    Raises  nothing.
    """
    del isolation  # see the module's docstring
    raw, parts = _open(document)
    if parts is None:
        return _unreadable(document)
    if parts.content_type == TST_INFO:
        return _timestamp(document.read() if raw is None else raw, detached=detached)
    attached = _attached(document, raw, parts)
    content = attached or _find_detached(parts, detached)
    findings: list[Reason] = []
    if attached is not None and detached:
        findings.append(because("detached_not_used"))
    if not parts.signers:
        findings.append(because("no_signature"))
    at = Place(
        "S-1",
        "",
        Form.CADES,
        Packaging.DETACHED if attached is None else Packaging.ENVELOPING,
        "",
        content,
    )
    signatures = _signatures(parts, at=at, pattern="S-{}")
    has_more = parts.has_more_signers or len(signatures) == _MOST_SIGNATURES
    return FoundDocument(
        "cms",
        signatures,
        malformed=(because("too_many_signatures"),) if has_more else (),
        findings=tuple(findings),
    )


def read_signer(
    raw_cms: bytes | memoryview,
    *,
    identity: str,
    place: str,
    content: Content | None,
    form: Form = Form.CADES,
    packaging: Packaging = Packaging.DETACHED,
    name: str = "",
) -> tuple[FoundSignature, ...]:
    """The signatures of one CMS, those that countersign behind the one that they are about.

    Takes   raw_cms: ContentInfo in DER or BER; zeros behind it are passed over;
            identity: of the first signature; further ones are named after it (`S-1-2`),
            countersignatures too (`S-1-C1`); content: what is signed, for a detached one; None
            when it is not there, or is inside; form: `CADES` becomes `CMS` where nothing names the
            certificate; name: of the signed object, for people.
    Returns one at least: a CMS that cannot be read is one that is `malformed`.
    Raises  nothing.
    """
    at = Place(identity, place, form, packaging, name, content)
    parts = find_parts(raw_cms)
    if parts is None:
        return (unreadable(at, _MALFORMED),)
    if not parts.signers:
        return (unreadable(at, because("no_signer")),)
    if parts.content is not None and content is None:
        at = replace(at, packaging=Packaging.ENVELOPING, content=Octets(parts.content))
    return _signatures(parts, at=at, pattern=f"{identity}-{{}}")


def encapsulated_content(raw_cms: bytes | memoryview) -> bytes | None:
    """What a CMS carries inside; None when it is detached or cannot be read."""
    parts = find_parts(raw_cms)
    return None if parts is None else parts.content


def _unreadable(document: Blob) -> FoundDocument:
    """A file that is no signature at all, or one that is damaged."""
    with document.view() as view:
        head = _decoded(bytes(view[:_LARGEST_COPY]))[:_HEAD]
    if head[:1] == b"\x30" and _KIND not in head:
        return FoundDocument("unknown", findings=(because("no_signature"),))
    return FoundDocument("cms", malformed=(_MALFORMED,))


def _signatures(parts: SignedParts, *, at: Place, pattern: str) -> tuple[FoundSignature, ...]:
    found: list[FoundSignature] = []
    for number, signer in enumerate(parts.signers, start=1):
        own = at if number == 1 else replace(at, identity=pattern.format(number))
        read = read_with_countersignatures(parts, signer, at=own)
        found += islice(read, _MOST_SIGNATURES - len(found))
    return tuple(found)


def _open(document: Blob) -> tuple[bytes | None, SignedParts | None]:
    """The octets, where they had to be copied, and the parts; content stays in a large file."""
    with document.view() as view:
        if len(view) > _LARGEST_COPY:
            return None, find_parts(view, leaves_content=True)
        raw = _without_answer(_decoded(bytes(view)))
    return raw, find_parts(raw)


def _attached(document: Blob, raw: bytes | None, parts: SignedParts) -> Content | None:
    if parts.content is not None:
        return Octets(parts.content)
    if parts.content_size is None or raw is not None:
        return None
    return Stretch(document, start=parts.content_start, size=parts.content_size)


def _decoded(raw: bytes) -> bytes:
    """The octets behind PEM or base64, if it is one of these."""
    if raw[:1] == b"\x30":
        return raw
    lines = _LINES.search(raw)
    text = lines[1] if lines is not None else raw
    if _BASE64.fullmatch(text) is None:
        return raw
    try:
        return base64.b64decode(b"".join(text.split()), validate=True)
    except (binascii.Error, ValueError):
        return raw


def _without_answer(raw: bytes) -> bytes:
    """The token in what a timestamp authority answered, if it is such an answer."""
    try:
        status, token = sequence(read_one(raw)).children(most=2)
    except (DerMalformed, ValueError):
        return raw
    return bytes(token.whole) if status.tag == token.tag == SEQUENCE else raw


def _find_detached(parts: SignedParts, detached: Sequence[Detached]) -> Content | None:
    """The document that is meant: the only one, or the one that has the digest."""
    contents = [content_of(one) for one in detached]
    if len(contents) <= 1:
        return contents[0] if contents else None
    for signer in parts.signers:
        for value in signer.signed_values(MESSAGE_DIGEST):
            named = hash_name(signer.digest_algorithm)
            for one in contents:
                digest = one.digest(named)
                if digest is not None and value.endswith(digest):
                    return one
    return None


def content_of(document: Detached) -> Content:
    """A document beside its signature, as readers take it."""
    if document.content is None:
        return DigestsOnly(document.digests)
    return Stretch(document.content)


def _timestamp(token: bytes, *, detached: Sequence[Detached]) -> FoundDocument:
    """A file that is a timestamp and nothing else."""
    info = find_info(token)
    contents = [content_of(one) for one in detached]
    meant = next(
        (
            one
            for one in contents
            if info is not None and one.digest(info.hash_name) == info.imprint
        ),
        contents[0] if contents else None,
    )
    found = FoundTimestamp(
        "T-1",
        TimestampKind.DOCUMENT,
        token,
        lambda named: None if meant is None else meant.digest(named),
        certificates=token_certificates(token),
    )
    return FoundDocument("timestamp", timestamps=(found,))
