"""Containers of documents and signatures, into what the procedure of the standard reads.

What lives here: `read_container`: ASiC-S and ASiC-E with XAdES, with CAdES, with timestamps or
evidence records alone, and packages of OpenDocument.  Whatever comes in, the outcome is what was
found.
Source: ETSI EN 319 162-1 §4 and annex A.1; OpenDocument 1.2 part 3 §5 (signatures of packages);
ECMA-376 part 2 §13 (packages of office programs, whose signatures are named and not read).
Not here: opening the ZIP (`zip_container.py`), evidence records (`asic_evidence.py`).
"""

from __future__ import annotations

import os
import re
import weakref
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from typing import Final

from signing.errors import DocumentRefused, ParsingFailed
from signing.formats.asic_container import ASIC_E, ASIC_S
from signing.isolation.blob import Blob
from signing.isolation.task import Isolation
from signing.validation.asic_cades import (
    ARCHIVE_MANIFEST,
    MANIFEST,
    SIGNATURE,
    TIMESTAMP,
    Files,
    read_cades,
    read_timestamps,
)
from signing.validation.asic_evidence import EVIDENCE_MANIFEST, EVIDENCE_RECORD, read_evidence
from signing.validation.asic_manifests import read_manifests
from signing.validation.content import Stretch
from signing.validation.detached import Detached
from signing.validation.found import FoundDocument, FoundSignature, SignedObject
from signing.validation.verdict import Reason, because
from signing.validation.xml import read_signatures_file
from signing.validation.zip_container import Container, file_names, open_container

_XADES: Final = re.compile(r"META-INF/(?i:(?:.*/)?[^/]*signatures[^/]*\.xml)")
_EVIDENCE: Final = re.compile(r"META-INF/(?i:[^/]*evidencerecord[^/]*\.(?:xml|ers))")
_KNOWN: Final = re.compile(r"META-INF/(?i:manifest\.xml|ASiCEvidenceRecordManifest[^/]*\.xml)")
_OFFICE: Final = "[Content_Types].xml"
_OFFICE_SIGNATURE: Final = re.compile(r"_xmlsignatures/[^/]+\.xml")
_TYPES: Final = {ASIC_S: "asic-s", ASIC_E: "asic-e"}
_LONGEST_TYPE: Final = 128
_MOST_FILES_OF_SIGNATURES: Final = 256
_MOST_SIGNATURES: Final = 256
_COMMENT: Final = "mimetype="


def read_container(document: Blob, *, isolation: Isolation) -> FoundDocument:
    """The signatures and timestamps of a container.

    1. It is opened, and what is wrong with it named.
    2. What kind it is, by its type or else by what is in it.
    3. Manifests, signatures in CAdES, signatures in XAdES, timestamps.
    4. Rules of the kind: which documents there may be, and whether each is signed.

    Raises  nothing.
    """
    try:
        # 1
        container = open_container(document, isolation=isolation)
        if container.refusal is not None:
            return FoundDocument("zip", malformed=(container.refusal,), findings=container.problems)
        return _read(container, isolation=isolation)
    except (DocumentRefused, ParsingFailed) as refusal:
        return FoundDocument("zip", malformed=(because(refusal.reason),))


def _read(container: Container, *, isolation: Isolation) -> FoundDocument:
    members = container.members
    documents = file_names(list(members))
    # 2
    kind, findings = _kind(container, documents)
    # 3
    names = [
        name
        for name in members
        if MANIFEST.fullmatch(name)
        or ARCHIVE_MANIFEST.fullmatch(name)
        or EVIDENCE_MANIFEST.fullmatch(name)
    ]
    manifests = read_manifests(members, names=names, isolation=isolation)
    is_simple = kind == "asic-s" or (kind == "zip" and not names)
    is_said_so = kind == "asic-s" and because("mimetype_missing") not in findings
    files = Files(members, documents, manifests, is_simple=is_simple, is_said_so=is_said_so)
    signatures: list[FoundSignature] = []
    for name in _some(members, SIGNATURE):
        signatures += read_cades(files, name, first=len(signatures) + 1)
    xades, of_files = _read_xades(container, len(signatures) + 1, isolation=isolation)
    signatures += xades
    kept, timestamps, objects = read_timestamps(files, signatures[:_MOST_SIGNATURES])
    records = _some(members, EVIDENCE_RECORD)
    evidence = read_evidence(files, records, signatures=kept)
    kept = evidence.signatures
    timestamps += evidence.timestamps
    objects += evidence.objects
    # 4
    findings += of_files
    findings += (
        because("manifest_unreadable", file=one.name, why=one.problem)
        for one in manifests.values()
        if one.problem
    )
    findings += _evidence(members, unread=evidence.unread)
    findings += _strangers(members)
    findings += container.problems
    broken = _rules(kind, documents, container)
    kept = tuple(replace(one, malformed=(*one.malformed, *broken)) for one in kept)
    kept = tuple(_with_coverage(one, container, documents) for one in kept)
    if not kept and not timestamps:
        if any(_OFFICE_SIGNATURE.fullmatch(name) for name in members):
            return FoundDocument("zip", malformed=(because("office_signature_unread"),))
        findings = list(_without_signatures(members, findings))
    else:
        objects_of_all = [one for each in kept for one in each.objects] + list(objects)
        findings += (
            because("document_not_signed", name=name)
            for name in documents
            if not _is_among(objects_of_all, name, container)
        )
    return FoundDocument(kind, kept, timestamps, objects, findings=tuple(findings))


def _without_signatures(members: Iterable[str], findings: Sequence[Reason]) -> Iterator[Reason]:
    """What to say of an archive in which nothing was found: most are no containers at all."""
    names = frozenset(members)
    yield because("no_signature")
    if _OFFICE in names:
        yield because("office_document")
    elif "mimetype" not in names:
        yield because("plain_zip")
    yield from (one for one in findings if one.code != "mimetype_missing")


def _kind(container: Container, documents: Sequence[str]) -> tuple[str, list[Reason]]:
    """The kind of a container, and what is odd about how it says so (annex A.1)."""
    member = container.members.get("mimetype")
    said = ""
    findings: list[Reason] = []
    if member is None:
        if container.comment.startswith(_COMMENT):
            said = container.comment.removeprefix(_COMMENT)
        else:
            findings.append(because("mimetype_missing"))
    elif member.content is not None and member.content.size <= _LONGEST_TYPE:
        said = member.content.read().decode("utf-8", "replace").removeprefix("\ufeff")
        if not container.is_type_first:
            findings.append(because("mimetype_not_first"))
    kind = _TYPES.get(said.strip())
    if kind is not None and said != said.strip():
        findings.append(because("mimetype_padded"))
    if kind is None and said:
        findings.append(because("mimetype_other"))
        return "zip", findings
    if kind is None:
        has_manifest = any(MANIFEST.fullmatch(name) for name in container.members)
        kind = "asic-s" if len(documents) == 1 and not has_manifest else "asic-e"
    return kind, findings


def _read_xades(
    container: Container, first: int, *, isolation: Isolation
) -> tuple[list[FoundSignature], list[Reason]]:
    """The signatures in XAdES; each reference is a name of a file from the root."""
    names = list(_some(container.members, _XADES))
    if not names:
        return [], []
    beside = {
        name: Detached(name, _blob(one.content))
        for name, one in container.members.items()
        if one.content is not None
    }
    signatures: list[FoundSignature] = []
    findings: list[Reason] = []
    for name in names:
        if name not in beside or (document := beside[name].content) is None:
            continue
        found = read_signatures_file(
            document,
            members=[one for one in beside.values() if one.name != name],
            isolation=isolation,
            place=name,
            first=first + len(signatures),
        )
        signatures += found.signatures
        findings += (
            Reason(one.code, (*one.facts, ("file", name)))
            for one in (*found.malformed, *found.findings)
        )
        if len(signatures) >= _MOST_SIGNATURES:
            break
    return signatures, findings


def _blob(content: Stretch) -> Blob:
    """A file of its own, which lives as long as somebody holds it."""
    blob = Blob.of_chunks(content.chunks())
    weakref.finalize(blob, os.close, blob.fd)
    return blob


def _rules(kind: str, documents: Sequence[str], container: Container) -> list[Reason]:
    """What makes a container of its kind (EN 319 162-1 §4.3.2, §4.4.2)."""
    if kind == "asic-s" and (len(documents) != 1 or "/" in documents[0]):
        return [because("container_documents", number=str(len(documents)))]
    if kind == "asic-e" and not documents:
        return [because("container_documents", number="0")]
    broken = [name for name in documents if container.members[name].content is None]
    return [because("container_damaged", file=name) for name in broken[:8]]


def _with_coverage(
    signature: FoundSignature, container: Container, documents: Sequence[str]
) -> FoundSignature:
    """The signature with a doubt for each document that it does not stand for."""
    if signature.parent:
        return signature
    missing = [
        because("document_not_covered", name=name)
        for name in documents
        if not _is_among(signature.objects, name, container)
    ]
    return replace(signature, doubts=(*signature.doubts, *missing[:16]))


def _is_among(objects: Sequence[SignedObject], name: str, container: Container) -> bool:
    """Whether something is said about a document: by its name, or by its digest."""
    content = container.members[name].content
    return any(
        one.name == name
        or (content is not None and one.is_intact and content.digest(one.hash_name) == one.actual)
        for one in objects
    )


def _evidence(members: Iterable[str], *, unread: Sequence[str]) -> Iterator[Reason]:
    for name in members:
        is_read = EVIDENCE_RECORD.fullmatch(name) and name not in unread
        if _EVIDENCE.fullmatch(name) and not _KNOWN.fullmatch(name) and not is_read:
            yield because("evidence_record_unread", file=name)


def _strangers(members: Iterable[str]) -> Iterator[Reason]:
    """Files where no documents belong, and which nobody knows a use for: nobody signs them."""
    forms = (_XADES, _EVIDENCE, _KNOWN, SIGNATURE, TIMESTAMP, MANIFEST, ARCHIVE_MANIFEST)
    for name in members:
        if name.startswith("META-INF/") and not any(form.fullmatch(name) for form in forms):
            yield because("file_unknown", file=name)


def _some(members: Iterable[str], form: re.Pattern[str]) -> list[str]:
    return sorted(name for name in members if form.fullmatch(name))[:_MOST_FILES_OF_SIGNATURES]
