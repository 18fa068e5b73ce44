"""Evidence records in containers: what each of their timestamps is over, and what that proves.

What lives here: `read_evidence`, for records in ASN.1 and in XML, renewed ones included.
Source: ETSI EN 319 162-1 §4.3.3.4, §4.4.4 and annex A.7; RFC 4998; RFC 6283 §3.2.1 (documents in
XML are hashed in a canonical form).
Not here: records themselves (`evidence_record.py`), how their timestamps are judged
(`evidence_stamps.py`).
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Final

from signing.errors import ParsingFailed
from signing.formats.xml_encoding import find_text
from signing.formats.xml_node_sets import NodeSet
from signing.formats.xml_tree import read_tree
from signing.validation.asic_cades import Files, covered_by_file
from signing.validation.cades_proofs import material_covers, tokens_cover
from signing.validation.content import Content, Octets, Stretch
from signing.validation.evidence_record import RecordStamp, read_record
from signing.validation.evidence_record_xml import find_canonicalization, read_xml_record
from signing.validation.evidence_stamps import Reading, is_over, stamps_of
from signing.validation.found import (
    FoundSignature,
    FoundTimestamp,
    ObjectKind,
    SignedObject,
    object_identity,
)
from signing.validation.verdict import Reason, because
from signing.validation.xml_transforms import Unavailable, written

EVIDENCE_RECORD: Final = re.compile(
    r"META-INF/(?i:(?!ASiCEvidenceRecordManifest)[^/]*evidencerecord[^/]*\.(?:xml|ers))"
)
EVIDENCE_MANIFEST: Final = re.compile(r"META-INF/(?i:ASiCEvidenceRecordManifest[^/]*\.xml)")
_LARGEST: Final = 4 << 20
_MOST_RECORDS: Final = 32
_MOST_WRITTEN: Final = 16 << 20
"""Octets of documents that are read as XML, for all records of a container."""
_MARKS: Final = b"\xef\xbb\xbf\xfe\xff \t\r\n\0"


@dataclass(frozen=True, slots=True)
class FoundEvidence:
    """What came of all records.

    Takes   signatures: with the timestamps of the records that list their files; timestamps: those
            that are about no signature; objects: the documents that these are about; unread: names
            of records that are none, or cannot be read.
    """

    signatures: tuple[FoundSignature, ...]
    timestamps: tuple[FoundTimestamp, ...]
    objects: tuple[SignedObject, ...]
    unread: tuple[str, ...]


@dataclass(slots=True)
class _Archived:
    """What one record is about.

    Takes   names: of the files; contents: those that are there, in the same order.
    """

    names: list[str] = field(default_factory=list)
    contents: list[Stretch] = field(default_factory=list)
    objects: list[SignedObject] = field(default_factory=list)
    findings: list[Reason] = field(default_factory=list)
    is_listed: bool = False


def read_evidence(
    files: Files, names: Sequence[str], *, signatures: Sequence[FoundSignature]
) -> FoundEvidence:
    """The timestamps of all records.

    1. A record that cannot be read is left to whoever names what is not judged.
    2. It is over what its manifest lists, or over the only document of an ASiC-S; where neither
       says so, nobody can tell.
    3. What the manifest says of its files has to be so.
    4. What it proves of signatures counts for each whose file is among these.

    Takes   names: of the records.
    """
    kept = list(signatures)
    alone: list[FoundTimestamp] = []
    objects: list[SignedObject] = []
    unread: list[str] = []
    forms = _Forms()
    for number, name in enumerate(names, start=1):
        content = files.members[name].content
        # 1
        is_small = content is not None and content.size <= _LARGEST and number <= _MOST_RECORDS
        raw = content.read() if content is not None and is_small else b""
        is_xml = name.lower().endswith(".xml")
        record = read_xml_record(raw) if is_xml else read_record(raw)
        if record is None:
            unread.append(name)
            continue
        # 2, 3
        archived = _archived(files, name)
        places = [at for at, one in enumerate(kept) if one.place in archived.names]
        covers = {each for one in archived.names for each in covered_by_file(files, one)}
        for at in places:
            covers |= _in_signature(kept[at])
        stamps = stamps_of(
            record,
            readings=_readings(archived, record=raw if is_xml else b"", forms=forms),
            covers=frozenset(covers),
            identity=f"R-{number}.",
            findings=tuple(archived.findings),
            is_listed=archived.is_listed and not archived.findings,
        )
        # 4
        for at in places:
            kept[at] = replace(kept[at], timestamps=(*kept[at].timestamps, *stamps))
        if not places:
            alone += stamps
            objects += archived.objects or _only_object(files, archived.contents, record)
    return FoundEvidence(tuple(kept), tuple(alone), tuple(dict.fromkeys(objects)), tuple(unread))


def _in_signature(signature: FoundSignature) -> set[str]:
    """What is proved of a signature whose whole file is archived."""
    found = material_covers(signature.material) | set(map(object_identity, signature.certificates))
    found |= tokens_cover(one.token for one in signature.timestamps)
    if signature.value is not None:
        found.add(object_identity(signature.value.value))
    return found


def _archived(files: Files, name: str) -> _Archived:
    manifest = files.about(name)
    if files.is_said_so and manifest is not None:
        # an ASiC-S needs none (EN 319 162-1 §4.3.3.4): one that is of something else says nothing
        is_sound = all(one.compare(files.members).is_intact for one in manifest.entries)
        manifest = manifest if is_sound else None
    found = _Archived(is_listed=manifest is not None)
    for entry in manifest.entries if manifest is not None else ():
        compared = entry.compare(files.members)
        found.objects.append(compared)
        if not compared.is_intact:
            code = "signed_object_changed" if compared.is_found else "signed_object_missing"
            found.findings.append(because(code, name=compared.name))
    if manifest is not None:
        found.names = [one.name for one in manifest.entries if one.name is not None]
    elif files.is_simple and len(files.documents) == 1:
        found.names = list(files.documents)
    contents = (files.members[one].content for one in found.names)
    found.contents = [one for one in contents if one is not None]
    return found


def _readings(archived: _Archived, *, record: bytes, forms: _Forms) -> list[Reading]:
    """The files as they are; and those that are XML in a canonical form, for a record in XML."""

    def as_they_are() -> Sequence[Content]:
        return archived.contents

    def canonical() -> Sequence[Content]:
        form = find_canonicalization(record)
        return [forms.canonical(one, form) for one in archived.contents]

    return [as_they_are, canonical] if record else [as_they_are]


class _Forms:
    """Canonical forms of documents, each made once, and not without end."""

    def __init__(self) -> None:
        self._made: dict[tuple[Stretch, str], Content] = {}
        self._left = _MOST_WRITTEN

    def canonical(self, content: Stretch, form: str) -> Content:
        """A document as a record in XML means it: as it is where it is no XML, or too large."""
        key = content, form
        if key not in self._made:
            self._made[key] = self._make(content, form)
        return self._made[key]

    def _make(self, content: Stretch, form: str) -> Content:
        head = next(content.chunks(), b"")[:64]
        if not form or content.size > self._left or head.lstrip(_MARKS)[:1] != b"<":
            return content
        self._left -= content.size
        text = find_text(content.read())
        try:
            return content if text is None else Octets(written(NodeSet(read_tree(text)), form))
        except (ParsingFailed, Unavailable):
            return content


def _only_object(
    files: Files, contents: Sequence[Content], record: Sequence[RecordStamp]
) -> list[SignedObject]:
    """The document that a record is over without a manifest."""
    if len(contents) != 1:
        return []
    named = record[0].hash_name
    actual = contents[0].digest(named)
    expected = actual if is_over(record[0], contents) else b""
    name = files.documents[0]
    return [SignedObject(name, ObjectKind.DOCUMENT, named, expected or b"", actual)]
