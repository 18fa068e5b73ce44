"""What a signature says beside the document stands where the standard wants it."""

from __future__ import annotations

import base64
from datetime import UTC, datetime, timedelta, timezone
from typing import Final

import pytest
from lxml import etree

from signing.errors import DocumentRefused
from signing.formats.material import ValidationMaterial
from signing.formats.xades_properties import (
    Commitment,
    DataFormat,
    Particulars,
    Place,
    signature_timestamp,
    signed_properties,
    timestamp_validation,
    validation_values,
)
from signing.formats.xml_text import Element, canonical
from tests.support.signatory import SIGNING_TIME, Hand, SigningPki
from tests.support.xades_hands import as_signed, sign_xml
from tests.support.xml_checkers import xmlsec_accepts

_XADES: Final = "{http://uri.etsi.org/01903/v1.3.2#}"
_FORMATS: Final = (DataFormat("r-0", "application/xml"), DataFormat("r-1", "image/png"))


def properties(hand: Hand, **changes) -> etree._Element:
    given = {"properties_id": "p", "signing_time": SIGNING_TIME, "formats": _FORMATS}
    return tree(signed_properties(hand.signatory, **(given | changes)))


def tree(node: Element) -> etree._Element:
    return etree.fromstring(canonical(node))


def names(node: etree._Element) -> list[str]:
    return [etree.QName(one).localname for one in node]


def test_the_least_that_is_signed(hand: Hand) -> None:
    """ETSI EN 319 132-1 §6.3: SigningTime, SigningCertificateV2, DataObjectFormat."""
    found = properties(hand)
    of_signature, of_data = found
    assert names(found) == ["SignedSignatureProperties", "SignedDataObjectProperties"]
    assert names(of_signature) == ["SigningTime", "SigningCertificateV2"]
    assert names(of_data) == ["DataObjectFormat", "DataObjectFormat"]
    assert found.get("Id") == "p"


def test_all_of_it_is_in_the_order_of_the_schema(hand: Hand) -> None:
    """ETSI EN 319 132-1 §4.3.4, §4.3.5 and annex C."""
    place = Place("Hà Nội", "1 Tràng Tiền", "Hà Nội", "100000", "VN")
    found = properties(hand, particulars=Particulars(place, "Giám đốc", Commitment.APPROVAL))
    of_signature, of_data = found
    assert names(of_signature) == [
        "SigningTime",
        "SigningCertificateV2",
        "SignatureProductionPlaceV2",
        "SignerRoleV2",
    ]
    assert names(of_data) == ["DataObjectFormat", "DataObjectFormat", "CommitmentTypeIndication"]
    assert names(of_signature[2]) == [
        "City",
        "StreetAddress",
        "StateOrProvince",
        "PostalCode",
        "CountryName",
    ]
    assert of_signature[3].findtext(f"{_XADES}ClaimedRoles/{_XADES}ClaimedRole") == "Giám đốc"
    identifier = of_data[2].findtext(f"{_XADES}CommitmentTypeId/{_XADES}Identifier")
    assert identifier == "http://uri.etsi.org/01903/v1.2.2#ProofOfApproval"
    assert of_data[2].find(f"{_XADES}AllSignedDataObjects") is not None


def test_every_reference_has_its_kind(hand: Hand) -> None:
    """ETSI EN 319 132-1 §5.2.4 and §6.3: one DataObjectFormat for each, with MimeType."""
    formats = properties(hand)[1]
    assert [(one.get("ObjectReference"), one.findtext(f"{_XADES}MimeType")) for one in formats] == [
        ("#r-0", "application/xml"),
        ("#r-1", "image/png"),
    ]


@pytest.mark.parametrize(
    "instant",
    [
        datetime(2026, 11, 21, 3, 4, 5, 999_999, tzinfo=UTC),
        datetime(2026, 11, 21, 10, 4, 5, tzinfo=timezone(timedelta(hours=7))),
    ],
)
def test_the_time_is_in_utc_to_the_second(instant: datetime, hand: Hand) -> None:
    """W3C XML Schema 2 §3.2.7; ETSI EN 319 132-1 §5.2.1."""
    found = properties(hand, signing_time=instant)
    assert found[0].findtext(f"{_XADES}SigningTime") == "2026-11-21T03:04:05Z"


def test_nothing_is_said_that_was_not_given(hand: Hand) -> None:
    found = properties(hand, particulars=Particulars(Place(country="VN")))
    assert names(found[0][2]) == ["CountryName"]


@pytest.mark.parametrize("text", ["\x00", "\ud800", "a\uffff"])
def test_a_role_that_is_no_text_is_refused(text: str, hand: Hand, signing_pki: SigningPki) -> None:
    """W3C XML 1.0 §2.2."""
    with pytest.raises(DocumentRefused) as refused:
        sign_xml(hand, pki=signing_pki, particulars=Particulars(role=text))
    assert refused.value.reason == "text_not_xml"


def test_a_role_is_text_whatever_it_looks_like(hand: Hand, signing_pki: SigningPki) -> None:
    role = '</xades:ClaimedRole> xmlns:ds="http://www.w3.org/2000/09/xmldsig#" &\r\n\t]]>'
    made = sign_xml(hand, pki=signing_pki, particulars=Particulars(role=role))
    [found] = etree.fromstring(made.xml).iter(f"{_XADES}ClaimedRole")
    assert found.text == role
    assert xmlsec_accepts(as_signed("", made))


def test_a_timestamp_says_how_its_octets_were_made() -> None:
    """ETSI EN 319 132-1 §5.3."""
    found = tree(signature_timestamp(b"token", timestamp_id="t"))
    assert names(found) == ["CanonicalizationMethod", "EncapsulatedTimeStamp"]
    assert found[0].get("Algorithm") == "http://www.w3.org/2001/10/xml-exc-c14n#"
    assert base64.b64decode(found[1].text) == b"token"
    assert found.get("Id") == "t"


def test_certificates_that_are_there_already_do_not_stand_twice() -> None:
    """ETSI EN 319 132-1 §5.4.1."""
    material = ValidationMaterial((b"a", b"b"), (b"o",), (b"l",))
    certificates, revocation = map(tree, validation_values(material, known=[b"a"]))
    assert [base64.b64decode(one.text) for one in certificates] == [b"b"]
    assert names(revocation) == ["CRLValues", "OCSPValues"]


def test_what_is_empty_is_left_out() -> None:
    assert validation_values(ValidationMaterial(), known=()) == ()
    assert validation_values(ValidationMaterial((b"a",)), known=(b"a",)) == ()
    [only] = validation_values(ValidationMaterial(crls=(b"l",)), known=())
    assert names(tree(only)) == ["CRLValues"]
    assert timestamp_validation(ValidationMaterial((b"a",)), timestamp_id="t", known=(b"a",)) == ()


def test_evidence_for_a_timestamp_names_it_if_it_has_a_name() -> None:
    """ETSI EN 319 132-1 §5.5."""
    material = ValidationMaterial((b"a",), (b"o",))
    [named] = timestamp_validation(material, timestamp_id="t", known=())
    [nameless] = timestamp_validation(material, timestamp_id="", known=())
    assert tree(named).get("URI") == "#t"
    assert tree(nameless).get("URI") is None
    assert tree(named).tag == "{http://uri.etsi.org/01903/v1.4.1#}TimeStampValidationData"
