"""ASiC with CAdES, taken apart by the standard library and judged part by part by `openssl`."""

from __future__ import annotations

import base64
import hashlib
import io
import zipfile
from dataclasses import replace
from pathlib import Path
from urllib.parse import unquote

import msgspec
import pytest
from lxml import etree

from signing.errors import DocumentRefused, SignatureForeign, SigningError, TimestampUnavailable
from signing.formats.asic_cades import (
    DocumentDigest,
    PreparedAsic,
    SignedAsic,
    finish_asic,
    pack_asic,
    prepare_asic_e,
    prepare_asic_s,
    sign_asic,
    stamp_asic_s,
)
from signing.formats.cades import Sources
from signing.formats.material import Level
from signing.isolation.blob import Blob
from tests.support.cms_opinions import (
    openssl_verifies,
    openssl_verifies_token,
    pyhanko_says,
    strictly,
)
from tests.support.signatory import SIGNING_TIME, Hand, SigningPki

NAME = "Tờ trình/Phụ lục 1 & bảng kê.pdf"
CONTENT = b"%PDF-1.7 one"
OTHER = b"<xml/>"
ASIC = "{http://uri.etsi.org/02918/v1.2.1#}"
DS = "{http://www.w3.org/2000/09/xmldsig#}"
HASHES = {
    "http://www.w3.org/2001/04/xmlenc#sha256": "sha256",
    "http://www.w3.org/2001/04/xmldsig-more#sha384": "sha384",
}
LEVELS = (Level.B, Level.T, Level.LT)


@pytest.fixture
def sources(timestamps, status) -> Sources:
    return Sources(timestamps, status)


def document(hand: Hand, name: str, content: bytes, mime_type: str | None = None):
    digest = hashlib.new(hand.signatory.hash_name, content).digest()
    return DocumentDigest(name, digest, mime_type)


def prepared_e(hand: Hand, *, number: int = 1) -> PreparedAsic:
    return prepare_asic_e(
        hand.signatory,
        documents=[
            document(hand, NAME, CONTENT, "application/pdf"),
            document(hand, "b.xml", OTHER),
        ],
        signing_time=SIGNING_TIME,
        number=number,
    )


def prepared_s(hand: Hand) -> PreparedAsic:
    one = document(hand, NAME, CONTENT, "application/pdf")
    return prepare_asic_s(hand.signatory, document=one, signing_time=SIGNING_TIME)


def finished(
    hand: Hand, prepared: PreparedAsic, *contents: bytes, level: Level, sources: Sources
) -> zipfile.ZipFile:
    blobs = [Blob.of(one) for one in contents]
    with finish_asic(
        prepared,
        signature=hand.sign(prepared.to_be_signed.digest),
        contents=blobs,
        level=level,
        now=SIGNING_TIME,
        sources=sources,
    ) as made:
        raw = made.read()
    for one in blobs:
        one.close()
    return zipfile.ZipFile(io.BytesIO(raw))


@pytest.mark.parametrize("level", LEVELS)
def test_an_asic_s_is_valid_to_others(
    hand: Hand, level: Level, sources: Sources, signing_pki: SigningPki, tmp_path: Path
) -> None:
    """ETSI EN 319 162-1 §4.3.3.2: one document at the root, META-INF/signature.p7s."""
    with finished(hand, prepared_s(hand), CONTENT, level=level, sources=sources) as packed:
        assert packed.namelist() == ["mimetype", NAME, "META-INF/signature.p7s"]
        assert packed.read("mimetype") == b"application/vnd.etsi.asic-s+zip"
        content, made = packed.read(NAME), packed.read("META-INF/signature.p7s")
    opinion = openssl_verifies(made, root=signing_pki.root_pem, folder=tmp_path, content=content)
    assert opinion.is_valid, opinion.said
    status = pyhanko_says(
        made, content=content, roots=[signing_pki.root.der], with_evidence=level.has_material
    )
    assert status.bottom_line, status.summary()


@pytest.mark.parametrize("level", LEVELS)
def test_an_asic_e_is_valid_to_others(
    each_hand: Hand, level: Level, sources: Sources, signing_pki: SigningPki, tmp_path: Path
) -> None:
    """ETSI EN 319 162-1 §4.4.3: the signature is over the manifest, the manifest over the files."""
    prepared = prepared_e(each_hand)
    packed = finished(each_hand, prepared, CONTENT, OTHER, level=level, sources=sources)
    assert packed.namelist() == [
        "mimetype",
        NAME,
        "b.xml",
        "META-INF/ASiCManifest001.xml",
        "META-INF/signature001.p7s",
    ]
    assert packed.read("mimetype") == b"application/vnd.etsi.asic-e+zip"
    manifest = packed.read("META-INF/ASiCManifest001.xml")
    root = etree.fromstring(manifest)
    signed_by = root.find(f"{ASIC}SigReference").get("URI")
    for entry in root.findall(f"{ASIC}DataObjectReference"):
        method = HASHES[entry.find(f"{DS}DigestMethod").get("Algorithm")]
        digest = base64.b64decode(entry.find(f"{DS}DigestValue").text)
        assert digest == hashlib.new(method, packed.read(unquote(entry.get("URI")))).digest()
    opinion = openssl_verifies(
        packed.read(signed_by), root=signing_pki.root_pem, folder=tmp_path, content=manifest
    )
    assert opinion.is_valid, opinion.said
    status = pyhanko_says(
        packed.read(signed_by),
        content=manifest,
        roots=[signing_pki.root.der],
        with_evidence=level.has_material,
    )
    assert status.bottom_line, status.summary()


def test_a_person_and_a_seal_sign_the_same_documents(
    signing_pki: SigningPki, sources: Sources, tmp_path: Path
) -> None:
    """ETSI EN 319 162-1 §4.4.3.2: a manifest and a signature each, neither in the other's way."""
    person, seal = signing_pki.citizen_384, signing_pki.seal
    first, second = prepared_e(person), prepared_e(seal, number=2)
    signed = sign_asic(
        first,
        signature=person.sign(first.to_be_signed.digest),
        level=Level.T,
        now=SIGNING_TIME,
        sources=sources,
    )
    with (
        Blob.of(CONTENT) as content,
        Blob.of(OTHER) as other,
        finish_asic(
            second,
            signature=seal.sign(second.to_be_signed.digest),
            contents=[content, other],
            level=Level.B,
            now=SIGNING_TIME,
            sources=sources,
            earlier=[signed],
        ) as made,
    ):
        packed = zipfile.ZipFile(io.BytesIO(made.read()))
    assert len(packed.namelist()) == 7
    for number in ("001", "002"):
        manifest = packed.read(f"META-INF/ASiCManifest{number}.xml")
        raw = packed.read(f"META-INF/signature{number}.p7s")
        assert f"signature{number}.p7s".encode() in manifest
        opinion = openssl_verifies(
            raw, root=signing_pki.root_pem, folder=tmp_path, content=manifest
        )
        assert opinion.is_valid, opinion.said


def test_signatures_that_do_not_go_together_are_not_packed(hand: Hand, sources: Sources) -> None:
    def signed(prepared: PreparedAsic) -> SignedAsic:
        signature = hand.sign(prepared.to_be_signed.digest)
        return sign_asic(
            prepared, signature=signature, level=Level.B, now=SIGNING_TIME, sources=sources
        )

    simple, extended = signed(prepared_s(hand)), signed(prepared_e(hand))
    with Blob.of(CONTENT) as one, Blob.of(OTHER) as two:
        for signatures, contents, reason in (
            ([simple, simple], [one], "several_signatures"),
            ([simple, replace(simple, number=2)], [one], "several_signatures"),
            ([extended, extended], [one, two], "several_signatures"),
            ([extended, replace(simple, number=2)], [one, two], "document_changed"),
            ([extended], [one], "document_changed"),
        ):
            with pytest.raises(DocumentRefused) as refused:
                pack_asic(signatures, contents=contents)
            assert refused.value.reason == reason
    with pytest.raises(DocumentRefused):
        prepared_e(hand, number=1_000)


def test_every_document_stands_in_the_manifest_with_its_type(hand: Hand) -> None:
    """ETSI EN 319 162-1 annex A.4."""
    root = etree.fromstring(prepared_e(hand).manifest)
    assert root.tag == f"{ASIC}ASiCManifest"
    found = [
        (unquote(one.get("URI")), one.get("MimeType"))
        for one in root.findall(f"{ASIC}DataObjectReference")
    ]
    assert found == [(NAME, "application/pdf"), ("b.xml", None)]
    assert root.find(f"{ASIC}SigReference").get("MimeType") == "application/pkcs7-signature"


def test_what_was_prepared_can_be_stored(hand: Hand) -> None:
    prepared = prepared_e(hand)
    stored = msgspec.msgpack.decode(msgspec.msgpack.encode(prepared), type=PreparedAsic)
    assert stored == prepared


def test_a_document_and_a_timestamp_make_an_asic_s(
    timestamps, signing_pki: SigningPki, tmp_path: Path
) -> None:
    """ETSI EN 319 162-1 §4.3.3.2: META-INF/timestamp.tst, over the document itself."""
    with (
        Blob.of(CONTENT) as content,
        stamp_asic_s(NAME, content=content, timestamps=timestamps) as made,
        zipfile.ZipFile(io.BytesIO(made.read())) as packed,
    ):
        assert packed.namelist() == ["mimetype", NAME, "META-INF/timestamp.tst"]
        assert packed.read("mimetype") == b"application/vnd.etsi.asic-s+zip"
        token = packed.read("META-INF/timestamp.tst")
    said = openssl_verifies_token(token, data=CONTENT, root=signing_pki.root_pem, folder=tmp_path)
    assert "Verification: OK" in said.splitlines(), said


def test_no_timestamp_no_container(no_timestamps) -> None:
    with Blob.of(CONTENT) as content, pytest.raises(TimestampUnavailable):
        stamp_asic_s(NAME, content=content, timestamps=no_timestamps)


def _fault(hand: Hand, prepared: PreparedAsic, *contents: bytes, sources: Sources) -> SigningError:
    with pytest.raises(SigningError) as fault:
        finished(hand, prepared, *contents, level=Level.LT, sources=sources)
    return fault.value


def test_other_documents_than_prepared_are_refused(hand: Hand, sources: Sources) -> None:
    """What is put in is what was signed: swapped, missing, added."""
    prepared = prepared_e(hand)
    for contents in ((OTHER, CONTENT), (CONTENT,), (CONTENT, OTHER, b""), (CONTENT, b"")):
        fault = _fault(hand, prepared, *contents, sources=sources)
        assert isinstance(fault, DocumentRefused)
        assert fault.reason == "document_changed"


def test_whoever_is_away_leaves_nothing_half_made(
    hand: Hand, timestamps, status, no_timestamps, no_status
) -> None:
    prepared = prepared_e(hand)
    for away in (Sources(no_timestamps, status), Sources(timestamps, no_status)):
        assert isinstance(_fault(hand, prepared, CONTENT, OTHER, sources=away), SigningError)


def test_a_foreign_signature_is_refused(
    hand: Hand, sources: Sources, signing_pki: SigningPki
) -> None:
    prepared = prepared_s(hand)
    with Blob.of(CONTENT) as content, pytest.raises(SignatureForeign):
        finish_asic(
            prepared,
            signature=signing_pki.seal.sign(prepared.to_be_signed.digest),
            contents=[content],
            level=Level.B,
            now=SIGNING_TIME,
            sources=sources,
        )


@pytest.mark.parametrize(
    ("documents", "reason"),
    [
        ([], "no_documents"),
        ([DocumentDigest("../x", bytes(32))], "name_escapes"),
        ([DocumentDigest("META-INF/x", bytes(32))], "name_reserved"),
        ([DocumentDigest("x", bytes(20))], "wrong_digest_length"),
        ([DocumentDigest("x", bytes(32), 'a/b"c')], "mime_type"),
        ([DocumentDigest("x", bytes(32)), DocumentDigest("X", bytes(32))], "name_twice"),
        ([DocumentDigest(f"{one}", bytes(32)) for one in range(1_001)], "too_many_documents"),
    ],
)
def test_what_cannot_be_packed_is_refused_at_once(hand: Hand, documents, reason: str) -> None:
    """ETSI EN 319 162-1 §4.4.3: names are those of files in the container."""
    with pytest.raises(DocumentRefused) as refused:
        prepare_asic_e(hand.signatory, documents=documents, signing_time=SIGNING_TIME)
    assert refused.value.reason == reason


def test_the_signature_in_a_container_is_detached(hand: Hand, sources: Sources) -> None:
    """ETSI EN 319 162-1 §5: the CAdES signature is over the file beside it."""
    packed = finished(hand, prepared_s(hand), CONTENT, level=Level.B, sources=sources)
    data = strictly(packed.read("META-INF/signature.p7s"))
    assert data["encap_content_info"]["content"].native is None
