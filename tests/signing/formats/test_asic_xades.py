"""ASiC with XAdES: containers whose signatures are accepted, with every document referenced."""

from __future__ import annotations

import hashlib
import io
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import msgspec
import pytest
from lxml import etree

from signing.errors import DocumentRefused, SignatureForeign, TimestampUnavailable
from signing.formats.asic_cades import DocumentDigest
from signing.formats.asic_xades import (
    PreparedAsicXades,
    finish_asic_xades,
    pack_asic_xades,
    prepare_asic_xades,
    write_signatures_file,
)
from signing.formats.cades import Sources
from signing.formats.material import Level
from signing.formats.xades_augment import augment_xades
from signing.formats.xades_properties import Particulars, Place
from signing.isolation.blob import Blob
from tests.support.isolation import WithoutWalls
from tests.support.signatory import SIGNING_TIME, Hand, SigningPki
from tests.support.xades_hands import HANDS, LEVELS, canonical_value, openssl_stamps, tokens_in
from tests.support.xml_checkers import DS, Signed, ask_xadesjs, xmlsec_accepts

_ASIC = "{http://uri.etsi.org/02918/v1.2.1#}"
_MANIFEST = "{urn:oasis:names:tc:opendocument:xmlns:manifest:1.0}"
DOCUMENTS: Mapping[str, bytes] = {
    "Đơn đề nghị.xml": "<đơn/>".encode(),
    "phụ lục/ảnh 1 (bản sao).png": bytes(range(256)),
    "trống.txt": b"",
    "100%+a=b&c.txt": b"x",
}


def prepare(
    hand: Hand, documents: Mapping[str, bytes] = DOCUMENTS, **more: Any
) -> PreparedAsicXades:
    digests = [
        DocumentDigest(name, hashlib.new(hand.signatory.hash_name, content).digest(), "text/plain")
        for name, content in documents.items()
    ]
    return prepare_asic_xades(hand.signatory, documents=digests, signing_time=SIGNING_TIME, **more)


def finish(
    prepared: PreparedAsicXades,
    *,
    hand: Hand,
    pki: SigningPki,
    documents: Mapping[str, bytes] = DOCUMENTS,
    **changes: Any,
) -> bytes:
    blobs = [Blob.of(content) for content in documents.values()]
    given = {
        "signature": hand.sign(prepared.to_be_signed.digest),
        "contents": blobs,
        "level": Level.B,
        "now": SIGNING_TIME,
        "sources": Sources(pki.timestamps(), pki.status()),
    }
    with finish_asic_xades(prepared, **(given | changes)) as made:
        return made.read()


def unpack(container: bytes) -> dict[str, bytes]:
    with zipfile.ZipFile(io.BytesIO(container)) as packed:
        assert packed.testzip() is None
        return {one: packed.read(one) for one in packed.namelist()}


def signatures_in(container: bytes, *, certificate: bytes, name: str) -> list[Signed]:
    """What a verifier is handed: each file of signatures with the documents beside it."""
    files = unpack(container)
    found = []
    for number, file in enumerate(sorted(files)):
        if not file.startswith("META-INF/signatures"):
            continue
        root = etree.fromstring(files[file])
        assert root.tag == f"{_ASIC}XAdESSignatures"
        uris = [one.get("URI") for one in root.iter(f"{{{DS}}}Reference")]
        beside = {uri: files[unquote(uri)] for uri in uris if not uri.startswith("#")}
        found.append(Signed(f"{name}-{number}", files[file], certificate, "", beside))
    return found


@pytest.fixture(scope="module")
def containers(signing_pki: SigningPki) -> Mapping[str, bytes]:
    found = {}
    for who in HANDS:
        hand: Hand = getattr(signing_pki, who)
        for level in LEVELS:
            for is_simple in (False, True):
                documents = dict(list(DOCUMENTS.items())[:1]) if is_simple else DOCUMENTS
                prepared = prepare(hand, documents, is_simple=is_simple)
                name = f"{'S' if is_simple else 'E'} {level} {who}"
                found[name] = finish(
                    prepared, hand=hand, pki=signing_pki, documents=documents, level=level
                )
    return found


def test_every_container_is_valid_to_both(
    containers: Mapping[str, bytes], signing_pki: SigningPki, tmp_path: Path
) -> None:
    checked = []
    for name, container in containers.items():
        hand: Hand = getattr(signing_pki, name.split()[2])
        certificate = hand.signatory.certificate
        [signed] = signatures_in(container, certificate=certificate, name=name)
        assert len(signed.beside) == (1 if name.startswith("S") else len(DOCUMENTS))
        assert xmlsec_accepts(signed), name
        checked.append(signed)
    said = ask_xadesjs(checked, folder=tmp_path)
    assert {name: one["fault"] for name, one in said.items() if not one["valid"]} == {}


def test_openssl_accepts_the_timestamps_inside(
    containers: Mapping[str, bytes], signing_pki: SigningPki, tmp_path: Path
) -> None:
    """ETSI EN 319 132-1 §5.3."""
    for name, container in containers.items():
        [signed] = signatures_in(container, certificate=b"", name=name)
        tokens = tokens_in(signed.xml)
        assert len(tokens) == (0 if "B-B" in name else 1)
        for token in tokens:
            said = openssl_stamps(
                token, data=canonical_value(signed.xml), pki=signing_pki, folder=tmp_path
            )
            assert "Verification: OK" in said, said


def test_an_altered_document_is_refused_by_both(
    hand: Hand, signing_pki: SigningPki, tmp_path: Path
) -> None:
    container = finish(prepare(hand), hand=hand, pki=signing_pki)
    [signed] = signatures_in(container, certificate=hand.signatory.certificate, name="a")
    altered = [
        Signed(str(number), signed.xml, signed.certificate, "", {**signed.beside, uri: b"other"})
        for number, uri in enumerate(signed.beside)
    ]
    assert not any(map(xmlsec_accepts, altered))
    said = ask_xadesjs(altered, folder=tmp_path)
    assert not any(one["valid"] for one in said.values())


def test_names_in_an_asic_e_are_those_of_the_standard(hand: Hand, signing_pki: SigningPki) -> None:
    """ETSI EN 319 162-1 §4.4.3.1, §4.4.3.2 and annex A.1."""
    container = finish(prepare(hand), hand=hand, pki=signing_pki)
    assert container[30:69] == b"mimetypeapplication/vnd.etsi.asic-e+zip"
    files = unpack(container)
    assert list(files) == [
        "mimetype",
        *DOCUMENTS,
        "META-INF/manifest.xml",
        "META-INF/signatures001.xml",
    ]
    entries = {
        one.get(f"{_MANIFEST}full-path"): one.get(f"{_MANIFEST}media-type")
        for one in etree.fromstring(files["META-INF/manifest.xml"])
    }
    assert entries == {
        "/": "application/vnd.etsi.asic-e+zip",
        **dict.fromkeys(DOCUMENTS, "text/plain"),
    }
    assert all(files[name] == content for name, content in DOCUMENTS.items())


def test_an_asic_s_has_one_document_and_one_file_of_signatures(
    hand: Hand, signing_pki: SigningPki
) -> None:
    """ETSI EN 319 162-1 §4.3.3.2."""
    documents = {"một.pdf": b"%PDF"}
    prepared = prepare(hand, documents, is_simple=True)
    container = finish(prepared, hand=hand, pki=signing_pki, documents=documents)
    assert container[30:69] == b"mimetypeapplication/vnd.etsi.asic-s+zip"
    assert list(unpack(container)) == ["mimetype", "một.pdf", "META-INF/signatures.xml"]
    with pytest.raises(DocumentRefused) as refused:
        prepare(hand, is_simple=True)
    assert refused.value.reason == "too_many_documents"
    with Blob.of(b"%PDF") as content, pytest.raises(DocumentRefused) as refused:
        pack_asic_xades(prepared, contents=[content], signatures=[b"", b""])
    assert refused.value.reason == "several_signatures"


def test_person_and_seal_have_a_file_each_and_both_are_valid(signing_pki: SigningPki) -> None:
    """NĐ 30/2020/NĐ-CP: the person first, then the organisation's seal."""
    person, seal = signing_pki.citizen, signing_pki.seal
    given = {
        "level": Level.LT,
        "now": SIGNING_TIME,
        "sources": Sources(signing_pki.timestamps(), signing_pki.status()),
    }
    first = prepare(person)
    signature = person.sign(first.to_be_signed.digest)
    earlier = write_signatures_file(first, signature=signature, **given)
    second = prepare(seal)
    container = finish(second, hand=seal, pki=signing_pki, earlier=[earlier])
    files = unpack(container)
    assert files["META-INF/signatures001.xml"] == earlier
    assert "META-INF/signatures002.xml" in files
    of_person, _ = signatures_in(container, certificate=person.signatory.certificate, name="person")
    _, of_seal = signatures_in(container, certificate=seal.signatory.certificate, name="seal")
    assert xmlsec_accepts(of_person)
    assert xmlsec_accepts(of_seal)


def test_a_file_of_signatures_is_augmented_outside_of_its_container(
    hand: Hand, signing_pki: SigningPki
) -> None:
    prepared = prepare(hand)
    plain = Sources(signing_pki.timestamps(), signing_pki.status(), signing_pki.chain)
    given = {"now": SIGNING_TIME, "sources": plain}
    signature = hand.sign(prepared.to_be_signed.digest)
    file = write_signatures_file(prepared, signature=signature, level=Level.B, **given)
    contents = [Blob.of(content) for content in DOCUMENTS.values()]
    with (
        Blob.of(file) as first,
        augment_xades(first, level=Level.LT, isolation=WithoutWalls(), **given) as second,
        pack_asic_xades(prepared, contents=contents, signatures=[second]) as container,
    ):
        [signed] = signatures_in(container.read(), certificate=hand.signatory.certificate, name="a")
    assert xmlsec_accepts(signed)
    assert len(tokens_in(signed.xml)) == 1


def test_the_two_halves_can_be_stored_in_between(hand: Hand, signing_pki: SigningPki) -> None:
    particulars = Particulars(Place("Hà Nội"), "Giám đốc")
    prepared = prepare(hand, particulars=particulars)
    again = msgspec.json.decode(msgspec.json.encode(prepared), type=PreparedAsicXades)
    assert again == prepared
    assert finish(again, hand=hand, pki=signing_pki)


@pytest.mark.parametrize(
    "changed",
    [
        {"Đơn đề nghị.xml": b"other"},
        {"Đơn đề nghị.xml": DOCUMENTS["trống.txt"], "trống.txt": DOCUMENTS["Đơn đề nghị.xml"]},
    ],
)
def test_documents_that_changed_in_between_are_refused(
    changed: Mapping[str, bytes], hand: Hand, signing_pki: SigningPki
) -> None:
    with pytest.raises(DocumentRefused) as refused:
        finish(prepare(hand), hand=hand, pki=signing_pki, documents={**DOCUMENTS, **changed})
    assert refused.value.reason == "document_changed"


def test_a_document_more_or_less_is_refused(hand: Hand, signing_pki: SigningPki) -> None:
    for documents in ({**DOCUMENTS, "more": b""}, dict(list(DOCUMENTS.items())[:-1])):
        with pytest.raises(DocumentRefused):
            finish(prepare(hand), hand=hand, pki=signing_pki, documents=documents)


def test_nothing_is_packed_without_signature_or_timestamp(
    hand: Hand, signing_pki: SigningPki
) -> None:
    with pytest.raises(SignatureForeign):
        finish(prepare(hand), hand=hand, pki=signing_pki, signature=b"")
    with pytest.raises(TimestampUnavailable):
        finish(prepare(hand), hand=hand, pki=signing_pki, level=Level.T, sources=Sources())


@pytest.mark.parametrize(
    ("names", "reason"),
    [
        ((), "no_documents"),
        (("../a",), "name_escapes"),
        (("META-INF/a",), "name_reserved"),
        (("a", "A"), "name_twice"),
        (("a\u202eb",), "name_refused"),
    ],
)
def test_names_that_a_container_cannot_hold_are_refused(
    names: tuple[str, ...], reason: str, hand: Hand
) -> None:
    """ETSI EN 319 162-1 annex A.1; APPNOTE.TXT §4.4.17."""
    with pytest.raises(DocumentRefused) as refused:
        prepare(hand, dict.fromkeys(names, b""))
    assert refused.value.reason == reason


def test_a_digest_of_the_wrong_length_is_refused(hand: Hand) -> None:
    with pytest.raises(DocumentRefused) as refused:
        prepare_asic_xades(
            hand.signatory,
            documents=[DocumentDigest("a", b"\x00" * 31)],
            signing_time=SIGNING_TIME,
        )
    assert refused.value.reason == "wrong_digest_length"
