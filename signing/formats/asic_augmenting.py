"""The signatures of a container, taken to a higher level.

What lives here: having a container taken apart behind the walls, raising each signature in it, and
putting it together again with everything else as it was.  Whoever took it apart is not believed:
each document has to be what a signature in the container is about, by digests computed here.
Source: ETSI EN 319 162-1 §4.3.3.2, §4.4.3.1, §4.4.3.2.
Not here: raising one signature (`cades.py`, `xades_augment.py`).
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import os
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from signing.errors import DocumentRefused, ParsingFailed
from signing.formats.algorithms import hash_name_of
from signing.formats.asic_container import (
    ASIC_E,
    ASIC_S,
    META_INF,
    MOST_FILES,
    ContainerFile,
    check_names,
    write_container,
)
from signing.formats.asic_manifest import HASH_URIS
from signing.formats.cades import Sources, augment_cades
from signing.formats.der import DerMalformed, read_one
from signing.formats.material import Level
from signing.formats.signed_data import MESSAGE_DIGEST, read_signed_data
from signing.formats.xades_augment import augment_xades
from signing.isolation.blob import Blob
from signing.isolation.task import Isolation
from signing.messages.asic_members import UNPACK_ASIC, MembersAsked

MAX_BYTES: Final = 1 << 30
"""Of everything in a container, unpacked."""
_MOST_MEMBERS: Final = MOST_FILES + 2_000
_MOST_META_BYTES: Final = 8 << 20
_CHUNK: Final = 1 << 20
_TYPE: Final = "mimetype"
_ARCHIVES: Final = ("ASiCArchiveManifest", "ASiCEvidenceRecordManifest", "evidencerecord")
_SIGNATURE: Final = re.compile(r"META-INF/[^/]*signature[^/]*\.p7s", re.ASCII)
_XADES: Final = re.compile(r"META-INF/[^/]*signatures[^/]*\.xml", re.ASCII)
_MANIFEST: Final = re.compile(r"META-INF/ASiCManifest[^/]*\.xml", re.ASCII)


@dataclass(frozen=True, slots=True)
class Part:
    """A stretch of a blob; the blob stays somebody else's."""

    blob: Blob
    start: int
    size: int

    def chunks(self) -> Iterator[bytes]:
        """All of it in pieces."""
        at, end = self.start, self.start + self.size
        while at < end and (chunk := os.pread(self.blob.fd, min(_CHUNK, end - at), at)):
            at += len(chunk)
            yield chunk

    def read(self) -> bytes:
        """All of it, where it is not larger than a signature or manifest."""
        if self.size > _MOST_META_BYTES:
            raise DocumentRefused("too_large")
        return b"".join(self.chunks())

    def digest(self, hash_name: str) -> bytes:
        """Its hash, by the name of `hashlib`."""
        hashed = hashlib.new(hash_name)
        for chunk in self.chunks():
            hashed.update(chunk)
        return hashed.digest()


def augment_asic(
    container: Blob, *, level: Level, now: datetime, sources: Sources, isolation: Isolation
) -> Blob:
    """A container whose signatures are at a higher level.

    1. The process behind the walls takes it apart.
    2. It is an ASiC with signatures and nothing that would have to be kept in step.
    3. Each signature is about a file in it, and each document stands in what is signed.
    4. Each signature is raised; everything else is put in as it was.

    Returns a blob that the caller closes.
    Raises  DocumentRefused (not_asic, no_signature, already_archived, not_covered, too_large, …);
            ParsingFailed; what `augment_cades` and `augment_xades` raise.
    """
    # 1
    found, output = isolation.run(
        UNPACK_ASIC,
        MembersAsked(most_members=_MOST_MEMBERS, most_bytes=MAX_BYTES),
        inputs=[container],
    )
    with output:
        parts: dict[str, Part] = {}
        at = 0
        for one in found.members:
            parts[one.name] = Part(output, at, one.size)
            at += one.size
        if at != output.size or len(parts) != len(found.members):
            raise ParsingFailed("contradiction")
        # 2
        mime_type = _check_kind(parts)
        # 3
        _check_coverage(parts)
        # 4
        return write_container(
            mime_type,
            [
                ContainerFile(
                    name,
                    _raise(name, part, level=level, now=now, sources=sources, isolation=isolation)
                    if _is_signature(name)
                    else part,
                )
                for name, part in parts.items()
                if name != _TYPE
            ],
        )


def _raise(
    name: str,
    part: Part,
    *,
    level: Level,
    now: datetime,
    sources: Sources,
    isolation: Isolation,
) -> bytes:
    with Blob.of(part.read()) as raw:
        if _SIGNATURE.fullmatch(name):
            made = augment_cades(raw, level=level, now=now, sources=sources)
        else:
            made = augment_xades(raw, level=level, now=now, sources=sources, isolation=isolation)
        with made:
            return made.read()


def _is_signature(name: str) -> bool:
    return bool(_SIGNATURE.fullmatch(name) or _XADES.fullmatch(name))


def _check_kind(parts: Mapping[str, Part]) -> str:
    """The type of the container, when it is one that can be put together again."""
    if _TYPE not in parts or parts[_TYPE].size > len(ASIC_S):
        raise DocumentRefused("not_asic")
    mime_type = parts[_TYPE].read().decode("ascii", "replace")
    if mime_type not in {ASIC_S, ASIC_E}:
        raise DocumentRefused("not_asic")
    check_names(_documents(parts))
    inside = [name.removeprefix(META_INF) for name in parts if name.startswith(META_INF)]
    if any("/" in name or not name.isascii() for name in inside):
        raise DocumentRefused("not_asic")
    if any(name.startswith(_ARCHIVES) for name in inside):
        raise DocumentRefused("already_archived")
    if not any(map(_is_signature, parts)):
        raise DocumentRefused("no_signature")
    return mime_type


def _check_coverage(parts: Mapping[str, Part]) -> None:
    """Every document is signed: itself, in a manifest that is, or as a reference in XAdES."""
    documents = _documents(parts)
    manifests = [name for name in parts if _MANIFEST.fullmatch(name)]
    covered: set[str] = set()
    for name in filter(_SIGNATURE.fullmatch, parts):
        signed = _signed_file(parts[name], among=[*manifests, *documents], parts=parts)
        if signed in documents:
            covered.add(signed)
            continue
        manifest = parts[signed].read()
        covered.update(one for one in documents if _stands_in(manifest, parts[one]))
    for name in filter(_XADES.fullmatch, parts):
        references = parts[name].read()
        covered.update(one for one in documents if _stands_in(references, parts[one]))
    if covered != set(documents):
        raise DocumentRefused("not_covered")


def _signed_file(signature: Part, *, among: Sequence[str], parts: Mapping[str, Part]) -> str:
    """The name of the file whose digest is signed.

    Raises  DocumentRefused (not_cms, several_signatures, not_covered).
    """
    try:
        signers = read_signed_data(signature.read()).signers
        if len(signers) != 1:
            raise DocumentRefused("several_signatures")
        (digest,) = signers[0].signed_values(MESSAGE_DIGEST) or (b"\x04\x00",)
        expected = bytes(read_one(digest).content)
    except (DerMalformed, ValueError) as malformed:
        raise DocumentRefused("not_cms") from malformed
    hash_name = hash_name_of(signers[0].digest_algorithm)
    if hash_name is not None:
        for name in among:
            if hmac.compare_digest(parts[name].digest(hash_name), expected):
                return name
    raise DocumentRefused("not_covered")


def _stands_in(manifest: bytes, document: Part) -> bool:
    """Whether it has the digest of a document, by a hash that it names."""
    return any(
        base64.b64encode(document.digest(hash_name)) in manifest
        for hash_name, uri in HASH_URIS.items()
        if uri.encode("ascii") in manifest
    )


def _documents(parts: Mapping[str, Part]) -> list[str]:
    return [name for name in parts if name != _TYPE and not name.startswith(META_INF)]
