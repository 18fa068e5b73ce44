"""Timestamps of CAdES: what they have to be over, computed beside us by asn1crypto.

What lives here: signatures of `openssl` to which attributes are added by hand; the octets to be
stamped come from another parser than ours.
Source: ETSI EN 319 122-1 §5.3, §5.5; ETSI TS 101 733 §6.3, §6.4.
"""

from __future__ import annotations

import hashlib
from dataclasses import replace

import pytest
from asn1crypto import algos, cms, core

from keystore.pki.der import SEQUENCE, wrap
from signing.formats.cms import encode_signer, frame_signed_data
from signing.formats.der import OCTET_STRING, attribute
from signing.formats.material import ValidationMaterial
from signing.formats.signed_attributes import message_digest
from signing.formats.signed_data import SignedData, read_signed_data
from signing.isolation.blob import Blob
from signing.validation.cades_references import key_of
from signing.validation.cms import read_cms
from signing.validation.found import FoundSignature, TimestampKind, object_identity
from signing.validation.timestamp_info import find_info
from signing.validation.verify_value import is_value_of
from tests.support.openssl_cms import OpensslSigner
from tests.support.signatory import SIGNING_TIME, SigningPki

CONTENT = b"what was signed"
P9 = "1.2.840.113549.1.9.16.2."
SIGNATURE, CONTENT_STAMP, REFERENCES, C_STAMP = f"{P9}14", f"{P9}20", f"{P9}26", f"{P9}25"
ARCHIVE_V2, ARCHIVE_V3 = f"{P9}48", "0.4.0.1733.2.4"
INDEX_V1, INDEX_V3 = "0.4.0.1733.2.5", "0.4.0.19122.1.5"


@pytest.fixture(scope="module")
def signer(tmp_path_factory: pytest.TempPathFactory) -> OpensslSigner:
    return OpensslSigner.make(tmp_path_factory.mktemp("openssl"), "rsa")


@pytest.fixture(scope="module")
def signed(signer: OpensslSigner) -> SignedData:
    return read_signed_data(signer.sign(CONTENT, "-nodetach", "-cades"))


def with_unsigned(data: SignedData, *attributes: bytes) -> SignedData:
    own = data.signers[0]
    return replace(
        data,
        signers=(replace(own, unsigned_attributes=(*own.unsigned_attributes, *attributes)),),
    )


def encode(data: SignedData, *, material: ValidationMaterial | None = None) -> bytes:
    content = bytes(data.content or b"")
    frame = frame_signed_data(data, content_size=len(content), material=material)
    return frame.head + content + frame.tail


def read(raw: bytes) -> FoundSignature:
    with Blob.of(raw) as document:
        found = read_cms(document, detached=[])
    assert found.malformed == ()
    return found.signatures[0]


def stamp(pki: SigningPki, octets: bytes) -> bytes:
    stamps = pki.timestamps(now=SIGNING_TIME)
    return stamps.stamp(hashlib.sha256(octets).digest(), hash_name="sha256")


def is_over(found: FoundSignature) -> list[bool]:
    said = [(one, find_info(one.token)) for one in found.timestamps]
    return [info is not None and one.digest_of("sha256") == info.imprint for one, info in said]


def fields(raw: bytes) -> tuple[cms.SignedData, list[bytes]]:
    """A SignedData and the fields of its first signature, as asn1crypto has them."""
    data = cms.ContentInfo.load(raw)["content"]
    own = data["signer_infos"][0]
    names = ["version", "sid", "digest_algorithm", "signed_attrs", "signature_algorithm"]
    return data, [own[name].dump() for name in (*names, "signature")]


def unsigned(data: cms.SignedData) -> list[bytes]:
    found = data["signer_infos"][0]["unsigned_attrs"]
    return [one.dump() for one in found] if found.native else []


def indexed(token: bytes, kind: str, index: bytes) -> bytes:
    """A token that carries an index."""
    return encode(with_unsigned(read_signed_data(token), attribute(kind, index)))


def octet_strings(*digests: bytes) -> bytes:
    return wrap(SEQUENCE, *(wrap(OCTET_STRING, one) for one in digests))


def sha256(octets: bytes) -> bytes:
    return hashlib.sha256(octets).digest()


def test_a_signature_timestamp_is_over_the_value(
    signing_pki: SigningPki, signed: SignedData
) -> None:
    token = stamp(signing_pki, signed.signers[0].signature)
    found = read(encode(with_unsigned(signed, attribute(SIGNATURE, token))))
    assert [one.kind for one in found.timestamps] == [TimestampKind.SIGNATURE]
    assert is_over(found) == [True]
    assert found.timestamps[0].covers == {object_identity(signed.signers[0].signature)}
    other = stamp(signing_pki, b"another value")
    assert is_over(read(encode(with_unsigned(signed, attribute(SIGNATURE, other))))) == [False]


def test_more_timestamps_than_anybody_has_are_not_all_read(signed: SignedData) -> None:
    many = (wrap(OCTET_STRING, number.to_bytes(2, "big")) for number in range(400))
    found = read(encode(with_unsigned(signed, attribute(SIGNATURE, *many))))
    assert len(found.timestamps) == 48
    assert "too_many_timestamps" in [one.code for one in found.doubts]


def test_a_timestamp_that_was_put_beside_the_one_that_was_stamped_is_not_proved_by_that(
    signing_pki: SigningPki, signed: SignedData
) -> None:
    """TS 101 733 §6.3.5: one attribute of each kind is hashed."""
    # in a set the one whose octets are smaller comes first
    own, since = sorted(
        (stamp(signing_pki, signed.signers[0].signature) for _ in range(2)),
        key=lambda one: attribute(SIGNATURE, one),
    )
    inner = cms.CMSAttribute.load(attribute(SIGNATURE, own)).contents
    outer = stamp(signing_pki, signed.signers[0].signature + inner)
    parts = (attribute(SIGNATURE, own), attribute(SIGNATURE, since), attribute(C_STAMP, outer))
    found = read(encode(with_unsigned(signed, *parts)))
    [over] = [one for one in found.timestamps if one.kind is TimestampKind.REFERENCES]
    assert over.digest_of("sha256") == sha256(signed.signers[0].signature + inner)
    assert object_identity(own) in over.covers
    assert object_identity(since) not in over.covers


def test_references_may_be_stamped_in_the_order_in_which_they_stand(
    signing_pki: SigningPki, signed: SignedData
) -> None:
    """TS 101 733 §6.3.5 gives an order that not every maker keeps; both are over the same."""
    first = attribute(SIGNATURE, stamp(signing_pki, signed.signers[0].signature))
    references = [attribute(f"{P9}22", wrap(SEQUENCE)), attribute(f"{P9}21", wrap(SEQUENCE))]
    # a set is written in the order of its octets, where the short ones come first
    written = sorted((first, *references))
    inner = b"".join(cms.CMSAttribute.load(one).contents for one in written)
    outer = attribute(C_STAMP, stamp(signing_pki, signed.signers[0].signature + inner))
    found = read(encode(with_unsigned(signed, first, *references, outer)))
    assert is_over(found) == [True, True]


def test_timestamps_over_references(signing_pki: SigningPki, signed: SignedData) -> None:
    references = [attribute(f"{P9}21", wrap(SEQUENCE)), attribute(f"{P9}22", wrap(SEQUENCE))]
    first = attribute(SIGNATURE, stamp(signing_pki, signed.signers[0].signature))
    # type and values of each, without the SEQUENCE around them
    inner = [cms.CMSAttribute.load(one).contents for one in (first, *references)]
    whole = signed.signers[0].signature + b"".join(inner)
    both = with_unsigned(
        signed,
        first,
        *references,
        attribute(C_STAMP, stamp(signing_pki, whole)),
        attribute(REFERENCES, stamp(signing_pki, b"".join(inner[1:]))),
    )
    found = read(encode(both))
    assert is_over(found) == [True, True, True]
    kinds = [one.kind for one in found.timestamps]
    assert kinds.count(TimestampKind.REFERENCES) == 2


@pytest.mark.parametrize("in_tag", [True, False])
def test_an_archive_timestamp_of_version_2_is_over_everything_before_it(
    signing_pki: SigningPki, signed: SignedData, in_tag: bool
) -> None:
    token = stamp(signing_pki, signed.signers[0].signature)
    stamped = with_unsigned(signed, attribute(SIGNATURE, token))
    data, own = fields(encode(stamped))
    parts = [data["encap_content_info"].dump(), data["certificates"].dump(), *own]
    before = b"".join(unsigned(data))
    parts += [wrap(0xA1, before) if in_tag else before]
    archive = stamp(signing_pki, b"".join(parts))
    found = read(encode(with_unsigned(stamped, attribute(ARCHIVE_V2, archive))))
    assert is_over(found) == [True, True]
    last = next(one for one in found.timestamps if one.kind is TimestampKind.ARCHIVE)
    assert {object_identity(token), object_identity(signed.certificates[0])} <= last.covers
    # what is added afterwards was not there
    later = with_unsigned(
        stamped, attribute(ARCHIVE_V2, archive), attribute(f"{P9}23", wrap(SEQUENCE))
    )
    assert is_over(read(encode(later))).count(False) == 1


@pytest.mark.parametrize("kind", [INDEX_V1, INDEX_V3])
def test_an_archive_timestamp_of_version_3_is_over_what_its_index_lists(
    signing_pki: SigningPki, signed: SignedData, kind: str
) -> None:
    token = stamp(signing_pki, signed.signers[0].signature)
    first = attribute(SIGNATURE, token)
    stamped = with_unsigned(signed, first)
    crl = signing_pki.status().root_crl(now=SIGNING_TIME)
    material = ValidationMaterial(crls=(crl,))
    data, own = fields(encode(stamped, material=material))
    type_and_value = core.ObjectIdentifier(SIGNATURE).dump() + token
    named = algos.DigestAlgorithm({"algorithm": "sha256"}).dump()
    index = wrap(
        SEQUENCE,
        *([named] if kind == INDEX_V3 else []),
        octet_strings(*(sha256(one.dump()) for one in data["certificates"])),
        octet_strings(*(sha256(one.dump()) for one in data["crls"])),
        octet_strings(sha256(type_and_value if kind == INDEX_V3 else first)),
    )
    head = [data["encap_content_info"]["content_type"].dump(), sha256(CONTENT)]
    made = indexed(stamp(signing_pki, b"".join((*head, *own, index))), kind, index)
    archived = with_unsigned(stamped, attribute(ARCHIVE_V3, made))
    found = read(encode(archived, material=material))
    assert is_over(found) == [True, True]
    last = next(one for one in found.timestamps if one.kind is TimestampKind.ARCHIVE)
    assert last.findings == ()
    wanted = {*map(object_identity, (token, crl, signed.certificates[0], own[-1][4:]))}
    assert wanted <= last.covers
    # something that the index lists is not there any more
    lost = next(
        one for one in read(encode(archived)).timestamps if one.kind is TimestampKind.ARCHIVE
    )
    assert [(one.code, one.fact("among")) for one in lost.findings] == [
        ("archive_index_entry_unknown", "revocation")
    ]
    assert object_identity(crl) not in lost.covers
    # something was added: it is there, and not proved
    other = signing_pki.root.der
    more = read(encode(archived, material=ValidationMaterial((other,), (), (crl,))))
    assert is_over(more) == [True, True]
    last = next(one for one in more.timestamps if one.kind is TimestampKind.ARCHIVE)
    assert object_identity(other) not in last.covers


def test_an_archive_timestamp_without_its_index_proves_nothing(
    signing_pki: SigningPki, signed: SignedData
) -> None:
    token = stamp(signing_pki, b"whatever")
    for bare in (token, indexed(token, INDEX_V3, wrap(SEQUENCE)), b"\x30\x00"):
        found = read(encode(with_unsigned(signed, attribute(ARCHIVE_V3, bare))))
        (one,) = found.timestamps
        assert [reason.code for reason in one.findings] == ["archive_index_missing"]
        assert (one.digest_of("sha256"), one.covers) == (None, frozenset())


def test_a_countersignature_is_over_the_value_that_it_countersigns(
    signer: OpensslSigner, signed: SignedData
) -> None:
    """RFC 5652 §11.4: the content is the signature value, and there is no content type."""
    own = signed.signers[0]

    def countersigned(value: bytes) -> bytes:
        attributes = wrap(0x31, message_digest(sha256(value)))
        made = signer.value(attributes)
        counter = replace(own, signed_attributes=attributes, signature=made)
        return encode_signer(replace(counter, unsigned_attributes=()))

    def judged(*values: bytes) -> list[bool]:
        raw = encode(with_unsigned(signed, attribute("1.2.840.113549.1.9.6", *values)))
        with Blob.of(raw) as document:
            first, *others = read_cms(document, detached=[]).signatures
        assert all(one.parent == first.identity for one in others)
        return [
            not one.malformed
            and all(each.is_intact for each in one.objects)
            and one.value is not None
            and one.candidate is not None
            and is_value_of(key_of(one.candidate) or b"", signed=one.value)
            for one in others
        ]

    assert judged(countersigned(own.signature)) == [True]
    assert judged(countersigned(b"another value")) == [False]
    assert judged(b"\x30\x00") == [False]
    assert sorted(judged(countersigned(own.signature), b"\x05\x00")) == [False, True]
