"""Containers of our own signing, repacked: files added, taken away, renamed, swapped."""

from __future__ import annotations

import base64
import hashlib
import io
import os
import weakref
import zipfile
from collections.abc import Mapping, Sequence
from typing import Any, cast

import msgspec
import pytest

from signing.formats.asic_manifest import ManifestEntry, write_manifest
from signing.formats.material import Level
from signing.isolation.blob import Blob
from signing.isolation.task import Answered, Asked, Isolation, Task
from signing.messages.asic_manifests import FoundManifests
from signing.model import SignatureFormat
from signing.validation.asic import read_container
from signing.validation.found import (
    Form,
    FoundDocument,
    FoundTimestamp,
    ObjectKind,
    TimestampKind,
    object_identity,
)
from signing.validation.timestamp_info import find_info
from tests.support.isolation import WithoutWalls
from tests.support.signatory import SIGNING_TIME
from tests.support.validation_house import CONTENT, ValidationHouse

NAME = "quyet-dinh.txt"
S, E, X = SignatureFormat.ASIC_S_CADES, SignatureFormat.ASIC_E_CADES, SignatureFormat.ASIC_E_XADES
ASIC_S = b"application/vnd.etsi.asic-s+zip"
Parts = dict[str, bytes]


@pytest.fixture(scope="module", params=[S, E, X])
def parts(request: pytest.FixtureRequest, validation_house: ValidationHouse) -> Parts:
    """A signed container of each kind, taken apart."""
    return taken_apart(validation_house.sign(request.param, Level.B, name=NAME))


@pytest.fixture(scope="module")
def cades(validation_house: ValidationHouse) -> Parts:
    """An ASiC-E with CAdES."""
    return taken_apart(validation_house.sign(E, Level.B, name=NAME))


def taken_apart(raw: bytes) -> Parts:
    with zipfile.ZipFile(io.BytesIO(raw)) as packed:
        return {name: packed.read(name) for name in packed.namelist()}


def pack(parts: Mapping[str, bytes], *, comment: bytes = b"") -> bytes:
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w") as packed:
        for name, content in parts.items():
            packed.writestr(zipfile.ZipInfo(name), content)
        packed.comment = comment
    return made.getvalue()


def read(parts: Mapping[str, bytes], isolation: Isolation | None = None) -> FoundDocument:
    document = Blob.of(pack(parts))
    # digests are asked for later: it is open for as long as somebody holds what was found
    weakref.finalize(document, os.close, document.fd)
    return read_container(document, isolation=isolation or WithoutWalls())


def codes(found: FoundDocument) -> list[str]:
    return [one.code for one in found.findings]


def malformed(found: FoundDocument) -> list[str]:
    return [one.code for signature in found.signatures for one in signature.malformed]


def is_intact(found: FoundDocument) -> bool:
    return all(one.is_intact for signature in found.signatures for one in signature.objects)


def test_what_we_sign_is_read_without_a_doubt(parts: Parts) -> None:
    found = read(parts)
    assert codes(found) == malformed(found) == []
    (one,) = found.signatures
    assert is_intact(found)
    assert one.form in {Form.CADES, Form.XADES}
    assert one.place.startswith("META-INF/")
    assert NAME in {each.name for each in one.objects}
    assert one.doubts == ()


def test_a_document_that_is_changed_or_swapped_is_not_intact(parts: Parts) -> None:
    assert not is_intact(read(parts | {NAME: CONTENT + b"."}))
    assert not is_intact(read(parts | {NAME: b""}))


def test_a_document_that_got_another_name_is_missed(parts: Parts) -> None:
    """EN 319 162-1 §4.4.3.2: names of files are part of what is signed, in ASiC-E at least."""
    if parts["mimetype"] == ASIC_S:
        return  # the one document there has no name among what is signed
    renamed = {name: content for name, content in parts.items() if name != NAME}
    found = read(renamed | {"quyet-dinh-2.txt": parts[NAME]})
    assert not is_intact(found)


def test_a_document_that_is_taken_away_is_missed(parts: Parts) -> None:
    found = read({name: content for name, content in parts.items() if name != NAME})
    assert not is_intact(found)
    assert malformed(found) == ["container_documents"]


def test_a_document_that_is_added_is_named(parts: Parts) -> None:
    found = read(parts | {"phu-luc.txt": b"more"})
    if parts["mimetype"] == ASIC_S:
        assert malformed(found) == ["container_documents"]
    else:
        assert "document_not_signed" in codes(found)
        (doubt,) = found.signatures[0].doubts
        assert (doubt.code, doubt.fact("name")) == ("document_not_covered", "phu-luc.txt")
    assert is_intact(found)


def test_a_type_that_is_not_first_or_says_something_else_is_named(parts: Parts) -> None:
    others = {name: content for name, content in parts.items() if name != "mimetype"}
    assert codes(read(others | {"mimetype": parts["mimetype"]})) == ["mimetype_not_first"]
    assert codes(read({"mimetype": parts["mimetype"] + b"\n"} | others)) == ["mimetype_padded"]
    assert codes(read({"mimetype": b"application/zip"} | others)) == ["mimetype_other"]
    found = read(others)
    assert codes(found) == ["mimetype_missing"]
    assert found.kind == ("asic-e" if any("Manifest" in name for name in parts) else "asic-s")
    assert is_intact(found)


def test_the_type_may_stand_in_the_comment(cades: Parts) -> None:
    others = {name: content for name, content in cades.items() if name != "mimetype"}
    raw = pack(others, comment=b"mimetype=application/vnd.etsi.asic-e+zip")
    with Blob.of(raw) as document:
        found = read_container(document, isolation=WithoutWalls())
    assert (found.kind, codes(found)) == ("asic-e", [])


def test_a_container_without_signatures_says_so() -> None:
    found = read({"mimetype": ASIC_S, NAME: CONTENT})
    assert (found.kind, codes(found)) == ("asic-s", ["no_signature"])
    assert read({"a": b"b"}).signatures == ()


def test_evidence_records_are_named_and_not_judged(cades: Parts) -> None:
    found = read(cades | {"META-INF/evidencerecord001.xml": b"<a/>"})
    assert codes(found) == ["evidence_record_unread"]
    assert is_intact(found)


def test_a_file_that_nobody_knows_beside_the_signatures_is_named(parts: Parts) -> None:
    found = read(parts | {"META-INF/quyet-dinh.pdf": b"%PDF-1.7"})
    assert codes(found) == ["file_unknown"]
    assert found.findings[0].fact("file") == "META-INF/quyet-dinh.pdf"
    found = read(parts | {"meta-inf/quyet-dinh.pdf": b"%PDF-1.7"})
    assert "document_not_signed" in codes(found)


def test_a_signature_without_its_manifest_is_about_nothing(cades: Parts) -> None:
    found = read({name: one for name, one in cades.items() if "Manifest" not in name})
    assert [one.is_found for one in found.signatures[0].objects] == [False]
    assert "document_not_signed" in codes(found)


def _manifest(cades: Parts) -> tuple[str, bytes]:
    return next((name, one) for name, one in cades.items() if "ASiCManifest" in name)


@pytest.mark.parametrize(
    "change",
    [
        lambda raw: raw.replace(NAME.encode(), b"another.txt"),
        lambda raw: raw.replace(b"xmlenc#sha256", b"xmldsig-more#sha384"),
        lambda raw: raw.replace(b"<asic:DataObjectReference", b"<!-- --><asic:DataObjectReference"),
        lambda raw: b"<!DOCTYPE a>" + raw,
        lambda raw: raw[:-5],
        lambda raw: b"",
    ],
)
def test_a_manifest_that_is_changed_is_not_what_was_signed(cades: Parts, change: Any) -> None:
    name, raw = _manifest(cades)
    found = read(cades | {name: change(raw)})
    assert not is_intact(found)


def test_a_manifest_with_a_document_type_is_not_read(cades: Parts) -> None:
    name, raw = _manifest(cades)
    found = read(cades | {name: b'<!DOCTYPE a [<!ENTITY b "c">]>' + raw})
    assert not is_intact(found)
    digest = base64.b64encode(hashlib.sha256(CONTENT).digest())
    assert digest in raw


def test_a_second_manifest_about_the_same_signature_helps_nobody(cades: Parts) -> None:
    """A signature is about one manifest; another that names it is not what was signed."""
    name, _ = _manifest(cades)
    signature = next(one for one in cades if one.endswith(".p7s"))
    other = write_manifest(
        [ManifestEntry("evil.txt", hashlib.sha256(b"evil").digest())],
        signed_by=signature,
        signature_type="application/pkcs7-signature",
        hash_name="sha256",
    )
    added = {"META-INF/ASiCManifest000.xml": other, "evil.txt": b"evil"}
    for order in (added | cades, cades | added):
        kept = {"mimetype": cades["mimetype"]} | order
        found = read(kept)
        (one,) = found.signatures
        evil = any(each.name == "evil.txt" and each.is_intact for each in one.objects)
        assert not (evil and one.objects[0].is_intact)
    assert name in cades


class _Liar(WithoutWalls):
    """Says that a manifest means another file."""

    def run(
        self, task: Task[Asked, Answered], asked: Asked, *, inputs: Sequence[Blob] = ()
    ) -> tuple[Answered, Blob]:
        """See `Isolation`."""
        answered, output = super().run(task, asked, inputs=inputs)
        found: Any = answered
        if isinstance(found, FoundManifests):
            replaced = msgspec.structs.replace
            manifests = tuple(
                replaced(one, lines=tuple(replaced(line, uri="evil.txt") for line in one.lines))
                for one in found.manifests
            )
            found = FoundManifests(manifests)
        return cast("Any", found), output


def test_whoever_lies_about_a_manifest_is_caught(cades: Parts) -> None:
    found = read(cades | {"evil.txt": CONTENT}, _Liar())
    assert [one.code for one in found.findings][:1] == ["manifest_unreadable"]
    assert found.findings[0].fact("why") == "readers_differ"
    assert not any(one.is_found for one in found.signatures[0].objects)
    assert "evil.txt" not in {one.name for one in found.signatures[0].objects}


def _archived(
    house: ValidationHouse, parts: Parts, names: Sequence[str], *, number: int = 1
) -> Parts:
    """The container with an archive manifest over some of its files and a timestamp over it."""
    token = f"META-INF/timestamp{number:03}.tst"
    manifest = write_manifest(
        [ManifestEntry(name, hashlib.sha256(parts[name]).digest()) for name in names],
        signed_by=token,
        signature_type="application/vnd.etsi.timestamp-token",
        hash_name="sha256",
    )
    stamps = house.pki.timestamps(now=SIGNING_TIME)
    stamped = stamps.stamp(hashlib.sha256(manifest).digest(), hash_name="sha256")
    return parts | {f"META-INF/ASiCArchiveManifest{number:03}.xml": manifest, token: stamped}


def is_over(stamp: FoundTimestamp) -> bool:
    info = find_info(stamp.token)
    return info is not None and stamp.digest_of(info.hash_name) == info.imprint


def test_an_archive_timestamp_counts_for_the_signatures_that_it_lists(
    validation_house: ValidationHouse, cades: Parts
) -> None:
    names = [name for name in cades if name != "mimetype"]
    found = read(_archived(validation_house, cades, names))
    (signature,) = found.signatures
    (stamp,) = signature.timestamps
    assert (stamp.kind, stamp.findings, is_over(stamp)) == (TimestampKind.ARCHIVE, (), True)
    assert found.timestamps == ()
    assert signature.value is not None
    assert object_identity(signature.value.value) in stamp.covers
    assert {object_identity(one) for one in signature.certificates} <= stamp.covers


def test_an_archive_timestamp_over_a_file_that_was_changed_says_so(
    validation_house: ValidationHouse, cades: Parts
) -> None:
    names = [name for name in cades if name != "mimetype"]
    archived = _archived(validation_house, cades, names)
    found = read(archived | {NAME: b"another"})
    (stamp,) = found.signatures[0].timestamps
    assert [one.code for one in stamp.findings] == ["signed_object_changed"]
    found = read({name: one for name, one in archived.items() if name != NAME})
    (stamp,) = found.signatures[0].timestamps
    assert [one.code for one in stamp.findings] == ["signed_object_missing"]


def test_an_archive_timestamp_over_documents_alone_is_about_no_signature(
    validation_house: ValidationHouse, cades: Parts
) -> None:
    found = read(_archived(validation_house, cades, [NAME]))
    assert found.signatures[0].timestamps == ()
    (stamp,) = found.timestamps
    assert (stamp.kind, is_over(stamp)) == (TimestampKind.CONTAINER, True)
    assert [(one.name, one.kind, one.is_intact) for one in found.objects] == [
        (NAME, ObjectKind.DOCUMENT, True)
    ]


def test_a_timestamp_alone_is_over_the_only_document(validation_house: ValidationHouse) -> None:
    stamps = validation_house.pki.timestamps(now=SIGNING_TIME)
    token = stamps.stamp(hashlib.sha256(CONTENT).digest(), hash_name="sha256")
    parts = {"mimetype": ASIC_S, NAME: CONTENT, "META-INF/timestamp.tst": token}
    found = read(parts)
    (stamp,) = found.timestamps
    assert is_over(stamp)
    assert codes(found) == []
    assert found.objects[0].is_intact
    assert object_identity(CONTENT) in stamp.covers
    later = read(_archived(validation_house, parts, [NAME, "META-INF/timestamp.tst"], number=2))
    first, second = later.timestamps
    assert is_over(first)
    assert is_over(second)
    assert object_identity(token) in first.covers | second.covers
    assert not is_over(read(parts | {NAME: b"another"}).timestamps[0])


def test_what_is_no_container_says_so() -> None:
    for raw in (b"", b"PK\x03\x04", b"no container"):
        with Blob.of(raw) as document:
            found = read_container(document, isolation=WithoutWalls())
        assert [one.code for one in found.malformed] == ["not_zip"]
