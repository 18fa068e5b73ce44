"""Our own look at a document: the canonical form that lxml makes, and nothing else taken for it."""

from __future__ import annotations

import io

import pytest
from hypothesis import given
from lxml import etree

from signing.errors import DocumentRefused, ParsingFailed
from signing.formats.xml_canonical import read_canonical
from tests.support.xml_documents import DS, xml_texts


def lxml_form(text: str) -> bytes:
    """Canonical XML 1.0 without comments and without any signature, as libxml2 makes it."""
    tree = etree.fromstring(text.encode()).getroottree()
    for signature in list(tree.getroot().iter(f"{{{DS}}}Signature")):
        parent, before = signature.getparent(), signature.getprevious()
        if parent is None:
            continue
        if before is None:
            parent.text = (parent.text or "") + (signature.tail or "")
        else:
            before.tail = (before.tail or "") + (signature.tail or "")
        parent.remove(signature)
    output = io.BytesIO()
    tree.write_c14n(output, with_comments=False)
    return output.getvalue()


def is_signature(text: str) -> bool:
    return bool(etree.fromstring(text.encode()).tag == f"{{{DS}}}Signature")


@given(xml_texts())
def test_every_document_has_the_form_that_lxml_gives_it(text: str) -> None:
    text = text.lstrip()
    reading = read_canonical(text)
    if is_signature(text):
        assert reading.signatures == 1  # refused before anybody signs it
        return
    assert reading.octets == lxml_form(text)


@given(xml_texts())
def test_the_end_of_the_root_is_where_it_ends(text: str) -> None:
    text = text.lstrip()
    reading = read_canonical(text)
    closing = "/>" if reading.is_empty else f"</{reading.root}"
    assert text.startswith(closing, reading.end)
    probe = "" if reading.is_empty else "<new/>"
    changed = text[: reading.end] + probe + text[reading.end :]
    root = etree.fromstring(changed.encode())
    assert reading.is_empty or root[-1].tag.rpartition("}")[2] == "new"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("<a/>", b"<a></a>"),
        ("<a b='\"'/>", b'<a b="&quot;"></a>'),
        ("<a>\r\n\r</a>", b"<a>\n\n</a>"),
        ("<a>&#13;</a>", b"<a>&#xD;</a>"),
        ("<a b='\t\n&#9;&#10;&#13;'/>", b'<a b="  &#x9;&#xA;&#xD;"></a>'),
        ("<a><![CDATA[<&>\r\n]]></a>", b"<a>&lt;&amp;&gt;\n</a>"),
        ("<?p  q ?><a/><?r?>", b"<?p q ?>\n<a></a>\n<?r?>"),
        ("<!--x--><a><!--y--></a><!--z-->", b"<a></a>"),
        ("<a xmlns='u'><b xmlns=''/></a>", b'<a xmlns="u"><b xmlns=""></b></a>'),
        ("<a xmlns=''/>", b"<a></a>"),
        (
            "<a xmlns:q='1' xmlns:p='2' p:z='' q:y='' c=''/>",
            b'<a xmlns:p="2" xmlns:q="1" c="" q:y="" p:z=""></a>',
        ),
        ("<a xmlns:p='1'><b xmlns:p='1'/></a>", b'<a xmlns:p="1"><b></b></a>'),
        ("<a xml:lang='vi'><b/></a>", b'<a xml:lang="vi"><b></b></a>'),
        (f"<a>1<s:Signature xmlns:s='{DS}'><a>2</a></s:Signature>3</a>", b"<a>13</a>"),
        (f"<a><Signature xmlns='{DS}'/></a>", b"<a></a>"),
        ("<a><Signature/></a>", b"<a><Signature></Signature></a>"),
    ],
)
def test_forms_are_those_of_the_standard(text: str, expected: bytes) -> None:
    """W3C Canonical XML 1.0 §2.3 and §3; XML Signature 1.1 §6.6.3."""
    assert read_canonical(text).octets == expected


@pytest.mark.parametrize(
    "text",
    [
        "",
        "text",
        "<a>",
        "<a></b>",
        "</a>",
        "<a/><b/>",
        "<a/>text",
        "text<a/>",
        "<a",
        "<a b=c/>",
        "<a b='<'/>",
        "<a 'b'/>",
        "<a>&unknown;</a>",
        "<a>&amp</a>",
        "<a>&#xFFFFFFFFF;</a>",
        "<a>&#1x;</a>",
        "<!DOCTYPE a><a/>",
        "<a><!DOCTYPE a></a>",
        "<![CDATA[x]]><a/>",
        "<a><![CDATA[x</a>",
        "<a><!--x</a>",
        "<a><?p</a>",
        "<p:a/>",
        "<a p:b='' c=''/>",
        "<?xml",
    ],
)
def test_what_is_no_document_is_a_contradiction(text: str) -> None:
    """Whoever looked first has let something through, or lies."""
    with pytest.raises(ParsingFailed) as refused:
        read_canonical(text)
    assert refused.value.reason == "contradiction"


def test_namespaces_that_verifiers_write_differently_are_refused() -> None:
    """W3C Canonical XML 1.0 §2.3: namespace nodes are escaped as attributes; libxml2 does not."""
    with pytest.raises(DocumentRefused) as refused:
        read_canonical("<a xmlns='http://x.example/?a=1&amp;b=2'/>")
    assert refused.value.reason == "namespace_unusable"


def test_nodes_are_counted_as_xpath_counts_them() -> None:
    """W3C XPath 1.0 §5: an element has an attribute and a namespace node for each."""
    text = "<a b='1' c='2'>x<p:d xmlns:p='urn:p'/>y</a>"
    tree = etree.fromstring(text)
    counted = int(tree.xpath("count(//* | //@* | //text() | //namespace::*)"))
    # ours counts declarations as attributes too, and the empty default namespace as one
    assert read_canonical(text).nodes == counted + 1 + 2


def test_namespaces_have_a_number() -> None:
    many = "".join(f" xmlns:p{number}='urn:{number}'" for number in range(254))
    assert read_canonical(f"<a{many}/>").nodes == 1 + 254 + 256
    for text in (f"<a{many} xmlns:q='urn:q'/>", f"<a{many}><b xmlns:q='urn:q'/></a>"):
        with pytest.raises(DocumentRefused) as refused:
            read_canonical(text)
        assert refused.value.reason == "too_many_namespaces"


def test_a_long_tag_takes_no_longer_than_its_length() -> None:
    text = "<a" + " b='c'" * 100_000
    with pytest.raises(ParsingFailed):
        read_canonical(text + "<")
    with pytest.raises(ParsingFailed):
        read_canonical("<a" + " " * 200_000 + "<")


def test_depth_is_no_recursion() -> None:
    text = "<a>" * 50_000 + "</a>" * 50_000
    assert read_canonical(text).octets == text.encode()
