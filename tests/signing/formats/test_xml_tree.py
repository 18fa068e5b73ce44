"""Our own reader of XML sees what others see, and refuses what they refuse."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from lxml import etree

from signing.errors import ParsingFailed
from signing.formats.xml_encoding import find_text
from signing.formats.xml_tree import MOST_DEEP, Element, read_tree
from tests.support.xml_documents import encoded_documents

REFUSED = {
    "document type": ("<!DOCTYPE a><a/>", "doctype"),
    "entities": ('<!DOCTYPE a [<!ENTITY b "c">]><a>&b;</a>', "doctype"),
    "unknown entity": ("<a>&b;</a>", "contradiction"),
    "not closed": ("<a><b></b>", "contradiction"),
    "closed by another": ("<a></b>", "contradiction"),
    "two roots": ("<a/><b/>", "contradiction"),
    "text outside": ("<a/>x", "contradiction"),
    "attribute twice": ('<a b="1" b="2"/>', "contradiction"),
    "attribute twice by namespace": (
        '<a xmlns:p="u" xmlns:q="u" p:b="1" q:b="2"/>',
        "contradiction",
    ),
    "prefix of nothing": ("<p:a/>", "contradiction"),
    "prefix of XML elsewhere": ('<a xmlns:xml="u"/>', "contradiction"),
    "nothing": ("", "contradiction"),
    "half a character": ("<a>&#xD800;</a>", "contradiction"),
    "no character": ("<a>&#x110000;</a>", "contradiction"),
    "too deep": ("<a>" * (MOST_DEEP + 1) + "</a>" * (MOST_DEEP + 1), "too_deep"),
    "attributes": (
        "<a " + " ".join(f"b{number}='1'" for number in range(1001)) + "/>",
        "too_many_attributes",
    ),
    "namespaces": (
        "<a " + " ".join(f"xmlns:b{number}='u'" for number in range(255)) + "/>",
        "too_many_namespaces",
    ),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_is_no_document_for_us_is_refused_under_a_name(name: str) -> None:
    text, reason = REFUSED[name]
    with pytest.raises(ParsingFailed) as refused:
        read_tree(text)
    assert refused.value.reason == reason


@settings(max_examples=60, deadline=None)
@given(encoded_documents())
def test_elements_attributes_and_texts_are_those_that_lxml_sees(raw: bytes) -> None:
    try:
        root = etree.fromstring(raw, etree.XMLParser(resolve_entities=False))
    except etree.XMLSyntaxError:
        return
    text = find_text(raw)
    assert text is not None
    tree = read_tree(text)
    theirs = [one for one in root.iter() if isinstance(one.tag, str)]
    assert len(theirs) == len(tree.elements)
    for own, other in zip(tree.elements, theirs, strict=True):
        assert _tag(own) == other.tag
        assert {_key(one): one.value for one in own.attributes} == dict(other.attrib)
        # what stands between comments is several texts for one and one text for nobody
        assert own.text() == "".join(map(str, other.xpath("text()")))


def test_an_element_knows_what_is_inside_of_it() -> None:
    tree = read_tree("<a><b><c/></b><d/></a>")
    a, b, c, d = tree.elements
    assert [one.last for one in tree.elements] == [3, 2, 2, 3]
    assert [a.holds(c), b.holds(c), b.holds(d)] == [True, True, False]
    assert tree.inside(b) == (b, c)
    assert list(c.ancestors()) == [b, a]


def test_letters_of_one_byte_are_read_by_their_declaration() -> None:
    raw = '<?xml version="1.0" encoding="ISO-8859-2"?><a>ł</a>'.encode("iso-8859-2")
    text = find_text(raw)
    assert text is not None
    assert read_tree(text).root.text() == "ł"
    assert find_text(raw.replace(b"ISO-8859-2", b"EBCDIC-CP-BE")) is None


def _tag(element: Element) -> str:
    return f"{{{element.namespace}}}{element.local}" if element.namespace else element.local


def _key(one: object) -> str:
    namespace, local = one[:2]  # type: ignore[index]  # a named tuple
    return f"{{{namespace}}}{local}" if namespace else local
