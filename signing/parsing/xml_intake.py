"""A first look at an XML document.

What lives here: whether it is one that may be signed (well-formed, without a document type, not too
large inside), and what there is to know about it.
Source: XML Signature 1.1 §2.0 (ds:Signature).
Not here: the parser and how it is set (`xml_document`).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import BinaryIO, Final

from lxml import etree

from signing.errors import DocumentRefused
from signing.messages.xml_intake import XmlAsked, XmlFacts
from signing.parsing.xml_document import read_document

_DOCUMENT_TYPE: Final = b"<!DOCTYPE"
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
    return XmlFacts(
        root=name.localname,
        namespace=name.namespace or "",
        elements=int(tree.xpath("count(//*)")),
        signatures=sum(1 for _ in tree.iter(_SIGNATURE)),
    )
