"""Evidence records in containers: over the files, over each other, and what was done to either."""

from __future__ import annotations

import base64
import hashlib

import pytest

from keystore.pki.der import SEQUENCE, wrap
from signing.isolation.blob import Blob
from signing.validation.asic import read_container
from signing.validation.evidence_record import read_record
from signing.validation.evidence_record_xml import read_xml_record
from signing.validation.found import FoundDocument, TimestampKind, object_identity
from signing.validation.timestamp_info import find_info
from tests.signing.validation.test_asic import ASIC_S, codes, read
from tests.support.evidence_records import Records, chain, digest, in_xml, record_in_xml
from tests.support.isolation import WithoutWalls
from tests.support.signatory import SigningPki
from tests.vectors.corpus import corpus_folder, needs_corpus

FILES = {"mot.txt": b"mot", "hai.txt": b"hai"}


@pytest.fixture(scope="module")
def records(signing_pki: SigningPki) -> Records:
    """Whoever makes them."""
    return Records(signing_pki)


def _token_of(stamp: bytes) -> bytes:
    (read,) = read_record(Records.record([stamp])) or ()
    return read.token


def _manifest(files: dict[str, bytes], *, record: str) -> bytes:
    listed = "".join(
        f'<asic:DataObjectReference URI="{name}"><ds:DigestMethod '
        'Algorithm="http://www.w3.org/2001/04/xmlenc#sha256"/><ds:DigestValue>'
        f"{base64.b64encode(hashlib.sha256(content).digest()).decode()}"
        "</ds:DigestValue></asic:DataObjectReference>"
        for name, content in files.items()
    )
    return (
        '<asic:ASiCManifest xmlns:asic="http://uri.etsi.org/02918/v1.2.1#" '
        'xmlns:ds="http://www.w3.org/2000/09/xmldsig#">'
        f'<asic:SigReference URI="META-INF/{record}"/>{listed}</asic:ASiCManifest>'
    ).encode()


def _fits(found: FoundDocument) -> list[bool]:
    """Of each timestamp, whether it is over what it has to be over."""
    fits = []
    stamps = [stamp for one in found.signatures for stamp in one.timestamps]
    for one in (*stamps, *found.timestamps):
        info = find_info(one.token)
        assert info is not None
        fits.append(one.digest_of(info.hash_name) == info.imprint and not one.findings)
    return fits


def _several(record: bytes, files: dict[str, bytes] | None = None) -> dict[str, bytes]:
    kept = FILES if files is None else files
    return {
        "mimetype": b"application/vnd.etsi.asic-e+zip",
        **kept,
        "META-INF/evidencerecord.ers": record,
        "META-INF/ASiCEvidenceRecordManifest.xml": _manifest(kept, record="evidencerecord.ers"),
    }


def test_a_record_over_one_document_and_over_its_digest_alone(records: Records) -> None:
    """RFC 4998 §4.3: without a tree the timestamp is over the digest itself."""
    parts = {"mimetype": ASIC_S, "mot.txt": b"mot"}
    record = records.record([records.stamp(digest(b"mot"))])
    found = read(parts | {"META-INF/evidencerecord.ers": record})
    assert _fits(found) == [True]
    assert "no_signature" not in codes(found)
    assert _fits(read(parts | {"mot.txt": b"hai", "META-INF/evidencerecord.ers": record})) == [
        False
    ]


def test_a_record_over_several_documents_by_a_tree(records: Records) -> None:
    """RFC 4998 §4.2 and §4.3: lists are sorted, hashed, and go into the next one."""
    leaves = [digest(one) for one in FILES.values()]
    other = digest(b"of somebody else")
    root = digest(digest(*leaves), other)
    parts = _several(records.record([records.stamp(root, leaves, [other])]))
    assert _fits(read(parts)) == [True]
    assert _fits(read(parts | {"hai.txt": b"changed"})) == [False]
    more = _several(parts["META-INF/evidencerecord.ers"], FILES | {"ba.txt": b"ba"})
    assert _fits(read(more)) == [False]


def test_a_renewal_is_over_the_timestamp_before_it(records: Records) -> None:
    """RFC 4998 §5.2."""
    leaves = [digest(one) for one in FILES.values()]
    first = records.stamp(digest(*leaves), leaves)
    second = records.stamp(digest(_token_of(first)))
    strange = records.stamp(digest(b"something else"))
    assert _fits(read(_several(records.record([first, second])))) == [True, True]
    assert _fits(read(_several(records.record([first, strange])))) == [True, False]


def test_a_new_tree_is_over_the_documents_and_all_that_came_before(records: Records) -> None:
    """RFC 4998 §5.3."""
    leaves = [digest(one) for one in FILES.values()]
    first = records.stamp(digest(*leaves), leaves)
    before = hashlib.sha256(wrap(SEQUENCE, wrap(SEQUENCE, first))).digest()
    again = [hashlib.sha256(one + before).digest() for one in leaves]
    second = records.stamp(digest(*again), again)
    assert _fits(read(_several(records.record([first], [second])))) == [True, True]
    stale = records.stamp(digest(*leaves), leaves)
    assert _fits(read(_several(records.record([first], [stale])))) == [True, False]


def test_without_a_manifest_nobody_can_tell_what_a_record_is_over(records: Records) -> None:
    leaves = [digest(one) for one in FILES.values()]
    parts = _several(records.record([records.stamp(digest(*leaves), leaves)]))
    del parts["META-INF/ASiCEvidenceRecordManifest.xml"]
    (stamp,) = read(parts).timestamps
    assert stamp.digest_of("sha256") is None


def test_a_renewal_that_leaves_a_document_out_is_not_over_it(records: Records) -> None:
    """RFC 4998 §5.3: what the manifest says is there and was not changed; nobody renewed it."""
    leaves = [digest(one) for one in FILES.values()]
    first = records.stamp(digest(*leaves), leaves)
    before = hashlib.sha256(wrap(SEQUENCE, wrap(SEQUENCE, first))).digest()
    again = [hashlib.sha256(one + before).digest() for one in leaves]
    second = records.stamp(again[0], again[:1])
    [one, other] = read(_several(records.record([first], [second]))).timestamps
    assert one.digest_of("sha256") == digest(*leaves)
    assert other.digest_of("sha256") is None


def test_records_in_xml_about_xml_are_over_its_canonical_form(records: Records) -> None:
    """RFC 6283 §3.2.1, §4.2.1, §4.2.2."""
    form = "http://www.w3.org/2001/10/xml-exc-c14n#"
    parts = {"mimetype": ASIC_S, "mot.xml": b"<?xml version='1.0'?>\n<a  b='c'/>"}
    first = records.token(digest(b'<a b="c"></a>'))
    record = record_in_xml(chain(in_xml(first), form=form))
    assert _fits(read(parts | {"META-INF/evidencerecord.xml": record.encode()})) == [True]
    as_it_is = record_in_xml(chain(in_xml(records.token(digest(parts["mot.xml"]))), form=form))
    assert _fits(read(parts | {"META-INF/evidencerecord.xml": as_it_is.encode()})) == [True]
    changed = parts | {"mot.xml": b"<a b='d'/>"}
    assert _fits(read(changed | {"META-INF/evidencerecord.xml": record.encode()})) == [False]


@needs_corpus
def test_what_a_record_proves_counts_for_the_signatures_among_its_files() -> None:
    """ETSI EN 319 162-1 §4.4.4; EN 319 102-1 §5.6.2.3."""
    raw = (
        corpus_folder() / "dss" / "asic-cades" / "cades-lt-with-er-chain-renewed.sce"
    ).read_bytes()
    with Blob.of(raw) as document:
        found = read_container(document, isolation=WithoutWalls())
        [signature] = found.signatures
        stamps = [one for one in signature.timestamps if one.kind is TimestampKind.EVIDENCE]
        assert signature.value is not None
        over = [object_identity(signature.value.value) in one.covers for one in stamps]
    # the second one renews the first, and is over nothing else
    assert over == [True, False, True]
    assert object_identity(stamps[0].token) in stamps[1].covers
    assert found.timestamps == ()


@pytest.mark.parametrize(("chains", "stamps", "size"), [(1, 65, 0), (65, 1, 0), (60, 1, 5_000)])
def test_a_record_that_was_renewed_without_end_is_not_read(
    records: Records, chains: int, stamps: int, size: int
) -> None:
    """Each further chain is over all that came before: its cost is the square of their number."""
    stamp = records.stamp(digest(b"mot"), [bytes(32)] * (1 + size))
    assert read_record(records.record(*[[stamp] * stamps] * chains)) is None
    assert read_record(records.record([stamp] * 4, [stamp])) is not None


@pytest.mark.parametrize(
    "raw", [b"", b"0\x00", b"<a/>", wrap(SEQUENCE, b"\x02\x01\x01"), b"\x30\x84\xff\xff\xff\xff"]
)
def test_what_is_no_record_is_named(raw: bytes) -> None:
    assert read_record(raw) is None
    assert read_xml_record(raw) is None
    found = read({"mimetype": ASIC_S, "mot.txt": b"mot", "META-INF/evidencerecord.ers": raw})
    assert "evidence_record_unread" in codes(found)


@needs_corpus
@pytest.mark.parametrize(
    ("file", "stamps"),
    [
        ("er-asn1-full-renewal.asice", 3),
        ("er-asn1-chain-renewal.asice", 2),
        ("er-asn1-tst-renewal.asics", 2),
        ("er-asn1-no-hashtree-full-renewal.sce", 3),
        ("er-asn1-one-file.asice", 2),
        ("er-multi-files.asice", 1),
        ("er-one-file.asics", 1),
    ],
)
def test_records_of_others_are_over_their_documents(file: str, stamps: int) -> None:
    raw = (corpus_folder() / "dss" / "asic-cades" / file).read_bytes()
    with Blob.of(raw) as document:
        found = read_container(document, isolation=WithoutWalls())
        assert _fits(found) == [True] * stamps
