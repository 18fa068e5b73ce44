"""The octets that XML signatures and timestamps are over, behind the walls.

What lives here: `find_octets`: references followed, transforms done, nodes written, by lxml.
Reasons for a part that there is not: `not_found`, `ambiguous`, `transform_unknown`,
`transform_refused` (XSLT), `xpath_unusable`, `canonicalization_unknown`, `not_canonical`,
`not_base64`, `not_xml`, `too_much`.
Source: W3C XML Signature 1.1 §4.4.3 (reference processing), §6.6; XML-Signature XPath Filter 2.0.
Not here: what is signed, and whether any digest is right; XPath (`xml_xpath`).
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import BinaryIO, Final

from lxml import etree

from signing.errors import DocumentRefused
from signing.formats.xml_encoding import find_encoding, find_text
from signing.formats.xml_lexis import XML
from signing.formats.xml_names import (
    BASE64,
    C14N,
    DS,
    ENVELOPED,
    EXCLUSIVE_C14N,
    XPATH,
    XPATH_FILTER,
)
from signing.formats.xml_node_sets import C14N_11, NodeSet, canonical, find_canonicalization
from signing.formats.xml_tree import Attribute, Element, Node, read_tree
from signing.messages.xml_octets import MOST_PARTS, OctetsAsked, OctetsFound, Part, Wanted
from signing.parsing.xml_document import read_document, standing_alone
from signing.parsing.xml_xpath import Selection, select

_XSLT: Final = "http://www.w3.org/TR/1999/REC-xslt-19991116"
_EXCLUSIVE: Final = frozenset({EXCLUSIVE_C14N, f"{EXCLUSIVE_C14N}WithComments"})
_INCLUSIVE: Final = frozenset({C14N, f"{C14N}#WithComments", C14N_11, f"{C14N_11}#WithComments"})
_FORMS: Final = _EXCLUSIVE | _INCLUSIVE
_SIGNATURE: Final = f"{{{DS}}}Signature"
_TRANSFORMS: Final = f"{{{DS}}}Transforms/{{{DS}}}Transform"
_PREFIXES: Final = f"{{{EXCLUSIVE_C14N}}}InclusiveNamespaces"
_MOST_TRANSFORMS: Final = 16


class _Refusal(Exception):
    """There are no octets, and why."""


@dataclass(frozen=True, slots=True)
class Source:
    """A document, with its elements by their number."""

    raw: bytes = field(repr=False)
    tree: etree._ElementTree
    elements: list[etree._Element]
    ids: Mapping[str, list[int]]


@dataclass(frozen=True, slots=True)
class _Nodes:
    """Some nodes of it: everything in `apex` (None: everything) but what is left out."""

    source: Source
    apex: int | None = None
    with_comments: bool = True
    left_out: frozenset[int] = frozenset()
    selections: tuple[Selection, ...] = ()

    def has(self, node: Node | Attribute, around: Element | None, before: int) -> bool:
        """Whether every expression leaves a node."""
        return all(one.has(node, around, before) for one in self.selections)


def find_octets(asked: OctetsAsked, inputs: Sequence[memoryview], output: BinaryIO) -> OctetsFound:
    """Each of the parts that are wanted.

    Raises  DocumentRefused.
    """
    source = _read(bytes(inputs[0]), most_elements=asked.most_elements)
    signatures = [number for number, one in enumerate(source.elements) if one.tag == _SIGNATURE]
    if len(signatures) > MOST_PARTS:
        raise DocumentRefused("too_many_signatures")
    parts, written = [], 0
    for wanted in asked.wanted:
        try:
            octets = _octets(wanted, source, inputs)
        except _Refusal as refusal:
            parts.append(Part(refused=str(refusal)))
            continue
        except DocumentRefused as refusal:
            parts.append(Part(refused=refusal.reason))
            continue
        size = len(octets) if wanted.is_written else 0
        written += size
        if written > asked.most_written:
            raise DocumentRefused("too_large")
        if size:
            output.write(octets)
        parts.append(Part(len(octets), hashlib.sha256(octets).digest(), written=size))
    return OctetsFound(len(source.elements), tuple(signatures), tuple(parts))


def warm_up() -> None:
    """One document with everything, and one that is refused."""
    raw = (
        f'<a xmlns:d="{DS}"><b Id="b">YQ==</b><d:Reference URI="#b"><d:Transforms>'
        f'<d:Transform Algorithm="{XPATH}"><d:XPath>not(ancestor-or-self::d:x) and here()</d:XPath>'
        f'</d:Transform><d:Transform Algorithm="{XPATH_FILTER}"><XPath xmlns="{XPATH_FILTER}"'
        f' Filter="subtract">//d:x</XPath></d:Transform><d:Transform Algorithm="{BASE64}"/>'
        "</d:Transforms></d:Reference></a>"
    ).encode()
    everything = tuple(Wanted(0, one) for one in sorted(_FORMS))
    asked = OctetsAsked((*everything, Wanted(2, C14N, is_reference=True)), 100, 1_000)
    find_octets(asked, [memoryview(raw)], io.BytesIO())


def _read(raw: bytes, *, most_elements: int) -> Source:
    if find_encoding(raw) is None:
        text = find_text(raw)
        if text is None:
            raise DocumentRefused("encoding_unknown")
        # the library reads such encodings from files, which it cannot open here
        raw = text[text.index("?>") + 2 :].lstrip().encode()
    tree = read_document(raw, most_elements=most_elements)
    elements = _elements(tree)
    ids: dict[str, list[int]] = {}
    for number, one in enumerate(elements):
        for value in {value for key, value in one.attrib.items() if _is_id(str(key))}:
            ids.setdefault(str(value), []).append(number)
    return Source(raw, tree, elements, ids)


def _elements(tree: etree._ElementTree) -> list[etree._Element]:
    return [one for one in tree.getroot().iter() if isinstance(one.tag, str)]


def _is_id(key: str) -> bool:
    return key.rpartition("}")[2].lower() == "id"


def _octets(wanted: Wanted, source: Source, inputs: Sequence[memoryview]) -> bytes:
    if not 0 <= wanted.element < len(source.elements):
        raise _Refusal("not_found")
    if not wanted.is_reference:
        nodes = _Nodes(source, apex=wanted.element)
        return _written(nodes, wanted.algorithm, frozenset(wanted.prefixes))
    reference = source.elements[wanted.element]
    value: _Nodes | bytes
    value = bytes(inputs[wanted.beside]) if wanted.beside else _target(reference, source)
    transforms = reference.findall(_TRANSFORMS)
    namespace = etree.QName(reference).namespace
    if namespace != DS:  # XAdES 1.1.1, which has the list in its own
        transforms += reference.findall(f"{{{namespace or ''}}}Transforms/{{{DS}}}Transform")
    if len(transforms) > _MOST_TRANSFORMS:
        raise _Refusal("too_much")
    for transform in transforms:
        value = _transformed(value, transform, source, wanted.signature)
    return value if isinstance(value, bytes) else _written(value, wanted.algorithm, frozenset())


def _target(reference: etree._Element, source: Source) -> _Nodes:
    uri = reference.get("URI", reference.get("uri"))
    if uri == "":
        return _Nodes(source, with_comments=False)
    if uri == "#xpointer(/)":
        return _Nodes(source)
    if uri is None or not uri.startswith("#"):
        raise _Refusal("not_found")
    named, with_comments = uri[1:], False
    if named.startswith("xpointer(id(") and named.endswith("))"):
        named, with_comments = named[12:-2].strip("'\""), True
    found = source.ids.get(named, [])
    if len(found) != 1:
        raise _Refusal("ambiguous" if found else "not_found")
    return _Nodes(source, apex=found[0], with_comments=with_comments)


def _transformed(
    value: _Nodes | bytes, transform: etree._Element, source: Source, signature: int
) -> _Nodes | bytes:
    algorithm = transform.get("Algorithm", "")
    if algorithm == _XSLT:
        raise _Refusal("transform_refused")
    if algorithm == BASE64:
        return _decoded(value)
    if algorithm not in _FORMS | {ENVELOPED, XPATH, XPATH_FILTER}:
        raise _Refusal("transform_unknown")
    nodes = _Nodes(_read(value, most_elements=250_000)) if isinstance(value, bytes) else value
    if algorithm in _FORMS:
        listed = transform.find(_PREFIXES)
        prefixes = "" if listed is None else listed.get("PrefixList", "")
        return _written(
            nodes, algorithm, frozenset(prefixes.replace("#default", " #default ").split())
        )
    if algorithm == ENVELOPED:
        if nodes.source is not source or signature < 0:
            raise _Refusal("not_found")
        return replace(nodes, left_out=nodes.left_out | {signature})
    here = transform.find(f"{{{DS}}}XPath") if algorithm == XPATH else None
    expressions = [here] if here is not None else transform.findall(f"{{{XPATH_FILTER}}}XPath")
    try:
        found = select(nodes.source.tree, nodes.source.elements, expressions)
    except (ValueError, etree.XPathError) as unusable:
        raise _Refusal("xpath_unusable") from unusable
    if isinstance(found, frozenset):
        return replace(nodes, left_out=nodes.left_out | found)
    return replace(nodes, selections=(*nodes.selections, found))


def _decoded(value: _Nodes | bytes) -> bytes:
    if isinstance(value, _Nodes):
        if value.selections:
            raise _Refusal("xpath_unusable")
        if _is_gone(value):
            return b""
        raw = str(_part(value).getroot().xpath("string()")).encode()
    else:
        raw = value
    try:
        return base64.b64decode(b"".join(raw.split()), validate=True)
    except (binascii.Error, ValueError) as malformed:
        raise _Refusal("not_base64") from malformed


def _written(nodes: _Nodes, algorithm: str, prefixes: frozenset[str]) -> bytes:
    if algorithm not in _FORMS:
        raise _Refusal("canonicalization_unknown")
    if _is_gone(nodes):
        return b""
    if nodes.selections or "#default" in prefixes:
        return _written_by_hand(nodes, algorithm, prefixes)
    with_comments = algorithm.endswith("WithComments") and nodes.with_comments
    is_exclusive = algorithm in _EXCLUSIVE
    written = io.BytesIO()
    try:
        _part(nodes, algorithm).write_c14n(
            written,
            exclusive=is_exclusive,
            with_comments=with_comments,
            inclusive_ns_prefixes=sorted(prefixes) if is_exclusive and prefixes else None,
        )
    except (etree.C14NError, ValueError) as unusable:
        raise _Refusal("not_canonical") from unusable
    return written.getvalue()


def _is_gone(nodes: _Nodes) -> bool:
    """Whether what it is about was left out, by itself or with something around it."""
    if nodes.apex is None or not nodes.left_out:
        return False
    apex = nodes.source.elements[nodes.apex]
    left_out = {nodes.source.elements[number] for number in nodes.left_out}
    return any(one in left_out for one in (apex, *apex.iterancestors()))


def _part(nodes: _Nodes, algorithm: str = EXCLUSIVE_C14N) -> etree._ElementTree:
    """A document of these nodes alone."""
    source = nodes.source
    tree, left_out = source.tree, nodes.left_out
    elements = source.elements
    if left_out:
        tree = read_document(source.raw, most_elements=len(elements))
        elements = _elements(tree)
        for number in sorted(left_out, reverse=True):
            if elements[number].getparent() is None:
                raise _Refusal("not_canonical")
            _remove(elements[number])
    if nodes.apex is None:
        return tree
    of_11 = {f"{{{XML}}}lang", f"{{{XML}}}space"}

    def inherits(name: str) -> bool:
        if algorithm in _EXCLUSIVE:
            return False
        return name in of_11 or not algorithm.startswith(C14N_11)

    return standing_alone(elements[nodes.apex], inherits=inherits).getroottree()


def _written_by_hand(nodes: _Nodes, algorithm: str, prefixes: frozenset[str]) -> bytes:
    """Sets of nodes, and a list of prefixes, that the library does not write."""
    text = find_text(nodes.source.raw)
    form = find_canonicalization(
        algorithm, prefixes=frozenset("" if one == "#default" else one for one in prefixes)
    )
    if text is None or form is None:
        raise _Refusal("not_canonical")
    tree = read_tree(text)
    chosen = NodeSet(
        tree,
        apex=None if nodes.apex is None else tree.elements[nodes.apex],
        with_comments=nodes.with_comments,
        left_out=nodes.left_out,
        selects=nodes.has if nodes.selections else None,
    )
    return canonical(chosen, by=form)


def _remove(node: etree._Element) -> None:
    """Take an element out; the text behind it stays."""
    parent, before = node.getparent(), node.getprevious()
    if before is None:
        parent.text = (parent.text or "") + (node.tail or "")
    else:
        before.tail = (before.tail or "") + (node.tail or "")
    node.tail = None
    parent.remove(node)
