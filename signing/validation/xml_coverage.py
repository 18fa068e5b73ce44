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
    """Of one document, by all of its signatures."""

    def __init__(self, tree: Tree) -> None:
        self._tree = tree
        self._in_signature = bytearray(len(tree.elements))
        for one in tree.elements:
            if one.name == SIGNATURE and not self._in_signature[one.number]:
                self._fill(self._in_signature, one.number, one.last)
        self._by_any = bytearray(len(tree.elements))
        self._by: dict[int, bytearray] = {}

    def add(self, signature: Element, referenced: Iterable[Referenced]) -> None:
        """Take what one signature stands for."""
        covered = bytearray(len(self._tree.elements))
        for one in referenced:
            if one.nodes is not None and one.nodes.tree is self._tree and not one.nodes.is_empty:
                self._mark(covered, one.nodes)
        self._by[signature.number] = covered
        self._by_any = bytearray(a | b for a, b in zip(self._by_any, covered, strict=True))

    def doubts_about(
        self, signature: Element, referenced: Sequence[Referenced]
    ) -> tuple[Reason, ...]:
        """What there is to say when all signatures were added."""
        covered = self._by[signature.number]
        found = []
        is_told = not any(one.is_taken for one in referenced)
        if is_told and any(
            not covered[one.number] and not self._in_signature[one.number]
            for one in self._tree.elements
            if not self._is_mere_frame(one)
        ):
            found.append(because("covers_only_part", root=self._tree.root.local[:_LONGEST_NAME]))
        for one in referenced:
            if one.target is not None and self._has_twin(one.target, signature, covered):
                name = one.target.local[:_LONGEST_NAME]
                found.append(because("signature_wrapped", part=name))
                break
        return tuple(found)

    def _has_twin(self, target: Element, signature: Element, covered: bytearray) -> bool:
        """Whether something of the name of what was signed stands there and nobody signed it."""
        if target.name[0] == DS:
            # what stands in an object of a signature that is itself inside of another document
            inner = next(target.elements(), None)
            if inner is None or signature.parent is None or not signature.holds(target):
                return False
            target = inner
        return any(
            one.name == target.name
            and not covered[one.number]
            and not self._by_any[one.number]
            and not signature.holds(one)
            for one in self._tree.elements
        )

    def _is_mere_frame(self, element: Element) -> bool:
        """Whether it holds signatures and nothing else, and says nothing by itself."""
        return all(
            self._in_signature[one.number] if isinstance(one, Element) else not str(one).strip()
            for one in element.children
        )

    def _mark(self, covered: bytearray, nodes: NodeSet) -> None:
        top = nodes.top
        self._fill(covered, top.number, top.last)
        for number in nodes.left_out:
            if top.number <= number <= top.last:
                left = self._tree.elements[number]
                covered[left.number : left.last + 1] = bytes(left.last + 1 - left.number)

    @staticmethod
    def _fill(marks: bytearray, first: int, last: int) -> None:
        marks[first : last + 1] = b"\x01" * (last + 1 - first)
