"""Attributes, octet by octet where the standard fixes them."""

from __future__ import annotations

import hashlib
from datetime import UTC, datetime, timedelta, timezone

import pytest
from asn1crypto import cms as asn1_cms
from pyhanko.sign.ades.cades_asn1 import SignerAttributesV2

from signing.errors import DocumentRefused
from signing.formats import signed_attributes as attributes
from signing.formats.signed_attributes import SignerLocation
from tests.support.cms_opinions import check_der


def read(raw: bytes) -> asn1_cms.CMSAttribute:
    check_der(raw)
    return asn1_cms.CMSAttribute.load(raw, strict=True)


def test_sha256_is_the_default_and_therefore_left_out() -> None:
    """RFC 5035 §4, X.690 §11.5: a default value is not encoded."""
    certificate = b"certificate"
    digest = hashlib.sha256(certificate).digest()
    raw = attributes.signing_certificate(certificate, hash_name="sha256")
    assert raw.endswith(b"\x30\x26\x30\x24\x30\x22\x04\x20" + digest)
    longer = attributes.signing_certificate(certificate, hash_name="sha384")
    (value,) = read(longer)["values"]
    assert value["certs"][0]["hash_algorithm"]["algorithm"].native == "sha384"


def test_a_time_is_written_in_utc_and_whole_seconds() -> None:
    """RFC 5652 §11.3: Z, seconds, no fractions."""
    hanoi = timezone(timedelta(hours=7))
    raw = attributes.signing_time(datetime(2026, 11, 21, 10, 4, 5, 999_999, tzinfo=hanoi))
    assert raw.endswith(b"\x17\x0d261121030405Z")
    later = attributes.signing_time(datetime(2050, 1, 1, tzinfo=UTC))
    assert later.endswith(b"\x18\x0f20500101000000Z")


@pytest.mark.parametrize("place", [SignerLocation("VN"), SignerLocation(locality="Đà Nẵng")])
def test_a_place_may_be_half_known(place: SignerLocation) -> None:
    """ETSI EN 319 122-1 §5.2.5.1: each part is optional, not all of them."""
    raw = attributes.signer_location(place)
    read(raw)
    assert (place.country or place.locality or "").encode() in raw


def test_no_place_is_no_attribute() -> None:
    with pytest.raises(DocumentRefused):
        attributes.signer_location(SignerLocation("", ""))


@pytest.mark.parametrize(
    "kind", ["origin", "receipt", "delivery", "sender", "approval", "creation"]
)
def test_each_commitment_has_its_number(kind: str) -> None:
    """ETSI EN 319 122-1 §5.2.3."""
    raw = attributes.commitment(f"proof_of_{kind}")
    assert read(raw)["type"].dotted == "1.2.840.113549.1.9.16.2.16"


def test_in_whose_name_is_a_claimed_attribute_as_others_read_it() -> None:
    """ETSI EN 319 122-1 §5.2.6.1: claimedAttributes [0] of signer-attributes-v2, EXPLICIT."""
    raw = attributes.claimed_organisation("CÔNG TY LẤP LÁNH")
    (value,) = read(raw)["values"]
    said = SignerAttributesV2.load(value.dump(), strict=True)
    (claimed,) = said["claimed_attributes"]
    assert claimed["type"].dotted == "2.5.4.10"
    assert [one.native for one in claimed["values"]] == ["CÔNG TY LẤP LÁNH"]
    assert len(said["certified_attributes_v2"].contents or b"") == 0
