"""Sets of nodes of a document, and their canonical forms.

What lives here: `NodeSet`, which is a document or an element with some subtrees left out, and
`canonical`, in plain Python.  Both sides of the walls can use it: the service to check what it is
told, whoever parses for sets that its library cannot write.
Source: W3C Canonical XML 1.0 §2.3, §2.4; Canonical XML 1.1 §2.4; Exclusive XML Canonicalization 1.0
§3 (InclusiveNamespaces PrefixList); XML Signature 1.1 §4.4.3.3.
Not here: reading (`xml_tree`); which nodes a transform leaves.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Final

from signing.formats.xml_lexis import XML
from signing.formats.xml_names import C14N, EXCLUSIVE_C14N
from signing.formats.xml_text import escape_text, escape_value
from signing.formats.xml_tree import Attribute, Comment, Element, Instruction, Node, Tree

C14N_11: Final = "http://www.w3.org/2006/12/xml-c14n11"
_INHERITED_11: Final = frozenset({"lang", "space"})


@dataclass(frozen=True, slots=True)
class Canonicalization:
    """One of the six ways to write a set of nodes; prefixes: of the PrefixList, `` for #default."""

    is_exclusive: bool
    with_comments: bool
    is_11: bool = False
    prefixes: frozenset[str] = frozenset()


_FORMS: Final[Mapping[str, Canonicalization]] = {
    C14N: Canonicalization(is_exclusive=False, with_comments=False),
    f"{C14N}#WithComments": Canonicalization(is_exclusive=False, with_comments=True),
    C14N_11: Canonicalization(is_exclusive=False, with_comments=False, is_11=True),
    f"{C14N_11}#WithComments": Canonicalization(is_exclusive=False, with_comments=True, is_11=True),
    EXCLUSIVE_C14N: Canonicalization(is_exclusive=True, with_comments=False),
    f"{EXCLUSIVE_C14N}WithComments": Canonicalization(is_exclusive=True, with_comments=True),
}


def find_canonicalization(
    algorithm: str, *, prefixes: frozenset[str] = frozenset()
) -> Canonicalization | None:
    """By its identifier, or None; only the exclusive ones take prefixes."""
    found = _FORMS.get(algorithm)
    if found is None or not found.is_exclusive:
        return found
    return replace(found, prefixes=prefixes)


@dataclass(frozen=True, slots=True)
class NodeSet:
    """Some nodes of a document.

    Takes   apex: the element that it is about, None for the document with what stands around its
            root; with_comments: False leaves all of them out; left_out: numbers of elements of
            which nothing is in it; selects: which other nodes are in it, each with the element
            around it (for an attribute the one that has it) and how many nodes that are no text
            stand before it in there; None when all are.
    """

    tree: Tree = field(repr=False)
    apex: Element | None = None
    with_comments: bool = True
    left_out: frozenset[int] = frozenset()
    selects: Callable[[Node | Attribute, Element | None, int], bool] | None = field(
        default=None, repr=False
    )

    def without(self, numbers: frozenset[int]) -> NodeSet:
        """The same with more left out."""
        return replace(self, left_out=self.left_out | numbers)

    @property
    def top(self) -> Element:
        """The outermost element."""
        return self.apex or self.tree.root

    @property
    def is_empty(self) -> bool:
        """Whether what it is about was left out, by itself or with something around it."""
        top = self.top
        return any(one.number in self.left_out for one in (top, *top.ancestors()))

    def text(self) -> str:
        """The text of all text nodes in it, in order."""
        found: list[str] = []
        if not self.is_empty:
            self._collect(self.top, found)
        return "".join(found)

    def _collect(self, element: Element, found: list[str]) -> None:
        if element.number in self.left_out:
            return
        before = 0
        for child in element.children:
            if isinstance(child, str):
                if self.selects is None or self.selects(child, element, before):
                    found.append(child)
                continue
            before += 1
            if isinstance(child, Element):
                self._collect(child, found)


def canonical(nodes: NodeSet, *, by: Canonicalization) -> bytes:
    """The canonical form, UTF-8.

    Raises  UnicodeEncodeError for half a character, which no well-formed document has.
    """
    return _Writer(nodes, by).write()


class _Writer:
    def __init__(self, nodes: NodeSet, by: Canonicalization) -> None:
        self._nodes = nodes
        self._by = by
        self._written: list[str] = []
        self._has_comments = by.with_comments and nodes.with_comments

    def write(self) -> bytes:
        nodes = self._nodes
        if nodes.is_empty:
            return b""
        if nodes.apex is None:
            for one in nodes.tree.before:
                self._outside(one, "{}\n")
        self._element(nodes.top, {}, is_orphan=nodes.apex is not None)
        if nodes.apex is None:
            for one in nodes.tree.behind:
                self._outside(one, "\n{}")
        return "".join(self._written).encode()

    def _outside(self, node: Comment | Instruction, form: str) -> None:
        text = self._markup(node, None, 0)
        if text:
            self._written.append(form.format(text))

    def _markup(self, node: Comment | Instruction, around: Element | None, before: int) -> str:
        selects = self._nodes.selects
        if selects is not None and not selects(node, around, before):
            return ""
        if isinstance(node, Comment):
            text = node.text.replace("\r", "&#xD;")
            return f"<!--{text}-->" if self._has_comments else ""
        data = node.data.replace("\r", "&#xD;")
        return f"<?{node.target} {data}?>" if data else f"<?{node.target}?>"

    def _element(self, element: Element, outer: Mapping[str, str], *, is_orphan: bool) -> None:
        """Takes   outer: namespaces as they are written around; is_orphan: parent is not in it."""
        nodes = self._nodes
        if element.number in nodes.left_out:
            return
        selects = nodes.selects
        is_in = selects is None or selects(element, element.parent, 0)
        name = f"{element.prefix}:{element.local}" if element.prefix else element.local
        if is_in:
            outer = self._start(element, name, outer, is_orphan=is_orphan)
        written = self._written
        before = 0
        for child in element.children:
            if isinstance(child, str):
                if selects is None or selects(child, element, before):
                    written.append(escape_text(child))
                continue
            if isinstance(child, Element):
                self._element(child, outer, is_orphan=not is_in)
            else:
                written.append(self._markup(child, element, before))
            before += 1
        if is_in:
            written.append(f"</{name}>")

    def _start(
        self, element: Element, name: str, outer: Mapping[str, str], *, is_orphan: bool
    ) -> Mapping[str, str]:
        selects = self._nodes.selects
        attributes = [
            one for one in element.attributes if selects is None or selects(one, element, 0)
        ]
        self._written.append(f"<{name}")
        scope = element.scope
        inner = outer
        if scope is not outer:
            wanted = self._wanted(element, attributes)
            new = {
                prefix: scope[prefix]
                for prefix in sorted(wanted)
                if scope[prefix] != outer.get(prefix, "") and prefix != "xml"
            }
            self._written.extend(
                f' xmlns:{prefix}="{escape_value(uri)}"'
                if prefix
                else f' xmlns="{escape_value(uri)}"'
                for prefix, uri in new.items()
            )
            inner = scope if not self._by.is_exclusive else {**outer, **new} if new else outer
        if is_orphan and not self._by.is_exclusive:
            attributes += self._inherited(element)
        if len(attributes) > 1:
            attributes.sort(key=lambda one: one[:2])
        for one in attributes:
            key = f"{one.prefix}:{one.local}" if one.prefix else one.local
            self._written.append(f' {key}="{escape_value(one.value)}"')
        self._written.append(">")
        return inner

    def _wanted(self, element: Element, attributes: list[Attribute]) -> set[str]:
        if not self._by.is_exclusive:
            return set(element.scope)
        used = {element.prefix, *(one.prefix for one in attributes if one.prefix)}
        return used | (self._by.prefixes & element.scope.keys())

    def _inherited(self, element: Element) -> list[Attribute]:
        """Attributes of the namespace `xml` of what is around an element and not written."""
        present = {one.local for one in element.attributes if one.namespace == XML}
        found = []
        for around in element.ancestors():
            for one in around.attributes:
                if one.namespace != XML or one.local in present:
                    continue
                present.add(one.local)
                if not self._by.is_11 or one.local in _INHERITED_11:
                    found.append(one)
        return found
