"""Canonical forms of ours are those of libxml2, of whole documents and of parts."""

from __future__ import annotations

import io

from hypothesis import given, settings
from hypothesis import strategies as st
from lxml import etree

from signing.formats.xml_encoding import find_text
from signing.formats.xml_names import C14N, EXCLUSIVE_C14N
from signing.formats.xml_node_sets import (
    C14N_11,
    Canonicalization,
    NodeSet,
    canonical,
    find_canonicalization,
)
from signing.formats.xml_tree import read_tree
from signing.messages.xml_octets import OctetsAsked, Wanted
from signing.parsing.xml_octets import find_octets
from tests.support.xml_documents import encoded_documents

FORMS = [
    form + comments
    for form, hash_ in ((C14N, "#"), (C14N_11, "#"), (EXCLUSIVE_C14N, ""))
    for comments in ("", f"{hash_}WithComments")
]


@settings(max_examples=30, deadline=None)
@given(encoded_documents(), st.sampled_from([(), ("p", "q"), ("#default",)]))
def test_every_element_of_every_document_is_written_as_behind_the_walls(
    raw: bytes, prefixes: tuple[str, ...]
) -> None:
    """W3C Canonical XML 1.0 §2.3; 1.1 §2.4; Exclusive XML Canonicalization 1.0 §3."""
    try:
        etree.fromstring(raw, etree.XMLParser(resolve_entities=False))
    except etree.XMLSyntaxError:
        return
    text = find_text(raw)
    assert text is not None
    tree = read_tree(text)
    wanted = [
        Wanted(one.number, form, prefixes=prefixes, is_written=True)
        for one in tree.elements
        for form in FORMS
    ]
    output = io.BytesIO()
    asked = OctetsAsked(tuple(wanted), 1_000, 1 << 20)
    found = find_octets(asked, [memoryview(raw)], output)
    theirs = io.BytesIO(output.getvalue())
    names = frozenset("" if one == "#default" else one for one in prefixes)
    for one, part in zip(wanted, found.parts, strict=True):
        written = theirs.read(part.written)
        form = find_canonicalization(one.algorithm, prefixes=names)
        assert form is not None
        assert part.refused in {"", "not_canonical"}
        if not part.refused:
            assert canonical(NodeSet(tree, tree.elements[one.element]), by=form) == written


def test_languages_are_inherited_by_a_part_of_a_document() -> None:
    """W3C Canonical XML 1.0 §2.4, 1.1 §2.4: not the identifier, in the newer form."""
    tree = read_tree('<a xml:lang="vi" xml:id="x"><b xml:space="preserve"><c/></b></a>')
    inner = NodeSet(tree, tree.elements[2])
    written = {form: canonical(inner, by=_form(form)) for form in (C14N, C14N_11, EXCLUSIVE_C14N)}
    assert written == {
        C14N: b'<c xml:id="x" xml:lang="vi" xml:space="preserve"></c>',
        C14N_11: b'<c xml:lang="vi" xml:space="preserve"></c>',
        EXCLUSIVE_C14N: b"<c></c>",
    }


def test_what_is_left_out_leaves_the_text_behind_it() -> None:
    tree = read_tree("<a>1<b>2<c/></b>3<d/></a>")
    nodes = NodeSet(tree).without(frozenset({1}))
    assert canonical(nodes, by=_form(C14N)) == b"<a>13<d></d></a>"
    assert nodes.text() == "13"


def test_of_something_inside_of_what_is_left_out_nothing_is_left() -> None:
    tree = read_tree("<a><b>2<c>3</c></b></a>")
    nodes = NodeSet(tree, tree.elements[2]).without(frozenset({1}))
    assert canonical(nodes, by=_form(C14N)) == b""
    assert nodes.text() == ""


def test_other_identifiers_are_no_canonical_form() -> None:
    assert find_canonicalization(f"{C14N}#withcomments") is None
    assert find_canonicalization("http://www.w3.org/2010/xml-c14n2") is None


def _form(algorithm: str) -> Canonicalization:
    found = find_canonicalization(algorithm)
    assert found is not None
    return found
