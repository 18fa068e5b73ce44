"""What was moved, doubled, hidden or blown up in a signed document is a finding with a name."""

from __future__ import annotations

import base64
import re
import time
from collections.abc import Callable, Mapping

import pytest

from signing.isolation.blob import Blob
from signing.isolation.task import Isolation
from signing.validation.found import FoundDocument, ObjectKind
from signing.validation.known_anchors import KnownAnchors
from signing.validation.validate import Validation
from signing.validation.verdict import SubIndication
from tests.support.isolation import WithoutWalls
from tests.support.signatory import SIGNING_TIME
from tests.support.validation_house import ValidationHouse
from tests.support.xml_found import all_hold, find_in, holds, only, said_of
from tests.support.xml_signing import C14N, DS, ENVELOPED, EXCLUSIVE, Way, sign_by_xmlsec

PART = Way(uri="#good", transforms=(ENVELOPED, EXCLUSIVE))
GOOD = '<Assertion Id="good"><Name>An</Name>{here}</Assertion>'
EVIL = '<Assertion Id="evil"><Name>Eve</Name></Assertion>'
RESPONSE = f"<Response>{GOOD}</Response>"


@pytest.fixture(scope="module")
def pieces() -> Mapping[str, str]:
    """A signed part, with its signature and without, and the signature alone."""
    whole = sign_by_xmlsec(RESPONSE, PART).decode()
    [signature] = re.findall(r"<ds:Signature .*</ds:Signature>", whole, flags=re.DOTALL)
    good = whole.removeprefix("<Response>").removesuffix("</Response>")
    return {
        "whole": whole,
        "signed": good,
        "bare": good.replace(signature, ""),
        "signature": signature,
    }


def evil(inside: str = "") -> str:
    return EVIL.replace("</Assertion>", f"{inside}</Assertion>")


def in_object(signature: str, what: str) -> str:
    return signature.replace("</ds:Signature>", f"<ds:Object>{what}</ds:Object></ds:Signature>")


WRAPPED: Mapping[str, Callable[[Mapping[str, str]], str]] = {
    "1: the original in an object of the signature, the evil one around": lambda p: (
        f"<Response>{evil(in_object(p['signature'], p['bare']))}</Response>"
    ),
    "2: the signature beside the original, the evil one before": lambda p: (
        f"<Response>{evil()}{p['signature']}{p['bare']}</Response>"
    ),
    "3: the evil one before the original": lambda p: f"<Response>{evil()}{p['signed']}</Response>",
    "4: the original inside of the evil one": lambda p: f"<Response>{evil(p['signed'])}</Response>",
    "5: the evil one has the signature, the original follows": lambda p: (
        f"<Response>{evil(p['signature'])}{p['bare']}</Response>"
    ),
    "6: the original inside of the signature inside of the evil one": lambda p: (
        "<Response>"
        + evil(p["signature"].replace("</ds:KeyInfo>", f"{p['bare']}</ds:KeyInfo>"))
        + "</Response>"
    ),
    "7: the evil one in an element that anything may stand in": lambda p: (
        f"<Response><Extensions>{evil()}</Extensions>{p['signed']}</Response>"
    ),
    "8: the original in an object, in the evil one's extensions": lambda p: (
        "<Response>"
        + evil(f"<Extensions>{in_object(p['signature'], p['bare'])}</Extensions>")
        + "</Response>"
    ),
}


def test_what_is_signed_where_it_belongs_is_not_said_to_be_wrapped(
    pieces: Mapping[str, str],
) -> None:
    found = find_in(pieces["whole"].encode())
    assert holds(found.signatures[0])
    assert said_of(found) == {"covers_only_part"}


@pytest.mark.parametrize("name", WRAPPED)
def test_signature_wrapping_is_named(pieces: Mapping[str, str], name: str) -> None:
    """Somorovsky et al., *On breaking SAML* (2012), §4: the eight kinds."""
    found = find_in(WRAPPED[name](pieces).encode())
    assert len(found.signatures) == 1
    assert "signature_wrapped" in said_of(found)
    assert "covers_only_part" in said_of(found)


def test_two_signed_parts_of_one_name_are_not_wrapped(pieces: Mapping[str, str]) -> None:
    other = sign_by_xmlsec(
        '<Response><Assertion Id="two">{here}</Assertion></Response>',
        Way(uri="#two", transforms=(ENVELOPED, EXCLUSIVE)),
    ).decode()
    other = other.removeprefix("<Response>").removesuffix("</Response>").replace('Id="s"', 'Id="t"')
    found = find_in(f"<Response>{pieces['signed']}{other}</Response>".encode())
    assert [holds(one) for one in found.signatures] == [True, True]
    assert "signature_wrapped" not in said_of(found)


@pytest.mark.parametrize("attribute", ["Id", "ID", "id", "xml:id", "x:Id"])
@pytest.mark.parametrize("place", ["<Response>", "</Response>"])
def test_an_id_that_stands_twice_is_followed_nowhere(
    pieces: Mapping[str, str], attribute: str, place: str
) -> None:
    """W3C XML Signature Best Practices §2.1.3; whatever a reader takes for an identifier."""
    twin = f'<Assertion xmlns:x="urn:x" {attribute}="good"/>'
    changed = pieces["whole"].replace(
        place, f"{place}{twin}" if place[1] != "/" else f"{twin}{place}"
    )
    found = find_in(changed.encode())
    assert not holds(found.signatures[0])
    assert "duplicate_id" in said_of(found)


def test_a_reference_to_nothing_is_not_taken_for_something(pieces: Mapping[str, str]) -> None:
    found = only(pieces["whole"].replace('Id="good"', 'Id="bad"').encode())
    assert not found.objects[0].is_found
    assert not holds(found)


HOSTILE = {
    "document type": ("<!DOCTYPE a><a/>", "doctype"),
    "external type": ('<!DOCTYPE a SYSTEM "file:///etc/passwd"><a/>', "doctype"),
    "external entity": (
        '<!DOCTYPE a [<!ENTITY b SYSTEM "http://x.example/">]><a>&b;</a>',
        "doctype",
    ),
    "billion laughs": (
        '<!DOCTYPE a [<!ENTITY b "bbbbbbbbbb"><!ENTITY c "&b;&b;&b;&b;&b;&b;">]><a>&c;</a>',
        "doctype",
    ),
    "entity of nobody": ("<a>&b;</a>", "not_xml"),
    "broken": ("<a><b></a>", "not_xml"),
    "no XML": ("%PDF-1.7", "not_xml"),
    "nothing": ("", "not_xml"),
    "version 1.1": ('<?xml version="1.1"?><a/>', "encoding_unknown"),
    "another encoding": ('<?xml version="1.0" encoding="UTF-7"?><a/>', "encoding_unknown"),
    "deep": ("<a>" * 5_000 + "</a>" * 5_000, "too_deep"),
    "many elements": ("<a>" + "<b/>" * 260_000 + "</a>", "too_many_elements"),
    "many attributes": (
        "<a " + " ".join(f"b{number}='1'" for number in range(20_000)) + "/>",
        "too_many_attributes",
    ),
    "many signatures": (
        "<a>" + f"<Signature xmlns='{DS}'/>" * 3_000 + "</a>",
        "too_many_signatures",
    ),
    "relative namespace": (f"<a xmlns='b'><d:Signature xmlns:d='{DS}'/></a>", "no_references"),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_documents_are_answered_under_a_name(name: str, isolation: Isolation) -> None:
    text, code = HOSTILE[name]
    started = time.monotonic()
    found = find_in(text.encode(), isolation=isolation)
    assert code in said_of(found)
    assert not any(map(holds, found.signatures))
    assert time.monotonic() - started < 30


def reference(uri: str, *transforms: str) -> str:
    return (
        f'<ds:Reference URI="{uri}"><ds:Transforms>{"".join(transforms)}</ds:Transforms>'
        '<ds:DigestMethod Algorithm="http://www.w3.org/2001/04/xmlenc#sha256"/>'
        "<ds:DigestValue>AAAA</ds:DigestValue></ds:Reference>"
    )


def signature(references: str, *, inside: str = "") -> str:
    return (
        f'<ds:Signature xmlns:ds="{DS}"><ds:SignedInfo><ds:CanonicalizationMethod '
        f'Algorithm="{C14N}"/><ds:SignatureMethod Algorithm="urn:x"/>{references}</ds:SignedInfo>'
        f"<ds:SignatureValue>AAAA</ds:SignatureValue>{inside}</ds:Signature>"
    )


def manifest(references: str) -> str:
    return f'<ds:Object><ds:Manifest Id="m">{references}</ds:Manifest></ds:Object>'


FORM = f'<ds:Transform Algorithm="{C14N}"/>'
COSTLY = {
    "references to everything": "<b/>" * 20_000 + signature(reference("", FORM) * 990),
    "forms of forms": "<b/>" * 5_000 + signature(reference("", *[FORM] * 16) * 200),
    "more forms than anybody needs": signature(reference("", *[FORM] * 17)),
}


@pytest.mark.parametrize("name", COSTLY)
def test_what_costs_too_much_is_left_undone_and_named(name: str, isolation: Isolation) -> None:
    started = time.monotonic()
    found = find_in(f"<a>{COSTLY[name]}</a>".encode(), isolation=isolation)
    assert "too_much_work" in said_of(found)
    assert time.monotonic() - started < 30


def test_manifests_that_name_themselves_are_read_once() -> None:
    inner = reference("#m").replace("Reference ", f'Reference Type="{DS}Manifest" ')
    found = find_in(signature(inner, inside=manifest(inner * 50)).encode())
    assert len(found.signatures[0].objects) == 51


def test_more_references_than_anybody_counts_are_named() -> None:
    found = find_in(signature(reference("#x") * 1_200).encode())
    assert "too_many_references" in said_of(found)
    assert len(found.signatures[0].objects) == 1_000


BROKEN = {
    "no signed info": (r"<ds:SignedInfo>.*</ds:SignedInfo>", "", "signed_info_missing"),
    "two signed infos": (r"(<ds:SignedInfo>.*</ds:SignedInfo>)", r"\1\1", "signed_info_twice"),
    "no value": (r"<ds:SignatureValue>.*</ds:SignatureValue>", "", "value_missing"),
    "no base64": (r"(<ds:SignatureValue>)", r"\1!", "value_missing"),
    "no references": (r"<ds:Reference .*</ds:Reference>", "", "no_references"),
    "form unknown": (
        rf'(<ds:CanonicalizationMethod Algorithm="){re.escape(C14N)}',
        r"\1urn:x",
        "canonicalization_unknown",
    ),
    "digest unknown": (r"xmlenc#sha256", "xmlenc#sha9", "digest_algorithm_unknown"),
}


@pytest.mark.parametrize("name", BROKEN)
def test_a_signature_without_one_of_its_parts_says_which(
    pieces: Mapping[str, str], name: str
) -> None:
    """W3C XML Signature 1.1 §4.1 to §4.4."""
    pattern, new, code = BROKEN[name]
    changed, count = re.subn(pattern, new, pieces["whole"], count=1, flags=re.DOTALL)
    assert count == 1
    found: FoundDocument = find_in(changed.encode())
    assert code in said_of(found)
    assert not all_hold(changed.encode())


def test_an_address_without_a_name_is_not_found() -> None:
    found = find_in(f'<a Id="">{signature(reference("#"))}</a>'.encode())
    assert not found.signatures[0].objects[0].is_found


def test_a_form_that_would_join_addresses_is_named() -> None:
    """W3C Canonical XML 1.1 §2.4: `xml:base` is joined with those around."""
    form = '<ds:Transform Algorithm="http://www.w3.org/2006/12/xml-c14n11"/>'
    inside = f'<b Id="x"/>{signature(reference("#x", form))}'
    found = find_in(f'<a xml:base="http://x.example/">{inside}</a>'.encode())
    assert "canonicalization_unknown" in said_of(found)
    assert "contradiction" not in said_of(found)


def test_properties_that_stand_elsewhere_are_named() -> None:
    """ETSI EN 319 132-1 §4.4.3."""
    elsewhere = (
        '<ds:Object><x:QualifyingPropertiesReference xmlns:x="http://uri.etsi.org/01903/v1.3.2#" '
        'URI="http://x.example/"/></ds:Object>'
    )
    found = find_in(signature(reference("#x"), inside=elsewhere).encode())
    assert "properties_elsewhere" in said_of(found)


@pytest.mark.parametrize("name", WRAPPED)
def test_a_wrapped_signature_never_passes(pieces: Mapping[str, str], name: str) -> None:
    """Whoever relies on a verdict reads one word of it."""
    validation = Validation(WithoutWalls(), KnownAnchors())
    with Blob.of(WRAPPED[name](pieces).encode()) as blob:
        report = validation.validate(blob, name="x.xml", now=SIGNING_TIME)
    [one] = report.signatures
    told = {reason.code for check in one.checks for reason in check.conclusion.reasons}
    assert "signature_wrapped" in told
    assert not one.conclusion.is_passed
    assert not one.covers_whole


@pytest.mark.parametrize("is_first", [True, False])
def test_a_key_beside_the_certificate_of_somebody_else_verifies_nothing_for_him(
    pieces: Mapping[str, str], validation_house: ValidationHouse, *, is_first: bool
) -> None:
    """W3C XML Signature 1.1 §4.5: all that stands in ds:KeyInfo is hearsay."""
    victim = base64.b64encode(validation_house.pki.citizen.issued.der).decode()
    data = f"<ds:X509Data><ds:X509Certificate>{victim}</ds:X509Certificate></ds:X509Data>"
    value = re.search(r"<ds:KeyValue>.*</ds:KeyValue>", pieces["whole"], flags=re.DOTALL)
    assert value is not None
    both = data + value[0] if is_first else value[0] + data
    report = validation_house.validate(
        pieces["whole"].replace(value[0], both).encode(), online=validation_house.online()
    )
    [one] = report.signatures
    assert one.conclusion.is_failed
    assert one.conclusion.sub_indication is SubIndication.SIG_CRYPTO_FAILURE


EMPTY = {
    "an empty manifest": (manifest(""), reference("#m", FORM)),
    "an object of its own with nothing in it": (
        '<ds:Object Id="m"><ds:SignatureProperties Id="n"/></ds:Object>',
        reference("#n", FORM),
    ),
}


@pytest.mark.parametrize("name", EMPTY)
def test_a_signature_of_nothing_does_not_pass_for_one_of_a_document(name: str) -> None:
    inside, pointing = EMPTY[name]
    found = find_in(f"<a>{signature(pointing, inside=inside)}</a>".encode())
    kinds = {one.kind for one in found.signatures[0].objects}
    assert ObjectKind.DOCUMENT not in kinds
    assert "no_document_signed" in said_of(found)
