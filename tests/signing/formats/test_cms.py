"""A signature in CMS: accepted by `openssl cms` and pyHanko, DER to the last octet."""

from __future__ import annotations

import hashlib
from datetime import UTC, datetime

import msgspec
import pytest
from asn1crypto import cms as asn1_cms
from asn1crypto import tsp as asn1_tsp
from hypothesis import example, given
from hypothesis import strategies as st

from signing.errors import DocumentRefused, SignatureForeign
from signing.formats.cms import (
    PreparedCms,
    build_signed_data,
    finish_cms,
    frame_signed_data,
    prepare_cms,
    timestamp_imprint,
)
from signing.formats.material import Signatory, ValidationMaterial
from tests.support.cms_opinions import (
    openssl_verifies,
    pyhanko_says,
    signed_attributes,
    strictly,
)
from tests.support.signatory import SIGNING_TIME, Hand, SigningPki

CONTENT = "Đơn đề nghị cấp bản sao".encode()


def prepared_for(hand: Hand, content: bytes = CONTENT, **changes) -> PreparedCms:
    digest = hashlib.new(hand.signatory.hash_name, content).digest()
    given = {"content_digest": digest, "signing_time": SIGNING_TIME}
    return prepare_cms(hand.signatory, **(given | changes))


def signature_of(hand: Hand, content: bytes = CONTENT, **finishing) -> bytes:
    prepared = prepared_for(hand, content)
    signature = hand.sign(prepared.to_be_signed.digest)
    return finish_cms(prepared, signature=signature, **finishing)


def finish(hand: Hand, *, content: bytes) -> bytes:
    prepared = prepared_for(hand, content)
    return finish_cms(prepared, signature=hand.sign(prepared.to_be_signed.digest), content=content)


def test_a_detached_signature_is_valid_to_others(
    each_hand: Hand, signing_pki: SigningPki, tmp_path
) -> None:
    made = signature_of(each_hand)
    opinion = openssl_verifies(made, root=signing_pki.root_pem, folder=tmp_path, content=CONTENT)
    assert opinion.is_valid, opinion.said
    status = pyhanko_says(made, content=CONTENT, roots=[signing_pki.root.der])
    assert status.bottom_line, status.summary()


def test_an_enveloping_signature_is_valid_and_gives_its_content_out(
    each_hand: Hand, signing_pki: SigningPki, tmp_path
) -> None:
    made = finish(each_hand, content=CONTENT)
    opinion = openssl_verifies(made, root=signing_pki.root_pem, folder=tmp_path)
    assert opinion.is_valid, opinion.said
    assert opinion.content == CONTENT
    assert strictly(made)["encap_content_info"]["content"].native == CONTENT


def test_another_content_is_invalid_to_others(
    hand: Hand, signing_pki: SigningPki, tmp_path
) -> None:
    """RFC 5652 §5.6: the message digest has to be the content's; the checkers can tell."""
    made = signature_of(hand)
    opinion = openssl_verifies(
        made, root=signing_pki.root_pem, folder=tmp_path, content=CONTENT + b" "
    )
    assert not opinion.is_valid
    assert not pyhanko_says(made, content=b"other", roots=[signing_pki.root.der]).intact


def test_the_attributes_are_those_of_the_standard(each_hand: Hand) -> None:
    """ETSI EN 319 122-1 §6.3: content type, digest, time, certificate; nothing by SHA-1."""
    data = strictly(signature_of(each_hand))
    found = signed_attributes(data)
    hash_name = each_hand.signatory.hash_name
    assert set(found) == {
        "content_type",
        "message_digest",
        "signing_time",
        "signing_certificate_v2",
    }
    assert found["content_type"].native == ["data"]
    assert found["message_digest"].native == [hashlib.new(hash_name, CONTENT).digest()]
    assert found["signing_time"].native == [SIGNING_TIME]
    (named,) = found["signing_certificate_v2"]
    assert isinstance(named, asn1_tsp.SigningCertificateV2)
    (one,) = named["certs"]
    assert one["hash_algorithm"]["algorithm"].native == hash_name
    digest = hashlib.new(hash_name, each_hand.signatory.certificate).digest()
    assert one["cert_hash"].native == digest


def test_the_root_stays_outside_and_the_rest_of_the_chain_goes_in(
    hand: Hand, signing_pki: SigningPki
) -> None:
    data = strictly(signature_of(hand))
    inside = {one.chosen.dump() for one in data["certificates"]}
    assert inside == {hand.signatory.certificate, signing_pki.issuing.der}


def test_pss_says_its_parameters(signing_pki: SigningPki) -> None:
    """RFC 4055 §3.1: hash, mask and salt are written out where they are not SHA-1's."""
    data = strictly(signature_of(signing_pki.citizen_rsa))
    (signer,) = data["signer_infos"]
    algorithm = signer["signature_algorithm"]
    assert algorithm["algorithm"].native == "rsassa_pss"
    parameters = algorithm["parameters"].native
    assert parameters["hash_algorithm"]["algorithm"] == "sha256"
    assert parameters["mask_gen_algorithm"]["algorithm"] == "mgf1"
    assert parameters["mask_gen_algorithm"]["parameters"]["algorithm"] == "sha256"
    assert parameters["salt_length"] == 32
    assert parameters["trailer_field"] == "trailer_field_bc"


def test_pades_leaves_the_time_out(hand: Hand) -> None:
    """ETSI EN 319 142-1 §6.3: signing-time shall not be there, the time is the dictionary's."""
    prepared = prepared_for(hand, signing_time=None)
    made = finish_cms(prepared, signature=hand.sign(prepared.to_be_signed.digest))
    assert "signing_time" not in signed_attributes(strictly(made))


def test_a_time_beyond_2049_is_written_in_full(hand: Hand) -> None:
    """RFC 5652 §11.3: UTCTime through 2049, GeneralizedTime from 2050 on."""
    later = datetime(2050, 1, 1, tzinfo=UTC)
    for instant, name in ((SIGNING_TIME, "utc_time"), (later, "generalized_time")):
        prepared = prepared_for(hand, signing_time=instant)
        made = finish_cms(prepared, signature=hand.sign(prepared.to_be_signed.digest))
        (value,) = signed_attributes(strictly(made))["signing_time"]
        assert (value.name, value.native) == (name, instant)


def test_what_was_prepared_can_be_stored(each_hand: Hand) -> None:
    prepared = prepared_for(each_hand)
    stored = msgspec.msgpack.decode(msgspec.msgpack.encode(prepared), type=PreparedCms)
    assert stored == prepared
    assert stored.to_be_signed == prepared.to_be_signed


def test_neither_certificate_nor_digest_shows(hand: Hand) -> None:
    shown = repr(prepared_for(hand))
    assert "b'" not in shown


def test_a_signature_by_another_key_is_refused(hand: Hand, signing_pki: SigningPki) -> None:
    """RFC 5652 §5.6: the value is the one of the key in the certificate."""
    prepared = prepared_for(hand)
    foreign = signing_pki.seal.sign(prepared.to_be_signed.digest)
    with pytest.raises(SignatureForeign):
        finish_cms(prepared, signature=foreign)


def test_a_signature_over_something_else_is_refused(each_hand: Hand) -> None:
    prepared = prepared_for(each_hand)
    other = each_hand.sign(prepared_for(each_hand, b"other").to_be_signed.digest)
    for raw in (other, b"", other[:-1], other + b"\0"):
        with pytest.raises(SignatureForeign):
            finish_cms(prepared, signature=raw)


@pytest.mark.parametrize("length", [0, 20, 31, 33, 48])
def test_a_digest_of_another_length_is_refused(hand: Hand, length: int) -> None:
    """RFC 5652 §11.2: the digest is one of the digest algorithm."""
    with pytest.raises(DocumentRefused) as refused:
        prepared_for(hand, content_digest=bytes(length))
    assert refused.value.reason == "wrong_digest_length"


def test_another_content_than_prepared_is_refused(hand: Hand) -> None:
    prepared = prepared_for(hand)
    signature = hand.sign(prepared.to_be_signed.digest)
    with pytest.raises(DocumentRefused) as refused:
        finish_cms(prepared, signature=signature, content=CONTENT + b" ")
    assert refused.value.reason == "document_changed"


def test_evidence_goes_where_baseline_wants_it(hand: Hand, status) -> None:
    """ETSI EN 319 122-1 §5.5; RFC 5940 §2; RFC 5652 §5.1: version 5 with a status answer."""
    chain = (hand.signatory.certificate, *hand.signatory.chain)
    material = status.material(chain, now=SIGNING_TIME)
    data = strictly(signature_of(hand, material=material.with_others(material)))
    assert data["version"].native == "v5"
    assert {one.name for one in data["crls"]} == {"crl", "other"}
    assert len(data["crls"]) == 2
    inside = {one.chosen.dump() for one in data["certificates"]}
    assert inside == set(material.certificates)


@pytest.mark.parametrize(
    ("material", "content_type", "version"),
    [
        (None, "1.2.840.113549.1.7.1", "v1"),
        (None, "1.2.840.113549.1.9.16.1.4", "v3"),
        (ValidationMaterial(ocsp_responses=(b"\x30\x00",)), "1.2.840.113549.1.7.1", "v5"),
        (ValidationMaterial(crls=(b"\x30\x00",)), "1.2.840.113549.1.7.1", "v1"),
        (ValidationMaterial(certificates=(b"\xa1\x00",)), "1.2.840.113549.1.7.1", "v3"),
        (ValidationMaterial(certificates=(b"\xa2\x00",)), "1.2.840.113549.1.7.1", "v4"),
        (ValidationMaterial(certificates=(b"\xa3\x00",)), "1.2.840.113549.1.7.1", "v5"),
    ],
)
def test_the_version_follows_what_is_inside(
    hand: Hand, material, content_type: str, version: str
) -> None:
    """RFC 5652 §5.1."""
    prepared = prepared_for(hand, content_type_oid=content_type)
    signature = hand.sign(prepared.to_be_signed.digest)
    made = finish_cms(prepared, signature=signature, material=material)
    outer = asn1_cms.ContentInfo.load(made, strict=True)
    assert outer["content"]["version"].native == version


def test_a_timestamp_is_over_the_value(hand: Hand, signing_pki: SigningPki) -> None:
    """ETSI EN 319 122-1 §5.3: over the signature field of SignerInfo, without its header."""
    prepared = prepared_for(hand)
    signature = hand.sign(prepared.to_be_signed.digest)
    imprint = timestamp_imprint(signature, hash_name="sha256")
    token = signing_pki.timestamps().stamp(imprint, hash_name="sha256")
    made = finish_cms(prepared, signature=signature, timestamp=token)
    status = pyhanko_says(made, content=CONTENT, roots=[signing_pki.root.der])
    assert status.timestamp_validity is not None
    assert status.bottom_line, status.summary()
    assert status.timestamp_validity.trusted
    assert status.timestamp_validity.timestamp == SIGNING_TIME


@given(st.integers(0, 70_000))
@example(0)
@example(0x7F)
@example(0x80)
@example(0xFFFF)
def test_a_frame_fits_around_a_content_of_any_size(signing_pki: SigningPki, size: int) -> None:
    """X.690 §10.1: the shortest length, at every border where it grows by an octet."""
    hand, content = signing_pki.citizen, bytes(size)
    prepared = prepared_for(hand, content)
    data = build_signed_data(prepared, signature=hand.sign(prepared.to_be_signed.digest))
    frame = frame_signed_data(data, content_size=size)
    inside = strictly(frame.head + content + frame.tail)["encap_content_info"]["content"]
    assert inside.native == content


def test_a_kind_of_key_that_signs_no_documents_is_refused(hand: Hand) -> None:
    odd = Signatory(hand.signatory.certificate, hand.signatory.chain, "ES384")
    prepared = prepare_cms(odd, content_digest=bytes(48), signing_time=None)
    with pytest.raises(SignatureForeign):
        finish_cms(prepared, signature=hand.sign(bytes(32)))
