"""References lead to the octets that were hashed, by names that every reader understands."""

from __future__ import annotations

from urllib.parse import unquote

import pytest
from hypothesis import given
from hypothesis import strategies as st
from lxml import etree

from signing.errors import DocumentRefused
from signing.formats.xades_references import (
    SignedFile,
    check_files,
    document_reference,
    file_reference,
    is_plain_path,
    object_reference,
    properties_reference,
)
from signing.formats.xml_text import Element, canonical

_DS = "{http://www.w3.org/2000/09/xmldsig#}"
_DIGEST = b"\x01" * 32


def tree(node: Element) -> etree._Element:
    return etree.fromstring(canonical(node))


def transforms(node: Element) -> list[str]:
    found = tree(node).iterfind(f"{_DS}Transforms/{_DS}Transform")
    return [one.get("Algorithm").rpartition("/")[2] for one in found]


def uri_of(name: str) -> str:
    file = SignedFile(name, "text/plain", _DIGEST)
    reference = file_reference(file, reference_id="r", hash_name="sha256")
    return str(tree(reference).get("URI"))


@pytest.mark.parametrize(
    ("name", "uri"),
    [
        ("a.pdf", "a.pdf"),
        ("Đơn đề nghị.pdf", "%C4%90%C6%A1n%20%C4%91%E1%BB%81%20ngh%E1%BB%8B.pdf"),
        ("e\u0302.txt", "e%CC%82.txt"),
        ("a/b/c", "a/b/c"),
        ("100%.txt", "100%25.txt"),
        ("a#b?c", "a%23b%3Fc"),
        ("http:a", "http%3Aa"),
        ("a&b", "a&b"),
    ],
)
def test_names_are_percent_encoded_utf_8(name: str, uri: str) -> None:
    """RFC 3986 §2.1, §3.3 and §4.2 (no colon in a first segment)."""
    assert uri_of(name) == uri


@given(st.text(max_size=20).filter(is_plain_path))
def test_every_name_comes_back(name: str) -> None:
    assert unquote(uri_of(name)) == name


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("", "name_unusable"),
        ("/a", "name_unusable"),
        ("a//b", "name_unusable"),
        ("a/", "name_unusable"),
        ("../a", "name_unusable"),
        ("a/./b", "name_unusable"),
        ("a\\b", "name_unusable"),
        ("a\nb", "name_unusable"),
        ("\ud800", "name_unusable"),
        ("a" * 1_025, "name_unusable"),
    ],
)
def test_names_that_lead_elsewhere_are_refused(name: str, reason: str) -> None:
    with pytest.raises(DocumentRefused) as refused:
        check_files((SignedFile(name, "text/plain", _DIGEST),), digest_bytes=32)
    assert refused.value.reason == reason


@pytest.mark.parametrize(
    ("files", "reason"),
    [
        ((), "no_documents"),
        ((SignedFile("a", "text/plain", _DIGEST),) * 2, "name_twice"),
        ((SignedFile("a", "text", _DIGEST),), "mime_type"),
        ((SignedFile("a", "text/plain", _DIGEST + b"\x00"),), "wrong_digest_length"),
        ((SignedFile("a", "text/plain", b""),), "wrong_digest_length"),
    ],
)
def test_files_that_cannot_be_signed_are_refused(
    files: tuple[SignedFile, ...], reason: str
) -> None:
    with pytest.raises(DocumentRefused) as refused:
        check_files(files, digest_bytes=32)
    assert refused.value.reason == reason


def test_the_way_to_a_document_leaves_signatures_out() -> None:
    """W3C XML Signature 1.1 §6.6.3, §6.6.4."""
    given_all = {"digest": _DIGEST, "reference_id": "r", "hash_name": "sha256"}
    shared = document_reference(**given_all, is_alone=False)
    alone = document_reference(**given_all, is_alone=True)
    assert tree(shared).get("URI") == tree(alone).get("URI") == ""
    assert transforms(shared) == [
        "xmldsig#enveloped-signature",
        "REC-xpath-19991116",
        "REC-xml-c14n-20010315",
    ]
    assert transforms(alone) == ["xmldsig#enveloped-signature", "REC-xml-c14n-20010315"]
    [expression] = tree(shared).iter(f"{_DS}XPath")
    assert expression.text == "not(ancestor-or-self::ds:Signature)"


def test_the_way_to_an_object_is_base64() -> None:
    """W3C XML Signature 1.1 §6.6.2."""
    reference = object_reference("o", digest=_DIGEST, reference_id="r", hash_name="sha384")
    assert transforms(reference) == ["xmldsig#base64"]
    assert tree(reference).get("URI") == "#o"
    assert tree(reference).find(f"{_DS}DigestMethod").get("Algorithm").endswith("sha384")


def test_signed_properties_are_referenced_by_their_type() -> None:
    """ETSI EN 319 132-1 §6.3."""
    reference = tree(properties_reference("p", digest=_DIGEST, hash_name="sha256"))
    assert reference.get("Type") == "http://uri.etsi.org/01903#SignedProperties"
    assert reference.get("URI") == "#p"
    assert reference.get("Id") is None
