"""What of a document an XML signature stands for, and whether it was put somewhere else.

What lives here: how a signature and what it signed stand to each other, parts of a document for
which no signature stands, and the marks of signature wrapping: what was signed was moved aside, and
something of the same name stands where a reader looks for it.
Source: W3C XML Signature Best Practices §2; McIntosh, Austel, *XML signature element wrapping
attacks* (2005); Somorovsky et al., *On breaking SAML* (2012: the eight kinds).
Not here: digests.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Final

from signing.formats.xml_names import DS
from signing.formats.xml_node_sets import NodeSet
from signing.formats.xml_tree import Element, Tree
from signing.validation.found import Packaging
from signing.validation.verdict import Reason, because
from signing.validation.xml_octets import Referenced
from signing.validation.xml_parts import SIGNATURE

_LONGEST_NAME: Final = 100


def packaging_of(signature: Element, referenced: Sequence[Referenced]) -> Packaging:
    """Where what was signed stands, by the first reference that is about a document."""
    for one in referenced:
        if one.target is None:
            return Packaging.DETACHED
        if one.target.holds(signature):
            return Packaging.ENVELOPED
        if signature.holds(one.target):
            return Packaging.ENVELOPING
        return Packaging.INTERNALLY_DETACHED
    return Packaging.DETACHED


class Coverage:
    """Of one document, by all of its signatures.

    Sets of elements are numbers with an octet for each, so that those of many signatures are
    compared in a few steps.
    """

    def __init__(self, tree: Tree) -> None:
        self._tree = tree
        in_signature = bytearray(len(tree.elements))
        for one in tree.elements:
            if one.name == SIGNATURE and not in_signature[one.number]:
                _fill(in_signature, one.number, one.last)
        plain = bytearray(
            not in_signature[one.number] and not _is_mere_frame(one, in_signature)
            for one in tree.elements
        )
        self._plain = _as_set(plain)
        self._by_any = 0
        self._by: dict[int, int] = {}
        self._named: dict[tuple[str, str], int] = {}

    def add(self, signature: Element, referenced: Iterable[Referenced]) -> None:
        """Take what one signature stands for."""
        covered = bytearray(len(self._tree.elements))
        for one in referenced:
            if one.nodes is not None and one.nodes.tree is self._tree and not one.nodes.is_empty:
                self._mark(covered, one.nodes)
        self._by[signature.number] = _as_set(covered)
        self._by_any |= self._by[signature.number]

    def doubts_about(
        self, signature: Element, referenced: Sequence[Referenced]
    ) -> tuple[Reason, ...]:
        """What there is to say when all signatures were added."""
        found = []
        is_told = not any(one.is_taken for one in referenced)
        if is_told and self._plain & ~self._by[signature.number]:
            found.append(because("covers_only_part", root=self._tree.root.local[:_LONGEST_NAME]))
        for one in referenced:
            if one.target is not None and self._has_twin(one.target, signature):
                name = one.target.local[:_LONGEST_NAME]
                found.append(because("signature_wrapped", part=name))
                break
        return tuple(found)

    def _has_twin(self, target: Element, signature: Element) -> bool:
        """Whether something of the name of what was signed stands there and nobody signed it."""
        if target.namespace == DS:
            # what stands in an object of a signature that is itself inside of another document
            inner = next(target.elements(), None)
            if inner is None or signature.parent is None or not signature.holds(target):
                return False
            target = inner
        if target.name not in self._named:
            marks = bytearray(one.name == target.name for one in self._tree.elements)
            self._named[target.name] = _as_set(marks)
        own = bytearray(len(self._tree.elements))
        _fill(own, signature.number, signature.last)
        return bool(self._named[target.name] & ~self._by_any & ~_as_set(own))

    def _mark(self, covered: bytearray, nodes: NodeSet) -> None:
        top = nodes.top
        _fill(covered, top.number, top.last)
        for number in nodes.left_out:
            if top.number <= number <= top.last:
                left = self._tree.elements[number]
                covered[left.number : left.last + 1] = bytes(left.last + 1 - left.number)


def _is_mere_frame(element: Element, in_signature: bytearray) -> bool:
    """Whether it holds signatures and nothing else, and says nothing by itself."""
    return all(
        in_signature[one.number] if isinstance(one, Element) else not str(one).strip()
        for one in element.children
    )


def _fill(marks: bytearray, first: int, last: int) -> None:
    marks[first : last + 1] = b"\x01" * (last + 1 - first)


def _as_set(marks: bytearray) -> int:
    return int.from_bytes(marks, "little")
