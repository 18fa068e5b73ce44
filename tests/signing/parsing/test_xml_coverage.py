"""Signatures that are there already: which would break, and which leave others alone."""

from __future__ import annotations

import pytest
from lxml import etree

from signing.parsing.xml_coverage import would_break

_DS = "http://www.w3.org/2000/09/xmldsig#"
_ENVELOPED = f'<d:Transform Algorithm="{_DS}enveloped-signature"/>'
_XPATH = "http://www.w3.org/TR/1999/REC-xpath-19991116"
_FILTER = "http://www.w3.org/2002/06/xmldsig-filter2"


def by_xpath(expression: str, *, prefix: str = "d") -> str:
    return (
        f'<d:Transform Algorithm="{_XPATH}">'
        f'<d:XPath xmlns:{prefix}="{_DS}">{expression}</d:XPath></d:Transform>'
    )


def by_filter(expression: str, *, kind: str = "subtract") -> str:
    return (
        f'<d:Transform Algorithm="{_FILTER}">'
        f'<f:XPath xmlns:f="{_FILTER}" Filter="{kind}">{expression}</f:XPath></d:Transform>'
    )


def document(uri: str | None, transforms: str = "") -> etree._Element:
    named = "" if uri is None else f' URI="{uri}"'
    return etree.fromstring(
        f'<a Id="whole"><b Id="part"/><d:Signature xmlns:d="{_DS}"><d:SignedInfo>'
        f"<d:Reference{named}><d:Transforms>{transforms}</d:Transforms></d:Reference>"
        '</d:SignedInfo><d:Object Id="inside"/></d:Signature></a>'
    )


@pytest.mark.parametrize(
    ("uri", "transforms"),
    [
        ("", ""),
        ("", _ENVELOPED),
        ("#xpointer(/)", _ENVELOPED),
        ("#whole", _ENVELOPED),
        ("#xpointer(id('whole'))", _ENVELOPED),
        ("", by_xpath("not(ancestor-or-self::d:Signature) or true()")),
        ("", by_xpath("not(ancestor-or-self::e:Signature)")),
        ("", by_xpath("not(self::d:Signature)")),
        ("", by_filter("/descendant::d:Signature", kind="intersect")),
        ("", by_filter("here()/ancestor::d:Signature[1]")),
    ],
)
def test_a_signature_over_the_whole_would_break(uri: str, transforms: str) -> None:
    """W3C XML Signature 1.1 §6.6.4: enveloped takes out the one signature it stands in."""
    assert would_break(document(uri, transforms))


@pytest.mark.parametrize(
    ("uri", "transforms"),
    [
        (None, ""),
        ("other.pdf", ""),
        ("https://x.example/", ""),
        ("#part", ""),
        ("#inside", ""),
        ("#nowhere", ""),
        ("", by_xpath("not(ancestor-or-self::d:Signature)")),
        ("", _ENVELOPED + by_xpath(" not( ancestor-or-self::ds:Signature )", prefix="ds")),
        ("", by_filter("/descendant::d:Signature")),
        ("", by_filter("//d:Signature")),
    ],
)
def test_other_signatures_do_not_mind(uri: str | None, transforms: str) -> None:
    """W3C XML Signature 1.1 §6.6.3; XPath Filter 2.0 §3."""
    assert not would_break(document(uri, transforms))


def test_a_part_that_is_signed_minds_what_is_written_into_it_alone() -> None:
    root = document("#part")
    assert not would_break(root)
    assert would_break(root[0])


def test_a_signature_that_takes_itself_out_does_not_mind_what_it_gets() -> None:
    root = document("", _ENVELOPED)
    own = root[1]
    assert not would_break(own[1], own=own)
    assert would_break(own[1])
    inside = document("#inside")
    assert would_break(inside[1][1], own=inside[1])
