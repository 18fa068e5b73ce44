"""Signatures in CMS that `openssl` made in every way that it can, and that somebody changed."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from signing.formats.cms import frame_signed_data
from signing.formats.der import oid, set_of
from signing.formats.signed_data import SignerInfo, read_signed_data
from signing.isolation.blob import Blob
from signing.validation.cades_references import key_of
from signing.validation.cms import encapsulated_content, read_cms, read_signer
from signing.validation.content import DigestsOnly, Octets
from signing.validation.detached import Detached
from signing.validation.found import Form, FoundDocument, FoundSignature, Packaging
from signing.validation.signed_parts import read_parts
from signing.validation.verify_value import is_value_of
from tests.support.openssl_cms import OpensslSigner, openssl_accepts

CONTENT = "Kính gửi: Ủy ban nhân dân\n".encode() * 40


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("openssl")


@pytest.fixture(scope="module")
def signer(folder: Path) -> OpensslSigner:
    return OpensslSigner.make(folder, "rsa")


@pytest.fixture(scope="module")
def other(folder: Path) -> OpensslSigner:
    return OpensslSigner.make(folder, "ec", key="ec:P-256")


def read(raw: bytes, *detached: Detached) -> FoundDocument:
    with Blob.of(raw) as document:
        return read_cms(document, detached=detached)


def is_intact(found: FoundSignature) -> bool:
    """Whether digests and value are right, and nothing of the format is wrong."""
    if found.value is None or found.candidate is None or found.malformed:
        return False
    key = key_of(found.candidate)
    return (
        key is not None
        and all(one.is_intact for one in found.objects)
        and is_value_of(key, signed=found.value)
    )


WAYS = {
    "DER": ("-nodetach",),
    "BER in pieces": ("-nodetach", "-stream"),
    "with CAdES attributes": ("-nodetach", "-cades"),
    "without attributes": ("-nodetach", "-noattr"),
    "named by its key": ("-nodetach", "-keyid"),
    "SHA-1": ("-nodetach", "-md", "sha1"),
    "SHA-512": ("-nodetach", "-md", "sha512"),
    "SHA-3": ("-nodetach", "-md", "sha3-256"),
    "PSS": ("-nodetach", "-keyopt", "rsa_padding_mode:pss"),
    "PEM": ("-nodetach", "-outform", "PEM"),
}


@pytest.mark.parametrize("way", WAYS)
def test_whatever_openssl_signs_is_intact(signer: OpensslSigner, way: str) -> None:
    found = read(signer.sign(CONTENT, *WAYS[way]))
    assert found.kind == "cms"
    (one,) = found.signatures
    assert is_intact(one)
    assert one.packaging is Packaging.ENVELOPING
    assert one.form is (Form.CADES if way == "with CAdES attributes" else Form.CMS)
    assert one.candidate == signer.certificate
    assert (one.claimed_time is None) == (way == "without attributes")


def test_base64_without_lines_around_it_is_read(signer: OpensslSigner) -> None:
    found = read(base64.encodebytes(signer.sign(CONTENT, "-nodetach")))
    assert is_intact(found.signatures[0])


def test_several_signers_are_read_each_with_its_certificate(
    signer: OpensslSigner, other: OpensslSigner
) -> None:
    found = read(signer.sign(CONTENT, "-nodetach", "-cades", others=(other,)))
    assert [one.identity for one in found.signatures] == ["S-1", "S-2"]
    assert all(map(is_intact, found.signatures))
    assert {one.candidate for one in found.signatures} == {signer.certificate, other.certificate}


def test_a_detached_content_is_missed_found_or_known_by_its_digest(signer: OpensslSigner) -> None:
    raw = signer.sign(CONTENT, "-cades")
    (missing,) = read(raw).signatures
    assert not missing.objects[0].is_found
    with Blob.of(CONTENT) as content, Blob.of(b"other") as stranger:
        (one,) = read(raw, Detached("x", content)).signatures
        assert is_intact(one)
        assert one.packaging is Packaging.DETACHED
        # of several, the one that is meant is taken
        (one,) = read(raw, Detached("y", stranger), Detached("x", content)).signatures
        assert is_intact(one)
        (one,) = read(raw, Detached("y", stranger)).signatures
        assert one.objects[0].is_found
        assert not one.objects[0].is_intact
    digest = Octets(CONTENT).digest("sha256")
    assert digest is not None
    (one,) = read(raw, Detached("x", None, {"sha256": digest})).signatures
    assert is_intact(one)


def test_an_attached_content_is_what_counts_and_not_one_that_was_handed_in(
    signer: OpensslSigner,
) -> None:
    with Blob.of(b"other") as stranger:
        found = read(signer.sign(CONTENT, "-nodetach"), Detached("x", stranger))
    assert is_intact(found.signatures[0])
    assert [one.code for one in found.findings] == ["detached_not_used"]


def test_a_digest_alone_does_not_do_for_a_value_over_the_content_itself(
    signer: OpensslSigner,
) -> None:
    raw = signer.sign(CONTENT, "-noattr")
    digests = {"sha256": Octets(CONTENT).digest("sha256") or b""}
    (one,) = read_signer(raw, identity="S-1", place="", content=DigestsOnly(digests))
    assert one.value is None


def test_attributes_in_another_order_than_signed_are_put_in_order(signer: OpensslSigner) -> None:
    """RFC 5652 §5.4: what is signed is the DER of the attributes, in whatever order they stand."""
    raw = signer.sign(CONTENT, "-nodetach", "-cades")
    own = read_parts(raw).signers[0]
    wholes = [one.whole for one in own.signed]
    written = b"".join(wholes)
    turned = raw.replace(written, b"".join(reversed(wholes)))
    assert turned != raw
    assert set_of(wholes) == own.signed_octets
    (one,) = read(turned).signatures
    assert is_intact(one)
    assert "attributes_out_of_order" in [reason.code for reason in one.doubts]


def test_a_signed_attribute_that_stands_twice_is_a_fault_of_the_format(
    signer: OpensslSigner,
) -> None:
    """RFC 5652 §11.1 to §11.3: each is there once, with one value."""
    raw = signer.sign(CONTENT, "-nodetach")
    own = read_parts(raw).signers[0]
    times, digests = oid("1.2.840.113549.1.9.5"), oid("1.2.840.113549.1.9.4")
    assert raw.count(times) == raw.count(digests) == 1
    assert own.signed_octets is not None
    (one,) = read(raw.replace(times, digests)).signatures
    assert [reason.code for reason in one.malformed] == ["attribute_twice"]
    (one,) = read(raw.replace(digests, times)).signatures
    codes = [reason.code for reason in one.malformed]
    assert codes == ["attribute_twice", "message_digest_missing"]


def test_attributes_of_one_signature_are_no_document_of_another(signer: OpensslSigner) -> None:
    """The value over the attributes fits a content of the same octets, without any attributes."""
    own = read_signed_data(signer.sign(CONTENT, "-cades"))
    one = own.signers[0]
    forged = replace(own, signers=(replace(one, signed_attributes=b""),))
    frame = frame_signed_data(forged, content_size=len(one.signed_attributes))
    (found,) = read(frame.head + one.signed_attributes + frame.tail).signatures
    assert found.value is not None
    assert found.candidate is not None
    assert is_value_of(key_of(found.candidate) or b"", signed=found.value)
    assert [reason.code for reason in found.malformed] == ["content_is_signed_attributes"]


def test_any_octet_that_is_changed_is_noticed_as_openssl_notices_it(
    signer: OpensslSigner, folder: Path
) -> None:
    raw = signer.sign(b"short", "-nodetach", "-cades", "-nocerts")
    certificate = signer.certificate
    whole = signer.sign(b"short", "-nodetach", "-cades")
    parts = read_parts(whole).signers[0]
    assert parts.signed_octets is not None
    places = [
        whole.index(part) + at
        for part in (b"short", parts.signed_octets[2:], parts.signature)
        for at in range(0, len(part), 1 + len(part) // 60)
    ]
    for place in places:
        changed = bytearray(whole)
        changed[place] ^= 1 << place % 8
        found = read(bytes(changed)).signatures
        assert not any(map(is_intact, found)), place
    for place in places[::30]:
        changed = bytearray(whole)
        changed[place] ^= 1
        assert not openssl_accepts(bytes(changed), folder=folder)
    assert openssl_accepts(whole, folder=folder)
    # without its certificate a signature says nothing
    (one,) = read(raw).signatures
    assert one.candidate is None
    assert certificate not in one.certificates


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"0",
        b"0\x80",
        b"0\x80" * 20_000,
        b"\x30\x84\xff\xff\xff\xff",
        b"-----BEGIN CMS-----\nAAAA\n-----END CMS-----",
        b"A" * 5_000,
        bytes(range(256)) * 40,
    ],
)
def test_what_is_no_cms_says_so(raw: bytes) -> None:
    found = read(raw)
    assert [one.code for one in (*found.malformed, *found.findings)] in (
        ["cms_malformed"],
        ["no_signature"],
    )
    assert found.signatures == ()
    (one,) = read_signer(raw, identity="S-9", place="Signature1", content=None)
    assert one.malformed
    assert (one.identity, one.place) == ("S-9", "Signature1")
    assert encapsulated_content(raw) is None


def test_octets_at_random_places_never_raise(signer: OpensslSigner) -> None:
    whole = signer.sign(b"short", "-nodetach", "-cades", "-stream")
    for number in range(300):
        drawn = hashlib.shake_256(number.to_bytes(2, "big")).digest(32)
        changed = bytearray(whole)
        for at in range(0, 2 + drawn[0] % 6 * 4, 4):
            changed[int.from_bytes(drawn[at + 1 : at + 4]) % len(changed)] = drawn[at]
        read(bytes(changed[: int.from_bytes(drawn[-3:]) % len(changed)]))
        read(bytes(changed))


def test_thousands_of_signers_are_not_read(signer: OpensslSigner) -> None:
    raw = signer.sign(b"short", "-nodetach", "-nocerts", "-md", "sha256")
    data = read_signed_data(raw)
    many = replace(data, signers=tuple(_numbered(data.signers[0], 3_000)))
    frame = frame_signed_data(many, content_size=5)
    found = read(frame.head + b"short" + frame.tail)
    assert [one.code for one in found.malformed] == ["too_many_signatures"]
    assert len(found.signatures) == 64


def test_a_certificate_is_no_signature_and_a_cut_one_is_damaged(signer: OpensslSigner) -> None:
    found = read(signer.certificate)
    assert (found.kind, [one.code for one in found.findings]) == ("unknown", ["no_signature"])
    found = read(signer.sign(CONTENT, "-nodetach")[:-100])
    assert (found.kind, [one.code for one in found.malformed]) == ("cms", ["cms_malformed"])


def test_a_large_content_stays_where_it_is(
    signer: OpensslSigner, monkeypatch: pytest.MonkeyPatch
) -> None:
    raw = signer.sign(CONTENT, "-nodetach", "-cades")
    monkeypatch.setattr("signing.validation.cms._LARGEST_COPY", 100)
    (one,) = read(raw).signatures
    assert is_intact(one)
    at = raw.index(CONTENT) + 5
    assert not is_intact(read(raw[:at] + b"?" + raw[at + 1 :]).signatures[0])
    assert is_intact(read(signer.sign(CONTENT, "-nodetach", "-stream")).signatures[0])
    assert read(raw[:-100]).malformed


def _numbered(signer: SignerInfo, number: int) -> Iterator[SignerInfo]:
    for count in range(number):
        yield replace(signer, signature=count.to_bytes(4, "big"))


def test_openssl_and_we_agree_about_a_hundred_files(
    signer: OpensslSigner, other: OpensslSigner, folder: Path
) -> None:
    """Some as they were made, some with an octet changed in what is signed or in the value."""
    options = list(WAYS.values())[:7]
    said: list[tuple[bool, bool]] = []
    for number in range(20):
        maker = (signer, other)[number % 2]
        way = options[number % len(options)]
        content = hashlib.sha512(bytes([number])).digest()
        whole = maker.sign(content, *way)
        own = read_parts(whole).signers[0]
        # NOTE: openssl writes attributes anew before it judges: a tag that is wrong is right then
        digests = own.signed_values("1.2.840.113549.1.9.4")
        parts = (content, own.signature[8:], digests[0][2:] if digests else content)
        places = [whole.find(part) + number % len(part) for part in parts]
        for place in (None, None, *places):
            raw = bytearray(whole)
            if place is not None:
                raw[place] ^= 1 << number % 8
            ours = all(map(is_intact, read(bytes(raw)).signatures or (_NOTHING,)))
            said.append((ours, openssl_accepts(bytes(raw), folder=folder)))
    assert len(said) == 100
    assert [ours for ours, _ in said] == [theirs for _, theirs in said]
    assert {ours for ours, _ in said} == {True, False}


_NOTHING = FoundSignature("", Form.CMS, Packaging.DETACHED, "", (), None, None)
