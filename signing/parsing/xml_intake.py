"""A first look at an XML document.

What lives here: whether it is one that may be signed (well-formed, without a document type, not too
large inside), and what there is to know about it.
Source: XML Signature 1.1 §2.0 (ds:Signature).
Not here: the parser and how it is set (`xml_document`).
"""

from __future__ import annotations

from collections.abc import Sequence
from io import BytesIO
from typing import BinaryIO, Final

from lxml import etree

from signing.errors import DocumentRefused, ParsingFailed
from signing.formats.xml_canonical import read_canonical
from signing.formats.xml_encoding import find_encoding
from signing.messages.xml_intake import XmlAsked, XmlFacts
from signing.messages.xml_signature import FindPlace
from signing.parsing.xml_document import read_document
from signing.parsing.xml_signature import find_place

_DOCUMENT_TYPE: Final = b"<!DOCTYPE"
_LONGEST_NAME: Final = 1_000
_SIGNATURE: Final = "{http://www.w3.org/2000/09/xmldsig#}Signature"


def look_at_xml(asked: XmlAsked, inputs: Sequence[memoryview], _output: BinaryIO) -> XmlFacts:
    """What the document is.

    Raises  DocumentRefused: not_xml, encoding_unknown, doctype, too_many_elements.
    """
    raw = bytes(inputs[0])
    try:
        tree = read_document(raw, most_elements=asked.most_elements)
    except DocumentRefused as refusal:
        # a bomb of entities breaks the reader before it can say what it has seen
        if refusal.reason == "not_xml" and _DOCUMENT_TYPE in raw.replace(b"\0", b""):
            raise DocumentRefused("doctype") from refusal
        raise
    name = etree.QName(tree.getroot())
    no_enveloped, nodes = _try_enveloped(asked, inputs)
    return XmlFacts(
        root=name.localname[:_LONGEST_NAME],
        namespace=(name.namespace or "")[:_LONGEST_NAME],
        elements=int(tree.xpath("count(//*)")),
        signatures=sum(1 for _ in tree.iter(_SIGNATURE)),
        no_enveloped=no_enveloped,
        nodes=nodes,
    )


def warm_up() -> None:
    """Both readers of a document, once."""
    look_at_xml(
        XmlAsked(100, 1_000, 100), [memoryview(b"<?xml version='1.0'?><a b='c'/>")], BytesIO()
    )


def _try_enveloped(asked: XmlAsked, inputs: Sequence[memoryview]) -> tuple[str, int]:
    """Why no enveloped signature goes in, or empty; and how many nodes there are.

    Done as it is when somebody signs, by the reader here and by that of the service: a document
    that the two read differently is signed by nobody.
    """
    raw = inputs[0]
    encoding = find_encoding(raw)
    if len(raw) > asked.most_enveloped_bytes or encoding is None:
        return "too_large", 0
    form = BytesIO()
    try:
        find_place(FindPlace(most_elements=asked.most_enveloped_elements), inputs, form)
        reading = read_canonical(encoding.decode(raw))
    except DocumentRefused as refusal:
        return refusal.reason, 0
    except (ParsingFailed, UnicodeDecodeError):
        return "not_canonical", 0
    return "" if reading.octets == form.getvalue() else "not_canonical", reading.nodes
