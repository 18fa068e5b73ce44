"""The two questions about signatures in XML, asked through walls that stand."""

from __future__ import annotations

import io
from collections.abc import Iterator

import pytest

from signing.errors import DocumentRefused
from signing.formats.cades import Sources
from signing.formats.material import Level
from signing.formats.xades_augment import augment_xades
from signing.formats.xades_place import find_enveloped_place
from signing.isolation.blob import Blob
from signing.isolation.pool import IsolationPool, Walls
from signing.messages.xml_signature import FIND_PLACE, FindPlace, FindSignature
from signing.parsing.xml_signature import find_place, find_signature
from tests.support.signatory import SIGNING_TIME, Hand, SigningPki
from tests.support.xades_hands import sign_xml
from tests.support.xml_inputs import INPUTS

_DS = "http://www.w3.org/2000/09/xmldsig#"
_XADES = "http://uri.etsi.org/01903/v1.3.2#"


@pytest.fixture(scope="module")
def walls() -> Iterator[IsolationPool]:
    """One process behind walls, with this module's tasks alone."""
    modules = ("signing.messages.xml_signature",)
    with IsolationPool(Walls(processes=1, seconds=120, start_s=120, modules=modules)) as pool:
        yield pool


def test_documents_of_every_make_are_read_behind_walls(walls: IsolationPool) -> None:
    for name, raw in INPUTS.items():
        with Blob.of(raw) as document:
            place = find_enveloped_place(document, hash_name="sha256", isolation=walls)
        assert place.offset > 0, name


@pytest.mark.parametrize(
    ("raw", "reason"),
    [
        (b"<a>", "not_xml"),
        (b"<!DOCTYPE a><a/>", "doctype"),
        (b"<a xmlns='relative'/>", "namespace_relative"),
        (f"<Signature xmlns='{_DS}'/>".encode(), "signature_is_root"),
        (b"<a>" + b"<b/>" * 10 + b"</a>", "too_many_elements"),
    ],
)
def test_refusals_come_through_walls(walls: IsolationPool, raw: bytes, reason: str) -> None:
    with Blob.of(raw) as document, pytest.raises(DocumentRefused) as refused:
        walls.run(FIND_PLACE, FindPlace(most_elements=10), inputs=[document])
    assert refused.value.reason == reason


def test_a_signature_is_augmented_with_the_help_of_somebody_behind_walls(
    walls: IsolationPool, hand: Hand, signing_pki: SigningPki
) -> None:
    made = sign_xml(hand, pki=signing_pki)
    sources = Sources(signing_pki.timestamps(), signing_pki.status(), signing_pki.chain)
    for level in (Level.T, Level.LT):
        with (
            Blob.of(made.xml) as document,
            augment_xades(
                document, level=level, now=SIGNING_TIME, sources=sources, isolation=walls
            ) as raised,
        ):
            assert raised.size > document.size


def test_text_behind_a_signature_stays() -> None:
    raw = f"<a>1<Signature xmlns='{_DS}'/>2<b/>3<Signature xmlns='{_DS}'/>4</a>".encode()
    output = io.BytesIO()
    found = find_place(FindPlace(most_elements=10), [memoryview(raw)], output)
    assert output.getvalue() == b"<a>12<b></b>34</a>"
    assert found.signatures == 2


def signature(*, properties: str = "", value: str = "AAAA", info: str = "") -> bytes:
    return (
        f"<a><Signature xmlns='{_DS}' xmlns:x='{_XADES}'><SignedInfo>"
        "<CanonicalizationMethod Algorithm='http://www.w3.org/2001/10/xml-exc-c14n#'/>"
        f"<SignatureMethod Algorithm='urn:m'/>{info}</SignedInfo>"
        f"<SignatureValue>{value}</SignatureValue><Object>"
        f"<x:QualifyingProperties>{properties}</x:QualifyingProperties></Object></Signature></a>"
    ).encode()


def ask(raw: bytes):
    return find_signature(FindSignature(signature_id=""), [memoryview(raw)], io.BytesIO())


@pytest.mark.parametrize(
    "raw",
    [
        signature(properties="<x:UnsignedProperties/>"),
        signature(
            properties="<x:UnsignedProperties><x:UnsignedSignatureProperties/>"
            "</x:UnsignedProperties>"
        ),
        signature(
            properties="<x:UnsignedProperties><x:UnsignedSignatureProperties>"
            "<x:SignatureTimeStamp/></x:UnsignedSignatureProperties></x:UnsignedProperties>"
        ),
        signature(value="A*AA"),
        signature(value="AAA"),
        signature(info="<CanonicalizationMethod/>"),
        signature().replace(b"xml-exc-c14n#'/>", b"xml-exc-c14n#'><x:P/></CanonicalizationMethod>"),
        signature().replace(b"xml-exc-c14n#", b"xml-exc-c14n#WithComments"),
    ],
)
def test_forms_that_are_not_augmented_are_refused(raw: bytes) -> None:
    """ETSI EN 319 132-1 §5.1: UnsignedSignatureProperties holds what is added."""
    with pytest.raises(DocumentRefused) as refused:
        ask(raw)
    assert refused.value.reason == "signature_form"


def test_what_is_found_is_what_is_there() -> None:
    found = ask(signature(value=" AA\nAA "))
    assert found.value == b"\x00\x00\x00"
    assert found.value_text == f'<SignatureValue xmlns="{_DS}"> AA\nAA </SignatureValue>'.encode()
    assert found.closing == "x:QualifyingProperties"
    assert not found.has_unsigned
    unsigned = (
        "<x:UnsignedProperties><x:UnsignedSignatureProperties>"
        "<x:SignatureTimeStamp Id='t'><x:EncapsulatedTimeStamp>AQ==</x:EncapsulatedTimeStamp>"
        "</x:SignatureTimeStamp><x:RevocationValues/>"
        "</x:UnsignedSignatureProperties></x:UnsignedProperties>"
    )
    raw = signature(properties=unsigned)
    found = ask(raw)
    assert (found.tokens, found.token_ids, found.has_material) == ((b"\x01",), ("t",), True)
    assert raw[found.offset :].startswith(b"</x:UnsignedSignatureProperties>")


def test_inclusive_forms_of_others_are_read() -> None:
    """W3C Canonical XML 1.0: namespaces of ancestors belong to a part."""
    inclusive = b"http://www.w3.org/TR/2001/REC-xml-c14n-20010315"
    raw = signature().replace(b"http://www.w3.org/2001/10/xml-exc-c14n#", inclusive)
    output = io.BytesIO()
    find_signature(FindSignature(signature_id=""), [memoryview(raw)], output)
    assert output.getvalue().startswith(f'<SignedInfo xmlns="{_DS}" xmlns:x="{_XADES}">'.encode())


def test_a_document_without_signature_has_none() -> None:
    with pytest.raises(DocumentRefused) as refused:
        ask(b"<a/>")
    assert refused.value.reason == "signature_unknown"


def test_too_many_signatures_are_not_looked_at() -> None:
    raw = f"<a xmlns:d='{_DS}'>{'<d:Signature/>' * 1_001}</a>".encode()
    with pytest.raises(DocumentRefused) as refused:
        find_place(FindPlace(most_elements=10_000), [memoryview(raw)], io.BytesIO())
    assert refused.value.reason == "signature_would_break"
