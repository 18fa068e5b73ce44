"""What we write is its own canonical form, as others make it."""

from __future__ import annotations

import io

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from lxml import etree

from signing.errors import DocumentRefused
from signing.formats.xml_text import Element, canonical, element

_TEXTS = st.text(
    st.characters(codec="utf-8", exclude_characters="".join(map(chr, (*range(32), 0xFFFE, 0xFFFF))))
    | st.sampled_from("\t\n\r<>&\"'ộ\u0302"),
    max_size=8,
)
_NAMES = st.sampled_from(["ds:Object", "ds:A", "xades:Cert", "xades141:B", "asic:X"])
_ATTRIBUTES = st.dictionaries(st.sampled_from(["Id", "URI", "Algorithm", "a", "Z"]), _TEXTS)


def _elements(children: st.SearchStrategy[Element]) -> st.SearchStrategy[Element]:
    inner = st.lists(st.one_of(_TEXTS, children), max_size=3).map(tuple)
    return st.builds(Element, _NAMES, _ATTRIBUTES, inner)


elements = st.recursive(st.builds(Element, _NAMES, _ATTRIBUTES), _elements, max_leaves=8)


@given(elements)
def test_what_is_written_is_its_own_canonical_form(tree: Element) -> None:
    """W3C Exclusive XML Canonicalization 1.0 §3."""
    text = canonical(tree).encode()
    assert etree.tostring(etree.fromstring(text), method="c14n", exclusive=True) == text


@given(elements)
def test_a_part_has_its_own_canonical_form_inside_of_a_foreign_document(tree: Element) -> None:
    """What is hashed alone is what a verifier finds in the whole, whatever is around it."""
    around = '<x xmlns="urn:1" xmlns:ds="urn:2" xmlns:xades="urn:3" xml:lang="vi"><y xml:space="a">'
    document = etree.fromstring((around + canonical(tree) + "</y></x>").encode())
    found = etree.tostring(document[0][0], method="c14n", exclusive=True, with_tail=False)
    assert found == canonical(tree).encode()


@given(elements)
def test_an_element_can_be_stored(tree: Element) -> None:
    stored = msgspec.json.encode(tree)
    assert msgspec.json.decode(stored, type=Element) == tree


def test_a_namespace_is_declared_once_where_it_is_first_used() -> None:
    tree = element("ds:A", element("xades:B", element("ds:C")), element("xades:D"))
    written = canonical(tree)
    assert written.count("xmlns:ds=") == 1
    assert written.count("xmlns:xades=") == 2
    assert canonical(element("ds:C"), inside=frozenset({"ds"})) == "<ds:C></ds:C>"


@pytest.mark.parametrize("letter", ["\x00", "\x08", "\x0b", "\x1f", "\ud800", "\ufffe", "\uffff"])
def test_letters_that_no_xml_holds_are_refused(letter: str) -> None:
    """W3C XML 1.0 §2.2."""
    for tree in (element("ds:A", letter), element("ds:A", attributes={"Id": letter})):
        with pytest.raises(DocumentRefused) as refused:
            canonical(tree)
        assert refused.value.reason == "text_not_xml"


def test_a_stored_element_tells_nothing_by_accident() -> None:
    assert "Giám đốc" not in repr(element("xades:ClaimedRole", "Giám đốc"))


def test_text_is_not_markup() -> None:
    written = canonical(element("ds:A", "</ds:A><ds:B/>", attributes={"Id": '"><x y="'}))
    root = etree.parse(io.BytesIO(written.encode())).getroot()
    assert len(root) == 0
    assert root.get("Id") == '"><x y="'
