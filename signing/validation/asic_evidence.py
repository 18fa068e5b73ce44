"""Evidence records in containers: what each of their timestamps is over.

What lives here: `read_evidence`, for records in ASN.1, and for those in XML that were never
renewed.  Others are named and not judged.
Source: ETSI EN 319 162-1 §4.3.3.4, §4.4.4 and annex A.7; RFC 4998; RFC 6283.
Not here: records themselves (`evidence_record.py`).
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final

from signing.validation.asic_cades import Files
from signing.validation.cades_proofs import token_certificates
from signing.validation.content import Content
from signing.validation.evidence_record import RecordStamp, read_record
from signing.validation.evidence_record_xml import read_xml_record
from signing.validation.found import FoundTimestamp, ObjectKind, SignedObject, TimestampKind
from signing.validation.timestamp_info import find_info
from signing.validation.verdict import Reason, because

EVIDENCE_RECORD: Final = re.compile(
    r"META-INF/(?i:(?!ASiCEvidenceRecordManifest)[^/]*evidencerecord[^/]*\.(?:xml|ers))"
)
EVIDENCE_MANIFEST: Final = re.compile(r"META-INF/(?i:ASiCEvidenceRecordManifest[^/]*\.xml)")
_LARGEST: Final = 16 << 20
_MOST_STAMPS: Final = 64


def read_evidence(
    files: Files, names: Sequence[str]
) -> tuple[tuple[FoundTimestamp, ...], tuple[SignedObject, ...], tuple[str, ...]]:
    """The timestamps of all records.

    1. A record that cannot be read is left to whoever names what is not judged; so is one in XML
       about XML, whose digest may be of a canonical form (RFC 6283 §3.2.1) that is not made here.
    2. It is over what its manifest lists, or over the only document of an ASiC-S; where neither
       says so, nobody can tell.
    3. What the manifest says of its files has to be so.

    Takes   names: of the records.
    Returns the timestamps, the documents that they are about, and which records were not read.
    """
    stamps: list[FoundTimestamp] = []
    objects: list[SignedObject] = []
    unread: list[str] = []
    for name in names:
        content = files.members[name].content
        # 1
        is_small = content is not None and content.size <= _LARGEST
        read = read_xml_record if name.lower().endswith(".xml") else read_record
        record = read(content.read()) if content is not None and is_small else None
        if record is None:
            unread.append(name)
            continue
        # 2, 3
        contents, about, findings = _covered(files, name)
        if read is read_xml_record and _may_be_canonical(record, contents):
            unread.append(name)
            continue
        objects += about or _only_object(files, contents, record)
        for one in record[:_MOST_STAMPS]:
            stamps.append(_found(one, contents, findings, identity=f"R-{len(stamps) + 1}"))
    return tuple(stamps), tuple(dict.fromkeys(objects)), tuple(unread)


def _only_object(
    files: Files, contents: Sequence[Content], record: Sequence[RecordStamp]
) -> list[SignedObject]:
    """The document that a record is over without a manifest."""
    if len(contents) != 1:
        return []
    named = record[0].hash_name
    actual = contents[0].digest(named)
    expected = actual if _is_over(record[0], contents) else b""
    name = files.documents[0]
    return [SignedObject(name, ObjectKind.DOCUMENT, named, expected or b"", actual)]


def _is_over(stamp: RecordStamp, contents: Sequence[Content]) -> bool:
    info = find_info(stamp.token)
    return info is not None and stamp.imprint(contents) == info.imprint


def _may_be_canonical(record: Sequence[RecordStamp], contents: Sequence[Content]) -> bool:
    """Whether the timestamp is not over the files as they are, and some of them are XML."""
    if _is_over(record[0], contents):
        return False
    heads = (next(one.chunks() or iter(()), b"") for one in contents)
    return any(one[:64].lstrip(b"\xef\xbb\xbf\xfe\xff \t\r\n\0")[:1] == b"<" for one in heads)


def _found(
    stamp: RecordStamp,
    contents: Sequence[Content],
    findings: Sequence[Reason],
    *,
    identity: str,
) -> FoundTimestamp:
    def digest_of(named: str) -> bytes | None:
        return stamp.imprint(contents) if named == stamp.hash_name else None

    return FoundTimestamp(
        identity,
        TimestampKind.CONTAINER,
        stamp.token,
        digest_of,
        certificates=token_certificates(stamp.token),
        findings=tuple(findings),
    )


def _covered(files: Files, name: str) -> tuple[list[Content], list[SignedObject], list[Reason]]:
    manifest = files.about(name)
    contents: list[Content] = []
    objects: list[SignedObject] = []
    findings: list[Reason] = []
    for entry in manifest.entries if manifest is not None else ():
        compared = entry.compare(files.members)
        objects.append(compared)
        if not compared.is_intact:
            code = "signed_object_changed" if compared.is_found else "signed_object_missing"
            findings.append(because(code, name=compared.name))
    if manifest is not None:
        listed = [one.name for one in manifest.entries if one.name is not None]
    else:
        listed = list(files.documents) if files.is_simple and len(files.documents) == 1 else []
    for each in listed:
        content = files.members[each].content
        if content is not None:
            contents.append(content)
    return contents, objects, findings
