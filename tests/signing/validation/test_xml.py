"""Signatures of ours in XML are read for everything that they say, wherever they stand."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping, Sequence

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from signing.formats.material import Level
from signing.formats.xades_augment import augment_xades
from signing.formats.xades_prepared import Packaging as Made
from signing.formats.xades_properties import Commitment, Particulars, Place
from signing.isolation.blob import Blob
from signing.isolation.task import Isolation
from signing.validation.detached import Detached
from signing.validation.found import (
    Form,
    FoundSignature,
    ObjectKind,
    Packaging,
    TimestampKind,
    object_identity,
)
from signing.validation.timestamp_info import find_info
from signing.validation.xml import read_signatures_file
from tests.support.isolation import WithoutWalls
from tests.support.signatory import SIGNING_TIME, SigningPki
from tests.support.xades_hands import FILE, FORM, sign_xml, sources
from tests.support.xml_found import all_hold, find_in, holds, only, said_of

PARTICULARS = Particulars(
    place=Place(city="Hà Nội", country="VN"), role="Giám đốc", commitment=Commitment.APPROVAL
)


@pytest.fixture(scope="module")
def signed(signing_pki: SigningPki) -> Mapping[str, bytes]:
    """Every packaging by every kind of key, at the highest level."""
    found = {}
    for packaging in Made:
        for who in ("citizen", "citizen_384", "citizen_rsa"):
            made = sign_xml(
                getattr(signing_pki, who),
                pki=signing_pki,
                packaging=packaging,
                level=Level.LT,
                particulars=PARTICULARS,
            )
            found[f"{packaging}-{who}"] = made.xml
    return found


def beside(content: bytes = FORM, *, name: str = FILE) -> Sequence[Detached]:
    return (Detached(name, Blob.of(content)),)


def all_digests(content: bytes) -> Mapping[str, bytes]:
    return {
        "sha256": hashlib.sha256(content).digest(),
        "sha384": hashlib.sha384(content).digest(),
    }


def test_every_signature_of_ours_holds_behind_the_walls(
    signed: Mapping[str, bytes], isolation: Isolation
) -> None:
    for name, xml in signed.items():
        found = find_in(xml, beside=beside(), isolation=isolation)
        assert said_of(found) == set(), name
        assert [holds(one) for one in found.signatures] == [True], name


def test_what_is_signed_beside_the_document_is_read(
    signed: Mapping[str, bytes], signing_pki: SigningPki
) -> None:
    """ETSI EN 319 132-1 §5.2."""
    found = only(signed["enveloped-citizen"])
    certificate = signing_pki.citizen.signatory.certificate
    assert found.form is Form.XADES
    assert found.claimed_time == SIGNING_TIME
    assert found.claimed_roles == ("Giám đốc",)
    assert found.production_place == "Hà Nội, VN"
    assert found.commitments == (Commitment.APPROVAL.value,)
    assert found.content_type == "application/xml"
    assert found.candidate == certificate
    assert found.references is not None
    assert found.references[0].digest == hashlib.sha256(certificate).digest()
    assert [one.kind for one in found.objects] == [
        ObjectKind.DOCUMENT,
        ObjectKind.SIGNED_PROPERTIES,
    ]
    assert found.is_long_term


@pytest.mark.parametrize(
    ("made", "packaging"),
    [
        ("enveloped", Packaging.ENVELOPED),
        ("enveloping", Packaging.ENVELOPING),
        ("detached", Packaging.DETACHED),
    ],
)
def test_where_what_was_signed_stands_is_told(
    signed: Mapping[str, bytes], made: str, packaging: Packaging
) -> None:
    assert only(signed[f"{made}-citizen"], beside=beside()).packaging is packaging


def test_a_timestamp_is_over_the_value_and_proves_it(signed: Mapping[str, bytes]) -> None:
    """ETSI EN 319 132-1 §5.3."""
    for xml in signed.values():
        found = only(xml, beside=beside())
        [stamp] = found.timestamps
        info = find_info(stamp.token)
        assert stamp.kind is TimestampKind.SIGNATURE
        assert info is not None
        assert stamp.digest_of(info.hash_name) == info.imprint
        assert stamp.digest_of("unheard-of") is None
        assert found.value is not None
        assert object_identity(found.value.value) in stamp.covers


def test_a_file_beside_is_known_by_its_name_or_by_its_digest(signed: Mapping[str, bytes]) -> None:
    xml = signed["detached-citizen"]
    assert all_hold(xml, beside=beside(name=f"./{FILE}"))
    renamed = find_in(xml, beside=(*beside(b"x", name="x"), *beside(name="khac.xml")))
    assert holds(renamed.signatures[0])
    assert said_of(renamed) == {"file_renamed"}
    assert all_hold(xml, beside=beside(name=""))
    only_digests = (Detached(FILE, None, all_digests(FORM)),)
    assert all_hold(xml, beside=only_digests)
    other = only(xml, beside=(Detached(FILE, None, all_digests(b"x")),))
    assert other.objects[0].is_found
    assert not holds(other)
    assert not only(xml).objects[0].is_found
    assert not all_hold(xml, beside=beside(FORM + b" "))
    assert not only(xml, beside=beside(FORM + b" ", name="x.xml")).objects[0].is_found


def test_a_file_of_signatures_in_a_container_is_numbered_and_named(
    signed: Mapping[str, bytes],
) -> None:
    with Blob.of(signed["detached-citizen"]) as blob:
        found = read_signatures_file(
            blob,
            members=beside(),
            isolation=WithoutWalls(),
            place="META-INF/signatures1.xml",
            first=3,
        )
    [one] = found.signatures
    assert (one.identity, one.place) == ("S-3", "META-INF/signatures1.xml")
    assert one.timestamps[0].identity == "S-3-T1"


def test_two_people_in_one_document_hold_both(signing_pki: SigningPki) -> None:
    first = sign_xml(signing_pki.citizen, pki=signing_pki).xml
    both = sign_xml(signing_pki.citizen_rsa, pki=signing_pki, document=first).xml
    found = find_in(both)
    assert [holds(one) for one in found.signatures] == [True, True]
    assert [one.identity for one in found.signatures] == ["S-1", "S-2"]
    assert said_of(found) == set()


def test_a_signature_that_was_augmented_holds(
    signing_pki: SigningPki, isolation: Isolation
) -> None:
    made = sign_xml(signing_pki.citizen, pki=signing_pki).xml
    with (
        Blob.of(made) as blob,
        augment_xades(
            blob,
            level=Level.T,
            now=SIGNING_TIME,
            sources=sources(signing_pki),
            isolation=isolation,
        ) as augmented,
    ):
        found = only(augmented.read())
    assert holds(found)
    assert len(found.timestamps) == 1


CHANGES = {
    "a letter": (rb"100000", b"100001"),
    "an attribute": (rb'xml:lang="vi"', b'xml:lang="en"'),
    "a namespace": (rb"urn:vn:ho-so", b"urn:vn:ho-sO"),
    "space": (rb"<phi>", b"<phi> "),
    "an instruction": (rb"<phi>", b"<?x?><phi>"),
    "the time": (rb"2026-11-21T03:04:05Z", b"2026-11-22T03:04:05Z"),
    "the role": ("Giám đốc".encode(), "Thủ tướng".encode()),
    "the digest": (rb"(<ds:DigestValue>)", rb"\1A"),
    "the value": (rb"(<ds:SignatureValue[^>]*>)....", rb"\1AAAA"),
    "the method": (rb"ecdsa-sha256", b"ecdsa-sha384"),
    "the form of what is signed": (rb"(<ds:CanonicalizationMethod )", rb"\1x='y' "),
    "a reference": (rb"<ds:Reference Type=.*?</ds:Reference>", b""),
}


@pytest.mark.parametrize("name", CHANGES)
def test_no_change_of_a_document_or_its_signature_is_missed(
    signed: Mapping[str, bytes], name: str
) -> None:
    """W3C XML Signature 1.1 §3.2; ETSI EN 319 132-1 §6.3."""
    pattern, new = CHANGES[name]
    changed, count = re.subn(pattern, new, signed["enveloped-citizen"], count=1, flags=re.DOTALL)
    assert count == 1
    assert not all_hold(changed)


UNCHANGED = {
    "a comment": (rb"<phi>", b"<!--x--><phi>"),
    "quotes": (rb'xml:lang="vi"', b"xml:lang='vi'"),
    "space in a tag": (rb"<phi>", b"<phi  >"),
    "a reference to a letter": (rb"100000", b"&#49;00000"),
    "a section": (rb"100000", b"<![CDATA[100000]]>"),
    "line ends": (rb"\r\n", b"\n"),
}


@pytest.mark.parametrize("name", UNCHANGED)
def test_what_no_reader_of_XML_sees_is_no_change(signed: Mapping[str, bytes], name: str) -> None:  # noqa: N802  # its name
    """W3C Canonical XML 1.0 §1.1."""
    pattern, new = UNCHANGED[name]
    assert all_hold(re.sub(pattern, new, signed["enveloped-citizen"], count=1))


@settings(max_examples=120, deadline=None)
@given(at=st.integers(0, 10**6), letter=st.sampled_from(b"<>&\"'/ axAB=0\n\x00\xff"))
def test_a_byte_that_changes_what_was_signed_is_never_missed(
    small: bytes, at: int, letter: int
) -> None:
    """A document that still holds has the canonical form that was signed, and the same value."""
    at %= len(small)
    changed = small[:at] + bytes((letter,)) + small[at + 1 :]
    found = find_in(changed)
    held = [one for one in found.signatures if not found.malformed and holds(one)]
    if not held:
        return
    original = only(small)
    [one] = held
    assert _meaning(one) == _meaning(original)


@pytest.fixture(scope="module")
def small(signing_pki: SigningPki) -> bytes:
    """A signature at the lowest level."""
    return sign_xml(signing_pki.citizen, pki=signing_pki).xml


def _meaning(found: FoundSignature) -> object:
    assert found.value is not None
    return (
        found.value.octets,
        found.value.value,
        [one.actual for one in found.objects],
        found.claimed_time,
        found.references,
    )


def test_the_properties_of_another_are_not_read(signed: Mapping[str, bytes]) -> None:
    """What stands beside the signed properties under their name is nobody's."""
    xml = signed["enveloping-citizen"]
    fake = (
        b'<ds:Object><xades:QualifyingProperties xmlns:xades="http://uri.etsi.org/01903/v1.3.2#">'
        b"<xades:SignedProperties><xades:SignedSignatureProperties><xades:SigningTime>"
        b"2001-01-01T00:00:00Z</xades:SigningTime></xades:SignedSignatureProperties>"
        b"</xades:SignedProperties></xades:QualifyingProperties></ds:Object>"
    )
    changed = xml.replace(b"<ds:Object>", fake + b"<ds:Object>", 1)
    found = find_in(changed)
    assert found.signatures[0].claimed_time == SIGNING_TIME
    assert "qualifying_properties_twice" in said_of(found)


def test_signed_properties_that_nobody_signed_are_not_read(signing_pki: SigningPki) -> None:
    made = sign_xml(signing_pki.citizen, pki=signing_pki).xml
    changed = re.sub(rb"<ds:Reference Type=.*?</ds:Reference>", b"", made)
    found = find_in(changed)
    assert found.signatures[0].references is None
    assert found.signatures[0].claimed_time is None
    assert "signed_properties_not_signed" in said_of(found)
