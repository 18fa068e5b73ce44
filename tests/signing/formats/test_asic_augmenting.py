"""Signatures in a container are raised where they are; everything else stays as it was."""

from __future__ import annotations

import hashlib
import io
import zipfile
from pathlib import Path

import pytest

from signing.errors import (
    CertificateRefused,
    DocumentRefused,
    ParsingFailed,
    SignatureForeign,
    TimestampUnavailable,
)
from signing.formats.asic_augmenting import augment_asic
from signing.formats.asic_cades import (
    DocumentDigest,
    finish_asic,
    prepare_asic_e,
    prepare_asic_s,
)
from signing.formats.asic_xades import finish_asic_xades, prepare_asic_xades
from signing.formats.cades import Sources
from signing.formats.material import Level
from signing.isolation.blob import Blob
from signing.isolation.task import Isolation
from signing.messages.asic_members import FoundMembers, Member
from tests.support.cms_opinions import openssl_verifies, pyhanko_says
from tests.support.signatory import SIGNING_TIME, Hand, SigningPki

FILES = {"Tờ trình.pdf": b"%PDF-1.7", "b/c.xml": b"<xml/>"}
SIGNATURE = "META-INF/signature001.p7s"
MANIFEST = "META-INF/ASiCManifest001.xml"


@pytest.fixture
def sources(timestamps, status, signing_pki: SigningPki) -> Sources:
    return Sources(timestamps, status, (signing_pki.root.der,))


def container(hand: Hand, *, is_simple: bool = False) -> bytes:
    files = dict(list(FILES.items())[:1]) if is_simple else FILES
    documents = [
        DocumentDigest(name, hashlib.sha256(content).digest()) for name, content in files.items()
    ]
    prepared = (
        prepare_asic_s(hand.signatory, document=documents[0], signing_time=SIGNING_TIME)
        if is_simple
        else prepare_asic_e(hand.signatory, documents=documents, signing_time=SIGNING_TIME)
    )
    blobs = [Blob.of(content) for content in files.values()]
    with finish_asic(
        prepared,
        signature=hand.sign(prepared.to_be_signed.digest),
        contents=blobs,
        level=Level.B,
        now=SIGNING_TIME,
        sources=Sources(),
    ) as made:
        raw = made.read()
    for one in blobs:
        one.close()
    return raw


def unpacked(raw: bytes) -> dict[str, bytes]:
    with zipfile.ZipFile(io.BytesIO(raw)) as packed:
        return {name: packed.read(name) for name in packed.namelist()}


def repacked(files: dict[str, bytes], *, method: int = zipfile.ZIP_DEFLATED) -> bytes:
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w", method) as packed:
        for name, content in files.items():
            packed.writestr(name, content)
    return made.getvalue()


def raised(
    raw: bytes, sources: Sources, isolation: Isolation, level: Level = Level.LT
) -> dict[str, bytes]:
    with (
        Blob.of(raw) as blob,
        augment_asic(
            blob, level=level, now=SIGNING_TIME, sources=sources, isolation=isolation
        ) as made,
    ):
        return unpacked(made.read())


def why_not(raw: bytes, sources: Sources, isolation: Isolation) -> str:
    with pytest.raises(DocumentRefused) as refused:
        raised(raw, sources, isolation)
    return refused.value.reason


@pytest.mark.parametrize("is_simple", [True, False])
def test_the_signature_rises_and_the_rest_stays(
    hand: Hand,
    is_simple: bool,
    sources: Sources,
    isolation: Isolation,
    signing_pki: SigningPki,
    tmp_path: Path,
) -> None:
    before = container(hand, is_simple=is_simple)
    # as others pack: with compression
    after = raised(repacked(unpacked(before)), sources, isolation)
    name = "META-INF/signature.p7s" if is_simple else SIGNATURE
    signed = FILES["Tờ trình.pdf"] if is_simple else after[MANIFEST]
    assert list(after) == list(unpacked(before))
    assert {**after, name: b""} == {**unpacked(before), name: b""}
    opinion = openssl_verifies(
        after[name], root=signing_pki.root_pem, folder=tmp_path, content=signed
    )
    assert opinion.is_valid, opinion.said
    status = pyhanko_says(
        after[name], content=signed, roots=[signing_pki.root.der], with_evidence=True
    )
    assert status.bottom_line, status.summary()


@pytest.mark.parametrize("is_simple", [True, False])
def test_a_signature_in_xml_rises_too(
    hand: Hand, is_simple: bool, sources: Sources, isolation: Isolation
) -> None:
    """ETSI EN 319 162-1 §4.4.3.1; what comes out is judged where XAdES is tested."""
    files = dict(list(FILES.items())[:1]) if is_simple else FILES
    prepared = prepare_asic_xades(
        hand.signatory,
        documents=[
            DocumentDigest(name, hashlib.sha256(content).digest())
            for name, content in files.items()
        ],
        signing_time=SIGNING_TIME,
        is_simple=is_simple,
    )
    blobs = [Blob.of(content) for content in files.values()]
    with finish_asic_xades(
        prepared,
        signature=hand.sign(prepared.to_be_signed.digest),
        contents=blobs,
        level=Level.B,
        now=SIGNING_TIME,
        sources=Sources(),
    ) as made:
        before = unpacked(made.read())
    after = raised(repacked(before), sources, isolation)
    (name,) = (one for one in before if "signatures" in one)
    assert {**after, name: b""} == {**before, name: b""}
    assert b"SignatureTimeStamp" in after[name]
    assert b"EncapsulatedOCSPValue" in after[name]
    lacking = {**before, "Tờ trình.pdf": b"other"}
    assert why_not(repacked(lacking), sources, isolation) == "not_covered"


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"b/c.xml": b"<other/>"}, "not_covered"),
        ({"more.txt": b"not signed"}, "not_covered"),
        ({MANIFEST: b"<asic/>"}, "not_covered"),
        ({SIGNATURE: None}, "no_signature"),
        ({SIGNATURE: b"nothing"}, "not_cms"),
        ({"../x": b""}, "name_escapes"),
        ({"META-INF/ASiCArchiveManifest.xml": b"<a/>"}, "already_archived"),
        ({"META-INF/../../x": b""}, "not_asic"),
        ({"mimetype": b"application/zip"}, "not_asic"),
        ({"mimetype": bytes(1_000)}, "not_asic"),
    ],
)
def test_what_is_not_in_order_is_not_raised(
    hand: Hand, changes, reason: str, sources: Sources, isolation: Isolation
) -> None:
    """ETSI EN 319 162-1 §4.4.3.2: every file is covered, or nobody knows what is being kept."""
    files = {**unpacked(container(hand)), **changes}
    raw = repacked({name: content for name, content in files.items() if content is not None})
    assert why_not(raw, sources, isolation) == reason


@pytest.mark.parametrize("raw", [b"x", b"PK\x03\x04", b"%PDF-1.7\n"])
def test_what_is_no_container_is_refused(
    raw: bytes, sources: Sources, isolation: Isolation
) -> None:
    assert why_not(raw, sources, isolation) == "not_asic"


def test_whoever_is_away_leaves_the_container_as_it_was(
    hand: Hand, timestamps, no_timestamps, revoked_status, status, isolation: Isolation
) -> None:
    raw = container(hand)
    roots = hand.signatory.chain
    with pytest.raises(TimestampUnavailable):
        raised(raw, Sources(no_timestamps, status, roots), isolation)
    with pytest.raises(CertificateRefused):
        raised(raw, Sources(timestamps, revoked_status, roots), isolation)


def test_a_broken_signature_is_not_raised(
    hand: Hand, sources: Sources, isolation: Isolation
) -> None:
    files = unpacked(container(hand))
    made = bytearray(files[SIGNATURE])
    made[-1] ^= 1  # in the signature value, which stands last
    with pytest.raises(SignatureForeign):
        raised(repacked({**files, SIGNATURE: bytes(made)}), sources, isolation)


class Liar:
    """Takes a container apart, and says something else."""

    def __init__(self, honest: Isolation, change) -> None:
        self._honest = honest
        self._change = change

    def run(self, task, asked, *, inputs=()):
        found, output = self._honest.run(task, asked, inputs=inputs)
        with output:
            return self._change(found, output.read())


def test_a_lie_about_a_document_is_caught(
    hand: Hand, sources: Sources, isolation: Isolation
) -> None:
    """Architecture, decision 12: a child that lies is caught."""

    def swap(found: FoundMembers, content: bytes):
        return found, Blob.of(content.replace(b"<xml/>", b"<lie/>"))

    def lengthen(found: FoundMembers, content: bytes):
        return found, Blob.of(content, b"more")

    def double(found: FoundMembers, content: bytes):
        members = (*found.members, Member(found.members[1].name, 0))
        return FoundMembers(members), Blob.of(content)

    raw = container(hand)
    assert why_not(raw, sources, Liar(isolation, swap)) == "not_covered"
    for lie in (lengthen, double):
        with pytest.raises(ParsingFailed) as caught:
            raised(raw, sources, Liar(isolation, lie))
        assert caught.value.reason == "contradiction"
