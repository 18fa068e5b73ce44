"""The reader of XML reads what every reader reads, or refuses; nothing else ever happens."""

from __future__ import annotations

from contextlib import suppress
from typing import Any
from xml.etree import ElementTree as ET

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from idp.registers.xml_reader import MOST_BYTES, Element, XmlRefused, read_xml

_PIECES = (
    "<a>", "</a>", "<b:c x='1'>", "</b:c>", "<d/>", "<e y=\"&lt;\" z='&#10;'/>", "text", " \n\r\n",
    "&amp;", "&#x41;", "&#0;", "&unknown;", "&", "]]>", "<![CDATA[", "x]]y", "<!-- c -->",
    "<!-- - -- -->", "<!DOCTYPE a>", "<?pi x?>", '<?xml version="1.0" encoding="UTF-8"?>',
    "Nguyễn", "<", ">", "\x00", "\x0b", "<a a='1' a='2'>", "<a ", "'", '"', "<!---->", "\ufeff",
)  # fmt: skip


def _same(ours: Element, theirs: Any) -> bool:
    name = theirs.tag.rpartition(":")[2].rpartition("}")[2]
    text = (theirs.text or "") + "".join(one.tail or "" for one in theirs)
    children = list(theirs)
    return (
        ours.name == name
        and ours.text == text
        and len(ours.children) == len(children)
        and all(map(_same, ours.children, children))
    )


@settings(max_examples=150, deadline=None)
@given(st.lists(st.sampled_from(_PIECES), max_size=12).map("".join))
def test_what_is_read_is_what_expat_reads(text: str) -> None:
    """XML 1.0 §2.1: a document that is not well-formed is none."""
    raw = text.encode("utf-8", "surrogatepass")
    try:
        ours = read_xml(raw)
    except XmlRefused:
        return
    declared = raw.replace(b"b:c", b"c")  # a prefix that nothing declares is no concern of ours
    assert _same(ours, ET.fromstring(declared))  # noqa: S314 - the other reader is the oracle


@settings(max_examples=80, deadline=None)
@given(st.binary(max_size=200))
def test_any_bytes_are_read_or_refused(raw: bytes) -> None:
    """Nonsense raises nothing but the reader's own error."""
    with suppress(XmlRefused):
        read_xml(raw)


@pytest.mark.parametrize(
    ("raw", "why"),
    [
        (b'<!DOCTYPE a [<!ENTITY b "c">]><a>&b;</a>', "malformed"),
        (b'<!DOCTYPE a SYSTEM "http://elsewhere.example/a.dtd"><a/>', "malformed"),
        (b"<a>&b;</a>", "entity"),
        (b"<a>&#xD800;</a>", "entity"),
        (b"<a>&#1114112;</a>", "entity"),
        (b'<?xml version="1.0" encoding="UTF-16"?><a/>', "malformed"),
        ("<a/>".encode("utf-16"), "encoding"),
        (b"<a/><b/>", "malformed"),
        (b"<a>", "malformed"),
        (b"", "malformed"),
        (b"<a b='1' b='2'/>", "malformed"),
        (b"<a>" * 40 + b"</a>" * 40, "too_large"),
        (b"<a>" + b"<b/>" * 5000 + b"</a>", "too_large"),
        (b"<a>" + b" " * MOST_BYTES + b"</a>", "too_large"),
        (b"<a " + b" ".join(b"x%d=''" % n for n in range(40)) + b"/>", "too_large"),
    ],
)
def test_what_could_expand_fetch_or_never_end_is_refused(raw: bytes, why: str) -> None:
    """XML 1.0 §4.4 and OWASP ASVS 1.5.1: no document type, no entity, nothing without a bound."""
    with pytest.raises(XmlRefused, match=why):
        read_xml(raw)


def test_long_nonsense_is_refused_at_once() -> None:
    """Each byte is looked at once: no input makes the reader walk back."""
    for piece in (b"<a a='", b"<!--", b"<![CDATA[", b"<a ", b"- ", b"&#1", b"</"):
        with pytest.raises(XmlRefused):
            read_xml(piece * (MOST_BYTES // len(piece)))


def test_a_step_that_is_there_twice_is_no_step() -> None:
    root = read_xml(b"<a><b>1</b><b>2</b><c> x </c></a>")

    assert root.value("c") == "x"
    assert root.value("d", "e") is None
    with pytest.raises(XmlRefused, match="repeated"):
        root.value("b")
