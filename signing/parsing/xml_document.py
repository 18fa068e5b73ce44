"""Reading an XML document from outside, behind the walls.

What lives here: the only parser of XML there is, and how it is set: no network, no document type,
no entities, its own limits on depth and length left on; and byte offsets, which it does not know.
Reasons to refuse: `not_xml`, `encoding_unknown`, `doctype`, `too_many_elements`,
`too_many_attributes`, `namespace_relative`.
Source: W3C XML 1.0; OWASP XML Security (what is switched off).
Not here: anything about signatures.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import BinaryIO, Final
from xml.parsers import expat

from lxml import etree

from signing.errors import DocumentRefused
from signing.formats.xml_encoding import find_encoding
from signing.formats.xml_lexis import XML

_MOST_ATTRIBUTES: Final = 1_000
"""Of one element: bringing them in order takes the square of their number in time."""
_SLASH: Final = "/>"
_XML: Final = f"{{{XML}}}"


def read_document(raw: bytes, *, most_elements: int) -> etree._ElementTree:
    """The tree of a document.

    Raises  DocumentRefused.
    """
    if find_encoding(raw) is None:
        raise DocumentRefused("encoding_unknown")
    # NOTE: collect_ids=False makes lxml 6.1 fetch external document types, whatever else is said
    parser = etree.XMLParser(
        resolve_entities=False,
        no_network=True,
        load_dtd=False,
        dtd_validation=False,
        attribute_defaults=False,
        huge_tree=False,
    )
    try:
        tree = etree.fromstring(raw, parser).getroottree()
    except (etree.XMLSyntaxError, ValueError) as broken:
        raise DocumentRefused("not_xml") from broken
    if tree.docinfo.doctype or tree.docinfo.internalDTD is not None:
        raise DocumentRefused("doctype")
    if tree.xpath("count(//*)") > most_elements:
        raise DocumentRefused("too_many_elements")
    return tree


def write_canonical(tree: etree._ElementTree, *, output: BinaryIO) -> None:
    """The whole document by Canonical XML 1.0, without comments.

    Raises  DocumentRefused("namespace_relative"): such names have no canonical form.
    """
    try:
        tree.write_c14n(output, exclusive=False, with_comments=False)
    except etree.C14NError as relative:
        raise DocumentRefused("namespace_relative") from relative


def exclusive_text(node: etree._Element) -> bytes:
    """An element by Exclusive XML Canonicalization 1.0, without comments."""
    alone = standing_alone(node, inherits=lambda _: False)
    return bytes(etree.tostring(alone, method="c14n", exclusive=True, with_comments=False))


def inclusive_text(node: etree._Element) -> bytes:
    """An element by Canonical XML 1.0, without comments."""
    alone = standing_alone(node)
    return bytes(etree.tostring(alone, method="c14n", exclusive=False, with_comments=False))


def standing_alone(
    node: etree._Element, *, inherits: Callable[[str], bool] = lambda _: True
) -> etree._Element:
    """An element as the root of a document of its own, for the canonical form of it alone.

    Takes   inherits: which attributes of the namespace `xml` come with it from what is around.
    NOTE: asked for the canonical form of an element inside of a document, lxml leaves these out
    (Canonical XML 1.0 §2.4), and may write namespaces that are not there.
    """
    raw = etree.tostring(node, with_tail=False, encoding="utf-8")
    root = etree.fromstring(raw, etree.XMLParser(resolve_entities=False, no_network=True))
    for around in node.iterancestors():
        for name, value in around.attrib.items():
            key = str(name)
            if key.startswith(_XML) and key not in root.attrib and inherits(key):
                root.set(key, value)
    return root


def count_before(node: etree._Element) -> int:
    """How many elements begin before this one."""
    return int(node.xpath("count(ancestor::*) + count(preceding::*)"))


def find_end(raw: bytes, *, number: int) -> tuple[int, bool]:
    """Where the element of that number ends, counted from 0 in the order of their start tags.

    Returns the offset in bytes of its end tag, or of its `/>`; and whether it is the latter.
    Raises  DocumentRefused: not_xml where this second reader does not agree with the first,
            too_many_attributes.
    """
    found: list[tuple[int, bool]] = []
    open_now: list[int] = []
    count = 0
    # the element whose start tag was the last thing that was read
    just_begun = -1
    parser = expat.ParserCreate()

    def start(_name: str, attributes: list[str]) -> None:
        nonlocal count, just_begun
        if len(attributes) > 2 * _MOST_ATTRIBUTES:
            raise DocumentRefused("too_many_attributes")
        open_now.append(count)
        just_begun = count
        count += 1

    def content(_raw: str) -> None:
        nonlocal just_begun
        just_begun = -1

    def end(_name: str) -> None:
        nonlocal just_begun
        if open_now.pop() == number:
            found.append((parser.CurrentByteIndex, just_begun == number))
        just_begun = -1

    parser.ordered_attributes = True
    parser.StartElementHandler = start
    parser.EndElementHandler = end
    parser.DefaultHandler = content
    try:
        parser.Parse(raw, True)  # noqa: FBT003  # the C function takes no keywords
    except expat.ExpatError as broken:
        raise DocumentRefused("not_xml") from broken
    encoding = find_encoding(raw)
    if not found or encoding is None:
        raise DocumentRefused("not_xml")
    [(offset, has_no_content)] = found
    # NOTE: without an end tag the parser stands behind the start tag
    slash = encoding.encode(_SLASH)
    if has_no_content and raw.endswith(slash, 0, offset):
        return offset - len(slash), True
    return offset, False
