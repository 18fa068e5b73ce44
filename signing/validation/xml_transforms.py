"""What the transforms of a reference leave, by code in which nothing can overflow.

What lives here: one transform after the other on our own tree; the two expressions of XPath that
are in use for leaving signatures out are understood as what they mean.  What is not understood is
`NotOurs`: then only whoever stands behind the walls can tell.
Source: W3C XML Signature 1.1 §4.4.3.2, §6.6; XML-Signature XPath Filter 2.0 §3.
Not here: what a reference points to (`xml_octets`).
"""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Sequence
from typing import Final

from signing.errors import ParsingFailed
from signing.formats.xml_encoding import find_text
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
from signing.formats.xml_node_sets import NodeSet, canonical, find_canonicalization
from signing.formats.xml_tree import Element, read_tree

XSLT: Final = "http://www.w3.org/TR/1999/REC-xslt-19991116"
FILTERS: Final = frozenset({ENVELOPED, XPATH, XPATH_FILTER})
"""Those that leave nodes out and write nothing."""
_MOST_TRANSFORMS: Final = 16
_NOT_AROUND: Final = re.compile(r"not\(ancestor-or-self::([\w.-]+):([\w.-]+)\)")
_ALL_OF: Final = re.compile(r"(/descendant::|//|/\*/)([\w.-]+):([\w.-]+)")
_ALL_NAMED: Final = re.compile(r"(?:/descendant::|//)\*\[name\(\)=(['\"])([\w.:-]+)\1\]")
_MOST_EXPRESSIONS: Final = 16


class Unavailable(Exception):
    """There are no octets; `reason` is a stable code."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class NotOurs(Exception):
    """Something that this side does not compute."""


def transformed(
    value: NodeSet | bytes, transforms: Sequence[Element], *, signature: Element | None
) -> NodeSet | bytes:
    """What is left of it.

    Takes   transforms: ds:Transform elements; signature: the one that they belong to.
    Raises  Unavailable; NotOurs.
    """
    if len(transforms) > _MOST_TRANSFORMS:
        raise Unavailable("too_much")
    own = value.tree if isinstance(value, NodeSet) else None
    for transform in transforms:
        algorithm = transform.get("Algorithm")
        if algorithm == XSLT:
            raise Unavailable("transform_refused")
        if algorithm == BASE64:
            value = decoded(value.text() if isinstance(value, NodeSet) else value)
            continue
        nodes = _parsed(value) if isinstance(value, bytes) else value
        if algorithm == ENVELOPED:
            if signature is None or nodes.tree is not own:
                raise Unavailable("not_found")
            value = nodes.without(frozenset({signature.number}))
        elif algorithm in {XPATH, XPATH_FILTER}:
            value = nodes.without(_left_out(nodes, transform, algorithm))
        else:
            value = written(nodes, algorithm, prefixes=prefixes_of(transform))
    return value


def written(nodes: NodeSet, algorithm: str, *, prefixes: frozenset[str] = frozenset()) -> bytes:
    """The canonical form by an algorithm.

    Raises  Unavailable.
    """
    form = find_canonicalization(algorithm, prefixes=prefixes)
    if form is None:
        known = algorithm.startswith((C14N, EXCLUSIVE_C14N))
        raise Unavailable("canonicalization_unknown" if known else "transform_unknown")
    if nodes.apex is None and nodes.tree.root.number in nodes.left_out:
        raise Unavailable("not_canonical")
    if form.is_11 and nodes.apex is not None and any(map(_has_base, nodes.apex.ancestors())):
        # addresses would have to be joined, which nobody does in practice
        raise Unavailable("canonicalization_unknown")
    try:
        return canonical(nodes, by=form)
    except UnicodeEncodeError as half:
        raise Unavailable("not_canonical") from half


def _has_base(element: Element) -> bool:
    return any(one.namespace == XML and one.local == "base" for one in element.attributes)


def prefixes_of(method: Element) -> frozenset[str]:
    """The PrefixList of a method of exclusive canonicalization; empty for #default."""
    listed = method.first((EXCLUSIVE_C14N, "InclusiveNamespaces"))
    words = () if listed is None else listed.get("PrefixList").split()
    return frozenset("" if one == "#default" else one for one in words)


def decoded(text: str | bytes) -> bytes:
    """What base64 stands for; white space is of no account.

    Raises  Unavailable.
    """
    raw = text.encode() if isinstance(text, str) else text
    try:
        return base64.b64decode(b"".join(raw.split()), validate=True)
    except (binascii.Error, ValueError) as malformed:
        raise Unavailable("not_base64") from malformed


def _parsed(octets: bytes) -> NodeSet:
    text = find_text(octets)
    if text is None:
        raise Unavailable("not_xml")
    try:
        return NodeSet(read_tree(text))
    except ParsingFailed as malformed:
        raise Unavailable("not_xml") from malformed


def _left_out(nodes: NodeSet, transform: Element, algorithm: str) -> frozenset[int]:
    """Numbers of the elements that an expression leaves out with everything in them.

    Raises  NotOurs.
    """
    if algorithm == XPATH:
        return _without_around(nodes, transform)
    expressions = transform.named((XPATH_FILTER, "XPath"))
    if not 0 < len(expressions) <= _MOST_EXPRESSIONS:
        raise NotOurs
    found: set[int] = set()
    for one in expressions:
        if one.get("Filter") != "subtract":
            raise NotOurs
        said = "".join(one.text().split())
        if match := _ALL_OF.fullmatch(said):
            named = _named(nodes, one, match[2], match[3])
            if match[1] == "/*/":
                named = {number for number in named if _is_below_root(nodes, number)}
            found |= named
        elif match := _ALL_NAMED.fullmatch(said):
            prefix, _, local = match[2].rpartition(":")
            found.update(
                node.number
                for node in nodes.tree.elements
                if (node.prefix, node.local) == (prefix, local)
            )
        else:
            raise NotOurs
    return frozenset(found)


def _without_around(nodes: NodeSet, transform: Element) -> frozenset[int]:
    expression = transform.first((DS, "XPath"))
    if expression is None:
        raise NotOurs
    found: set[int] = set()
    for said in " ".join(expression.text().split()).split(" and "):
        match = _NOT_AROUND.fullmatch(said.replace(" ", ""))
        if match is None:
            raise NotOurs
        found |= _named(nodes, expression, match[1], match[2])
    return frozenset(found)


def _is_below_root(nodes: NodeSet, number: int) -> bool:
    return nodes.tree.elements[number].parent is nodes.tree.root


def _named(nodes: NodeSet, expression: Element, prefix: str, local: str) -> set[int]:
    namespace = expression.scope.get(prefix)
    if namespace is None:
        raise NotOurs
    return {one.number for one in nodes.tree.elements if one.name == (namespace, local)}
