"""CAdES and timestamps in a container, and the manifests between them and the documents.

What lives here: `read_cades`, `read_timestamps`: which file each of them is about, by the standard
and by what the manifests say.  An archive timestamp counts for every signature whose file its
manifest lists.
Source: ETSI EN 319 162-1 §4.3.3 (ASiC-S), §4.4.4 (ASiC-E with CAdES), §4.4.5 and annex A.7
(ASiCArchiveManifest).
Not here: XAdES, opening the container (`asic.py`).
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Final

from signing.formats.der import DerMalformed, read_one
from signing.formats.signed_data import MESSAGE_DIGEST
from signing.validation.asic_manifests import Manifest
from signing.validation.cades_proofs import cms_covers, token_certificates
from signing.validation.cms import read_signer
from signing.validation.cms_algorithms import hash_name
from signing.validation.content import Content, Stretch
from signing.validation.found import (
    FoundSignature,
    FoundTimestamp,
    ObjectKind,
    SignedObject,
    TimestampKind,
)
from signing.validation.signed_parts import find_parts
from signing.validation.timestamp_info import find_info
from signing.validation.verdict import Reason, because
from signing.validation.zip_container import Member

SIGNATURE: Final = re.compile(r"META-INF/(?i:[^/]*signature[^/]*\.p7[sm])")
TIMESTAMP: Final = re.compile(r"META-INF/(?i:[^/]*timestamp[^/]*\.tst)")
MANIFEST: Final = re.compile(r"META-INF/ASiCManifest[^/]*\.xml")
ARCHIVE_MANIFEST: Final = re.compile(r"META-INF/ASiCArchiveManifest[^/]*\.xml")
_LARGEST: Final = 32 << 20


@dataclass(frozen=True, slots=True)
class Files:
    """What a container consists of.

    Takes   documents: names of the files that somebody wanted to sign; manifests: by their names,
            those of archive timestamps too; is_simple: the container is an ASiC-S, and
            is_said_so: by its own word;
            covered: what each file is proof for, as manifests list the same files again and again.
    """

    members: Mapping[str, Member] = field(repr=False)
    documents: Sequence[str]
    manifests: Mapping[str, Manifest] = field(repr=False)
    is_simple: bool
    is_said_so: bool = False
    covered: dict[str, set[str]] = field(default_factory=dict, repr=False)

    def about(self, name: str) -> Manifest | None:
        """The manifest that says to be signed by a file; the first where several say so."""
        return next((one for one in self.manifests.values() if one.signed_by == name), None)


def read_cades(files: Files, name: str, *, first: int) -> tuple[FoundSignature, ...]:
    """The signatures of one file, each with the objects that it stands for.

    Takes   first: number of the first identity (`S-1`).
    """
    raw = _read(files, name)
    manifest = files.about(name)
    content, signed_name = _signed_by(files, raw, manifest)
    found = read_signer(
        raw, identity=f"S-{first}", place=name, content=content, name=signed_name or ""
    )
    if manifest is None:
        return found
    objects = tuple(one.compare(files.members) for one in manifest.entries)
    return tuple(_over_manifest(one, objects) for one in found)


def read_timestamps(
    files: Files, signatures: Sequence[FoundSignature]
) -> tuple[tuple[FoundSignature, ...], tuple[FoundTimestamp, ...], tuple[SignedObject, ...]]:
    """Timestamps that stand in files of their own.

    Returns the signatures, with those that archive them; the timestamps that are about no
    signature; the documents that these are about.
    """
    names = [one for one in files.members if TIMESTAMP.fullmatch(one)]
    names += [
        one.signed_by
        for one in files.manifests.values()
        if one.signed_by is not None
        and one.signed_by.endswith(".tst")
        and one.signed_by not in names
    ]
    found = sorted(((_said_time(files, one), one) for one in names), key=lambda one: one[0])
    alone: list[FoundTimestamp] = []
    objects: list[SignedObject] = []
    kept = list(signatures)
    for number, (_, name) in enumerate(found, start=1):
        manifest = files.about(name)
        token = _read(files, name)
        stamp, about = _timestamp(files, token, manifest, identity=f"T-{number}")
        listed = {one.name for one in manifest.entries} if manifest is not None else set()
        archived = [place for place, one in enumerate(kept) if one.place in listed]
        for place in archived:
            own = replace(stamp, kind=TimestampKind.ARCHIVE)
            kept[place] = replace(kept[place], timestamps=(*kept[place].timestamps, own))
        if not archived:
            alone.append(stamp)
            objects += about
    return tuple(kept), tuple(alone), tuple(dict.fromkeys(objects))


def _timestamp(
    files: Files, token: bytes, manifest: Manifest | None, *, identity: str
) -> tuple[FoundTimestamp, list[SignedObject]]:
    """A token: over a manifest, or over the document of an ASiC-S."""
    content: Content | None
    info = find_info(token)
    findings: list[Reason] = []
    covers: set[str] = set()
    objects: list[SignedObject] = []
    if manifest is not None:
        content = manifest.content
        for entry in manifest.entries:
            compared = entry.compare(files.members)
            objects.append(compared)
            if compared.is_intact and entry.name is not None:
                covers |= covered_by_file(files, entry.name)
            else:
                code = "signed_object_changed" if compared.is_found else "signed_object_missing"
                findings.append(because(code, name=compared.name))
    else:
        content, name = _only_document(files)
        if content is not None and name is not None and info is not None:
            actual = content.digest(info.hash_name)
            objects.append(
                SignedObject(name, ObjectKind.DOCUMENT, info.hash_name, info.imprint, actual)
            )
            covers |= covered_by_file(files, name)
        elif content is None:
            findings.append(because("container_documents"))
    stamp = FoundTimestamp(
        identity,
        TimestampKind.CONTAINER,
        token,
        lambda named: None if content is None else content.digest(named),
        frozenset(covers),
        token_certificates(token),
        tuple(findings),
        frozenset(one.hash_name for one in manifest.entries) if manifest else frozenset(),
    )
    return stamp, objects


def covered_by_file(files: Files, name: str) -> set[str]:
    """What a file is proof for: itself, and what is inside where it is a signature or token."""
    if name not in files.covered:
        content = files.members[name].content
        digest = None if content is None else content.digest("sha256")
        covered = set() if digest is None else {digest.hex()}
        if SIGNATURE.fullmatch(name) or name.endswith(".tst"):
            covered |= cms_covers(_read(files, name))
        files.covered[name] = covered
    return files.covered[name]


def _signed_by(
    files: Files, raw: bytes, manifest: Manifest | None
) -> tuple[Content | None, str | None]:
    """What a signature is over, and its name.

    In an ASiC-E it is the manifest, in an ASiC-S the only document.  Where there are more
    documents than there may be, the one that the signature means is looked for, so that its value
    can be judged all the same.
    """
    if manifest is not None:
        return manifest.content, manifest.name
    if not files.is_simple:
        return None, None
    content, name = _only_document(files)
    if content is not None or not files.documents:
        return content, name
    parts = find_parts(raw)
    for signer in parts.signers if parts is not None else ():
        expected = _digest_in(signer.signed_values(MESSAGE_DIGEST))
        named = hash_name(signer.digest_algorithm)
        for each in files.documents:
            document = files.members[each].content
            if document is not None and expected and document.digest(named) == expected:
                return document, each
    return None, None


def _only_document(files: Files) -> tuple[Stretch | None, str | None]:
    if len(files.documents) != 1:
        return None, None
    return files.members[files.documents[0]].content, files.documents[0]


def _over_manifest(signature: FoundSignature, objects: tuple[SignedObject, ...]) -> FoundSignature:
    if signature.parent:
        return signature
    own = tuple(replace(one, kind=ObjectKind.MANIFEST) for one in signature.objects)
    return replace(signature, objects=(*own, *objects))


def _read(files: Files, name: str) -> bytes:
    """A signature or token; nothing for one that is not there, or larger than any is."""
    member = files.members.get(name)
    if member is None or member.content is None or member.content.size > _LARGEST:
        return b""
    return member.content.read()


def _digest_in(values: Sequence[bytes]) -> bytes:
    try:
        return bytes(read_one(values[0]).content) if values else b""
    except DerMalformed:
        return b""


def _said_time(files: Files, name: str) -> float:
    info = find_info(_read(files, name))
    return float("inf") if info is None else info.generated_at.timestamp()
