"""What the parser behind the walls takes, and what it does not even begin to do."""

from __future__ import annotations

import io

import pytest
from lxml import etree

from signing.errors import DocumentRefused
from signing.formats.xml_names import C14N, EXCLUSIVE_C14N
from signing.formats.xml_node_sets import NodeSet, canonical, find_canonicalization
from signing.formats.xml_tree import read_tree
from signing.parsing.xml_document import (
    count_before,
    exclusive_text,
    find_end,
    inclusive_text,
    read_document,
    write_canonical,
)


def reason_of(raw: bytes, *, most_elements: int = 100) -> str:
    with pytest.raises(DocumentRefused) as refused:
        read_document(raw, most_elements=most_elements)
    return refused.value.reason


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"%PDF-1.7",
        b"<a>",
        b"<a/><b/>",
        b"<a b='1' b='2'/>",
        b"<p:a/>",
        b"<a>&unknown;</a>",
        b"<a>\xff</a>",
        b"<a>\x00</a>",
        b"<a xmlns:p=''/>",
        b"<a xml:id='not a name'/>",
    ],
)
def test_what_is_not_well_formed_is_refused(raw: bytes) -> None:
    """W3C XML 1.0 §2.1; Namespaces in XML 1.0 §8."""
    assert reason_of(raw) == "not_xml"


@pytest.mark.parametrize(
    "raw",
    [
        b"<!DOCTYPE a><a/>",
        b"<!DOCTYPE a SYSTEM 'http://dtd.example/a.dtd'><a/>",
        b"<!DOCTYPE a [<!ENTITY e SYSTEM 'file:///etc/passwd'>]><a>&e;</a>",
        b"<!DOCTYPE a [<!ATTLIST a b CDATA 'default'>]><a/>",
        b"<!DOCTYPE a [<!ENTITY e 'e'><!ENTITY f '&e;&e;'>]><a>&f;</a>",
    ],
)
def test_a_document_type_is_refused(raw: bytes) -> None:
    """What is signed stands in the document, not in a file or a definition elsewhere."""
    assert reason_of(raw) == "doctype"


def test_nothing_is_fetched(tmp_path) -> None:
    definition = tmp_path / "a.dtd"
    definition.write_text("<!ATTLIST a b CDATA 'fetched'>")
    raw = f"<!DOCTYPE a SYSTEM '{definition.as_uri()}'><a/>".encode()
    assert reason_of(raw) == "doctype"
    definition.write_text("no definition at all")  # an error, if anybody read it
    assert reason_of(raw) == "doctype"


def test_a_bomb_of_entities_goes_off_nowhere() -> None:
    entities = "".join(
        f"<!ENTITY e{number} '{f'&e{number - 1};' * 10}'>" for number in range(1, 12)
    )
    raw = f"<!DOCTYPE a [<!ENTITY e0 'x'>{entities}]><a b='&e11;'/>".encode()
    assert reason_of(raw) in {"doctype", "not_xml"}


def test_depth_and_length_have_the_limits_of_the_parser() -> None:
    assert reason_of(b"<a>" * 5_000 + b"</a>" * 5_000) == "not_xml"
    assert reason_of(b"<a>" + b"x" * 10_000_001 + b"</a>") == "not_xml"


def test_elements_are_counted() -> None:
    raw = b"<a>" + b"<b/>" * 99 + b"</a>"
    assert read_document(raw, most_elements=100).getroot().tag == "a"
    assert reason_of(raw, most_elements=99) == "too_many_elements"


def test_an_encoding_has_to_be_one_of_three() -> None:
    assert reason_of(b'<?xml version="1.0" encoding="UTF-7"?><a/>') == "encoding_unknown"


def test_a_relative_namespace_has_no_canonical_form() -> None:
    """W3C Canonical XML 1.0 §1.3 (implementations report an error)."""
    tree = read_document(b"<a xmlns='relative'/>", most_elements=10)
    with pytest.raises(DocumentRefused) as refused:
        write_canonical(tree, output=io.BytesIO())
    assert refused.value.reason == "namespace_relative"


@pytest.mark.parametrize("codec", ["utf-8", "utf-16"])
def test_the_end_of_every_element_is_found(codec: str) -> None:
    text = "<a><!--</b>--><b>ộ<c x='/>'/></b><d\n/><e></e><e>/></e><e><!--/--></e></a>"
    raw = text.encode(codec)
    mark = len("".encode(codec))
    ends = {"a": ("</a>", False), "b": ("</b>", False), "c": ("/>", True), "d": ("/>", True)}
    tree = etree.fromstring(raw)
    for number, node in enumerate(tree.iter("*")):
        assert count_before(node) == number
        offset, is_empty = find_end(raw, number=number)
        expected, without = ends.get(node.tag, ("</e>", False))
        unit = codec if codec == "utf-8" else "utf-16-le"
        assert raw[offset:].startswith(expected.encode(unit)), node.tag
        assert is_empty is without
        assert offset > mark


def test_a_second_reader_that_does_not_agree_refuses() -> None:
    for raw, number in ((b"<a>", 0), (b"<a/>", 1)):
        with pytest.raises(DocumentRefused) as refused:
            find_end(raw, number=number)
        assert refused.value.reason == "not_xml"


@pytest.mark.parametrize(
    "text",
    [
        (
            '<h:a xmlns:h="urn:h" xmlns="urn:a" xml:lang="vi"><h:b><c/><h:d xmlns=""><e/></h:d>'
            "</h:b></h:a>"
        ),
        (
            '<a xmlns="urn:a" xml:space="preserve"><p:b xmlns:p="urn:p"> <p:d xml:lang="en"/>\r'
            "</p:b></a>"
        ),
        '<a xmlns="urn:a"><b xmlns=""><c x="1&#10;2">&#13;</c></b>tail</a>',
    ],
)
def test_the_form_of_a_part_has_what_it_inherits_and_nothing_else(text: str) -> None:
    """W3C Canonical XML 1.0 §2.4; the service writes the same in plain Python."""
    tree = read_tree(text)
    nodes = read_document(text.encode(), most_elements=100).getroot().iter()
    for own, node in zip(tree.elements, nodes, strict=True):
        for name, written in ((C14N, inclusive_text), (EXCLUSIVE_C14N, exclusive_text)):
            form = find_canonicalization(name)
            assert form is not None
            assert written(node) == canonical(NodeSet(tree, own), by=form)
