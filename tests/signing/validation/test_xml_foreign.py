"""Signatures of xmlsec hold for us, however they were made, and what it refuses we refuse."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from lxml import etree

from tests.support.xml_documents import xml_texts
from tests.support.xml_found import all_hold, find_in, holds, only, said_of
from tests.support.xml_signing import (
    C14N,
    DS,
    ENVELOPED,
    EXCLUSIVE,
    FILTER,
    SHA256,
    XPATH,
    Way,
    envelop_by_xmlsec,
    sign_by_xmlsec,
    xmlsec_says,
)

MORE = "http://www.w3.org/2001/04/xmldsig-more#"
MORE_2007 = "http://www.w3.org/2007/05/xmldsig-more#"
DOCUMENT = (
    '<?in out?><a xmlns="urn:a" xmlns:p="urn:p" Id="root" xml:lang="vi"><!--x--><b p:c="1" '
    'Id="part">Nguyễn\n<p:d/><e xmlns="">2</e></b>  <!--y--><?in in?></a>'
)
METHODS = [
    f"{DS}rsa-sha1",
    f"{MORE}rsa-sha224",
    f"{MORE}rsa-sha256",
    f"{MORE}rsa-sha384",
    f"{MORE}rsa-sha512",
    f"{MORE_2007}sha256-rsa-MGF1",
    f"{MORE_2007}sha384-rsa-MGF1",
    f"{MORE_2007}sha512-rsa-MGF1",
    f"{MORE}ecdsa-sha1",
    f"{MORE}ecdsa-sha256",
    f"{MORE}ecdsa-sha384",
    f"{MORE}ecdsa-sha512",
    "http://www.w3.org/2009/xmldsig11#dsa-sha256",
]
DIGESTS = [
    f"{DS}sha1",
    f"{MORE}sha224",
    SHA256,
    f"{MORE}sha384",
    "http://www.w3.org/2001/04/xmlenc#sha512",
    f"{MORE_2007}sha3-256",
    f"{MORE_2007}sha3-512",
]
FORMS = [
    C14N,
    f"{C14N}#WithComments",
    "http://www.w3.org/2006/12/xml-c14n11",
    "http://www.w3.org/2006/12/xml-c14n11#WithComments",
    EXCLUSIVE,
    f"{EXCLUSIVE}WithComments",
]
PREFIXES = (
    f'<ds:Transform xmlns:ds="{DS}" Algorithm="{EXCLUSIVE}">'
    f'<x:InclusiveNamespaces xmlns:x="{EXCLUSIVE}" PrefixList="p #default"/></ds:Transform>'
)


def by_xpath(said: str) -> str:
    return (
        f'<ds:Transform xmlns:ds="{DS}" Algorithm="{XPATH}"><ds:XPath xmlns:q="urn:a" '
        f'xmlns:p="urn:p">{said}</ds:XPath></ds:Transform>'
    )


def by_filter(*steps: tuple[str, str]) -> str:
    inside = "".join(
        f'<f:XPath xmlns:f="{FILTER}" xmlns:q="urn:a" xmlns:p="urn:p" Filter="{kind}">{said}'
        "</f:XPath>"
        for kind, said in steps
    )
    return f'<ds:Transform xmlns:ds="{DS}" Algorithm="{FILTER}">{inside}</ds:Transform>'


WITHOUT = by_xpath("not(ancestor-or-self::ds:Signature)")
FILTERS = {
    "without signatures": (WITHOUT, C14N),
    "twice": (ENVELOPED, WITHOUT, C14N),
    "without signatures and another": (
        by_xpath("not(ancestor-or-self::ds:Signature) and not(ancestor-or-self::p:d)"),
        C14N,
    ),
    "text alone": (ENVELOPED, by_xpath("self::text()"), C14N),
    "elements of a namespace": (ENVELOPED, by_xpath("ancestor-or-self::q:b"), C14N),
    "no attributes": (ENVELOPED, by_xpath("not(self::node()[parent::q:b and self::p:d])"), C14N),
    "subtracted": (by_filter(("subtract", "//ds:Signature")), C14N),
    "subtracted by axis": (by_filter(("subtract", "/descendant::ds:Signature")), EXCLUSIVE),
    "intersected": (by_filter(("intersect", "//q:b"), ("subtract", "//ds:Signature")), C14N),
    "joined": (
        by_filter(("intersect", "//q:b"), ("subtract", "//p:d"), ("union", "//p:d")),
        EXCLUSIVE,
    ),
    "prefixes": (ENVELOPED, PREFIXES),
    "two forms": (ENVELOPED, EXCLUSIVE, C14N),
}
WAYS = {
    **{f"method {method}": Way(method=method) for method in METHODS},
    **{f"digest {digest}": Way(digest=digest) for digest in DIGESTS},
    **{f"signed info {form}": Way(canonicalization=form) for form in FORMS},
    **{f"form {form}": Way(transforms=(ENVELOPED, form)) for form in FORMS},
    **{f"filter {name}": Way(transforms=each) for name, each in FILTERS.items()},
    "no transform but one": Way(transforms=(ENVELOPED,)),
    "whole document by pointer": Way(
        uri="#xpointer(/)", transforms=(ENVELOPED, f"{C14N}#WithComments")
    ),
    "part": Way(uri="#part", transforms=(C14N,)),
    "part by pointer": Way(uri="#xpointer(id('part'))", transforms=(f"{EXCLUSIVE}WithComments",)),
    "part without transform": Way(uri="#part", transforms=()),
}


@pytest.mark.parametrize("name", WAYS)
def test_every_way_of_signing_holds_for_us_as_for_xmlsec(name: str) -> None:
    """W3C XML Signature 1.1 §6; RFC 9231 §2."""
    way = WAYS[name]
    xml = sign_by_xmlsec(DOCUMENT, way)
    assert xmlsec_says(xml, method=way.method)
    found = only(xml)
    assert holds(found), said_of(find_in(xml))
    # nobody needs to be believed but for expressions that are not computed twice
    is_taken = "reference_not_recomputed" in {one.code for one in found.doubts}
    assert is_taken == (
        name.removeprefix("filter ")
        in {
            "text alone",
            "elements of a namespace",
            "no attributes",
            "intersected",
            "joined",
        }
    )


@pytest.mark.parametrize("name", WAYS)
def test_a_changed_letter_in_what_was_signed_is_noticed(name: str) -> None:
    """W3C XML Signature 1.1 §3.2.1."""
    xml = sign_by_xmlsec(DOCUMENT, WAYS[name]).replace("Nguyễn".encode(), b"Nguyen", 1)
    assert not xmlsec_says(xml, method=WAYS[name].method)
    assert not all_hold(xml)


@pytest.mark.parametrize(
    "content", ["dGjhu60g\n bmdoaeG7h20=", "<x>dGjhu60g</x><!--n-->bmdoaeG7h20="]
)
def test_what_stands_inside_in_base64_is_hashed_by_ourselves(content: str) -> None:
    """W3C XML Signature 1.1 §6.6.2."""
    xml = envelop_by_xmlsec(
        Way(uri="#o", transforms=(f"{DS}base64",), holds=f'<ds:Object Id="o">{content}</ds:Object>')
    )
    assert xmlsec_says(xml)
    assert all_hold(xml)
    assert not all_hold(xml.replace(b"dGjhu60", b"dGjhu61"))


def test_style_sheets_are_refused_under_their_name() -> None:
    """W3C XML Signature 1.1 §8.1 (transforms can do anything)."""
    xslt = '<ds:Transform Algorithm="http://www.w3.org/TR/1999/REC-xslt-19991116"/>'
    xml = sign_by_xmlsec(DOCUMENT, Way())
    changed = xml.replace(b"<ds:Transform ", xslt.encode() + b"<ds:Transform ", 1)
    found = find_in(changed)
    assert "transform_refused" in said_of(found)
    assert not found.signatures[0].objects[0].is_found
    unknown = xml.replace(ENVELOPED.encode(), b"urn:unknown")
    assert "transform_unknown" in said_of(find_in(unknown))


@pytest.mark.parametrize(
    "said", ["position()=1", "//*[", "unknown()", "document('/etc/passwd')", "$x"]
)
def test_expressions_that_cannot_be_used_are_named(said: str) -> None:
    xml = sign_by_xmlsec(DOCUMENT, WAYS["filter text alone"])
    changed = xml.replace(b"self::text()", said.encode())
    found = find_in(changed)
    assert "xpath_unusable" in said_of(found)
    assert not found.signatures[0].objects[0].is_found


CHANGES = st.sampled_from(
    [
        (rb"<(a|b)>", rb"<\1 z='1'>"),
        (rb">", b"> "),
        (rb'="([^"]*)"', rb'="\1x"'),
        (rb"</", b"x</"),
        (rb"&amp;", b"&lt;"),
        (rb"<!--", b"<?p?><!--"),
        (rb"urn:1", b"urn:3"),
        (rb"xmlns:p", b"xmlns:r"),
        (rb"\n", b"\n\n"),
        (rb"[a-zA-Z]", b"k"),
        (rb"<[^>/]*/>", b""),
    ]
)


@settings(max_examples=80, deadline=None)
@given(
    document=xml_texts(),
    form=st.sampled_from(FORMS),
    transforms=st.sampled_from([(ENVELOPED,), (WITHOUT,), (ENVELOPED, PREFIXES)]),
    change=CHANGES,
    at=st.integers(0, 30),
)
def test_of_any_document_before_and_after_any_change_we_think_as_xmlsec_does(
    document: str,
    form: str,
    transforms: tuple[str, ...],
    change: tuple[bytes, bytes],
    at: int,
) -> None:
    way = replace(Way(), transforms=(*transforms, form))
    try:
        # a second signature would be another question
        xml = sign_by_xmlsec(document.replace(DS, "urn:9"), way)
    except etree.XMLSyntaxError:
        return
    assert xmlsec_says(xml)
    assert all_hold(xml)
    found = list(re.finditer(change[0], xml))
    if not found:
        return
    match = found[at % len(found)]
    changed = xml[: match.start()] + match.expand(change[1]) + xml[match.end() :]
    if changed != xml and all_hold(changed):
        assert xmlsec_says(changed)
